//! Results that are open to recipients outside: who opens them, who reads them, what ends that, and what is never shown of it.

use crate::http::{Served, Told};
use crate::world::{AGREEMENT, SENTINEL, World};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const TABLE: &str = "/delta-sharing/shares/spring/schemas/reach/tables/run-1";

/// Everything agreed, and two runs that delivered to the brand.
fn world() -> World {
    let world = World::settled(20);
    std::fs::write(world.path("home/gateway.toml"), "[http]\ndevelopment_issuer = true\n").unwrap();
    for run in ["run-1", "run-2"] {
        world.airlock(&["run", "spring", "reach", "--as", "brand", "--run-id", run]).done();
    }
    world
}

/// Opens a run to a recipient; its token, where it gets one.
fn add(world: &World, run: &str, to: &str, expires: &str) -> Option<String> {
    let words = ["share", "add", "spring", run, "--to", to, "--as", "brand", "--expires", expires];
    let said = world.airlock(&words).done();
    said["profile"]["bearerToken"].as_str().map(str::to_owned)
}

fn revoke(world: &World, more: &[&str]) {
    let words = [&["share", "revoke", "spring", "--to", "agency", "--as", "brand"], more].concat();
    world.airlock(&words).done();
}

/// Somebody who shows a token.
struct Guest<'s>(&'s Served<'s>, String);

impl Guest<'_> {
    fn ask(&self, method: &str, path: &str, body: &str, more: &[&str]) -> Told {
        let mut lines = vec![format!("Authorization: Bearer {}", self.1)];
        lines.extend(more.iter().map(|line| (*line).to_owned()));
        self.0.ask(method, path, &lines, body)
    }

    fn get(&self, path: &str) -> Told {
        self.ask("GET", path, "", &[])
    }

    fn query(&self, body: &str) -> Vec<Value> {
        let told = self.ask("POST", &format!("{TABLE}/query"), body, &[]);
        assert_eq!(told.status, 200, "{told:?}");
        assert_eq!(told.headers["content-type"], "application/x-ndjson; charset=utf-8");
        assert_eq!(told.headers["delta-table-version"], "0");
        told.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The URL of the one file, as a path here.
    fn file(&self) -> String {
        let lines = self.query("{}");
        let url = lines[2]["file"]["url"].as_str().unwrap_or_else(|| panic!("{lines:?}"));
        let path = url.strip_prefix(&format!("http://{}", self.0.at)).unwrap();
        path.to_owned()
    }
}

/// Refused in the words of the protocol.
#[track_caller]
fn is(told: &Told, status: u16, code: &str) {
    let said = told.json();
    assert_eq!((told.status, &said["errorCode"]), (status, &json!(code)), "{told:?}");
    let names: Vec<&String> = said.as_object().unwrap().keys().collect();
    assert_eq!(names, ["errorCode", "message"]);
    assert_eq!(told.headers["content-type"], "application/json; charset=utf-8");
    assert!(!told.body.contains(SENTINEL), "{told:?}");
    assert_eq!(told.headers.contains_key("www-authenticate"), status == 401);
}

fn kinds(world: &World) -> BTreeMap<String, usize> {
    let shown = world.airlock(&["audit", "show", "spring"]).done().to_string();
    let count = |kind: &str| (kind.to_owned(), shown.matches(&format!("\"{kind}\"")).count());
    ["result-shared", "recipient-keyed", "share-ended", "share-read"].map(count).into()
}

