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
