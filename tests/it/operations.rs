//! What whoever keeps a gateway running sees and does: what is set, what is measured, what is written down, and backups.

use crate::http::Served;
use crate::serve::{document, world};
use crate::world::{AGREEMENT, Answer, World};
use airlock::client::{Client, Known, Token};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::{Duration, Instant};

const ALL: [&str; 5] = ["member-admin", "data-steward", "analyst", "privacy-officer", "auditor"];
const SECRET: &str = "hunter2hunter2hunter2hunter2hunter2";
/// In every name of somebody's.
pub(crate) const CANARY: &str = "zqcanary";

pub(crate) fn set(world: &World, text: &str) {
    std::fs::create_dir_all(world.path("home")).unwrap();
    std::fs::write(world.path("home/gateway.toml"), text).unwrap();
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < Duration::from_secs(30), "never: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series}: {text}")).parse().unwrap()
}

#[test]
fn what_is_set_is_shown_with_where_it_stands_and_no_secret() {
    let mut world = World::of(10);
    world.airlock(&["config", "show"]).is(2, "home-missing");
    set(
        &world,
        "[http]\naudience = \"here\"\n[triggers.webhook]\nlisten = \"127.0.0.1:1\"\nsecret_env = \"AIRLOCK_WEBHOOK_SECRET\"\n",
    );
    world.variables = vec![
        ("AIRLOCK_WEBHOOK_SECRET", SECRET.to_owned()),
        ("AIRLOCK_HTTP_LISTEN", "127.0.0.1:8999".to_owned()),
    ];
    let shown = world.airlock(&["config", "show"]).done();
    let row = |key: &str| {
        let rows = shown["settings"].as_array().unwrap();
        let row = rows.iter().find(|row| row["key"] == key).unwrap_or_else(|| panic!("{key}"));
        (row["value"].clone(), row["from"].clone(), row["at"].clone())
    };
    assert_eq!(row("http.audience"), (json!("here"), json!("file"), json!("gateway.toml:2")));
    let listen = (json!("127.0.0.1:8999"), json!("environment"), json!("AIRLOCK_HTTP_LISTEN"));
    assert_eq!(row("http.listen"), listen);
    assert_eq!(row("http.hosts"), (json!([]), json!("default"), json!("default")));
    assert_eq!(row("triggers.webhook.secret_env").0, json!("AIRLOCK_WEBHOOK_SECRET"));
    let text = world.command(&[]).args(["config", "show"]).output().unwrap();
    assert!(
        !shown.to_string().contains(SECRET)
            && !String::from_utf8_lossy(&text.stdout).contains(SECRET)
    );
    for (name, given, code) in [
        ("AIRLOCK_HTTP_LISTEN", SECRET, "settings-invalid"),
        ("AIRLOCK_HTTP_LISTEN", "0.0.0.0:1", "http-exposed"),
        ("AIRLOCK_HTTP_PORT", SECRET, "setting-unknown"),
        ("AIRLOCK_METRICS_LISTEN", "0.0.0.0:1", "metrics-exposed"),
    ] {
        world.variables[1] = (name, given.to_owned());
        let told = world.airlock(&["config", "show"]);
        told.is(2, "settings-invalid");
        let problem = &told.json["error"]["problems"][0];
        assert_eq!(problem["code"], code, "{problem}");
        assert!(!problem["help"].as_str().unwrap().is_empty());
        assert!(!told.json.to_string().contains(SECRET) && !told.stderr.contains(SECRET));
    }
    // Nobody is served by a gateway that is set to something else than it looks.
    world.variables[1] = ("AIRLOCK_HTTP_PORT", "1".to_owned());
    world.airlock(&["serve"]).is(3, "setting-unknown");
}

/// A name with a canary, as its kind is written.
pub(crate) fn of(name: &str) -> String {
    let plain = ["sales", "seen"].contains(&name);
    format!("{CANARY}{}{name}", if plain { "_" } else { "-" })
}

/// The agreement with a canary in every name.
pub(crate) fn canaries() -> World {
    let world = World::of(10);
    let mut text =
        AGREEMENT.replace("collaboration: spring", &format!("collaboration: {}", of("spring")));
    for name in ["grocer", "brand", "sales", "seen", "reach"] {
        for (before, after) in [
            ("  ", ": {"),
            ("  ", ":\n"),
            ("owner: ", "\n"),
            ("[", "]"),
            ("{ ", ": "),
            ("FROM ", " s "),
            ("JOIN ", " e "),
        ] {
            let named = format!("{before}{}{after}", of(name));
            text = text.replace(&format!("{before}{name}{after}"), &named);
        }
    }
    world.agree(&text);
    world
}