#[test]
fn a_recipient_reads_what_was_opened_to_it_and_every_read_is_on_record() {
    let world = world();
    let served = Served::start(&world);
    let agency = Guest(&served, add(&world, "run-1", "agency", "1d").unwrap());
    assert_eq!(add(&world, "run-2", "agency", "2d"), None, "it has a profile");
    let shares = agency.get("/delta-sharing/shares").done();
    assert_eq!(shares, json!({ "items": [{ "name": "spring", "id": "spring" }] }));
    assert_eq!(agency.get("/delta-sharing/shares/SPRING").done()["share"]["name"], "spring");
    let schemas = agency.get("/delta-sharing/shares/spring/schemas").done();
    assert_eq!(schemas["items"], json!([{ "name": "reach", "share": "spring" }]));
    let tables = agency.get("/delta-sharing/shares/spring/all-tables").done();
    let names: Vec<&Value> =
        tables["items"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["run-1", "run-2"]);
    let of_schema = agency.get("/delta-sharing/shares/spring/schemas/reach/tables").done();
    assert_eq!(of_schema["items"], tables["items"]);
    for (method, path) in [("GET", format!("{TABLE}/version")), ("HEAD", TABLE.to_owned())] {
        let told = agency.ask(method, &path, "", &[]);
        assert_eq!((told.status, told.headers["delta-table-version"].as_str()), (200, "0"));
    }
    let lines = agency.get(&format!("{TABLE}/metadata")).body;
    assert_eq!(lines.lines().count(), 2, "{lines}");
    assert_eq!(kinds(&world)["share-read"], 0, "nothing was read yet");

    let lines = agency.query(r#"{"limitHint":1}"#);
    assert_eq!(lines.len(), 3);
    assert_eq!(kinds(&world)["share-read"], 1);
    let path = agency.file();
    assert_eq!(kinds(&world)["share-read"], 1, "the same again has a line already");
    let whole = served.ask("GET", &path, &[], "");
    assert_eq!(whole.status, 200, "{}", whole.status);
    let found = world.delivered().into_iter().find(|path| {
        path.to_string_lossy().contains("run-1") && path.extension().is_some_and(|e| e == "parquet")
    });
    let bytes = std::fs::read(found.unwrap()).unwrap();
    assert_eq!(whole.bytes, bytes);
    assert_eq!(kinds(&world)["share-read"], 2);
    let part = served.ask("GET", &path, &["Range: bytes=4-7".to_owned()], "");
    assert_eq!((part.status, &part.bytes[..]), (206, &bytes[4..8]));
    assert_eq!(part.headers["content-range"], format!("bytes 4-7/{}", bytes.len()));
    assert_eq!(kinds(&world)["share-read"], 2);
    let beyond = [format!("Range: bytes={}-", bytes.len())];
    is(&served.ask("GET", &path, &beyond, ""), 416, "share-range");

    // In the other format, with an end.
    let wants = ["delta-sharing-capabilities: responseformat=delta;includeendstreamaction=true"];
    let told = agency.ask("POST", &format!("{TABLE}/query"), "{}", &wants);
    let lines: Vec<Value> = told.body.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert!(lines[2]["file"]["deltaSingleAction"]["add"]["path"].is_string(), "{lines:?}");
    assert!(lines[3]["endStreamAction"]["minUrlExpirationTimestamp"].is_i64());
    assert_eq!(
        told.headers["delta-sharing-capabilities"],
        "responseformat=delta;includeendstreamaction=true"
    );
    world.log_is_whole();
    assert_eq!(served.end("-TERM"), Some(0));
}

#[test]
fn whoever_shows_no_good_token_is_told_the_same_whatever_it_asks() {
    let world = world();
    let served = Served::start(&world);
    let token = add(&world, "run-1", "agency", "1d").unwrap();
    let good = Guest(&served, token.clone());
    let of_member = served.caller("brand", &["analyst", "privacy-officer"]).token;
    let last = if token.ends_with('0') { "1" } else { "0" };
    let wrong = [
        String::new(),
        of_member,
        format!("{}{last}", &token[..token.len() - 1]),
        token.replacen("spring", "autumn", 1),
        token.replacen("brand", "grocer", 1),
        token.replacen("agency", "press", 1),
        "a.b.c.d.e".to_owned(),
    ];
    let paths = [
        ("GET", "/delta-sharing/shares".to_owned()),
        ("GET", "/delta-sharing/shares/spring".to_owned()),
        ("GET", "/delta-sharing/shares/nothing".to_owned()),
        ("GET", "/delta-sharing/shares/spring/schemas".to_owned()),
        ("GET", "/delta-sharing/shares/spring/schemas/reach/tables".to_owned()),
        ("GET", "/delta-sharing/shares/spring/all-tables".to_owned()),
        ("GET", format!("{TABLE}/version")),
        ("GET", format!("{TABLE}/metadata")),
        ("POST", format!("{TABLE}/query")),
        ("GET", format!("{TABLE}/changes")),
        ("POST", format!("{TABLE}/temporary-table-credentials")),
    ];
    for (method, path) in &paths {
        let mut said = Vec::new();
        for token in &wrong {
            let told = Guest(&served, token.clone()).ask(method, path, "", &[]);
            is(&told, 401, "share-token-invalid");
            said.push(told.body);
        }
        let none = served.ask(method, path, &[], "");
        is(&none, 401, "share-token-invalid");
        assert!(said.iter().all(|one| *one == none.body), "{said:?}");
        let told = good.ask(method, path, "", &[]);
        assert!(matches!(told.status, 200 | 400 | 404), "{told:?}");
    }
    for rest in ["changes?startingVersion=0", "version?startingTimestamp=x", "metadata?version=3"] {
        is(&good.get(&format!("{TABLE}/{rest}")), 400, "share-unsupported");
    }
    let told = good.ask("POST", &format!("{TABLE}/temporary-table-credentials"), "{}", &[]);
    is(&told, 400, "share-unsupported");
    // A recipient's token is none of the API, and nothing below is another's.
    assert_eq!(good.get("/v1/me").status, 401);
    is(&good.get("/delta-sharing/nothing"), 404, "not-found");
    is(&good.ask("DELETE", "/delta-sharing/shares", "", &[]), 405, "method-unknown");
    assert_eq!(served.end("-TERM"), Some(0));
}

#[test]
fn no_name_and_no_page_leads_anywhere_else() {
    let world = world();
    let served = Served::start(&world);
    let agency = Guest(&served, add(&world, "run-1", "agency", "1d").unwrap());
    add(&world, "run-2", "agency", "1d");
    let hostile = [
        "..",
        ".",
        "%2e%2e",
        "..%2f..%2fetc%2fpasswd",
        "%2fetc%2fpasswd",
        "run-1%00",
        "run-1%20",
        "run-1.",
        "run-1%0a",
        "-",
        "%C3%A4",
        "file:%2f%2f%2fetc",
        "http:%2f%2f169.254.169.254",
        "run-1;x",
        "run-1%3Fx",
        "*",
        "%25",
        "run-1'--",
        "{table}",
        "run-3",
    ];
    for name in hostile {
        for path in [
            format!("/delta-sharing/shares/{name}"),
            format!("/delta-sharing/shares/{name}/all-tables"),
            format!("/delta-sharing/shares/{name}/schemas/reach/tables/run-1/metadata"),
            format!("/delta-sharing/shares/spring/schemas/{name}/tables"),
            format!("/delta-sharing/shares/spring/schemas/{name}/tables/run-1/metadata"),
            format!("/delta-sharing/shares/spring/schemas/reach/tables/{name}/metadata"),
            format!("/delta-sharing/shares/spring/schemas/reach/tables/{name}/version"),
        ] {
            is(&agency.get(&path), 404, "not-found");
        }
        let told = agency.get(&format!("/delta-sharing/files/{name}?sig=x"));
        assert!(matches!(told.status, 403 | 404), "{told:?}");
    }
    assert_eq!(served.end("-TERM"), Some(0));
}

#[test]
fn a_page_goes_on_where_this_gateway_said_and_nowhere_else() {
    let world = world();
    let served = Served::start(&world);
    let agency = Guest(&served, add(&world, "run-1", "agency", "1d").unwrap());
    add(&world, "run-2", "agency", "1d");
    let list = "/delta-sharing/shares/spring/all-tables";
    let first = agency.get(&format!("{list}?maxResults=1")).done();
    let next = first["nextPageToken"].as_str().unwrap().to_owned();
    let second = agency.get(&format!("{list}?maxResults=1&pageToken={next}")).done();
    assert_eq!(second["items"][0]["name"], "run-2");
    assert_eq!(second.get("nextPageToken"), None);
    assert_eq!(
        agency.get(&format!("{list}?pageToken=")).done()["items"],
        json!([first["items"][0], second["items"][0]])
    );
    let (said, mark) = next.split_once('.').unwrap();
    for token in [
        "x".to_owned(),
        ".".to_owned(),
        format!("{said}."),
        format!("{said}.{}", mark.replace(|c: char| c.is_ascii_digit(), "0")),
        format!("Li4vLi4v.{mark}"),
        "%00".to_owned(),
        "a".repeat(2_000),
    ] {
        is(&agency.get(&format!("{list}?pageToken={token}")), 400, "share-page-invalid");
    }
    // Of another list it is none, and of another recipient neither.
    is(
        &agency.get(&format!("/delta-sharing/shares/spring/schemas?pageToken={next}")),
        400,
        "share-page-invalid",
    );
    let press = Guest(&served, add(&world, "run-1", "press", "1d").unwrap());
    is(&press.get(&format!("{list}?pageToken={next}")), 400, "share-page-invalid");
    is(&agency.get(&format!("{list}?maxResults=-1")), 400, "share-query-invalid");
    assert_eq!(agency.get(&format!("{list}?maxResults=0")).done()["items"], json!([]));
    for body in ["[", "{\"limitHint\":-1}", "{\"maxFiles\":\"x\"}"] {
        let told = agency.ask("POST", &format!("{TABLE}/query"), body, &[]);
        is(&told, 400, "share-query-invalid");
    }
    assert_eq!(served.end("-TERM"), Some(0));
}

#[test]
fn what_is_taken_back_or_withdrawn_is_closed_for_the_next_call() {
    let world = world();
    let served = Served::start(&world);
    let agency = Guest(&served, add(&world, "run-1", "agency", "1d").unwrap());
    add(&world, "run-2", "agency", "1d");
    let path = agency.file();
    assert_eq!(served.ask("GET", &path, &[], "").status, 200);
    revoke(&world, &["--run", "run-1"]);
    is(&served.ask("GET", &path, &[], ""), 404, "not-found");
    is(&agency.get(&format!("{TABLE}/metadata")), 404, "not-found");
    let other = TABLE.replace("run-1", "run-2");
    assert_eq!(agency.get(&format!("{other}/metadata")).status, 200);
    revoke(&world, &[]);
    is(&agency.get("/delta-sharing/shares"), 403, "share-closed");
    is(&served.ask("GET", &path, &[], ""), 403, "share-closed");
    let words = ["share", "revoke", "spring", "--to", "agency", "--as", "brand"];
    world.airlock(&words).is(3, "recipient-unknown");

    // Opened again, by another token; the old one stays closed.
    let again = Guest(&served, add(&world, "run-1", "agency", "1d").unwrap());
    is(&agency.get("/delta-sharing/shares"), 403, "share-closed");
    let path = again.file();
    assert_eq!(served.ask("GET", &path, &[], "").status, 200);
    world.airlock(&["revoke", "spring", "--dataset", "sales", "--as", "grocer"]).done();
    is(&served.ask("GET", &path, &[], ""), 404, "not-found");
    assert_eq!(again.get("/delta-sharing/shares/spring/all-tables").done()["items"], json!([]));
    let shown = world.airlock(&["share", "list", "spring"]).done();
    assert_eq!(shown["recipients"][0]["results"][0]["closed"], "dataset-revoked", "{shown}");
    let words = ["share", "add", "spring", "run-1", "--to", "press", "--as", "brand"];
    world.airlock(&[&words[..], &["--expires", "1d"]].concat()).is(3, "dataset-revoked");
    world.airlock(&["revoke", "spring", "--membership", "--as", "brand"]).done();
    is(&again.get("/delta-sharing/shares"), 403, "share-closed");
    is(&served.ask("GET", &path, &[], ""), 403, "share-closed");
    world.log_is_whole();
    assert_eq!(served.end("-TERM"), Some(0));
}

#[test]
fn a_file_is_the_one_that_was_delivered_or_none() {
    let world = world();
    let served = Served::start(&world);
    let agency = Guest(&served, add(&world, "run-1", "agency", "1d").unwrap());
    let path = agency.file();
    let mut all = world.delivered().into_iter();
    let file = all.find(|p| p.to_string_lossy().contains("run-1/part")).unwrap();
    let manifest = file.with_file_name("manifest.json");
    let good = std::fs::read(&file).unwrap();
    assert_eq!(served.ask("GET", &path, &[], "").bytes, good);
    let mut other = good.clone();
    let middle = other.len() / 2;
    other[middle] ^= 1;
    for content in [&other[..], &good[..good.len() - 1], b""] {
        std::fs::write(&file, content).unwrap();
        is(&served.ask("GET", &path, &[], ""), 409, "file-differs");
    }
    std::fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", &file).unwrap();
    is(&served.ask("GET", &path, &[], ""), 409, "file-differs");
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, &good).unwrap();
    assert_eq!(served.ask("GET", &path, &[], "").status, 200);
    // A manifest that is not the one on record names no file.
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("\"rows\"", "\"rows \"")).unwrap();
    is(&served.ask("GET", &path, &[], ""), 409, "manifest-differs");
    is(&agency.get(&format!("{TABLE}/metadata")), 409, "manifest-differs");
    let words = ["share", "add", "spring", "run-1", "--to", "press", "--as", "brand"];
    world.airlock(&[&words[..], &["--expires", "1d"]].concat()).is(1, "manifest-differs");
    std::fs::write(&manifest, text).unwrap();
    let (at, sig) = path.split_once("&sig=").unwrap();
    for sig in [&sig[..sig.len() - 1], "", "x.y", sig.split('.').next().unwrap()] {
        is(&served.ask("GET", &format!("{at}&sig={sig}"), &[], ""), 403, "share-url-invalid");
    }
    is(&served.ask("GET", at, &[], ""), 400, "share-query-invalid");
    assert_eq!(served.end("-TERM"), Some(0));
}

