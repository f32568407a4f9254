//! Runs against the twin: the approved text over views under policies, its result in the landing, and what stops it.

use super::{agreement, opened, room, settle};
use crate::shares::SnowflakeShares;
use crate::twin::Twin;
use adapter_spi::{Cx, Desired, Landing, ProtectedQuery, RunLimits, RunStatus, RunsQueries as _};
use mappings::guard::guard;
use mappings::model::{Agreement, RunId};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

fn query(agreement: &Arc<Agreement>, run: &str, landing: &std::path::Path) -> ProtectedQuery {
    let name = "overlap".parse().unwrap();
    ProtectedQuery {
        run: run.parse().unwrap(),
        by: "analyst".parse().unwrap(),
        receivers: vec!["analyst".parse().unwrap()],
        agreement: Arc::clone(agreement),
        hidden: BTreeSet::new(),
        guarded: Arc::new(guard(agreement, &name).unwrap()),
        parameters: BTreeMap::new(),
        landing: Landing { url: url::Url::from_directory_path(landing).unwrap() },
        limits: RunLimits::default(),
        base: None,
    }
}

async fn ended(room: &SnowflakeShares, run: &RunId) -> RunStatus {
    for _ in 0..400 {
        match room.status(run, &Cx::default()).await.unwrap() {
            RunStatus::Running(_) | RunStatus::Cancelling => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            status @ (RunStatus::Cancelled | RunStatus::Failed(_) | RunStatus::Succeeded(_)) => {
                return status;
            }
        }
    }
    panic!("it does not end");
}

#[tokio::test]
async fn an_approved_text_runs_and_its_result_lands() {
    let Some((twin, room)) = room().await else { return };
    let (desired, _) = opened(&room, "spring").await;
    let folder = tempfile::tempdir().unwrap();
    let query = query(&desired.agreement, "run-one", folder.path());
    room.submit(&query, &Cx::default()).await.unwrap();
    let RunStatus::Succeeded(output) = ended(&room, &query.run).await else {
        panic!("{:?}", ended(&room, &query.run).await)
    };
    assert_eq!((output.rows, output.files.len()), (Some(3), 1));
    let bytes = std::fs::read(folder.path().join(&output.files[0])).unwrap();
    assert_eq!((&bytes[..4], &bytes[bytes.len() - 4..]), (&b"PAR1"[..], &b"PAR1"[..]));
    let asked = twin.statements("airlock_people").await;
    let text = asked.last().unwrap();
    let said = mappings::snowflake::snowflake(
        &desired.agreement,
        &query.guarded,
        mappings::snowflake::Room::Shares,
    );
    assert_eq!(text["text"], json!(said.unwrap().sql), "byte for byte");
    assert!(text["query_tag"].as_str().unwrap().ends_with(" run-one"));
    let copied = twin.statements("COPY%20INTO").await;
    assert_eq!(query.limits.duration_ms_max, 3_600_000);
    for one in [text, copied.last().unwrap()] {
        assert_eq!(one["timeout_s"], json!(3_600.0), "no statement of a run goes on for longer");
    }
    let copied = copied.last().unwrap()["text"].as_str().unwrap().to_owned();
    assert!(copied.contains("/collaboration=spring/run=run-one/"), "{copied}");
    let (spring, other) = ("spring".parse().unwrap(), "autumn".parse().unwrap());
    let unloaded = || Twin::unloaded("collaboration=spring/run=run-one");
    room.clear(&other, &query.run, &query.by).await.unwrap();
    assert_eq!(unloaded(), 1, "another collaboration's run of the same id");
    let mut keeps = twin.connections();
    keeps.members.values_mut().for_each(|one| one.keep_unloaded = true);
    let keeper = SnowflakeShares::new(keeps, crate::twin::clock());
    keeper.clear(&spring, &query.run, &query.by).await.unwrap();
    assert_eq!(unloaded(), 1, "its owner keeps it");
    for _ in 0..2 {
        room.clear(&spring, &query.run, &query.by).await.unwrap();
        assert_eq!(unloaded(), 0);
    }
}

