//! Ed25519 keys of members and of the gateway: their files, their text forms, signing and strict checking.
//! Must not know what is signed.

use super::hex;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

const PREFIX: &str = "ed25519:";

/// Why a key can't be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file can't be read or written.
    #[error("the key file cannot be used: {0}")]
    File(std::io::ErrorKind),
    /// The file is there already; keys are never overwritten.
    #[error("the key file exists already and is never overwritten")]
    Exists,
    /// The text is not a key.
    #[error("a key file holds 64 lower-case hex digits")]
    Malformed,
    /// Other users of the machine can read the file.
    #[error("the key file can be read by others; it must have mode 0600")]
    Exposed,
    /// The system gave no randomness.
    #[error("the system gave no randomness")]
    Randomness,
}

impl KeyError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::File(_) => "key-file-unusable",
            Self::Exists => "key-file-exists",
            Self::Malformed => "key-malformed",
            Self::Exposed => "key-file-exposed",
            Self::Randomness => "randomness-unavailable",
        }
    }
}

impl From<std::io::Error> for KeyError {
    fn from(error: std::io::Error) -> Self {
        let kind = error.kind();
        if kind == std::io::ErrorKind::AlreadyExists { Self::Exists } else { Self::File(kind) }
    }
}

/// A signing key. Cheap to clone, wiped when the last clone goes, and its `Debug` shows only the public half.
#[derive(Clone)]
pub struct SecretKey(Arc<SigningKey>);

impl SecretKey {
    /// A new key from the system's randomness.
    pub fn generate() -> Result<Self, KeyError> {
        let mut seed = [0_u8; 32];
        getrandom::fill(&mut seed).map_err(|_| KeyError::Randomness)?;
        Ok(Self::from_seed(seed))
    }

    /// The key of a 32-byte seed; for tests and for keys kept elsewhere.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(Arc::new(SigningKey::from_bytes(&seed)))
    }

    /// Reads a key file: 64 lower-case hex digits, readable by its owner alone.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let file = std::fs::File::open(path)?;
        refuse_exposed(&file)?;
        let mut text = String::new();
        file.take(128).read_to_string(&mut text)?;
        hex::decode(text.trim_end()).map(Self::from_seed).ok_or(KeyError::Malformed)
    }

    /// Writes a new key file with mode 0600, whole or not at all; an existing file is never touched.
    pub fn save(&self, path: &Path) -> Result<(), KeyError> {
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
        writeln!(file, "{}", hex::encode(self.0.as_bytes()))?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path).map_err(|kept| kept.error)?;
        Ok(())
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs some bytes. Callers separate their domains.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> Signature {
        Signature(self.0.sign(bytes).to_bytes())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {})", self.public())
    }
}

#[cfg(unix)]
fn refuse_exposed(file: &std::fs::File) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt as _;
    if file.metadata()?.permissions().mode().trailing_zeros() >= 6 {
        Ok(())
    } else {
        Err(KeyError::Exposed)
    }
}

#[cfg(not(unix))]
fn refuse_exposed(_file: &std::fs::File) -> Result<(), KeyError> {
    Ok(())
}

/// A public key, written `ed25519:` and 64 hex digits. Keys of small order are not keys.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// A key from its 32 bytes; `None` for what is no point of the curve, or of small order.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        let key = VerifyingKey::from_bytes(bytes).ok();
        key.filter(|key| !key.is_weak()).map(Self)
    }

    /// Whether this key made this signature of these bytes (strict: one signature form per message and key).
    #[must_use]
    pub fn verifies(&self, bytes: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        self.0.verify_strict(bytes, &signature).is_ok()
    }
}

/// Whether every one of these signatures is good: one sum for all, at half the price of one after the other. What
/// passes the strict check passes here; what passes only here was made by the key's own holder.
pub(super) fn verify_all(signed: &[(PublicKey, Vec<u8>, Signature)]) -> bool {
    let messages: Vec<&[u8]> = signed.iter().map(|(_, bytes, _)| bytes.as_slice()).collect();
    let made = signed.iter().map(|(_, _, made)| ed25519_dalek::Signature::from_bytes(&made.0));
    let keys: Vec<VerifyingKey> = signed.iter().map(|(key, _, _)| key.0).collect();
    ed25519_dalek::verify_batch(&messages, &made.collect::<Vec<_>>(), &keys).is_ok()
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", hex::encode(self.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_string()
    }
}

impl TryFrom<String> for PublicKey {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = text.strip_prefix(PREFIX).and_then(hex::decode::<32>);
        bytes
            .and_then(|bytes| Self::from_bytes(&bytes))
            .ok_or("a public key is `ed25519:` and 64 lower-case hex digits of a curve point")
    }
}

impl std::str::FromStr for PublicKey {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

/// An Ed25519 signature, written `ed25519:` and 128 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Signature([u8; 64]);

impl Signature {
    /// A signature made elsewhere.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The 64 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", hex::encode(&self.0))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Signature> for String {
    fn from(signature: Signature) -> Self {
        signature.to_string()
    }
}

impl TryFrom<String> for Signature {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = text.strip_prefix(PREFIX).and_then(hex::decode::<64>);
        bytes.map(Self).ok_or("a signature is `ed25519:` and 128 lower-case hex digits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_private_new_and_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("brand.key");
        let key = SecretKey::generate().unwrap();
        key.save(&path).unwrap();
        assert_eq!(SecretKey::load(&path).unwrap().public(), key.public());
        assert!(matches!(SecretKey::generate().unwrap().save(&path), Err(KeyError::Exists)));
        assert_eq!(SecretKey::load(&path).unwrap().public(), key.public());
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("brand.key");
        SecretKey::generate().unwrap().save(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(SecretKey::load(&path), Err(KeyError::Exposed)));
    }

    #[test]
    fn debug_never_shows_the_secret() {
        let key = SecretKey::from_seed([7; 32]);
        assert!(!format!("{key:?}").contains(&"07".repeat(8)));
        assert!(format!("{key:?}").contains(&key.public().to_string()));
    }

    #[test]
    fn weak_and_malformed_keys_are_not_keys() {
        let weak = format!("ed25519:01{}", "00".repeat(31));
        assert!(weak.parse::<PublicKey>().is_err());
        assert!("ed25519:zz".parse::<PublicKey>().is_err());
        let good = SecretKey::from_seed([1; 32]).public();
        assert_eq!(good.to_string().parse::<PublicKey>().unwrap(), good);
    }
}
