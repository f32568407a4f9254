//! Destinations that can't take a result, or must not: the run fails with a code, and nobody has half of one.

use crate::world::{AGREEMENT, Answer, World};
use std::process::Command;

/// A run in a mount namespace of its own, where this is done first with `$DIR`, the receiver's folder.
fn run_after(world: &World, shell: &str) -> Answer {
    let results = world.path("results/brand");
    std::fs::create_dir_all(&results).unwrap();
    let run = world.command(&["run", "spring", "reach", "--as", "brand"]);
    let script = format!(
        "{shell} || exit 77; \"$0\" \"$@\"; code=$?; find \"$DIR\" -type f ! -name other > seen; exit $code"
    );
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "/bin/sh", "-c", &script]);
    command.arg(run.get_program()).args(run.get_args());
    command.env("DIR", &results).current_dir(world.folder.path());
    let output = command.output().unwrap_or_else(|error| panic!("NOT RUN: no unshare: {error}"));
    assert_ne!(output.status.code(), Some(77), "NOT RUN: this machine gives no mount namespace");
    let answer = Answer::of(output);
    // The mount is gone with the process; what lay there was written down before.
    let seen = std::fs::read_to_string(world.path("seen")).unwrap();
    assert_eq!(seen.contains("manifest.json"), answer.code == Some(0), "{seen}");
    assert_eq!(seen.is_empty(), answer.code != Some(0), "{seen}");
    answer
}

#[test]
fn a_folder_with_room_takes_the_result() {
    let world = World::settled(10);
    run_after(&world, "mount -t tmpfs -o size=1m tmpfs \"$DIR\"").done();
    world.log_is_whole();
}

#[test]
fn a_read_only_folder() {
    let world = World::settled(10);
    run_after(&world, "mount -t tmpfs -o ro tmpfs \"$DIR\"").is(1, "destination-read-only");
    world.nothing_left();
    world.log_is_whole();
    world.run().done();
}

#[test]
fn a_full_disk() {
    let world = World::settled(10);
    let full = "mount -t tmpfs -o size=64k tmpfs \"$DIR\" && ! head -c 1000000 /dev/zero > \"$DIR/other\" 2>/dev/null";
    run_after(&world, full).is(1, "destination-full");
    world.nothing_left();
    world.log_is_whole();
    world.run().done();
}

/// A disk that gives out at each file in turn, the manifest's the last.
#[test]
fn a_disk_that_ends_anywhere_in_a_delivery() {
    let mut failed = 0;
    for inodes in 2.. {
        let world = World::settled(10);
        let answer = run_after(
            &world,
            &format!("mount -t tmpfs -o size=1m,nr_inodes={inodes} tmpfs \"$DIR\""),
        );
        world.log_is_whole();
        if answer.code == Some(0) {
            break;
        }
        answer.is(1, "destination-full");
        world.nothing_left();
        failed += 1;
    }
    assert!((2..10).contains(&failed), "{failed}");
}

#[test]
fn a_disk_that_is_full_for_the_gateway_itself() {
    let world = World::settled(10);
    let home = "mkdir spare && mount -t tmpfs -o size=8m tmpfs spare && cp -a home/. spare && mount --bind spare home \
                && ! head -c 100000000 /dev/zero > home/other 2>/dev/null";
    let answer = run_after(&world, home);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(["store-full", "io"].contains(&answer.error()), "{answer:?}");
    world.nothing_left();
    world.run().done();
}

#[test]
fn a_destination_that_is_also_a_source() {
    let world = World::of(10);
    for place in ["data", "data/sales.parquet", "./data/", "data/sales.parquet/below"] {
        world.agree(&AGREEMENT.replace("results/brand", place));
        let answer = world.airlock(&["check", "agreement.yaml"]);
        assert_eq!(answer.code, Some(2), "{place}: {answer:?}");
        assert!(answer.json.to_string().contains("destination-is-source"), "{answer:?}");
    }
}

#[test]
fn a_destination_that_is_a_source_by_a_link() {
    let world = World::of(10);
    std::os::unix::fs::symlink(world.path("data"), world.path("elsewhere")).unwrap();
    world.agree(&AGREEMENT.replace("results/brand", "elsewhere"));
    world.airlock(&["keygen", "--member", "grocer"]).done();
    world.airlock(&["apply", "agreement.yaml", "--as", "grocer"]).is(2, "destination-is-source");
    assert_eq!(std::fs::read_dir(world.path("data")).unwrap().count(), 2);
}
