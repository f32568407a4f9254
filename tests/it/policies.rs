//! An operator's own policies as its operator meets them: what they would forbid, why they are not taken, and that no gateway starts without the
//! ones that are set. And two people, from another machine.

use crate::http::Served;
use crate::serve::world;
use crate::world::World;
use serde_json::json;
use std::process::Stdio;

const SETTINGS: &str = "[http]\ndevelopment_issuer = true\npolicies = \"policies\"\n";
const GOOD: &str = "@id(\"no-runs\")\nforbid (principal in Airlock::Role::\"analyst\", action == Airlock::Action::\"run\", resource);\n";

fn put(world: &World, text: &str) {
    std::fs::create_dir_all(world.path("home/policies")).unwrap();
    std::fs::write(world.path("home/policies/own.cedar"), text).unwrap();
    std::fs::write(world.path("home/gateway.toml"), SETTINGS).unwrap();
}

/// Whether a gateway starts; if not, why.
fn start(world: &World) -> Result<(), String> {
    let mut command = world.command(&["serve", "--listen", "127.0.0.1:0", "--no-sync"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(
        &mut std::io::BufReader::new(child.stdout.as_mut().unwrap()),
        &mut line,
    )
    .unwrap();
    let said: serde_json::Value = serde_json::from_str(&line).unwrap();
    let _ = child.kill();
    child.wait().unwrap();
    match said["error"]["code"].as_str() {
        None => Ok(()),
        Some(code) => Err(code.to_owned()),
    }
}

#[test]
fn what_policies_would_forbid_is_said_before_a_gateway_starts_with_them() {
    let world = world();
    put(&world, GOOD);
    let told = world.airlock(&["policies", "check"]).done();
    let one = &told["policies"][0];
    assert_eq!((&one["name"], &one["actions"]), (&json!("no-runs"), &json!(["run"])));
    assert_eq!((&one["at"], &one["conditional"]), (&json!("own.cedar:1"), &json!(false)));
    assert_eq!(start(&world), Ok(()));
    let shown = world.airlock(&["config", "show"]).done();
    let rows = shown["settings"].as_array().unwrap();
    let row = rows.iter().find(|row| row["key"] == "http.policies").unwrap();
    assert_eq!((&row["value"], &row["at"]), (&json!("policies"), &json!("gateway.toml:3")));
    let folder = world.path("elsewhere");
    std::fs::create_dir(&folder).unwrap();
    let elsewhere = ["policies", "check", folder.to_str().unwrap()];
    world.airlock(&elsewhere).is(3, "policy-none");
    std::fs::write(folder.join("a.cedar"), GOOD).unwrap();
    world.airlock(&elsewhere).done();
}

#[test]
fn no_gateway_starts_without_the_policies_that_are_set() {
    let world = world();
    for (text, code) in [
        (GOOD.replace("forbid", "permit"), "policy-grants"),
        (GOOD.replace("\"run\"", "\"runs\""), "policy-unknown"),
        (GOOD.replace("\"run\"", "\"withdraw-room\""), "policy-over-withdrawals"),
        (GOOD.replace(';', ""), "policy-malformed"),
        (String::new(), "policy-none"),
    ] {
        put(&world, &text);
        let answer = world.airlock(&["policies", "check"]);
        assert_eq!(answer.error(), code, "{text}");
        assert_eq!(start(&world), Err(code.to_owned()), "{text}");
    }
    put(&world, GOOD);
    assert_eq!(start(&world), Ok(()));
    std::fs::write(world.path("home/policies/own.cedar.bak"), GOOD).unwrap();
    assert_eq!(start(&world), Err("policy-unreadable".to_owned()));
    std::fs::remove_dir_all(world.path("home/policies")).unwrap();
    assert_eq!(start(&world), Err("policy-unreadable".to_owned()));
    std::fs::write(world.path("home/gateway.toml"), SETTINGS.replace("policies", "# policies"))
        .unwrap();
    world.airlock(&["policies", "check"]).is(2, "policy-none");
    assert_eq!(start(&world), Ok(()));
}

#[test]
fn from_another_machine_the_first_person_is_told_that_it_waits() {
    let world = world();
    let settings = "[http]\ndevelopment_issuer = true\n[[http.tenants]]\nmember = \"grocer\"\nfour_eyes = [\"approve\"]\n";
    std::fs::write(world.path("home/gateway.toml"), settings).unwrap();
    world.airlock(&["apply", "agreement.yaml", "--as", "grocer"]).done();
    for member in ["grocer", "brand"] {
        world.airlock(&["join", "spring", "--as", member]).done();
    }
    let served = Served::start(&world);
    let approve = |person: &str| {
        let token = ["token", "--as", "grocer", "--role", "privacy-officer", "--person", person];
        let token = world.airlock(&token).done()["token"].as_str().unwrap().to_owned();
        let mut command = world.command(&["approve", "spring", "reach", "--as", "grocer"]);
        command.env("AIRLOCK_GATEWAY", format!("http://{}", served.at));
        command.env("AIRLOCK_TOKEN", token).env("XDG_CONFIG_HOME", world.path("config"));
        command.env("XDG_STATE_HOME", world.path("state"));
        crate::world::Answer::of(command.output().unwrap()).done()
    };
    for _ in 0..2 {
        let told = approve("alice");
        assert_eq!((&told["approved"], told["waiting"].as_array().unwrap().len()), (&json!([]), 1));
    }
    let told = approve("bob");
    assert_eq!((told["approved"].as_array().unwrap().len(), &told["waiting"]), (1, &json!([])));
}
