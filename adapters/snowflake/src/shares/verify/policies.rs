//! What policies do to whoever asks, over a trial's made-up people: four in one area, two each in two others, none of fewer than three.

use super::trial::Trial;
use crate::shares::call::{Body, Guarded, PutView};
use crate::shares::mark::Mark;
use crate::sql::Sql;
use crate::verify::{Question, Report, cell};
use adapter_spi::{CallClass, Result};
use mappings::model::{CollaborationId, Digest};

const VIEW_TEXT: Question =
    ("view-text", "SHOW VIEWS gives the text of a view byte for byte as it was sent");
const MERGED: Question =
    ("thin-groups-merged", "thin groups are one row with NULL keys, the others are as they are");
const HAVING: Question =
    ("remainder-left-out", "that row does not pass a text's HAVING of the same threshold");
const ROWS: Question = ("rows-refused", "single rows are refused");
const CASE: Question = ("case-in-aggregate", "CASE may stand inside an aggregate");
const JOINED: Question = (
    "policy-over-own-tables",
    "thin groups are merged where a table without a policy is joined, too",
);
const AREAS: Question =
    ("groups-of-others", "they are merged where the group is of the table without a policy, too");
const MINIMUM: Question = ("minimum-refused", "MIN is refused");
const PROJECTION: Question = (
    "projection-policy",
    "a column under a projection policy is refused in the output, and counted",
);

pub(super) const ASKED: [Question; 9] =
    [VIEW_TEXT, MERGED, HAVING, ROWS, CASE, JOINED, AREAS, MINIMUM, PROJECTION];

const THRESHOLD: u64 = 3;
const VIEW: &str = "GUARDED";
const PLAIN: &str = "PLAIN";

/// A policy, and a view under it by the very statement that shares use.
pub(super) async fn made(trial: &Trial<'_>) -> Result<bool> {
    let policy = crate::names::minimum(THRESHOLD);
    let sql = Sql::new("CREATE AGGREGATION POLICY ").path(&trial.path(&policy));
    let sql = sql
        .word(" AS () RETURNS AGGREGATION_CONSTRAINT -> AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => ");
    trial.write("CREATE AGGREGATION POLICY", sql.number(THRESHOLD).word(")")).await?;
    trial.write("CREATE VIEW", view(trial).map_or_else(|| Sql::new(""), |view| view.sql())).await?;
    Ok(true)
}

fn view(trial: &Trial<'_>) -> Option<PutView> {
    let own = |path: [&str; 3]| path.map(str::to_owned);
    let collaboration: CollaborationId = "airlock-trial".parse().ok()?;
    let columns = ["person", "area", "number"].map(str::to_owned).to_vec();
    Some(PutView {
        path: own(trial.path(VIEW)),
        guarded: Some(Guarded { entities_min: THRESHOLD, key: "person".to_owned() }),
        comment: Mark::of(&collaboration).text(),
        body: Body::Mounted { columns, from: own(trial.path("PEOPLE")) },
    })
}

