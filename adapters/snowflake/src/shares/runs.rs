//! Runs: a template's text asked in its runner's account, where datasets are found by their names; its result unloaded to the member's
//! own storage and brought from there to the gateway's landing, as it is. What it says is verified later, elsewhere.

use super::held::holding;
use super::room::SnowflakeShares;
use super::seen::{Account, Seen, inbound};
use super::wanted::{Wanted, offer, wanted};
use crate::connection::Connection;
use crate::landing::cleared;
use crate::names;
use crate::running::{Bounds, Phase, Running, UNLOAD, failed};
use crate::session::{Looked, Session, request_of};
use crate::sql::Sql;
use crate::unload::{below, unload};
use adapter_spi::{
    AdapterError, CallClass, Cx, Desired, ErrorKind, Outcome, ProtectedQuery, ResourceKind, Result,
    Retry, RunStatus, RunsQueries, Scope,
};
use async_trait::async_trait;
use mappings::guard::Guarded;
use mappings::model::{
    CollaborationId, DatasetName, Digest, Literal, MemberId, RunId, TemplateName,
};
use mappings::snowflake::{Room, SnowflakeText, bound, snowflake};
use snowflake_sql_api::{Binding, Canceled, Handle, ResultSet, Statement};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const SUBMIT: &str = "submit";
const STATUS: &str = "status";
/// What the tags of our runs begin with in the platform's history.
const TAG: &str = "airlock-run";

/// A run that may begin.
pub(super) struct Ready {
    session: Session,
    connection: Connection,
    landing: PathBuf,
    sql: Sql,
}

/// Whether a runner's texts find a dataset by its name: their own as it was judged already, another's over its share's mount.
fn is_found(query: &ProtectedQuery, dataset: &DatasetName, account: &Account) -> Option<bool> {
    let view = account.runs.as_ref()?.views.get(dataset.as_str())?;
    let mut desired = Desired::whole(Arc::clone(&query.agreement));
    let without = view.mark.mark().into_iter().flat_map(|mark| &mark.without);
    desired.hidden.extend(without.map(|column| (dataset.clone(), column.clone())));
    let offer = offer(&desired, dataset, &query.by)?;
    if offer.is_own() {
        return Some(true);
    }
    let mount = account.inbound.get(&inbound(&offer.provider, &offer.share()))?.as_ref()?;
    Some(offer.mounted(&account.database, mount).text() == Some(view.text))
}

impl SnowflakeShares {
    fn refused(&self, code: &'static str, reason: impl Into<String>) -> AdapterError {
        self.error((ErrorKind::PermissionDenied, code, Retry::Never), SUBMIT, reason)
    }

    fn run_of(&self, run: &RunId) -> Result<Running> {
        let told = (ErrorKind::NotFound, "run-unknown", Retry::Never);
        self.runs.of(run).ok_or_else(|| self.error(told, STATUS, format!("no run {run} here")))
    }

    /// Refuses what was not given: the template in this version, in its runner's own list, over the datasets as they were agreed.
    fn granted(&self, query: &ProtectedQuery, text: &SnowflakeText, seen: &Seen) -> Result<()> {
        let name = &query.guarded.template;
        let not = |why: &str| {
            self.refused("not-granted", format!("template {name} is not granted there: {why}"))
        };
        let account = seen.accounts.get(&query.by).ok_or_else(|| not("its runner is not seen"))?;
        let runs = account.runs.as_ref().ok_or_else(|| not("its runner has no schema there"))?;
        let listed = runs.mark.mark().and_then(|mark| mark.templates.get(name));
        if listed != Some(&query.guarded.digest) {
            return Err(not("its runner's schema does not list this version"));
        }
        let scope = Scope::of(&query.agreement);
        let held = holding(&scope, seen).resources;
        for dataset in &text.datasets {
            let agreed = query.agreement.datasets.get(dataset);
            if agreed.is_some_and(|agreed| seen.unseen.contains_key(&agreed.owner)) {
                return Err(not(&format!("the account of {dataset}'s owner is not seen")));
            }
            let agreed = agreed.map(|agreed| adapter_spi::Resource::dataset(dataset, agreed));
            let others =
                held.iter().filter(|one| one.kind == ResourceKind::Dataset(dataset.clone()));
            let is_held = agreed.is_some_and(|agreed| others.clone().all(|one| *one == agreed))
                && others.count() > 0;
            if !is_held || is_found(query, dataset, account) != Some(true) {
                return Err(not(&format!("{dataset} is not open as it was agreed")));
            }
        }
        Ok(())
    }

