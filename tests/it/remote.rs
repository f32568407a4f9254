//! The command line at a gateway elsewhere: the same scenes typed here and there, refusals alike, and a gateway that lies in between.

use crate::http::{Served, Told};
use crate::serve;
use crate::world::{AGREEMENT, Answer, World};
use airlock::log::tree::{Tree, leaf_hash};
use airlock::log::{Checkpoint, SecretKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

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
        other => other.clone(),
    }
}

fn root(world: &World) -> String {
    world.path("").canonicalize().unwrap().display().to_string().trim_end_matches('/').to_owned()
}

/// Typed here and there, by whom it is typed.
fn alike(near: &World, served: &Served<'_>, far: &Far, typed: &[(&str, &str)]) {
    for (member, line) in typed {
        let words: Vec<&str> = line.split(' ').collect();
        let here = near.airlock(&words);
        let there = far.ask(served, member, &words);
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
        ("grocer", "revoke spring --dataset sales --as grocer"),
        ("grocer", "revoke spring --column seen.campaign --as grocer"),
        ("brand", "run spring reach --as brand"),
        ("grocer", "revoke spring --template reach --wait --as grocer"),
        ("brand", "status spring"),
        ("brand", "audit show spring"),
    ];
    alike(&near, &served, &far, &typed);
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
    let mut command =
        far.command(&world, &brand.token, &["run", "spring", "reach", "--as", "brand"]);
    let child = command.spawn().unwrap();
    while brand.get("/v1/collaborations/spring/runs").done()["runs"][0]["phase"] != "running" {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    Answer::of(child.wait_with_output().unwrap()).is(130, "cancelled");
    assert_eq!(world.delivered(), Vec::<std::path::PathBuf>::new());
    world.log_is_whole();
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
        "config show",
        "export cli spring --member grocer",
        "apply spring --room aws-clean-rooms",
        "run spring reach --as brand --run-id mine",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        far.ask(&served, "grocer", &words).is(2, "gateway-not-here");
    }
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

/// What a gateway in between makes of an answer. The first word of the request line and its path are said with it; `true` drops the connection.
type Lie = Box<dyn FnMut(&str, &mut Told) -> bool + Send>;

/// A gateway in between.
struct Between {
    at: SocketAddr,
    lie: Arc<Mutex<Lie>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Between {
    fn to(real: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let honest: Lie = Box::new(|_, _| false);
        let lie = Arc::new(Mutex::new(honest));
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (lies, heard) = (Arc::clone(&lie), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                pass(stream.unwrap(), real, &lies, &heard);
            }
        });
        Self { at, lie, asked }
    }

    fn tells(&self, lie: impl FnMut(&str, &mut Told) -> bool + Send + 'static) {
        *self.lie.lock().unwrap() = Box::new(lie);
    }

    fn is_honest(&self) {
        self.tells(|_, _| false);
    }
}