#[test]
fn over_http_it_is_a_decision_with_a_receipt_and_a_token_that_is_shown_once() {
    let world = world();
    let mut world = world;
    world.variables = vec![("AIRLOCK_LOG", "trace".to_owned())];
    let written = std::fs::File::create(world.path("written")).unwrap();
    let served = Served::start_as(&world, &[], written.into());
    let brand = served.caller("brand", &["privacy-officer"]);
    let at = "/v1/collaborations/spring/shares";
    let until = now_ms() + 3_600_000;
    let body = json!({ "run": "run-1", "recipient": "agency", "until_ms": until }).to_string();
    let told = brand.once(at, "share-0000000000", &body);
    assert_eq!(told.status, 201, "{told:?}");
    let given = told.json();
    let profile = &given["profile"];
    assert_eq!(profile["shareCredentialsVersion"], 1);
    assert_eq!(profile["endpoint"], format!("http://{}/delta-sharing/", served.at));
    let token = profile["bearerToken"].as_str().unwrap().to_owned();
    assert!(given["receipt"]["checkpoint"].is_string());
    // Asked again under the same key it is there, and its token is not.
    let again = brand.once(at, "share-0000000000", &body);
    assert_eq!((again.status, again.headers["idempotent-replay"].as_str()), (201, "true"));
    assert_eq!((again.json().get("profile"), again.body.contains(&token)), (None, false));
    let agency = Guest(&served, token.clone());
    assert_eq!(served.ask("GET", &agency.file(), &[], "").status, 200);

    let rotated = json!({ "recipient": "agency", "until_ms": until, "alone": true }).to_string();
    let other = brand.once(&format!("{at}/tokens"), "rotate-000000000", &rotated).done();
    is(&agency.get("/delta-sharing/shares"), 403, "share-closed");
    let other = other["profile"]["bearerToken"].as_str().unwrap().to_owned();
    let agency = Guest(&served, other.clone());
    assert_eq!(agency.get("/delta-sharing/shares").status, 200);
    let listed = brand.get(at).done();
    assert_eq!(listed["recipients"][0]["tokens_until_ms"], json!([until]));
    assert_eq!(listed["recipients"][0]["results"][0]["run"], "run-1");
    // Who received nothing opens nothing, and a dataset is no result.
    let grocer = served.caller("grocer", &["privacy-officer"]);
    grocer.once(at, "share-0000000001", &body).is(409, "result-missing");
    let dataset = json!({ "run": "sales", "recipient": "agency", "until_ms": until }).to_string();
    brand.once(at, "share-0000000002", &dataset).is(409, "result-missing");
    for until in [0, now_ms() - 1, now_ms() + 91 * 86_400_000] {
        let body = json!({ "run": "run-1", "recipient": "agency", "until_ms": until });
        let key = format!("share-time-{until:020}");
        brand.once(at, &key, &body.to_string()).is(409, "share-time");
    }
    let analyst = served.caller("brand", &["analyst"]);
    analyst.once(at, "share-0000000003", &body).is(403, "not-permitted");
    let end = json!({ "recipient": "agency" }).to_string();
    let lines = |token: &str| {
        vec![format!("Authorization: Bearer {token}"), "Content-Type: application/json".to_owned()]
    };
    let ended = served.ask("POST", &format!("{at}/revocations"), &lines(&brand.token), &end);
    assert_eq!(ended.status, 201, "{ended:?}");
    assert!(ended.json()["receipt"]["checkpoint"].is_string());
    is(&agency.get("/delta-sharing/shares"), 403, "share-closed");
    assert_eq!(served.end("-TERM"), Some(0));

    // Nothing of a token is anywhere but where it was shown.
    world.airlock(&["audit", "export", "spring", "--to", "evidence"]).done();
    let mut kept = std::fs::read(world.path("written")).unwrap();
    for folder in ["home", "evidence"] {
        for file in all_files(&world.path(folder)) {
            kept.extend(std::fs::read(file).unwrap());
        }
    }
    for token in [&token, &other] {
        for part in token.split('.').skip(3) {
            let found = kept.windows(part.len()).any(|window| window == part.as_bytes());
            assert!(!found, "a token is kept");
        }
    }
    assert_eq!(kinds(&world)["recipient-keyed"], 1);
    world.log_is_whole();
}