#[test]
fn what_is_measured_names_nobody() {
    let world = canaries();
    for member in ["grocer", "brand"] {
        world.airlock(&["keygen", "--member", &of(member)]).done();
    }
    world.airlock(&["apply", "agreement.yaml", "--as", &of("grocer")]).done();
    for member in ["grocer", "brand"] {
        world.airlock(&["join", &of("spring"), "--as", &of(member)]).done();
    }
    set(&world, "[http]\ndevelopment_issuer = true\n[metrics]\nlisten = \"127.0.0.1:0\"\n");
    let served = Served::start(&world);
    let grocer = served.caller(&of("grocer"), &ALL);
    let at = format!("/v1/collaborations/{}", of("spring"));
    assert_eq!(grocer.get(&at).status, 200);
    assert_eq!(grocer.get(&format!("/v1/collaborations/{}", of("nowhere"))).status, 404);
    assert_eq!(served.ask("GET", &format!("/{}", of("nowhere")), &[], "").status, 404);
    let template = grocer.get(&format!("{at}/templates")).done();
    let version = json!({ "digest": template["templates"][0]["digest"] }).to_string();
    let approvals = format!("{at}/templates/{}/approvals", of("reach"));
    for status in [201, 201, 412] {
        let mark = if status == 412 { "\"nothing\"" } else { "*" };
        let key = format!("approve-0000000000-{status}");
        assert_eq!(grocer.change(&approvals, &key, Some(mark), &version).status, status);
    }
    let body = json!({ "kind": "dataset", "dataset": of("sales") }).to_string();
    assert_eq!(grocer.revoke(&of("spring"), &body).status, 201);
    until("the worker is at work", || {
        value(&served.metrics(), "airlock_worker_beat_age_seconds") >= 0.0
    });
    until("it knows the log", || value(&served.metrics(), "airlock_logs") > 0.0);
    let text = served.metrics();
    for (series, expected) in [
        ("airlock_decisions_total{kind=\"approve\",outcome=\"recorded\"}", 1.0),
        ("airlock_decisions_total{kind=\"approve\",outcome=\"repeated\"}", 1.0),
        ("airlock_decisions_total{kind=\"approve\",outcome=\"refused\"}", 1.0),
        ("airlock_decisions_total{kind=\"withdraw\",outcome=\"recorded\"}", 1.0),
        (
            "airlock_requests_total{method=\"GET\",route=\"/v1/collaborations/{collaboration}\",status=\"2xx\"}",
            1.0,
        ),
        ("airlock_requests_total{method=\"GET\",route=\"-\",status=\"4xx\"}", 1.0),
        ("airlock_log_unwritable", 0.0),
        ("airlock_logs_in_doubt", 0.0),
        ("airlock_withdrawals_pending", 0.0),
    ] {
        assert!((value(&text, series) - expected).abs() < f64::EPSILON, "{series}: {text}");
    }
    let operator =
        world.airlock(&["token", "--operator"]).done()["token"].as_str().unwrap().to_owned();
    is_told_what_is_set(&served, &operator);
    let told = served.ask("GET", "/v1/health", &[format!("Authorization: Bearer {operator}")], "");
    let detail = told.json();
    assert_eq!(
        (told.status, &detail["status"], &detail["store"]["writable"]),
        (200, &json!("ready"), &json!(true))
    );
    assert_eq!(
        (&detail["logs"], &detail["worker"]["anywhere"]),
        (&json!(1), &json!(true)),
        "{detail}"
    );
    for shown in [&text, &told.body] {
        assert!(!shown.contains(CANARY), "{shown}");
    }
    // Nothing else answers there, and nothing of it where callers are.
    assert_eq!(served.ask("GET", "/metrics", &[], "").status, 404);
    assert_eq!(served.end("-TERM"), Some(0));
}

#[test]
fn what_is_written_down_has_the_name_of_its_request() {
    let mut world = world();
    world.variables =
        vec![("AIRLOCK_LOG", "debug".to_owned()), ("AIRLOCK_LOG_FORMAT", "json".to_owned())];
    let file = std::fs::File::create(world.path("written")).unwrap();
    let served = Served::start_as(&world, &[], file.into());
    let id = "0198f0ba-8f0e-7cc3-8f3e-0123456789ab";
    let lines = [format!("Airlock-Request-Id: {id}"), "Authorization: Bearer a.b.c".to_owned()];
    assert_eq!(served.ask("GET", "/v1/collaborations/zqsecret", &lines, "").status, 401);
    assert_eq!(served.end("-TERM"), Some(0));
    let written = std::fs::read_to_string(world.path("written")).unwrap();
    let lines: Vec<Value> = written
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect();
    let own: Vec<&Value> = lines.iter().filter(|line| line["span"]["id"] == id).collect();
    assert!(own.iter().any(|line| line["message"] == "a token is refused"), "{written}");
    assert!(own.iter().any(|line| line["status"] == 401), "{written}");
    assert_eq!(own[0]["span"]["route"], "/v1/collaborations/{collaboration}");
    assert!(!written.contains("zqsecret"), "{written}");
    world.variables[1].1 = "xml".to_owned();
    world.airlock(&["serve"]).is(2, "usage");
}

