//! The keys that an issuer signs with: where they come from, and a JSON Web Key Set, read strictly. A key is for one algorithm and no other. Must
//! not know what is signed.

use super::json::{self, Json, Object};
use super::jws::{Algorithm, decoded, plain_text};
use super::remote::{RemoteKeys, Source};
use crate::clock::Clock;
use crate::egress::Egress;
use crate::log::PublicKey;
use crate::log::keys::Signature;
use crate::settings::{KeysAt, KeysSetting};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// The longest key set that is read.
pub(super) const SET_MAX: u64 = 64 * 1_024;
const SET_DEPTH_MAX: usize = 8;
/// The most keys of one set.
const KEYS_MAX: usize = 100;
/// How often a file is looked at, at most.
const LOOK_EVERY_MS: u64 = 1_000;
/// An RSA modulus of 2,048 to 8,192 bits.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1_024;
/// Members that only a private or a secret key has.
const PRIVATE: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// Where an issuer's keys come from.
pub(super) trait KeySource: Debug + Send + Sync {
    /// The keys as they are known now. The same `Arc` as before means that nothing has changed.
    fn current(&self, steady_ms: i64) -> Arc<KeySet>;

    /// Where they are asked for over the network, whoever keeps them new.
    fn remote(&self) -> Option<&RemoteKeys> {
        None
    }
}

/// What is set of somebody's keys: the name under which they are measured, and, of an issuer, its own.
pub(super) fn source(
    name: String,
    (set, issuer): (&KeysSetting, &str),
    egress: Option<&Arc<Egress>>,
    clock: &Arc<dyn Clock>,
) -> Box<dyn KeySource> {
    let at = match &set.at {
        KeysAt::File(path) => return Box::new(FileKeys::new(path.clone())),
        KeysAt::Url(target) => Source::Url(target.clone()),
        KeysAt::Discovery(target) => Source::Discovery(target.clone(), issuer.to_owned()),
    };
    // Without somebody to ask there are none.
    let Some(egress) = egress else { return Box::new(FixedKeys::default()) };
    let with = (Arc::clone(egress), Arc::clone(clock));
    Box::new(RemoteKeys::new(name, at, set.kept_ms, with))
}

/// One issuer's keys by their names.
#[derive(Debug, Default)]
pub(super) struct KeySet(BTreeMap<String, Key>);

impl KeySet {
    /// The key of exactly this name.
    pub(super) fn get(&self, kid: &str) -> Option<&Key> {
        self.0.get(kid)
    }

    /// Reads a JSON Web Key Set. Keys of kinds that nothing here uses, and such as no signature should rest on, are passed over; a set
    /// that can't be read, or that has one name twice, is none.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        let set = json::object(bytes, SET_DEPTH_MAX).map_err(|_| "it is no JSON object")?;
        let Some(Json::List(keys)) = set.get("keys") else {
            return Err("it has no array `keys`");
        };
        if keys.len() > KEYS_MAX {
            return Err("it has more than 100 keys");
        }
        let mut found = BTreeMap::new();
        for jwk in keys {
            let Json::Object(jwk) = jwk else { return Err("a key is no object") };
            let Some((kid, key)) = Key::read(jwk) else { continue };
            if found.insert(kid, key).is_some() {
                return Err("two keys have one `kid`");
            }
        }
        Ok(Self(found))
    }
}

/// A public key, for one algorithm.
#[derive(Debug)]
pub(super) enum Key {
    Ed25519(PublicKey),
    Other(Algorithm, ParsedPublicKey),
}

impl Key {
    /// The only algorithm that it is for.
    pub(super) const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519(_) => Algorithm::EdDsa,
            Self::Other(algorithm, _) => *algorithm,
        }
    }

    /// Whether it made this signature.
    pub(super) fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ed25519(key) => <[u8; 64]>::try_from(signature)
                .is_ok_and(|signature| key.verifies(signed, &Signature::from_bytes(signature))),
            Self::Other(_, key) => key.verify_sig(signed, signature).is_ok(),
        }
    }

    /// A key and its name; `None` for one that is not for checking signatures, or can't be.
    fn read(jwk: &Object) -> Option<(String, Self)> {
        let kid = plain_text(jwk.get("kid")?)?.to_owned();
        let is_public = !PRIVATE.iter().any(|name| jwk.contains_key(*name));
        let is_for_signatures = jwk.get("use").is_none_or(|it| it.text() == Some("sig"));
        let may_verify = |ops: &Json| ops.texts().is_some_and(|ops| ops.contains(&"verify"));
        if !is_public || !is_for_signatures || !jwk.get("key_ops").is_none_or(may_verify) {
            return None;
        }
        let text = |name: &str| jwk.get(name).and_then(Json::text);
        let bytes = |name: &str| text(name).and_then(|text| decoded(text).ok());
        let key = match (text("kty")?, text("crv")) {
            ("OKP", Some("Ed25519")) => {
                let point: [u8; 32] = bytes("x")?.try_into().ok()?;
                Self::Ed25519(PublicKey::from_bytes(&point)?)
            }
            ("EC", Some("P-256")) => point(Algorithm::Es256, &bytes("x")?, &bytes("y")?)?,
            ("EC", Some("P-384")) => point(Algorithm::Es384, &bytes("x")?, &bytes("y")?)?,
            // One that doesn't say is for what OpenID Connect has unless it is told.
            ("RSA", _) => {
                let named = jwk.get("alg").map_or(Some("RS256"), Json::text)?;
                modulus(Algorithm::named(named)?, bytes("n")?, bytes("e")?)?
            }
            _ => return None,
        };
        let is_of_it = |alg: &Json| alg.text().and_then(Algorithm::named) == Some(key.algorithm());
        jwk.get("alg").is_none_or(is_of_it).then_some((kid, key))
    }
}

