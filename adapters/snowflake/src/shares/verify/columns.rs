//! What lists and descriptions are like that a look reads, over a trial's own schema and share.

use super::trial::Trial;
use super::{Look, asks as columns};
use crate::sql::Sql;
use crate::verify::{Question, Report, cell};
use adapter_spi::{CallClass, Result};

const VIEWS: Question = ("show-views", "SHOW VIEWS has the columns that it is read by");
const POLICIES: Question =
    ("show-policies", "SHOW AGGREGATION POLICIES has the columns that it is read by");
const POLICY: Question =
    ("desc-policy", "DESC AGGREGATION POLICY has the columns that it is read by");
const REFERENCES: Question =
    ("policy-references", "POLICY_REFERENCES has the columns that it is read by");
const TABLE: Question = ("desc-table", "DESC TABLE has the columns that it is read by");
const VIEW: Question = ("desc-view", "DESC VIEW has the columns that it is read by");
const COLLATED: Question = ("collation-shown", "DESC TABLE shows a collation in a column's type");
const CHANGED: Question =
    ("last-ddl", "LAST_DDL of INFORMATION_SCHEMA.TABLES shows a new column at once");
const SCANNED: Question = ("result-scan", "RESULT_SCAN reads what another statement answered");
const SHARED: Question = ("share-made", "a share is made, and given the view");
const GRANTS: Question =
    ("show-grants-to-share", "SHOW GRANTS TO SHARE has the columns that it is read by");
const ACCOUNTS: Question =
    ("show-grants-of-share", "SHOW GRANTS OF SHARE names the accounts of a share");
const SHARE: Question = ("desc-share", "DESC SHARE has the columns that it is read by");

pub(super) const ASKED: [Question; 13] = [
    VIEWS, POLICIES, POLICY, REFERENCES, TABLE, VIEW, COLLATED, CHANGED, SCANNED, SHARED, GRANTS,
    ACCOUNTS, SHARE,
];

/// Each question by itself; those of the share once there is one.
pub(super) async fn asks(trial: &Trial<'_>, report: &mut Report) {
    let schema = || [trial.database, trial.name.as_str()];
    let policy = crate::names::minimum(3);
    let references = Sql::new(
        "SELECT POLICY_NAME, REF_DATABASE_NAME, REF_SCHEMA_NAME, REF_ENTITY_NAME, REF_ARG_COLUMN_NAMES, POLICY_STATUS FROM TABLE(",
    );
    let references = references.name(trial.database);
    let references = references.word(".INFORMATION_SCHEMA.POLICY_REFERENCES(POLICY_NAME => ");
    let looks: [(Look, Sql); 6] = [
        (
            (VIEWS, "SHOW VIEWS", &["name", "text", "is_secure", "comment"]),
            Sql::new("SHOW VIEWS IN SCHEMA ").path(&schema()),
        ),
        (
            (POLICIES, "SHOW AGGREGATION POLICIES", &["name"]),
            Sql::new("SHOW AGGREGATION POLICIES IN SCHEMA ").path(&schema()),
        ),
        (
            (POLICY, "DESC AGGREGATION POLICY", &["body"]),
            Sql::new("DESC AGGREGATION POLICY ").path(&trial.path(&policy)),
        ),
        (
            (
                REFERENCES,
                "POLICY_REFERENCES",
                &["policy_name", "ref_entity_name", "ref_arg_column_names", "policy_status"],
            ),
            references.path_text(&trial.path(&policy)).word("))"),
        ),
        (
            (TABLE, "DESC TABLE", &["name", "type"]),
            Sql::new("DESC TABLE ").path(&trial.path("PEOPLE")),
        ),
        (
            (VIEW, "DESC VIEW", &["name", "type"]),
            Sql::new("DESC VIEW ").path(&trial.path("GUARDED")),
        ),
    ];
    for (look, sql) in looks {
        Box::pin(columns(trial.session, report, look, sql)).await;
    }
    report.say(COLLATED, &Box::pin(collated(trial)).await);
    report.say(CHANGED, &Box::pin(changed(trial)).await);
    report.say(SCANNED, &Box::pin(scanned(trial)).await);
    if !report.say(SHARED, &Box::pin(shared(trial)).await) {
        return;
    }
    let share = trial.name.as_str();
    let looks: [(Look, Sql); 3] = [
        (
            (GRANTS, "SHOW GRANTS TO SHARE", &["privilege", "granted_on", "name"]),
            Sql::new("SHOW GRANTS TO SHARE ").name(share),
        ),
        (
            (ACCOUNTS, "SHOW GRANTS OF SHARE", &["grantee_name"]),
            Sql::new("SHOW GRANTS OF SHARE ").name(share),
        ),
        ((SHARE, "DESC SHARE", &["kind", "name"]), Sql::new("DESC SHARE ").name(share)),
    ];
    for (look, sql) in looks {
        Box::pin(columns(trial.session, report, look, sql)).await;
    }
}

async fn collated(trial: &Trial<'_>) -> Result<bool> {
    let table = Sql::new("CREATE TABLE ").path(&trial.path("COLLATED"));
    let table = table.word(" (\"said\" VARCHAR(10) COLLATE 'en-ci')");
    trial.write("CREATE TABLE", table).await?;
    let sql = Sql::new("DESC TABLE ").path(&trial.path("COLLATED"));
    let rows = trial.session.rows("DESC TABLE", CallClass::Read, sql).await?.of(["type"])?;
    let collates = |of: &String| of.to_ascii_uppercase().contains("COLLATE");
    Ok(rows.iter().any(|[of]| of.as_ref().is_some_and(collates)))
}

async fn changed(trial: &Trial<'_>) -> Result<bool> {
    let before = last_ddl(trial).await?;
    let sql =
        Sql::new("ALTER TABLE ").path(&trial.path("OWN")).word(" ADD COLUMN \"more\" VARCHAR");
    trial.write("ALTER TABLE", sql).await?;
    Ok(last_ddl(trial).await? != before)
}

async fn last_ddl(trial: &Trial<'_>) -> Result<Option<String>> {
    let sql = Sql::new("SELECT LAST_DDL AS N FROM ").name(trial.database);
    let sql = sql.word(".INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = ").text(&trial.name);
    let sql = sql.word(" AND TABLE_NAME = ").text("OWN");
    cell(trial.session, "TABLES", sql).await
}

async fn scanned(trial: &Trial<'_>) -> Result<bool> {
    let request = trial.session.fresh("SELECT")?;
    let sql = Sql::new("SELECT \"person\" FROM ").path(&trial.path("PEOPLE"));
    let done = Box::pin(trial.session.write("SELECT", request, sql)).await?;
    let sql = Sql::new("SELECT COUNT(*) AS N FROM ").result_of(done.handle());
    Ok(cell(trial.session, "RESULT_SCAN", sql).await?.as_deref() == Some("8"))
}

/// Nobody is let in.
async fn shared(trial: &Trial<'_>) -> Result<bool> {
    let share = trial.name.as_str();
    let sql = Sql::new("CREATE SHARE ").name(share);
    trial.write("CREATE SHARE", sql).await?;
    let grants = [
        Sql::new("GRANT USAGE ON DATABASE ").name(trial.database),
        Sql::new("GRANT USAGE ON SCHEMA ").path(&[trial.database, share]),
        Sql::new("GRANT SELECT ON VIEW ").path(&trial.path("GUARDED")),
    ];
    for grant in grants {
        trial.write("GRANT TO SHARE", grant.word(" TO SHARE ").name(share)).await?;
    }
    Ok(true)
}
