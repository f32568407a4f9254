//! The gateway over HTTP, as a real process: the door, who gets in, what each sees, and decisions.

use crate::http::{Served, Told};
use crate::token::expired_and_foreign;
use crate::world::{AGREEMENT, World};
use serde_json::{Value, json};
use std::io::Write;

/// Two members and a stranger, whose tokens the gateway itself makes.
pub(crate) fn world() -> World {
    let world = World::of(10);
    for member in ["grocer", "brand", "press"] {
        world.airlock(&["keygen", "--member", member]).done();
    }
    let settings = "[http]\ndevelopment_issuer = true\n";
    std::fs::write(world.path("home/gateway.toml"), settings).unwrap();
    world
}

/// The agreement as a document with whole places.
pub(crate) fn document(world: &World) -> String {
    let root = format!("file://{}/", world.path("").canonicalize().unwrap().display());
    let whole = AGREEMENT
        .replace("data/", &format!("{root}data/"))
        .replace("results/", &format!("{root}results/"));
    let line = whole.lines().map(str::to_owned).collect::<Vec<_>>().join("\n");
    format!("{line}\n")
}

pub(crate) fn propose(served: &Served<'_>, key: &str, looked: Option<&str>, text: &str) -> Told {
    let caller = served.caller("grocer", &["member-admin"]);
    let mut lines = vec![
        format!("Authorization: Bearer {}", caller.token),
        "Content-Type: application/yaml".to_owned(),
        format!("Idempotency-Key: {key}"),
    ];
    lines.extend(looked.map(|mark| format!("If-Match: {mark}")));
    served.ask("POST", "/v1/collaborations/spring/agreements", &lines, text)
}

const AT: &str = "/v1/collaborations/spring";
const ALL: [&str; 5] = ["member-admin", "data-steward", "analyst", "privacy-officer", "auditor"];

#[test]
fn two_members_agree_approve_run_and_withdraw() {
    let world = world();
    let served = Served::start(&world);
    let proposed = propose(&served, "propose-0000000000", None, &document(&world));
    assert_eq!(proposed.status, 201, "{proposed:?}");
    let (grocer, brand) = (served.caller("grocer", &ALL), served.caller("brand", &ALL));
    let press = served.caller("press", &ALL);
    // Who is named sees it, and nobody else does.
    assert_eq!(
        brand.get("/v1/collaborations").done()["collaborations"],
        json!([{"name": "spring", "standing": "invited"}])
    );
    assert_eq!(press.get("/v1/collaborations").done()["collaborations"], json!([]));
    let digest = brand.get(&format!("{AT}/agreements")).done()["agreements"][0]["digest"].clone();
    for (n, caller) in [&grocer, &brand].into_iter().enumerate() {
        let mark = caller.get(AT).headers["etag"].clone();
        let body = json!({ "agreement": digest }).to_string();
        let key = format!("join-000000000000-{n}");
        assert_eq!(caller.change(&format!("{AT}/joins"), &key, Some(&mark), &body).status, 201);
    }
    let templates = brand.get(&format!("{AT}/templates")).done();
    assert_eq!(templates["templates"][0]["waits_for"], json!(["brand", "grocer"]));
    let version = json!({ "digest": templates["templates"][0]["digest"] }).to_string();
    for caller in [&grocer, &brand] {
        let path = format!("{AT}/templates/reach/approvals");
        let approved = caller.change(&path, "approve-0000000000", Some("*"), &version);
        assert_eq!(approved.status, 201, "{approved:?}");
        let place = &approved.headers["location"];
        let leaf = caller.get(place).done();
        assert_eq!(
            (leaf["kind"].as_str(), &leaf["bytes"]),
            (Some("approved"), &approved.json()["leaf_bytes"])
        );
    }
    assert_eq!(brand.get(&format!("{AT}/templates/reach")).done()["waits_for"], json!([]));
    world.run().done();
    let revoked =
        grocer.revoke("spring", &json!({ "kind": "dataset", "dataset": "sales" }).to_string());
    assert_eq!((revoked.status, &revoked.json()["durable"]), (201, &json!(true)));
    world.run().is(3, "dataset-revoked");
    assert_eq!(grocer.get(AT).done()["withdrawn"], json!(["dataset sales"]));
    world.log_is_whole();
    assert_eq!(served.end("-TERM"), Some(0));
}

