//! What a look costs when nothing changed, statement by statement, and that it sees what a hand changed all the same.

use super::{planned, room, seen, settle};
use crate::model::{Size, agreement};
use crate::shares::SnowflakeShares;
use crate::twin::{CONSUMER, PROVIDER, Twin, clock, lines};
use adapter_spi::{Desired, Scope};
use mappings::model::PlatformId;
use std::fmt::Write as _;
use std::sync::Arc;

const OFFERS: &str = "AIRLOCK.AIRLOCK$MANY$OFFERS";
const RUNS: &str = "AIRLOCK.AIRLOCK$MANY$RUNS";
const SHARE: &str = "AIRLOCK$MANY$D000$ANALYST";
const TABLE: &str = "SUITE.PUBLIC.D000";

async fn opened(twin: &Twin, room: &SnowflakeShares, datasets: usize) -> (Desired, Scope) {
    twin.tables(datasets).await;
    let size = Size { members: 2, datasets, columns: 4, templates: datasets };
    let agreement = Arc::new(agreement(&PlatformId::snowflake(), "many", size).unwrap());
    let (desired, scope) = (Desired::whole(Arc::clone(&agreement)), Scope::of(&agreement));
    settle(room, &desired, &scope).await;
    (desired, scope)
}

/// A policy is described at each look, since nothing else says whether its body changed; there is one a minimum and schema, however many
/// datasets. What a share is given no list says either.
#[tokio::test]
async fn the_statements_of_a_look_are_these() {
    let mut found = String::new();
    for datasets in [1, 10, 100] {
        let Some((twin, room)) = room().await else { return };
        let (_, scope) = opened(&twin, &room, datasets).await;
        let fresh = SnowflakeShares::new(twin.connections(), clock());
        let (first, counts) = twin.counted(seen(&fresh, &scope)).await;
        write!(found, "{datasets} datasets, the first look of a process\n{}", lines(&counts))
            .unwrap();
        for _ in 0..2 {
            let (again, counts) = twin.counted(seen(&fresh, &scope)).await;
            assert_eq!(again, first);
            write!(found, "{datasets} datasets, nothing changed\n{}", lines(&counts)).unwrap();
        }
    }
    assert_eq!(found, include_str!("calls.txt"), "{found}");
}

/// Something done by hand, how it is undone where the room does not do so itself, and the code of what stands in the way until then.
struct Hand {
    account: &'static str,
    does: Vec<String>,
    undone: Vec<String>,
    refused: Option<&'static str>,
}

fn hand(account: &'static str, does: &[String]) -> Hand {
    Hand { account, does: does.to_vec(), undone: Vec::new(), refused: None }
}

impl Hand {
    fn stands_in_the_way(self, code: &'static str, undone: &[String]) -> Self {
        Self { refused: Some(code), undone: undone.to_vec(), ..self }
    }
}

fn in_shares() -> Vec<Hand> {
    let view = format!("{OFFERS}.D000$ANALYST");
    let owner = |does: &[String]| hand(PROVIDER, does);
    vec![
        owner(&[format!("ALTER SHARE {SHARE} ADD ACCOUNTS = ACME.SECURED")]),
        owner(&[format!("ALTER SHARE {SHARE} REMOVE ACCOUNTS = ACME.CONSUMER")]),
        owner(&[
            format!("CREATE SECURE VIEW {OFFERS}.BY_HAND AS SELECT * FROM {TABLE}"),
            format!("GRANT SELECT ON VIEW {OFFERS}.BY_HAND TO SHARE {SHARE}"),
        ]),
        owner(&[format!("REVOKE SELECT ON VIEW {view} FROM SHARE {SHARE}")]),
        owner(&[format!("DROP SHARE {SHARE}")]),
        owner(&[format!("ALTER VIEW {view} UNSET AGGREGATION POLICY")]),
        owner(&[format!(
            "ALTER VIEW {view} SET AGGREGATION POLICY {OFFERS}.MIN$10 ENTITY KEY (\"c01\") FORCE"
        )]),
        owner(&[format!(
            "ALTER AGGREGATION POLICY {OFFERS}.MIN$10 SET BODY -> AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 2)"
        )]),
        owner(&[format!(
            "CREATE OR REPLACE SECURE VIEW {view} COPY GRANTS AS SELECT EMAIL_SHA256 AS \"person\", C01 AS \"c01\", C02 AS \"c02\", C03 AS \"c03\" FROM {TABLE}"
        )]),
        owner(&[format!("DROP VIEW {view}")]),
    ]
}

