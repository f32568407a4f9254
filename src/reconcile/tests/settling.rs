//! Calls that nobody knows the end of.

use super::platform::partly;
use super::*;
use crate::log::{Body, Code, Effect, Outcome};
use adapter_spi::Outcome as Told;

impl House {
    /// How a call ended, as the log says.
    async fn end_of(&self, step: &Code) -> Option<Outcome> {
        self.leaves(0).await.into_iter().find_map(|body| {
            let Body::EffectOutcome { step: of, outcome, .. } = body else { return None };
            (of == *step).then_some(outcome)
        })
    }

    async fn unsettled(&self) -> usize {
        self.state().await.effects().values().filter(|record| record.is_open()).count()
    }
}

#[tokio::test]
async fn a_call_without_an_answer_is_open_until_it_can_land_no_more() {
    let mut house = House::agreed().await;
    house.aws.room().fails.insert("dataset sales".to_owned(), Told::Unknown);
    house.turn(AWS).await;
    assert_eq!(house.unsettled().await, 1, "nobody knows");
    house.aws.room().fails.insert("dataset sales".to_owned(), Told::NotApplied);
    house.turn(AWS).await;
    // Sent up to ten seconds after its intent, one second on its way, a tenth of one until it shows.
    house.clock.step(11_100);
    assert_eq!(house.turn(AWS).await.unsettled, 1);
    assert_eq!(house.unsettled().await, 1);
    house.clock.step(1);
    house.turn(AWS).await;
    assert_eq!(house.unsettled().await, 0);
}

#[tokio::test]
async fn what_is_seen_says_how_a_call_ended() {
    let mut house = House::open().await;
    let given = house.intent(AWS, Effect::Grant, vec![dataset("sales")]).await;
    let taken = house.intent(AWS, Effect::Revoke, vec![dataset("visits")]).await;
    let missed = house.intent(AWS, Effect::Revoke, vec![dataset("sales")]).await;
    house.turn(AWS).await;
    assert_eq!(house.end_of(&given).await, None, "it may not have landed yet");
    house.aws.lose("dataset visits");
    house.clock.step(12_000);
    house.turn(AWS).await;
    assert_eq!(house.end_of(&given).await, Some(Outcome::Applied));
    assert_eq!(house.end_of(&taken).await, Some(Outcome::Applied));
    assert_eq!(house.end_of(&missed).await, Some(Outcome::NotApplied));
}

#[tokio::test]
async fn a_look_that_is_not_whole_settles_nothing() {
    let mut house = House::open().await;
    let given = house.intent(AWS, Effect::Grant, vec![dataset("sales")]).await;
    house.turn(AWS).await;
    house.aws.room().shows = Some(Box::new(partly));
    house.clock.step(12_000);
    house.turn(AWS).await;
    assert_eq!(house.end_of(&given).await, None);
    house.aws.room().shows = None;
    house.turn(AWS).await;
    assert_eq!(house.end_of(&given).await, Some(Outcome::Applied));
}

#[tokio::test]
async fn another_answer_ends_no_call_that_may_still_land() {
    let mut house = House::open().await;
    house.revoke("grocer", dataset("sales")).await;
    house.aws.room().fails.insert("dataset sales".to_owned(), Told::Unknown);
    house.turn(AWS).await;
    let open = house.unsettled().await;
    assert_eq!(open, 1);
    house.aws.room().fails.clear();
    house.turns(AWS, 4).await;
    assert!(!house.aws.holds().contains(&"dataset sales".to_owned()), "it is closed");
    assert_eq!(house.state().await.awaited(&AWS.parse().unwrap()).count(), 0, "and seen closed");
    assert_eq!(house.unsettled().await, open, "the first call may still land");
    house.clock.step(12_000);
    house.turn(AWS).await;
    assert_eq!(house.unsettled().await, 0);
}

#[tokio::test]
async fn what_was_refused_for_good_ends_with_the_call_that_is_not() {
    let mut house = House::open().await;
    house.revoke("grocer", dataset("sales")).await;
    house.aws.room().fails.insert("dataset sales".to_owned(), Told::NotApplied);
    house.turns(AWS, 2).await;
    assert_eq!(house.unsettled().await, 1);
    house.aws.room().fails.clear();
    house.turns(AWS, 2).await;
    assert_eq!(house.unsettled().await, 0, "nothing of it can land");
}