    /// The values of a text's places, in order.
    fn bindings(&self, query: &ProtectedQuery, text: &SnowflakeText) -> Result<Vec<Binding>> {
        let template = query.agreement.templates.get(&query.guarded.template);
        let bind = |name: &mappings::model::ParameterName| {
            let declared = template?.parameters.get(name)?;
            binding(query.parameters.get(name)?, declared.r#type)
        };
        let all = text.binds.iter().map(|name| {
            bind(name).ok_or_else(|| {
                let reason = format!("parameter {name} has no value of its type");
                self.refused("parameter-unbound", reason)
            })
        });
        all.collect()
    }

    /// A run whose template and datasets were found to be given as agreed.
    pub(super) async fn ready(&self, query: &ProtectedQuery, cx: &Cx) -> Result<Ready> {
        let agreement = &query.agreement;
        let session = self.reach.session(agreement, &query.by, cx).await?;
        let connection = self.reach.connection(&query.by).filter(|one| one.unloads().is_some());
        let connection = connection.cloned().ok_or_else(|| {
            let reason = "add `unload` and `storage_integration` to its connection";
            self.refused("landing-missing", format!("{} has no landing; {reason}", query.by))
        })?;
        let landing = query.landing.url.to_file_path();
        let landing = landing
            .map_err(|()| self.refused("landing-missing", "the gateway's landing is no folder"))?;
        let text = snowflake(agreement, &query.guarded, Room::Shares)
            .map_err(|unsaid| self.refused("template-unsaid", unsaid.to_string()))?;
        let seen = self.look(&Scope::of(agreement), cx).await;
        self.granted(query, &text, &seen)?;
        let bindings = self.bindings(query, &text)?;
        let sql = bindings.into_iter().fold(Sql::new("").template(&text), Sql::bind);
        Ok(Ready { session, connection, landing, sql })
    }

    /// Asks a run's text where its runner's views are, and keeps what it is known by.
    pub(super) async fn ask(&self, query: &ProtectedQuery, ready: Ready, cx: &Cx) -> Result<()> {
        let Ready { session, connection, landing, sql } = ready;
        let collaboration = &query.agreement.collaboration;
        let asking = session.in_schema(connection.database(), &names::runs(collaboration));
        let Guarded { template, digest, .. } = &*query.guarded;
        let tag = tag(collaboration, template, digest, &query.run);
        // Of all of it: another collaboration's run of the same id is never taken for this one.
        let request = request_of(&Digest::of(tag.as_bytes()), 0);
        let bounds = Bounds::of(self.reach.platform(), &query.limits, tag)?;
        let bound = |statement: Statement| bounds.on(statement).parameter("TIMEZONE", "UTC");
        let begun = asking.start(SUBMIT, (request, false), (sql, &bound)).await?;
        let running = Running::asked(query, (&session, connection), (begun, bounds), landing, cx);
        self.runs.keep(&query.run, running);
        Ok(())
    }

    /// Begins to unload a result.
    async fn begin(running: &Running, result: &ResultSet) -> Result<Phase> {
        if let Some(phase) = running.overflows(result) {
            return Ok(phase);
        }
        let Some(sql) = unload(&running.connection, &running.below, result.handle()) else {
            return Ok(Phase::Ended(failed("landing-missing", "its result has no place")));
        };
        let begun = running.unload(result, sql).await?;
        Ok(begun.unwrap_or_else(|error| Phase::Ended(failed(error.code, error.reason))))
    }

    /// One look at a run, and the next thing done for it.
    async fn advance(&self, run: &RunId, mut running: Running) -> Result<RunStatus> {
        let phase = match &running.phase {
            Phase::Ended(status) => return Ok(status.clone()),
            Phase::Asked(handle) => match running.session.look(STATUS, handle).await? {
                Looked::Running => return Ok(running.going()),
                Looked::Done(_) if running.canceled => Phase::Ended(RunStatus::Cancelled),
                Looked::Done(result) => match Self::begin(&running, &result).await {
                    Err(error) if error.outcome == Outcome::Unknown => {
                        running.begun = true;
                        self.runs.keep(run, running);
                        return Err(error);
                    }
                    phase => phase?,
                },
                Looked::Failed(error) => Phase::Ended(failed_by(&error)),
                Looked::Canceled => Phase::Ended(running.stopped()),
            },
            Phase::Unloading { result, unload, rows } => {
                match running.session.look(UNLOAD, unload).await? {
                    Looked::Running => return Ok(running.going()),
                    Looked::Done(_) if running.canceled => Phase::Ended(RunStatus::Cancelled),
                    Looked::Done(unloaded) => {
                        Phase::Ended(running.landed((result, *rows), &unloaded).await?)
                    }
                    Looked::Failed(error) => Phase::Ended(failed_by(&error)),
                    Looked::Canceled => Phase::Ended(running.stopped()),
                }
            }
        };
        running.phase = phase;
        let status = match &running.phase {
            Phase::Ended(status) => status.clone(),
            Phase::Asked(_) | Phase::Unloading { .. } => running.going(),
        };
        self.runs.keep(run, running);
        Ok(status)
    }
}

/// The client's code; the platform's texts may quote what was asked.
fn failed_by(error: &AdapterError) -> RunStatus {
    let code = match error.code {
        "policy-refused" | "statement-syntax" | "name-unknown" => "query-refused",
        "missing-or-hidden" | "share-gone" => "resource-missing",
        "privilege-missing" => "resource-access-denied",
        "statement-timeout" => "time-limit",
        code => code,
    };
    failed(code, error.reason.clone())
}

/// A parameter's value as it is bound.
fn binding(value: &Literal, of: mappings::model::ColumnType) -> Option<Binding> {
    let bound = bound(value, of)?;
    match bound.r#type {
        "FIXED" => bound.value.parse().ok().map(Binding::Fixed),
        "REAL" => bound.value.parse().ok().map(Binding::Real),
        "BOOLEAN" => bound.value.parse().ok().map(Binding::Boolean),
        "TEXT" => Some(Binding::Text(bound.value)),
        _ => None,
    }
}

