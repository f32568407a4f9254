//! `airlock sync` as whoever starts and ends it meets it. Knows no platform.

use crate::world::World;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// A worker that is at work.
fn working(world: &World) -> Child {
    let child = world.command(&["sync"]).spawn().unwrap();
    let lock = || std::fs::File::open(world.path("home/worker.lock"));
    let since = Instant::now();
    while !lock().is_ok_and(|lock| lock.try_lock().is_err()) {
        assert!(since.elapsed() < Duration::from_secs(30), "the worker did not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn a_worker_ends_in_order_on_either_signal_and_who_comes_next_waits_for_it() {
    let world = World::settled(10);
    for name in ["-TERM", "-INT"] {
        let first = working(&world);
        let next = world.command(&["sync", "--once"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(500));
        signal(&first, name);
        let ended = first.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(0), "{name}: {ended:?}");
        let next = next.wait_with_output().unwrap();
        assert_eq!(next.status.code(), Some(0), "{name}: {next:?}");
    }
}

#[test]
fn a_log_that_the_database_lost_is_told() {
    let world = World::settled(10);
    for name in ["airlock.db", "airlock.db-wal", "airlock.db-shm"] {
        let _ = std::fs::remove_file(world.path("home").join(name));
    }
    world.agree(&crate::world::AGREEMENT.replace("collaboration: spring", "collaboration: autumn"));
    world.airlock(&["apply", "agreement.yaml", "--as", "grocer"]).done();
    let once = world.airlock(&["sync", "--once"]);
    once.is(1, "room-not-closed");
    assert_eq!(once.json["error"]["problems"][0]["code"], "log-rolled-back");
    let stands = world.airlock(&["status"]).done();
    assert_eq!(stands["unreadable"]["spring"]["code"], "log-rolled-back");
    assert_eq!(stands["collaborations"][0]["collaboration"], "autumn");
}

/// What a place answers to a call that nobody signed; nothing where nobody listens yet.
fn called(place: &str) -> Option<String> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(place).ok()?;
    stream.write_all(b"POST /wake HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    Some(answer)
}

#[test]
fn a_webhook_is_there_while_the_worker_is_and_a_place_that_is_taken_is_told_at_the_start() {
    let world = World::settled(10);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let place = free.local_addr().unwrap().to_string();
    let set = format!("[triggers.webhook]\nlisten = \"{place}\"\nsecret_env = \"WORLDS_SECRET\"\n");
    std::fs::write(world.path("home/gateway.toml"), set).unwrap();
    let unset = world.airlock(&["sync"]);
    unset.is(2, "settings-invalid");
    world.airlock(&["status"]).done();
    world.airlock(&["sync", "--once"]).done();
    let secret = "s3cretz".repeat(8);
    let worker = || {
        let mut command = world.command(&["sync"]);
        command.env("WORLDS_SECRET", &secret);
        command
    };
    let taken = crate::world::Answer::of(worker().output().unwrap());
    taken.is(1, "webhook-unbound");
    drop(free);
    let child = worker().spawn().unwrap();
    let since = Instant::now();
    let answer = loop {
        if let Some(answer) = called(&place) {
            break answer;
        }
        assert!(since.elapsed() < Duration::from_secs(30), "nobody listens");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(answer.contains("\"code\":\"signature-invalid\""), "{answer}");
    signal(&child, "-TERM");
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert!(!String::from_utf8_lossy(&ended.stderr).contains("s3cretz"));
    assert!(called(&place).is_none(), "nobody listens any more");
}
