//! `airlock token`: there is none unless the settings say so, and it goes to the output alone.

use crate::world::{Answer, World};
use airlock::log::SecretKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::process::Command;

const ON: &str = "[http]\ndevelopment_issuer = true\n";

/// A gateway with two members' keys.
fn gateway(settings: &str) -> World {
    let world = World::of(1);
    for member in ["grocer", "brand"] {
        world.airlock(&["keygen", "--member", member]).done();
    }
    std::fs::write(world.path("home/gateway.toml"), settings).unwrap();
    world
}

fn claims(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

/// A token of the development issuer with other claims, signed anew under the issuer's own key.
pub(crate) fn with_claims(world: &World, token: &str, alter: impl FnOnce(&mut Value)) -> String {
    let mut altered = claims(token);
    alter(&mut altered);
    let header = token.split('.').next().unwrap();
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(altered.to_string()));
    let key = SecretKey::load(&world.path("home/keys/dev-issuer.key")).unwrap();
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()).as_bytes());
    format!("{signed}.{signature}")
}

/// It as it was in time until an hour ago; and one for another service.
pub(crate) fn expired_and_foreign(world: &World, token: &str) -> [String; 2] {
    let expired = with_claims(world, token, |claims| {
        for at in ["iat", "exp"] {
            claims[at] = json!(claims[at].as_i64().unwrap() - 3_900);
        }
    });
    [expired, with_claims(world, token, |claims| claims["aud"] = json!("payments"))]
}

fn grocer(world: &World) -> Answer {
    world.airlock(&["token", "--as", "grocer", "--role", "analyst"])
}

#[test]
fn nobody_gets_a_token_unless_the_settings_say_so() {
    for settings in ["", "[http]\n", "[http]\ndevelopment_issuer = false\n"] {
        let world = gateway(settings);
        grocer(&world).is(3, "development-issuer-off");
        assert!(!world.path("home/keys/dev-issuer.key").exists());
    }
    let world = World::of(1);
    grocer(&world).is(3, "development-issuer-off");
    assert!(!world.path("home").exists(), "asking makes no folder");
    let world = gateway(&format!("{ON}beyond_loopback = true\nlisten = \"0.0.0.0:8470\"\n"));
    grocer(&world).is(3, "development-issuer-exposed");
    assert!(!world.path("home/keys/dev-issuer.key").exists());
}

#[test]
fn a_token_is_for_one_member_or_for_the_operator() {
    let world = gateway(ON);
    let roles = ["--role", "privacy-officer", "--role", "auditor"];
    let answer = world.airlock(&[&["token", "--as", "grocer"], &roles[..]].concat()).done();
    let claims_of = |answer: &Value| claims(answer["token"].as_str().unwrap());
    let claims = claims_of(&answer);
    assert_eq!((&claims["org"], &claims["aud"]), (&"grocer".into(), &"airlock".into()));
    assert_eq!(claims["roles"], serde_json::json!(["privacy-officer", "auditor"]));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
    let at = answer["expires_at"].as_str().unwrap();
    assert!(at.len() == 20 && at.ends_with('Z'), "{at}");
    let operator = claims_of(&world.airlock(&["token", "--operator"]).done());
    assert!(operator.get("org").is_none());
    assert_eq!(operator["roles"], serde_json::json!(["operator"]));
    for (words, code, error) in [
        (&["token"][..], 2, "usage"),
        (&["token", "--as", "grocer"], 2, "usage"),
        (&["token", "--role", "analyst"], 2, "usage"),
        (&["token", "--as", "grocer", "--role", "admin"], 2, "usage"),
        (&["token", "--operator", "--role", "analyst"], 2, "usage"),
        (&["token", "--as", "grocer", "--operator"], 2, "usage"),
        (&["token", "--as", "grocer", "--role", "operator"], 2, "role-of-member"),
        (&["token", "--as", "nobody", "--role", "analyst"], 2, "tenant-unknown"),
    ] {
        world.airlock(words).is(code, error);
    }
}

#[test]
fn people_get_the_token_and_nothing_else() {
    let world = gateway(ON);
    let people = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_airlock"));
        command.args(["--home", "home", "token"]).args(words).current_dir(world.folder.path());
        command.output().unwrap()
    };
    let output = people(&["--operator"]);
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success() && stderr.is_empty(), "{stderr}");
    let token = stdout.strip_suffix('\n').unwrap();
    assert!(token.split('.').count() == 3 && !token.contains(char::is_whitespace), "{stdout}");
    let help = String::from_utf8(people(&["--help"]).stdout).unwrap();
    assert!(help.contains("development_issuer = true") && help.contains("five minutes"), "{help}");
}