/// By what a run is known in the platform's history: whose, of which template's version.
fn tag(
    collaboration: &CollaborationId,
    template: &TemplateName,
    version: &Digest,
    run: &RunId,
) -> String {
    format!("{TAG} {collaboration} {template} {version} {run}")
}

/// The template and its version that a tag of this collaboration names.
fn tagged(tag: &str, collaboration: &CollaborationId) -> Option<(TemplateName, Digest)> {
    let words: Vec<&str> = tag.split(' ').collect();
    let [TAG, of, template, version, _] = words.as_slice() else { return None };
    let version = Digest::try_from((*version).to_owned()).ok()?;
    (*of == collaboration.as_str()).then_some((template.parse().ok()?, version))
}

#[async_trait]
impl RunsQueries for SnowflakeShares {
    async fn submit(&self, query: &ProtectedQuery, cx: &Cx) -> Result<()> {
        let ready = Box::pin(self.ready(query, cx)).await?;
        self.ask(query, ready, cx).await
    }

    async fn status(&self, run: &RunId, _: &Cx) -> Result<RunStatus> {
        let running = self.run_of(run)?;
        Box::pin(self.advance(run, running)).await
    }

    async fn cancel(&self, run: &RunId, cx: &Cx) -> Result<RunStatus> {
        let mut running = self.run_of(run)?;
        match running.cancel(run, &self.runs, cx).await? {
            Some(status) => Ok(status),
            None => Box::pin(self.advance(run, running)).await,
        }
    }

    /// An answer costs a call, and a warehouse some seconds to wake.
    fn patience(&self) -> Duration {
        Duration::from_millis(500)
    }

    fn lingers(&self) -> bool {
        true
    }

    async fn clear(
        &self,
        collaboration: &CollaborationId,
        run: &RunId,
        by: &MemberId,
    ) -> Result<()> {
        let Some(connection) = self.reach.connection(by) else { return Ok(()) };
        cleared(self.reach.platform(), connection, &below(collaboration, run)).await
    }

    /// Everywhere that it can, before it says where it could not.
    async fn stop(&self, desired: &Desired, scope: &Scope, cx: &Cx) -> Result<usize> {
        let (all, mut running, mut error) = (wanted(desired), 0, None);
        for seat in self.reach.seats(scope) {
            let stopped = match self.reach.seated(&seat, cx).await {
                Ok(session) => self.stopped(&session, &all, &scope.collaboration).await,
                Err(error) => Err(error),
            };
            match stopped {
                Ok(still) => running += still,
                Err(one) => error = error.or(Some(one)),
            }
        }
        error.map_or(Ok(running), Err)
    }
}

