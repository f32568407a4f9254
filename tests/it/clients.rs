//! Programs that get a token for what they signed, over the door of a gateway that serves: once for each signature, also after it was killed.

use crate::http::{Served, Told};
use crate::world::World;
use airlock::log::SecretKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
const SETTINGS: &str = "[[http.tenants]]\nmember = \"grocer\"\n[[http.clients]]\nclient = \"etl\"\nmember = \"grocer\"\n\
    roles = [\"analyst\", \"auditor\"]\njwks_file = \"etl.json\"\n";

fn key() -> SecretKey {
    SecretKey::from_seed([3; 32])
}

fn world() -> World {
    let world = World::of(1);
    world.airlock(&["keygen", "--member", "grocer"]).done();
    let x = URL_SAFE_NO_PAD.encode(key().public().as_bytes());
    let set = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "etl-1", "use": "sig", "x": x }] });
    std::fs::write(world.path("home/etl.json"), set.to_string()).unwrap();
    std::fs::write(world.path("home/gateway.toml"), SETTINGS).unwrap();
    world
}

#[expect(clippy::disallowed_methods, reason = "a test says until when what it signs is good")]
fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn assertion(jti: &str) -> String {
    let now = now_s();
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({ "iss": "etl", "sub": "etl", "aud": "airlock", "jti": jti, "iat": now, "exp": now + 60 });
    let signed = format!("{}.{}", part(json!({ "alg": "EdDSA", "kid": "etl-1" })), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(key().sign(signed.as_bytes()).as_bytes());
    format!("{signed}.{signature}")
}

fn ask(served: &Served<'_>, assertion: &str, more: &str) -> Told {
    let body = format!(
        "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer\
         &client_assertion={assertion}{more}"
    );
    served.ask("POST", "/v1/token", &[FORM.to_owned()], &body)
}

fn me(served: &Served<'_>, token: &str) -> Told {
    served.ask("GET", "/v1/me", &[format!("Authorization: Bearer {token}")], "")
}

#[test]
fn a_program_gets_a_token_once_for_what_it_signed() {
    let world = world();
    let served = Served::start(&world);
    let told = ask(&served, &assertion("one"), "");
    assert_eq!(told.headers["cache-control"], "no-store");
    let given = told.done();
    assert_eq!(
        (&given["token_type"], &given["scope"]),
        (&json!("Bearer"), &json!("analyst auditor"))
    );
    let token = given["access_token"].as_str().unwrap().to_owned();
    let known = me(&served, &token).done();
    assert_eq!(
        (&known["member"], &known["roles"]),
        (&json!("grocer"), &json!(["analyst", "auditor"]))
    );
    let fewer = ask(&served, &assertion("two"), "&scope=auditor").done();
    let fewer = me(&served, fewer["access_token"].as_str().unwrap()).done();
    assert_eq!(fewer["roles"], json!(["auditor"]));
    // A bearer token is no assertion, and an assertion no token.
    assert_eq!(ask(&served, &token, "").status, 401);
    me(&served, &assertion("three")).is(401, "token-invalid");
    let again = ask(&served, &assertion("one"), "");
    assert_eq!((again.status, &again.json()["error"]), (401, &json!("invalid_client")));
    assert_eq!(again.headers["content-type"], "application/json");
    served.kill();
    let served = Served::start(&world);
    assert_eq!(ask(&served, &assertion("one"), "").status, 401, "also after it was killed");
    assert_eq!(me(&served, &token).status, 200, "its key stays");
    let other = ask(&served, &assertion("four"), "&scope=operator");
    assert_eq!((other.status, &other.json()["error"]), (400, &json!("invalid_scope")));
    let keys = served.ask("GET", "/.well-known/jwks.json", &[], "").done();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    served
        .ask("POST", "/v1/token", &["Content-Type: application/json".to_owned()], "{}")
        .is(415, "media-type-unknown");
}

#[test]
fn without_clients_nobody_gets_one_and_no_key_is_made() {
    let world = World::of(1);
    world.airlock(&["keygen", "--member", "grocer"]).done();
    let served = Served::start(&world);
    assert_eq!(ask(&served, &assertion("one"), "").status, 401);
    let keys = served.ask("GET", "/.well-known/jwks.json", &[], "").done();
    assert_eq!(keys, json!({ "keys": [] }));
    assert!(!world.path("home/keys/issuer.key").exists());
}
