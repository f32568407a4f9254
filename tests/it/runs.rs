//! Runs beside each other, stopped, withdrawn and counted, each by processes of their own.

use crate::world::{AGREEMENT, Answer, World};

/// Enough that a run can be met at work.
const MANY: usize = 300_000;

#[test]
fn ctrl_c_cancels_and_leaves_nothing() {
    let world = World::settled(MANY);
    let mut run = world.begun("stopped");
    run.signal("-INT");
    run.ended().is(130, "cancelled");
    world.nothing_left();
    world.log_is_whole();
}

#[test]
fn a_withdrawal_by_another_process_stops_a_run_at_work() {
    let world = World::settled(MANY);
    let run = world.begun("withdrawn");
    world.airlock(&["revoke", "spring", "--dataset", "sales", "--as", "grocer"]).done();
    run.ended().is(3, "dataset-revoked");
    world.nothing_left();
    world.run().is(3, "dataset-revoked");
    world.log_is_whole();
}

#[test]
fn other_rules_taken_up_during_a_run_withhold_its_result() {
    let world = World::settled(MANY);
    world.agree(&AGREEMENT.replace("entities_min: 3", "entities_min: 30"));
    world.airlock(&["apply", "agreement.yaml", "--as", "grocer"]).done();
    world.airlock(&["join", "spring", "--as", "grocer"]).done();
    let run = world.begun("overtaken");
    world.airlock(&["join", "spring", "--as", "brand"]).done();
    run.ended().is(3, "agreement-changed");
    world.nothing_left();
    world.run().done();
    world.log_is_whole();
}

#[test]
fn an_id_serves_one_run() {
    let world = World::settled(MANY);
    let run = world.begun("same");
    let id = run.id.clone();
    let again = ["run", "spring", "reach", "--as", "brand", "--run-id", &id];
    world.airlock(&again).is(3, "run-id-used");
    run.ended().done();
    world.airlock(&again).is(3, "run-id-used");
    assert_eq!(world.delivered().iter().filter(|f| f.ends_with("manifest.json")).count(), 1);
    world.log_is_whole();
}

#[test]
fn a_spent_cap_stays_spent_for_another_process() {
    let world = World::of(10);
    world.agree(&AGREEMENT.replace("runs_max: 100", "runs_max: 2"));
    world.settle();
    world.run().done();
    std::fs::rename(world.path("data/sales.parquet"), world.path("data/away")).unwrap();
    world.run().is(1, "dataset-missing");
    std::fs::rename(world.path("data/away"), world.path("data/sales.parquet")).unwrap();
    world.run().is(3, "cap-spent");
}

#[test]
fn runs_beside_each_other_all_end() {
    let world = World::settled(2_000);
    let begin = |n: usize| {
        let id = format!("beside-{n}");
        world
            .command(&["run", "spring", "reach", "--as", "brand", "--run-id", &id])
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..6).map(begin).collect();
    for child in children {
        Answer::of(child.wait_with_output().unwrap()).done();
    }
    world.log_is_whole();
}

#[test]
fn bad_usage_is_one_object_too() {
    let world = World::of(1);
    world.airlock(&["run", "spring"]).is(2, "usage");
    world.airlock(&["run", "no spaces here", "reach", "--as", "brand"]).is(2, "usage");
    let twice =
        ["run", "spring", "reach", "--as", "brand", "--set", "a=zqsentinel", "--set", "a=b"];
    world.airlock(&twice).is(2, "parameter-twice");
    world.run().is(2, "home-missing");
    world.settle();
    world.airlock(&["run", "autumn", "reach", "--as", "brand"]).is(2, "collaboration-unknown");
}
