//! Names that would like to be more than names, through every place where one reaches a statement: executed against the twin, which
//! really reads them. Whatever they say stays a name.

use crate::entry::entry;
use crate::hostile::hostile;
use crate::shares::SnowflakeShares;
use crate::shares::call::{Body, Call, Grant, Guarded, Kind, Privilege, PutView, Shown};
use crate::shares::mark::Mark;
use crate::sql::Sql;
use crate::twin::{PROVIDER, Twin, clock};
use adapter_spi::{CallClass, Cx};
use mappings::model::{Agreement, Digest, Location, PlatformId};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

struct Stage {
    twin: Twin,
    room: SnowflakeShares,
    agreement: Arc<Agreement>,
}

impl Stage {
    async fn new() -> Option<Self> {
        let twin = Twin::fresh().await?;
        twin.furnish().await;
        twin.sql(
            PROVIDER,
            &["CREATE DATABASE GUARDED", "CREATE TABLE GUARDED.PUBLIC.KEPT AS SELECT 1 AS A"],
        )
        .await;
        let room = SnowflakeShares::new(twin.connections(), clock());
        Some(Self { twin, room, agreement: super::agreement("hostile") })
    }

    /// Runs a statement as the adapter would; whether it was one.
    async fn runs(&self, sql: Sql) -> Result<(), String> {
        let provider = "provider".parse().unwrap();
        let cx = Cx::default();
        let session = self.room.reach.session(&self.agreement, &provider, &cx).await.unwrap();
        let done = session.rows("hostile", CallClass::Read, sql).await;
        done.map(drop).map_err(|error| format!("{} {}", error.code, error.reason))
    }

    /// What is there is what was there, and what has this name alone.
    async fn is_whole(&self) {
        let kept = self.twin.sql(PROVIDER, &["SELECT A FROM GUARDED.PUBLIC.KEPT"]).await;
        assert_eq!(kept, [[json!("1")]]);
        let shares = self.twin.sql(PROVIDER, &["SHOW SHARES"]).await;
        assert_eq!(shares.len(), 0);
    }
}

fn mark() -> Mark {
    Mark::of(&"hostile".parse().unwrap())
}

/// Every statement with this name in each of its places, in an order in which they can run.
pub(super) fn everywhere(name: &str) -> Vec<Call> {
    let own = || name.to_owned();
    let schema = ["AIRLOCK".to_owned(), own()];
    let path = ["AIRLOCK".to_owned(), own(), own()];
    let table = ["SUITE", "PUBLIC", "ORDERS"].map(str::to_owned);
    let mounted = Body::Mounted { columns: vec!["email_sha256".to_owned()], from: table };
    let view = PutView { path: path.clone(), guarded: None, comment: mark().text(), body: mounted };
    let again = PutView {
        body: Body::Mounted { columns: vec!["email_sha256".to_owned()], from: path.clone() },
        path: [
            "AIRLOCK".to_owned(),
            own(),
            format!("{}2", name.chars().take(254).collect::<String>()),
        ],
        ..view.clone()
    };
    let on = [
        Grant::new(Privilege::Usage, Kind::Database, &["AIRLOCK"]),
        Grant::new(Privilege::ReferenceUsage, Kind::Database, &["SUITE"]),
        Grant::new(Privilege::Usage, Kind::Schema, &["AIRLOCK", name]),
        Grant::new(Privilege::Select, Kind::View, &["AIRLOCK", name, name]),
    ];
    let share = own();
    let mut calls = vec![
        Call::CreateSchema { path: schema.clone(), mark: mark() },
        Call::MarkSchema {
            path: schema.clone(),
            mark: mark(),
            was: std::collections::BTreeMap::new(),
        },
        Call::CreatePolicy { schema: schema.clone(), entities_min: 3 },
        Call::SetPolicyBody { schema: schema.clone(), entities_min: 3 },
        Call::PutView(view),
        Call::SetPolicy {
            path: path.clone(),
            guarded: Guarded { entities_min: 3, key: "email_sha256".to_owned() },
        },
        Call::PutView(again),
        Call::CreateShare { share: share.clone(), mark: mark() },
    ];
    let give = |grant: &Grant| Call::GrantToShare {
        share: share.clone(),
        grant: grant.clone(),
        view: None,
    };
    calls.extend(on.iter().map(give));
    calls.push(Call::AddAccount {
        share: share.clone(),
        account: "ACME.CONSUMER".to_owned(),
        grants: BTreeSet::new(),
        view: Shown { text: Digest::of(b""), guarded: None },
    });
    calls.push(Call::RemoveAccounts {
        share: share.clone(),
        accounts: BTreeSet::from(["ACME.CONSUMER".to_owned()]),
    });
    calls.push(Call::RevokeFromShare { share: share.clone(), grant: on[3].clone() });
    calls.push(Call::DropShare { share });
    calls.push(Call::DropView { path });
    calls.push(Call::DropSchema { path: schema });
    calls.push(Call::DropMount { database: own() });
    calls
}

