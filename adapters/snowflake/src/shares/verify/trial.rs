//! A throwaway schema and a share that lets nobody in: whether policies, views and lists are what shares count on, over rows that are made
//! up here. What was made is taken away again, whatever failed.

use super::{columns, policies};
use crate::session::Session;
use crate::shares::import::bare;
use crate::sql::Sql;
use crate::verify::{Question, Report};
use adapter_spi::{CallClass, ErrorKind, Result};

const MADE: Question =
    ("made", "a schema, a table and a view are made in the database of the connection");
const POLICY: Question = ("policy-made", "an aggregation policy is made: the edition has them");
const REMOVED: Question = ("removed", "all that was made is gone again");

/// What a trial asks, in order.
pub(super) fn asked() -> impl Iterator<Item = Question> {
    let first = [MADE, POLICY].into_iter();
    first.chain(policies::ASKED).chain(columns::ASKED).chain([REMOVED])
}

/// What a trial goes over.
pub(super) struct Trial<'a> {
    pub(super) session: &'a Session,
    pub(super) database: &'a str,
    /// Of the schema, and of the share.
    pub(super) name: String,
}

/// Goes through it, and says what was found.
pub(super) async fn trial(session: &Session, database: &str, report: &mut Report) {
    let request = match session.fresh("verify") {
        Ok(request) => request.to_string(),
        Err(error) => {
            report.say(MADE, &Err(error));
            return;
        }
    };
    let word: String = request.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
    let name = format!("AIRLOCK_TRIAL_{}", word.to_ascii_uppercase());
    let trial = Trial { session, database, name };
    Box::pin(trial.goes(report)).await;
    let removed = Box::pin(trial.removed()).await;
    let missing = asked().filter(|one| *one != REMOVED);
    let missing: Vec<Question> = missing.filter(|one| !report.answers(*one)).collect();
    for question in missing {
        report.skip(question);
    }
    report.say(REMOVED, &removed);
}

impl Trial<'_> {
    pub(super) async fn write(&self, operation: &'static str, sql: Sql) -> Result<()> {
        let request = self.session.fresh(operation)?;
        Box::pin(self.session.write(operation, request, sql)).await.map(drop)
    }

    /// Something of the trial's schema, as a name.
    pub(super) fn path<'b>(&'b self, name: &'b str) -> [&'b str; 3] {
        [self.database, &self.name, name]
    }

    /// As far as it goes: what comes after rests on the first.
    async fn goes(&self, report: &mut Report) {
        if !report.say(MADE, &Box::pin(self.made()).await) {
            return;
        }
        let policy = Box::pin(policies::made(self)).await;
        report.edition = if policy.is_ok() { "enterprise-or-higher" } else { "lower-or-not-let" };
        if report.say(POLICY, &policy) {
            Box::pin(policies::asks(self, report)).await;
        }
        Box::pin(columns::asks(self, report)).await;
    }

    /// Four people of one area, two each of two others, and a table that nothing protects.
    async fn made(&self) -> Result<bool> {
        let schema = Sql::new("CREATE SCHEMA ").path(&[self.database, &self.name]);
        self.write("CREATE SCHEMA", schema).await?;
        let table = Sql::new("CREATE TABLE ").path(&self.path("PEOPLE"));
        let table = table.word(" AS SELECT 'p' || column1 AS \"person\", column2 AS \"area\", column1 AS \"number\" FROM VALUES (1, 'a'), (2, 'a'), (3, 'a'), (4, 'a'), (5, 'b'), (6, 'b'), (7, 'c'), (8, 'c')");
        self.write("CREATE TABLE", table).await?;
        let own = Sql::new("CREATE TABLE ").path(&self.path("OWN"));
        let own = own.word(" AS SELECT \"person\", \"area\" FROM ").path(&self.path("PEOPLE"));
        self.write("CREATE TABLE", own).await?;
        Ok(true)
    }

    /// Takes away what was made, and looks whether it is gone. What is not there is.
    async fn removed(&self) -> Result<bool> {
        let share = Sql::new("DROP SHARE IF EXISTS ").name(&self.name);
        let dropped = self.write("DROP SHARE", share).await;
        let schema = Sql::new("DROP SCHEMA IF EXISTS ").path(&[self.database, &self.name]);
        let schema = self.write("DROP SCHEMA", schema.word(" CASCADE")).await;
        for done in [dropped, schema] {
            done.or_else(
                |error| if error.kind == ErrorKind::NotFound { Ok(()) } else { Err(error) },
            )?;
        }
        let sql = Sql::new("SHOW SHARES LIKE ").beginning(&self.name);
        let shares = self.session.rows("SHOW SHARES", CallClass::List, sql).await?.of(["name"])?;
        let sql = Sql::new("SHOW SCHEMAS LIKE ").beginning(&self.name);
        let sql = sql.word(" IN DATABASE ").name(self.database);
        let schemas =
            self.session.rows("SHOW SCHEMAS", CallClass::List, sql).await?.of(["name"])?;
        let is_it = |name: &Option<String>| {
            name.as_deref().is_some_and(|name| bare(name, None) == self.name)
        };
        Ok(!shares.iter().chain(&schemas).any(|[name]| is_it(name)))
    }
}
