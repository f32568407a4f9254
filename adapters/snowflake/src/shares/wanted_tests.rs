//! What is wanted when something was withdrawn, said by hand: the plans' own tests take it as given.

use super::*;
use std::sync::Arc;

fn whole() -> Desired {
    let document = adapter_spi::suite::agreement(&PlatformId::snowflake(), "spring", 1);
    Desired::whole(Arc::new(serde_json::from_value(document).unwrap()))
}

/// The offers, each with whether it is given; and the templates that run.
fn said(desired: &Desired) -> (Vec<(String, bool)>, Vec<String>) {
    let wanted = wanted(desired);
    let offers = wanted.offers.values();
    let offers =
        offers.map(|offer| (format!("{} for {}", offer.dataset, offer.runner), offer.given));
    let templates = wanted.runners.values().flat_map(|runner| runner.templates.keys());
    (offers.collect(), templates.map(ToString::to_string).collect())
}

const ORDERS: &str = "orders for analyst";
const PEOPLE: &str = "people for analyst";

fn offers(given: bool) -> Vec<(String, bool)> {
    vec![(ORDERS.to_owned(), given), (PEOPLE.to_owned(), given)]
}

#[test]
fn everything_is_given_when_everybody_approved() {
    assert_eq!(said(&whole()), (offers(true), vec!["overlap".to_owned()]));
    let wanted = wanted(&whole());
    let orders = wanted.offers.values().find(|offer| !offer.is_own()).unwrap();
    assert_eq!(
        (orders.consumer.as_str(), orders.provider.as_str()),
        ("ACME.CONSUMER", "ACME.PROVIDER")
    );
    assert_eq!(orders.share(), "AIRLOCK$SPRING$ORDERS$ANALYST");
    let guarded = Guarded { entities_min: 11, key: "person".to_owned() };
    assert_eq!(orders.guarded, Some(guarded));
    let text = orders.put("AIRLOCK").sql();
    let text = text.as_text().unwrap();
    let begins = "CREATE OR REPLACE SECURE VIEW \"AIRLOCK\".\"AIRLOCK$SPRING$OFFERS\".\"ORDERS$ANALYST\" WITH AGGREGATION POLICY \"AIRLOCK\".\"AIRLOCK$SPRING$OFFERS\".\"MIN$11\" ENTITY KEY (\"person\") COPY GRANTS COMMENT = '";
    assert!(text.starts_with(begins), "{text}");
    assert!(text.ends_with("FROM \"SUITE\".\"PUBLIC\".\"ORDERS\""), "{text}");
}

#[test]
fn one_owner_who_did_not_approve_is_enough() {
    for owner in ["provider", "analyst"] {
        let mut desired = whole();
        let owner = owner.parse().unwrap();
        desired.approvals.values_mut().for_each(|of| of.retain(|one| *one != owner));
        assert_eq!(said(&desired), (offers(false), vec![]), "{owner}");
    }
}

#[test]
fn what_was_withdrawn_is_offered_to_nobody_and_what_reads_it_runs_nowhere() {
    let mut desired = whole();
    desired.datasets.remove(&"orders".parse().unwrap());
    assert_eq!(said(&desired), (vec![(PEOPLE.to_owned(), false)], vec![]));
    let mut desired = whole();
    desired.members.remove(&"provider".parse().unwrap());
    assert_eq!(said(&desired), (vec![(PEOPLE.to_owned(), false)], vec![]));
    let mut desired = whole();
    desired.members.remove(&"analyst".parse().unwrap());
    assert_eq!(said(&desired), (vec![], vec![]), "its runner left");
    let mut desired = whole();
    desired.open = false;
    assert_eq!(said(&desired), (vec![], vec![]));
}

#[test]
fn a_hidden_column_stops_what_reads_it_and_leaves_the_view() {
    let hide = |dataset: &str| {
        let mut desired = whole();
        desired.hidden.insert((dataset.parse().unwrap(), "measured".parse().unwrap()));
        desired
    };
    assert_eq!(said(&hide("people")), (offers(false), vec![]), "the template groups by it");
    assert_eq!(said(&hide("orders")), (offers(true), vec!["overlap".to_owned()]));
    let wanted = wanted(&hide("orders"));
    let orders = wanted.offers.values().find(|offer| !offer.is_own()).unwrap();
    assert_eq!(orders.view.columns(), ["person"]);
    assert!(!orders.view.query().contains("spent"), "{}", orders.view.query());
}

#[test]
fn a_minimum_of_one_takes_no_policy() {
    let document = adapter_spi::suite::agreement(&PlatformId::snowflake(), "spring", 1);
    let text = document.to_string().replace("\"entities_min\":11", "\"entities_min\":1");
    let agreement: Agreement = serde_json::from_str(&text).unwrap();
    let wanted = wanted(&Desired::whole(Arc::new(agreement)));
    assert_eq!(wanted.offers.len(), 2);
    assert!(wanted.offers.values().all(|offer| offer.guarded.is_none()));
}