#[test]
fn what_a_caller_may_not_see_is_not_there() {
    let world = world();
    let served = Served::start(&world);
    assert_eq!(propose(&served, "propose-0000000000", None, &document(&world)).status, 201);
    let press = served.caller("press", &ALL);
    let paths = [
        "",
        "/agreements",
        "/agreements/sha256:00",
        "/agreements/sha256:00/diff?from=sha256:00",
        "/datasets",
        "/datasets/sales",
        "/fidelity",
        "/learn",
        "/members",
        "/templates",
        "/templates/reach",
        "/templates/reach/explanation",
        "/rooms",
        "/revocations",
        "/revocations/1",
        "/leaves",
        "/leaves/0",
        "/tiles/0/0?width=1",
        "/checkpoint",
        "/proofs/consistency?old=1&new=2",
    ];
    let known = |told: &Told| {
        let mut problem = told.json();
        problem["request_id"] = Value::Null;
        (told.status, problem.to_string())
    };
    for path in paths {
        let foreign = press.get(&format!("{AT}{path}"));
        foreign.is(404, "not-found");
        let nowhere = press.get(&format!("/v1/collaborations/nowhere{path}"));
        assert_eq!(known(&foreign), known(&nowhere), "{path}");
    }
    let body = json!({ "kind": "room" }).to_string();
    press.revoke("spring", &body).is(404, "not-found");
    press.revoke("nowhere", &body).is(404, "not-found");
    // Who is invited sees what waits for its answer, and no leaf.
    let brand = served.caller("brand", &ALL);
    assert_eq!(
        brand.get(&format!("{AT}/agreements")).done()["agreements"].as_array().unwrap().len(),
        1
    );
    brand.get(&format!("{AT}/leaves")).is(404, "not-found");
    // A role too little is told, since the collaboration is there for it.
    let analyst = served.caller("grocer", &["analyst"]);
    analyst
        .change(
            &format!("{AT}/joins"),
            "join-0000000000000",
            Some("*"),
            &json!({"agreement": "sha256:"}).to_string(),
        )
        .is(403, "not-permitted");
}

#[test]
fn nobody_gets_in_without_a_good_token() {
    let world = world();
    let served = Served::start(&world);
    let document: Value =
        serde_json::from_str(&served.ask("GET", "/openapi.json", &[], "").body).unwrap();
    let good = served.caller("grocer", &ALL).token;
    let [expired, foreign] = expired_and_foreign(&world, &good);
    let mut asked = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let open = operation["security"] == json!([{}]);
            let path = path.replace(['{', '}'], "");
            let told = served.ask(&method.to_uppercase(), &path, &[], "");
            assert_eq!(told.status != 401, open, "{method} {path}: {told:?}");
            if !open {
                told.is(401, "token-missing");
                for bad in ["a.b.c", &expired, &foreign] {
                    let bad = [format!("Authorization: Bearer {bad}")];
                    served.ask(&method.to_uppercase(), &path, &bad, "").is(401, "token-invalid");
                }
                asked += 1;
            }
        }
    }
    assert!(asked >= 20, "{asked}");
}

