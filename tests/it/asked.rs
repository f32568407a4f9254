//! Runs that are asked for over HTTP, as a real process: followed, stopped, killed, counted, and their results fetched by who receives them.

use crate::http::{Calling, Served, Told};
use crate::world::World;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::time::{Duration, Instant};

/// Enough that a run can be met at work.
const MANY: usize = 300_000;
const RUNS: &str = "/v1/collaborations/spring/runs";

fn world(people: usize, settings: &str) -> World {
    let world = World::settled(people);
    let text = format!("[http]\ndevelopment_issuer = true\n{settings}");
    std::fs::write(world.path("home/gateway.toml"), text).unwrap();
    world
}

/// What asks for a run of the version that is there.
fn wanted(caller: &Calling<'_>) -> Value {
    let template = caller.get("/v1/collaborations/spring/templates/reach").done();
    json!({ "template": "reach", "digest": template["digest"] })
}

fn asks(caller: &Calling<'_>, key: &str) -> Told {
    let body = wanted(caller).to_string();
    caller.once(RUNS, &format!("{key}-0000000000000000"), &body)
}

/// The place of a run that is at work. One that is over before anybody looks makes place for another, ten times at most.
fn at_work(caller: &Calling<'_>, key: &str) -> String {
    let since = Instant::now();
    for number in 0..10 {
        let asked = asks(caller, &format!("{key}-{number}"));
        if number > 0 && asked.status == 429 {
            // The place of the one before is not free yet.
            std::thread::sleep(Duration::from_millis(500));
            continue;
        }
        assert_eq!(asked.status, 202, "{asked:?}");
        let place = asked.headers["location"].clone();
        if caller.get(&place).done()["phase"] == "running" {
            return place;
        }
        assert!(since.elapsed() < Duration::from_mins(1), "none in time");
        assert_eq!(ended(caller, &place)["state"], "succeeded");
        caller.served.world.taken_back();
    }
    panic!("no run was met at work");
}

fn ended(caller: &Calling<'_>, place: &str) -> Value {
    let last = caller.events(&format!("{place}/events")).pop().unwrap();
    assert_eq!(caller.get(place).done(), last, "what was followed is what is there");
    last
}

#[test]
fn a_run_is_asked_for_once_followed_to_its_end_and_fetched() {
    let world = world(10, "");
    let served = Served::start(&world);
    let brand = served.caller("brand", &["analyst"]);
    let asked = asks(&brand, "first");
    assert_eq!(asked.status, 202, "{asked:?}");
    let again = asks(&brand, "first");
    let said =
        |told: &Told| (told.status, told.json()["run"].clone(), told.json()["leaf_bytes"].clone());
    assert_eq!(said(&again), said(&asked));
    assert_eq!(again.headers["idempotent-replay"], "true");
    let other = json!({ "template": "other", "digest": "sha256:0" }).to_string();
    brand.once(RUNS, "first-0000000000000000", &other).is(422, "idempotency-key-reused");
    let place = &asked.headers["location"];
    let end = ended(&brand, place);
    assert_eq!((&end["state"], &end["receivers"]), (&json!("succeeded"), &json!(["brand"])));
    // Its result is at the receiver's own destination, and comes as it is there.
    let manifest = brand.get(&format!("{place}/manifest")).done();
    assert_eq!(manifest["rows"], end["rows"]);
    let files = manifest["files"].as_array().unwrap();
    assert!(!files.is_empty());
    for line in files {
        let name = line["name"].as_str().unwrap();
        let file = brand.get(&format!("{place}/files/{name}"));
        assert_eq!(file.status, 200, "{file:?}");
        let hex: String = Sha256::digest(&file.bytes)
            .iter()
            .fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        assert_eq!(line["sha256"], format!("sha256:{hex}"));
        assert_eq!(line["bytes"], file.bytes.len());
        assert!(file.headers["repr-digest"].starts_with("sha-256=:"));
        // One that was changed there, or leads to another's, is not shown at all.
        let there = world.delivered().into_iter().find(|path| path.ends_with(name)).unwrap();
        std::fs::remove_file(&there).unwrap();
        std::os::unix::fs::symlink(world.path("data/sales.parquet"), &there).unwrap();
        brand.get(&format!("{place}/files/{name}")).is(409, "file-differs");
        brand.get(&format!("{place}/files/nothing.parquet")).is(404, "not-found");
    }
    // To who does not receive it there is none, and who receives it needs the role.
    let grocer = served.caller("grocer", &["analyst", "privacy-officer"]);
    assert_eq!(grocer.get(place).done()["state"], "succeeded");
    grocer.get(&format!("{place}/manifest")).is(404, "not-found");
    let name = files[0]["name"].as_str().unwrap();
    grocer.get(&format!("{place}/files/{name}")).is(404, "not-found");
    let officer = served.caller("brand", &["privacy-officer"]);
    officer.get(&format!("{place}/manifest")).done();
    officer.get(&format!("{place}/files/{name}")).is(403, "not-permitted");
    // Pages and filters.
    ended(&brand, &asks(&brand, "second").headers["location"]);
    let page = brand.get(&format!("{RUNS}?limit=1")).done();
    let next = brand.get(&format!("{RUNS}?limit=1&before={}", page["next"])).done();
    assert_eq!((&next["runs"][0]["run"], &next["next"]), (&end["run"], &Value::Null));
    let none = grocer.get(&format!("{RUNS}?received=true")).done();
    assert_eq!(none["runs"], json!([]));
    brand.get(&format!("{RUNS}?state=nothing")).is(400, "query-invalid");
    world.log_is_whole();
}