/// Each question by itself.
pub(super) async fn asks(trial: &Trial<'_>, report: &mut Report) {
    report.say(VIEW_TEXT, &text(trial).await);
    let guarded = || {
        Sql::new("SELECT \"area\" AS K, COUNT(DISTINCT \"person\") AS N FROM ")
            .path(&trial.path(VIEW))
    };
    let merged = groups(trial, guarded().word(" GROUP BY \"area\"")).await;
    let is_merged = |found: &Groups| *found == [(None, 4), (Some("a".to_owned()), 4)];
    report.say(MERGED, &merged.map(|found| is_merged(&found)));
    let having = guarded().word(" GROUP BY \"area\" HAVING COUNT(DISTINCT \"person\") >= 3");
    let having = groups(trial, having).await;
    report.say(HAVING, &having.map(|found| found == [(Some("a".to_owned()), 4)]));
    let rows = Sql::new("SELECT \"person\" AS K FROM ").path(&trial.path(VIEW));
    report.say(ROWS, &refused(trial, rows).await);
    let case =
        Sql::new("SELECT COUNT(DISTINCT CASE WHEN \"number\" > 0 THEN \"person\" END) AS N FROM ");
    let case = cell(trial.session, "SELECT", case.path(&trial.path(VIEW))).await;
    report.say(CASE, &case.map(|found| found.as_deref() == Some("8")));
    let joined = |words: &'static str| {
        let sql = Sql::new(words).path(&trial.path(VIEW)).word(" V JOIN ");
        sql.path(&trial.path("OWN")).word(" O ON V.\"person\" = O.\"person\"")
    };
    let own = joined("SELECT V.\"area\" AS K, COUNT(DISTINCT V.\"person\") AS N FROM ");
    let own = groups(trial, own.word(" GROUP BY V.\"area\"")).await;
    report.say(JOINED, &own.map(|found| is_merged(&found)));
    let areas = joined("SELECT O.\"area\" AS K, COUNT(DISTINCT V.\"person\") AS N FROM ");
    let areas = groups(trial, areas.word(" GROUP BY O.\"area\"")).await;
    report.say(AREAS, &areas.map(|found| is_merged(&found)));
    let least = Sql::new("SELECT MIN(\"number\") AS N FROM ").path(&trial.path(VIEW));
    report.say(MINIMUM, &refused(trial, least).await);
    report.say(PROJECTION, &Box::pin(projected(trial)).await);
}

type Groups = Vec<(Option<String>, u64)>;

/// Keys and counts, in order: of rows that are made up here.
async fn groups(trial: &Trial<'_>, sql: Sql) -> Result<Groups> {
    let rows = trial.session.rows("SELECT", CallClass::Read, sql).await?.of(["k", "n"])?;
    let rows = rows
        .into_iter()
        .map(|[key, count]| (key, count.and_then(|count| count.parse().ok()).unwrap_or_default()));
    let mut rows: Groups = rows.collect();
    rows.sort();
    Ok(rows)
}

/// Whether the platform refuses to answer. What it refuses for another reason than a policy is an error.
async fn refused(trial: &Trial<'_>, sql: Sql) -> Result<bool> {
    match trial.session.rows("SELECT", CallClass::Read, sql).await {
        Ok(_) => Ok(false),
        Err(error) if error.code == "policy-refused" => Ok(true),
        Err(error) => Err(error),
    }
}

async fn text(trial: &Trial<'_>) -> Result<bool> {
    let sent = view(trial).and_then(|view| view.text());
    let sql = Sql::new("SHOW VIEWS IN SCHEMA ").path(&[trial.database, &trial.name]);
    let rows =
        trial.session.rows("SHOW VIEWS", CallClass::List, sql).await?.of(["name", "text"])?;
    let shown = rows.into_iter().find(|[name, _]| name.as_deref() == Some(VIEW));
    let shown = shown.and_then(|[_, text]| text).map(|text| Digest::of(text.as_bytes()));
    Ok(shown.is_some() && shown == sent)
}

async fn projected(trial: &Trial<'_>) -> Result<bool> {
    let policy = Sql::new("CREATE PROJECTION POLICY ").path(&trial.path("HIDDEN"));
    let policy = policy
        .word(" AS () RETURNS PROJECTION_CONSTRAINT -> PROJECTION_CONSTRAINT(ALLOW => FALSE)");
    trial.write("CREATE PROJECTION POLICY", policy).await?;
    let view = Sql::new("CREATE SECURE VIEW ").path(&trial.path(PLAIN));
    let view = view.word(" AS SELECT \"person\", \"area\" FROM ").path(&trial.path("PEOPLE"));
    trial.write("CREATE VIEW", view).await?;
    let alter = Sql::new("ALTER VIEW ").path(&trial.path(PLAIN));
    let alter = alter.word(" MODIFY COLUMN \"person\" SET PROJECTION POLICY ");
    trial.write("ALTER VIEW", alter.path(&trial.path("HIDDEN"))).await?;
    let shown = Sql::new("SELECT \"person\" AS K FROM ").path(&trial.path(PLAIN));
    let counted = Sql::new("SELECT COUNT(DISTINCT \"person\") AS N FROM ").path(&trial.path(PLAIN));
    let refused = refused(trial, shown).await?;
    let counted = cell(trial.session, "SELECT", counted).await?;
    Ok(refused && counted.as_deref() == Some("8"))
}
