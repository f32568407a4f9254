//! Runs that nothing allows any more, whoever started them: found in the query history of runners, and cancelled. A run that its runner
//! started with bound arguments and without a tag of ours names no collaboration: it is not told apart. Must not know this process's
//! own runs.

use crate::collaboration::known::Known;
use crate::collaboration::names;
use crate::collaboration::room::SnowflakeCollaborations;
use crate::collaboration::wanted::wanted;
use crate::session::{Rows, Session};
use crate::sql::Sql;
use adapter_spi::{CallClass, Cx, Desired, ErrorKind, Result, Scope};
use mappings::model::MemberId;
use snowflake_sql_api::Handle;
use std::collections::BTreeSet;

/// What the platform's application makes in each account that it is installed in: it is there whatever else is. That it shows statements
/// is unverified on a real account, and asked by `airlock connections verify`: where it shows none, other databases are asked.
pub(crate) const LOCAL: &str = "SAMOOHA_BY_SNOWFLAKE_LOCAL_DB";

/// One statement that runs.
struct Live {
    id: String,
    text: String,
    tag: String,
}

impl SnowflakeCollaborations {
    /// Cancels what runs without leave; how much of that ran still.
    pub(super) async fn stopped(&self, desired: &Desired, scope: &Scope, cx: &Cx) -> Result<usize> {
        let known = Known::of(scope);
        let allowed = wanted(desired);
        let runners: BTreeSet<&MemberId> = known.rooms.values().map(|room| &room.runner).collect();
        let (mut running, mut failed) = (0, None);
        for seat in self.reach.seats(scope) {
            let runner = runners.get(&seat.member);
            let Some(connection) = runner.and_then(|one| self.reach.connection(one)) else {
                continue;
            };
            let room = allowed.rooms.get(&seat.member);
            let texts = room.into_iter().flat_map(|room| room.templates.values());
            let texts: BTreeSet<&String> = texts.map(|said| &said.id).collect();
            let session = Box::pin(self.reach.seated(&seat, cx)).await;
            let stopped = match session {
                Ok(session) => {
                    let of = (scope, &known, &texts);
                    Box::pin(stop(&session, connection.database(), of)).await
                }
                Err(error) => Err(error),
            };
            match stopped {
                Ok(still) => running += still,
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(running), Err)
    }
}

async fn stop(
    session: &Session,
    database: &str,
    (scope, known, allowed): (&Scope, &Known, &BTreeSet<&String>),
) -> Result<usize> {
    let rows = history(session, database).await?;
    let rows = rows.of(["query_id", "query_text", "query_tag", "execution_status"])?.into_iter();
    let live = rows.filter_map(|[id, text, tag, status]| {
        // Whatever did not end runs, or will once its warehouse is awake.
        let status = status.unwrap_or_default().to_ascii_uppercase();
        let ended = status.starts_with("FAIL")
            || matches!(status.as_str(), "SUCCESS" | "INCIDENT" | "CANCELED");
        let (text, tag) = (text.unwrap_or_default(), tag.unwrap_or_default());
        (!ended).then_some(Live { id: id?, text, tag })
    });
    let (mut running, mut failed) = (0, None);
    for one in live.filter(|one| is_unwanted(one, scope, (known, allowed))) {
        let Ok(handle) = one.id.parse::<Handle>() else { continue };
        running += 1;
        if let Err(error) = Box::pin(session.cancel("cancel", &handle)).await {
            failed = failed.or(Some(error));
        }
    }
    failed.map_or(Ok(running), Err)
}

/// The account's statements that did not end well, as any database shows them that the role sees. The gateway's own is not in each
/// account of a runner. That none shows them is an error: nothing was looked at then.
async fn history(session: &Session, database: &str) -> Result<Rows> {
    match Box::pin(history_of(session, LOCAL)).await {
        Err(error) if is_away(error.kind) => {}
        found => return found,
    }
    let unseen = match Box::pin(history_of(session, database)).await {
        Err(error) if is_away(error.kind) => error,
        found => return found,
    };
    let shown = session.rows("SHOW DATABASES", CallClass::List, Sql::new("SHOW DATABASES"));
    for [other] in Box::pin(shown).await?.of(["name"])? {
        let Some(other) = other else { continue };
        match Box::pin(history_of(session, &other)).await {
            Err(error) if is_away(error.kind) => {}
            found => return found,
        }
    }
    Err(unseen)
}

/// Whether a database is not there, or not for this role.
fn is_away(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::PermissionDenied)
}

