//! What is traced, as a collector is sent it: one run over HTTP is one trace down to the engine's plan, and nobody is named.

use crate::http::Served;
use crate::operations::{CANARY, canaries, of, set};
use crate::world::{AGREEMENT, World};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::json;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const ALL: [&str; 5] = ["member-admin", "data-steward", "analyst", "privacy-officer", "auditor"];
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// Requests, each with its head and its body.
type Kept = Mutex<Vec<(String, Vec<u8>)>>;

/// Takes what is sent, and keeps it.
#[derive(Default, Clone)]
struct Collector(Arc<Kept>);

impl Collector {
    /// Where it is.
    fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = format!("http://{}", listener.local_addr().unwrap());
        let kept = Arc::clone(&self.0);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || while taken(&stream, &kept).is_some() {});
            }
        });
        place
    }

    fn spans(&self) -> Vec<Span> {
        let kept = self.0.lock().unwrap();
        let all = kept.iter().flat_map(|(_, body)| {
            ExportTraceServiceRequest::decode(body.as_slice()).unwrap().resource_spans
        });
        all.flat_map(|one| one.scope_spans).flat_map(|one| one.spans).collect()
    }
}

/// Takes one request, head and body.
fn read(stream: &std::net::TcpStream) -> Option<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
    })?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

/// Keeps one, and answers it.
fn taken(mut stream: &std::net::TcpStream, kept: &Kept) -> Option<()> {
    let one = read(stream)?;
    kept.lock().unwrap().push(one);
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ok()
}

fn said(span: &Span, name: &str) -> Option<String> {
    let value = span.attributes.iter().find(|of| of.key == name)?.value.clone()?.value?;
    if let Value::IntValue(number) = value {
        return Some(number.to_string());
    }
    let Value::StringValue(text) = value else { panic!("{value:?}") };
    Some(text)
}

#[test]
fn a_run_is_one_trace_down_to_its_plan_and_names_nobody() {
    let collector = Collector::default();
    let mut world = canaries();
    for member in ["grocer", "brand"] {
        world.airlock(&["keygen", "--member", &of(member)]).done();
    }
    world.airlock(&["apply", "agreement.yaml", "--as", &of("grocer")]).done();
    for command in ["join", "approve"] {
        for member in ["grocer", "brand"] {
            let (name, member) = (of("spring"), of(member));
            let mut words = vec![command, name.as_str(), "--as", member.as_str()];
            words.extend((command == "approve").then_some("--all"));
            world.airlock(&words).done();
        }
    }
    set(&world, "[http]\ndevelopment_issuer = true\n");
    world.variables = vec![
        ("AIRLOCK_TRACES_ENDPOINT", collector.start()),
        ("AIRLOCK_TRACES_INSIDE", "true".to_owned()),
    ];
    let served = Served::start_as(&world, &[], Stdio::null());
    let brand = served.caller(&of("brand"), &ALL);
    let at = format!("/v1/collaborations/{}", of("spring"));
    let templates = brand.get(&format!("{at}/templates")).done();
    let body = json!({ "template": of("reach"), "digest": templates["templates"][0]["digest"] });
    let lines = [
        format!("Authorization: Bearer {}", brand.token),
        "Content-Type: application/json".to_owned(),
        "Idempotency-Key: run-00000000000000000".to_owned(),
        format!("traceparent: 00-{TRACE}-b7ad6b7169203331-00"),
    ];
    let asked = served.ask("POST", &format!("{at}/runs"), &lines, &body.to_string());
    let place = asked.headers["location"].clone();
    let since = Instant::now();
    while brand.get(&place).done()["state"] != "succeeded" {
        assert!(since.elapsed() < Duration::from_mins(1), "{asked:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(served.end("-TERM"), Some(0));

    let spans = collector.spans();
    let own: Vec<&Span> = spans.iter().filter(|span| hex(&span.trace_id) == TRACE).collect();
    let named = |name: &str| {
        let found = own.iter().find(|span| span.name == name);
        *found.unwrap_or_else(|| panic!("no {name}: {own:?}"))
    };
    let request = named("POST /v1/collaborations/{collaboration}/runs");
    assert_eq!(hex(&request.parent_span_id), "b7ad6b7169203331");
    assert_eq!(said(request, "http.response.status_code").unwrap(), "202");
    assert_eq!(said(named("run"), "airlock.room").unwrap(), "native");
    for (child, parent) in [
        ("run", request.name.as_str()),
        ("query", "run"),
        ("open", "query"),
        ("plan", "query"),
        ("execute", "query"),
        ("deliver", "run"),
    ] {
        assert_eq!(named(child).parent_span_id, named(parent).span_id, "{child}");
    }
    let appends =
        own.iter().filter(|span| said(span, "db.operation.name").as_deref() == Some("append"));
    assert!(appends.count() >= 3, "requested, intended, ended: {own:?}");
    // What is asked for all the time is no trace of its own.
    assert!(spans.iter().all(|span| span.name != "store" || !span.parent_span_id.is_empty()));
    for (head, body) in &*collector.0.lock().unwrap() {
        assert!(head.starts_with("POST /v1/traces "), "{head}");
        assert!(!String::from_utf8_lossy(body).contains(CANARY));
    }
}

/// The agreement in AWS Clean Rooms as well, where nobody answers.
fn in_aws() -> String {
    let mut text = AGREEMENT.replace(
        "rooms: [native]",
        "rooms: [native, { platform: aws-clean-rooms, region: eu-central-1 }]",
    );
    for (member, account) in [("Grocer", "111111111111"), ("Brand", "222222222222")] {
        let (before, after) =
            (format!("name: {member}, "), format!("aws-clean-rooms: \"{account}\""));
        text = text.replace(&before, &format!("{before}identity: {{ {after} }}, "));
    }
    for table in ["sales", "seen"] {
        let before = format!("native: data/{table}.parquet");
        let glue = format!("aws-clean-rooms: {{ glue: {{ database: all, table: {table} }} }}");
        text = text.replace(&before, &format!("{before}, {glue}"));
    }
    text
}

#[test]
fn a_turn_at_a_platform_is_a_trace_down_to_its_calls() {
    let collector = Collector::default();
    let mut world = World::of(10);
    world.agree(&in_aws());
    world.settle();
    let connections = "[aws-clean-rooms.members.grocer]\nprofile = \"grocer\"\ndata_role = \"arn:aws:iam::111111111111:role/read\"\n";
    std::fs::write(world.path("home/connections.toml"), connections).unwrap();
    let profile = "[profile grocer]\naws_access_key_id = test\naws_secret_access_key = test\nregion = eu-central-1\nmax_attempts = 1\n";
    std::fs::write(world.path("aws"), profile).unwrap();
    world.variables = vec![
        ("AIRLOCK_TRACES_ENDPOINT", collector.start()),
        ("AIRLOCK_TRACES_INSIDE", "true".to_owned()),
        ("AWS_CONFIG_FILE", world.path("aws").display().to_string()),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1".to_owned()),
    ];
    assert_eq!(world.airlock(&["sync", "--once"]).code, Some(1));
    let spans = collector.spans();
    let pass = spans.iter().find(|span| span.name == "pass").unwrap_or_else(|| panic!("{spans:?}"));
    let attribute = |name: &str| said(pass, name).unwrap_or_else(|| panic!("{name}: {pass:?}"));
    assert_eq!(attribute("airlock.platform"), "aws-clean-rooms");
    assert_eq!(attribute("airlock.end"), "waiting");
    assert_eq!(pass.status.as_ref().unwrap().code, 2, "{}", attribute("error.type"));
    let of = |parent: &Span| {
        let parent = parent.span_id.clone();
        spans.iter().filter(move |span| span.parent_span_id == parent)
    };
    let look = of(pass).find(|span| span.name == "look").unwrap();
    let call = of(look).find(|span| said(span, "rpc.method").is_some());
    let call = call.unwrap_or_else(|| panic!("{spans:?}"));
    assert_eq!((said(call, "rpc.system").unwrap().as_str(), call.kind), ("aws-api", 3));
}

/// Refuses everything as an account does that knows no such token, in words that must not go on.
fn refusing() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = format!("http://{}/accounts/{CANARY}", listener.local_addr().unwrap());
    let said = json!({ "code": "390303", "message": CANARY }).to_string();
    let answer = format!(
        "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{said}",
        said.len()
    );
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            if read(&stream).is_some() {
                let _gone = stream.write_all(answer.as_bytes());
            }
        }
    });
    place
}

