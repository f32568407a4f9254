//! What changed between a plan and its steps: nothing is given on what is another by now. And who one is before anything is asked.

use super::{agreement, opened, planned, room, seen, settle};
use crate::connection::Connection;
use crate::shares::SnowflakeShares;
use crate::twin::{CONSUMER, PROVIDER, Twin, clock};
use adapter_spi::{
    Adapter as _, Cx, Desired, Effect, ErrorKind, Probe, ResourceKind, Scope, Step,
    TestsConnections as _,
};
use serde_json::json;
use std::sync::Arc;

/// Applies a plan up to the first step that gives by this statement.
async fn until(room: &SnowflakeShares, statement: &str, name: &str) -> Step {
    let agreement = agreement(name);
    let (desired, scope) = (Desired::whole(Arc::clone(&agreement)), Scope::of(&agreement));
    for step in planned(room, &desired, &scope).await.steps {
        if step.effect == Effect::Grant && step.call["statement"] == statement {
            return step;
        }
        room.apply(&step, &Cx::default()).await.unwrap();
    }
    panic!("no {statement}");
}

async fn is_stale(room: &SnowflakeShares, step: &Step) {
    let error = room.apply(step, &Cx::default()).await.unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::StaleVersion, "stale-version"), "{error}");
}

#[tokio::test]
async fn select_is_given_on_the_view_that_was_planned() {
    let Some((twin, room)) = room().await else { return };
    let hands = [
        "CREATE OR REPLACE SECURE VIEW AIRLOCK.\"{S}\".ORDERS$ANALYST AS SELECT * FROM SUITE.PUBLIC.ORDERS",
        "ALTER VIEW AIRLOCK.\"{S}\".ORDERS$ANALYST UNSET AGGREGATION POLICY",
        "ALTER VIEW AIRLOCK.\"{S}\".ORDERS$ANALYST UNSET SECURE",
        "ALTER AGGREGATION POLICY AIRLOCK.\"{S}\".MIN$11 SET BODY -> NO_AGGREGATION_CONSTRAINT()",
        "DROP VIEW AIRLOCK.\"{S}\".ORDERS$ANALYST",
    ];
    for (at, hand) in hands.into_iter().enumerate() {
        let step = until(&room, "GrantToShare", &format!("view-{at}")).await;
        let schema = format!("AIRLOCK$VIEW_{at}$OFFERS");
        twin.sql(PROVIDER, &[&hand.replace("{S}", &schema)]).await;
        is_stale(&room, &step).await;
    }
}

#[tokio::test]
async fn an_account_is_let_into_the_share_that_was_planned() {
    let Some((twin, room)) = room().await else { return };
    let step = until(&room, "AddAccount", "share").await;
    let hand = [
        "CREATE SECURE VIEW AIRLOCK.AIRLOCK$SHARE$OFFERS.MORE AS SELECT * FROM SUITE.PUBLIC.ORDERS",
        "GRANT SELECT ON VIEW AIRLOCK.AIRLOCK$SHARE$OFFERS.MORE TO SHARE AIRLOCK$SHARE$ORDERS$ANALYST",
    ];
    twin.sql(PROVIDER, &hand).await;
    is_stale(&room, &step).await;
}

#[tokio::test]
async fn an_account_is_let_in_to_the_view_that_was_planned() {
    let Some((twin, room)) = room().await else { return };
    let hands = [
        // The share's grants are as they were.
        "CREATE OR REPLACE SECURE VIEW AIRLOCK.\"{S}\".ORDERS$ANALYST COPY GRANTS AS SELECT * FROM SUITE.PUBLIC.ORDERS",
        "ALTER VIEW AIRLOCK.\"{S}\".ORDERS$ANALYST UNSET AGGREGATION POLICY",
        "ALTER AGGREGATION POLICY AIRLOCK.\"{S}\".MIN$11 SET BODY -> NO_AGGREGATION_CONSTRAINT()",
        // They went with the view.
        "CREATE OR REPLACE SECURE VIEW AIRLOCK.\"{S}\".ORDERS$ANALYST AS SELECT * FROM SUITE.PUBLIC.ORDERS",
    ];
    for (at, hand) in hands.into_iter().enumerate() {
        let name = format!("let-{at}");
        let step = until(&room, "AddAccount", &name).await;
        let schema = format!("AIRLOCK$LET_{at}$OFFERS");
        twin.sql(PROVIDER, &[&hand.replace("{S}", &schema)]).await;
        is_stale(&room, &step).await;
        let shares = twin.sql(CONSUMER, &["SHOW SHARES"]).await;
        assert!(shares.is_empty(), "nobody is let in: {shares:?}");
        // Another look makes it whole, and lets in.
        let agreement = agreement(&name);
        let (desired, scope) = (Desired::whole(Arc::clone(&agreement)), Scope::of(&agreement));
        settle(&room, &desired, &scope).await;
        assert_eq!(seen(&room, &scope).await.resources, desired.resources());
        settle(&room, &Desired::closed(agreement), &scope).await;
    }
}

#[tokio::test]
async fn a_view_that_is_changed_while_a_lost_answer_is_asked_again_is_not_opened() {
    let Some((twin, room)) = room().await else { return };
    let step = until(&room, "AddAccount", "between").await;
    // The first look at the view fails, and a hand is quicker than the second try.
    twin.fault(&json!({ "kind": "statement_error", "match": "SHOW VIEWS", "times": 1, "code": "000603", "state": "XX000", "message": "no" })).await;
    assert!(room.apply(&step, &Cx::default()).await.is_err(), "what can't be read is not given");
    let hand = "CREATE OR REPLACE SECURE VIEW AIRLOCK.AIRLOCK$BETWEEN$OFFERS.ORDERS$ANALYST COPY GRANTS AS SELECT * FROM SUITE.PUBLIC.ORDERS";
    twin.sql(PROVIDER, &[hand]).await;
    is_stale(&room, &step).await;
    assert!(twin.sql(CONSUMER, &["SHOW SHARES"]).await.is_empty());
}