/// Another database in the place of a gateway's, which does not run.
fn put_back(world: &World, from: &str) {
    for name in ["airlock.db", "airlock.db-wal", "airlock.db-shm"] {
        let _ = std::fs::remove_file(world.path("home").join(name));
        if world.path(from).join(name).exists() {
            std::fs::copy(world.path(from).join(name), world.path("home").join(name)).unwrap();
        }
    }
}

/// What an operator does while the gateway goes on.
fn back_up(world: &World, to: &str) {
    std::fs::create_dir_all(world.path(to)).unwrap();
    let (from, to) = (world.path("home/airlock.db"), world.path(to).join("airlock.db"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        use sqlx::Connection as _;
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(from);
        let mut database = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
        let into = sqlx::query("VACUUM INTO ?").bind(to.to_str().unwrap());
        into.execute(&mut database).await.unwrap();
    });
}

fn readiness(served: &Served<'_>) -> Value {
    served.ask("GET", "/readyz", &[], "").done()
}

/// A log that did not answer in time is no reason to take a gateway for broken: it is asked again.
fn is_ready_soon(served: &Served<'_>) {
    until("it is ready", || {
        let told = served.ask("GET", "/readyz", &[], "");
        told.status == 200 && told.json()["status"] == "ready"
    });
}

#[test]
fn an_older_backup_grants_nothing_says_so_and_still_denies() {
    let world = World::settled(10);
    set(&world, "[http]\ndevelopment_issuer = true\n[metrics]\nlisten = \"127.0.0.1:0\"\n");
    let served = Served::start(&world);
    is_ready_soon(&served);
    back_up(&world, "older");
    let grocer = served.caller("grocer", &ALL);
    let sales = json!({ "kind": "dataset", "dataset": "sales" }).to_string();
    assert_eq!(grocer.revoke("spring", &sales).status, 201);
    back_up(&world, "newer");
    assert_eq!(served.end("-TERM"), Some(0));

    put_back(&world, "older");
    let served = Served::start(&world);
    until("it is said", || readiness(&served)["status"] == "doubting");
    let checks = readiness(&served)["checks"].clone();
    assert!(
        checks.as_array().unwrap().contains(&json!({ "of": "logs", "good": false })),
        "{checks}"
    );
    let text = served.metrics();
    assert!((value(&text, "airlock_logs_in_doubt") - 1.0).abs() < f64::EPSILON, "{text}");
    let (grocer, brand) = (served.caller("grocer", &ALL), served.caller("brand", &ALL));
    let at = "/v1/collaborations/spring";
    assert_eq!(grocer.get(at).done()["doubt"], "log-rolled-back");
    let template = brand.get(&format!("{at}/templates")).done();
    let version = json!({ "digest": template["templates"][0]["digest"] }).to_string();
    let approvals = format!("{at}/templates/reach/approvals");
    brand.change(&approvals, "approve-0000000000", Some("*"), &version).is(409, "log-rolled-back");
    let lines = [
        format!("Authorization: Bearer {}", grocer.token),
        "Content-Type: application/yaml".to_owned(),
        "If-Match: *".to_owned(),
        "Idempotency-Key: propose-0000000000".to_owned(),
    ];
    served
        .ask("POST", &format!("{at}/agreements"), &lines, &document(&world))
        .is(409, "log-rolled-back");
    world.run().is(3, "log-rolled-back");
    // Denying goes on, and is told to be here alone.
    let seen = json!({ "kind": "dataset", "dataset": "seen" }).to_string();
    let told = brand.revoke("spring", &seen);
    assert_eq!((told.status, &told.json()["why"]), (202, &json!("log-rolled-back")), "{told:?}");
    let text = served.metrics();
    assert!((value(&text, "airlock_withdrawals_pending") - 1.0).abs() < f64::EPSILON, "{text}");
    let operator =
        world.airlock(&["token", "--operator"]).done()["token"].as_str().unwrap().to_owned();
    let detail =
        served.ask("GET", "/v1/health", &[format!("Authorization: Bearer {operator}")], "").done();
    assert_eq!(detail["logs_in_doubt"][0]["code"], "log-rolled-back", "{detail}");
    assert!(!detail.to_string().contains("spring"), "{detail}");
    assert_eq!(served.end("-TERM"), Some(0));

    // The same without a worker, which would have looked.
    let served = Served::start_as(&world, &["--no-sync"], Stdio::inherit());
    until("it is said", || readiness(&served)["status"] == "doubting");
    assert_eq!(served.end("-TERM"), Some(0));

    // The newer database resolves it, and what was denied meanwhile comes on record.
    put_back(&world, "newer");
    let served = Served::start(&world);
    let brand = served.caller("brand", &ALL);
    until("both are on record", || {
        let stands = brand.get(at).json();
        stands["pending"] == json!([])
            && stands["withdrawn"].as_array().is_some_and(|all| all.len() == 2)
    });
    is_ready_soon(&served);
    assert_eq!(served.end("-TERM"), Some(0));
    world.log_is_whole();
}