fn in_runs() -> Vec<Hand> {
    let runner = |does: &[String]| hand(CONSUMER, does);
    vec![
        runner(&["DROP DATABASE AIRLOCK$MANY$D000".to_owned()]),
        runner(&[format!("CREATE OR REPLACE VIEW {RUNS}.\"d000\" AS SELECT 1 AS \"person\"")]),
        runner(&[format!("ALTER VIEW {RUNS}.\"d001\" UNSET SECURE")]),
        runner(&[format!("ALTER VIEW {RUNS}.\"d001\" UNSET AGGREGATION POLICY")]),
        runner(&[format!("DROP SCHEMA {RUNS}")]),
    ]
}

fn in_tables() -> Vec<Hand> {
    let all = "(EMAIL_SHA256 VARCHAR, C01 VARCHAR, C02 FLOAT, C03 NUMBER(38,0))";
    let whole = [format!("CREATE OR REPLACE TABLE {TABLE} {all}")];
    let again = ["DROP", "ADD"].map(|word| match word {
        "DROP" => format!("ALTER TABLE {TABLE} DROP COLUMN C01"),
        _ => format!("ALTER TABLE {TABLE} ADD COLUMN C01 NUMBER(38,0)"),
    });
    let owner = |does: &[String]| hand(PROVIDER, does);
    vec![
        owner(&again).stands_in_the_way("column-misfit", &whole),
        owner(&again[..1]).stands_in_the_way("column-misfit", &whole),
        owner(&[format!("CREATE OR REPLACE TABLE {TABLE} (EMAIL_SHA256 BINARY, C01 VARCHAR, C02 FLOAT, C03 NUMBER(38,0))")])
            .stands_in_the_way("column-misfit", &whole),
        owner(&[format!("DROP TABLE {TABLE}")]).stands_in_the_way("table-missing", &whole),
    ]
}

fn in_marks() -> Vec<Hand> {
    let comment = |what: &str| [format!("ALTER {what} SET COMMENT = 'mine'")];
    vec![
        hand(PROVIDER, &comment(&format!("SCHEMA {OFFERS}"))).stands_in_the_way("name-taken", &[]),
        hand(PROVIDER, &comment(&format!("SHARE {SHARE}"))).stands_in_the_way("name-taken", &[]),
        hand(CONSUMER, &comment(&format!("SCHEMA {RUNS}"))).stands_in_the_way("name-taken", &[]),
    ]
}

/// A room that looked before, and remembers tables, sees it at its next look.
#[tokio::test]
async fn whatever_a_hand_changes_is_seen_by_the_next_look() {
    let Some((twin, room)) = room().await else { return };
    let (desired, scope) = opened(&twin, &room, 3).await;
    for one in in_shares().into_iter().chain(in_runs()).chain(in_tables()) {
        let before = seen(&room, &scope).await;
        let does: Vec<&str> = one.does.iter().map(String::as_str).collect();
        twin.sql(one.account, &does).await;
        let after = seen(&room, &scope).await;
        assert_ne!(after.native, before.native, "{does:?}");
        let plan = planned(&room, &desired, &scope).await;
        let refused = plan.refused.as_ref().map(|refused| refused.code.as_str());
        assert_eq!(refused, one.refused, "{does:?}");
        assert!(!plan.is_settled(), "{does:?}");
        let undone: Vec<&str> = one.undone.iter().map(String::as_str).collect();
        if !undone.is_empty() {
            twin.sql(one.account, &undone).await;
        }
        settle(&room, &desired, &scope).await;
        assert_eq!(seen(&room, &scope).await.resources, desired.resources(), "{does:?}");
    }
    // What carries our mark no more is left alone from then on.
    for one in in_marks() {
        let before = seen(&room, &scope).await;
        let does: Vec<&str> = one.does.iter().map(String::as_str).collect();
        twin.sql(one.account, &does).await;
        assert_ne!(seen(&room, &scope).await.native, before.native, "{does:?}");
        let refused = planned(&room, &desired, &scope).await.refused;
        assert_eq!(refused.map(|refused| refused.code).as_deref(), one.refused, "{does:?}");
    }
}
