//! A signed token's outside: three parts, their encoding, the header; and the one compact form of our own. Nothing of it is believed yet. Must not
//! know issuers, or what claims mean.

use super::json::{self, Json, Object, Unread};
use super::refused::Refused;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The longest token that is looked at.
pub(super) const TOKEN_MAX: usize = 8 * 1_024;
/// Objects and arrays in one another.
const DEPTH_MAX: usize = 4;
/// The longest text where one is asked for.
const TEXT_MAX: usize = 256;
/// They would change how the token is read, or bring its own key.
const REFUSED: [&str; 8] = ["crit", "jku", "jwk", "x5u", "x5c", "b64", "zip", "enc"];

/// How a token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// Ed25519.
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// RSA, PKCS #1 v1.5, SHA-256.
    Rs256,
    /// RSA, PSS, SHA-256.
    Ps256,
}

impl Algorithm {
    /// As `alg` has it.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "EdDSA" => Self::EdDsa,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "RS256" => Self::Rs256,
            "PS256" => Self::Ps256,
            _ => return None,
        })
    }
}

/// A token that is well formed; whose it is isn't known.
#[derive(Debug)]
pub(super) struct Jws<'a> {
    pub(super) algorithm: Algorithm,
    /// What it says that it is; access tokens do.
    pub(super) typ: Option<String>,
    pub(super) kid: String,
    pub(super) claims: Object,
    /// What the signature is of.
    pub(super) signed: &'a str,
    pub(super) signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    pub(super) fn read(token: &'a str) -> Result<Self, Refused> {
        if token.is_empty() {
            return Err(Refused::Missing);
        }
        if token.len() > TOKEN_MAX {
            return Err(Refused::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Refused::Parts)?;
        let (header, claims) = signed.split_once('.').ok_or(Refused::Parts)?;
        if claims.contains('.') || [header, claims, signature].contains(&"") {
            return Err(Refused::Parts);
        }
        let [header, claims, signature] = [header, claims, signature].map(decoded);
        let (header, claims, signature) = (header?, claims?, signature?);
        let header = object(&header, Refused::Header)?;
        if REFUSED.iter().any(|name| header.contains_key(*name)) {
            return Err(Refused::HeaderMember);
        }
        let named = |name: &str| header.get(name).and_then(Json::text);
        let algorithm = named("alg").and_then(Algorithm::named).ok_or(Refused::Algorithm)?;
        let typ = match header.get("typ") {
            Some(typ) => Some(typ.text().ok_or(Refused::Type)?.to_owned()),
            None => None,
        };
        let kid = header.get("kid").and_then(plain_text).ok_or(Refused::KeyId)?.to_owned();
        let claims = object(&claims, Refused::Claims)?;
        Ok(Self { algorithm, typ, kid, claims, signed, signature })
    }
}

/// What is put before a signature.
pub(super) fn to_sign(header: &serde_json::Value, claims: &serde_json::Value) -> String {
    format!("{}.{}", encoded(header.to_string().as_bytes()), encoded(claims.to_string().as_bytes()))
}

/// Base64url without padding.
pub(super) fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The same, read: no padding, no other letters, no bits that say nothing.
pub(super) fn decoded(text: &str) -> Result<Vec<u8>, Refused> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Refused::Encoding)
}

/// A text that is there, not long, and holds nothing that would spoil a line of a log.
pub(super) fn plain_text(value: &Json) -> Option<&str> {
    let is_plain =
        |text: &&str| (1..=TEXT_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
    value.text().filter(is_plain)
}

fn object(bytes: &[u8], malformed: Refused) -> Result<Object, Refused> {
    json::object(bytes, DEPTH_MAX).map_err(|why| match why {
        Unread::Malformed => malformed,
        Unread::Repeated => Refused::Repeated,
        Unread::Deep => Refused::Deep,
    })
}