#[tokio::test]
async fn no_name_is_more_than_a_name() {
    let Some(stage) = Stage::new().await else { return };
    let names = hostile();
    assert!(names.len() >= 100, "{}", names.len());
    for name in &names {
        for call in everywhere(name) {
            let said = stage.runs(call.sql()).await;
            assert_eq!(said, Ok(()), "{name:?} in {}", call.operation());
        }
        let schemas = stage.twin.sql(PROVIDER, &["SHOW SCHEMAS IN DATABASE AIRLOCK"]).await;
        assert_eq!(schemas.len(), 1, "{name:?}: PUBLIC alone is left");
    }
    stage.is_whole().await;
}

#[tokio::test]
async fn what_can_be_no_name_is_said_to_nobody() {
    let Some(stage) = Stage::new().await else { return };
    for name in ["", "\0", "a\0b", &"x".repeat(256)] {
        let said = stage.runs(Sql::new("DROP SHARE IF EXISTS ").name(name)).await;
        assert!(said.unwrap_err().starts_with("name-unsayable"), "{name:?}");
    }
    assert!(stage.twin.statements("DROP%20SHARE").await.is_empty());
}

/// Physical columns, and texts of consent, as owners of agreements write them.
#[tokio::test]
async fn physical_names_stay_inside_the_view() {
    let Some(stage) = Stage::new().await else { return };
    let platform = PlatformId::snowflake();
    let dataset = "orders".parse().unwrap();
    let usable = |name: &&String| !name.chars().any(char::is_control);
    for name in hostile().iter().filter(usable) {
        let mut agreement = (*stage.agreement).clone();
        let orders = agreement.datasets.get_mut(&dataset).unwrap();
        orders.at.insert(platform.clone(), Location::Name("SUITE.PUBLIC.ODD".to_owned()));
        orders.columns.get_mut(&"measured".parse().unwrap()).unwrap().from.clone_from(name);
        let columns = [("email_sha256", "VARCHAR"), (name.as_str(), "FLOAT")];
        stage.twin.sql(PROVIDER, &["DROP TABLE IF EXISTS SUITE.PUBLIC.ODD"]).await;
        stage.twin.table(PROVIDER, "SUITE/PUBLIC/ODD", &columns, &json!([["x", 1.5]])).await;
        let view = entry(&platform, &dataset, &agreement.datasets[&dataset]).unwrap();
        let schema = ["AIRLOCK".to_owned(), "ODD".to_owned()];
        let path = ["AIRLOCK", "ODD", "V"].map(str::to_owned);
        let put = PutView { path, guarded: None, comment: mark().text(), body: Body::Entry(view) };
        let all = [Call::CreateSchema { path: schema, mark: mark() }, Call::PutView(put)];
        for call in all {
            assert_eq!(stage.runs(call.sql()).await, Ok(()), "{name:?}");
        }
        let rows = stage.twin.sql(PROVIDER, &["SELECT \"measured\" FROM AIRLOCK.ODD.V"]).await;
        assert_eq!(rows.len(), 1, "{name:?}");
    }
    stage.is_whole().await;
}
