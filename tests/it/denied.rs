//! Withdrawals where the log can't be written: a full disk, a database that can't be opened, an older copy put back.

use crate::world::{Answer, World};
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};

/// Enough that a run can be met at work.
const MANY: usize = 300_000;

/// The binary where no file can be written beyond this many KiB, as on a disk without space for more.
fn within(world: &World, kib: u32, arguments: &[&str]) -> Answer {
    let plain = world.command(arguments);
    let mut limited = Command::new("bash");
    limited.args(["-c", &format!("trap '' XFSZ; ulimit -f {kib}; exec \"$@\""), "bash"]);
    limited.arg(plain.get_program()).args(plain.get_args()).current_dir(world.folder.path());
    Answer::of(limited.stdin(Stdio::null()).output().unwrap())
}

/// Keeps the database open with so much in its write-ahead log that the next append begins beyond the limit.
struct Filled(Child);

impl Filled {
    fn of(world: &World) -> Self {
        const FILL: &str = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None); \
            db.execute('PRAGMA wal_autocheckpoint = 0'); db.execute('CREATE TABLE fill (x)'); \
            db.execute('INSERT INTO fill VALUES (zeroblob(300000))'); db.execute('DROP TABLE fill'); \
            print('filled', flush=True); sys.stdin.read()";
        let mut python = Command::new("python3");
        python.args(["-c", FILL]).arg(world.path("home/airlock.db"));
        let mut child = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = [0; 6];
        child.stdout.as_mut().unwrap().read_exact(&mut said).unwrap();
        assert_eq!(&said, b"filled");
        Self(child)
    }

    fn gone(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

fn withdraw<'a>(dataset: &'a str, member: &'a str) -> [&'a str; 6] {
    ["revoke", "spring", "--dataset", dataset, "--as", member]
}

fn kinds(world: &World, kind: &str) -> usize {
    let shown = world.airlock(&["audit", "show", "spring"]).done();
    let leaves = shown["leaves"].as_array().unwrap().clone();
    leaves.iter().filter(|leaf| leaf["what"] == kind).count()
}

#[test]
fn on_a_full_disk_a_withdrawal_is_in_force_and_later_on_record() {
    let world = World::settled(MANY);
    let run = world.begun("at-work");
    let filled = Filled::of(&world);
    within(&world, 100, &["run", "spring", "reach", "--as", "brand"]).is(1, "store-full");
    let full = within(&world, 100, &withdraw("sales", "grocer")).done();
    assert_eq!((&full["durable"], &full["receipt"]), (&false.into(), &serde_json::Value::Null));
    assert_eq!(full["because"]["code"], "store-full");
    // The run at work, and such as would begin, with the disk full and without.
    run.ended().is(3, "dataset-revoked");
    within(&world, 100, &["run", "spring", "reach", "--as", "brand"]).is(3, "dataset-revoked");
    let stands = within(&world, 100, &["status", "spring"]).done();
    assert_eq!(stands["collaborations"][0]["pending"], serde_json::json!(["dataset sales"]));
    assert_eq!(kinds_of(&stands), 1);
    within(&world, 100, &withdraw("seen", "grocer")).is(3, "not-an-owner");
    filled.gone();
    let stands = world.airlock(&["status", "spring"]).done();
    assert_eq!(stands["collaborations"][0]["pending"], serde_json::json!([]));
    assert_eq!((kinds_of(&stands), kinds(&world, "revoked")), (1, 1));
    world.run().is(3, "dataset-revoked");
    assert_eq!(kinds(&world, "revoked"), 1, "it is put on record once");
    world.nothing_left();
    world.log_is_whole();
}

fn kinds_of(status: &serde_json::Value) -> usize {
    status["collaborations"][0]["revocations"].as_array().unwrap().len()
}

#[test]
fn where_the_database_cannot_be_opened_a_withdrawal_is_taken_up() {
    let world = World::settled(10);
    let run = ["run", "spring", "reach", "--as", "brand"];
    within(&world, 8, &run).is(1, "store-full");
    let shut = within(&world, 8, &withdraw("sales", "grocer")).done();
    assert_eq!((&shut["durable"], &shut["because"]["code"]), (&false.into(), &"store-full".into()));
    within(&world, 8, &["revoke", "spring", "--template", "reach", "--as", "brand"])
        .is(3, "no-agreement");
    within(&world, 8, &run).is(1, "store-full");
    world.airlock(&run).is(3, "dataset-revoked");
    assert_eq!(kinds(&world, "revoked"), 1);
    world.nothing_left();
    world.log_is_whole();
}

#[test]
fn a_withdrawal_that_nobody_may_make_denies_nothing_once_it_is_judged() {
    let world = World::settled(10);
    let shut = within(&world, 8, &withdraw("sales", "brand")).done();
    assert_eq!(shut["durable"], false);
    world.run().done();
    assert_eq!(kinds(&world, "revoked"), 0);
}

