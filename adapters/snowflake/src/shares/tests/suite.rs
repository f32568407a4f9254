//! The suite that every adapter passes, and what a partner sees of it.

use super::{held, opened, planned, room, seen, settle};
use crate::twin::{CONSUMER, PROVIDER};
use adapter_spi::{Adapter as _, Cx, Desired, Probe, ResourceKind, Scope};
use serde_json::json;
use std::sync::Arc;

#[tokio::test]
async fn the_room_conforms() {
    let Some((_twin, room)) = room().await else { return };
    let report = Box::pin(adapter_spi::suite::conforms(&room)).await.unwrap();
    let known = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let known = known.join("../../tests/conformance/snowflake.txt");
    if std::env::var_os("AIRLOCK_BLESS").is_some() {
        std::fs::write(&known, report.to_string()).unwrap();
    }
    assert_eq!(report.to_string(), std::fs::read_to_string(&known).unwrap());
}

const SHARE: &str = "\"AIRLOCK$SPRING$ORDERS$ANALYST\"";
const MOUNTED: &str = "SELECT COUNT(DISTINCT \"person\") AS N FROM \"AIRLOCK$SPRING$ORDERS\".\"AIRLOCK$SPRING$OFFERS\".\"ORDERS$ANALYST\"";

#[tokio::test]
async fn what_is_given_is_a_secure_view_under_a_policy_for_one_account() {
    let Some((twin, room)) = room().await else { return };
    let (desired, scope) = opened(&room, "spring").await;
    let found = seen(&room, &scope).await;
    assert_eq!(held(&found), ["dataset orders", "dataset people", "template overlap"]);
    let (orders, people) = ("orders".parse().unwrap(), "people".parse().unwrap());
    assert_eq!(found.offered, Some([orders, people].into()));
    assert_eq!(desired.resources(), found.resources, "in the agreed version");
    assert_eq!(twin.sql(CONSUMER, &[MOUNTED]).await, [[json!("60")]]);
    let table = "\"AIRLOCK$SPRING$ORDERS\".\"AIRLOCK$SPRING$OFFERS\".\"ORDERS$ANALYST\"";
    let rows = format!("SELECT \"person\" FROM {table}");
    assert_eq!(twin.refused(CONSUMER, &rows).await, "506031", "rows stay in");
    let single = format!("SELECT \"person\", COUNT(*) AS N FROM {table} GROUP BY \"person\"");
    assert_eq!(twin.refused(CONSUMER, &single).await, "506031", "and so do single people");
    let few = format!("SELECT \"measured\", COUNT(*) AS N FROM {table} GROUP BY \"measured\"");
    let merged = twin.sql(CONSUMER, &[&few]).await;
    assert_eq!(merged.len(), 1, "groups of one are merged");
    assert!(merged[0][0].is_null());
    let raw = "SELECT COUNT(*) FROM \"AIRLOCK$SPRING$ORDERS\".PUBLIC.ORDERS";
    assert_eq!(twin.refused(CONSUMER, raw).await, "002003");
    let grants = twin.sql(PROVIDER, &[&format!("SHOW GRANTS TO SHARE {SHARE}")]).await;
    let grants: Vec<_> = grants.iter().map(|row| (&row[1], &row[2])).collect();
    let of = |privilege: &str, on: &str| (json!(privilege), json!(on));
    let known = [
        of("USAGE", "DATABASE"),
        of("REFERENCE_USAGE", "DATABASE"),
        of("USAGE", "SCHEMA"),
        of("SELECT", "VIEW"),
    ];
    assert_eq!(grants, known.iter().map(|(one, two)| (one, two)).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_withdrawal_is_seen_from_the_other_account() {
    let Some((twin, room)) = room().await else { return };
    let (desired, scope) = opened(&room, "spring").await;
    let cx = Cx::default();
    let orders = ResourceKind::Dataset("orders".parse().unwrap());
    let template = ResourceKind::Template("overlap".parse().unwrap());
    let runner = ResourceKind::Member("analyst".parse().unwrap());
    for what in [&orders, &template, &runner] {
        assert_eq!(room.probe(what, &scope, &cx).await, Ok(Probe::Served), "{what}");
    }
    let mut withdrawn = desired.clone();
    withdrawn.datasets.remove(&"orders".parse().unwrap());
    let first = planned(&room, &withdrawn, &scope).await;
    let first = first.steps.first().unwrap();
    assert!(first.effect.takes_away());
    settle(&room, &withdrawn, &scope).await;
    assert_eq!(twin.refused(CONSUMER, MOUNTED).await, "002003", "its mount is gone with it");
    assert_eq!(twin.sql(CONSUMER, &["SHOW SHARES"]).await.len(), 0);
    for what in [&orders, &template, &runner] {
        assert_eq!(room.probe(what, &scope, &cx).await, Ok(Probe::Denied), "{what}");
    }
    settle(&room, &desired, &scope).await;
    assert_eq!(twin.sql(CONSUMER, &[MOUNTED]).await, [[json!("60")]], "and can be given again");
    let closed = Desired::closed(Arc::clone(&desired.agreement));
    settle(&room, &closed, &scope).await;
    assert_eq!(twin.sql(PROVIDER, &["SHOW SHARES"]).await.len(), 0);
    for account in [PROVIDER, CONSUMER] {
        let schemas =
            twin.sql(account, &["SHOW SCHEMAS LIKE 'AIRLOCK$%' IN DATABASE AIRLOCK"]).await;
        assert_eq!(schemas.len(), 0, "{account}");
    }
}

#[tokio::test]
async fn a_withdrawn_column_leaves_the_view_in_one_statement() {
    let Some((twin, room)) = room().await else { return };
    let (desired, scope) = opened(&room, "spring").await;
    // Only whoever reads it stops; here that is nothing that the template needs of orders.
    let mut without = desired.clone();
    without.hidden.insert(("orders".parse().unwrap(), "measured".parse().unwrap()));
    let plan = planned(&room, &without, &scope).await;
    let restricting: Vec<_> = plan.steps.iter().filter(|step| step.effect.takes_away()).collect();
    assert_eq!(restricting.len(), 1, "{restricting:#?}");
    settle(&room, &without, &scope).await;
    assert_eq!(twin.sql(CONSUMER, &[MOUNTED]).await, [[json!("60")]], "it was open all the time");
    let columns = twin
        .sql(
            CONSUMER,
            &["DESC VIEW \"AIRLOCK$SPRING$ORDERS\".\"AIRLOCK$SPRING$OFFERS\".\"ORDERS$ANALYST\""],
        )
        .await;
    assert_eq!(columns.iter().map(|row| &row[0]).collect::<Vec<_>>(), [&json!("person")]);
    let again = planned(&room, &desired, &scope).await;
    assert!(again.steps.iter().any(|step| step.effect.takes_away()), "wider: closed before");
    settle(&room, &desired, &scope).await;
}

#[tokio::test]
async fn an_account_elsewhere_is_refused_and_said() {
    let Some((twin, room)) = room().await else { return };
    twin.control("PUT", "accounts/ACME.CONSUMER", &json!({ "region": "aws_eu_central_1" })).await;
    let agreement = super::agreement("far");
    let (desired, scope) = (Desired::whole(Arc::clone(&agreement)), Scope::of(&agreement));
    let plan = planned(&room, &desired, &scope).await;
    let refused = plan.refused.unwrap();
    assert_eq!(refused.code, "account-elsewhere");
    assert!(refused.message.contains("needs a listing"), "{refused}");
    assert!(plan.steps.is_empty());
}

/// A lower edition keeps nobody from what others share with it: the policy is its owner's, and holds there as anywhere. What it owns itself has no policy there.
#[tokio::test]
async fn an_account_of_standard_edition_reads_under_the_same_policy_and_shares_nothing_itself() {
    let Some((twin, room)) = room().await else { return };
    twin.control("PUT", "accounts/ACME.CONSUMER", &json!({ "edition": "STANDARD" })).await;
    let agreement = super::agreement("spring");
    let (desired, scope) = (Desired::whole(Arc::clone(&agreement)), Scope::of(&agreement));
    let mut failed = std::collections::BTreeMap::new();
    for _ in 0..12 {
        for step in &planned(&room, &desired, &scope).await.steps {
            if let Err(error) = room.apply(step, &Cx::default()).await {
                failed.insert(error.operation, error.reason);
            }
        }
    }
    let reason = &failed["CREATE AGGREGATION POLICY"];
    assert!(reason.contains("an account of Enterprise edition"), "{failed:?}");
    assert_eq!(held(&seen(&room, &scope).await), ["dataset orders"]);
    assert_eq!(twin.sql(CONSUMER, &[MOUNTED]).await, [[json!("60")]]);
    let table = "\"AIRLOCK$SPRING$ORDERS\".\"AIRLOCK$SPRING$OFFERS\".\"ORDERS$ANALYST\"";
    let rows = format!("SELECT \"person\" FROM {table}");
    assert_eq!(twin.refused(CONSUMER, &rows).await, "506031", "rows stay in");
}

#[tokio::test]
async fn an_account_of_a_lower_edition_is_refused_and_said() {
    let Some((twin, room)) = room().await else { return };
    twin.control("PUT", "accounts/ACME.PROVIDER", &json!({ "edition": "BUSINESS_CRITICAL" })).await;
    let agreement = super::agreement("edition");
    let (desired, scope) = (Desired::whole(Arc::clone(&agreement)), Scope::of(&agreement));
    let plan = planned(&room, &desired, &scope).await;
    let mut failed = None;
    for step in &plan.steps {
        if let Err(error) = room.apply(step, &Cx::default()).await {
            failed = Some(error);
            break;
        }
    }
    let failed = failed.unwrap();
    assert_eq!((failed.code, failed.operation), ("share-restrictions", "ALTER SHARE ADD ACCOUNTS"));
    assert!(twin.statements("SHARE_RESTRICTIONS").await.is_empty(), "nobody lifts them");
}