async fn history_of(session: &Session, database: &str) -> Result<Rows> {
    let sql = Sql::new("SELECT QUERY_ID, QUERY_TEXT, QUERY_TAG, EXECUTION_STATUS FROM TABLE(");
    let sql = sql.name(database).word(".INFORMATION_SCHEMA.QUERY_HISTORY(RESULT_LIMIT => 10000))");
    // Texts of ten thousand that ended would be too long an answer.
    let sql = sql.word(" WHERE COALESCE(UPPER(EXECUTION_STATUS), '') <> 'SUCCESS'");
    session.rows("QUERY_HISTORY", CallClass::List, sql).await
}

/// Whether a statement is a run of ours that nothing allows.
fn is_unwanted(one: &Live, scope: &Scope, (known, allowed): (&Known, &BTreeSet<&String>)) -> bool {
    let text = one.text.to_ascii_lowercase();
    let runs = text.contains("collaboration.run(");
    let mut tag = one.tag.split('/');
    let ours = (tag.next(), tag.next()) == (Some("airlock"), Some(scope.collaboration.as_str()));
    // What unloads a run's rows has the run's tag.
    let unloads = ours && text.starts_with("copy into ");
    if !(runs || unloads) {
        return false;
    }
    if ours {
        return !tag.next().is_some_and(|id| allowed.iter().any(|one| one.as_str() == id));
    }
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.any(|word| {
        known.rooms.values().any(|room| names::generation_of(&room.base, word).is_some())
    }) && !allowed.iter().any(|id| text.contains(id.as_str()))
}

#[cfg(test)]
mod tests {
    //! What is stopped and what is left.
    use super::*;
    use adapter_spi::suite;
    use mappings::model::PlatformId;
    use std::sync::Arc;

    #[test]
    fn only_runs_of_this_agreement_that_nothing_allows() {
        let document = suite::agreement(&PlatformId::snowflake_dcr(), "suite-stop", 1);
        let scope = Scope::of(&Arc::new(serde_json::from_value(document).unwrap()));
        let known = Known::of(&scope);
        let room = known.rooms.values().next().unwrap();
        let id = room.templates.values().next().unwrap().id.clone();
        let live = |text: &str, tag: &str| Live {
            id: "01".to_owned(),
            text: text.to_owned(),
            tag: tag.to_owned(),
        };
        let call = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.RUN(?, ?)";
        let by_hand = format!(
            "call x.Collaboration.Run('{}', '{id}', [], [], {{}})",
            room.base.to_uppercase()
        );
        let own = format!("airlock/suite-stop/{id}/run-1");
        let (none, all) = (BTreeSet::new(), BTreeSet::from([&id]));
        let cases = [
            (live(call, &own), true, false),
            (live(call, "airlock/suite-stop/other/run-1"), true, true),
            (live(call, "airlock/another/other/run-1"), false, false),
            (live(call, ""), false, false),
            (live(&by_hand, ""), true, false),
            (live("SELECT 1", &own), false, false),
            (live("CALL x.COLLABORATION.RUN('other', 'y')", ""), false, false),
        ];
        for (one, closed, open) in cases {
            assert_eq!(is_unwanted(&one, &scope, (&known, &none)), closed, "{}", one.text);
            assert_eq!(is_unwanted(&one, &scope, (&known, &all)), open, "{}", one.text);
        }
    }
}
