//! Checkpoints: signed heads of a log, as C2SP tlog-checkpoint in a C2SP signed note. Must not know what leaves say.

use super::hex;
use super::keys::{PublicKey, SecretKey, Signature};
use super::tree::Hash;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use mappings::model::CollaborationId;
use sha2::{Digest as _, Sha256};

const ED25519: u8 = 1;
const NOTE_BYTES_MAX: usize = 16_384;

/// Why a note is not a good checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It is not a signed note with origin, size and root.
    #[error("the note is not a checkpoint")]
    Malformed,
    /// It speaks of another log.
    #[error("the checkpoint belongs to another log")]
    OtherLog,
    /// No line of it is by the expected key.
    #[error("the checkpoint is not signed by the expected key")]
    NotSigned,
    /// The signature is wrong.
    #[error("the checkpoint's signature is wrong")]
    BadSignature,
}

impl CheckpointError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "checkpoint-malformed",
            Self::OtherLog => "checkpoint-of-another-log",
            Self::NotSigned => "checkpoint-not-signed",
            Self::BadSignature => "checkpoint-signature-wrong",
        }
    }
}

/// The head of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose log; its origin line is `airlock/` and this.
    pub collaboration: CollaborationId,
    /// How many leaves.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// The origin line of a collaboration's log, which is also the name of its signing key.
#[must_use]
pub fn origin(collaboration: &CollaborationId) -> String {
    format!("airlock/{collaboration}")
}

/// The key as other checkers of signed notes take it: `name+hash+base64`.
#[must_use]
pub fn verifier_key(collaboration: &CollaborationId, key: &PublicKey) -> String {
    let name = origin(collaboration);
    let encoded = BASE64.encode([&[ED25519], key.as_bytes().as_slice()].concat());
    format!("{name}+{}+{encoded}", hex::encode(&key_hash(&name, key)))
}

fn key_hash(name: &str, key: &PublicKey) -> [u8; 4] {
    key_id(name, ED25519, key)
}

/// The identity of a key among signers of one name, by what it signs.
pub(super) fn key_id(name: &str, kind: u8, key: &PublicKey) -> [u8; 4] {
    let hash = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', kind])
        .chain_update(key.as_bytes())
        .finalize();
    hash.first_chunk::<4>().copied().unwrap_or_default()
}

impl Checkpoint {
    /// The signed text.
    #[must_use]
    pub fn text(&self) -> String {
        let root = BASE64.encode(self.root.as_bytes());
        format!("{}\n{}\n{root}\n", origin(&self.collaboration), self.size)
    }

    /// The signed note.
    #[must_use]
    pub fn sign(&self, key: &SecretKey) -> String {
        let (text, name) = (self.text(), origin(&self.collaboration));
        let signature = key.sign(text.as_bytes());
        let hash = key_hash(&name, &key.public());
        let line = BASE64.encode([hash.as_slice(), signature.as_bytes()].concat());
        format!("{text}\n\u{2014} {name} {line}\n")
    }

    /// Reads a note without judging its signatures.
    pub fn parse(note: &str) -> Result<Self, CheckpointError> {
        let (text, _) = halves(note)?;
        let mut lines = text.split('\n');
        let (origin, size, root) = (lines.next(), lines.next(), lines.next());
        let collaboration = origin
            .and_then(|line| line.strip_prefix("airlock/"))
            .and_then(|name| CollaborationId::new(name).ok());
        let root = root.and_then(|line| BASE64.decode(line).ok());
        let root = root.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()).map(Hash::from_bytes);
        let size = size.and_then(|line| line.parse().ok());
        let (Some(collaboration), Some(size), Some(root)) = (collaboration, size, root) else {
            return Err(CheckpointError::Malformed);
        };
        let read = Self { collaboration, size, root };
        if read.text() == text { Ok(read) } else { Err(CheckpointError::Malformed) }
    }

    /// Reads a note of this collaboration's log and requires this key's signature. Lines by other keys, such as
    /// cosignatures of witnesses, are passed over.
    pub fn verify(
        note: &str,
        key: &PublicKey,
        collaboration: &CollaborationId,
    ) -> Result<Self, CheckpointError> {
        let read = Self::parse(note)?;
        if read.collaboration != *collaboration {
            return Err(CheckpointError::OtherLog);
        }
        let (text, lines) = halves(note)?;
        let name = origin(collaboration);
        let expected = key_hash(&name, key);
        let mut seen = false;
        for line in lines.lines() {
            let (signer, hash, signature) = signature_line(line)?;
            if signer != name || hash != expected {
                continue;
            }
            let good = <[u8; 64]>::try_from(signature.as_slice())
                .is_ok_and(|bytes| key.verifies(text.as_bytes(), &Signature::from_bytes(bytes)));
            if !good {
                return Err(CheckpointError::BadSignature);
            }
            seen = true;
        }
        if seen { Ok(read) } else { Err(CheckpointError::NotSigned) }
    }
}

