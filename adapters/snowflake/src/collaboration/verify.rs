//! What is unverified on a real account, tried there: with calls that read alone, or, when that is asked for, in a throwaway
//! collaboration of one account over rows made up here.

mod presets;
mod trial;

#[cfg(test)]
pub(crate) use trial::HOSTILE;

use super::observe::listed_rooms;
use super::room::SnowflakeCollaborations;
use super::runs::LOCAL;
use crate::session::Session;
use crate::sql::Sql;
use crate::verify::{Question, Report, figures, reached};
use adapter_spi::{CallClass, Cx, Result};
use mappings::model::{Agreement, MemberId};

const LISTED: Question =
    ("procedures-return-rows", "VIEW_COLLABORATIONS answers rows over the SQL API");
const REGISTRY: Question = (
    "registry-returns-rows",
    "VIEW_REGISTERED_TEMPLATES and _DATA_OFFERINGS answer rows over the SQL API",
);
const SCANNED: Question =
    ("result-scan-of-a-call", "RESULT_SCAN reads what a call of a procedure answered");
const ROLES: Question = (
    "secondary-roles-off",
    "the user has no secondary roles by default, as INITIALIZE, JOIN and LINK want it",
);
const HISTORY: Question = ("query-history", "runs can be found in QUERY_HISTORY, to be stopped");
const LOCAL_HISTORY: Question = (
    "query-history-of-the-application",
    "the application's own database shows them, where the role has no other",
);
const SHARES: Question = (
    "reference-usage",
    "the role owns the database of the views, or holds REFERENCE_USAGE on it with grant option",
);

impl SnowflakeCollaborations {
    /// Tries it in the account of an operated member. A trial makes a collaboration, a view, an offering and a template of its own, and
    /// takes them down again as far as the platform lets it; nothing else writes.
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
        let listed = Box::pin(listed_rooms(&session)).await.map(|_| true);
        let answers = report.say(LISTED, &listed);
        report.say(REGISTRY, &Box::pin(registry(&session)).await);
        report.say(SCANNED, &Box::pin(scanned(&session)).await);
        report.say(ROLES, &Box::pin(roles(&session)).await);
        report.say(HISTORY, &Box::pin(history(&session, &database)).await);
        report.say(LOCAL_HISTORY, &Box::pin(history(&session, LOCAL)).await);
        report.say(SHARES, &Box::pin(shares(&session, &database)).await);
        Box::pin(figures(&session, &mut report)).await;
        if trial && answers {
            Box::pin(trial::trial(&session, &database, &mut report)).await;
        } else {
            for question in trial::ASKED {
                report.skip(question);
            }
        }
        report
    }
}

pub(super) async fn registry(session: &Session) -> Result<bool> {
    const TEMPLATES: &str =
        "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTERED_TEMPLATES()";
    const OFFERINGS: &str =
        "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTERED_DATA_OFFERINGS()";
    let rows =
        session.rows("VIEW_REGISTERED_TEMPLATES", CallClass::List, Sql::new(TEMPLATES)).await?;
    rows.of(["template_id", "template_spec"])?;
    let rows = session
        .rows("VIEW_REGISTERED_DATA_OFFERINGS", CallClass::List, Sql::new(OFFERINGS))
        .await?;
    rows.of(["data_offering_id", "data_offering_spec"]).map(|_| true)
}

async fn scanned(session: &Session) -> Result<bool> {
    const TEXT: &str = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS()";
    let request = session.fresh("verify")?;
    let done = Box::pin(session.write("VIEW_COLLABORATIONS", request, Sql::new(TEXT))).await?;
    let sql = Sql::new("SELECT COUNT(*) AS N FROM ").result_of(done.handle());
    let rows = session.rows("RESULT_SCAN", CallClass::Read, sql).await?;
    Ok(rows.of(["n"])?.len() == 1)
}

async fn roles(session: &Session) -> Result<bool> {
    let sql = Sql::new("SELECT CURRENT_SECONDARY_ROLES() AS ROLES");
    let rows = session.rows("CURRENT_SECONDARY_ROLES", CallClass::Read, sql).await?;
    let found =
        rows.of(["roles"])?.into_iter().next().and_then(|[roles]| roles).unwrap_or_default();
    // The answer is JSON: the roles, and `ALL` or nothing.
    let value: serde_json::Value = serde_json::from_str(&found).unwrap_or_default();
    let part = |name: &str| value.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    Ok(part("roles").is_empty() && part("value").is_empty())
}

pub(super) async fn history(session: &Session, database: &str) -> Result<bool> {
    let sql = Sql::new("SELECT QUERY_ID, QUERY_TEXT, QUERY_TAG, EXECUTION_STATUS FROM TABLE(");
    let sql = sql.name(database).word(".INFORMATION_SCHEMA.QUERY_HISTORY(RESULT_LIMIT => 1))");
    let rows = session.rows("QUERY_HISTORY", CallClass::Read, sql).await?;
    rows.of(["query_id", "query_text", "query_tag", "execution_status"]).map(|_| true)
}

pub(super) async fn shares(session: &Session, database: &str) -> Result<bool> {
    const ROLE: &str = "SELECT CURRENT_ROLE() AS ROLE";
    let rows = session.rows("CURRENT_ROLE", CallClass::Read, Sql::new(ROLE)).await?;
    let role = rows.of(["role"])?.into_iter().next().and_then(|[role]| role);
    let sql = Sql::new("SHOW GRANTS ON DATABASE ").name(database);
    let rows = session.rows("SHOW GRANTS", CallClass::Read, sql).await?;
    let mut rows = rows.of(["privilege", "grantee_name", "grant_option"])?.into_iter();
    Ok(rows.any(|[privilege, to, option]| {
        let enough = match privilege.as_deref() {
            Some("OWNERSHIP") => true,
            Some("REFERENCE_USAGE") => option.as_deref() == Some("true"),
            Some(_) | None => false,
        };
        enough && to == role
    }))
}
