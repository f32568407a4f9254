//! A user's private key: read from PEM, its fingerprint, signatures. Nothing of it is shown. Must not know tokens.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use zeroize::Zeroizing;

const PEM_MAX: usize = 64 * 1024;
const MARKS: [&str; 2] = ["-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"];

/// Why a key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyError {
    /// It is under a passphrase.
    Encrypted,
    /// It is a key in another form than PKCS#8.
    NotPkcs8,
    /// It is no PEM of a key.
    Unreadable,
    /// It is no RSA key of 2048 to 8192 bits.
    Refused,
}

impl KeyError {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Encrypted => "key-encrypted",
            Self::NotPkcs8 => "key-not-pkcs8",
            Self::Unreadable => "key-unreadable",
            Self::Refused => "key-refused",
        }
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = match self {
            Self::Encrypted => {
                "the key is under a passphrase; what would pass: openssl pkcs8 -topk8 -nocrypt"
            }
            Self::NotPkcs8 => "the key is not in PKCS#8; what would pass: BEGIN PRIVATE KEY",
            Self::Unreadable => "no PEM of a private key",
            Self::Refused => "no RSA key of 2048 to 8192 bits",
        };
        write!(f, "{}: {sentence}", self.code())
    }
}

impl std::error::Error for KeyError {}

/// A private key, with the fingerprint of its public half.
pub struct KeyPair {
    key: RsaKeyPair,
    fingerprint: String,
}

impl KeyPair {
    /// A key out of PEM: PKCS#8, RSA, without a passphrase.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let der = der(pem)?;
        let key = RsaKeyPair::from_pkcs8(&der).map_err(|_| KeyError::Refused)?;
        let public: PublicKeyX509Der<'_> =
            key.public_key().as_der().map_err(|_| KeyError::Refused)?;
        let print = STANDARD.encode(digest(&SHA256, public.as_ref()));
        Ok(Self { key, fingerprint: format!("SHA256:{print}") })
    }

    /// `SHA256:` and the digest of the public key, as `DESC USER` shows it (`RSA_PUBLIC_KEY_FP`).
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// RS256 over a text.
    pub(crate) fn sign(&self, text: &[u8]) -> Option<Vec<u8>> {
        let mut signature = vec![0; self.key.public_modulus_len()];
        let random = SystemRandom::new();
        self.key.sign(&RSA_PKCS1_SHA256, &random, text, &mut signature).ok()?;
        Some(signature)
    }
}

fn der(pem: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    if pem.contains("BEGIN ENCRYPTED PRIVATE KEY") || pem.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(KeyError::Encrypted);
    }
    let [begin, end] = MARKS;
    let Some((_, rest)) = pem.split_once(begin) else {
        let is_key = pem.contains(" PRIVATE KEY-----");
        return Err(if is_key { KeyError::NotPkcs8 } else { KeyError::Unreadable });
    };
    let (text, _) = rest.split_once(end).ok_or(KeyError::Unreadable)?;
    if text.len() > PEM_MAX {
        return Err(KeyError::Unreadable);
    }
    let bare: Zeroizing<String> =
        Zeroizing::new(text.chars().filter(|c| !c.is_ascii_whitespace()).collect());
    let bytes = STANDARD.decode(bare.as_bytes()).map_err(|_| KeyError::Unreadable)?;
    Ok(Zeroizing::new(bytes))
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

/// A key of this process, made once, and its PEM.
#[cfg(test)]
pub(crate) fn made() -> (KeyPair, &'static str) {
    use aws_lc_rs::encoding::Pkcs8V1Der;
    use aws_lc_rs::rsa::KeySize;
    static PEM: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let pem = PEM.get_or_init(|| {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
        format!("{}\n{}\n{}\n", MARKS[0], STANDARD.encode(der.as_ref()), MARKS[1])
    });
    (KeyPair::from_pem(pem).unwrap(), pem)
}

#[cfg(test)]
mod tests {
    //! What is read, and what is refused under which code.
    use super::*;

    fn refused(pem: &str) -> &'static str {
        KeyPair::from_pem(pem).unwrap_err().code()
    }

    #[test]
    fn forms_of_keys() {
        let (key, pem) = made();
        assert!(key.fingerprint().starts_with("SHA256:"));
        assert_eq!(key.fingerprint().len(), "SHA256:".len() + 44);
        assert_eq!(refused(&pem.replace("PRIVATE", "ENCRYPTED PRIVATE")), "key-encrypted");
        let legacy = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----";
        assert_eq!(refused(legacy), "key-encrypted");
        assert_eq!(refused(&pem.replace("PRIVATE", "RSA PRIVATE")), "key-not-pkcs8");
        assert_eq!(refused(&pem.replace("PRIVATE", "EC PRIVATE")), "key-not-pkcs8");
        for text in ["", "key", &pem[..200], &pem.replace("MII", "M!I")] {
            assert_eq!(refused(text), "key-unreadable");
        }
        let nothing = format!("{}\nAAAA\n{}", MARKS[0], MARKS[1]);
        assert_eq!(refused(&nothing), "key-refused");
    }

    #[test]
    fn nothing_of_a_key_is_shown() {
        let (key, pem) = made();
        let shown = format!("{key:?}");
        let secret = pem.lines().nth(1).unwrap();
        assert!(!shown.contains(&secret[..40]) && shown.contains(key.fingerprint()), "{shown}");
    }
}
