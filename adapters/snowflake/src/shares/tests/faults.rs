//! What goes wrong between this gateway and the platform: calls that are cut, throttled or refused in the middle of a sequence.

use super::{agreement, held, planned, room, seen, settle};
use crate::shares::SnowflakeShares;
use crate::twin::{CONSUMER, PROVIDER, Twin, clock};
use adapter_spi::{Adapter as _, Coverage, Cx, Desired, Outcome, Scope, TestsConnections as _};
use serde_json::{Value, json};
use std::sync::Arc;

async fn ends_whole(twin: &Twin, room: &SnowflakeShares, fault: &Value, name: &str) {
    let agreement = agreement(name);
    let (desired, scope) = (Desired::whole(Arc::clone(&agreement)), Scope::of(&agreement));
    twin.fault(fault).await;
    for _ in 0..3 {
        let plan = planned(room, &desired, &scope).await;
        for step in &plan.steps {
            if room.apply(step, &Cx::default()).await.is_err() {
                break;
            }
        }
    }
    twin.calm().await;
    settle(room, &desired, &scope).await;
    assert_eq!(seen(room, &scope).await.resources, desired.resources(), "{fault}");
    let closed = Desired::closed(agreement);
    twin.fault(fault).await;
    let plan = planned(room, &closed, &scope).await;
    for step in &plan.steps {
        let _failed_or_done = room.apply(step, &Cx::default()).await;
    }
    twin.calm().await;
    settle(room, &closed, &scope).await;
    assert!(seen(room, &scope).await.resources.is_empty(), "{fault}");
}

#[tokio::test]
async fn a_sequence_that_fails_in_its_middle_ends_whole_and_closes() {
    let Some((twin, room)) = room().await else { return };
    let texts = [
        "CREATE SCHEMA",
        "CREATE AGGREGATION POLICY",
        "SECURE VIEW",
        "CREATE SHARE",
        "GRANT USAGE",
        "GRANT REFERENCE_USAGE",
        "GRANT SELECT",
        "ADD ACCOUNTS",
        "FROM SHARE",
        "SET COMMENT",
        "REMOVE ACCOUNTS",
        "REVOKE SELECT",
        "DROP SHARE",
        "DROP DATABASE",
        "DROP VIEW",
        "DROP SCHEMA",
    ];
    for (at, text) in texts.into_iter().enumerate() {
        let refused = json!({ "kind": "statement_error", "match": text, "times": 1, "code": "000603", "state": "XX000", "message": "zqsentinel" });
        ends_whole(&twin, &room, &refused, &format!("fault-{at}")).await;
        let cut = json!({ "kind": "cut_after", "match": text, "times": 1 });
        ends_whole(&twin, &room, &cut, &format!("cut-{at}")).await;
    }
}

#[tokio::test]
async fn what_was_cut_is_unknown_and_nothing_of_the_platforms_words_is_told() {
    let Some((twin, room)) = room().await else { return };
    let agreement = agreement("words");
    let (desired, scope) = (Desired::whole(Arc::clone(&agreement)), Scope::of(&agreement));
    let plan = planned(&room, &desired, &scope).await;
    let fault = json!({ "kind": "statement_error", "match": "CREATE SCHEMA", "times": 1, "code": "003001", "state": "42501", "message": "zqsentinel" });
    twin.fault(&fault).await;
    let error = room.apply(&plan.steps[0], &Cx::default()).await.unwrap_err();
    assert_eq!((error.code, error.outcome), ("privilege-missing", Outcome::NotApplied));
    assert!(error.reason.contains("CREATE SCHEMA on the gateway's database"), "{error}");
    assert!(!error.to_string().contains("zqsentinel"));
    let cut = json!({ "kind": "cut_after", "match": "CREATE SCHEMA", "times": 20 });
    twin.fault(&cut).await;
    let error = room.apply(&plan.steps[0], &Cx::default()).await.unwrap_err();
    assert_eq!(error.outcome, Outcome::Unknown, "{error}");
}

#[tokio::test]
async fn who_can_not_be_looked_at_is_named_and_nothing_of_it_counts_as_gone() {
    let Some((twin, room)) = room().await else { return };
    let (desired, scope) = super::opened(&room, "spring").await;
    let refused = json!({ "kind": "statement_error", "account": PROVIDER, "match": "SHOW SHARES", "times": 99, "code": "003001", "state": "42501", "message": "no" });
    twin.fault(&refused).await;
    let found = seen(&room, &scope).await;
    assert_eq!(found.coverage, Coverage::Partial);
    let unseen: Vec<_> =
        found.unseen.iter().map(|(who, code)| (who.as_str(), code.as_str())).collect();
    assert_eq!(unseen, [("provider", "privilege-missing")]);
    assert!(held(&found).contains(&"dataset orders".to_owned()), "its partner sees it still");
    let closed = Desired::closed(Arc::clone(&desired.agreement));
    let plan = room.plan(&closed, &found).unwrap();
    let whose = plan.steps.iter().map(|step| step.call["at"]["account"].as_str().unwrap());
    assert!(whose.clone().count() > 0 && whose.clone().all(|account| account == CONSUMER));
}

#[tokio::test]
async fn what_its_role_does_not_see_any_more_is_unseen_and_not_withdrawn() {
    let Some((twin, room)) = room().await else { return };
    let (desired, scope) = super::opened(&room, "hidden").await;
    assert_eq!(seen(&room, &scope).await.coverage, Coverage::Complete);
    for (account, member) in [(PROVIDER, "provider"), (CONSUMER, "analyst")] {
        let hidden = json!({ "kind": "statement_error", "account": account, "match": "SHOW SCHEMAS", "times": 99, "code": "002043", "state": "02000", "message": "no" });
        twin.fault(&hidden).await;
        let found = seen(&room, &scope).await;
        assert_eq!(found.coverage, Coverage::Partial, "{member}");
        assert_eq!(found.unseen[&member.parse().unwrap()], "privilege-missing");
        // What is seen of it is closed all the same.
        let closed = Desired::closed(Arc::clone(&desired.agreement));
        let plan = room.plan(&closed, &found).unwrap();
        assert!(plan.steps.iter().any(|step| step.call["at"]["account"] == account), "{member}");
        twin.calm().await;
    }
    settle(&room, &Desired::closed(Arc::clone(&desired.agreement)), &scope).await;
    assert_eq!(seen(&room, &scope).await.coverage, Coverage::Complete, "nothing is left");
}

#[tokio::test]
async fn another_account_than_the_pinned_one_is_refused() {
    let Some((twin, _)) = room().await else { return };
    let mut connections = twin.connections();
    let provider = connections.members.get_mut(&"provider".parse().unwrap()).unwrap();
    *provider = twin.connection("ACME-CONSUMER");
    let room = SnowflakeShares::new(connections, clock());
    let agreement = agreement("wrong");
    let found = seen(&room, &Scope::of(&agreement)).await;
    let code = found.unseen.values().next().unwrap();
    assert!(["wrong-account", "credentials-refused"].contains(&code.as_str()), "{code}");
    let tried = room.test(&agreement, &"provider".parse().unwrap()).await;
    assert_eq!(tried.len(), 1);
    assert!(tried[0].error.is_some());
}
