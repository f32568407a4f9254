//! What owners take away on a platform themselves.

use super::platform::partly;
use super::*;
use crate::log::{Body, Effect, Outcome};
use adapter_spi::{Resource, ResourceKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

impl House {
    /// What was found withdrawn since a position, and how that is known.
    async fn found(&self, from: u64) -> Vec<(String, String)> {
        let found = self.leaves(from).await.into_iter().filter_map(|body| {
            let Body::FoundWithdrawn { what, how, .. } = body else { return None };
            Some((said(&what), how.to_string()))
        });
        found.collect()
    }
}

#[tokio::test]
async fn what_an_owner_took_away_is_not_made_again() {
    let mut house = House::open().await;
    let from = house.state().await.size();
    house.aws.lose("dataset sales");
    for _ in 0..2 {
        let report = house.turns(AWS, 1).await;
        assert_eq!((report.unsure, report.end), (1, End::Waiting));
        assert!(house.found(from).await.is_empty(), "not certain yet");
        let certain = |waiting: &Waiting| matches!(waiting.why, Wait::Certainty { .. });
        assert!(report.waits.iter().any(certain), "{:?}", report.waits);
    }
    assert!(house.aws.calls().is_empty(), "nothing is done about it");
    house.turns(AWS, 1).await;
    let how = ("dataset sales".to_owned(), "missing-repeatedly".to_owned());
    assert_eq!(house.found(from).await, [how]);
    assert_eq!(house.aws.holds(), ["dataset visits", "template daily"]);
    house.turn(SNOW).await;
    assert_eq!(house.snow.holds(), ["dataset visits", "template daily"], "it is withdrawn");
    house.turns(AWS, 4).await;
    house.turns(SNOW, 4).await;
    assert!(!house.aws.holds().contains(&"dataset sales".to_owned()));
}

#[tokio::test]
async fn what_a_partial_look_does_not_show_is_not_missing() {
    let mut house = House::open().await;
    let from = house.state().await.size();
    house.aws.lose("dataset sales");
    house.aws.room().shows = Some(Box::new(partly));
    for _ in 0..4 {
        assert_eq!(house.turns(AWS, 1).await.unsure, 0);
    }
    house.aws.room().shows = None;
    assert_eq!(house.turns(AWS, 1).await.unsure, 1, "the first look that counts");
    assert!(house.found(from).await.is_empty());
    assert!(house.aws.calls().is_empty());
}

#[tokio::test]
async fn what_a_platform_says_is_over_for_good_is_found_at_once() {
    let mut house = House::open().await;
    let from = house.state().await.size();
    house.aws.lose("dataset sales");
    house.aws.room().shows = Some(Box::new(|seen| {
        seen.gone.insert(ResourceKind::Dataset("sales".parse().unwrap()));
    }));
    house.turn(AWS).await;
    let how = ("dataset sales".to_owned(), "final-on-platform".to_owned());
    assert_eq!(house.found(from).await, [how]);
}

#[tokio::test]
async fn what_this_gateway_took_away_is_nobodys_withdrawal() {
    let mut house = House::open().await;
    let from = house.revoke("brand", house.template("daily")).await;
    house.approve(&["daily"]).await;
    house.turns(AWS, 4).await;
    house.turns(SNOW, 4).await;
    house.turns(AWS, 4).await;
    assert!(house.found(from).await.is_empty());
    assert_eq!(house.aws.holds().len(), 4, "it was given anew");
}

#[tokio::test]
async fn what_stays_after_this_gateway_took_from_it_is_its_owners_to_take_away() {
    let mut house = House::open().await;
    let step = house.intent(AWS, Effect::Restrict, vec![dataset("sales")]).await;
    house.gateway(Body::EffectOutcome { step, outcome: Outcome::Applied }).await;
    let from = house.state().await.size();
    house.turns(AWS, 1).await;
    house.aws.lose("dataset sales");
    house.turns(AWS, 4).await;
    let how = ("dataset sales".to_owned(), "missing-repeatedly".to_owned());
    assert_eq!(house.found(from).await, [how]);
}

#[tokio::test]
async fn an_old_answer_makes_no_withdrawal_of_what_this_gateway_took_away() {
    let mut house = House::open().await;
    let name = "sales".parse().unwrap();
    let old = Resource::dataset(&name, &house.agreement.datasets[&name]);
    let rule = serde_json::json!({ "entities_min": 200, "join": "optional" });
    house.agreement.datasets.get_mut(&name).unwrap().rule = serde_json::from_value(rule).unwrap();
    house.propose().await;
    let from = house.state().await.size();
    let late = Arc::new(AtomicBool::new(true));
    let shows = Arc::clone(&late);
    house.aws.room().shows = Some(Box::new(move |seen| {
        if shows.load(Ordering::SeqCst) && !seen.resources.contains(&old) {
            seen.resources.push(old.clone());
        }
    }));
    house.turns(AWS, 1).await;
    late.store(false, Ordering::SeqCst);
    house.turns(AWS, 6).await;
    house.turns(SNOW, 6).await;
    house.turns(AWS, 6).await;
    assert!(house.found(from).await.is_empty(), "{:?}", house.found(from).await);
    assert_eq!(house.aws.holds().len(), 4, "as the new version says");
}
