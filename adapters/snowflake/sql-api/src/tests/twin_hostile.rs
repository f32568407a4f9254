//! Texts that would hurt, as bound values, literals and names: each stays what it is.

use super::call;
use super::twin::{Twin, run};
use crate::{Binding, Identifier, Statement, text_literal};

/// The list that every place is tried with.
fn hostile() -> Vec<String> {
    let all: Vec<String> =
        serde_json::from_str(include_str!("../../../tests/hostile.json")).unwrap();
    assert!(all.len() >= 100, "{}", all.len());
    all
}

#[tokio::test]
async fn values_stay_values() {
    let Some(twin) = Twin::fresh().await else { return };
    let client = twin.client();
    for text in &hostile() {
        let literal = text_literal(text).unwrap();
        let statement = Statement::new(format!("SELECT ? AS BOUND, {literal} AS SAID"));
        let statement = statement.bind(Binding::text(text.as_str()));
        let found = client.execute(&statement, call()).await;
        let table = found.unwrap_or_else(|e| panic!("{e}: {text:?}")).table().await.unwrap();
        assert_eq!(table.column("BOUND").unwrap(), [Some(text.as_str())]);
        assert_eq!(table.column("SAID").unwrap(), [Some(text.as_str())]);
    }
}

#[tokio::test]
async fn names_stay_names() {
    let Some(twin) = Twin::fresh().await else { return };
    let client = twin.client();
    run(&client, "CREATE DATABASE D").await;
    run(&client, "CREATE TABLE D.PUBLIC.T AS SELECT 1 AS N").await;
    for name in &hostile() {
        let quoted = Identifier::new(name).unwrap();
        let names = ["D", name, name].map(|name| Identifier::new(name).unwrap());
        let path = Identifier::path(&names);
        run(&client, &format!("CREATE SCHEMA {}", Identifier::path(&names[..2]))).await;
        let create = format!("CREATE TABLE {path} AS SELECT 'v' AS {quoted}");
        run(&client, &create).await;
        let found = run(&client, &format!("SELECT {quoted} FROM {path}")).await;
        assert_eq!(found.columns()[0].name, *name);
        let show = format!("SHOW TABLES IN SCHEMA {}", Identifier::path(&names[..2]));
        let shown = run(&client, &show).await.table().await.unwrap();
        assert_eq!(shown.column("name").unwrap(), [Some(name.as_str())]);
        run(&client, &format!("DROP SCHEMA {}", Identifier::path(&names[..2]))).await;
    }
    assert_eq!(run(&client, "SELECT N FROM D.PUBLIC.T").await.row_count(), 1, "it is still there");
}
