//! What an ID token has to say, once its signature is known to be its issuer's (`OpenID` Connect Core 1.0, section 3.1.3.7): that it is for this client,
//! for now, and for this attempt. Pure. Must not know how it came here, nor who may call.

use crate::tokens::claims::{LEEWAY_S, seconds};
use crate::tokens::json::{Json, Object};
use crate::tokens::jws::{Algorithm, encoded, plain_text};
use crate::tokens::refused::Refused;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// What it is held against.
pub(super) struct Expected<'a> {
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    /// What came with it.
    pub(super) access_token: &'a str,
    /// By which it is signed.
    pub(super) algorithm: Algorithm,
    pub(super) now_ms: i64,
}

/// Why it doesn't, by code.
pub(super) fn matches(claims: &Object, expected: &Expected<'_>) -> Result<(), &'static str> {
    let client = expected.client_id;
    let party = claims.get("azp").map(|azp| azp.text() == Some(client));
    let aud = claims.get("aud");
    // One that others may have as well says to whom it was given.
    let among = |all: Vec<&str>| all.contains(&client) && (all.len() == 1 || party == Some(true));
    let is_for_it =
        aud.and_then(Json::text) == Some(client) || aud.and_then(Json::texts).is_some_and(among);
    if !is_for_it {
        return Err("id-token-audience");
    }
    if party == Some(false) {
        return Err("id-token-party");
    }
    timely(claims, expected.now_ms.div_euclid(1_000))?;
    claims.get("sub").and_then(plain_text).ok_or("id-token-subject")?;
    if claims.get("nonce").and_then(Json::text) != Some(expected.nonce) {
        return Err("id-token-nonce");
    }
    let hash = claims.get("at_hash");
    if hash
        .is_some_and(|hash| hash.text() != Some(&half(expected.algorithm, expected.access_token)))
    {
        return Err("id-token-access-hash");
    }
    Ok(())
}

fn timely(claims: &Object, at_s: i64) -> Result<(), &'static str> {
    let time = |name: &str, malformed| seconds(claims.get(name), malformed).map_err(Refused::code);
    let expires = time("exp", Refused::Expiry)?;
    if at_s >= expires + LEEWAY_S {
        return Err("id-token-expired");
    }
    let issued = time("iat", Refused::Issued)?;
    let begins = if claims.contains_key("nbf") { time("nbf", Refused::NotBefore)? } else { issued };
    if at_s < issued.max(begins) - LEEWAY_S {
        return Err("id-token-not-yet");
    }
    Ok(())
}

/// The left half of the access token's digest, by the algorithm of the signature (section 3.1.3.6).
fn half(algorithm: Algorithm, token: &str) -> String {
    let digest = match algorithm {
        Algorithm::Es256 | Algorithm::Rs256 | Algorithm::Ps256 => Sha256::digest(token).to_vec(),
        Algorithm::Es384 => Sha384::digest(token).to_vec(),
        Algorithm::EdDsa => Sha512::digest(token).to_vec(),
    };
    encoded(digest.get(..digest.len() / 2).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::json;
    use serde_json::{Value, json};

    const NOW_S: i64 = 1_700_000_000;

    fn good() -> Value {
        json!({ "aud": "console", "sub": "alice", "nonce": "n", "iat": NOW_S - 5, "exp": NOW_S + 3_600 })
    }

    fn found(claims: &Value) -> Result<(), &'static str> {
        let claims = json::object(claims.to_string().as_bytes(), 4).unwrap();
        let expected = Expected {
            client_id: "console",
            nonce: "n",
            access_token: "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y",
            algorithm: Algorithm::Rs256,
            now_ms: NOW_S * 1_000,
        };
        matches(&claims, &expected)
    }

    #[test]
    fn each_part_is_held_against_what_was_asked() {
        for (name, value, code) in [
            ("aud", json!("console"), None),
            ("aud", json!(["console"]), None),
            ("aud", json!("airlock"), Some("id-token-audience")),
            ("aud", json!(["airlock", "other"]), Some("id-token-audience")),
            ("aud", json!(["console", "other"]), Some("id-token-audience")),
            ("aud", json!([]), Some("id-token-audience")),
            ("aud", json!({ "console": true }), Some("id-token-audience")),
            ("aud", Value::Null, Some("id-token-audience")),
            ("azp", json!("console"), None),
            ("azp", json!("other"), Some("id-token-party")),
            ("azp", json!(7), Some("id-token-party")),
            ("sub", json!(""), Some("id-token-subject")),
            ("sub", Value::Null, Some("id-token-subject")),
            ("nonce", json!("m"), Some("id-token-nonce")),
            ("nonce", json!(""), Some("id-token-nonce")),
            ("nonce", json!(["n"]), Some("id-token-nonce")),
            ("nonce", Value::Null, Some("id-token-nonce")),
            ("exp", json!(NOW_S - 59), None),
            ("exp", json!(NOW_S - 60), Some("id-token-expired")),
            ("exp", json!("soon"), Some("exp-malformed")),
            ("iat", json!(NOW_S + 60), None),
            ("iat", json!(NOW_S + 61), Some("id-token-not-yet")),
            ("iat", Value::Null, Some("iat-malformed")),
            ("nbf", json!(NOW_S + 61), Some("id-token-not-yet")),
            ("nbf", json!(1.5), Some("nbf-malformed")),
            // OpenID Connect Core, section A.3.
            ("at_hash", json!("77QmUPtjPfzWtF2AnpK9RQ"), None),
            ("at_hash", json!("77QmUPtjPfzWtF2AnpK9RR"), Some("id-token-access-hash")),
            ("at_hash", json!(""), Some("id-token-access-hash")),
            ("at_hash", json!(7), Some("id-token-access-hash")),
        ] {
            let mut claims = good();
            claims[name] = value.clone();
            assert_eq!(found(&claims).err(), code, "{name} {value}");
        }
        let mut among = good();
        among["aud"] = json!(["console", "other"]);
        among["azp"] = json!("console");
        assert_eq!(found(&among), Ok(()));
        for name in ["aud", "sub", "nonce", "iat", "exp"] {
            let mut claims = good();
            claims.as_object_mut().unwrap().remove(name);
            assert!(found(&claims).is_err(), "{name}");
        }
    }

    #[test]
    fn the_hash_is_as_long_as_the_signature_says() {
        for (algorithm, letters) in [
            (Algorithm::Ps256, 22),
            (Algorithm::Es256, 22),
            (Algorithm::Es384, 32),
            (Algorithm::EdDsa, 43),
        ] {
            assert_eq!(half(algorithm, "token").len(), letters, "{algorithm:?}");
        }
    }
}
