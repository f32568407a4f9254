//! Makes tokens, good ones and such as only somebody makes who is up to something, and the small world in which they are judged: a grocer, a
//! bank and a brand, and three issuers. Must not know why a token is refused.

use super::super::{Verifier, verifier};
use crate::clock::FixedClock;
use crate::home::Home;
use crate::log::SecretKey;
use crate::settings;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// The time, in the corpus.
pub(crate) const NOW_S: i64 = 1_700_000_000;

/// How a token differs from a good one. `tests/it/tokens.toml` says what each means.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Recipe {
    pub(crate) header: toml::Table,
    pub(crate) claims: toml::Table,
    header_drop: Vec<String>,
    claims_drop: Vec<String>,
    header_more: Vec<(String, toml::Value)>,
    claims_more: Vec<(String, toml::Value)>,
    header_text: Option<String>,
    pub(crate) claims_text: Option<String>,
    pub(crate) signature: Option<String>,
    token: Option<String>,
    pub(crate) at: i64,
}

enum Signs {
    Ed(SecretKey),
    Ec(EcdsaKeyPair),
    Rsa(Arc<RsaKeyPair>, bool),
}

/// A private key, and what its issuer says of it.
struct Made {
    signs: Signs,
    alg: &'static str,
    jwk: Value,
}

impl Made {
    fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.signs {
            Signs::Ed(key) => key.sign(bytes).as_bytes().to_vec(),
            Signs::Ec(key) => key.sign(&random, bytes).unwrap().as_ref().to_vec(),
            Signs::Rsa(key, is_pss) => {
                let form = if *is_pss { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(form, &random, bytes, &mut signature).unwrap();
                signature
            }
        }
    }

    fn public(&self) -> Vec<u8> {
        match &self.signs {
            Signs::Ed(key) => key.public().as_bytes().to_vec(),
            Signs::Ec(key) => key.public_key().as_ref().to_vec(),
            Signs::Rsa(key, _) => key.public_key().as_ref().to_vec(),
        }
    }
}

static KEYS: LazyLock<BTreeMap<&str, Made>> = LazyLock::new(|| {
    let ed = |kid: &str, seed: u8| {
        let key = SecretKey::from_seed([seed; 32]);
        let x = URL_SAFE_NO_PAD.encode(key.public().as_bytes());
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "use": "sig", "x": x });
        Made { signs: Signs::Ed(key), alg: "EdDSA", jwk }
    };
    let ec = |kid: &str, is_small: bool| {
        let (form, crv, alg) = if is_small {
            (&ECDSA_P256_SHA256_FIXED_SIGNING, "P-256", "ES256")
        } else {
            (&ECDSA_P384_SHA384_FIXED_SIGNING, "P-384", "ES384")
        };
        let key = EcdsaKeyPair::generate(form).unwrap();
        let (x, y) = key.public_key().as_ref()[1..].split_at(if is_small { 32 } else { 48 });
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let jwk = json!({ "kty": "EC", "crv": crv, "kid": kid, "alg": alg, "x": x, "y": y });
        Made { signs: Signs::Ec(key), alg, jwk }
    };
    let pair = Arc::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap());
    let rsa = |kid: &str, is_pss: bool| {
        let alg = if is_pss { "PS256" } else { "RS256" };
        // 30 82 xx xx 02 82 01 01 00, then the modulus.
        let n = URL_SAFE_NO_PAD.encode(&pair.public_key().as_ref()[9..265]);
        let jwk = json!({ "kty": "RSA", "kid": kid, "alg": alg, "n": n, "e": "AQAB" });
        Made { signs: Signs::Rsa(Arc::clone(&pair), is_pss), alg, jwk }
    };
    BTreeMap::from([
        ("grocer-ed", ed("grocer-ed", 1)),
        ("grocer-ed2", ed("grocer-ed2", 2)),
        ("grocer-es256", ec("grocer-es256", true)),
        ("grocer-es384", ec("grocer-es384", false)),
        ("grocer-rs256", rsa("grocer-rs256", false)),
        ("grocer-ps256", rsa("grocer-ps256", true)),
        ("brand-ed", ed("brand-ed", 3)),
        ("ops-ed", ed("ops-ed", 4)),
        ("stranger-ed", ed("stranger-ed", 5)),
    ])
});