#[tokio::test]
async fn an_unload_whose_answers_are_lost_is_begun_once() {
    let Some((twin, room)) = room().await else { return };
    let (desired, _) = opened(&room, "spring").await;
    let folder = tempfile::tempdir().unwrap();
    let query = query(&desired.agreement, "run-lost", folder.path());
    room.submit(&query, &Cx::default()).await.unwrap();
    twin.fault(&json!({ "kind": "cut_after", "match": "COPY INTO", "times": 99 })).await;
    let mut lost = false;
    for _ in 0..100 {
        lost = room.status(&query.run, &Cx::default()).await.is_err();
        if lost {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(lost, "no answer arrives");
    twin.calm().await;
    let status = ended(&room, &query.run).await;
    assert!(matches!(status, RunStatus::Succeeded(_)), "{status:?}");
    assert_eq!(twin.statements("COPY%20INTO").await.len(), 1);
}

#[tokio::test]
async fn nothing_runs_that_was_not_given() {
    let Some((twin, room)) = room().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let spring = agreement("spring");
    let query = query(&spring, "run-early", folder.path());
    let refused = room.submit(&query, &Cx::default()).await.unwrap_err();
    assert_eq!(refused.code, "not-granted");
    let (desired, scope) = opened(&room, "spring").await;
    let mut unapproved = desired.clone();
    unapproved.approvals.clear();
    settle(&room, &unapproved, &scope).await;
    let refused = room.submit(&query, &Cx::default()).await.unwrap_err();
    assert_eq!(refused.code, "not-granted");
    settle(&room, &desired, &scope).await;
    let mut other = query.clone();
    other.guarded = Arc::new(mappings::guard::Guarded {
        digest: mappings::model::Digest::of(b"another version"),
        ..(*query.guarded).clone()
    });
    let refused = room.submit(&other, &Cx::default()).await.unwrap_err();
    assert!(["not-granted", "template-unsaid"].contains(&refused.code), "{refused}");
    let list = serde_json::json!({ "airlock": "spring", "templates": { "overlap": mappings::model::Digest::of(b"x") } });
    let hand = format!("ALTER SCHEMA AIRLOCK.AIRLOCK$SPRING$RUNS SET COMMENT = '{list}'");
    twin.sql(crate::twin::CONSUMER, &[&hand]).await;
    let refused = room.submit(&query, &Cx::default()).await.unwrap_err();
    assert_eq!(refused.code, "not-granted", "the list has another version");
    settle(&room, &desired, &scope).await;
    assert_eq!(room.submit(&query, &Cx::default()).await, Ok(()), "as it was agreed");
}

#[tokio::test]
async fn a_text_runs_on_over_what_is_left_of_a_dataset() {
    let Some((_twin, room)) = room().await else { return };
    let (mut desired, scope) = opened(&room, "left").await;
    let folder = tempfile::tempdir().unwrap();
    let hidden = |dataset: &str| (dataset.parse().unwrap(), "measured".parse().unwrap());
    // The text reads no such column of orders, and groups by the one of people.
    desired.hidden.insert(hidden("orders"));
    settle(&room, &desired, &scope).await;
    let run = query(&scope.agreement, "run-left", folder.path());
    room.submit(&run, &Cx::default()).await.unwrap();
    assert!(matches!(ended(&room, &run.run).await, RunStatus::Succeeded(_)));
    desired.hidden.insert(hidden("people"));
    settle(&room, &desired, &scope).await;
    let run = query(&scope.agreement, "run-none", folder.path());
    let refused = room.submit(&run, &Cx::default()).await.unwrap_err();
    assert_eq!(refused.code, "not-granted");
}

#[tokio::test]
async fn a_cancelled_run_delivers_nothing() {
    let Some((twin, room)) = room().await else { return };
    let (desired, _) = opened(&room, "spring").await;
    let folder = tempfile::tempdir().unwrap();
    let query = query(&desired.agreement, "run-slow", folder.path());
    slow(&twin, &room, &query).await;
    let status = room.cancel(&query.run, &Cx::default()).await.unwrap();
    assert!(matches!(status, RunStatus::Cancelled | RunStatus::Cancelling), "{status:?}");
    assert_eq!(ended(&room, &query.run).await, RunStatus::Cancelled);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_runs_without_leave_is_stopped_whoever_started_it() {
    let Some((twin, room)) = room().await else { return };
    let (desired, scope) = opened(&room, "spring").await;
    let folder = tempfile::tempdir().unwrap();
    let query = query(&desired.agreement, "run-left", folder.path());
    let cx = Cx::default();
    let before = SnowflakeShares::new(twin.connections(), crate::twin::clock());
    slow(&twin, &before, &query).await;
    assert_eq!(room.stop(&desired, &scope, &cx).await, Ok(0), "it may run");
    let closed = Desired::closed(Arc::clone(&desired.agreement));
    assert_eq!(room.stop(&closed, &scope, &cx).await, Ok(1));
    assert_eq!(room.stop(&closed, &scope, &cx).await, Ok(0), "nothing runs any more");
    let status = ended(&before, &query.run).await;
    let RunStatus::Failed(failure) = status else { panic!("{status:?}") };
    assert_eq!(failure.code, "run-canceled-there");
}

/// Begins a run whose text alone takes half a minute.
async fn slow(twin: &Twin, room: &SnowflakeShares, query: &ProtectedQuery) {
    let cx = Cx::default();
    let ready = room.ready(query, &cx).await.unwrap();
    twin.set(&json!({ "statement_run_s": 30.0 })).await;
    room.ask(query, ready, &cx).await.unwrap();
    twin.set(&json!({ "statement_run_s": 0.0 })).await;
}

#[tokio::test]
async fn an_unload_that_stops_in_its_middle_is_no_result() {
    let Some((twin, room)) = room().await else { return };
    let (desired, _) = opened(&room, "spring").await;
    let folder = tempfile::tempdir().unwrap();
    twin.set(&json!({ "unload_row_max": 1 })).await;
    twin.fault(&json!({ "kind": "unload", "times": 1 })).await;
    let first = query(&desired.agreement, "run-torn", folder.path());
    room.submit(&first, &Cx::default()).await.unwrap();
    let status = ended(&room, &first.run).await;
    assert!(matches!(status, RunStatus::Failed(_)), "{status:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let second = query(&desired.agreement, "run-whole", folder.path());
    room.submit(&second, &Cx::default()).await.unwrap();
    let RunStatus::Succeeded(output) = ended(&room, &second.run).await else { panic!() };
    assert_eq!((output.rows, output.files.len()), (Some(3), 3));
}
