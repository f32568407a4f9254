//! Logs published as tiles, verified where they lie and cosigned by a member's own witness: with the binary alone.

use crate::world::{AGREEMENT, Answer, World};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A settled world whose logs are published beside it.
fn publishing() -> (World, String) {
    let world = World::settled(10);
    set(&world, "");
    world.airlock(&["sync", "--once"]).done();
    let exported = world.airlock(&["audit", "export", "spring", "--to", "evidence"]).done();
    let key = exported["key"].as_str().unwrap().to_owned();
    (world, key)
}

fn set(world: &World, more: &str) {
    let to = world.path("published");
    let text = format!("[publish]\nto = \"file://{}\"\n{more}", to.display());
    std::fs::write(world.path("home/gateway.toml"), text).unwrap();
}

/// Without any gateway: its folder is elsewhere.
fn alone(world: &World, arguments: &[&str]) -> Answer {
    Answer::of(world.command_of("nowhere", arguments).output().unwrap())
}

fn verify(world: &World, at: &str, key: &str, more: &[&str]) -> Answer {
    alone(world, &[&["audit", "verify", at, "--key", key], more].concat())
}

fn witness(world: &World, at: &str, key: &str, more: &[&str]) -> Answer {
    let own = ["--name", "brand.example/w", "--key-file", "w.key", "--state", "seen"];
    alone(world, &[&["witness", at, "--key", key], own.as_slice(), more].concat())
}

fn leaves(verified: &Value) -> u64 {
    assert_eq!(verified["verified"], true);
    verified["leaves"].as_u64().unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).unwrap();
        }
    }
}

fn published(world: &World, name: &str) -> PathBuf {
    world.path("published/spring").join(name)
}

#[test]
fn a_published_log_is_verified_where_it_lies_and_grows_from_an_older_checkpoint() {
    let (world, key) = publishing();
    let url = format!("file://{}", world.path("published/spring").display());
    let exported = leaves(&verify(&world, "evidence", &key, &[]).done());
    for at in ["published/spring", "published/spring/", &url] {
        assert_eq!(leaves(&verify(&world, at, &key, &[]).done()), exported, "{at}");
    }
    let unpinned = alone(&world, &["audit", "verify", "published/spring"]).done();
    assert_eq!((unpinned["pinned"].clone(), unpinned["key"].as_str()), (false.into(), Some(&*key)));
    std::fs::copy(published(&world, "checkpoint"), world.path("older")).unwrap();
    copy(&world.path("published/spring"), &world.path("before/spring"));
    world.airlock(&["revoke", "spring", "--dataset", "sales", "--as", "grocer"]).done();
    world.airlock(&["sync", "--once"]).done();
    for older in ["older", "before/spring", "evidence"] {
        let grown = verify(&world, "published/spring", &key, &["--older", older]).done();
        assert!(leaves(&grown) > exported, "{older}");
    }
    let shorter = verify(&world, "before/spring", &key, &["--older", "published/spring"]);
    shorter.is(3, "log-rolled-back");
    verify(&world, "published/autumn", &key, &[]).is(1, "bundle-file-unusable");
    let stranger = format!("ed25519:{}", "3f".repeat(32));
    let other = verify(&world, "published/spring", &stranger, &[]);
    assert!(["checkpoint-not-signed", "key-shape"].contains(&other.error()), "{other:?}");
    verify(&world, "https://logs.example/spring", &key, &[]).is(2, "destination-scheme");
}

#[test]
fn what_is_changed_where_it_lies_is_told_and_the_honest_log_passes_again() {
    let (world, key) = publishing();
    let tile = std::fs::read_dir(published(&world, "tile/0/000.p")).unwrap().next().unwrap();
    let tile = format!("tile/0/000.p/{}", tile.unwrap().file_name().to_str().unwrap());
    for (name, code) in [
        ("leaf/001", "leaf-differs"),
        (tile.as_str(), "tile-differs"),
        ("checkpoint", "checkpoint-malformed"),
    ] {
        let honest = std::fs::read(published(&world, name)).unwrap();
        let mut forged = honest.clone();
        let last = forged.len() - 1;
        forged[last] ^= 1;
        std::fs::write(published(&world, name), &forged).unwrap();
        verify(&world, "published/spring", &key, &[]).is(1, code);
        std::fs::write(published(&world, name), &honest).unwrap();
        verify(&world, "published/spring", &key, &[]).done();
    }
}