/// A token under a key of the world, as a recipe has it.
pub(crate) fn make(kid: &str, recipe: &Recipe) -> String {
    let key = &KEYS[kid];
    let (typ, claims) = whole_claims(kid);
    let header = [("alg", key.alg), ("typ", typ), ("kid", kid)];
    let header = header.map(|(name, text)| (name.to_owned(), json!(text).to_string())).to_vec();
    let before = (object(&header), object(&claims));
    let after = (
        text(
            header,
            (&recipe.header, &recipe.header_drop, &recipe.header_more),
            recipe.header_text.as_ref(),
        ),
        text(
            claims,
            (&recipe.claims, &recipe.claims_drop, &recipe.claims_more),
            recipe.claims_text.as_ref(),
        ),
    );
    let signed = to_sign(&after);
    let signature = match &recipe.signature {
        Some(act) => signature(act, key, &signed, &to_sign(&before)),
        None => key.sign(signed.as_bytes()),
    };
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
    recipe.token.as_ref().map_or(token.clone(), |act| spoilt(act, &token))
}

type Members = Vec<(String, String)>;

fn whole_claims(kid: &str) -> (&'static str, Members) {
    let (typ, more) = match kid {
        "brand-ed" => (
            "JWT",
            json!({ "iss": "https://id.brand.example", "https://brand.example/org": "org-brand",
                "https://brand.example/roles": ["analyst"] }),
        ),
        "ops-ed" => ("at+jwt", json!({ "iss": "https://ops.example", "roles": ["operator"] })),
        _ => (
            "at+jwt",
            json!({ "iss": "https://id.grocer.example", "org": "org-grocer", "roles": ["analyst"] }),
        ),
    };
    let mut claims = json!({ "aud": "airlock", "sub": "someone", "jti": "one", "iat": NOW_S - 10, "exp": NOW_S + 290 });
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let members = claims.as_object().unwrap().iter();
    (typ, members.map(|(name, value)| (name.clone(), value.to_string())).collect())
}

/// One part, before it is encoded.
fn text(
    mut members: Members,
    (set, drop, more): (&toml::Table, &[String], &[(String, toml::Value)]),
    whole: Option<&String>,
) -> String {
    if let Some(whole) = whole {
        let is_token = whole == "@token";
        return if is_token { make("grocer-ed", &Recipe::default()) } else { whole.clone() };
    }
    for (name, value) in set {
        let value = json_of(value);
        match members.iter_mut().find(|(known, _)| known == name) {
            Some(known) => known.1 = value,
            None => members.push((name.clone(), value)),
        }
    }
    for name in drop {
        assert!(members.iter().any(|(known, _)| known == name), "{name} is not there anyway");
        members.retain(|(known, _)| known != name);
    }
    members.extend(more.iter().map(|(name, value)| (name.clone(), json_of(value))));
    object(&members)
}