#[test]
fn a_damaged_reserve_grants_nothing_and_denying_goes_on() {
    let world = World::settled(10);
    within(&world, 8, &withdraw("sales", "grocer")).done();
    let path = world.path("home/denials.reserve");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[60] ^= 1;
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().write_all(&bytes).unwrap();
    world.run().is(1, "reserve-unreadable");
    let seen = world.airlock(&withdraw("seen", "brand")).done();
    assert_eq!(seen["durable"], true);
    world.run().is(1, "reserve-unreadable");
    world.nothing_left();
}

/// The database as it is now, under another name; or such a one in its place.
fn copy(world: &World, from: &str, to: &str) {
    std::fs::create_dir_all(world.path(to)).unwrap();
    for name in ["airlock.db", "airlock.db-wal", "airlock.db-shm"] {
        let _ = std::fs::remove_file(world.path(to).join(name));
        if world.path(from).join(name).exists() {
            std::fs::copy(world.path(from).join(name), world.path(to).join(name)).unwrap();
        }
    }
}

#[test]
fn an_older_database_put_back_grants_nothing_and_still_denies() {
    let world = World::settled(10);
    copy(&world, "home", "older");
    world.airlock(&withdraw("sales", "grocer")).done();
    world.run().is(3, "dataset-revoked");
    copy(&world, "home", "newer");
    copy(&world, "older", "home");
    let approve = ["approve", "spring", "--all", "--as", "grocer"];
    let leaves = world.airlock(&["status", "spring"]).done()["collaborations"][0]["leaves"].clone();
    world.run().is(3, "log-rolled-back");
    world.airlock(&approve).is(3, "log-rolled-back");
    world.airlock(&["join", "spring", "--as", "brand"]).is(3, "log-rolled-back");
    world.airlock(&["apply", "agreement.yaml", "--as", "grocer"]).is(3, "log-rolled-back");
    // What is denied now is denied, and nothing of it is appended to the older log, however often.
    for (dataset, owner) in [("seen", "brand"), ("sales", "grocer"), ("seen", "brand")] {
        let here = world.airlock(&withdraw(dataset, owner)).done();
        assert_eq!(here["durable"], false);
        assert_eq!(here["because"]["code"], "log-rolled-back");
    }
    let stands = world.airlock(&["status", "spring"]).done()["collaborations"][0].clone();
    assert_eq!((&stands["leaves"], &stands["doubt"]["code"]), (&leaves, &"log-rolled-back".into()));
    world.airlock(&approve).is(3, "log-rolled-back");
    world.run().is(3, "log-rolled-back");
    world.airlock(&["sync", "--once"]).is(1, "room-not-closed");
    copy(&world, "newer", "home");
    let stands = world.airlock(&["status", "spring"]).done()["collaborations"][0].clone();
    assert_eq!((&stands["doubt"], &stands["pending"]), (&().into(), &serde_json::json!([])));
    assert_eq!(stands["revocations"].as_array().unwrap().len(), 2);
    world.nothing_left();
    world.log_is_whole();
}

#[test]
fn an_older_database_that_went_on_otherwise_is_no_better_for_its_length() {
    let world = World::settled(10);
    copy(&world, "home", "older");
    world.airlock(&withdraw("sales", "grocer")).done();
    copy(&world, "older", "home");
    // A gateway that knows no more than the backup, and makes it longer than what was lost.
    copy(&world, "older", "other");
    let mut cp = Command::new("cp");
    cp.args(["-a", "home/keys", "other/"]).current_dir(world.folder.path());
    assert!(cp.status().unwrap().success());
    for _ in 0..3 {
        let run = ["run", "spring", "reach", "--as", "brand"];
        Answer::of(world.command_of("other", &run).output().unwrap()).done();
    }
    copy(&world, "other", "home");
    world.run().is(3, "log-rolled-back");
    world.run().is(3, "log-rolled-back");
    world.airlock(&["approve", "spring", "--all", "--as", "grocer"]).is(3, "log-rolled-back");
}

#[test]
fn the_length_that_an_earlier_version_kept_still_counts() {
    let world = World::settled(10);
    copy(&world, "home", "older");
    world.airlock(&withdraw("sales", "grocer")).done();
    let leaves = world.airlock(&["status", "spring"]).done()["collaborations"][0]["leaves"].clone();
    std::fs::remove_dir_all(world.path("home/heads")).unwrap();
    std::fs::create_dir(world.path("home/sizes")).unwrap();
    std::fs::write(world.path("home/sizes/spring"), leaves.to_string()).unwrap();
    copy(&world, "home", "newer");
    copy(&world, "older", "home");
    world.run().is(3, "log-rolled-back");
    copy(&world, "newer", "home");
    world.run().is(3, "dataset-revoked");
    assert!(!world.path("home/sizes/spring").exists() && world.path("home/heads/spring").exists());
}
