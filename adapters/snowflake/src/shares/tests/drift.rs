//! What hands did there: what is wider is closed first, what is narrower is not opened again by what closes.

use super::{held, opened, planned, room, seen, settle};
use crate::shares::mark::Mark;
use crate::twin::{CONSUMER, PROVIDER, Twin};
use adapter_spi::{Adapter as _, Cx, Desired, Probe, ResourceKind, Scope};

const VIEW: &str = "AIRLOCK.AIRLOCK$SPRING$OFFERS.ORDERS$ANALYST";
const SHARE: &str = "AIRLOCK$SPRING$ORDERS$ANALYST";

/// Something done by hand in the owner's account is undone, by a step that takes away before any that gives.
async fn undone(twin: &Twin, hand: &[&str], (desired, scope): (&Desired, &Scope), words: &str) {
    let room = crate::shares::SnowflakeShares::new(twin.connections(), crate::twin::clock());
    twin.sql(PROVIDER, hand).await;
    let plan = planned(&room, desired, scope).await;
    let first = plan.steps.first().unwrap_or_else(|| panic!("nothing is done about {hand:?}"));
    assert!(first.effect.takes_away(), "{hand:?}: {first:?}");
    let said = first.call["statement"].as_str().unwrap();
    assert_eq!(said, words, "{hand:?}");
    settle(&room, desired, scope).await;
    assert_eq!(seen(&room, scope).await.resources, desired.resources(), "{hand:?}");
}

#[tokio::test]
async fn what_is_wider_is_closed_first() {
    let Some((twin, room)) = room().await else { return };
    let (desired, scope) = opened(&room, "spring").await;
    let of = (&desired, &scope);
    let add = format!("ALTER SHARE {SHARE} ADD ACCOUNTS = ACME.SECURED");
    undone(&twin, &[&add], of, "RemoveAccounts").await;
    let table = "GRANT SELECT ON VIEW AIRLOCK.AIRLOCK$SPRING$OFFERS.\"o.k\"";
    let stray = [
        "CREATE SECURE VIEW AIRLOCK.AIRLOCK$SPRING$OFFERS.\"o.k\" AS SELECT * FROM SUITE.PUBLIC.ORDERS",
        &format!("{table} TO SHARE {SHARE}"),
    ];
    undone(&twin, &stray, of, "RevokeFromShare").await;
    let unset = format!("ALTER VIEW {VIEW} UNSET AGGREGATION POLICY");
    undone(&twin, &[&unset], of, "SetPolicy").await;
    let forced = twin.statements("SET AGGREGATION POLICY").await;
    assert!(forced.iter().any(|one| one["text"].as_str().unwrap().ends_with(" FORCE")));
    let body = "ALTER AGGREGATION POLICY AIRLOCK.AIRLOCK$SPRING$OFFERS.MIN$11 SET BODY -> AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 2)";
    undone(&twin, &[body], of, "SetPolicyBody").await;
    let replaced = format!(
        "CREATE OR REPLACE SECURE VIEW {VIEW} COPY GRANTS AS SELECT \"email_sha256\" AS \"person\", 1 AS \"measured\" FROM SUITE.PUBLIC.ORDERS"
    );
    undone(&twin, &[&replaced], of, "RevokeFromShare").await;
}

#[tokio::test]
async fn a_view_replaced_without_grants_is_a_withdrawal_until_it_is_offered_again() {
    let Some((twin, room)) = room().await else { return };
    let (desired, scope) = opened(&room, "spring").await;
    let replaced = format!(
        "CREATE OR REPLACE SECURE VIEW {VIEW} AS SELECT \"spent\" FROM SUITE.PUBLIC.ORDERS"
    );
    twin.sql(PROVIDER, &[&replaced]).await;
    let found = seen(&room, &scope).await;
    assert!(!held(&found).contains(&"dataset orders".to_owned()), "nobody reads it");
    assert!(!held(&found).contains(&"template overlap".to_owned()));
    let dropped = format!("DROP VIEW {VIEW}");
    twin.sql(PROVIDER, &[&dropped]).await;
    let found = seen(&room, &scope).await;
    assert!(!found.offered.unwrap().contains(&"orders".parse().unwrap()), "nor is it there");
    settle(&room, &desired, &scope).await;
    assert_eq!(seen(&room, &scope).await.resources, desired.resources());
}

