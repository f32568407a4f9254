//! Runs, schedules and shares that are tied to what somebody looked at (`If-Match`): refused where something was decided since, and then nothing
//! is spent.

use crate::http::{Calling, Served, Told};
use crate::serve::{document, propose};
use crate::world::World;
use serde_json::{Value, json};

const AT: &str = "/v1/collaborations/spring";

/// Everything agreed, with whole places, so that more can be proposed.
fn world(people: usize, settings: &str) -> World {
    let world = World::of(people);
    world.agree(&document(&world));
    world.settle();
    let text = format!("[http]\ndevelopment_issuer = true\n{settings}");
    std::fs::write(world.path("home/gateway.toml"), text).unwrap();
    world
}

/// Decides something that no run, schedule or share rests on.
fn decide(served: &Served<'_>, entities_min: u32) {
    let least = format!("entities_min: {entities_min}");
    let text = document(served.world).replace("entities_min: 3", &least);
    let told = propose(served, &format!("propose-{entities_min:020}"), Some("*"), &text);
    assert_eq!(told.status, 201, "{told:?}");
}

fn mark(caller: &Calling<'_>) -> String {
    caller.get(AT).headers["etag"].clone()
}

fn wanted(caller: &Calling<'_>) -> Value {
    let template = caller.get(&format!("{AT}/templates/reach")).done();
    json!({ "template": "reach", "digest": template["digest"] })
}

/// The same as before, told again.
fn is_again(told: &Told, first: &Told) {
    assert_eq!((told.status, told.headers["idempotent-replay"].as_str()), (first.status, "true"));
    assert_eq!(told.json()["leaf_bytes"], first.json()["leaf_bytes"]);
}

#[test]
fn a_run_and_its_end_are_asked_for_on_what_was_looked_at() {
    let world = world(300_000, "runs_at_once = 1\n");
    let served = Served::start(&world);
    let brand = served.caller("brand", &["analyst"]);
    let (runs, body) = (format!("{AT}/runs"), wanted(&brand).to_string());
    let left = || brand.get(AT).done()["runs_left"].clone();
    let (stale, before) = (mark(&brand), left());
    decide(&served, 4);
    let now = mark(&brand);
    assert_ne!(stale, now);
    for key in ["run-stale-0000000000", "run-stale-0000000001"] {
        brand.change(&runs, key, Some(&stale), &body).is(412, "changed-meanwhile");
    }
    brand.change(&runs, "run-bad-000000000000", Some("x"), &body).is(400, "if-match-unreadable");
    assert_eq!((left(), brand.get(&runs).done()["runs"].clone()), (before, json!([])));
    // The one place is there still.
    let asked = brand.change(&runs, "run-good-00000000000", Some(&now), &body);
    assert_eq!(asked.status, 202, "{asked:?}");
    let place = asked.headers["location"].clone();
    let end = format!("{place}/cancellations");
    brand.change(&end, "cancel-0000000000000", Some(&stale), "").is(412, "changed-meanwhile");
    let stands = brand.get(&place).done()["state"].clone();
    assert!(stands == "requested" || stands == "delivering", "{stands}");
    let ended = brand.change(&end, "cancel-0000000000001", Some(&now), "");
    assert_eq!(ended.status, 201, "{ended:?}");
    decide(&served, 5);
    is_again(&brand.change(&runs, "run-good-00000000000", Some(&now), &body), &asked);
    is_again(&brand.change(&end, "cancel-0000000000001", Some(&now), ""), &ended);
    brand.change(&end, "cancel-0000000000002", Some(&now), "").is(412, "changed-meanwhile");
    assert_eq!(served.end("-TERM"), Some(0));
    world.log_is_whole();
}

#[test]
fn schedules_and_shares_are_decided_on_what_was_looked_at() {
    let world = world(20, "");
    world.airlock(&["run", "spring", "reach", "--as", "brand", "--run-id", "run-1"]).done();
    let served = Served::start(&world);
    let brand = served.caller("brand", &["analyst", "privacy-officer"]);
    let mut yearly = wanted(&brand);
    yearly["schedule"] = json!("yearly");
    yearly["cron"] = json!("0 6 1 1 *");
    let until = brand.get("/v1/me").done()["expires_ms"].as_i64().unwrap() + 3_600_000;
    let share = json!({ "run": "run-1", "recipient": "agency", "until_ms": until });
    let token = json!({ "recipient": "agency", "until_ms": until });
    let shares = format!("{AT}/shares");
    let schedules = format!("{AT}/schedules");
    let all = [
        (schedules.clone(), yearly.to_string()),
        (format!("{schedules}/yearly/removals"), String::new()),
        (shares.clone(), share.to_string()),
        (format!("{shares}/tokens"), token.to_string()),
    ];
    let stale = mark(&brand);
    decide(&served, 4);
    let now = mark(&brand);
    let mut done = Vec::new();
    for (n, (path, body)) in all.iter().enumerate() {
        let key = format!("stale-{n:020}");
        brand.change(path, &key, Some(&stale), body).is(412, "changed-meanwhile");
        let key = format!("good-{n:020}");
        let told = brand.change(path, &key, Some(&now), body);
        assert_eq!(told.status, 201, "{told:?}");
        done.push((path, key, body, told));
        if n == 0 {
            // Of what was refused no value is kept.
            let kept = std::fs::read_dir(world.path("home/schedules/spring")).unwrap();
            assert_eq!(kept.count(), 1);
        }
    }
    let known = brand.get(&shares).done()["recipients"].clone();
    assert_eq!(known[0]["tokens_until_ms"], json!([until, until]), "{known}");
    decide(&served, 5);
    for (path, key, body, first) in &done {
        is_again(&brand.change(path, key, Some(&now), body), first);
    }
    // Whatever is there: said, and not said.
    for (n, looked) in [Some("*"), None].into_iter().enumerate() {
        let told = brand.change(&all[3].0, &format!("any-{n:020}"), looked, &all[3].1);
        assert_eq!(told.status, 201, "{told:?}");
    }
    // What takes away is tied to nothing, whatever is said.
    let end = json!({ "recipient": "agency" }).to_string();
    let path = format!("{shares}/revocations");
    assert_eq!(brand.change(&path, "end-0000000000000000", Some(&stale), &end).status, 201);
    assert_eq!(served.end("-TERM"), Some(0));
    world.log_is_whole();
}
