//! Waivers of several terms: all of a room's are shown before, and given by the digest of what was shown; each is a leaf of its own.

use super::Far;
use crate::http::Served;
use crate::serve;
use crate::world::{AGREEMENT, Answer, World};
use serde_json::Value;

/// The agreement in a room of shares as well.
pub(crate) fn in_shares() -> String {
    let mut text = AGREEMENT
        .replace("rooms: [native]", "rooms: [native, { platform: snowflake, region: us-east-1 }]");
    for (member, account) in [("Grocer", "ACME.GROCER"), ("Brand", "ACME.BRAND")] {
        let before = format!("name: {member}, ");
        let identity = format!("{before}identity: {{ snowflake: \"{account}\" }}, ");
        text = text.replace(&before, &identity);
    }
    for table in ["sales", "seen"] {
        let before = format!("native: data/{table}.parquet");
        let there = format!("{before}, snowflake: D.S.{}", table.to_uppercase());
        text = text.replace(&before, &there);
    }
    for from in ["email", "mail"] {
        let raw = format!("key: email, from: {from}, type: utf8");
        text = text.replace(&raw, &format!("{raw}, normalise: none, hashed: sha256-hex"));
    }
    text
}

fn world() -> World {
    let world = serve::world();
    std::fs::write(world.path("agreement.yaml"), in_shares()).unwrap();
    world
}

fn waivers(told: &Value) -> Vec<String> {
    let all = told["waived"].as_array().unwrap().iter();
    let mut all: Vec<String> =
        all.map(|one| one["waived"]["at"].as_str().unwrap().to_owned()).collect();
    all.sort();
    all
}

/// The same by whoever types it, here or there.
fn goes(type_it: &dyn Fn(&str, &str) -> Answer, world: &World) {
    for line in ["apply agreement.yaml --as grocer", "join spring --as grocer"] {
        type_it("grocer", line).done();
    }
    type_it("brand", "join spring --as brand").done();
    let all = "waive spring --room snowflake --all --as grocer";
    let shown = type_it("grocer", all).done();
    let wider: Vec<&str> =
        shown["wider"].as_array().unwrap().iter().map(|one| one["at"].as_str().unwrap()).collect();
    assert!(wider.len() > 2, "{shown}");
    let given = |world: &World| {
        let log = world.airlock(&["audit", "show", "spring"]).done();
        log.to_string().matches("waiver-given").count()
    };
    assert_eq!(given(world), 0, "what is shown is not given");
    let digest = shown["losses"].as_str().unwrap();
    let other = format!("sha256:{}", "0".repeat(64));
    type_it("grocer", &format!("{all} --losses {other}")).is(3, "changed-meanwhile");
    // What another owner was shown is another list.
    let brands = format!("waive spring --room snowflake --all --losses {digest} --as brand");
    type_it("brand", &brands).is(3, "changed-meanwhile");
    // Two of them by name, and then the rest by what was shown.
    let two =
        format!("waive spring --room snowflake --at {} --at {} --as grocer", wider[0], wider[1]);
    assert_eq!(waivers(&type_it("grocer", &two).done()).len(), 2);
    assert_eq!(given(world), 2);
    let done = type_it("grocer", &format!("{all} --losses {digest}")).done();
    let mut sorted: Vec<String> = wider.iter().map(|at| (*at).to_owned()).collect();
    sorted.sort();
    assert!(waivers(&done).iter().all(|at| sorted.contains(at)));
    assert!(given(world) >= wider.len(), "each is a leaf");
    let again = type_it("grocer", all).done();
    assert_eq!(again["given"].as_array().unwrap().len(), wider.len(), "{again}");
    assert_eq!(
        again["losses"], shown["losses"],
        "the list is of what is lost, not of what is open"
    );
    let waiting = type_it("grocer", "waiting spring --as grocer").done();
    assert_eq!(waiting["waiting"], serde_json::json!([]));
    let id = "0".repeat(64);
    let back = format!("waiting spring --as grocer --take-back {id}");
    type_it("grocer", &back).is(2, "not-found");
    type_it("grocer", "waive spring --room native --all --as grocer").is(2, "nothing-to-waive");
    world.log_is_whole();
}

#[test]
fn all_of_a_room_are_shown_and_then_given_here() {
    let world = world();
    goes(&|_, line| world.airlock(&line.split(' ').collect::<Vec<_>>()), &world);
    // What was given before is not given again.
    let all = ["waive", "spring", "--room", "snowflake", "--all", "--as", "grocer"];
    let shown = world.airlock(&all).done();
    let losses = ["--losses", shown["losses"].as_str().unwrap()];
    let done = world.airlock(&[&all[..], &losses[..]].concat()).done();
    assert_eq!(waivers(&done).len(), 0);
}

#[test]
fn all_of_a_room_are_shown_and_then_given_there() {
    let world = world();
    let served = Served::start(&world);
    let far = Far::to(served.at);
    goes(&|member, line| far.ask(&served, member, &line.split(' ').collect::<Vec<_>>()), &world);
    assert_eq!(served.end("-TERM"), Some(0));
}
