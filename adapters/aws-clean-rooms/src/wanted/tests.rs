//! What an agreement takes there: who may do what in a runner's collaboration, how often a table is used, what a text asks.

use super::*;
use mappings::agreement::read;
use std::sync::Arc;

/// Two who run, one who only contributes, and a template with parameters.
const AGREEMENT: &str = "agreement: v1
collaboration: spring
residency: [eu-central-1]
members:
  grocer: { name: Grocer, abilities: [contribute], identity: { aws-clean-rooms: '111111111111' } }
  brand: { name: Brand, abilities: [contribute, run, receive], identity: { aws-clean-rooms: '222222222222' } }
  press: { name: Press, abilities: [contribute, run, receive], identity: { aws-clean-rooms: '333333333333' } }
rooms: [{ platform: aws-clean-rooms, region: eu-central-1 }]
datasets:
  sales:
    owner: grocer
    at: { aws-clean-rooms: { glue: { database: grocer, table: sales } } }
    entity: person
    columns:
      person: { from: email_hash, type: utf8, use: match, key: email, hashed: sha256-hex }
      week: { type: int64, use: dimension }
    rule: { entities_min: 100, join: optional }
templates:
  weeks:
    class: aggregate
    sql: SELECT s.week, COUNT(DISTINCT s.person) AS people FROM sales s WHERE s.week >= :from_week GROUP BY s.week
    parameters: { from_week: { type: int64, min: 1, max: 53, default: 4 } }
    run_by: [brand, press]
    received_by: [brand]
limits: { runs_max: 7, within: 24h }
destinations: { brand: 's3://brand-results/airlock', press: 's3://press-results/airlock' }
";

fn of(from: &str, to: &str) -> Wanted {
    assert!(AGREEMENT.contains(from), "{from}");
    wanted(&Desired::whole(Arc::new(read(&AGREEMENT.replace(from, to)).unwrap())))
}

fn member(name: &str) -> MemberId {
    name.parse().unwrap()
}

#[test]
fn one_member_queries_in_a_collaboration_and_only_receivers_receive() {
    let wanted = of("collaboration", "collaboration");
    assert_eq!(wanted.rooms.len(), 2, "one a runner");
    for (runner, room) in &wanted.rooms {
        let queries: Vec<&MemberId> =
            room.parties.iter().filter(|(_, p)| p.queries).map(|(m, _)| m).collect();
        assert_eq!(queries, [runner]);
        let receives: Vec<&MemberId> =
            room.parties.iter().filter(|(_, p)| p.receives).map(|(m, _)| m).collect();
        assert_eq!(receives, [&member("brand")]);
        assert!(room.parties.contains_key(&member("grocer")));
    }
    let (brand, press) = (&wanted.rooms[&member("brand")], &wanted.rooms[&member("press")]);
    assert!(!brand.parties.contains_key(&member("press")), "nobody is in a room without need");
    assert_ne!(brand.name, press.name);
}

#[test]
fn a_cap_is_counted_over_the_next_longer_period() {
    for (within, period) in [
        ("1h", "CALENDAR_DAY"),
        ("24h", "CALENDAR_DAY"),
        ("25h", "CALENDAR_WEEK"),
        ("7d", "CALENDAR_WEEK"),
        ("8d", "CALENDAR_MONTH"),
        ("31d", "CALENDAR_MONTH"),
    ] {
        let budget = of("within: 24h", &format!("within: {within}")).budget;
        assert_eq!((budget.period.as_str(), budget.uses), (period, 7), "{within}");
    }
}

#[test]
fn a_text_asks_for_its_parameters_and_holds_their_bounds() {
    let wanted = of("collaboration", "collaboration");
    let room = &wanted.rooms[&member("brand")];
    let text = room.templates.values().next().unwrap();
    let asked: Vec<_> = text
        .parameters
        .iter()
        .map(|p| (p.name.as_str(), p.r#type.as_str(), p.default.as_deref()))
        .collect();
    assert_eq!(asked, [("from_week", "BIGINT", Some("4"))]);
    assert!(text.sql.contains("  WHERE :from_week >= 1\n    AND :from_week <= 53"), "{}", text.sql);
    let free = of(", min: 1, max: 53", "");
    let text = free.rooms[&member("brand")].templates.values().next().unwrap();
    assert!(!text.sql.contains("53"), "{}", text.sql);
}

#[test]
fn a_withdrawn_dataset_has_no_place_in_a_collaboration() {
    let mut desired = Desired::whole(Arc::new(read(AGREEMENT).unwrap()));
    let before = wanted(&desired);
    assert!(
        before.rooms.values().all(|room| room.datasets.len() == 1 && room.templates.len() == 1)
    );
    desired.datasets.clear();
    let after = wanted(&desired);
    assert!(after.rooms.keys().eq(before.rooms.keys()), "a withdrawal makes and ends no room");
    assert!(after.rooms.values().all(|room| room.datasets.is_empty() && room.templates.is_empty()));
}
