//! Texts that would hurt, as bound values, literals and names: each stays what it is.

use super::call;
use super::twin::{Twin, run};
use crate::{Binding, Identifier, Statement, text_literal};

const HOSTILE: [&str; 27] = [
    "a\"b",
    "a'b",
    "a''b",
    "a\"\"b",
    "a;b",
    "--",
    "/*x*/",
    "$$",
    "$x$",
    "a b",
    "a.b",
    "SELECT",
    "%_",
    "é漢字😀",
    "1st",
    "\\",
    "\\'",
    "a\nb",
    "a\tb",
    "?",
    ":1",
    "lower",
    "ТАБЛИЦА",
    "\u{202e}evil",
    "'; DROP TABLE D.PUBLIC.T; --",
    "\"; DROP DATABASE D; --",
    "{{x}}",
];

#[tokio::test]
async fn values_stay_values() {
    let Some(twin) = Twin::fresh().await else { return };
    let client = twin.client();
    for text in HOSTILE {
        let literal = text_literal(text).unwrap();
        let statement = Statement::new(format!("SELECT ? AS BOUND, {literal} AS SAID"));
        let statement = statement.bind(Binding::text(text));
        let found = client.execute(&statement, call()).await;
        let table = found.unwrap_or_else(|e| panic!("{e}: {text:?}")).table().await.unwrap();
        assert_eq!(table.column("BOUND").unwrap(), [Some(text)]);
        assert_eq!(table.column("SAID").unwrap(), [Some(text)]);
    }
}

#[tokio::test]
async fn names_stay_names() {
    let Some(twin) = Twin::fresh().await else { return };
    let client = twin.client();
    run(&client, "CREATE DATABASE D").await;
    run(&client, "CREATE TABLE D.PUBLIC.T AS SELECT 1 AS N").await;
    let long = "x".repeat(255);
    for name in HOSTILE.into_iter().chain([long.as_str()]) {
        let quoted = Identifier::new(name).unwrap();
        let names = ["D", name, name].map(|name| Identifier::new(name).unwrap());
        let path = Identifier::path(&names);
        run(&client, &format!("CREATE SCHEMA {}", Identifier::path(&names[..2]))).await;
        let create = format!("CREATE TABLE {path} AS SELECT 'v' AS {quoted}");
        run(&client, &create).await;
        let found = run(&client, &format!("SELECT {quoted} FROM {path}")).await;
        assert_eq!(found.columns()[0].name, name);
        let show = format!("SHOW TABLES IN SCHEMA {}", Identifier::path(&names[..2]));
        let shown = run(&client, &show).await.table().await.unwrap();
        assert_eq!(shown.column("name").unwrap(), [Some(name)]);
    }
    assert_eq!(run(&client, "SELECT N FROM D.PUBLIC.T").await.row_count(), 1, "it is still there");
}