#[test]
fn a_statement_in_snowflake_is_a_span_of_its_operation_and_its_code_alone() {
    let collector = Collector::default();
    let mut world = World::of(10);
    world.agree(&crate::remote::in_shares());
    world.settle();
    let token = world.path("token");
    std::fs::write(&token, CANARY).unwrap();
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
    let connections = format!(
        "[snowflake.members.grocer]\ntoken_file = {token:?}\nendpoint = \"{}\"\n",
        refusing()
    );
    std::fs::write(world.path("home/connections.toml"), connections).unwrap();
    world.variables = vec![
        ("AIRLOCK_TRACES_ENDPOINT", collector.start()),
        ("AIRLOCK_TRACES_INSIDE", "true".to_owned()),
    ];
    assert_eq!(world.airlock(&["sync", "--once"]).code, Some(1));
    let spans = collector.spans();
    let statement = spans.iter().find(|span| span.name == "statement");
    let statement = statement.unwrap_or_else(|| panic!("{spans:?}"));
    let mut keys: Vec<&str> = statement.attributes.iter().map(|one| one.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["db.operation.name", "error.type"]);
    assert_eq!(said(statement, "error.type").unwrap(), "credentials-refused");
    assert_eq!((statement.kind, statement.status.as_ref().unwrap().code), (3, 2));
    let above = spans.iter().find(|span| span.span_id == statement.parent_span_id).unwrap();
    assert!(["look", "pass"].contains(&above.name.as_str()), "{above:?}");
    let operation = said(statement, "db.operation.name").unwrap();
    assert!(!operation.is_empty() && !operation.contains(['"', '\'', '.', ';']), "{operation}");
    for (_, body) in &*collector.0.lock().unwrap() {
        let body = String::from_utf8_lossy(body);
        assert!(!["ACME", CANARY, "GROCER"].iter().any(|name| body.contains(name)), "{body}");
    }
}

#[test]
fn a_collector_that_is_away_or_never_answers_holds_nothing_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for place in [silent.local_addr().unwrap().to_string(), "127.0.0.1:1".to_owned()] {
        let mut world = crate::serve::world();
        world.variables = vec![
            ("AIRLOCK_TRACES_ENDPOINT", format!("http://{place}")),
            ("AIRLOCK_TRACES_INSIDE", "true".to_owned()),
        ];
        let served = Served::start_as(&world, &[], Stdio::null());
        for _ in 0..20 {
            assert_eq!(served.ask("GET", "/readyz", &[], "").status, 200);
        }
        let since = Instant::now();
        assert_eq!(served.end("-TERM"), Some(0));
        assert!(since.elapsed() < Duration::from_mins(1), "{:?}", since.elapsed());
    }
    let mut world = crate::serve::world();
    world.variables = vec![("AIRLOCK_TRACES_ENDPOINT", "collector:4318".to_owned())];
    world.airlock(&["serve"]).is(2, "settings-invalid");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
