//! What shares rest on and no document settles, tried in a member's own account: by looking at what lists are like, and, when that is
//! asked for, with a throwaway schema, policies, views and a share that lets nobody in, over rows made up here.

mod columns;
mod policies;
mod trial;

use super::room::SnowflakeShares;
use crate::session::Session;
use crate::sql::Sql;
use crate::verify::{Question, Report, figures, reached};
use adapter_spi::{CallClass, Cx, Result};
use mappings::model::{Agreement, MemberId};

const SHARES: Question = ("show-shares", "SHOW SHARES has the columns that it is read by");
const DATABASES: Question = ("show-databases", "SHOW DATABASES has the columns that it is read by");
const SCHEMAS: Question = ("show-schemas", "SHOW SCHEMAS has the columns that it is read by");
const GRANTS: Question =
    ("show-grants-to-role", "SHOW GRANTS TO ROLE has the columns that it is read by");
const HISTORY: Question =
    ("query-history", "runs can be found in QUERY_HISTORY_BY_USER, to be stopped");

/// A look, and the columns that it has to have.
type Look = (Question, &'static str, &'static [&'static str]);

/// Whether an answer has the columns that it is read by; how they are called is kept.
async fn asks(
    session: &Session,
    report: &mut Report,
    (question, statement, columns): Look,
    sql: Sql,
) -> bool {
    let found = session.rows(statement, CallClass::List, sql).await;
    let found = found.map(|rows| {
        report.shows(statement, &rows);
        columns.iter().all(|wanted| rows.has(wanted))
    });
    report.say(question, &found)
}

impl SnowflakeShares {
    /// Tries it in the account of an operated member. A trial makes a schema, a share and what is in them under names of its own, lets
    /// nobody in, and takes all of it away again, whatever failed; nothing else writes.
    pub async fn verify(
        &self,
        agreement: &Agreement,
        member: &MemberId,
        trial: bool,
        cx: &Cx,
    ) -> Report {
        let mut report = Report::new(self.reach.platform());
        let whose = (agreement, member);
        let reached = Box::pin(reached(&self.reach, whose, &mut report, cx)).await;
        let Some((session, database)) = reached else { return report };
        Box::pin(reads(&session, &database, &mut report)).await;
        if trial {
            Box::pin(trial::trial(&session, &database, &mut report)).await;
        } else {
            for question in trial::asked() {
                report.skip(question);
            }
        }
        report
    }
}

/// What reading alone tells.
async fn reads(session: &Session, database: &str, report: &mut Report) {
    const SHOWN: &[&str] =
        &["kind", "owner_account", "name", "database_name", "to", "comment", "listing_global_name"];
    let sql = Sql::new("SHOW SHARES");
    asks(session, report, (SHARES, "SHOW SHARES", SHOWN), sql).await;
    let look = (DATABASES, "SHOW DATABASES", &["name", "kind", "owner"][..]);
    asks(session, report, look, Sql::new("SHOW DATABASES")).await;
    let look = (SCHEMAS, "SHOW SCHEMAS", &["name", "comment"][..]);
    let sql = Sql::new("SHOW SCHEMAS IN DATABASE ").name(database);
    asks(session, report, look, sql).await;
    let look =
        (GRANTS, "SHOW GRANTS TO ROLE", &["privilege", "granted_on", "name", "grant_option"][..]);
    match role(session).await {
        Ok(role) => {
            asks(session, report, look, Sql::new("SHOW GRANTS TO ROLE ").name(&role)).await;
        }
        Err(error) => {
            report.say(GRANTS, &Err(error));
        }
    }
    let look = (HISTORY, "QUERY_HISTORY", &["query_id", "query_tag", "execution_status"][..]);
    let sql = Sql::new("SELECT QUERY_ID, QUERY_TAG, EXECUTION_STATUS FROM TABLE(").name(database);
    let sql = sql.word(".INFORMATION_SCHEMA.QUERY_HISTORY_BY_USER(RESULT_LIMIT => 1))");
    asks(session, report, look, sql).await;
    Box::pin(figures(session, report)).await;
}

async fn role(session: &Session) -> Result<String> {
    let sql = Sql::new("SELECT CURRENT_ROLE() AS ROLE");
    let rows = session.rows("CURRENT_ROLE", CallClass::Read, sql).await?.of(["role"])?;
    Ok(rows.into_iter().next().and_then(|[role]| role).unwrap_or_default())
}