fn point(algorithm: Algorithm, x: &[u8], y: &[u8]) -> Option<Key> {
    let (bytes, verification): (usize, &'static dyn VerificationAlgorithm) = match algorithm {
        Algorithm::Es256 => (32, &ECDSA_P256_SHA256_FIXED),
        Algorithm::Es384 => (48, &ECDSA_P384_SHA384_FIXED),
        Algorithm::EdDsa | Algorithm::Rs256 | Algorithm::Ps256 => return None,
    };
    if x.len() != bytes || y.len() != bytes {
        return None;
    }
    let uncompressed = [&[4], x, y].concat();
    let key = ParsedPublicKey::new(verification, &uncompressed).ok()?;
    Some(Key::Other(algorithm, key))
}

fn modulus(algorithm: Algorithm, n: Vec<u8>, e: Vec<u8>) -> Option<Key> {
    static PKCS1: &RsaParameters = &RSA_PKCS1_2048_8192_SHA256;
    static PSS: &RsaParameters = &RSA_PSS_2048_8192_SHA256;
    let parameters = match algorithm {
        Algorithm::Rs256 => PKCS1,
        Algorithm::Ps256 => PSS,
        Algorithm::EdDsa | Algorithm::Es256 | Algorithm::Es384 => return None,
    };
    let is_long = MODULUS_BYTES.contains(&n.len()) && n.first().is_some_and(|byte| *byte >= 128);
    // 65537 or more, and odd: smaller ones have been the better half of many attacks.
    let is_odd = e.last().is_some_and(|byte| byte % 2 == 1);
    let is_large = (3..=4).contains(&e.len()) && e.first().is_some_and(|byte| *byte > 0);
    if !is_long || !is_odd || !is_large {
        return None;
    }
    let key = RsaPublicKeyComponents { n, e }.to_parsed_public_key(parameters).ok()?;
    Some(Key::Other(algorithm, key))
}

/// A key that this process has itself.
#[derive(Debug, Default)]
pub(super) struct FixedKeys(Arc<KeySet>);

impl FixedKeys {
    pub(super) fn new(kid: &str, key: PublicKey) -> Self {
        Self(Arc::new(KeySet(BTreeMap::from([(kid.to_owned(), Key::Ed25519(key))]))))
    }
}

impl KeySource for FixedKeys {
    fn current(&self, _steady_ms: i64) -> Arc<KeySet> {
        Arc::clone(&self.0)
    }
}

/// A JSON Web Key Set in a file, read again when it has changed. While it can't be read, the last good keys stay.
#[derive(Debug)]
pub(super) struct FileKeys {
    path: PathBuf,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    keys: Arc<KeySet>,
    /// Of the file that was read last, well or not.
    stamp: Option<Stamp>,
    looked_ms: Option<i64>,
    /// What is wrong is said once.
    is_told: bool,
}

/// What changes with a file: its time, its length, and which file it is.
type Stamp = (i64, i64, u64, u64);

impl FileKeys {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, known: Mutex::default() }
    }

    /// The file, unless it is the one that was read last.
    fn changed(&self, last: Option<Stamp>) -> Result<Option<(Stamp, Vec<u8>)>, &'static str> {
        let read = || -> std::io::Result<Option<(Stamp, Vec<u8>)>> {
            let file = File::open(&self.path)?;
            let found = file.metadata()?;
            let stamp = (found.mtime(), found.mtime_nsec(), found.len(), found.ino());
            if last == Some(stamp) {
                return Ok(None);
            }
            let mut bytes = Vec::new();
            file.take(SET_MAX + 1).read_to_end(&mut bytes)?;
            Ok(Some((stamp, bytes)))
        };
        read().map_err(|_| "the file can't be read")
    }
}

impl Known {
    fn look(&mut self, file: &FileKeys) -> Result<(), &'static str> {
        let Some((stamp, bytes)) = file.changed(self.stamp)? else { return Ok(()) };
        self.stamp = Some(stamp);
        if u64::try_from(bytes.len()).is_ok_and(|len| len > SET_MAX) {
            return Err("it has more than 64 KiB");
        }
        self.keys = Arc::new(KeySet::read(&bytes)?);
        self.is_told = false;
        Ok(())
    }
}

impl KeySource for FileKeys {
    fn current(&self, steady_ms: i64) -> Arc<KeySet> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.looked_ms.is_none_or(|at| at.abs_diff(steady_ms) >= LOOK_EVERY_MS) {
            known.looked_ms = Some(steady_ms);
            if let Err(why) = known.look(self)
                && !std::mem::replace(&mut known.is_told, true)
            {
                let file = self.path.display();
                tracing::warn!(code = "issuer-keys-unread", %file, why, "an issuer's last good keys stay in use");
            }
        }
        Arc::clone(&known.keys)
    }
}

#[cfg(test)]
mod tests;