fn pass(stream: TcpStream, real: SocketAddr, lie: &Mutex<Lie>, heard: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            head.push_str("connection: close\r\n\r\n");
            break;
        }
        if !lower.starts_with("connection:") {
            head.push_str(&line);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut onward = TcpStream::connect(real).unwrap();
    onward.write_all(head.as_bytes()).unwrap();
    onward.write_all(&body).unwrap();
    let mut told = Told::read(onward);
    let request = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
    heard.lock().unwrap().push(head.clone());
    if (lie.lock().unwrap())(&request, &mut told) {
        return;
    }
    let mut text = format!("HTTP/1.1 {} x\r\n", told.status);
    for (name, value) in &told.headers {
        if !["content-length", "connection", "transfer-encoding"].contains(&name.as_str()) {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    text.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n", told.body.len()));
    let mut stream = stream;
    let _ = stream.write_all(text.as_bytes());
    let _ = stream.write_all(told.body.as_bytes());
}

/// Edits the document of an answer to an approval.
fn edited(
    edit: impl Fn(&mut Value) + Send + 'static,
) -> impl FnMut(&str, &mut Told) -> bool + Send {
    move |request, told| {
        if request.contains("/approvals") {
            let mut document = told.json();
            edit(&mut document);
            told.body = document.to_string();
        }
        false
    }
}

fn other_digit(document: &mut Value, at: &str) {
    let place = document.pointer_mut(at).unwrap();
    let text = place.as_str().unwrap();
    let first = if text.starts_with('0') { "1" } else { "0" };
    *place = json!(format!("{first}{}", &text[1..]));
}

const APPROVE: [&str; 5] = ["approve", "spring", "reach", "--as", "grocer"];

#[test]
fn a_gateway_that_proves_nothing_is_not_believed() {
    let world = serve::world();
    let served = Served::start(&world);
    let between = Between::to(served.at);
    let far = Far::to(between.at);
    settled(&served, &far);
    let other = SecretKey::generate().unwrap();
    let another_key = move |document: &mut Value| {
        let note = document["receipt"]["checkpoint"].as_str().unwrap().to_owned();
        document["receipt"]["checkpoint"] = json!(Checkpoint::parse(&note).unwrap().sign(&other));
    };
    let grocer = served.caller("grocer", &ALL);
    let older = grocer.get("/v1/collaborations/spring/leaves/2").done();
    let foreign = older.clone();
    type Edit = Box<dyn Fn(&mut Value) + Send>;
    let lies: Vec<(&str, Edit)> = vec![
        ("receipt-missing", Box::new(|one| drop(one.as_object_mut().unwrap().remove("receipt")))),
        ("receipt-missing", Box::new(|one| one["receipt"] = Value::Null)),
        (
            "receipt-missing",
            Box::new(|one| drop(one.as_object_mut().unwrap().remove("leaf_bytes"))),
        ),
        ("receipt-missing", Box::new(|one| *one = json!({}))),
        ("receipt-wrong", Box::new(|one| other_digit(one, "/receipt/leaf"))),
        ("receipt-wrong", Box::new(|one| other_digit(one, "/receipt/root"))),
        ("receipt-wrong", Box::new(|one| other_digit(one, "/receipt/inclusion/0"))),
        ("receipt-wrong", Box::new(|one| one["receipt"]["index"] = json!(1))),
        ("receipt-wrong", Box::new(|one| one["receipt"]["size"] = json!(99))),
        ("receipt-wrong", Box::new(|one| one["leaf_bytes"] = json!(STANDARD.encode("{}")))),
        // Another leaf's receipt; and another leaf with its own.
        ("receipt-wrong", Box::new(move |one| one["receipt"] = older["receipt"].clone())),
        (
            "receipt-wrong",
            Box::new(move |one| {
                *one = json!({ "receipt": foreign["receipt"], "leaf_bytes": foreign["bytes"] });
            }),
        ),
        ("receipt-wrong", Box::new(another_key)),
    ];
    for (n, (code, lie)) in lies.into_iter().enumerate() {
        between.tells(edited(lie));
        let refused = far.ask(&served, "grocer", &APPROVE);
        assert_eq!((refused.code, refused.error()), (Some(3), code), "{n}: {}", refused.stderr);
        between.is_honest();
        far.ask(&served, "grocer", &APPROVE).done();
    }
    // It says the code of a mistake, and the token with it; or says the token where a name should be.
    let heard = Arc::clone(&between.asked);
    let token = move || {
        let all = heard.lock().unwrap();
        let line = all.last().unwrap().lines().find(|line| line.starts_with("authorization"));
        line.unwrap().split(' ').next_back().unwrap().to_owned()
    };
    let echoed = token.clone();
    between.tells(move |request, told| {
        if request.ends_with("/v1/collaborations?limit=200") {
            let mut document = told.json();
            document["collaborations"][0]["standing"] = json!(echoed());
            told.body = document.to_string();
        }
        if request.ends_with("/v1/collaborations/spring") {
            let mut document = told.json();
            document["withdrawn"] = json!([echoed(), "\u{1b}[2J"]);
            told.body = document.to_string();
        }
        false
    });
    let shown = far.ask(&served, "grocer", &["status"]).done();
    assert_eq!(shown["collaborations"][0]["revocations"], json!(["…", "\u{fffd}[2J"]));
    between.tells(move |request, told| {
        if request.contains("/approvals") {
            told.status = 409;
            told.body =
                json!({"type": "/problems/x", "title": "x", "status": 409, "code": "not-an-owner",
                "detail": format!("it was asked with {}", token()), "request_id": "r"})
                .to_string();
        }
        false
    });
    far.ask(&served, "grocer", &APPROVE).is(3, "not-an-owner");
    for (status, body) in [(302, ""), (200, "<html>"), (409, "<html>"), (500, "{}")] {
        between.tells(move |_, told| {
            told.status = status;
            told.body = body.to_owned();
            false
        });
        far.ask(&served, "grocer", &["status"]).is(1, "gateway-answer");
    }
    between.is_honest();
    far.ask(&served, "grocer", &["status"]).done();
}

#[test]
fn a_withdrawal_is_told_as_what_it_is() {
    let world = serve::world();
    let served = Served::start(&world);
    let between = Between::to(served.at);
    let far = Far::to(between.at);
    settled(&served, &far);
    let withdraw = ["revoke", "spring", "--dataset", "sales", "--as", "grocer"];
    // In force there, it says, and not on record. It is asked again.
    between.tells(|request, told| {
        if request.starts_with("POST") && request.ends_with("/revocations") {
            told.status = 202;
            told.body = json!({ "durable": false, "why": "store-full" }).to_string();
        }
        false
    });
    let kept = far.ask(&served, "grocer", &withdraw).done();
    assert_eq!(
        (&kept["durable"], &kept["receipt"], &kept["because"]["code"]),
        (&json!(false), &Value::Null, &json!("store-full"))
    );
    let asked = |between: &Between| {
        let all = between.asked.lock().unwrap();
        all.iter().filter(|head| head.starts_with("POST") && head.contains("/revocations ")).count()
    };
    assert_eq!(asked(&between), 4);
    // Its answer is lost: it is asked again, and proven.
    let withdraw = ["revoke", "spring", "--approval", "reach", "--as", "brand"];
    let mut lost = false;
    between.tells(move |request, _| {
        let is = request.starts_with("POST") && request.ends_with("/revocations") && !lost;
        lost |= is;
        is
    });
    let found = far.ask(&served, "brand", &withdraw).done();
    assert_eq!(found["durable"], json!(true));
    assert!(found["receipt"]["index"].as_u64().is_some(), "{found}");
    between.is_honest();
    // Without its leaf in the answer it is looked up; another leaf is not believed.
    let withdraw = ["revoke", "spring", "--column", "seen.campaign", "--as", "brand"];
    between.tells(|request, told| {
        if request.starts_with("POST") && request.ends_with("/revocations") {
            let mut document = told.json();
            document.as_object_mut().unwrap().remove("leaf_bytes");
            told.body = document.to_string();
        }
        false
    });
    assert_eq!(far.ask(&served, "brand", &withdraw).done()["durable"], json!(true));
    between.tells(|request, told| {
        if request.starts_with("POST") && request.ends_with("/revocations") {
            told.status = 201;
            told.body = json!({ "durable": true }).to_string();
        }
        false
    });
    let withdraw = ["revoke", "spring", "--membership", "--as", "brand"];
    far.ask(&served, "brand", &withdraw).is(3, "receipt-missing");
}

#[test]
fn a_lost_answer_is_asked_for_again_and_done_once() {
    let world = serve::world();
    let served = Served::start(&world);
    let between = Between::to(served.at);
    let far = Far::to(between.at);
    settled(&served, &far);
    let mut lost = 0;
    between.tells(move |request, told| {
        let is = request.contains("/approvals");
        lost += u32::from(is);
        if is && lost == 2 {
            told.status = 503;
            told.headers.insert("retry-after".to_owned(), "1".to_owned());
        }
        is && lost == 1
    });
    let leaves = || {
        let shown = world.airlock(&["audit", "show", "spring"]).done();
        shown["leaves"].as_array().unwrap().len()
    };
    let before = leaves();
    far.ask(&served, "grocer", &APPROVE).done();
    assert_eq!(leaves(), before + 1);
    let all = between.asked.lock().unwrap();
    let keys = all.iter().filter(|head| head.contains("/approvals ")).rev().take(3);
    let keys =
        keys.map(|head| head.lines().find(|line| line.starts_with("idempotency-key")).unwrap());
    let keys: Vec<&str> = keys.collect();
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[test]
fn a_log_that_goes_back_or_another_way_is_refused() {
    let world = serve::world();
    let served = Served::start(&world);
    let between = Between::to(served.at);
    let far = Far::to(between.at);
    settled(&served, &far);
    // What was answered once, told again: at once, and after more was seen.
    let first = Arc::new(Mutex::new(String::new()));
    let keep = Arc::clone(&first);
    between.tells(move |request, told| {
        if request.contains("/approvals") {
            *keep.lock().unwrap() = told.body.clone();
        }
        false
    });
    far.ask(&served, "grocer", &APPROVE).done();
    let again = Arc::clone(&first);
    between.tells(move |request, told| {
        if request.contains("/approvals") {
            told.body = again.lock().unwrap().clone();
        }
        false
    });
    far.ask(&served, "grocer", &APPROVE).is(3, "receipt-wrong");
    between.is_honest();
    far.ask(&served, "grocer", &APPROVE).done();
    let again = Arc::clone(&first);
    between.tells(move |request, told| {
        if request.contains("/approvals") {
            told.body = again.lock().unwrap().clone();
        }
        false
    });
    far.ask(&served, "grocer", &APPROVE).is(3, "log-rolled-back");
    // An older head of the whole log.
    let head = json_of(&first)["receipt"]["checkpoint"].as_str().unwrap().to_owned();
    between.tells(move |request, told| {
        if request.ends_with("/checkpoint") {
            told.body = head.clone();
        }
        false
    });
    let show = ["audit", "show", "spring"];
    far.ask(&served, "grocer", &show).is(3, "log-rolled-back");
    between.is_honest();
    far.ask(&served, "grocer", &show).done();
    forks(&world, &served, &between, &far);
    // Somebody who saw nothing before has nothing to hold it against, and the honest gateway passes.
    between.is_honest();
    far.ask(&served, "grocer", &APPROVE).done();
    far.ask(&served, "grocer", &show).done();
}

fn json_of(text: &Mutex<String>) -> Value {
    serde_json::from_str(&text.lock().unwrap()).unwrap()
}

/// The gateway signs a second log, in which an early leaf is another.
fn forks(world: &World, served: &Served<'_>, between: &Between, far: &Far) {
    let key = SecretKey::load(Path::new(&world.path("home/keys/gateway.key"))).unwrap();
    let grocer = served.caller("grocer", &ALL);
    let leaves = grocer.get("/v1/collaborations/spring/leaves?limit=200").done();
    let mut tree = Tree::default();
    for leaf in leaves["leaves"].as_array().unwrap() {
        let bytes = STANDARD.decode(leaf["bytes"].as_str().unwrap()).unwrap();
        let other = leaf["index"] == json!(3);
        tree.push(if other { leaf_hash(b"another") } else { leaf_hash(&bytes) });
    }
    let tree = Arc::new(Mutex::new(tree));
    let (forked, signer) = (Arc::clone(&tree), key.clone());
    let fork = move |one: &mut Value| {
        let mut tree = forked.lock().unwrap();
        let bytes = STANDARD.decode(one["leaf_bytes"].as_str().unwrap()).unwrap();
        let index = tree.size();
        tree.push(leaf_hash(&bytes));
        let (size, root) = (tree.size(), tree.root(tree.size()).unwrap());
        let collaboration = "spring".parse().unwrap();
        let note = Checkpoint { collaboration, size, root }.sign(&signer);
        let path = tree.inclusion_proof(index, size).unwrap();
        one["receipt"] = json!({"index": index, "size": size, "root": root, "leaf": leaf_hash(&bytes),
            "inclusion": path, "checkpoint": note});
    };
    // With the honest log's proof.
    between.tells(edited(fork));
    far.ask(served, "grocer", &APPROVE).is(3, "log-forked");
    // With the second log's own.
    let known = Arc::clone(&tree);
    let (forked, signer) = (tree, key);
    let mut fork = edited(move |one| {
        let tree = forked.lock().unwrap();
        let size = tree.size();
        let bytes = STANDARD.decode(one["leaf_bytes"].as_str().unwrap()).unwrap();
        let mut tree = tree.clone();
        tree.push(leaf_hash(&bytes));
        let root = tree.root(size + 1).unwrap();
        let collaboration = "spring".parse().unwrap();
        let note = Checkpoint { collaboration, size: size + 1, root }.sign(&signer);
        one["receipt"] = json!({"index": size, "size": size + 1, "root": root, "leaf": leaf_hash(&bytes),
            "inclusion": tree.inclusion_proof(size, size + 1).unwrap(), "checkpoint": note});
    });
    between.tells(move |request, told| {
        if request.contains("/proofs/consistency") {
            let tree = known.lock().unwrap();
            let old = told.json()["old"].as_u64().unwrap_or(2);
            let hashes = tree.consistency_proof(old, tree.size()).unwrap();
            told.status = 200;
            told.body = json!({ "old": old, "new": tree.size(), "hashes": hashes }).to_string();
        }
        fork(request, told)
    });
    far.ask(served, "grocer", &APPROVE).is(3, "log-forked");
}

#[test]
fn a_gateway_is_held_to_the_key_that_it_showed_first() {
    let world = serve::world();
    let served = Served::start(&world);
    let between = Between::to(served.at);
    let far = Far::to(between.at);
    let first = far.ask(&served, "grocer", &["status"]);
    assert!(first.stderr.contains("is known by its key ed25519:"), "{}", first.stderr);
    assert_eq!(far.ask(&served, "grocer", &["status"]).stderr, "");
    let other = SecretKey::generate().unwrap().public().to_string();
    let shown = other.clone();
    between.tells(move |request, told| {
        if request.ends_with("/v1/me") {
            let mut me = told.json();
            me["gateway_key"] = json!(shown);
            told.body = me.to_string();
        }
        false
    });
    far.ask(&served, "grocer", &["status"]).is(3, "gateway-key-changed");
    between.is_honest();
    far.ask(&served, "grocer", &["status"]).done();
    // A key that is told goes before what is remembered.
    far.ask(&served, "grocer", &["status", "--gateway-key", &other]).is(3, "gateway-key-changed");
    let me = served.caller("grocer", &ALL).get("/v1/me").done();
    let key = me["gateway_key"].as_str().unwrap();
    far.ask(&served, "grocer", &["status", "--gateway-key", key]).done();
}