/// Somebody in a browser: a cookie, and forms as they were shown.
pub(crate) struct Browsing<'s> {
    served: &'s Served<'s>,
    cookie: String,
}

const FORM: [&str; 2] =
    ["Content-Type: application/x-www-form-urlencoded", "Sec-Fetch-Site: same-origin"];

impl<'s> Browsing<'s> {
    /// Somebody who signed in.
    pub(crate) fn signed_in(served: &'s Served<'s>, member: &str, roles: &[&str]) -> Self {
        let token = served.caller(member, roles).token;
        let lines = FORM.map(str::to_owned);
        let entered = served.ask("POST", "/console/sign-in", &lines, &format!("token={token}"));
        assert_eq!(entered.status, 303, "{entered:?}");
        let cookie = entered.headers["set-cookie"].split(';').next().unwrap().to_owned();
        Self { served, cookie }
    }

    pub(crate) fn get(&self, path: &str) -> Told {
        self.served.ask("GET", path, &[format!("Cookie: {}", self.cookie)], "")
    }

    /// The form of a page, with what somebody writes into it.
    pub(crate) fn filled(&self, page: &str, action: &str, own: &[(&str, &str)]) -> String {
        let shown = self.get(page).body;
        let from = shown.find(&format!("action=\"{action}\"")).unwrap_or_else(|| panic!("{shown}"));
        let form = shown[from..].split("</form>").next().unwrap();
        let value = |input: &str, name: &str| {
            Some(input.split_once(&format!("{name}=\""))?.1.split('"').next()?.to_owned())
        };
        let hidden = form.split("<input ").skip(1).filter(|input| input.contains("hidden"));
        let hidden =
            hidden.filter_map(|input| Some((value(input, "name")?, value(input, "value")?)));
        let own = own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let written =
            |value: &str| value.replace(':', "%3A").replace('<', "%3C").replace('>', "%3E");
        let all = hidden.chain(own).map(|(name, value)| format!("{name}={}", written(&value)));
        all.collect::<Vec<_>>().join("&")
    }

    /// Sends a form.
    pub(crate) fn put(&self, action: &str, form: &str) -> Told {
        let cookie = format!("Cookie: {}", self.cookie);
        let lines: Vec<String> = FORM.map(str::to_owned).into_iter().chain([cookie]).collect();
        self.served.ask("POST", action, &lines, form)
    }

    /// Sends the form of a page, with what somebody writes into it.
    pub(crate) fn send(&self, page: &str, action: &str, own: &[(&str, &str)]) -> Told {
        self.put(action, &self.filled(page, action, own))
    }
}

