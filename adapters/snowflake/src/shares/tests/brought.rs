//! What an import reads of the twin: what Airlock made, and what an administrator made by hand. Nothing is written by it.

use super::{agreement, opened, planned, room, seen};
use crate::import::Import;
use crate::shares::SnowflakeShares;
use crate::twin::{PROVIDER, Twin, clock};
use adapter_spi::{Adapter as _, Cx, Desired, Imported, Scope};
use mappings::model::{Dataset, Location, PlatformId};
use std::sync::Arc;

fn ask(shares: &[&str]) -> Import {
    let members = [("provider", "ACME.PROVIDER"), ("analyst", "ACME.CONSUMER")];
    Import {
        named: shares.iter().map(|share| (*share).to_owned()).collect(),
        accounts: members.map(|(name, at)| (name.parse().unwrap(), at.to_owned())).into(),
        ..Import::default()
    }
}

async fn brought(twin: &Twin, room: &SnowflakeShares, ask: &Import) -> Imported {
    let before = twin.statements("").await.len();
    let imported = room.import(ask, &Cx::default()).await.unwrap();
    let sent = twin.statements("").await;
    for one in &sent[before..] {
        let text = one["text"].as_str().unwrap();
        let reads = ["SHOW ", "DESC ", "SELECT "].iter().any(|word| text.starts_with(word));
        assert!(reads, "{text}");
    }
    imported
}

fn codes(imported: &Imported) -> Vec<&'static str> {
    imported.unexpressed.iter().map(|one| one.code).collect()
}

#[tokio::test]
async fn what_the_room_made_comes_back_and_nothing_is_left_to_do() {
    let Some((twin, room)) = room().await else { return };
    opened(&room, "spring").await;
    let asked = ask(&["ACME.PROVIDER.AIRLOCK$SPRING$ORDERS$ANALYST"]);
    let imported = brought(&twin, &room, &asked).await;
    assert_eq!((codes(&imported), imported.is_own), (Vec::new(), true));
    let (found, known) = (Arc::new(imported.agreement), agreement("spring"));
    assert_eq!(found.templates, known.templates);
    let here = |dataset: &Dataset| {
        let mut here = dataset.clone();
        here.at.retain(|room, _| *room == PlatformId::snowflake());
        here
    };
    let same: Vec<Dataset> = known.datasets.values().map(here).collect();
    assert_eq!(found.datasets.values().cloned().collect::<Vec<_>>(), same);
    let (desired, scope) = (Desired::whole(Arc::clone(&found)), Scope::of(&found));
    let plan = planned(&room, &desired, &scope).await;
    assert!(plan.is_settled() && plan.steps.is_empty() && plan.waiting.is_empty(), "{plan:?}");
}

#[tokio::test]
async fn a_view_that_hands_changed_is_left_out() {
    let Some((twin, room)) = room().await else { return };
    opened(&room, "spring").await;
    let body = "ALTER AGGREGATION POLICY AIRLOCK.AIRLOCK$SPRING$OFFERS.MIN$11 SET BODY -> AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 2)";
    twin.sql(PROVIDER, &[body]).await;
    let asked = ask(&["ACME.PROVIDER.AIRLOCK$SPRING$ORDERS$ANALYST"]);
    let imported = brought(&twin, &room, &asked).await;
    assert!(codes(&imported).contains(&"view-differs"), "{imported:#?}");
    assert!(!imported.agreement.datasets.contains_key(&"orders".parse().unwrap()));
}

const BY_HAND: [&str; 9] = [
    "CREATE SCHEMA SUITE.GIVEN",
    "CREATE AGGREGATION POLICY SUITE.GIVEN.K AS () RETURNS AGGREGATION_CONSTRAINT -> AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 25)",
    "CREATE MASKING POLICY SUITE.GIVEN.M AS (V FLOAT) RETURNS FLOAT -> 0.0",
    "CREATE SECURE VIEW SUITE.GIVEN.BUYERS WITH AGGREGATION POLICY SUITE.GIVEN.K ENTITY KEY (EMAIL) AS SELECT \"email_sha256\" AS EMAIL, \"spent\" AS SPENT FROM SUITE.PUBLIC.ORDERS WHERE \"spent\" > 1",
    "ALTER VIEW SUITE.GIVEN.BUYERS MODIFY COLUMN SPENT SET MASKING POLICY SUITE.GIVEN.M",
    "CREATE SHARE \"o'clock\"",
    "GRANT USAGE ON DATABASE SUITE TO SHARE \"o'clock\"",
    "GRANT USAGE ON SCHEMA SUITE.GIVEN TO SHARE \"o'clock\"",
    "GRANT SELECT ON VIEW SUITE.GIVEN.BUYERS TO SHARE \"o'clock\"",
];

#[tokio::test]
async fn what_hands_made_is_the_shared_view_and_a_plan_says_that_it_is_open() {
    let Some((twin, room)) = room().await else { return };
    twin.sql(PROVIDER, &BY_HAND).await;
    twin.sql(PROVIDER, &["ALTER SHARE \"o'clock\" ADD ACCOUNTS = ACME.CONSUMER"]).await;
    let imported = brought(&twin, &room, &ask(&["ACME.PROVIDER.\"o'clock\""])).await;
    assert_eq!(codes(&imported), ["made-anew", "policy-stays", "share-lets-queries"]);
    let agreement = Arc::new(imported.agreement);
    let dataset = &agreement.datasets[&"buyers".parse().unwrap()];
    let place = Location::Name("SUITE.GIVEN.BUYERS".to_owned());
    assert_eq!(dataset.at.values().collect::<Vec<_>>(), [&place]);
    assert_eq!((dataset.entity.as_str(), dataset.rule.entities_min), ("email", 25));
    let (desired, scope) = (Desired::whole(Arc::clone(&agreement)), Scope::of(&agreement));
    let plan = planned(&room, &desired, &scope).await;
    assert!(plan.steps.is_empty() && plan.refused.is_none(), "{plan:?}");
    let [told] = plan.waiting.as_slice() else { panic!("{plan:?}") };
    assert!(told.what.contains("open wider than agreed: to analyst by share o'clock"), "{told:?}");
    twin.sql(PROVIDER, &[told.act.trim_end_matches(';')]).await;
    assert!(planned(&room, &desired, &scope).await.waiting.is_empty());
    assert!(seen(&room, &scope).await.unseen.is_empty());
}

#[tokio::test]
async fn what_is_not_there_or_not_reached_is_said_by_its_code() {
    let Some((twin, room)) = room().await else { return };
    let import = |shares: &'static [&'static str]| {
        let (room, asked) = (&room, ask(shares));
        async move { room.import(&asked, &Cx::default()).await.unwrap_err().code }
    };
    assert_eq!(import(&["ACME.PROVIDER.NONE"]).await, "share-missing");
    assert_eq!(import(&["NONE"]).await, "share-unclear");
    let mut connections = twin.connections();
    connections.members.remove(&"provider".parse().unwrap());
    let half = SnowflakeShares::new(connections, clock());
    let asked = ask(&["ACME.PROVIDER.NONE"]);
    assert_eq!(half.import(&asked, &Cx::default()).await.unwrap_err().code, "not-operated");
    assert_eq!(room.platform().as_str(), "snowflake");
}
