//! What goes wrong between this gateway and the platform: calls that are cut, throttled or refused in the middle of a sequence.

use super::hostile::everywhere;
use super::{agreement, held, planned, room, seen, settle};
use crate::hostile::{kinds, kinds_of};
use crate::reach::seat;
use crate::shares::SnowflakeShares;
use crate::shares::call::{AT, Call};
use crate::twin::{CONSUMER, PROVIDER, Twin, clock};
use adapter_spi::{
    Adapter as _, Coverage, Cx, Desired, Effect, Outcome, Scope, Step, TestsConnections as _,
};
use mappings::model::{Digest, PlatformId};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// By what a statement is known in the twin's log. Whoever adds one says here how it is cut.
const fn known_by(call: &Call) -> &'static str {
    match call {
        Call::CreateSchema { .. } => "^CREATE SCHEMA",
        Call::MarkSchema { .. } => "^ALTER SCHEMA .* SET COMMENT",
        Call::DropSchema { .. } => "^DROP SCHEMA",
        Call::CreatePolicy { .. } => "^CREATE AGGREGATION POLICY",
        Call::SetPolicyBody { .. } => "^ALTER AGGREGATION POLICY .* SET BODY",
        Call::PutView(_) => "^CREATE OR REPLACE SECURE VIEW",
        Call::SetPolicy { .. } => "^ALTER VIEW .* SET AGGREGATION POLICY",
        Call::DropView { .. } => "^DROP VIEW",
        Call::CreateShare { .. } => "^CREATE SHARE",
        Call::GrantToShare { .. } => "^GRANT .* TO SHARE",
        Call::RevokeFromShare { .. } => "^REVOKE .* FROM SHARE",
        Call::AddAccount { .. } => "^ALTER SHARE .* ADD ACCOUNTS",
        Call::RemoveAccounts { .. } => "^ALTER SHARE .* REMOVE ACCOUNTS",
        Call::DropShare { .. } => "^DROP SHARE",
        Call::Mount { .. } => "^CREATE DATABASE .* FROM SHARE",
        Call::DropMount { .. } => "^DROP DATABASE",
    }
}

/// One of each.
fn all() -> Vec<Call> {
    let own = || "X".to_owned();
    let mut all = everywhere("X");
    all.push(Call::Mount { database: own(), provider: "ACME.PROVIDER".to_owned(), share: own() });
    all
}

#[test]
fn no_statement_is_forgotten() {
    assert_eq!(kinds_of(&all(), "statement"), kinds::<Call>("statement"));
}

/// What a hand does so that a statement is sent which no opening and closing sends.
fn by_hand(call: &Call, room: &str) -> Vec<String> {
    let offers = format!("AIRLOCK.AIRLOCK${room}$OFFERS");
    match call {
        Call::SetPolicyBody { .. } => vec![format!(
            "ALTER AGGREGATION POLICY {offers}.MIN$11 SET BODY -> AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 2)"
        )],
        Call::SetPolicy { .. } => {
            vec![format!("ALTER VIEW {offers}.ORDERS$ANALYST UNSET AGGREGATION POLICY")]
        }
        Call::RevokeFromShare { .. } => vec![
            format!("CREATE SECURE VIEW {offers}.STRAY AS SELECT * FROM SUITE.PUBLIC.ORDERS"),
            format!("GRANT SELECT ON VIEW {offers}.STRAY TO SHARE AIRLOCK${room}$ORDERS$ANALYST"),
        ],
        Call::CreateSchema { .. }
        | Call::MarkSchema { .. }
        | Call::DropSchema { .. }
        | Call::CreatePolicy { .. }
        | Call::PutView(_)
        | Call::DropView { .. }
        | Call::CreateShare { .. }
        | Call::GrantToShare { .. }
        | Call::AddAccount { .. }
        | Call::RemoveAccounts { .. }
        | Call::DropShare { .. }
        | Call::Mount { .. }
        | Call::DropMount { .. } => Vec::new(),
    }
}

/// Opens, is interfered with, and closes, a fault at each; whether it was ever met.
async fn ends_whole(
    twin: &Twin,
    room: &SnowflakeShares,
    fault: &Value,
    (call, name): (&Call, &str),
) -> bool {
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
    let mut struck = twin.struck().await;
    twin.calm().await;
    settle(room, &desired, &scope).await;
    assert_eq!(seen(room, &scope).await.resources, desired.resources(), "{fault}");
    let hand = by_hand(call, &name.to_ascii_uppercase().replace('-', "_"));
    if !hand.is_empty() {
        twin.sql(PROVIDER, &hand.iter().map(String::as_str).collect::<Vec<_>>()).await;
        twin.fault(fault).await;
        let plan = planned(room, &desired, &scope).await;
        for step in &plan.steps {
            let _failed_or_done = room.apply(step, &Cx::default()).await;
        }
        struck |= twin.struck().await;
        twin.calm().await;
        settle(room, &desired, &scope).await;
        assert_eq!(seen(room, &scope).await.resources, desired.resources(), "{fault}");
    }
    let closed = Desired::closed(agreement);
    twin.fault(fault).await;
    let plan = planned(room, &closed, &scope).await;
    for step in &plan.steps {
        let _failed_or_done = room.apply(step, &Cx::default()).await;
    }
    struck |= twin.struck().await;
    twin.calm().await;
    settle(room, &closed, &scope).await;
    assert!(seen(room, &scope).await.resources.is_empty(), "{fault}");
    struck
}

#[tokio::test]
async fn a_sequence_that_fails_in_its_middle_ends_whole_and_closes() {
    let Some((twin, room)) = room().await else { return };
    let mut tried = BTreeSet::new();
    for (at, call) in all().iter().enumerate() {
        if !tried.insert(known_by(call)) {
            continue;
        }
        let text = known_by(call);
        let refused = json!({ "kind": "statement_error", "match": text, "times": 1, "code": "000603", "state": "XX000", "message": "zqsentinel" });
        let refused = ends_whole(&twin, &room, &refused, (call, &format!("fault-{at}"))).await;
        let cut = json!({ "kind": "cut_after", "match": text, "times": 1 });
        let cut = ends_whole(&twin, &room, &cut, (call, &format!("cut-{at}"))).await;
        assert!(refused && cut, "{text} is never sent");
    }
}

/// Every statement refused for a privilege: as a step that takes away it is sent without a look before.
#[tokio::test]
async fn the_privilege_that_a_statement_lacks_is_named() {
    let Some((twin, room)) = room().await else { return };
    let agreement = agreement("refused");
    let (desired, scope) = (Desired::whole(Arc::clone(&agreement)), Scope::of(&agreement));
    let first = planned(&room, &desired, &scope).await.steps[0].clone();
    let seat = seat(&PlatformId::snowflake(), &agreement, &"provider".parse().unwrap()).unwrap();
    for (number, call) in all().into_iter().enumerate() {
        let mut body = json!(call);
        body[AT] = json!(seat);
        let id = Digest::of(format!("refused {number}").as_bytes());
        let step = Step { id, effect: Effect::Revoke, call: body, ..first.clone() };
        let fault = json!({ "kind": "statement_error", "match": known_by(&call), "times": 1, "code": "003001", "state": "42501", "message": "zqsentinel" });
        twin.fault(&fault).await;
        let error = room.apply(&step, &Cx::default()).await.unwrap_err();
        assert_eq!((error.code, error.outcome), ("privilege-missing", Outcome::NotApplied));
        assert!(error.reason.ends_with(call.needs()), "{error}");
        assert!(!error.to_string().contains("zqsentinel"), "{error}");
        assert!(twin.struck().await, "{}", call.operation());
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
