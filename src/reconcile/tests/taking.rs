//! What a pass takes away: first, whatever else fails, and what it says of it.

use super::*;
use crate::log::Body;
use adapter_spi::{Outcome, Resource, ResourceKind};
use mappings::model::Digest;

fn is_alarm(body: &Body) -> bool {
    matches!(body, Body::DriftFound { .. })
}

#[tokio::test]
async fn what_is_wider_is_closed_first_and_told_after() {
    let mut house = House::agreed().await;
    let kind = ResourceKind::Dataset("visits".parse().unwrap());
    let wider = Resource { kind, digest: Digest::of(b"without any rule") };
    house.aws.room().held.insert(wider);
    let from = house.state().await.size();
    let report = house.turn(AWS).await;
    let calls = house.aws.calls();
    assert_eq!(calls[0], "close dataset visits");
    assert!(calls[1..].iter().all(|call| call.starts_with("open")), "{calls:?}");
    let leaves = house.leaves(from).await;
    let ended = |body: &Body| matches!(body, Body::EffectOutcome { .. });
    assert_eq!(leaves.iter().filter(|body| is_alarm(body)).count(), 1);
    assert!(leaves.iter().position(is_alarm) > leaves.iter().position(ended), "closed, then told");
    assert!(report.drift.iter().any(|drift| drift.class == DriftClass::Loosened));
}

#[tokio::test]
async fn what_was_wider_is_told_though_the_call_that_closed_it_had_no_answer() {
    let mut house = House::agreed().await;
    let kind = ResourceKind::Dataset("visits".parse().unwrap());
    house.aws.room().held.insert(Resource { kind, digest: Digest::of(b"without any rule") });
    house.aws.room().fails.insert("dataset visits".to_owned(), Outcome::Unknown);
    let from = house.state().await.size();
    house.turn(AWS).await;
    assert!(!house.leaves(from).await.iter().any(is_alarm), "it is open");
    house.aws.room().fails.clear();
    house.aws.lose("dataset visits");
    house.turns(AWS, 2).await;
    let alarms = house.leaves(from).await.iter().filter(|body| is_alarm(body)).count();
    assert_eq!(alarms, 1);
}

#[tokio::test]
async fn what_is_withdrawn_is_closed_and_is_no_alarm() {
    let mut house = House::open().await;
    let from = house.revoke("grocer", dataset("sales")).await;
    let report = house.turn(AWS).await;
    assert_eq!(house.aws.holds(), ["dataset visits", "template daily"]);
    assert!(!house.leaves(from).await.iter().any(is_alarm));
    assert!(report.drift.is_empty(), "{:?}", report.drift);
}

#[tokio::test]
async fn a_denial_goes_on_when_the_log_cannot_be_written() {
    let mut house = House::open().await;
    house.revoke("grocer", dataset("sales")).await;
    house.full(true);
    let report = house.turn(AWS).await;
    assert_eq!(house.aws.holds(), ["dataset visits", "template daily"]);
    assert_eq!(report.unrecorded, 2, "neither intent is on record");
    house.full(false);
    house.turns(AWS, 3).await;
    assert_eq!(house.state().await.awaited(&AWS.parse().unwrap()).count(), 0);
}

#[tokio::test]
async fn a_denial_goes_on_when_the_log_cannot_be_read() {
    let mut house = House::open().await;
    let pending = house.pending("grocer", dataset("sales")).await;
    *house.kept.0.lock().unwrap() = vec![pending];
    house.away(true);
    let report = house.turn(AWS).await;
    assert_eq!(report.unread, Some("store-unavailable"));
    assert_eq!(house.aws.holds(), ["dataset visits", "template daily"]);
}

#[tokio::test]
async fn one_that_cannot_be_closed_holds_up_no_other() {
    let mut house = House::open().await;
    house.revoke("grocer", dataset("sales")).await;
    house.aws.room().fails.insert("dataset sales".to_owned(), Outcome::NotApplied);
    assert!(matches!(house.turn(AWS).await.end, End::Undone { .. }));
    assert_eq!(house.aws.holds(), ["dataset sales", "dataset visits", "template daily"]);
}

#[tokio::test]
async fn one_that_has_to_wait_holds_up_no_other_and_is_told() {
    let mut house = House::open().await;
    house.revoke("grocer", dataset("sales")).await;
    house.aws.room().moves = true;
    house.aws.room().fails.insert("dataset sales".to_owned(), Outcome::NotApplied);
    house.turn(AWS).await;
    assert_eq!(house.aws.holds(), ["dataset sales", "dataset visits", "template daily"]);
    let ends = [house.turn(AWS).await.end, house.turn(AWS).await.end];
    let undone = |end: &End| matches!(end, End::Undone { code: "call-failed", .. });
    assert!(ends.iter().any(undone), "it is no more to do at once for ever: {ends:?}");
}

#[tokio::test]
async fn what_is_refused_again_and_again_makes_no_leaf_each_time() {
    let mut house = House::open().await;
    let from = house.revoke("grocer", dataset("sales")).await;
    house.aws.room().fails.insert("dataset sales".to_owned(), Outcome::NotApplied);
    house.turns(AWS, 20).await;
    let tries = house.aws.calls().iter().filter(|call| *call == "close dataset sales").count();
    assert!(tries >= 10, "{tries}");
    let size = house.state().await.size();
    house.turns(AWS, 4).await;
    assert_eq!(house.state().await.size(), size, "{:?}", house.leaves(from).await);
    house.aws.room().fails.clear();
    house.turns(AWS, 5).await;
    assert_eq!(house.state().await.awaited(&AWS.parse().unwrap()).count(), 0);
    house.clock.step(12_000);
    house.turn(AWS).await;
    assert!(house.state().await.open_intents().is_empty(), "the end of the first call is known");
}

#[tokio::test]
async fn a_denial_goes_on_when_what_was_seen_cannot_be_written_down() {
    let mut house = House::open().await;
    house.full(true);
    house.aws.lose("template daily");
    let gone = |seen: &mut adapter_spi::Observation| {
        seen.gone.insert(ResourceKind::Template("daily".parse().unwrap()));
    };
    house.aws.room().shows = Some(Box::new(gone));
    *house.kept.0.lock().unwrap() = vec![house.pending("grocer", dataset("sales")).await];
    house.turn(AWS).await;
    assert_eq!(house.aws.holds(), ["dataset visits"], "and nothing is given");
}

#[tokio::test]
async fn a_room_that_a_version_drops_is_emptied() {
    let mut house = House::open().await;
    house.agreement.rooms.retain(|room| room.platform.as_str() == AWS);
    house.propose().await;
    let report = house.turns(SNOW, 3).await;
    assert!(house.snow.holds().is_empty());
    assert!(report.closing.is_empty(), "seen closed: {report:?}");
    assert_eq!(house.turn(AWS).await.end, End::Settled);
    assert!(!house.aws.holds().is_empty());
}
