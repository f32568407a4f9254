//! The command line at a gateway elsewhere: the same scenes typed here and there, refusals alike.

mod between;
mod changes;
mod lies;
mod waivers;

pub(crate) use waivers::in_shares;

use crate::http::{Calling, Served};
use crate::serve;
use crate::world::{AGREEMENT, Answer, World};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const ALL: [&str; 5] = ["member-admin", "data-steward", "analyst", "privacy-officer", "auditor"];

/// Somebody at another machine.
struct Far {
    at: String,
    folder: tempfile::TempDir,
}

impl Far {
    fn to(at: SocketAddr) -> Self {
        Self { at: format!("http://{at}"), folder: tempfile::tempdir().unwrap() }
    }

    /// The binary, in the world's folder so that it finds the agreement, and without a gateway's home.
    fn command(&self, world: &World, token: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_airlock"));
        command.args(["--json", "--gateway", &self.at, "--home", "nowhere"]).args(arguments);
        command.current_dir(world.path("")).env("AIRLOCK_TOKEN", token);
        command.env("XDG_CONFIG_HOME", self.folder.path().join("config"));
        command.env("XDG_STATE_HOME", self.folder.path().join("state"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// What somebody with all roles of a member gets; its token is in none of it.
    fn ask(&self, served: &Served<'_>, member: &str, arguments: &[&str]) -> Answer {
        let token = served.caller(member, &ALL).token;
        answer(self.command(served.world, &token, arguments), &token)
    }

    /// The same by a line.
    fn types(&self, served: &Served<'_>, member: &str, line: &str) -> Answer {
        let words = words(line);
        self.ask(served, member, &words.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

fn answer(mut command: Command, token: &str) -> Answer {
    let output = command.output().unwrap();
    let all = [&output.stdout[..], &output.stderr[..]].concat();
    let all = String::from_utf8_lossy(&all);
    assert!(!all.contains(token), "the token is shown: {all}");
    Answer::of(output)
}

/// Both members agreed, and approved.
fn settled(served: &Served<'_>, far: &Far) {
    far.ask(served, "grocer", &["apply", "agreement.yaml", "--as", "grocer"]).done();
    for member in ["grocer", "brand"] {
        far.ask(served, member, &["join", "spring", "--as", member]).done();
    }
    for member in ["grocer", "brand"] {
        far.ask(served, member, &["approve", "spring", "--all", "--as", member]).done();
    }
}

/// Without what differs from world to world: ids, times, proofs, digests over places.
fn plain(value: &Value, root: &str) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| name.as_str() != "rows_read");
            let own = ["checkpoint", "proof", "at", "key", "run", "index", "size"];
            let plain = kept.map(|(name, value)| {
                let value =
                    if own.contains(&name.as_str()) { Value::Null } else { plain(value, root) };
                (name.clone(), value)
            });
            Value::Object(plain.collect())
        }
        Value::Array(all) => Value::Array(all.iter().map(|one| plain(one, root)).collect()),
        Value::String(text) if text.starts_with("sha256:") => json!("sha256"),
        Value::String(text) if text.starts_with("run-") => json!("run"),
        Value::String(text) if text.ends_with("/manifest.json") => {
            assert!(text.starts_with(&format!("file://{root}/results/brand/spring/")), "{text}");
            json!("manifest")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn root(world: &World) -> String {
    world.path("").canonicalize().unwrap().display().to_string().trim_end_matches('/').to_owned()
}

/// The words of a line; in a word with spaces, each is written `~`.
fn words(line: &str) -> Vec<String> {
    line.split(' ').map(|word| word.replace('~', " ")).collect()
}

fn typed_here(world: &World, line: &str) -> Answer {
    let words = words(line);
    world.airlock(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Typed here and there, by whom it is typed.
fn alike(near: &World, served: &Served<'_>, far: &Far, typed: &[(&str, &str)]) {
    for (member, line) in typed {
        let (here, there) = (typed_here(near, line), far.types(served, member, line));
        assert_eq!(here.code, there.code, "{line}: {} {}", here.stderr, there.stderr);
        if here.code == Some(0) {
            let (here, there) =
                (plain(&here.json, &root(near)), plain(&there.json, &root(served.world)));
            assert_eq!(here, there, "{line}");
        } else {
            assert_eq!(here.error(), there.error(), "{line}: {} {}", here.stderr, there.stderr);
        }
    }
}

#[test]
fn the_same_scene_here_and_there() {
    let (near, world) = (serve::world(), serve::world());
    let served = Served::start(&world);
    let far = Far::to(served.at);
    let typed = [
        ("grocer", "apply agreement.yaml --as grocer"),
        ("grocer", "join spring --as grocer"),
        ("grocer", "status"),
        ("brand", "join spring --as brand"),
        ("grocer", "approve spring reach --as grocer"),
        ("brand", "approve spring --all --as brand"),
        ("brand", "approve spring --all --as brand"),
        ("brand", "run spring reach --as brand"),
        ("brand", "status spring"),
        ("brand", "plan spring"),
        ("brand", "plan spring --room aws-clean-rooms"),
        ("grocer", "revoke spring --dataset sales --as grocer"),
        ("grocer", "revoke spring --column seen.campaign --as grocer"),
        ("brand", "run spring reach --as brand"),
        ("grocer", "revoke spring --template reach --wait --as grocer"),
        ("brand", "status spring"),
        ("brand", "audit show spring"),
    ];
    alike(&near, &served, &far, &typed);
    far.ask(&served, "brand", &["connections", "test", "spring"]).is(2, "connections-missing");
    // What was exported there verifies here, and holds what was decided.
    let exported = far.ask(&served, "brand", &["audit", "export", "spring", "--to", "away"]).done();
    let key = exported["key"].as_str().unwrap();
    let verified = world.airlock(&["audit", "verify", "away", "--key", key]).done();
    assert_eq!(verified["leaves"], exported["leaves"]);
    world.log_is_whole();
    assert_eq!(served.end("-TERM"), Some(0));
}

#[test]
fn refusals_are_alike_here_and_there() {
    let optional = AGREEMENT.replace("{ entities_min: 1 }", "{ entities_min: 1, join: optional }");
    let text = optional.replace("runs_max: 100", "runs_max: 1").replace(
        "limits:",
        "  own:
    class: aggregate
    sql: SELECT e.campaign, COUNT(DISTINCT e.person) AS people FROM seen e GROUP BY e.campaign
    run_by: [brand]
    received_by: [brand]
limits:",
    );
    let (near, world) = (serve::world(), serve::world());
    near.agree(&text);
    world.agree(&text);
    let served = Served::start(&world);
    let far = Far::to(served.at);
    let typed = [
        ("press", "apply agreement.yaml --as press"),
        ("grocer", "apply agreement.yaml --as grocer"),
        ("grocer", "apply agreement.yaml --as grocer"),
        ("grocer", "join spring --as grocer"),
        ("grocer", "approve spring own --as grocer"),
        ("brand", "run spring reach --as brand"),
        ("brand", "join spring --as brand"),
        ("brand", "join spring --as brand"),
        ("brand", "decline spring --as brand"),
        ("brand", "run spring reach --as brand"),
        ("grocer", "approve spring reach --as grocer"),
        ("brand", "approve spring --all --as brand"),
        ("brand", "approve spring nothing --as brand"),
        ("brand", "run spring nothing --as brand"),
        ("brand", "run spring reach --as brand --set week=1"),
        ("grocer", "run spring reach --as grocer"),
        ("grocer", "reoffer spring --dataset sales --as grocer"),
        ("grocer", "waive spring --room native --at templates.reach.received_by --as grocer"),
        ("brand", "run spring reach --as brand"),
        ("brand", "run spring reach --as brand"),
        ("grocer", "revoke spring --column sales.nothing --as grocer"),
        ("grocer", "revoke spring --dataset nothing --as grocer"),
        ("grocer", "revoke spring --dataset seen --as grocer"),
        ("grocer", "revoke spring --approval reach --as grocer"),
        ("grocer", "revoke spring --approval reach --as grocer"),
        ("grocer", "revoke spring --dataset sales --as grocer"),
        ("brand", "run spring reach --as brand"),
    ];
    alike(&near, &served, &far, &typed);
    // Each of these was among them.
    let codes = [
        ("approve spring own --as grocer", "grocer", "not-an-owner", 3),
        ("decline spring --as brand", "brand", "agreement-not-proposed", 3),
        ("run spring nothing --as brand", "brand", "template-unknown", 2),
        ("run spring reach --as grocer", "grocer", "runner-not-allowed", 3),
        ("revoke spring --column sales.nothing --as grocer", "grocer", "column-unknown", 3),
        ("run spring reach --as brand", "brand", "dataset-revoked", 3),
    ];
    for (line, member, code, exit) in codes {
        let words: Vec<&str> = line.split(' ').collect();
        far.ask(&served, member, &words).is(exit, code);
    }
}

#[test]
fn a_run_is_stopped_from_there_and_a_run_that_has_ended_is_not() {
    let world = serve::world();
    let served = Served::start(&world);
    let far = Far::to(served.at);
    settled(&served, &far);
    let run = far.ask(&served, "brand", &["run", "spring", "reach", "--as", "brand"]).done();
    let token = served.caller("brand", &ALL).token;
    let (config, state) =
        (far.folder.path().join("config/airlock"), far.folder.path().join("state/airlock"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let refused = runtime.block_on(async {
        use airlock::client::{Client, Known, Token};
        let known = Known::in_folders(&config, &state);
        let client = Client::open(&far.at, Token::new(&token).unwrap(), known).await.unwrap();
        assert!(!client.is_new(), "the command line remembered it there");
        let run = run["run"].as_str().unwrap().parse().unwrap();
        client.cancel(&"spring".parse().unwrap(), &run).await.unwrap_err()
    });
    assert_eq!((refused.code.as_str(), refused.kind), ("run-ended", airlock::error::Kind::Refused));
    assert!(!format!("{refused:?}").contains(&token));
}

/// Whoever waits for a run there that is at work. One that is over before anybody looks makes place for another, ten times at most.
fn met_at_work(brand: &Calling<'_>, far: &Far) -> Child {
    let (world, line) = (brand.served.world, ["run", "spring", "reach", "--as", "brand"]);
    let since = Instant::now();
    for _ in 0..10 {
        let mut child = far.command(world, &brand.token, &line).spawn().unwrap();
        while child.try_wait().unwrap().is_none() {
            let runs = brand.get("/v1/collaborations/spring/runs").done();
            if runs["runs"][0]["phase"] == "running" {
                return child;
            }
            assert!(since.elapsed() < Duration::from_mins(1), "none in time");
            std::thread::sleep(Duration::from_millis(5));
        }
        Answer::of(child.wait_with_output().unwrap()).done();
        world.taken_back();
    }
    panic!("no run was met at work");
}

#[test]
fn ctrl_c_stops_a_run_there() {
    let world = World::of(300_000);
    for member in ["grocer", "brand"] {
        world.airlock(&["keygen", "--member", member]).done();
    }
    std::fs::write(world.path("home/gateway.toml"), "[http]\ndevelopment_issuer = true\n").unwrap();
    let served = Served::start(&world);
    let far = Far::to(served.at);
    settled(&served, &far);
    let brand = served.caller("brand", &ALL);
    let child = met_at_work(&brand, &far);
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    Answer::of(child.wait_with_output().unwrap()).is(130, "cancelled");
    assert_eq!(world.delivered(), Vec::<std::path::PathBuf>::new());
    world.log_is_whole();
}

#[test]
fn whoever_watches_from_elsewhere_sees_what_changes() {
    let world = serve::world();
    let served = Served::start(&world);
    let far = Far::to(served.at);
    settled(&served, &far);
    let token = served.caller("grocer", &ALL).token;
    let mut watch = far.command(&world, &token, &["status", "spring", "--watch"]).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["collaborations"][0]["revocations"], json!([]));
    far.ask(&served, "grocer", &["revoke", "spring", "--dataset", "sales", "--as", "grocer"])
        .done();
    assert_ne!(
        next()["collaborations"][0]["revocations"],
        json!([]),
        "it is shown once it changed"
    );
    watch.kill().unwrap();
    watch.wait().unwrap();
}

#[test]
fn who_asks_and_where_is_looked_at_first() {
    let world = serve::world();
    let served = Served::start(&world);
    let far = Far::to(served.at);
    let status = ["status"];
    // In another member's name.
    far.ask(&served, "grocer", &["join", "spring", "--as", "brand"]).is(3, "member-differs");
    // What is for whoever has the folder.
    for line in [
        "keygen --member press",
        "sync --once",
        "serve",
        "quickstart",
        "token --as grocer --role analyst",
        "policies check",
        "apply spring --room aws-clean-rooms",
        "run spring reach --as brand --run-id mine",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        far.ask(&served, "grocer", &words).is(2, "gateway-not-here");
    }
    // What a gateway is set to is its operator's.
    far.ask(&served, "grocer", &["config", "show"]).is(3, "not-permitted");
    // What needs no gateway is as before.
    far.ask(&served, "grocer", &["check", "agreement.yaml"]).done();
    let token = served.caller("grocer", &ALL).token;
    let other =
        Far { at: "http://192.0.2.1:8470".to_owned(), folder: tempfile::tempdir().unwrap() };
    answer(other.command(&world, &token, &status), &token).is(3, "gateway-not-private");
    let other = Far { at: "http://user:zq@127.0.0.1".to_owned(), ..other };
    answer(other.command(&world, &token, &status), &token).is(2, "gateway-address");
    let other = Far { at: "http://127.0.0.1:1".to_owned(), ..other };
    let mut command = other.command(&world, &token, &["connections", "test", "spring"]);
    command.env("AIRLOCK_TOKEN", "two words");
    answer(command, &token).is(2, "token-malformed");
    let mut command = far.command(&world, &token, &status);
    command.env_remove("AIRLOCK_TOKEN");
    answer(command, &token).is(2, "token-missing");
    let mut command = far.command(&world, "zqsentinel.zqsentinel.zqsentinel", &status);
    command.env("RUST_BACKTRACE", "1").env("AIRLOCK_LOG", "trace");
    answer(command, "zqsentinel.zqsentinel").is(2, "token-invalid");
    // A token in a file that others read.
    let file = world.path("token");
    std::fs::write(&file, &token).unwrap();
    for (mode, code) in [("644", Some(3)), ("600", Some(0))] {
        Command::new("chmod").args([mode, file.to_str().unwrap()]).status().unwrap();
        let mut command = far.command(&world, &token, &["status", "--token-file", "token"]);
        command.env_remove("AIRLOCK_TOKEN");
        assert_eq!(answer(command, &token).code, code, "{mode}");
    }
    // Without a gateway, and with an empty one, all is as it was.
    let mut command = world.command(&status);
    command.env("AIRLOCK_GATEWAY", "");
    assert_eq!(answer(command, &token).done()["collaborations"], json!([]));
    // By the variable as by the argument.
    let mut command = world.command(&["keygen", "--member", "another"]);
    command.env("AIRLOCK_GATEWAY", &far.at);
    answer(command, &token).is(2, "gateway-not-here");
}

#[test]
fn a_result_is_shared_from_elsewhere() {
    let world = serve::world();
    let served = Served::start(&world);
    let far = Far::to(served.at);
    settled(&served, &far);
    let ran = far.ask(&served, "brand", &["run", "spring", "reach", "--as", "brand"]).done();
    let run = ran["run"].as_str().unwrap().to_owned();
    let to = ["--to", "agency", "--as", "brand", "--expires", "1d"];
    let add = [&["share", "add", "spring", &run][..], &to].concat();
    let said = far.ask(&served, "brand", &add).done();
    let profile = &said["profile"];
    assert_eq!(profile["endpoint"], format!("http://{}/delta-sharing/", served.at));
    let bearer = format!("Authorization: Bearer {}", profile["bearerToken"].as_str().unwrap());
    let list = |bearer: &str| {
        served.ask("GET", "/delta-sharing/shares/spring/all-tables", &[bearer.to_owned()], "")
    };
    assert_eq!(list(&bearer).done()["items"][0]["name"], run.as_str());
    let said = far.ask(&served, "brand", &add).done();
    assert_eq!(said["profile"], Value::Null, "it has a token");
    let rotate = [&["share", "rotate", "spring"][..], &to, &["--alone"]].concat();
    let rotated = [&rotate[..], &["--profile", "agency.share"]].concat();
    let said = far.ask(&served, "brand", &rotated).done();
    assert_eq!((&said["file"], &said["profile"]), (&json!("agency.share"), &Value::Null));
    assert_eq!(list(&bearer).status, 403);
    // A profile that would lie over another file is refused before there is a token.
    far.ask(&served, "brand", &rotated).is(1, "io");
    let shown = far.ask(&served, "grocer", &["share", "list", "spring"]).done();
    assert_eq!(shown["recipients"][0]["results"][0]["run"], run.as_str());
    far.ask(&served, "grocer", &add).is(3, "member-differs");
    let revoke = ["share", "revoke", "spring", "--to", "agency", "--as", "brand"];
    far.ask(&served, "brand", &revoke).done();
    far.ask(&served, "brand", &revoke).is(3, "recipient-unknown");
    world.log_is_whole();
    assert_eq!(served.end("-TERM"), Some(0));
}
