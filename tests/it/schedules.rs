//! Runs at times to come, made by whoever keeps the rooms, and what tenants are told of them.

use crate::http::Served;
use crate::serve::document;
use crate::world::{SENTINEL, World};
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const SECRET: &str = "s3cretz-s3cretz-s3cretz-s3cretz-";

/// A notice: the header with its id, the one with its signature, its body.
type Heard = (String, String, Vec<u8>);

/// A receiver of notices that does not take the first one.
fn hook() -> (String, Arc<Mutex<Vec<Heard>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (url, heard) = (format!("http://{}/hook", listener.local_addr().unwrap()), Arc::default());
    let all = Arc::<Mutex<Vec<Heard>>>::clone(&heard);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream);
            let (mut id, mut signature, mut length) = (String::new(), String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let Some((name, value)) = line.trim_end().split_once(": ") else {
                    if line.trim_end().is_empty() {
                        break;
                    }
                    continue;
                };
                match name.to_ascii_lowercase().as_str() {
                    "webhook-id" => value.clone_into(&mut id),
                    "airlock-signature" => value.clone_into(&mut signature),
                    "content-length" => length = value.parse().unwrap(),
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let mut heard = all.lock().unwrap();
            let status = if heard.is_empty() { 503 } else { 204 };
            heard.push((id, signature, body));
            let answer = format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n");
            let _ = reader.into_inner().write_all(answer.as_bytes());
        }
    });
    (url, heard)
}

/// Signed as `t=…,v1=…`, by another reading of that than the gateway's.
fn is_signed(signature: &str, body: &[u8]) -> bool {
    let (at, hex) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let mut keyed = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    keyed.update(format!("{at}.").as_bytes());
    keyed.update(body);
    let made: String = keyed
        .finalize()
        .into_bytes()
        .iter()
        .fold(String::new(), |text, b| text + &format!("{b:02x}"));
    made == hex
}

fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(since.elapsed() < Duration::from_mins(1), "never: {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Everything agreed, with whole places that are written down for their members.
fn world(notify: &str) -> World {
    let mut world = World::of(10);
    world.agree(&document(&world));
    world.settle();
    let root = format!("file://{}/", world.path("").canonicalize().unwrap().display());
    let tenant = |member: &str, more: &str| {
        format!(
            "[[http.tenants]]\nmember = \"{member}\"\nplaces = [\"{root}data/\"]\ndestinations = [\"{root}results/\"]\n{more}"
        )
    };
    let notify = if notify.is_empty() {
        String::new()
    } else {
        world.variables.push(("WORLDS_SECRET", SECRET.to_owned()));
        format!("notify_url = \"{notify}\"\nnotify_secret_env = \"WORLDS_SECRET\"\n")
    };
    let set = format!(
        "[http]\ndevelopment_issuer = true\n{}{}[egress]\nloopback = true\n",
        tenant("grocer", ""),
        tenant("brand", &notify)
    );
    std::fs::write(world.path("home/gateway.toml"), set).unwrap();
    world
}

fn list(world: &World) -> Vec<Value> {
    let listed = world.airlock(&["schedule", "list", "spring"]).done();
    listed["schedules"].as_array().unwrap().clone()
}

#[test]
fn what_is_scheduled_is_delivered_and_told() {
    let (url, heard) = hook();
    let world = world(&url);
    let served = Served::start(&world);
    let add = [
        "schedule",
        "add",
        "spring",
        "nightly",
        "reach",
        "--cron",
        "*/2 * * * * *",
        "--as",
        "brand",
    ];
    world.airlock(&add).done();
    world.airlock(&add).is(3, "schedule-id-used");
    let last = until("a delivered result", || {
        let one = list(&world).pop()?;
        (one["last"]["state"] == "succeeded").then(|| one["last"].clone())
    });
    assert!(last["run"].as_str().unwrap().starts_with("nightly-"), "{last}");
    assert!(world.delivered().iter().any(|path| path.ends_with("manifest.json")));
    world.airlock(&["schedule", "remove", "spring", "nightly", "--as", "brand"]).done();
    assert!(list(&world).is_empty());
    until("nothing is kept of it", || {
        std::fs::read_dir(world.path("home/schedules/spring"))
            .unwrap()
            .next()
            .is_none()
            .then_some(())
    });
    until("a notice told twice", || (heard.lock().unwrap().len() >= 2).then_some(()));
    assert_eq!(served.end("-TERM"), Some(0));
    let heard = heard.lock().unwrap().clone();
    assert_eq!(heard[0].0, heard[1].0, "what was not taken is told again");
    for (id, signature, body) in &heard {
        assert!(is_signed(signature, body));
        let text = String::from_utf8(body.clone()).unwrap();
        assert!(!text.contains(SENTINEL) && !text.contains("rows"), "{text}");
        let said: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&said["id"], &said["collaboration"]), (&json!(id), &json!("spring")));
    }
    let said: Value = serde_json::from_slice(&heard[0].2).unwrap();
    assert_eq!((&said["event"], &said["outcome"]), (&json!("run-ended"), &json!("succeeded")));
    assert_eq!(said["schedule"], "nightly");
    assert!(said["manifest"].as_str().unwrap().starts_with("sha256:"), "{said}");
    world.log_is_whole();
}

