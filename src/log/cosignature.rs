//! Cosignatures of witnesses: C2SP tlog-cosignature, `cosignature/v1` by Ed25519, lines of the signed note that a checkpoint is.
//! Must not know how a witness came to its judgement.

use super::checkpoint::{CheckpointError, halves, key_id, signature_line};
use super::hex;
use super::keys::{PublicKey, SecretKey, Signature};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::fmt;
use std::str::FromStr;

/// As in keys of signed notes.
const COSIGNATURE: u8 = 4;
const NAME_BYTES_MAX: usize = 128;
const SHAPE: &str = "a witness is NAME+HASH+KEY, as `airlock witness` prints it: an Ed25519 key of cosignature/v1 under a name of \
    letters, digits, dots, dashes, underscores and slashes";

/// Somebody whose cosignature counts: a name and a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    name: String,
    key: PublicKey,
}

impl Witness {
    /// A witness of this name, which is a part of a path as well.
    pub fn new(name: &str, key: PublicKey) -> Result<Self, &'static str> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let part =
            |part: &str| !part.is_empty() && !part.starts_with('.') && part.chars().all(plain);
        if name.len() > NAME_BYTES_MAX || !name.split('/').all(part) {
            return Err(SHAPE);
        }
        Ok(Self { name: name.to_owned(), key })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its key.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Where its newest cosigned checkpoint lies beside the log's own.
    #[must_use]
    pub fn path(&self) -> String {
        format!("witness/{}", self.name)
    }

    fn id(&self) -> [u8; 4] {
        key_id(&self.name, COSIGNATURE, &self.key)
    }

    /// The note with this witness's cosignature at the end, made at this second.
    pub fn cosign(
        &self,
        note: &str,
        key: &SecretKey,
        at_s: u64,
    ) -> Result<String, CheckpointError> {
        let (text, _) = halves(note)?;
        let signature = key.sign(message(text, at_s).as_bytes());
        let (id, at) = (self.id(), at_s.to_be_bytes());
        let line = BASE64.encode([&id, at.as_slice(), signature.as_bytes()].concat());
        Ok(format!("{note}\u{2014} {} {line}\n", self.name))
    }

    /// This witness's line in a note, and the second in which it was made; none where it has none, an error where one is wrong.
    pub fn cosigned(&self, note: &str) -> Result<Option<(String, u64)>, CheckpointError> {
        let (text, lines) = halves(note)?;
        for line in lines.lines() {
            let (name, id, made) = signature_line(line)?;
            if name != self.name || id != self.id() {
                continue;
            }
            let (at, signature) =
                made.split_first_chunk::<8>().ok_or(CheckpointError::BadSignature)?;
            let signature =
                <[u8; 64]>::try_from(signature).map_err(|_| CheckpointError::BadSignature)?;
            let at_s = u64::from_be_bytes(*at);
            let good = i64::try_from(at_s).is_ok()
                && self
                    .key
                    .verifies(message(text, at_s).as_bytes(), &Signature::from_bytes(signature));
            return if good {
                Ok(Some((line.to_owned(), at_s)))
            } else {
                Err(CheckpointError::BadSignature)
            };
        }
        Ok(None)
    }
}

/// The text that two notes sign, where it is the same.
#[must_use]
pub fn same_head(one: &str, other: &str) -> bool {
    matches!((halves(one), halves(other)), (Ok((one, _)), Ok((other, _))) if one == other)
}

fn message(text: &str, at_s: u64) -> String {
    format!("cosignature/v1\ntime {at_s}\n{text}")
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encoded = BASE64.encode([&[COSIGNATURE], self.key.as_bytes().as_slice()].concat());
        write!(f, "{}+{}+{encoded}", self.name, hex::encode(&self.id()))
    }
}

