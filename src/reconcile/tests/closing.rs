//! When a withdrawal counts as closed.

use super::platform::partly;
use super::*;
use crate::log::{Body, Effect, Revocable};
use adapter_spi::Probe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

impl House {
    /// Whether a withdrawal was not seen closed on the first platform yet.
    async fn awaits(&self, revocation: u64) -> bool {
        self.state().await.closures()[&revocation].awaits(&AWS.parse().unwrap())
    }

    /// Withdrawn, and closed on the first platform, but not seen so twice.
    async fn closed(what: Revocable) -> (Self, u64) {
        let mut house = Self::open().await;
        let revocation = house.revoke("grocer", what).await;
        house.turn(AWS).await;
        assert!(house.awaits(revocation).await, "one look is not enough");
        (house, revocation)
    }
}

#[tokio::test]
async fn a_confirmation_needs_two_looks_and_a_try() {
    let (mut house, revocation) = House::closed(dataset("sales")).await;
    house.turn(AWS).await;
    assert!(house.awaits(revocation).await, "what is late hides from both");
    assert!(!house.aws.calls().contains(&"try dataset sales".to_owned()));
    let report = house.turns(AWS, 1).await;
    assert!(!house.awaits(revocation).await);
    assert_eq!((report.end, report.closing), (End::Settled, vec![]));
    assert_eq!(house.aws.calls(), ["stop", "try dataset sales"]);
    let confirmed = house.leaves(revocation).await.into_iter().find_map(|body| {
        let Body::RevocationConfirmed { reads, probe, .. } = body else { return None };
        Some((reads, probe.to_string()))
    });
    assert_eq!(confirmed, Some((2, "denied".to_owned())));
}

#[tokio::test]
async fn what_runs_there_is_stopped_before_anything_else() {
    let (mut house, revocation) = House::closed(dataset("sales")).await;
    assert_eq!(house.aws.calls()[..2], ["stop", "close dataset sales"]);
    house.aws.room().runs_on = true;
    let report = house.turns(AWS, 4).await;
    assert!(house.awaits(revocation).await, "a run goes on");
    assert_eq!(report.problems[0].0, "runs-on");
    house.aws.room().runs_on = false;
    house.aws.room().runs = 1;
    house.turns(AWS, 2).await;
    assert!(house.awaits(revocation).await, "what was stopped at a look may still have ended well");
    house.turns(AWS, 1).await;
    assert!(!house.awaits(revocation).await);
}

#[tokio::test]
async fn whoever_is_served_or_gets_no_answer_keeps_it_open() {
    for probe in [Some(Probe::Served), None] {
        let (mut house, revocation) = House::closed(dataset("sales")).await;
        house.aws.room().probe = probe;
        for _ in 0..3 {
            assert_eq!(house.turns(AWS, 1).await.end, End::Waiting);
        }
        assert!(house.awaits(revocation).await, "{probe:?}");
        house.aws.room().probe = Some(Probe::Denied);
        house.turns(AWS, 1).await;
        assert!(house.awaits(revocation).await, "the looks before it count no more");
        house.turns(AWS, 2).await;
        assert!(!house.awaits(revocation).await);
    }
}

#[tokio::test]
async fn a_look_that_is_not_whole_confirms_nothing() {
    let (mut house, revocation) = House::closed(dataset("sales")).await;
    house.aws.room().shows = Some(Box::new(partly));
    house.turns(AWS, 4).await;
    assert!(house.awaits(revocation).await);
}

#[tokio::test]
async fn a_call_that_is_still_in_the_air_keeps_it_open() {
    let mut house = House::open().await;
    house.intent(AWS, Effect::Grant, vec![dataset("sales")]).await;
    let revocation = house.revoke("grocer", dataset("sales")).await;
    house.turn(AWS).await;
    for _ in 0..3 {
        assert_eq!(house.turns(AWS, 1).await.end, End::Waiting);
    }
    assert!(house.awaits(revocation).await);
    house.clock.step(12_000);
    house.turns(AWS, 2).await;
    assert!(house.awaits(revocation).await, "what was seen before its end proves nothing");
    house.turns(AWS, 1).await;
    assert!(!house.awaits(revocation).await, "it can land no more");
}

#[tokio::test]
async fn whoever_left_and_is_still_there_keeps_it_open() {
    let mut house = House::open().await;
    let here = Arc::new(AtomicBool::new(true));
    let grocer = Arc::clone(&here);
    house.aws.room().shows = Some(Box::new(move |seen| {
        seen.members.insert("brand".parse().unwrap());
        if grocer.load(Ordering::SeqCst) {
            seen.members.insert("grocer".parse().unwrap());
        }
    }));
    house.turns(AWS, 1).await;
    let revocation = house.revoke("grocer", member("grocer")).await;
    house.turns(AWS, 4).await;
    assert_eq!(house.aws.holds(), ["dataset visits", "template daily"]);
    assert!(house.awaits(revocation).await, "nobody can take its membership away for it");
    here.store(false, Ordering::SeqCst);
    house.turns(AWS, 2).await;
    assert!(!house.awaits(revocation).await);
}