#[tokio::test]
async fn a_list_grows_that_is_as_it_was() {
    let Some((twin, room)) = room().await else { return };
    let step = until(&room, "MarkSchema", "list").await;
    let list = json!({ "airlock": "list", "templates": { "other": step.id } }).to_string();
    let hand = format!("ALTER SCHEMA AIRLOCK.AIRLOCK$LIST$RUNS SET COMMENT = '{list}'");
    twin.sql(CONSUMER, &[&hand]).await;
    is_stale(&room, &step).await;
}

#[tokio::test]
async fn a_mount_without_leave_to_read_is_closed() {
    let Some((_twin, room)) = room().await else { return };
    let (desired, scope) = opened(&room, "spring").await;
    let mut unapproved = desired.clone();
    unapproved.approvals.clear();
    settle(&room, &unapproved, &scope).await;
    let found = seen(&room, &scope).await;
    assert!(found.resources.is_empty());
    assert_eq!(found.offered.map(|offered| offered.len()), Some(2), "both are kept there");
    for what in [
        ResourceKind::Dataset("orders".parse().unwrap()),
        ResourceKind::Dataset("people".parse().unwrap()),
        ResourceKind::Template("overlap".parse().unwrap()),
        ResourceKind::Approval("overlap".parse().unwrap(), "provider".parse().unwrap()),
    ] {
        let tried = room.probe(&what, &scope, &Cx::default()).await;
        assert_eq!(tried, Ok(Probe::Denied), "{what}");
    }
}

/// A provider that is reached with a token of an account.
async fn by_token(twin: &Twin, account: &str, folder: &std::path::Path) -> SnowflakeShares {
    let token =
        json!({ "account": account, "user": "GATEWAY", "kind": "OAUTH", "expires_in_s": 600 });
    twin.control("PUT", "tokens/zqtoken", &token).await;
    let file = folder.join("token");
    std::fs::write(&file, "zqtoken\n").unwrap();
    private(&file, 0o600);
    let mut connections = twin.connections();
    let provider = connections.members.get_mut(&"provider".parse().unwrap()).unwrap();
    let endpoint = provider.endpoint.take().unwrap();
    let endpoint = endpoint.split("/accounts").next().map(str::to_owned);
    *provider = Connection { endpoint, token_file: Some(file), ..Connection::default() };
    SnowflakeShares::new(connections, clock())
}

fn private(file: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn an_account_says_itself_which_it_is() {
    let Some((twin, _)) = room().await else { return };
    let (folder, agreement) = (tempfile::tempdir().unwrap(), agreement("who"));
    let provider = "provider".parse().unwrap();
    let right = by_token(&twin, PROVIDER, folder.path()).await;
    assert!(right.test(&agreement, &provider).await.iter().all(|one| one.error.is_none()));
    let wrong = by_token(&twin, CONSUMER, folder.path()).await;
    let tried = wrong.test(&agreement, &provider).await;
    let error = tried[0].error.as_ref().unwrap();
    assert_eq!((error.code, tried.len()), ("wrong-account", 1));
    assert!(error.reason.ends_with(PROVIDER), "{error}");
    let found = seen(&wrong, &Scope::of(&agreement)).await;
    assert_eq!(found.unseen.values().collect::<Vec<_>>(), ["wrong-account"]);
}

#[tokio::test]
async fn a_key_is_for_its_owner_alone() {
    let Some((twin, _)) = room().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let (agreement, file) = (agreement("key"), folder.path().join("key.pem"));
    let mut connections = twin.connections();
    let provider = connections.members.get_mut(&"provider".parse().unwrap()).unwrap();
    std::fs::copy(provider.key_file.as_ref().unwrap(), &file).unwrap();
    provider.key_file = Some(file.clone());
    for (mode, code) in [(0o600, None), (0o640, Some("key-unreadable"))] {
        private(&file, mode);
        let room = SnowflakeShares::new(connections.clone(), clock());
        let tried = room.test(&agreement, &"provider".parse().unwrap()).await;
        assert_eq!(tried[0].error.as_ref().map(|error| error.code), code);
    }
}

#[tokio::test]
async fn a_database_of_ones_own_is_left_alone_whatever_it_is_called() {
    let Some((twin, room)) = room().await else { return };
    let (own, elsewhere) = ("AIRLOCK$OWN$KEPT", "AIRLOCK$OWN$ORDERS");
    let make = |name: &str| format!("CREATE DATABASE \"{name}\"");
    twin.sql(CONSUMER, &[&make(own), &make(elsewhere)]).await;
    let agreement = agreement("own");
    let scope = Scope::of(&agreement);
    for desired in [Desired::whole(Arc::clone(&agreement)), Desired::closed(Arc::clone(&agreement))]
    {
        for step in planned(&room, &desired, &scope).await.steps {
            assert_ne!(step.call["statement"], "DropMount", "{:?}", step.call);
            // What one of them is called a mount would be called, which is refused.
            let _refused = room.apply(&step, &Cx::default()).await;
        }
    }
    for name in [own, elsewhere] {
        let sql = format!("SHOW DATABASES LIKE '{name}'");
        assert_eq!(twin.sql(CONSUMER, &[&sql]).await.len(), 1, "{name}");
    }
}