#[test]
fn a_witness_cosigns_what_continues_and_a_verifier_can_demand_it() {
    let (world, key) = publishing();
    witness(&world, "published/spring", &key, &[]).is(1, "key-file-unusable");
    let first = witness(&world, "published/spring", &key, &["--new-key"]).done();
    witness(&world, "published/spring", &key, &["--new-key"]).is(1, "key-file-exists");
    let name = first["cosigned"]["witness"].as_str().unwrap().to_owned();
    let by = ["--witness", &name];
    let verified = verify(&world, "published/spring", &key, &by).done();
    assert!(verified["log"]["cosigned"]["brand.example/w"].is_string(), "{verified}");
    verify(&world, "published/spring", &key, &["--witness", "nobody"])
        .is(2, "witness-key-malformed");
    let two = ["--witness", &name, "--quorum", "2"];
    verify(&world, "published/spring", &key, &two).is(2, "quorum-impossible");
    verify(&world, "evidence", &key, &by).is(1, "cosignatures-missing");
    copy(&world.path("published/spring"), &world.path("older/spring"));
    world.airlock(&["revoke", "spring", "--dataset", "sales", "--as", "grocer"]).done();
    set(&world, &format!("witnesses = [\"{name}\"]\n"));
    world.airlock(&["sync", "--once"]).done();
    verify(&world, "published/spring", &key, &by).is(1, "cosignatures-missing");
    let second = witness(&world, "published/spring", &key, &[]).done();
    assert_eq!(second["cosigned"]["before"], first["cosigned"]["leaves"]);
    verify(&world, "published/spring", &key, &by).done();
    // The gateway collects it, and then it is in the checkpoint itself.
    world.airlock(&["sync", "--once"]).done();
    let note = std::fs::read_to_string(published(&world, "checkpoint")).unwrap();
    assert!(note.contains("\u{2014} brand.example/w "), "{note}");
    std::fs::remove_dir_all(published(&world, "witness")).unwrap();
    verify(&world, "published/spring", &key, &by).done();
    witness(&world, "older/spring", &key, &[]).is(3, "log-rolled-back");
    witness(&world, "published", &key, &[]).is(1, "checkpoint-missing");
    let to_file = witness(&world, "published/spring", &key, &["--out", "cosigned"]).done();
    let written = std::fs::read_to_string(world.path("cosigned")).unwrap();
    assert_eq!(to_file["cosigned"]["checkpoint"].as_str(), Some(&*written));
    assert!(!published(&world, "witness").exists());
}

#[test]
fn one_log_that_cannot_be_published_keeps_no_other_from_it() {
    let world = World::settled(10);
    set(&world, "");
    world.agree(&AGREEMENT.replace("collaboration: spring", "collaboration: autumn"));
    world.airlock(&["apply", "agreement.yaml", "--as", "grocer"]).done();
    let way = world.path("published/autumn/leaf");
    std::fs::create_dir_all(&way).unwrap();
    std::fs::write(way.join("000"), "something else").unwrap();
    let once = world.airlock(&["sync", "--once"]);
    once.is(1, "log-not-published");
    let problems = once.json["error"]["problems"].as_array().unwrap();
    let told = (problems.len(), problems[0]["at"].as_str(), problems[0]["code"].as_str());
    assert_eq!(told, (1, Some("autumn"), Some("publication-conflict")));
    assert!(published(&world, "checkpoint").is_file());
    assert!(!world.path("published/autumn/checkpoint").exists());
    std::fs::remove_file(way.join("000")).unwrap();
    world.airlock(&["sync", "--once"]).done();
    alone(&world, &["audit", "verify", "published/autumn"]).done();
}

#[test]
fn a_worker_publishes_what_is_appended_while_it_lasts() {
    let world = World::settled(10);
    set(&world, "");
    let shown = world.airlock(&["config", "show"]).done().to_string();
    assert!(shown.contains("publish.to") && shown.contains("/published"), "{shown}");
    let mut worker = world.command(&["sync"]).spawn().unwrap();
    let size = || {
        let note = std::fs::read_to_string(published(&world, "checkpoint")).ok()?;
        note.lines().nth(1)?.parse::<u64>().ok()
    };
    let until = |what: &str, holds: &dyn Fn(Option<u64>) -> bool| {
        let since = Instant::now();
        while !holds(size()) {
            assert!(since.elapsed() < Duration::from_secs(30), "never: {what}");
            std::thread::sleep(Duration::from_millis(50));
        }
        size().unwrap()
    };
    let before = until("published", &|size| size.is_some());
    world.airlock(&["revoke", "spring", "--dataset", "sales", "--as", "grocer"]).done();
    until("published again", &|size| size.is_some_and(|size| size > before));
    let sent = Command::new("kill").args(["-TERM", &worker.id().to_string()]).status().unwrap();
    assert!(sent.success() && worker.wait().unwrap().success());
    alone(&world, &["audit", "verify", "published/spring"]).done();
    set(&world, "witnesses = [\"nobody\"]\n");
    world.airlock(&["sync", "--once"]).is(2, "settings-invalid");
    world.airlock(&["status"]).done();
}
