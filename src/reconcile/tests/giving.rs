//! What a pass gives, and what it waits for first.

use super::platform::partly;
use super::*;
use crate::log::Effect;
use crate::store::Store;
use adapter_spi::{Note, NoteClass, Outcome, ResourceKind};
use std::sync::Arc;
use std::time::Duration;

const ALL: [&str; 4] =
    ["open dataset sales", "open dataset visits", "open template daily", "open template reach"];

fn waits_for(report: &Report, is: impl Fn(&Wait) -> bool) -> Vec<&str> {
    let waits = report.waits.iter().filter(|waiting| is(&waiting.why));
    waits.map(|waiting| waiting.what.as_str()).collect()
}

#[tokio::test]
async fn what_is_agreed_is_given_once_and_an_unchanged_world_writes_nothing() {
    let mut house = House::agreed().await;
    assert_eq!(house.turn(AWS).await.end, End::Settled);
    assert_eq!(house.aws.calls(), ALL);
    let size = house.state().await.size();
    for _ in 0..3 {
        assert_eq!(house.turns(AWS, 1).await.end, End::Settled);
    }
    assert!(house.aws.calls().is_empty());
    assert_eq!(house.state().await.size(), size);
}

#[tokio::test]
async fn a_grant_waits_for_a_withdrawal_elsewhere() {
    let mut house = House::open().await;
    let what = house.template("reach");
    let revocation = house.revoke("brand", what).await;
    house.approve(&["reach"]).await;
    let report = house.turns(AWS, 4).await;
    assert_eq!(
        house.aws.calls()[..2],
        ["stop", "close template reach"],
        "it has to be seen closed"
    );
    let closing = Wait::Closing { revocation, on: SNOW.parse().unwrap() };
    assert_eq!(waits_for(&report, |why| *why == closing), ["template reach"]);
    assert!(!house.aws.holds().contains(&"template reach".to_owned()));
    assert!(house.snow.calls().is_empty());
    house.turns(SNOW, 4).await;
    house.turns(AWS, 2).await;
    assert_eq!(house.aws.calls().last().unwrap(), "open template reach");
    assert_eq!(house.snow.calls().last().unwrap(), "open template reach");
}

#[tokio::test]
async fn nothing_is_given_without_the_lease() {
    let mut house = House::agreed().await;
    house.fence = None;
    let report = house.turn(AWS).await;
    assert!(house.aws.calls().is_empty());
    assert_eq!(waits_for(&report, |why| *why == Wait::Lease).len(), ALL.len());
}

#[tokio::test]
async fn whoever_lost_the_lease_gives_nothing_and_still_takes_away() {
    let mut house = House::agreed().await;
    house.turn(AWS).await;
    house.aws.calls();
    house.clock.step(120_000);
    let taken = house.store.acquire("shard-1", "worker-2", Duration::from_mins(1)).await.unwrap();
    assert!(taken.is_some());
    let report = house.turn(SNOW).await;
    assert_eq!(report.end, End::Failed { code: "lease-lost", retry_ms: None });
    assert!(house.snow.calls().is_empty());
    house.revoke("grocer", dataset("sales")).await;
    let report = house.turn(AWS).await;
    assert_eq!(house.aws.calls()[1..3], ["close dataset sales", "close template reach"]);
    assert_eq!(report.unrecorded, 0, "taking away asks for no lease");
}

#[tokio::test]
async fn a_call_that_gives_is_sent_soon_after_its_intent_or_not_at_all() {
    let mut house = House::agreed().await;
    house.store.slow_ms.store(10_001, std::sync::atomic::Ordering::SeqCst);
    house.turn(AWS).await;
    assert!(house.aws.calls().is_empty());
    let state = house.state().await;
    assert!(state.changed(&AWS.parse().unwrap()), "the intent is on record");
    assert!(state.effects().is_empty(), "and its end: it was not sent");
}

#[tokio::test]
async fn a_withdrawal_that_comes_between_look_and_call_is_heeded_before_it_is_on_record() {
    let mut house = House::agreed().await;
    let (kept, pending) =
        (Arc::clone(&house.kept), house.pending("grocer", dataset("sales")).await);
    house.aws.room().meanwhile =
        Some(Box::new(move || *kept.0.lock().unwrap() = vec![pending.clone()]));
    assert_eq!(house.turn(AWS).await.end, End::Again);
    assert!(house.aws.calls().is_empty());
    let report = house.turn(AWS).await;
    assert!(house.aws.calls().is_empty());
    let unrecorded = Wait::Log { code: "withdrawal-not-recorded".to_owned() };
    assert_eq!(waits_for(&report, |why| *why == unrecorded), ["dataset visits", "template daily"]);
}

#[tokio::test]
async fn nothing_is_given_on_a_look_that_is_not_whole() {
    let mut house = House::agreed().await;
    house.aws.room().shows = Some(Box::new(partly));
    let report = house.turn(AWS).await;
    assert!(house.aws.calls().is_empty());
    assert_eq!(waits_for(&report, |why| matches!(why, Wait::Sight { .. })).len(), ALL.len());
}

#[tokio::test]
async fn nothing_is_given_on_what_has_no_word() {
    let mut house = House::agreed().await;
    house.aws.room().shows = Some(Box::new(|seen| {
        let kind = ResourceKind::Dataset("sales".parse().unwrap());
        seen.notes.insert(Note { kind, class: NoteClass::Unknown, at: "newField".to_owned() });
    }));
    let report = house.turn(AWS).await;
    assert_eq!(house.aws.calls(), ["open dataset visits", "open template daily"]);
    let word = |why: &Wait| matches!(why, Wait::Word { at } if at == "newField");
    assert_eq!(waits_for(&report, word), ["dataset sales", "template reach"]);
}

#[tokio::test]
async fn what_a_call_may_still_take_away_is_not_given() {
    let mut house = House::agreed().await;
    let step = house.intent(AWS, Effect::Revoke, vec![dataset("sales")]).await;
    let report = house.turn(AWS).await;
    assert_eq!(house.aws.calls(), ["open dataset visits", "open template daily"]);
    let landing = Wait::Landing { step: step.to_string() };
    assert_eq!(waits_for(&report, |why| *why == landing), ["dataset sales", "template reach"]);
}

#[tokio::test]
async fn one_call_that_cannot_be_done_holds_up_no_other() {
    let mut house = House::agreed().await;
    house.aws.room().fails.insert("dataset sales".to_owned(), Outcome::NotApplied);
    assert!(matches!(house.turn(AWS).await.end, End::Undone { code: "call-failed", .. }));
    assert_eq!(house.aws.holds(), ["dataset visits", "template daily", "template reach"]);
    assert!(house.state().await.effects().is_empty(), "it is known not to be done");
}

#[tokio::test]
async fn what_a_room_holds_more_loosely_waits_for_those_whom_it_touches() {
    let mut house = House::agreed().await;
    house.aws.room().wider = true;
    let report = house.turn(AWS).await;
    assert!(report.unwaived && house.aws.calls().iter().all(|call| call == "stop"), "{report:?}");
}

#[tokio::test]
async fn nothing_is_given_that_cannot_be_written_down() {
    let mut house = House::agreed().await;
    house.full(true);
    assert_eq!(house.turn(AWS).await.end, End::Failed { code: "store-full", retry_ms: None });
    assert!(house.aws.calls().is_empty());
}