#[test]
fn recipients_come_in_pages_also_where_two_members_call_theirs_the_same() {
    let world = World::of(20);
    let both = AGREEMENT
        .replace(
            "grocer: { name: Grocer, abilities: [contribute] }",
            "grocer: { name: Grocer, abilities: [contribute, receive] }",
        )
        .replace("received_by: [brand]", "received_by: [brand, grocer]")
        .replace("destinations: { brand", "destinations: { grocer: results/grocer, brand");
    world.agree(&both);
    world.settle();
    std::fs::write(world.path("home/gateway.toml"), "[http]\ndevelopment_issuer = true\n").unwrap();
    world.airlock(&["run", "spring", "reach", "--as", "brand", "--run-id", "run-1"]).done();
    let all = ["brand/agency", "brand/press", "grocer/agency", "grocer/bank"];
    for one in all {
        let (by, to) = one.split_once('/').unwrap();
        let words = ["share", "add", "spring", "run-1", "--to", to, "--as", by, "--expires", "1d"];
        world.airlock(&words).done();
    }
    let served = Served::start(&world);
    let brand = served.caller("brand", &["privacy-officer"]);
    let at = "/v1/collaborations/spring/shares";
    let named = |told: &Value| -> Vec<String> {
        let all = told["recipients"].as_array().unwrap().iter();
        let text = |one: &Value, of: &str| one[of].as_str().unwrap().to_owned();
        all.map(|one| format!("{}/{}", text(one, "by"), text(one, "recipient"))).collect()
    };
    for limit in 1..=4 {
        let (mut found, mut next) = (Vec::new(), String::new());
        loop {
            let told = brand.get(&format!("{at}?limit={limit}{next}")).done();
            let page = named(&told);
            assert!((1..=limit).contains(&page.len()), "{told}");
            found.extend(page);
            let Some(at) = told.get("next") else { break };
            assert_eq!(at.as_str(), found.last().map(String::as_str));
            next = format!("&after={}", at.as_str().unwrap());
        }
        assert_eq!(found, all, "{limit} at a time");
    }
    let whole = brand.get(at).done();
    assert_eq!((named(&whole), whole.get("next")), (all.map(str::to_owned).to_vec(), None));
    // Also after one that is not there any more.
    assert_eq!(named(&brand.get(&format!("{at}?after=brand/bank")).done()), all[1..]);
    for bad in ["after=agency", "after=brand/", "after=Brand/agency", "limit=0", "limit=201"] {
        brand.get(&format!("{at}?{bad}")).is(400, "query-invalid");
    }
    assert_eq!(served.end("-TERM"), Some(0));
}