#[test]
fn somebody_runs_a_template_in_a_browser_and_sees_its_result() {
    let world = world(10, "");
    let served = Served::start(&world);
    let signed_in = |member: &str| Browsing::signed_in(&served, member, &["analyst"]);
    let (brand, grocer) = (signed_in("brand"), signed_in("grocer"));
    let at = "/console/collaborations/spring";
    let begun =
        brand.send(&format!("{at}/templates/reach"), &format!("{at}/runs"), &[("room", "native")]);
    assert_eq!(begun.status, 303, "{begun:?}");
    let run = begun.headers["location"].clone();
    soon(|| brand.get(&run).body.contains("succeeded"));
    let shown = brand.get(&run).body;
    for part in ["<caption>The first", "<svg", "Download part-", "campaign"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let file =
        shown.split(&format!("href=\"{run}/files/")).nth(1).unwrap().split('"').next().unwrap();
    let file = brand.get(&format!("{run}/files/{file}"));
    assert_eq!((file.status, &file.bytes[..4]), (200, &b"PAR1"[..]));
    // Who does not receive it sees that it ran, and nothing of what came out; and may not run it.
    let theirs = grocer.get(&run);
    assert!(
        theirs.status == 200 && !theirs.body.contains("<svg") && !theirs.body.contains("Download")
    );
    assert_eq!(grocer.get(&format!("{run}/files/part")).status, 404);
    assert!(
        !grocer
            .get(&format!("{at}/templates/reach"))
            .body
            .contains(&format!("action=\"{at}/runs\""))
    );
    assert!(brand.get(&format!("{at}/runs")).body.contains(&run));
    world.log_is_whole();
}

#[test]
fn what_may_not_run_is_not_begun() {
    let world = world(10, "");
    let served = Served::start(&world);
    let brand = served.caller("brand", &["analyst"]);
    let ask = |change: &dyn Fn(&mut Value), key: &str| {
        let mut wanted = wanted(&brand);
        change(&mut wanted);
        brand.once(RUNS, &format!("{key}-0000000000000000"), &wanted.to_string())
    };
    let other = format!("sha256:{}", "0".repeat(64));
    ask(&|wanted| wanted["digest"] = json!(other), "digest").is(409, "template-changed");
    ask(&|wanted| wanted["room"] = json!("aws-clean-rooms"), "room").is(409, "room-not-agreed");
    ask(&|wanted| wanted["parameters"] = json!({ "x": "1" }), "set").is(422, "parameters-invalid");
    ask(&|wanted| wanted["limits"] = json!({ "rows_max": 0 }), "limit").is(422, "limit-above");
    ask(&|wanted| wanted["by"] = json!("grocer"), "by").is(400, "json-unreadable");
    let grocer = served.caller("grocer", &["analyst"]);
    assert_eq!(asks(&grocer, "grocer").status, 409, "it may not run this");
    assert_eq!(brand.get(RUNS).done()["runs"], json!([]));
    soon(|| {
        world.scratch().is_empty()
            && !world
                .path("home/openings/spring")
                .read_dir()
                .is_ok_and(|mut all| all.next().is_some())
    });
    // The same with nothing wrong, within limits of its own.
    let passes = ask(&|wanted| wanted["limits"] = json!({ "rows_max": 10 }), "limits");
    assert_eq!(passes.status, 202, "{passes:?}");
    assert_eq!(ended(&brand, &passes.headers["location"])["state"], "succeeded");
}

#[test]
fn its_member_stops_it_and_nobody_else() {
    let world = world(MANY, "");
    let served = Served::start(&world);
    let (brand, grocer) =
        (served.caller("brand", &["analyst"]), served.caller("grocer", &["analyst"]));
    let place = at_work(&brand, "stopped");
    let stop = format!("{place}/cancellations");
    grocer.once(&stop, "cancel-00000000000", "").is(409, "not-the-runner");
    let stopped = brand.once(&stop, "cancel-00000000000", "");
    assert_eq!(stopped.status, 201, "{stopped:?}");
    let end = ended(&brand, &place);
    assert_eq!((&end["state"], &end["code"]), (&json!("cancelled"), &json!("cancelled")));
    assert_eq!(brand.once(&stop, "cancel-00000000000", "").headers["idempotent-replay"], "true");
    brand.once(&stop, "cancel-00000000001", "").is(409, "run-ended");
    brand.get(&format!("{place}/manifest")).is(409, "result-missing");
    soon(|| world.delivered().is_empty() && world.scratch().is_empty());
    world.log_is_whole();
}

#[test]
fn a_withdrawal_stops_it_while_it_is_followed() {
    let world = world(MANY, "");
    let served = Served::start(&world);
    let (brand, grocer) =
        (served.caller("brand", &["analyst"]), served.caller("grocer", &["privacy-officer"]));
    let place = at_work(&brand, "withdrawn");
    let revoked =
        grocer.revoke("spring", &json!({ "kind": "dataset", "dataset": "sales" }).to_string());
    assert_eq!(revoked.status, 201);
    assert_eq!(ended(&brand, &place)["code"], "dataset-revoked");
    asks(&brand, "after").is(409, "dataset-revoked");
    soon(|| world.delivered().is_empty() && world.scratch().is_empty());
    world.log_is_whole();
}

#[test]
fn no_more_run_than_may_and_the_cap_is_not_spent_on_others() {
    let world = world(MANY, "runs_at_once = 1\n");
    let served = Served::start(&world);
    let brand = served.caller("brand", &["analyst"]);
    let place = at_work(&brand, "one");
    let left =
        |caller: &Calling<'_>| caller.get("/v1/collaborations/spring").done()["runs_left"].clone();
    let before = left(&brand);
    let refused = asks(&brand, "two");
    refused.is(429, "runs-at-once");
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(left(&brand), before);
    assert_eq!(brand.once(&format!("{place}/cancellations"), "cancel-00000000000", "").status, 201);
    ended(&brand, &place);
    soon(|| asks(&brand, "two").status == 202);
    assert_eq!(served.end("-TERM"), Some(0));
    world.log_is_whole();
}

#[test]
fn what_was_killed_is_settled_and_what_was_asked_for_stays_one_run() {
    let world = world(MANY, "");
    let served = Served::start(&world);
    let brand = served.caller("brand", &["analyst"]);
    let asked = asks(&brand, "killed");
    assert_eq!(asked.status, 202, "{asked:?}");
    served.kill();
    let served = Served::start(&world);
    let brand = served.caller("brand", &["analyst"]);
    let again = asks(&brand, "killed");
    assert_eq!((again.status, &again.json()["run"]), (202, &asked.json()["run"]));
    assert_eq!(again.json()["receipt"]["index"], asked.json()["receipt"]["index"]);
    let end = ended(&brand, &asked.headers["location"]);
    assert_eq!((&end["state"], &end["code"]), (&json!("failed"), &json!("interrupted")));
    assert_eq!(brand.get(RUNS).done()["runs"].as_array().unwrap().len(), 1);
    soon(|| world.delivered().is_empty() && world.scratch().is_empty());
    world.log_is_whole();
}

#[test]
fn what_was_killed_is_settled_also_where_the_log_comes_back_later() {
    let world = world(MANY, "");
    let served = Served::start(&world);
    let brand = served.caller("brand", &["analyst"]);
    let asked = asks(&brand, "rebooted");
    assert_eq!(asked.status, 202, "{asked:?}");
    served.kill();
    // The gateway is there before its log is, as after a reboot; and somebody looks at another log meanwhile.
    let away = ["airlock.db", "airlock.db-wal", "airlock.db-shm"];
    for name in away {
        let _ = std::fs::rename(world.path("home").join(name), world.path(name));
    }
    std::fs::create_dir(world.path("home/airlock.db")).unwrap();
    let served = Served::start(&world);
    std::thread::sleep(Duration::from_secs(1));
    std::fs::remove_dir(world.path("home/airlock.db")).unwrap();
    for name in away {
        let _ = std::fs::rename(world.path(name), world.path("home").join(name));
    }
    let brand = served.caller("brand", &["analyst"]);
    let place = &asked.headers["location"];
    soon(|| {
        std::net::TcpStream::connect(served.at).is_ok() && {
            let told = brand.get(place);
            told.status == 200 && told.json()["code"] == "interrupted"
        }
    });
    soon(|| world.delivered().is_empty() && world.scratch().is_empty());
    world.log_is_whole();
}

#[test]
fn at_the_end_a_run_is_done_or_stopped_and_on_record_as_such() {
    let world = world(MANY, "");
    let served = Served::start(&world);
    let brand = served.caller("brand", &["analyst"]);
    at_work(&brand, "ending");
    assert_eq!(served.end("-TERM"), Some(0));
    world.log_is_whole();
    assert!(world.scratch().is_empty(), "{:?}", world.scratch());
}

#[track_caller]
fn soon(is: impl Fn() -> bool) {
    let since = Instant::now();
    while !is() {
        assert!(since.elapsed() < Duration::from_secs(30), "it did not come to be");
        std::thread::sleep(Duration::from_millis(100));
    }
}