#[tokio::test]
async fn what_a_partner_drops_is_missing_and_nothing_else() {
    let Some((twin, room)) = room().await else { return };
    let (desired, scope) = opened(&room, "spring").await;
    twin.sql(CONSUMER, &["DROP DATABASE AIRLOCK$SPRING$ORDERS"]).await;
    let plan = planned(&room, &desired, &scope).await;
    assert!(plan.steps.iter().all(|step| !step.effect.takes_away()), "{:?}", plan.steps);
    settle(&room, &desired, &scope).await;
    let list = "ALTER SCHEMA AIRLOCK.AIRLOCK$SPRING$RUNS SET COMMENT = ''";
    twin.sql(CONSUMER, &[list]).await;
    let plan = planned(&room, &desired, &scope).await;
    assert_eq!(plan.refused.unwrap().code, "name-taken", "its mark is gone");
    assert!(!held(&seen(&room, &scope).await).contains(&"template overlap".to_owned()));
}

#[tokio::test]
async fn a_mount_by_another_name_is_used_as_it_is() {
    let Some((twin, room)) = room().await else { return };
    let (desired, scope) = opened(&room, "spring").await;
    let by_hand = [
        "DROP DATABASE AIRLOCK$SPRING$ORDERS",
        "CREATE DATABASE \"by hand\" FROM SHARE ACME.PROVIDER.AIRLOCK$SPRING$ORDERS$ANALYST",
    ];
    twin.sql(CONSUMER, &by_hand).await;
    settle(&room, &desired, &scope).await;
    assert_eq!(seen(&room, &scope).await.resources, desired.resources());
}

#[tokio::test]
async fn physical_columns_are_held_to_their_declared_types() {
    let Some((twin, room)) = room().await else { return };
    let agreement = super::agreement("misfit");
    let (desired, scope) =
        (Desired::whole(std::sync::Arc::clone(&agreement)), Scope::of(&agreement));
    let column = |of: &'static str| [("email_sha256", of), ("spent", "FLOAT")];
    twin.sql(PROVIDER, &["DROP TABLE SUITE.PUBLIC.ORDERS"]).await;
    twin.table(PROVIDER, "SUITE/PUBLIC/ORDERS", &column("BINARY"), &serde_json::json!([])).await;
    let refused = planned(&room, &desired, &scope).await.refused.unwrap();
    assert_eq!(refused.code, "column-misfit");
    assert!(refused.message.contains("email_sha256") && refused.message.contains("VARCHAR"));
    twin.sql(PROVIDER, &["DROP TABLE SUITE.PUBLIC.ORDERS"]).await;
    let refused = planned(&room, &desired, &scope).await.refused.unwrap();
    assert_eq!(refused.code, "table-missing");
    twin.table(PROVIDER, "SUITE/PUBLIC/ORDERS", &column("VARCHAR"), &serde_json::json!([])).await;
    assert_eq!(planned(&room, &desired, &scope).await.refused, None);
}

#[tokio::test]
async fn a_list_of_another_version_is_unknown_until_a_withdrawal_cuts_it() {
    let Some((twin, room)) = room().await else { return };
    let (desired, scope) = opened(&room, "spring").await;
    let template = ResourceKind::Template("overlap".parse().unwrap());
    let tried = async || room.probe(&template, &scope, &Cx::default()).await.unwrap();
    let text = Mark::of(&scope.collaboration).text();
    let newer = text.replacen('{', "{\"format\":2,", 1);
    for comment in [newer.as_str(), &text[..text.len() - 1], "{\"airlock\": \"closed, by hand\"}"] {
        let list = format!("ALTER SCHEMA AIRLOCK.AIRLOCK$SPRING$RUNS SET COMMENT = '{comment}'");
        twin.sql(CONSUMER, &[&list]).await;
        let found = seen(&room, &scope).await;
        assert!(held(&found).contains(&"template overlap".to_owned()), "{comment}");
        assert_ne!(found.resources, desired.resources(), "{comment}");
        assert_eq!(tried().await, Probe::Served, "{comment}: nobody calls it closed");
        let plan = planned(&room, &desired, &scope).await;
        assert_eq!(plan.refused.unwrap().code, "mark-unread", "{comment}");
        let mut less = desired.clone();
        less.approvals.clear();
        let first = planned(&room, &less, &scope).await.steps.remove(0);
        assert!(first.effect.takes_away() && first.call["statement"] == "MarkSchema");
        room.apply(&first, &Cx::default()).await.unwrap();
        assert_eq!(tried().await, Probe::Denied, "{comment}");
        settle(&room, &less, &scope).await;
        assert!(!held(&seen(&room, &scope).await).contains(&"template overlap".to_owned()));
        settle(&room, &desired, &scope).await;
        assert_eq!(seen(&room, &scope).await.resources, desired.resources());
        assert_eq!(tried().await, Probe::Served);
    }
}
