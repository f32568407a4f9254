//! Access tokens of the gateway's own making, under a key of its folder. Must not know for whom they are made, nor what a caller may do.

use super::issuer::PERSON;
use super::jws::{encoded, to_sign};
use crate::access::Role;
use crate::error::{Error, Result};
use crate::log::{KeyError, PublicKey, SecretKey};
use mappings::model::MemberId;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

/// The longest that such tokens are good for, and as long as they are.
pub(super) const LIFE_S: i64 = 5 * 60;

/// A token. It is not shown by accident.
#[derive(Clone)]
pub struct Minted {
    /// The token itself.
    pub token: String,
    /// When it ends, in seconds since 1970.
    pub expires_s: i64,
}

impl fmt::Debug for Minted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Minted").field("expires_s", &self.expires_s).finish_non_exhaustive()
    }
}

/// Makes tokens under one name and one key.
#[derive(Debug)]
pub(super) struct Mint {
    name: &'static str,
    key: SecretKey,
    kid: String,
    audience: String,
}

/// Whom a token is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct For<'f> {
    pub(super) subject: &'f str,
    pub(super) member: Option<&'f MemberId>,
    /// The person, by a name of its own, where it is one.
    pub(super) person: Option<&'f str>,
    /// The program that asked for it, where one did.
    pub(super) client: Option<&'f str>,
}

impl Mint {
    /// Under the key in this file, which is made when it isn't there; whoever makes one first, makes it for all.
    pub(super) fn of(name: &'static str, path: &Path, audience: &str) -> Result<Self> {
        let key = key(path).map_err(|error| {
            Error::failed(error.code(), format!("the key of the gateway's own tokens: {error}"))
        })?;
        let kid = thumbprint(&encoded(key.public().as_bytes()));
        Ok(Self { name, key, kid, audience: audience.to_owned() })
    }

    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn kid(&self) -> &str {
        &self.kid
    }

    pub(super) fn audience(&self) -> &str {
        &self.audience
    }

    pub(super) fn public(&self) -> PublicKey {
        self.key.public()
    }

    /// Its public key, as others read it.
    pub(super) fn jwk(&self) -> Value {
        let x = encoded(self.key.public().as_bytes());
        json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.kid, "x": x })
    }

    pub(super) fn mint(
        &self,
        whom: For<'_>,
        roles: &BTreeSet<Role>,
        now_ms: i64,
    ) -> Result<Minted> {
        let issued_s = now_ms.div_euclid(1_000);
        let expires_s = issued_s + LIFE_S;
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random).map_err(|_| {
            Error::failed("randomness-unavailable", "the system gave no randomness")
        })?;
        let roles: Vec<&str> = roles.iter().map(|role| role.name()).collect();
        let mut claims = json!({
            "iss": self.name, "aud": self.audience, "sub": whom.subject, "jti": encoded(&random),
            "iat": issued_s, "exp": expires_s, "roles": roles,
        });
        if let Some(claims) = claims.as_object_mut() {
            claims.extend(whom.member.map(|member| ("org".to_owned(), json!(member))));
            claims.extend(whom.person.map(|person| (PERSON.to_owned(), json!(person))));
            claims.extend(whom.client.map(|client| ("client_id".to_owned(), json!(client))));
        }
        let header = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": self.kid });
        let signed = to_sign(&header, &claims);
        let signature = encoded(self.key.sign(signed.as_bytes()).as_bytes());
        Ok(Minted { token: format!("{signed}.{signature}"), expires_s })
    }
}

fn key(path: &Path) -> Result<SecretKey, KeyError> {
    if !path.exists() {
        match SecretKey::generate()?.save(path) {
            Ok(()) | Err(KeyError::Exists) => {}
            Err(error) => return Err(error),
        }
    }
    SecretKey::load(path)
}

/// RFC 7638, of a key on Ed25519.
fn thumbprint(x: &str) -> String {
    encoded(&Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)))
}