/// Names of metrics in a text, those of a histogram's parts as their own.
fn named(text: &str) -> BTreeSet<String> {
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    let names = text.split(word).filter(|word| word.starts_with("airlock_") && word.len() > 8);
    names.map(str::to_owned).collect()
}

#[test]
fn what_alerts_and_dashboards_name_is_measured_and_every_alert_has_a_runbook() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/deploy/");
    let read = |name: &str| std::fs::read_to_string(format!("{root}{name}")).unwrap();
    let (rules, dashboard, readme) =
        (read("alerts.yaml"), read("dashboard.json"), read("README.md"));
    let _: Value = serde_json::from_str(&dashboard).unwrap();
    // As the program sets them up.
    let source = [
        include_str!("../../src/metrics/mod.rs"),
        include_str!("../../src/metrics/keys.rs"),
        include_str!("../../src/metrics/notices.rs"),
    ];
    let measured: BTreeSet<String> = named(&source.concat())
        .into_iter()
        .flat_map(|name| {
            let parts = if name.ends_with("_seconds") && name.contains("duration") {
                vec!["_bucket", "_sum", "_count"]
            } else {
                vec![""]
            };
            parts.into_iter().map(move |part| format!("{name}{part}")).collect::<Vec<_>>()
        })
        .collect();
    assert!(measured.len() > 15, "{measured:?}");
    for (file, text) in [("alerts.yaml", &rules), ("dashboard.json", &dashboard)] {
        let names = named(text);
        assert!(names.len() > 5, "{file}: {names:?}");
        let missing: Vec<_> = names.difference(&measured).collect();
        assert!(missing.is_empty(), "{file} names what is not measured: {missing:?}");
    }
    let alerts: Vec<&str> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() >= 6, "{alerts:?}");
    for alert in alerts {
        assert!(readme.contains(&format!("| `{alert}` |")), "{alert} has no line in README.md");
    }
}

#[test]
fn a_place_for_metrics_that_is_taken_is_told() {
    let world = world();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let place = taken.local_addr().unwrap();
    set(&world, &format!("[metrics]\nlisten = \"{place}\"\n"));
    let told = Answer::of(world.command(&["serve", "--listen", "127.0.0.1:0"]).output().unwrap());
    told.is(1, "metrics-unbound");
}

#[test]
fn what_the_example_for_a_cluster_sets_is_taken() {
    let world = World::of(10);
    set(&world, include_str!("../../examples/deploy/kubernetes/gateway.toml"));
    let shown = world.airlock(&["config", "show"]).done().to_string();
    assert!(shown.contains("0.0.0.0:9470") && shown.contains("grocer.jwks.json"), "{shown}");
}

/// What the operator is told over HTTP is what the folder's owner is shown, of secrets their names alone; and the client reads it.
fn is_told_what_is_set(served: &Served<'_>, operator: &str) {
    let bearer = [format!("Authorization: Bearer {operator}")];
    let told = served.ask("GET", "/v1/configuration", &bearer, "").done();
    let shown = served.world.airlock(&["config", "show"]).done();
    assert_eq!(told, shown);
    let of = |key: &str| {
        let all = told["settings"].as_array().unwrap();
        all.iter().find(|row| row["key"] == key).unwrap().clone()
    };
    let listen = of("metrics.listen");
    assert_eq!((&listen["value"], &listen["from"]), (&json!("127.0.0.1:0"), &json!("file")));
    assert_eq!(of("http.audience")["from"], "default");
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let read = runtime.block_on(async {
        let known = Known::in_folders(&folder.path().join("config"), &folder.path().join("state"));
        let url = format!("http://{}", served.at);
        Client::configuration(&url, Token::new(operator).unwrap(), &known).await.unwrap()
    });
    assert_eq!(serde_json::to_value(read).unwrap(), told);
}