#[test]
fn the_same_key_is_done_once_and_a_change_is_tied_to_what_was_looked_at() {
    let world = world();
    let served = Served::start(&world);
    let text = document(&world);
    let first = propose(&served, "propose-0000000000", None, &text);
    let again = propose(&served, "propose-0000000000", None, &text);
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(again.headers["idempotent-replay"], "true");
    assert_eq!(first.json()["leaf_bytes"], again.json()["leaf_bytes"]);
    propose(
        &served,
        "propose-0000000000",
        None,
        &text.replace("entities_min: 3", "entities_min: 4"),
    )
    .is(422, "idempotency-key-reused");
    propose(
        &served,
        "propose-0000000001",
        None,
        &text.replace("entities_min: 3", "entities_min: 4"),
    )
    .is(428, "if-match-missing");
    let grocer = served.caller("grocer", &ALL);
    let mark = grocer.get(AT).headers["etag"].clone();
    assert_eq!(
        propose(
            &served,
            "propose-0000000002",
            Some(&mark),
            &text.replace("entities_min: 3", "entities_min: 4")
        )
        .status,
        201
    );
    propose(
        &served,
        "propose-0000000003",
        Some(&mark),
        &text.replace("entities_min: 3", "entities_min: 5"),
    )
    .is(412, "changed-meanwhile");
    // The same key of another member is another key.
    let brand = served.caller("brand", &ALL);
    let digest = brand.get(&format!("{AT}/agreements")).done()["agreements"][0]["digest"].clone();
    let body = json!({ "agreement": digest }).to_string();
    for caller in [&grocer, &brand] {
        let joined = caller.change(&format!("{AT}/joins"), "join-0000000000000", Some("*"), &body);
        assert_eq!((joined.status, joined.headers.get("idempotent-replay")), (201, None));
    }
    // Told again, whatever was decided since.
    let joined = grocer.change(&format!("{AT}/joins"), "join-0000000000000", Some("*"), &body);
    assert_eq!((joined.status, joined.headers["idempotent-replay"].as_str()), (201, "true"));
    let missing = grocer.change(&format!("{AT}/joins"), "short", Some("*"), &body);
    missing.is(400, "idempotency-key-malformed");
}