fn object(members: &[(String, String)]) -> String {
    let members = members.iter().map(|(name, value)| format!("{}:{value}", json!(name)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

fn json_of(value: &toml::Value) -> String {
    let Some(text) = value.as_str() else { return serde_json::to_string(value).unwrap() };
    if let Some(by) = text.strip_prefix("@now") {
        let by = if by.is_empty() { 0 } else { by.parse::<i64>().unwrap() };
        (NOW_S + by).to_string()
    } else if let Some(raw) = text.strip_prefix("@json ") {
        raw.to_owned()
    } else if let Some(long) = text.strip_prefix("@fill ") {
        json!("x".repeat(long.parse().unwrap())).to_string()
    } else if let Some(kid) = text.strip_prefix("@entry ") {
        KEYS[kid].jwk.to_string()
    } else {
        assert!(!text.starts_with('@'), "{text}: nobody knows what that is");
        json!(text).to_string()
    }
}

fn to_sign((header, claims): &(String, String)) -> String {
    let encoded = |text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        if let Some(at) = text.find('¤') {
            bytes.splice(at..at + '¤'.len_utf8(), [0xff]);
        }
        URL_SAFE_NO_PAD.encode(bytes)
    };
    format!("{}.{}", encoded(header), encoded(claims))
}

/// The group's order of P-256.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
    0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];
/// The same of Ed25519, the lowest byte first.
const LOW_ORDER_FIRST: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn signature(act: &str, key: &Made, signed: &str, before: &str) -> Vec<u8> {
    let mut good = key.sign(signed.as_bytes());
    let hmac = |secret: &[u8]| {
        let hmac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
        hmac.chain_update(signed).finalize().into_bytes().to_vec()
    };
    let half = good.len() / 2;
    match act {
        "empty" => return Vec::new(),
        "of the good token" => return key.sign(before.as_bytes()),
        "hmac of the public key" => return hmac(&key.public()),
        "hmac of the entry" => return hmac(key.jwk.to_string().as_bytes()),
        "hmac of nothing" => return hmac(&[]),
        "bit turned" => good[half] ^= 1,
        "short" => drop(good.pop()),
        "long" => good.push(0),
        "zero before" => good.insert(0, 0),
        "zeros" => good.fill(0),
        "ones" => good.fill(0xff),
        "r zero" => good[..half].fill(0),
        "s zero" => good[half..].fill(0),
        "r order" => good[..half].copy_from_slice(&ORDER),
        "s order" => good[half..].copy_from_slice(&ORDER),
        "halves changed" => good.rotate_left(half),
        "der" => return der(&good),
        "s plus order" => {
            let mut carry = 0;
            for (byte, more) in good[half..].iter_mut().zip(LOW_ORDER_FIRST) {
                let sum = u16::from(*byte) + u16::from(more) + carry;
                (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
            }
        }
        other => {
            let kid = other.strip_prefix("of ").unwrap_or_else(|| panic!("{other}: what is that?"));
            return KEYS[kid].sign(signed.as_bytes());
        }
    }
    good
}

fn der(fixed: &[u8]) -> Vec<u8> {
    let mut numbers = Vec::new();
    for number in fixed.chunks(fixed.len() / 2) {
        let from = number.iter().position(|byte| *byte != 0).unwrap();
        let number = &number[from..];
        let zero: &[u8] = if number[0] >= 128 { &[0] } else { &[] };
        let len = u8::try_from(zero.len() + number.len()).unwrap();
        numbers.extend([&[2, len], zero, number].concat());
    }
    [&[0x30, u8::try_from(numbers.len()).unwrap()], numbers.as_slice()].concat()
}

fn spoilt(act: &str, token: &str) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("a good token has three parts") };
    let middle = token.len() / 2;
    let within = |text: &str| format!("{}{text}{}", &token[..middle], &token[middle..]);
    match act {
        "nothing" => String::new(),
        "two parts" => format!("{header}.{claims}"),
        "empty header" => format!(".{claims}.{signature}"),
        "empty claims" => format!("{header}..{signature}"),
        "four parts" => format!("{token}.{signature}"),
        "five parts" => format!("{header}.{claims}.{signature}.{signature}.{signature}"),
        "json form" => {
            json!({ "protected": header, "payload": claims, "signature": signature }).to_string()
        }
        "dot before" => format!(".{token}"),
        "padded" => format!("{token}=="),
        "standard alphabet" => token.replace('-', "+").replace('_', "/"),
        "space before" => format!(" {token}"),
        "space after" => format!("{token} "),
        "line end after" => format!("{token}\n"),
        "line end within" => within("\r\n"),
        "nul within" => within("\0"),
        "nul after" => format!("{token}\0"),
        "scheme before" => format!("Bearer {token}"),
        "percent" => within("%2E"),
        "not ascii" => within("ä"),
        other => {
            let part: usize = other.strip_prefix("spare bits ").unwrap().parse().unwrap();
            let mut parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
            parts[part] = with_spare_bit(&parts[part]);
            parts.join(".")
        }
    }
}

