//! The console's own key at an issuer, where it is a client that signs (RFC 7523, section 2.2; `OpenID` Connect Core, section 9, `private_key_jwt`):
//! an assertion for each exchange, addressed to the one place that it is sent to. Must not know who signs in.

use crate::tokens::jws::{encoded, to_sign};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::fmt;

/// What kind of assertion it is (RFC 7523, section 2.2).
pub(super) const KIND: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// An assertion is good for so long: it is sent at once.
const GOOD_S: i64 = 60;
const MARKS: [&str; 2] = ["-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"];
/// The shortest RSA key.
const RSA_BYTES_MIN: usize = 256;

/// The same.
pub(super) struct ClientKey {
    id: Option<String>,
    key: Key,
}

enum Key {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl ClientKey {
    /// A key out of PEM, PKCS#8 without a passphrase: RSA of 2048 bits or more, P-256 or Ed25519. `None` of any other.
    pub(super) fn of(pem: &str, id: Option<String>) -> Option<Self> {
        let (_, rest) = pem.split_once(MARKS[0])?;
        let (text, _) = rest.split_once(MARKS[1])?;
        let bare: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        Some(Self { id, key: Key::of(&STANDARD.decode(bare).ok()?)? })
    }

    /// What shows once, to whoever is at this URL, that the client asks.
    pub(super) fn assertion(&self, client: &str, audience: &str, now_ms: i64) -> Option<String> {
        let mut once = [0_u8; 16];
        getrandom::fill(&mut once).ok()?;
        let mut header = json!({ "typ": "JWT", "alg": self.key.algorithm() });
        if let (Some(id), Some(header)) = (&self.id, header.as_object_mut()) {
            header.insert("kid".to_owned(), json!(id));
        }
        let issued = now_ms.div_euclid(1_000);
        let claims = json!({ "iss": client, "sub": client, "aud": audience, "jti": encoded(&once), "iat": issued, "exp": issued + GOOD_S });
        let text = to_sign(&header, &claims);
        let signature = encoded(&self.key.sign(text.as_bytes())?);
        Some(format!("{text}.{signature}"))
    }
}

impl Key {
    fn of(der: &[u8]) -> Option<Self> {
        if let Ok(key) = Ed25519KeyPair::from_pkcs8(der) {
            return Some(Self::Ed25519(key));
        }
        if let Ok(key) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der) {
            return Some(Self::P256(key));
        }
        let key = RsaKeyPair::from_pkcs8(der).ok();
        key.filter(|key| key.public_modulus_len() >= RSA_BYTES_MIN).map(Self::Rsa)
    }

    const fn algorithm(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "EdDSA",
            Self::P256(_) => "ES256",
            Self::Rsa(_) => "RS256",
        }
    }

    fn sign(&self, text: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Ed25519(key) => Some(key.sign(text).as_ref().to_vec()),
            Self::P256(key) => Some(key.sign(&SystemRandom::new(), text).ok()?.as_ref().to_vec()),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature).ok()?;
                Some(signature)
            }
        }
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::jws::decoded;
    use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED_SIGNING, ED25519, KeyPair as _,
        RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
    };

    fn pem(der: &[u8]) -> String {
        format!("{}\n{}\n{}\n", MARKS[0], STANDARD.encode(der), MARKS[1])
    }

    fn made() -> Vec<(&'static str, String, Vec<u8>, &'static dyn VerificationAlgorithm)> {
        let random = SystemRandom::new();
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let rsa_der: Pkcs8V1Der<'_> = rsa.as_der().unwrap();
        let curve = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let p256 = EcdsaKeyPair::generate_pkcs8(curve, &random).unwrap();
        let p256_public = EcdsaKeyPair::from_pkcs8(curve, p256.as_ref()).unwrap();
        let ed = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        let ed_public = Ed25519KeyPair::from_pkcs8(ed.as_ref()).unwrap();
        vec![
            (
                "RS256",
                pem(rsa_der.as_ref()),
                rsa.public_key().as_ref().to_vec(),
                &RSA_PKCS1_2048_8192_SHA256,
            ),
            (
                "ES256",
                pem(p256.as_ref()),
                p256_public.public_key().as_ref().to_vec(),
                &ECDSA_P256_SHA256_FIXED,
            ),
            ("EdDSA", pem(ed.as_ref()), ed_public.public_key().as_ref().to_vec(), &ED25519),
        ]
    }

    #[test]
    fn an_assertion_is_the_clients_for_one_place_once_and_soon_over() {
        for (algorithm, pem, public, verified_by) in made() {
            let key = ClientKey::of(&pem, Some("k1".to_owned())).unwrap();
            let made = |place| key.assertion("console", place, 5_900).unwrap();
            let one = made("https://id.example/token");
            let (signed, signature) = one.rsplit_once('.').unwrap();
            let signature = decoded(signature).unwrap();
            let key_of = UnparsedPublicKey::new(verified_by, &public);
            assert!(key_of.verify(signed.as_bytes(), &signature).is_ok(), "{algorithm}");
            assert!(key_of.verify(b"something else", &signature).is_err(), "{algorithm}");
            let part = |n| -> serde_json::Value {
                serde_json::from_slice(&decoded(signed.split('.').nth(n).unwrap()).unwrap())
                    .unwrap()
            };
            assert_eq!(part(0), json!({ "typ": "JWT", "alg": algorithm, "kid": "k1" }));
            let claims = part(1);
            assert_eq!((&claims["iss"], &claims["sub"]), (&json!("console"), &json!("console")));
            assert_eq!(claims["aud"], "https://id.example/token");
            assert_eq!((&claims["iat"], &claims["exp"]), (&json!(5), &json!(65)));
            assert!(claims["jti"].as_str().unwrap().len() >= 22);
            assert_ne!(made("https://id.example/token"), one, "no two are one");
            assert_eq!(format!("{key:?}"), "ClientKey");
        }
    }

    #[test]
    fn another_key_is_none() {
        let random = SystemRandom::new();
        let p384 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random).unwrap();
        let good = made().remove(1).1;
        assert!(ClientKey::of(&good, None).is_some());
        for wrong in [
            pem(p384.as_ref()),
            good.replace("PRIVATE KEY", "EC PRIVATE KEY"),
            good.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
            good.replace("-----END", "----END"),
            pem(b"key"),
            String::new(),
        ] {
            assert!(ClientKey::of(&wrong, None).is_none(), "{wrong}");
        }
    }
}