#[test]
fn the_worker_alone_makes_scheduled_runs_as_well() {
    let world = World::settled(10);
    world
        .airlock(&[
            "schedule",
            "add",
            "spring",
            "often",
            "reach",
            "--cron",
            "* * * * * *",
            "--as",
            "brand",
        ])
        .done();
    let mut child = world.command(&["sync"]).stdout(Stdio::null()).spawn().unwrap();
    until("a delivered result", || {
        (list(&world).pop()?["last"]["state"] == "succeeded").then_some(())
    });
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    world.log_is_whole();
}

#[test]
fn a_schedule_over_http_is_its_members_own() {
    let world = world("");
    let served = Served::start(&world);
    let (brand, grocer) =
        (served.caller("brand", &["analyst"]), served.caller("grocer", &["analyst"]));
    let path = "/v1/collaborations/spring/schedules";
    let digest = brand.get("/v1/collaborations/spring/templates/reach").done()["digest"].clone();
    let asked =
        json!({ "schedule": "yearly", "template": "reach", "digest": digest, "cron": "0 6 1 1 *" });
    let made = brand.once(path, "schedule-00000001", &asked.to_string());
    assert_eq!(made.status, 201, "{made:?}");
    let again = brand.once(path, "schedule-00000001", &asked.to_string());
    assert_eq!((again.status, again.headers["idempotent-replay"].as_str()), (201, "true"));
    brand.once(path, "schedule-00000002", &asked.to_string()).is(409, "schedule-id-used");
    for (change, code) in [
        (json!({ "cron": "0 6 * *" }), "schedule-time"),
        (json!({ "cron": "0 0 30 2 *" }), "schedule-time"),
        (json!({ "schedule": "Yearly" }), "schedule-name"),
        (json!({ "parameters": { "nothing": "1" } }), "parameters-invalid"),
        (json!({ "limits": { "rows_max": 0 } }), "limit-above"),
    ] {
        let mut wrong = asked.clone();
        wrong["schedule"] = json!("other");
        wrong.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        brand.once(path, &format!("wrong-{code:0>20}"), &wrong.to_string()).is(422, code);
    }
    let mut other = asked.clone();
    other["schedule"] = json!("other");
    grocer.once(path, "schedule-00000003", &other.to_string()).is(409, "runner-not-allowed");
    let seen = grocer.get(path).done();
    assert_eq!(
        (&seen["schedules"][0]["schedule"], &seen["schedules"][0]["by"]),
        (&json!("yearly"), &json!("brand"))
    );
    assert_eq!(seen["schedules"].as_array().unwrap().len(), 1);
    let end = format!("{path}/yearly/removals");
    grocer.once(&end, "schedule-00000004", "").is(409, "schedule-of-another");
    assert_eq!(brand.once(&end, "schedule-00000005", "").status, 201);
    brand.once(&end, "schedule-00000006", "").is(409, "schedule-ended");
    assert_eq!(brand.get(&format!("{path}/yearly")).done()["ended"], true);
    assert_eq!(brand.get(path).done(), json!({ "schedules": [] }));
}
