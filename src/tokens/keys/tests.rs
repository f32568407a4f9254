//! Which keys of a set are keys, and how a file of them is followed.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::path::Path;

/// RFC 8037's.
const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn ed(kid: &str) -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": X })
}

/// RFC 7515's, of its third example.
fn ec() -> Value {
    json!({ "kty": "EC", "crv": "P-256", "kid": "k", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" })
}

fn rsa(bytes: usize, first: u8, e: &str) -> Value {
    let mut n = vec![0x55; bytes];
    n[0] = first;
    json!({ "kty": "RSA", "kid": "k", "n": URL_SAFE_NO_PAD.encode(n), "e": e })
}

fn read(keys: &Value) -> Result<KeySet, &'static str> {
    KeySet::read(json!({ "keys": keys }).to_string().as_bytes())
}

fn algorithm(jwk: &Value) -> Option<Algorithm> {
    read(&json!([jwk])).unwrap().get("k").map(Key::algorithm)
}

fn with(mut jwk: Value, name: &str, value: &Value) -> Value {
    jwk[name] = value.clone();
    jwk
}

#[test]
fn a_key_is_for_one_algorithm() {
    assert_eq!(algorithm(&ed("k")), Some(Algorithm::EdDsa));
    assert_eq!(algorithm(&ec()), Some(Algorithm::Es256));
    let good = rsa(256, 0xff, "AQAB");
    assert_eq!(algorithm(&good), Some(Algorithm::Rs256), "one that doesn't say");
    assert_eq!(algorithm(&with(good.clone(), "alg", &json!("PS256"))), Some(Algorithm::Ps256));
    for (jwk, alg) in [
        (ed("k"), json!("ES256")),
        (ed("k"), json!("none")),
        (ec(), json!("EdDSA")),
        (ec(), json!("ES384")),
        (ec(), json!(["ES256"])),
        (good.clone(), json!("RS512")),
        (good.clone(), json!("ES256")),
        (good.clone(), json!("HS256")),
        (good, json!(null)),
    ] {
        assert_eq!(algorithm(&with(jwk.clone(), "alg", &alg)), None, "{jwk} {alg}");
    }
}

#[test]
fn what_no_signature_should_rest_on_is_passed_over() {
    for (what, jwk) in [
        ("1,024 bits", rsa(128, 0xff, "AQAB")),
        ("2,047 bits", rsa(256, 0x7f, "AQAB")),
        ("a zero first", rsa(257, 0, "AQAB")),
        ("more than 8,192 bits", rsa(1_025, 0xff, "AQAB")),
        ("exponent 1", rsa(256, 0xff, "AQ")),
        ("exponent 3", rsa(256, 0xff, "Aw")),
        ("exponent 65536", rsa(256, 0xff, "AQAA")),
        ("exponent with a zero first", rsa(256, 0xff, "AAEAAQ")),
        ("no exponent", rsa(256, 0xff, "")),
        ("small order", with(ed("k"), "x", &json!(format!("AQ{}", "A".repeat(41))))),
        ("31 bytes", with(ed("k"), "x", &json!(&X[..42]))),
        ("another curve", with(ed("k"), "crv", &json!("Ed448"))),
        ("padded", with(ed("k"), "x", &json!(format!("{X}=")))),
        ("no point of the curve", with(ec(), "y", &ec()["x"])),
        ("half a point", with(ec(), "y", &json!(""))),
        ("the wrong curve", with(ec(), "crv", &json!("P-384"))),
        ("a curve that is not taken", with(ec(), "crv", &json!("secp256k1"))),
        ("no kind", with(ed("k"), "kty", &json!(null))),
        ("a secret key", json!({ "kty": "oct", "kid": "k", "k": X })),
        ("its private half with it", with(ed("k"), "d", &json!(X))),
        ("for encryption", with(ed("k"), "use", &json!("enc"))),
        ("for signing alone", with(ed("k"), "key_ops", &json!(["sign"]))),
    ] {
        assert_eq!(algorithm(&jwk), None, "{what}");
        assert!(read(&json!([jwk, ed("good")])).unwrap().get("good").is_some(), "{what}");
    }
    let said = with(with(ed("k"), "use", &json!("sig")), "key_ops", &json!(["verify"]));
    assert_eq!(algorithm(&with(said, "x5t", &json!("x"))), Some(Algorithm::EdDsa));
}

#[test]
fn a_set_that_can_be_read_two_ways_is_none() {
    for text in [
        "",
        "[]",
        "{}",
        r#"{"keys": {}}"#,
        r#"{"keys": [1]}"#,
        r#"{"keys": [], "keys": []}"#,
        r#"{"keys": [{"kid": "a", "kid": "b"}]}"#,
    ] {
        assert!(KeySet::read(text.as_bytes()).is_err(), "{text}");
    }
    assert!(read(&json!([ed("k"), ed("k")])).is_err());
    assert!(read(&json!([ed("k"), with(ed("k"), "use", &json!("enc"))])).is_ok());
    assert!(read(&json!([])).is_ok());
}

#[test]
fn names_are_exact() {
    let set = read(&json!([ed("k1"), ed("k2")])).unwrap();
    assert!(set.get("k1").is_some() && set.get("k2").is_some());
    for other in ["", "k", "K1", "k1 ", "k3"] {
        assert!(set.get(other).is_none(), "{other}");
    }
}

struct File {
    folder: tempfile::TempDir,
    keys: FileKeys,
}

impl File {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = FileKeys::new(folder.path().join("keys.json"));
        Self { folder, keys }
    }

    fn path(&self) -> &Path {
        &self.keys.path
    }

    /// Put in place whole.
    fn put(&self, kid: &str) {
        let new = self.folder.path().join("new");
        std::fs::write(&new, json!({ "keys": [ed(kid)] }).to_string()).unwrap();
        std::fs::rename(new, self.path()).unwrap();
    }

    fn has(&self, kid: &str, at_ms: i64) -> bool {
        self.keys.current(at_ms).get(kid).is_some()
    }

    fn is_told(&self) -> bool {
        self.keys.known.lock().unwrap().is_told
    }
}