#[test]
fn what_is_no_request_is_answered_as_one() {
    let world = world();
    let served = Served::start(&world);
    let grocer = served.caller("grocer", &ALL);
    let (key, path) = ("propose-0000000000", format!("{AT}/joins"));
    for (body, status, code) in [
        ("", 400, "json-unreadable"),
        ("{", 400, "json-unreadable"),
        (r#"{"agreement":"x","more":1}"#, 400, "json-unreadable"),
        (r#"{"agreement":"x","agreement":"x"}"#, 400, "json-unreadable"),
        (r#"{"agreement":7}"#, 400, "json-unreadable"),
        (r#"{"agreement":"x"}"#, 404, "not-found"),
    ] {
        grocer.change(&path, key, Some("*"), body).is(status, code);
    }
    let long = format!(r#"{{"agreement":"{}"}}"#, "x".repeat(64 * 1024));
    grocer.change(&path, key, Some("*"), &long).is(413, "body-too-large");
    grocer.get("/v1/collaborations?limit=0").is(400, "query-invalid");
    grocer.get("/v1/collaborations?limit=201").is(400, "query-invalid");
    grocer.get("/v1/collaborations?more=1").is(400, "query-invalid");
    assert_eq!(grocer.get("/v1/collaborations?limit=200").status, 200);
    let host = |host: &str| {
        let mut stream = served.connect();
        write!(stream, "GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
            .unwrap();
        Told::read(stream)
    };
    host("evil.example").is(421, "host-unknown");
    assert_eq!(host("localhost").status, 200);
    let head = format!("X-Long: {}", "x".repeat(17 * 1024));
    assert_eq!(served.ask("GET", "/healthz", &[head], "").status, 431);
}

#[test]
fn a_withdrawal_is_in_force_where_the_log_is_away_from_the_start() {
    let world = World::settled(10);
    world.airlock(&["keygen", "--member", "press"]).done();
    std::fs::write(world.path("home/gateway.toml"), "[http]\ndevelopment_issuer = true\n").unwrap();
    let away = ["airlock.db", "airlock.db-wal", "airlock.db-shm"];
    for name in away {
        let _ = std::fs::rename(world.path("home").join(name), world.path(name));
    }
    // A folder in its place can't be opened.
    std::fs::create_dir(world.path("home/airlock.db")).unwrap();
    let served = Served::start(&world);
    let ready: Value = serde_json::from_str(&served.ask("GET", "/readyz", &[], "").body).unwrap();
    assert_eq!(ready["status"], "denying");
    let grocer = served.caller("grocer", &ALL);
    grocer.get(AT).is(503, ready_code(&grocer.get(AT)));
    let press = served.caller("press", &ALL);
    let told = press.revoke("nowhere", &json!({ "kind": "membership" }).to_string());
    assert_eq!(told.status, 503, "nothing is kept of a log that was never seen: {told:?}");
    for _ in 0..3 {
        let told = grocer.revoke("spring", &json!({ "kind": "membership" }).to_string());
        assert_eq!((told.status, &told.json()["durable"]), (202, &json!(false)), "{told:?}");
    }
    // Back again, it is served as it is, and what was withdrawn comes on record.
    std::fs::remove_dir(world.path("home/airlock.db")).unwrap();
    for name in away {
        let _ = std::fs::rename(world.path(name), world.path("home").join(name));
    }
    let since = std::time::Instant::now();
    loop {
        assert!(since.elapsed().as_secs() < 30, "it is not on record");
        std::thread::sleep(std::time::Duration::from_millis(200));
        let Ok(stream) = std::net::TcpStream::connect(served.at) else { continue };
        drop(stream);
        let told = grocer.get(AT);
        if told.status == 200 && told.json()["standing"] == "former" {
            break;
        }
    }
    assert_eq!(served.end("-TERM"), Some(0));
    world.log_is_whole();
}

fn ready_code(told: &Told) -> &'static str {
    match told.json()["code"].as_str() {
        Some("store-full") => "store-full",
        _ => "store-unavailable",
    }
}

#[test]
fn a_member_names_its_own_places_and_begins_names_of_its_own() {
    let world = world();
    let root = format!("file://{}", world.path("").canonicalize().unwrap().display());
    let root = root.trim_end_matches('/');
    let settings = format!(
        "[http]\ndevelopment_issuer = true\n\
         [[http.tenants]]\nmember = \"grocer\"\nplaces = [\"{root}/data/sales.parquet\"]\n\
         [[http.tenants]]\nmember = \"brand\"\nplaces = [\"{root}/data/seen.parquet\"]\ndestinations = [\"{root}/results/\"]\n"
    );
    std::fs::write(world.path("home/gateway.toml"), settings).unwrap();
    let served = Served::start(&world);
    let (grocer, brand) = (served.caller("grocer", &ALL), served.caller("brand", &ALL));
    let text = document(&world);
    let named = |name: &str, text: &str| {
        text.replace("collaboration: spring", &format!("collaboration: {name}"))
    };
    let put = |token: &str, name: &str, key: &str, text: &str| {
        let lines = [
            format!("Authorization: Bearer {token}"),
            "Content-Type: application/yaml".to_owned(),
            format!("Idempotency-Key: propose-00000000{key}"),
        ];
        served.ask(
            "POST",
            &format!("/v1/collaborations/{name}/agreements"),
            &lines,
            &named(name, text),
        )
    };
    put(&grocer.token, "spring", "01", &text).is(422, "collaboration-name");
    put(&brand.token, "grocer-spring", "02", &text).is(422, "collaboration-name");
    let theirs = text.replace("data/sales.parquet", "data/other.parquet");
    put(&grocer.token, "grocer-spring", "03", &theirs).is(409, "place-not-registered");
    let elsewhere = text.replace("results/brand", "data/brand");
    put(&grocer.token, "grocer-spring", "04", &elsewhere).is(409, "place-not-registered");
    let relative = text.replace(&format!("{root}/data/seen"), "data/seen");
    put(&grocer.token, "grocer-spring", "05", &relative).is(409, "place-not-registered");
    let put_once = put(&grocer.token, "grocer-spring", "06", &text);
    assert_eq!(put_once.status, 201, "{put_once:?}");
    // Whoever is only asked does not put another in its place.
    let again = text.replace("entities_min: 3", "entities_min: 4");
    put(&brand.token, "grocer-spring", "07", &again).is(409, "collaboration-taken");
    assert_eq!(
        put(&grocer.token, "grocer-spring", "08", &again).status,
        428,
        "on what, is not said"
    );
}

#[test]
fn a_withdrawal_of_all_says_no_more_than_that() {
    let world = world();
    let served = Served::start(&world);
    let grocer = served.caller("grocer", &ALL);
    for (body, status) in [
        (r#"{"kind":"room","dataset":"sales"}"#, 400),
        (r#"{"kind":"membership","member":"brand"}"#, 400),
        (r#"{"kind":"room"}"#, 404),
    ] {
        assert_eq!(grocer.revoke("nowhere", body).status, status, "{body}");
    }
}
