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
    house.gateway(Body::EffectOutcome { step, outcome: Outcome::Applied, shown: false }).await;
    let from = house.state().await.size();
    house.turns(AWS, 2).await;
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

#[tokio::test]
async fn what_an_owner_took_away_before_anybody_saw_it_there_is_not_made_again() {
    for sized in [false, true] {
        let mut house = House::agreed().await;
        if sized {
            house
                .aws
                .room()
                .fails
                .insert("dataset sales".to_owned(), adapter_spi::Outcome::NotApplied);
            house.turn(AWS).await;
            house.aws.room().fails.clear();
        }
        let from = house.state().await.size();
        house.aws.room().undone.insert("dataset sales".to_owned(), true);
        house.turn(AWS).await;
        house.memories = Default::default();
        house.turns(AWS, 4).await;
        let how = ("dataset sales".to_owned(), "missing-repeatedly".to_owned());
        assert_eq!(house.found(from).await, [how], "{sized}, and by whoever comes after");
        let given = |call: &String| call == "open dataset sales";
        let given = house.aws.calls().into_iter().filter(given).count();
        assert_eq!(given, if sized { 2 } else { 1 });
    }
}

#[tokio::test]
async fn what_was_not_given_at_all_is_given_again() {
    let mut house = House::agreed().await;
    let from = house.state().await.size();
    house.aws.room().fails.insert("dataset sales".to_owned(), adapter_spi::Outcome::NotApplied);
    house.turns(AWS, 2).await;
    house.aws.room().fails.clear();
    house.turns(AWS, 4).await;
    assert!(house.found(from).await.is_empty());
    assert_eq!(house.aws.holds().len(), 4);
}

#[tokio::test]
async fn what_shows_itself_late_is_nobodys_withdrawal() {
    let mut house = House::agreed().await;
    let from = house.state().await.size();
    let late = Arc::new(AtomicBool::new(true));
    let hides = Arc::clone(&late);
    house.aws.room().shows = Some(Box::new(move |seen| {
        if hides.load(Ordering::SeqCst) {
            seen.resources.retain(|held| held.kind.to_string() != "dataset sales");
        }
    }));
    house.turns(AWS, 2).await;
    late.store(false, Ordering::SeqCst);
    house.turns(AWS, 6).await;
    assert!(house.found(from).await.is_empty());
    let sales = |call: &String| call == "open dataset sales";
    assert_eq!(house.aws.calls().into_iter().filter(sales).count(), 1);
    assert_eq!(house.aws.holds().len(), 4);
}

#[tokio::test]
async fn what_was_withdrawn_before_it_was_seen_may_be_given_anew() {
    let mut house = House::agreed().await;
    let from = house.state().await.size();
    house.aws.room().undone.insert("template daily".to_owned(), true);
    house.turn(AWS).await;
    house.revoke("brand", house.template("daily")).await;
    house.turns(AWS, 4).await;
    house.turns(SNOW, 4).await;
    house.approve(&["daily"]).await;
    house.turns(AWS, 4).await;
    house.turns(SNOW, 4).await;
    assert!(house.found(from).await.is_empty());
    assert_eq!(house.aws.holds().len(), 4, "it is a new grant");
}

#[tokio::test]
async fn what_only_was_said_to_be_done_is_nobodys_withdrawal() {
    let mut house = House::agreed().await;
    let from = house.state().await.size();
    house.aws.room().undone.insert("dataset sales".to_owned(), false);
    house.turns(AWS, 6).await;
    assert!(house.found(from).await.is_empty());
    assert_eq!(house.aws.holds().len(), 4, "it is given again");
}

#[tokio::test]
async fn several_things_of_one_call_are_found_one_by_one() {
    let mut house = House::agreed().await;
    let from = house.state().await.size();
    for what in ["dataset sales", "dataset visits"] {
        house.aws.room().undone.insert(what.to_owned(), true);
    }
    house.turn(AWS).await;
    house.turns(AWS, 4).await;
    let mut found = house.found(from).await;
    found.sort();
    let how = |what: &str| (what.to_owned(), "missing-repeatedly".to_owned());
    assert_eq!(found, [how("dataset sales"), how("dataset visits")]);
}
