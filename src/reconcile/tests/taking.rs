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
