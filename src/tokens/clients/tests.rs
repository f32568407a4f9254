//! What clients sign: good, and such as only somebody signs who is up to something.

use super::*;
use crate::clock::FixedClock;
use crate::log::SecretKey;
use crate::settings;
use crate::tokens::jws::{encoded, to_sign};
use crate::tokens::{Verifier, verifier};

const NOW_S: i64 = 1_700_000_000;

struct World {
    _folder: tempfile::TempDir,
    verifier: Verifier,
    clock: Arc<FixedClock>,
}

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed([seed; 32])
}

fn set(seed: u8, kid: &str) -> String {
    let x = encoded(key(seed).public().as_bytes());
    json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x }] }).to_string()
}

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(folder.path()).unwrap();
    let text = "[http]\nhosts = [\"gw.example\"]\n[[http.tenants]]\nmember = \"grocer\"\n[[http.tenants]]\nmember = \"brand\"\n\
        [[http.clients]]\nclient = \"etl\"\nmember = \"grocer\"\nroles = [\"analyst\", \"auditor\"]\njwks_file = \"etl.json\"\n\
        [[http.clients]]\nclient = \"bi\"\nmember = \"brand\"\nroles = [\"analyst\"]\njwks_file = \"bi.json\"\n";
    std::fs::write(home.settings(), text).unwrap();
    std::fs::write(folder.path().join("etl.json"), set(1, "etl-1")).unwrap();
    std::fs::write(folder.path().join("bi.json"), set(2, "bi-1")).unwrap();
    let clock = Arc::new(FixedClock::new(NOW_S * 1_000));
    let http = settings::http(&home).unwrap();
    let verifier = verifier(&http, &home, Arc::<FixedClock>::clone(&clock)).unwrap();
    World { _folder: folder, verifier, clock }
}

impl World {
    fn proven(&self, assertion: &str) -> Result<Proven<'_>, Refused> {
        let now = (self.clock.now_ms(), self.clock.steady_ms());
        self.verifier.clients().proven(assertion, now)
    }

    fn code(&self, header: &Value, claims: &Value, seed: u8) -> Result<(), &'static str> {
        self.proven(&signed(header, claims, seed)).map(drop).map_err(Refused::code)
    }
}

fn signed(header: &Value, claims: &Value, seed: u8) -> String {
    let text = to_sign(header, claims);
    format!("{text}.{}", encoded(key(seed).sign(text.as_bytes()).as_bytes()))
}

fn header() -> Value {
    json!({ "alg": "EdDSA", "typ": "JWT", "kid": "etl-1" })
}

fn claims() -> Value {
    json!({ "iss": "etl", "sub": "etl", "aud": "https://gw.example/v1/token", "jti": "one", "iat": NOW_S, "exp": NOW_S + 300 })
}

/// A value with some members set, or left out where they are null.
fn with(mut value: Value, more: &Value) -> Value {
    for (name, one) in more.as_object().unwrap() {
        if one.is_null() {
            value.as_object_mut().unwrap().remove(name);
        } else {
            value[name] = one.clone();
        }
    }
    value
}

#[test]
fn what_a_client_signs_for_this_gateway_proves_who_it_is() {
    let world = world();
    for more in [
        json!({}),
        json!({ "aud": "airlock" }),
        json!({ "aud": OWN_ISSUER }),
        json!({ "aud": ["airlock"] }),
        json!({ "aud": "https://GW.example:8443/v1/token" }),
        json!({ "aud": "http://127.0.0.1:8470/v1/token" }),
        json!({ "iat": null }),
        json!({ "iat": null, "exp": NOW_S + 360 }),
        json!({ "exp": NOW_S - 59, "iat": NOW_S - 200 }),
        json!({ "iat": NOW_S + 60, "exp": NOW_S + 300 }),
        json!({ "nbf": NOW_S + 60 }),
        json!({ "scope": "anything", "roles": ["operator"] }),
    ] {
        assert_eq!(world.code(&header(), &with(claims(), &more), 1), Ok(()), "{more}");
    }
    for typ in [json!({ "typ": null }), json!({ "typ": "client-authentication+jwt" })] {
        assert_eq!(world.code(&with(header(), &typ), &claims(), 1), Ok(()), "{typ}");
    }
}