impl FromStr for Witness {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(SHAPE);
        };
        let raw = BASE64.decode(encoded).map_err(|_| SHAPE)?;
        let key = match raw.split_first() {
            Some((&COSIGNATURE, key)) => <[u8; 32]>::try_from(key).ok(),
            Some(_) | None => None,
        };
        let key = key.and_then(|key| PublicKey::from_bytes(&key)).ok_or(SHAPE)?;
        let witness = Self::new(name, key)?;
        if hex::encode(&witness.id()) == id { Ok(witness) } else { Err(SHAPE) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Checkpoint;
    use super::super::tree::leaf_hash;
    use super::*;

    fn witness(seed: u8) -> (Witness, SecretKey) {
        let key = SecretKey::from_seed([seed; 32]);
        (Witness::new("brand.example/w1", key.public()).unwrap(), key)
    }

    fn note(size: u64) -> (String, SecretKey) {
        let collaboration = "spring".parse().unwrap();
        let gateway = SecretKey::from_seed([3; 32]);
        (Checkpoint { collaboration, size, root: leaf_hash(b"x") }.sign(&gateway), gateway)
    }

    #[test]
    fn a_cosignature_is_found_beside_the_logs_own_and_no_byte_of_it_may_differ() {
        let ((witness, key), (note, gateway)) = (witness(5), note(7));
        assert_eq!(witness.cosigned(&note), Ok(None));
        let cosigned = witness.cosign(&note, &key, 1_679_315_147).unwrap();
        let (line, at_s) = witness.cosigned(&cosigned).unwrap().unwrap();
        assert_eq!(at_s, 1_679_315_147);
        assert_eq!(format!("{note}{line}\n"), cosigned);
        let spring = "spring".parse().unwrap();
        assert_eq!(Checkpoint::verify(&cosigned, &gateway.public(), &spring).unwrap().size, 7);
        let (stranger, _) = tests::witness(6);
        assert_eq!(stranger.cosigned(&cosigned), Ok(None), "another key of that name");
        let found = |note: &str| matches!(witness.cosigned(note), Ok(Some(_)));
        assert!(found(&cosigned));
        for at in 0..cosigned.len() {
            let mut bytes = cosigned.clone().into_bytes();
            bytes[at] ^= 1;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            // What the log's own signature says is not for a witness to say again.
            let own = at > note.find("\n\n").unwrap() + 1 && at < note.len();
            assert!(own || !found(&text), "byte {at}");
        }
    }

    #[test]
    fn a_cosignature_of_another_head_or_time_is_none() {
        let ((witness, key), (seven, _), (eight, _)) = (witness(5), note(7), note(8));
        let line = witness.cosign(&seven, &key, 9).unwrap();
        let moved = line.replace(&seven, &eight);
        assert_eq!(witness.cosigned(&moved), Err(CheckpointError::BadSignature));
        assert!(same_head(&seven, &line) && !same_head(&seven, &eight) && !same_head("x", "x"));
        let beyond = witness.cosign(&seven, &key, u64::MAX).unwrap();
        assert_eq!(witness.cosigned(&beyond), Err(CheckpointError::BadSignature));
    }

    #[test]
    fn a_witness_is_written_and_read_and_its_name_is_a_path() {
        let (witness, _) = witness(5);
        assert_eq!(witness.to_string().parse(), Ok(witness.clone()));
        assert_eq!(witness.path(), "witness/brand.example/w1");
        let key = witness.key;
        for name in ["", "/", "a//b", "../a", "a/..", "a b", "a+b", ".a", "a\n", &"a".repeat(129)] {
            assert!(Witness::new(name, key).is_err(), "{name}");
        }
        let text = witness.to_string();
        let other = text.replacen("w1", "w2", 1);
        let plain = super::super::checkpoint::verifier_key(&"spring".parse().unwrap(), &key);
        for wrong in [other.as_str(), plain.as_str(), "a+b", "", &text[..text.len() - 4]] {
            assert!(wrong.parse::<Witness>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_key_hash_and_the_message_are_those_of_the_specification() {
        // The example of C2SP tlog-cosignature: its line carries the hash of the name and key, then the time.
        let line = "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==";
        let raw = BASE64.decode(line).unwrap();
        assert_eq!(raw.len(), 4 + 8 + 64);
        assert_eq!(u64::from_be_bytes(raw[4..12].try_into().unwrap()), 1_679_315_147);
        let text =
            "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        let wanted = format!("cosignature/v1\ntime 1679315147\n{text}");
        assert_eq!(message(text, 1_679_315_147), wanted);
    }
}
