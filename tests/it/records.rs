//! What the record proves to somebody who has only files and a public key, and what a gateway's own folder must be.

use crate::world::{AGREEMENT, World};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// The gateway's key, an exported log, and the folder of the one result.
fn evidence(world: &World) -> (String, String) {
    let exported = world.airlock(&["audit", "export", "spring", "--to", "evidence"]).done();
    let manifest = world.delivered().into_iter().find(|file| file.ends_with("manifest.json"));
    let folder = manifest.unwrap().parent().unwrap().to_string_lossy().into_owned();
    (exported["key"].as_str().unwrap().to_owned(), folder)
}

#[test]
fn a_result_proves_where_it_came_from() {
    let world = World::settled(10);
    world.run().done();
    let (key, at) = evidence(&world);
    let verify = |log: bool| {
        let mut arguments = vec!["audit", "result", &at, "--key", &key];
        arguments.extend(if log { vec!["--log", "evidence"] } else { vec![] });
        world.airlock(&arguments)
    };
    assert_eq!(verify(true).done()["manifest"]["template"], "reach");
    verify(false).done();

    let stranger = world.airlock(&["audit", "result", &at, "--key", &format!("ed25519:{:064}", 1)]);
    assert!(["key-shape", "manifest-signature-wrong"].contains(&stranger.error()), "{stranger:?}");
    world.airlock(&["audit", "result", "data", "--key", &key]).is(1, "manifest-missing");
    world.airlock(&["audit", "result", "nowhere", "--key", &key]).is(1, "manifest-missing");

    let part = world.delivered().into_iter().find(|file| !file.ends_with("manifest.json")).unwrap();
    let whole = std::fs::read(&part).unwrap();
    let mut changed = whole.clone();
    changed[20] ^= 1;
    std::fs::write(&part, changed).unwrap();
    verify(false).is(1, "file-differs");
    std::fs::remove_file(&part).unwrap();
    verify(false).is(1, "file-differs");
    std::fs::write(&part, whole).unwrap();

    let manifest = Path::new(&at).join("manifest.json");
    let signed = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, signed.replace("\"withheld\":0", "\"withheld\":1")).unwrap();
    verify(false).is(1, "manifest-signature-wrong");
    std::fs::write(&manifest, format!("{signed} ")).unwrap();
    verify(false).is(1, "manifest-unreadable");
    std::fs::write(&manifest, signed).unwrap();
    verify(true).done();
}

#[test]
fn a_delivery_that_no_log_knows_is_told() {
    let world = World::settled(10);
    world.airlock(&["audit", "export", "spring", "--to", "before"]).done();
    world.run().done();
    let (key, at) = evidence(&world);
    let of = |log| world.airlock(&["audit", "result", &at, "--key", &key, "--log", log]);
    of("before").is(1, "delivery-unrecorded");
    of("evidence").done();
    let newer = ["audit", "verify", "evidence", "--key", &key, "--older", "before"];
    let verified = world.airlock(&newer).done();
    assert_eq!(verified["log"]["members"].as_object().unwrap().len(), 2);
    assert_eq!(verified["log"]["open"], serde_json::json!([]));
    assert_eq!(verified["log"]["other_texts"], serde_json::json!([]));
    world
        .airlock(&["audit", "verify", "before", "--key", &key, "--older", "evidence"])
        .is(3, "log-rolled-back");
}

#[test]
fn a_member_joins_what_it_looked_at_and_nothing_else() {
    let world = World::of(10);
    for member in ["grocer", "brand"] {
        world.airlock(&["keygen", "--member", member]).done();
    }
    let agreed = world.airlock(&["check", "agreement.yaml"]).done()["digest"].clone();
    world.agree(&AGREEMENT.replace("entities_min: 3", "entities_min: 1"));
    world.airlock(&["apply", "agreement.yaml", "--as", "grocer"]).done();
    let join = ["join", "spring", "--as", "brand", "--agreement", agreed.as_str().unwrap()];
    world.airlock(&join).is(3, "agreement-not-proposed");
    world.agree(AGREEMENT);
    world.airlock(&["apply", "agreement.yaml", "--as", "grocer"]).done();
    assert_eq!(world.airlock(&join).done()["agreement"], agreed);
}

#[test]
fn a_member_that_declines_leaves_what_was_in_force() {
    let world = World::settled(10);
    let stricter = AGREEMENT.replace("entities_min: 3", "entities_min: 5");
    world.agree(&stricter);
    world.airlock(&["apply", "agreement.yaml", "--as", "grocer"]).done();
    world.airlock(&["decline", "spring", "--as", "brand"]).done();
    world.airlock(&["join", "spring", "--as", "brand"]).is(3, "invitation-declined");
    world.airlock(&["decline", "spring", "--as", "brand"]).is(3, "invitation-declined");
    world.run().done();
    world.log_is_whole();
    // One who never joined has shown no key, and can say no all the same.
    world.agree(&AGREEMENT.replace("collaboration: spring", "collaboration: autumn"));
    world.airlock(&["apply", "agreement.yaml", "--as", "grocer"]).done();
    world.airlock(&["decline", "autumn", "--as", "brand"]).done();
    world.airlock(&["decline", "spring", "--as", "grocer"]).done();
}