/// The signed text, newline included, and the signature lines.
pub(super) fn halves(note: &str) -> Result<(&str, &str), CheckpointError> {
    let at = note.find("\n\n").filter(|_| note.len() <= NOTE_BYTES_MAX && note.ends_with('\n'));
    let at = at.ok_or(CheckpointError::Malformed)?;
    let (text, rest) = note.split_at(at + 1);
    Ok((text, rest.strip_prefix('\n').unwrap_or(rest)))
}

pub(super) fn signature_line(line: &str) -> Result<(&str, [u8; 4], Vec<u8>), CheckpointError> {
    let split = line.strip_prefix("\u{2014} ").and_then(|rest| rest.split_once(' '));
    let (name, encoded) = split.ok_or(CheckpointError::Malformed)?;
    let bytes = BASE64.decode(encoded).map_err(|_| CheckpointError::Malformed)?;
    let (hash, signature) = bytes.split_first_chunk::<4>().ok_or(CheckpointError::Malformed)?;
    Ok((name, *hash, signature.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::tree::leaf_hash;

    fn sample() -> (Checkpoint, SecretKey) {
        let collaboration = CollaborationId::new("spring-campaign").unwrap();
        (
            Checkpoint { collaboration, size: 42, root: leaf_hash(b"x") },
            SecretKey::from_seed([3; 32]),
        )
    }

    #[test]
    fn a_signed_checkpoint_comes_back() {
        let (checkpoint, key) = sample();
        let note = checkpoint.sign(&key);
        let read = Checkpoint::verify(&note, &key.public(), &checkpoint.collaboration);
        assert_eq!(read, Ok(checkpoint));
    }

    #[test]
    fn every_flipped_byte_is_found() {
        let (checkpoint, key) = sample();
        let note = checkpoint.sign(&key);
        for at in 0..note.len() {
            let mut bytes = note.clone().into_bytes();
            bytes[at] ^= 1;
            let Ok(text) = String::from_utf8(bytes) else {
                continue;
            };
            let read = Checkpoint::verify(&text, &key.public(), &checkpoint.collaboration);
            assert!(read.is_err(), "byte {at}");
        }
    }

    #[test]
    fn another_key_or_another_log_is_not_this_one() {
        let (checkpoint, key) = sample();
        let note = checkpoint.sign(&key);
        let other_key = SecretKey::from_seed([4; 32]).public();
        let verified = Checkpoint::verify(&note, &other_key, &checkpoint.collaboration);
        assert_eq!(verified, Err(CheckpointError::NotSigned));
        let other_log = CollaborationId::new("autumn-campaign").unwrap();
        let verified = Checkpoint::verify(&note, &key.public(), &other_log);
        assert_eq!(verified, Err(CheckpointError::OtherLog));
    }

    #[test]
    fn the_key_hash_is_that_of_the_signed_note_specification() {
        // The example key of golang.org/x/mod/sumdb/note.
        let raw = BASE64.decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").unwrap();
        let key = format!("ed25519:{}", hex::encode(&raw[1..])).parse::<PublicKey>().unwrap();
        assert_eq!(hex::encode(&key_hash("PeterNeumann", &key)), "c74f20a3");
    }
}