impl SnowflakeShares {
    /// Cancels what runs in an account without leave, by the platform's own history; how much of it ran still.
    async fn stopped(
        &self,
        session: &Session,
        all: &Wanted,
        collaboration: &CollaborationId,
    ) -> Result<usize> {
        let database = self.reach.connection(&session.seat.member).map(Connection::database);
        let sql = Sql::new("SELECT QUERY_ID, QUERY_TAG, EXECUTION_STATUS FROM TABLE(");
        let sql = sql.name(database.unwrap_or_default());
        let sql = sql.word(".INFORMATION_SCHEMA.QUERY_HISTORY_BY_USER(RESULT_LIMIT => 10000))");
        // Texts of ten thousand that ended would be too long an answer.
        let sql = sql.word(" WHERE COALESCE(UPPER(EXECUTION_STATUS), '') <> 'SUCCESS'");
        let found = match session.rows("QUERY_HISTORY", CallClass::List, sql).await {
            // Where the gateway has no database it never ran anything.
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(0),
            found => found?,
        };
        let room = all.runners.get(&session.seat.member);
        let allowed = |name: &TemplateName, version: &Digest| {
            room.is_some_and(|room| room.templates.get(name) == Some(version))
        };
        let mut running = 0;
        for [id, tag, status] in found.of(["query_id", "query_tag", "execution_status"])? {
            let Some((name, version)) = tagged(&tag.unwrap_or_default(), collaboration) else {
                continue;
            };
            let ended = status.as_deref().is_some_and(|status| {
                status == "SUCCESS"
                    || status.starts_with("FAIL")
                    || status == "INCIDENT"
                    || status == "CANCELED"
            });
            if ended || allowed(&name, &version) {
                continue;
            }
            let Some(handle) = id.and_then(|id| id.parse::<Handle>().ok()) else { continue };
            if session.cancel("cancel", &handle).await? == Canceled::Now {
                running += 1;
            }
        }
        Ok(running)
    }
}

#[cfg(test)]
mod tests {
    //! What a run is known by, and what is bound.
    use super::*;
    use mappings::model::ColumnType;

    #[test]
    fn a_tag_names_its_collaboration_and_version() {
        let (spring, autumn) = ("spring".parse().unwrap(), "autumn".parse().unwrap());
        let (name, version) = ("reach".parse().unwrap(), Digest::of(b"x"));
        let tag = tag(&spring, &name, &version, &"run-1".parse().unwrap());
        assert_eq!(tagged(&tag, &spring), Some((name, version)));
        assert_eq!(tagged(&tag, &autumn), None);
        for other in ["", "airlock-run spring", "nightly load", &tag.replace("sha256:", "")] {
            assert_eq!(tagged(other, &spring), None, "{other}");
        }
    }

    /// A statement stays its own text, and a value what it is, whatever is in it.
    #[test]
    fn hostile_values_are_bound_as_they_are() {
        for text in crate::hostile::hostile() {
            let value = Literal::Utf8(text.clone());
            let bound = binding(&value, ColumnType::Utf8).unwrap();
            assert_eq!(bound, Binding::Text(text));
            let sql = Sql::new("SELECT ?").bind(bound);
            assert_eq!(sql.as_text(), Ok("SELECT ?"));
            for of in [ColumnType::Int64, ColumnType::Float64, ColumnType::Boolean] {
                assert_eq!(binding(&value, of), None);
            }
        }
    }

    #[test]
    fn values_are_bound_by_their_declared_types() {
        let int = Literal::Int64(7);
        assert_eq!(binding(&int, ColumnType::Int64), Some(Binding::Fixed(7)));
        assert_eq!(binding(&int, ColumnType::Float64), Some(Binding::Real(7.0)));
        let day = Literal::Utf8("2026-02-03".to_owned());
        assert_eq!(binding(&day, ColumnType::Date), Some(Binding::text("2026-02-03")));
        assert_eq!(binding(&day, ColumnType::Int64), None);
        assert_eq!(binding(&Literal::Boolean(true), ColumnType::Utf8), None);
    }
}