#[test]
fn nobody_from_outside_proposes_to_replace_what_members_accepted() {
    let world = World::settled(10);
    world.airlock(&["keygen", "--member", "press"]).done();
    let press = "  press: { name: Press, abilities: [contribute] }\nrooms:";
    world.agree(&AGREEMENT.replace("rooms:", press));
    world.airlock(&["apply", "agreement.yaml", "--as", "press"]).is(3, "not-a-member");
    world.airlock(&["revoke", "spring", "--room", "--as", "press"]).is(3, "member-not-joined");
    // A member invites it; it has no say before all accepted that.
    world.airlock(&["apply", "agreement.yaml", "--as", "brand"]).done();
    world.airlock(&["join", "spring", "--as", "press"]).done();
    world.airlock(&["revoke", "spring", "--room", "--as", "press"]).is(3, "member-not-joined");
    world.run().done();
    world.log_is_whole();
}

#[test]
fn a_destination_that_became_a_file_ends_the_run() {
    let world = World::settled(10);
    world.run().done();
    std::fs::remove_dir_all(world.path("results")).unwrap();
    std::fs::write(world.path("results"), "in the way").unwrap();
    world.run().is(1, "destination-read-only");
    world.log_is_whole();
    std::fs::remove_file(world.path("results")).unwrap();
    world.run().done();
}

#[test]
fn a_link_made_later_leads_nobody_into_a_source() {
    let world = World::settled(10);
    world.run().done();
    std::fs::remove_dir_all(world.path("results")).unwrap();
    std::fs::create_dir(world.path("results")).unwrap();
    std::os::unix::fs::symlink(world.path("data"), world.path("results/brand")).unwrap();
    world.run().is(2, "destination-is-source");
    std::fs::remove_file(world.path("results/brand")).unwrap();
    std::os::unix::fs::symlink(world.path("home/keys"), world.path("results/brand")).unwrap();
    world.run().is(3, "destination-is-home");
}

#[test]
fn looking_makes_no_gateway() {
    let world = World::of(1);
    world.airlock(&["status"]).is(2, "home-missing");
    assert!(!world.path("home").exists());
}

#[test]
fn secrets_that_others_can_read_are_refused() {
    let world = World::settled(10);
    let mode = |name: &str, mode: u32| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(world.path(name), permissions).unwrap();
    };
    mode("home/keys/room-spring.key", 0o644);
    world.run().is(3, "key-file-exposed");
    mode("home/keys/room-spring.key", 0o600);
    mode("home/keys", 0o755);
    world.run().is(3, "home-exposed");
    mode("home/keys", 0o700);
    world.run().done();
}

/// Changes the database behind the gateway's back.
fn meddle(world: &World, statement: &str) {
    let script = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute(sys.argv[2]); db.commit()";
    let database = world.path("home/airlock.db");
    let mut python = Command::new("python3");
    let status = python.args(["-c", script]).arg(database).arg(statement).status().unwrap();
    assert!(status.success());
}

#[test]
fn one_log_that_cannot_be_read_hides_no_other() {
    let world = World::settled(10);
    world.agree(&AGREEMENT.replace("collaboration: spring", "collaboration: autumn"));
    world.airlock(&["apply", "agreement.yaml", "--as", "grocer"]).done();
    meddle(
        &world,
        "UPDATE checkpoint SET note = 'x' WHERE log = (SELECT id FROM log WHERE collaboration = 'autumn')",
    );
    let status = world.airlock(&["status"]).done();
    assert_eq!(status["collaborations"][0]["collaboration"], "spring");
    assert_eq!(status["unreadable"]["autumn"]["code"], "checkpoint-malformed");
    world.airlock(&["status", "autumn"]).is(1, "checkpoint-malformed");
    world.airlock(&["status", "spring"]).done();
    world.run().done();
}

#[test]
fn what_somebody_else_wrote_into_the_log_is_not_believed() {
    let world = World::settled(10);
    meddle(&world, "INSERT INTO leaf SELECT log, 99, body FROM leaf WHERE position = 1");
    meddle(&world, "UPDATE leaf SET position = position WHERE position = 1000");
    world.run().done();
    meddle(&world, "UPDATE log SET size = size - 1");
    world.run().is(1, "log-tampered");
}

/// Written by the first version that had them; whatever reads them later must go on reading them.
#[test]
fn stored_versions_stay_readable() {
    const SCHEDULED: &str =
        "ed25519:9edbae1e01a9ff1df8033fc1b784cad8bd5c7f10c4b8862fa97f0f1df0785def";
    const SHARED: &str = "ed25519:7a1d6e2a78fb0ab9b13035e3f07c082ffd29ef3087b40f8254bd7c3cb8d7efce";
    const KEY: &str = "ed25519:7d5eee487fe2be69721eea0f310dec567ded10ecc1ea6ece8b706a9318901382";
    let world = World::of(1);
    let formats = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats");
    let (log, result) = (formats.join("log-v1"), formats.join("result-v1"));
    let (log, result) = (log.to_str().unwrap(), result.to_str().unwrap());
    let verified = world.airlock(&["audit", "verify", log, "--key", KEY]).done();
    assert_eq!((&verified["leaves"], &verified["log"]["signatures"]), (&15.into(), &9.into()));
    // With what the first version that had schedules wrote of them.
    let scheduled = formats.join("log-v1-schedules");
    let scheduled = ["audit", "verify", scheduled.to_str().unwrap(), "--key", SCHEDULED];
    assert_eq!(world.airlock(&scheduled).done()["leaves"], 10);
    // The same of shares.
    let shared = formats.join("log-v1-shares");
    let shared = ["audit", "verify", shared.to_str().unwrap(), "--key", SHARED];
    assert_eq!(world.airlock(&shared).done()["leaves"], 18);
    world.airlock(&["audit", "result", result, "--key", KEY, "--log", log]).done();
}
