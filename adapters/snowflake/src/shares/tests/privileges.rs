//! Roles that hold what is needed and nothing else: named by the test of a connection, and enough for everything.

use super::{agreement, held, seen, settle};
use crate::shares::SnowflakeShares;
use crate::twin::{CONSUMER, PROVIDER, Twin, clock};
use adapter_spi::{Adapter as _, Cx, Desired, Scope, TestsConnections as _};
use std::sync::Arc;

const OF_PROVIDER: [&str; 8] = [
    "CREATE SHARE ON ACCOUNT",
    "MANAGE SHARE TARGET ON ACCOUNT",
    "CREATE SCHEMA ON DATABASE AIRLOCK",
    "USAGE ON DATABASE AIRLOCK",
    "REFERENCE_USAGE ON DATABASE SUITE",
    "USAGE ON DATABASE SUITE",
    "USAGE ON SCHEMA SUITE.PUBLIC",
    "SELECT ON TABLE SUITE.PUBLIC.ORDERS",
];
const OF_ANALYST: [&str; 9] = [
    "IMPORT SHARE ON ACCOUNT",
    "CREATE DATABASE ON ACCOUNT",
    "CREATE SCHEMA ON DATABASE AIRLOCK",
    "USAGE ON DATABASE AIRLOCK",
    "USAGE ON INTEGRATION LANDING",
    "USAGE ON WAREHOUSE COMPUTE_WH",
    "USAGE ON DATABASE SUITE",
    "USAGE ON SCHEMA SUITE.PUBLIC",
    "SELECT ON TABLE SUITE.PUBLIC.PEOPLE",
];
/// What an owner gives on to shares.
const GIVEN_ON: [&str; 2] = ["USAGE ON DATABASE AIRLOCK", "REFERENCE_USAGE ON DATABASE SUITE"];

/// Users whose roles hold these, but for one.
async fn room(twin: &Twin, without: &str) -> SnowflakeShares {
    let accounts = [(PROVIDER, &OF_PROVIDER[..]), (CONSUMER, &OF_ANALYST[..])];
    for (account, privileges) in accounts {
        let mut statements =
            vec!["CREATE ROLE KEEPER".to_owned(), "GRANT ROLE KEEPER TO USER GATEWAY".to_owned()];
        for privilege in privileges.iter().filter(|one| **one != without) {
            let option = account == PROVIDER && GIVEN_ON.contains(privilege);
            let option = if option { " WITH GRANT OPTION" } else { "" };
            statements.push(format!("GRANT {privilege} TO ROLE KEEPER{option}"));
        }
        let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
        twin.sql(account, &statements).await;
        // No other role of the user counts.
        let alone = serde_json::json!({ "secondary_roles": false });
        twin.control("PUT", &format!("users/{account}/GATEWAY"), &alone).await;
    }
    let mut connections = twin.connections();
    for connection in connections.members.values_mut() {
        connection.role = Some("KEEPER".to_owned());
    }
    SnowflakeShares::new(connections, clock())
}

/// What the test of a member's connection says is lacking.
async fn lacking(room: &SnowflakeShares, member: &str) -> Vec<String> {
    let tried = room.test(&agreement("lean"), &member.parse().unwrap()).await;
    assert!(tried.len() > 5, "{tried:?}");
    tried.into_iter().filter(|one| one.error.is_some()).map(|one| one.permission).collect()
}

#[tokio::test]
async fn what_is_named_is_enough() {
    let Some(twin) = Twin::fresh().await else { return };
    twin.furnish().await;
    let room = room(&twin, "").await;
    for member in ["provider", "analyst"] {
        assert_eq!(lacking(&room, member).await, Vec::<String>::new(), "{member}");
    }
    let agreement = agreement("lean");
    let (desired, scope) = (Desired::whole(Arc::clone(&agreement)), Scope::of(&agreement));
    settle(&room, &desired, &scope).await;
    assert_eq!(seen(&room, &scope).await.resources, desired.resources());
    settle(&room, &Desired::closed(agreement), &scope).await;
    assert!(held(&seen(&room, &scope).await).is_empty());
}

#[tokio::test]
async fn each_that_is_missing_is_named() {
    let Some(twin) = Twin::fresh().await else { return };
    let all = OF_PROVIDER.iter().map(|one| ("provider", one));
    let all = all.chain(OF_ANALYST.iter().map(|one| ("analyst", one)));
    for (member, privilege) in all {
        twin.control("POST", "reset", &serde_json::json!({})).await;
        twin.furnish().await;
        let room = room(&twin, privilege).await;
        let said = lacking(&room, member).await;
        let words: Vec<&str> = privilege.split(" ON ").collect();
        // A table that its role can't reach is missing, whichever privilege it is that lacks.
        let table = words[1].contains("SUITE") && words[0] != "REFERENCE_USAGE";
        let is_it = |one: &String| {
            one.starts_with(words[0]) || (table && one.starts_with("SELECT on table"))
        };
        let other = if member == "provider" { "analyst" } else { "provider" };
        let shared = OF_PROVIDER.contains(privilege) && OF_ANALYST.contains(privilege);
        assert!(said.iter().any(is_it), "{privilege}: {said:?}");
        assert_eq!(lacking(&room, other).await.is_empty(), !shared, "{privilege}");
    }
}

#[tokio::test]
async fn a_step_names_what_its_role_lacks() {
    let Some(twin) = Twin::fresh().await else { return };
    twin.furnish().await;
    let room = room(&twin, "MANAGE SHARE TARGET ON ACCOUNT").await;
    let agreement = agreement("lean");
    let (desired, scope) = (Desired::whole(Arc::clone(&agreement)), Scope::of(&agreement));
    let plan = super::planned(&room, &desired, &scope).await;
    let mut failed = None;
    for step in &plan.steps {
        failed = room.apply(step, &Cx::default()).await.err();
        if failed.is_some() {
            break;
        }
    }
    let failed = failed.unwrap();
    assert_eq!((failed.code, failed.operation), ("privilege-missing", "ALTER SHARE ADD ACCOUNTS"));
    assert!(
        failed.reason.ends_with("OWNERSHIP of the share, and MANAGE SHARE TARGET on the account")
    );
    let open = held(&seen(&room, &scope).await);
    assert!(!open.contains(&"dataset orders".to_owned()), "nobody is let in");
}