#[test]
fn a_file_is_followed_and_looked_at_once_a_second() {
    let file = File::new();
    file.put("one");
    assert!(file.has("one", 0));
    // Of the same length.
    file.put("two");
    assert!(file.has("one", 999) && !file.has("two", 999));
    assert!(file.has("two", 1_000) && !file.has("one", 1_000));
    let before = file.keys.current(2_000);
    assert!(Arc::ptr_eq(&before, &file.keys.current(9_000)), "nothing has changed");
    file.put("two");
    assert!(!Arc::ptr_eq(&before, &file.keys.current(10_000)));
    // Also by a clock that went back.
    file.put("three");
    assert!(file.has("three", 0));
}

#[test]
fn the_last_good_keys_stay_while_a_file_cannot_be_read() {
    let file = File::new();
    file.put("one");
    assert!(file.has("one", 0) && !file.is_told());
    for (n, text) in ["", "{\"keys\": [", "not JSON", &" ".repeat(70_000)].iter().enumerate() {
        std::fs::write(file.path(), text).unwrap();
        assert!(file.has("one", 1_000 * (i64::try_from(n).unwrap() + 1)) && file.is_told());
    }
    std::fs::remove_file(file.path()).unwrap();
    assert!(file.has("one", 10_000) && file.has("one", 11_000));
    file.put("two");
    assert!(file.has("two", 12_000) && !file.has("one", 12_000) && !file.is_told());
    std::fs::write(file.path(), r#"{"keys": []}"#).unwrap();
    assert!(!file.has("two", 13_000), "a set without keys is a good one: it takes them away");
}

#[test]
fn a_file_that_was_never_there_gives_no_keys_until_it_is() {
    let file = File::new();
    assert!(!file.has("one", 0) && file.is_told());
    file.put("one");
    assert!(file.has("one", 1_000) && !file.is_told());
}
