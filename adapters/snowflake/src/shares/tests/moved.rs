//! A member that moved to another account: what it had in the first is closed there, and closed means there as well.

use super::{held, planned, room, seen, settle};
use crate::shares::SnowflakeShares;
use crate::twin::{CONSUMER, Twin, clock};
use adapter_spi::{Adapter as _, Cx, Desired, Probe, ResourceKind, Scope};
use mappings::model::{Agreement, PlatformId};
use serde_json::json;
use std::sync::Arc;

const FIRST: &str = "ACME.SECURED";

fn agreement(provider: &str) -> Arc<Agreement> {
    let document = adapter_spi::suite::agreement(&PlatformId::snowflake(), "moved", 1);
    let text = document.to_string().replace("ACME.PROVIDER", provider);
    Arc::new(serde_json::from_str(&text).unwrap())
}

/// The room over connections that reach any account by their keys.
async fn anywhere(twin: &Twin) -> SnowflakeShares {
    twin.control("PUT", &format!("accounts/{FIRST}"), &json!({ "edition": "ENTERPRISE" })).await;
    let columns = [("email_sha256", "VARCHAR"), ("spent", "FLOAT")];
    twin.table(FIRST, "SUITE/PUBLIC/ORDERS", &columns, &json!([["x", 1.0]])).await;
    twin.sql(FIRST, &["CREATE DATABASE AIRLOCK"]).await;
    let mut connections = twin.connections();
    for connection in connections.members.values_mut() {
        let endpoint = connection.endpoint.take().unwrap();
        connection.endpoint = endpoint.split("/accounts").next().map(str::to_owned);
    }
    SnowflakeShares::new(connections, clock())
}

#[tokio::test]
async fn what_lies_in_the_first_account_is_closed_there() {
    let Some((twin, _)) = room().await else { return };
    let room = anywhere(&twin).await;
    let (first, second) = (agreement(FIRST), agreement("ACME.PROVIDER"));
    let (before, then) = (Desired::whole(Arc::clone(&first)), Scope::of(&first));
    settle(&room, &before, &then).await;
    let desired = Desired::whole(Arc::clone(&second));
    let scope = Scope { past: vec![Arc::clone(&first)], ..Scope::of(&second) };
    let found = seen(&room, &scope).await;
    assert!(held(&found).contains(&"dataset orders".to_owned()), "it is open where it was");
    let agreed = desired.resources();
    assert!(found.resources.iter().any(|one| !agreed.contains(one)), "in no agreed version");
    let orders = ResourceKind::Dataset("orders".parse().unwrap());
    assert_eq!(room.probe(&orders, &scope, &Cx::default()).await, Ok(Probe::Served));
    let plan = planned(&room, &desired, &scope).await;
    let step = plan.steps.first().unwrap();
    assert!(step.effect.takes_away());
    settle(&room, &desired, &scope).await;
    assert_eq!(seen(&room, &scope).await.resources, desired.resources());
    assert_eq!(twin.sql(FIRST, &["SHOW SHARES"]).await.len(), 0);
    let inbound = twin.sql(CONSUMER, &["SHOW SHARES"]).await;
    assert_eq!(inbound.len(), 1, "of the second account");
    settle(&room, &Desired::closed(Arc::clone(&second)), &scope).await;
    assert_eq!(room.probe(&orders, &scope, &Cx::default()).await, Ok(Probe::Denied));
}

#[tokio::test]
async fn a_connection_of_the_second_account_alone_says_nothing_of_the_first() {
    let Some((_twin, room)) = room().await else { return };
    let (first, second) = (agreement(FIRST), agreement("ACME.PROVIDER"));
    let desired = Desired::whole(Arc::clone(&second));
    let scope = Scope { past: vec![first], ..Scope::of(&second) };
    settle(&room, &desired, &scope).await;
    let found = seen(&room, &scope).await;
    assert!(found.unseen.is_empty(), "{:?}", found.unseen);
    assert_eq!(found.resources, desired.resources());
}

#[tokio::test]
async fn what_no_connection_reaches_is_open_on_record_until_its_owner_closes_it() {
    let Some((twin, second_alone)) = room().await else { return };
    let (first, second) = (agreement(FIRST), agreement("ACME.PROVIDER"));
    let (before, then) = (Desired::whole(Arc::clone(&first)), Scope::of(&first));
    settle(&anywhere(&twin).await, &before, &then).await;
    let desired = Desired::whole(Arc::clone(&second));
    let scope = Scope { past: vec![first], ..Scope::of(&second) };
    let mut told = None;
    for _ in 0..12 {
        let plan = planned(&second_alone, &desired, &scope).await;
        for step in &plan.steps {
            assert_ne!(step.call["at"]["account"], FIRST);
            second_alone.apply(step, &Cx::default()).await.unwrap();
        }
        if plan.steps.is_empty() {
            told = plan.waiting.into_iter().next();
            break;
        }
    }
    let told = told.expect("somebody is told");
    assert_eq!(told.member.as_str(), "provider");
    assert!(told.what.contains(FIRST) && told.act.contains("REMOVE ACCOUNTS"), "{}", told.act);
    assert_ne!(seen(&second_alone, &scope).await.resources, desired.resources());
    twin.sql(FIRST, &[told.act.trim_end_matches(';')]).await;
    settle(&second_alone, &desired, &scope).await;
    assert_eq!(seen(&second_alone, &scope).await.resources, desired.resources());
}