#[test]
fn a_profile_is_a_file_that_nobody_else_reads_and_names_the_gateway() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = world();
    let set = "[http]\nlisten = \"127.0.0.1:8555\"\ndevelopment_issuer = true\n";
    std::fs::write(world.path("home/gateway.toml"), set).unwrap();
    let words = [
        "share",
        "add",
        "spring",
        "run-1",
        "--to",
        "agency",
        "--as",
        "brand",
        "--expires",
        "1d",
        "--profile",
        "agency.share",
    ];
    let said = world.airlock(&words).done();
    assert_eq!((&said["profile"], &said["file"]), (&Value::Null, &json!("agency.share")));
    let path = world.path("agency.share");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let profile: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(profile["endpoint"], "http://127.0.0.1:8555/delta-sharing/");
    let words = [
        "share",
        "rotate",
        "spring",
        "--to",
        "agency",
        "--as",
        "brand",
        "--expires",
        "12h",
        "--endpoint",
        "https://airlock.example.org/",
    ];
    let said = world.airlock(&words).done();
    assert_eq!(said["profile"]["endpoint"], "https://airlock.example.org/delta-sharing/");
    let said = world.airlock(&[
        "share",
        "rotate",
        "spring",
        "--to",
        "press",
        "--as",
        "brand",
        "--expires",
        "12h",
    ]);
    said.is(3, "recipient-unknown");
}

fn all_files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { all_files(&path) } else { vec![path] }).collect()
}

#[expect(clippy::disallowed_methods, reason = "a real gateway has the machine's clock")]
fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}
