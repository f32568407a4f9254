//! What a look costs when nothing changed, statement by statement, and that it sees what a hand changed all the same.

use super::twin::Stage;
use crate::collaboration::room::SnowflakeCollaborations;
use crate::collaboration::wanted::{Wanted, wanted};
use crate::model::{Size, agreement};
use crate::twin::{PROVIDER, clock, lines};
use adapter_spi::{Adapter as _, Cx, Desired, Scope};
use mappings::model::PlatformId;
use std::fmt::Write as _;
use std::sync::Arc;

const SCHEMA: &str = "AIRLOCK.AIRLOCK$MANY$REGISTERED";
const HOME: &str = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION";

async fn opened(stage: &Stage, datasets: usize) -> (Desired, Scope) {
    stage.twin.tables(datasets).await;
    let size = Size { members: 2, datasets, columns: 4, templates: datasets };
    let agreement = Arc::new(agreement(&PlatformId::snowflake_dcr(), "many", size).unwrap());
    let (desired, scope) = (Desired::whole(Arc::clone(&agreement)), Scope::of(&agreement));
    stage.converge(&scope, &desired).await;
    (desired, scope)
}

/// Three lists an account, three lists a collaboration, whatever is in them.
#[tokio::test]
async fn the_statements_of_a_look_are_these() {
    let mut found = String::new();
    for datasets in [1, 10, 100] {
        let Some(stage) = Stage::set().await else { return };
        let (_, scope) = opened(&stage, datasets).await;
        let fresh = SnowflakeCollaborations::new(stage.twin.connections(), clock());
        let cx = Cx::default();
        let (first, counts) = stage.twin.counted(fresh.observe(&scope, &cx)).await;
        write!(found, "{datasets} datasets, the first look of a process\n{}", lines(&counts))
            .unwrap();
        for _ in 0..2 {
            let (again, counts) = stage.twin.counted(fresh.observe(&scope, &cx)).await;
            assert_eq!(again.unwrap(), *first.as_ref().unwrap());
            write!(found, "{datasets} datasets, nothing changed\n{}", lines(&counts)).unwrap();
        }
    }
    assert_eq!(found, include_str!("calls.txt"), "{found}");
}

/// What a provider's hand does to the first dataset, and what it does back where the room can't.
fn hands(wanted: &Wanted) -> Vec<(Vec<String>, Vec<String>)> {
    let room = wanted.rooms.values().next().unwrap();
    let offering = &wanted.offerings[&"d000".parse().unwrap()];
    let said = &room.templates[&"t000".parse().unwrap()];
    let (base, view) = (&room.base, format!("{SCHEMA}.\"{}\"", offering.view));
    let table = "CREATE OR REPLACE TABLE SUITE.PUBLIC.D000";
    let of = |key: &str| {
        format!("{table} (EMAIL_SHA256 {key}, C01 VARCHAR, C02 FLOAT, C03 NUMBER(38,0))")
    };
    vec![
        (vec![format!("DROP VIEW {view}")], vec![]),
        (
            vec![format!(
                "CREATE OR REPLACE SECURE VIEW {view} AS SELECT * FROM SUITE.PUBLIC.D000"
            )],
            vec![],
        ),
        (vec![format!("ALTER VIEW {view} UNSET SECURE")], vec![]),
        (
            vec![format!("{HOME}.UNLINK_DATA_OFFERING('{base}', '{}', ['analyst'])", offering.id)],
            vec![],
        ),
        (vec![format!("{HOME}.REMOVE_TEMPLATE('{base}', '{}', ['analyst'])", said.id)], vec![]),
        (vec![of("BINARY")], vec![of("VARCHAR")]),
        (vec!["ALTER TABLE SUITE.PUBLIC.D000 DROP COLUMN C02".to_owned()], vec![of("VARCHAR")]),
        (vec!["DROP TABLE SUITE.PUBLIC.D000".to_owned()], vec![of("VARCHAR")]),
    ]
}

/// A room that looked before, and remembers tables, sees it at its next look.
#[tokio::test]
async fn whatever_a_hand_changes_is_seen_by_the_next_look() {
    let Some(stage) = Stage::set().await else { return };
    let (desired, scope) = opened(&stage, 2).await;
    for (does, undone) in hands(&wanted(&desired)) {
        let before = stage.look(&scope).await;
        let words = |all: &[String]| all.iter().map(String::as_str).collect::<Vec<_>>().join("; ");
        for statement in &does {
            stage.twin.sql(PROVIDER, &[statement]).await;
        }
        let after = stage.look(&scope).await;
        assert_ne!(after.native, before.native, "{}", words(&does));
        assert_ne!(after.version, before.version, "{}", words(&does));
        let plan = stage.plan(&scope, &desired).await;
        assert!(!plan.is_settled(), "{}", words(&does));
        assert_eq!(
            plan.refused.is_some(),
            !undone.is_empty(),
            "{}: {:?}",
            words(&does),
            plan.refused
        );
        for statement in &undone {
            stage.twin.sql(PROVIDER, &[statement]).await;
        }
        stage.converge(&scope, &desired).await;
        assert_eq!(stage.look(&scope).await.resources, desired.resources(), "{}", words(&does));
    }
}