/// The same bytes to a lax reader.
fn with_spare_bit(part: &str) -> String {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    assert_ne!(part.len() % 4, 0, "there are no spare bits in {part}");
    let (rest, last) = part.split_at(part.len() - 1);
    let at = LETTERS.find(last).unwrap();
    assert_eq!(at % 4, 0);
    format!("{rest}{}", &LETTERS[at + 1..=at + 1])
}

/// A gateway's folder: what is set, and the issuers' keys.
pub(crate) struct World {
    folder: tempfile::TempDir,
    home: Home,
}

const SETTINGS: &str = r#"
[[http.tenants]]
member = "grocer"
organisation = "org-grocer"
[[http.tenants]]
member = "bank"
organisation = "org-bank"
[[http.tenants]]
member = "brand"
organisation = "org-brand"
[[http.issuers]]
issuer = "https://id.grocer.example"
jwks_file = "grocer.json"
person_claim = "email"
tenants = ["grocer", "bank"]
[[http.issuers]]
issuer = "https://id.brand.example"
jwks_file = "brand.json"
typ = "JWT"
organisation_claim = "https://brand.example/org"
roles_claim = "https://brand.example/roles"
tenants = ["brand"]
[[http.issuers]]
issuer = "https://ops.example"
jwks_file = "ops.json"
operators = true
"#;

impl World {
    /// With more keys in the grocer's set.
    pub(crate) fn new(more: impl Iterator<Item = String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        std::fs::write(home.settings(), SETTINGS).unwrap();
        let world = Self { folder, home };
        let mut keys: Vec<Value> = more.map(|jwk| serde_json::from_str(&jwk).unwrap()).collect();
        let own = KEYS.iter().filter(|(kid, _)| kid.starts_with("grocer"));
        keys.extend(own.map(|(_, made)| made.jwk.clone()));
        // Keys of the same bytes as a good one, for something else.
        let x = &KEYS["grocer-ed"].jwk["x"];
        keys.push(
            json!({ "kty": "OKP", "crv": "Ed25519", "kid": "grocer-enc", "use": "enc", "x": x }),
        );
        keys.push(json!({ "kty": "oct", "kid": "grocer-oct", "k": x }));
        world.write("grocer.json", &keys);
        world.write_keys("brand.json", &["brand-ed"]);
        world.write_keys("ops.json", &["ops-ed"]);
        world
    }

    /// Other keys for an issuer.
    pub(crate) fn write_keys(&self, file: &str, kids: &[&str]) {
        let keys: Vec<Value> = kids.iter().map(|kid| KEYS[kid].jwk.clone()).collect();
        self.write(file, &keys);
    }

    fn write(&self, file: &str, keys: &[Value]) {
        let path = self.folder.path().join(file);
        let new = path.with_extension("new");
        std::fs::write(&new, json!({ "keys": keys }).to_string()).unwrap();
        std::fs::rename(new, path).unwrap();
    }

    /// Whoever judges tokens here, and its clock.
    pub(crate) fn verifier(&self) -> (Verifier, Arc<FixedClock>) {
        let clock = Arc::new(FixedClock::new(NOW_S * 1_000));
        let http = settings::http(&self.home).unwrap();
        (verifier(&http, &self.home, Arc::<FixedClock>::clone(&clock)).unwrap(), clock)
    }
}