#[test]
fn anything_else_proves_nothing() {
    let world = world();
    for (more, code) in [
        (json!({ "iss": "bi" }), "key-unknown"),
        (json!({ "iss": "nobody", "sub": "nobody" }), "iss-unknown"),
        (json!({ "iss": null }), "iss-unknown"),
        (json!({ "iss": ["etl"] }), "iss-unknown"),
        (json!({ "sub": "bi" }), "sub-malformed"),
        (json!({ "sub": null }), "sub-malformed"),
        (json!({ "aud": null }), "aud-wrong"),
        (json!({ "aud": "https://evil.example/v1/token" }), "aud-wrong"),
        (json!({ "aud": "https://gw.example.evil.example/v1/token" }), "aud-wrong"),
        (json!({ "aud": "https://gw.example" }), "aud-wrong"),
        (json!({ "aud": "https://gw.example/v1/token/" }), "aud-wrong"),
        (json!({ "aud": "https://user@gw.example/v1/token" }), "aud-wrong"),
        (json!({ "aud": ["airlock", "https://gw.example/v1/token"] }), "aud-wrong"),
        (json!({ "aud": ["airlock", "https://evil.example"] }), "aud-wrong"),
        (json!({ "aud": [] }), "aud-wrong"),
        (json!({ "exp": null }), "exp-malformed"),
        (json!({ "exp": "soon" }), "exp-malformed"),
        (json!({ "exp": NOW_S + 301 }), "life-refused"),
        (json!({ "iat": null, "exp": NOW_S + 361 }), "life-refused"),
        (json!({ "iat": null, "exp": NOW_S + 31_536_000 }), "life-refused"),
        (json!({ "iat": NOW_S, "exp": NOW_S }), "life-refused"),
        (json!({ "exp": NOW_S - 60, "iat": NOW_S - 200 }), "token-expired"),
        (json!({ "iat": NOW_S + 61, "exp": NOW_S + 300 }), "iat-in-future"),
        (json!({ "nbf": NOW_S + 61 }), "token-not-yet"),
        (json!({ "nbf": "now" }), "nbf-malformed"),
        (json!({ "jti": null }), "jti-malformed"),
        (json!({ "jti": "" }), "jti-malformed"),
        (json!({ "jti": 1 }), "jti-malformed"),
    ] {
        assert_eq!(world.code(&header(), &with(claims(), &more), 1), Err(code), "{more}");
    }
    for (more, code) in [
        (json!({ "typ": "at+jwt" }), "typ-refused"),
        (json!({ "typ": 1 }), "typ-refused"),
        (json!({ "alg": "HS256" }), "alg-refused"),
        (json!({ "alg": "none" }), "alg-refused"),
        (json!({ "alg": "ES256" }), "key-of-other-alg"),
        (json!({ "kid": null }), "kid-malformed"),
        (json!({ "kid": "bi-1" }), "key-unknown"),
        (json!({ "jwk": {} }), "header-member-refused"),
        (json!({ "jku": "https://evil.example" }), "header-member-refused"),
    ] {
        assert_eq!(world.code(&with(header(), &more), &claims(), 1), Err(code), "{more}");
    }
    assert_eq!(world.code(&header(), &claims(), 2), Err("signature-wrong"), "another's key");
}

#[test]
fn one_name_is_spent_for_one_client() {
    let world = world();
    let scope = |claims: &Value, header: &Value, seed| {
        world.proven(&signed(header, claims, seed)).unwrap().scope
    };
    let (one, bi) = (claims(), with(claims(), &json!({ "iss": "bi", "sub": "bi" })));
    let other = with(header(), &json!({ "kid": "bi-1" }));
    let later = with(claims(), &json!({ "exp": NOW_S + 100 }));
    assert_eq!(scope(&one, &header(), 1), scope(&later, &header(), 1), "whatever else it says");
    assert_ne!(scope(&one, &header(), 1), scope(&bi, &other, 2));
    let named = with(claims(), &json!({ "jti": "two" }));
    assert_ne!(scope(&one, &header(), 1), scope(&named, &header(), 1));
}

#[test]
fn its_token_is_taken_for_its_member_and_for_five_minutes() {
    let world = world();
    let assertion = signed(&header(), &claims(), 1);
    let proven = world.proven(&assertion).unwrap();
    let clients = world.verifier.clients();
    let minted = clients.mint(&proven, proven.roles(), NOW_S * 1_000).unwrap();
    let caller = world.verifier.verify(&minted.token).unwrap();
    assert_eq!((caller.tenant().unwrap().as_str(), caller.roles()), ("grocer", proven.roles()));
    let few = BTreeSet::from([Role::Auditor]);
    let narrow = clients.mint(&proven, &few, NOW_S * 1_000).unwrap();
    assert_eq!(world.verifier.verify(&narrow.token).unwrap().roles(), &few);
    // Neither is the other.
    assert_eq!(world.verifier.verify(&assertion), Err(Refused::Issuer));
    assert_eq!(world.proven(&minted.token).map(drop), Err(Refused::Type));
    world.clock.step(360_000);
    assert_eq!(world.verifier.verify(&minted.token), Err(Refused::Expired));
    // Whoever had the key could not be the operator by it.
    let mint = clients.mint.as_ref().unwrap();
    let whom = For { subject: "operator", member: None, person: None, client: None };
    let operator =
        mint.mint(whom, &BTreeSet::from([Role::Operator]), world.clock.now_ms()).unwrap();
    assert_eq!(world.verifier.verify(&operator.token), Err(Refused::OperatorUnknown));
    assert_eq!(clients.key_set()["keys"][0]["kid"], json!(mint.kid()));
}

#[test]
fn a_client_that_asks_too_fast_waits_and_nobody_else_does() {
    let world = world();
    let proven = world.proven(&signed(&header(), &claims(), 1)).unwrap();
    let turns =
        |at: i64| std::iter::repeat_with(|| proven.turn(at)).take(100).filter(|may| *may).count();
    assert_eq!(turns(0), 30);
    assert_eq!(turns(999), 0);
    assert_eq!(turns(1_000), 1);
    assert_eq!(turns(5_000), 4);
    let bi = with(claims(), &json!({ "iss": "bi", "sub": "bi" }));
    let other = world.proven(&signed(&with(header(), &json!({ "kid": "bi-1" })), &bi, 2)).unwrap();
    assert!(other.turn(0));
}

#[test]
fn without_clients_there_is_no_key_and_nobody_is_proven() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(folder.path()).unwrap();
    let clock = Arc::new(FixedClock::new(NOW_S * 1_000));
    let verifier = verifier(&settings::http(&home).unwrap(), &home, clock).unwrap();
    assert!(!home.issuer_key().exists());
    assert_eq!(verifier.clients().key_set(), json!({ "keys": [] }));
    let found = verifier.clients().proven(&signed(&header(), &claims(), 1), (NOW_S * 1_000, 0));
    assert_eq!(found.map(drop), Err(Refused::Issuer));
}
