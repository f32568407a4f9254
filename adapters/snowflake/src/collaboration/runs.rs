//! Runs: an approved template started in its runner's collaboration, watched, cancelled, and its rows brought to the gateway's landing,
//! as they are: unloaded by the platform where the runner's connection has a place for that and the platform lets it, else out of the
//! answer itself. What they say is verified later, elsewhere.

mod stop;

pub(super) use stop::LOCAL;

use super::held::{is_over, stands};
use super::room::SnowflakeCollaborations;
use super::seen::{Seen, State};
use super::wanted::{Said, Wanted, wanted};
use super::{names, specs};
use crate::behaviours::{PARAMETERS_BOUND, is_plain};
use crate::error::Told;
use crate::landing::{Part, cleared};
use crate::running::{Bounds, Phase, Running, UNLOAD, failed};
use crate::session::{Looked, Session, request_of};
use crate::sql::Sql;
use crate::unload::{below, unload};
use adapter_spi::{
    AdapterError, Cx, Desired, ErrorKind, Outcome, ProtectedQuery, Result, Retry, RunOutput,
    RunStatus, RunsQueries, Scope,
};
use async_trait::async_trait;
use futures::TryStreamExt as _;
use mappings::model::{CollaborationId, Digest, MemberId, ParameterName, RunId};
use mappings::snowflake::bound;
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;
use serde_json::json;
use snowflake_sql_api::{Binding, ResultSet};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const OPERATION: &str = "RUN";
/// How much of a file is held before it is written.
const GROUP_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What stands in front of a run's id in the tag of its statement.
fn tag(query: &ProtectedQuery, said: &Said) -> String {
    format!("airlock/{}/{}/{}", query.agreement.collaboration, said.id, query.run)
}

impl SnowflakeCollaborations {
    fn run_of(&self, run: &RunId) -> Result<Running> {
        self.runs.of(run).ok_or_else(|| {
            let told: Told = (ErrorKind::NotFound, "run-unknown", Retry::Never);
            self.error(told, "status", format!("no run {run} here"))
        })
    }

    fn refused(&self, code: &'static str, reason: impl Into<String>) -> AdapterError {
        self.error((ErrorKind::PermissionDenied, code, Retry::Never), "submit", reason)
    }

    /// The collaboration that a template may run in, when it is listed as agreed and all that it reads is linked.
    fn granted(&self, query: &ProtectedQuery, seen: &Seen) -> Result<(String, Said)> {
        let name = &query.guarded.template;
        let not = |why: &str| {
            self.refused("not-granted", format!("template {name} is not granted there: {why}"))
        };
        // Offerings without what was withdrawn, and the texts over them, are versions of their own.
        let left = Desired {
            hidden: query.hidden.clone(),
            ..Desired::whole(Arc::clone(&query.agreement))
        };
        let Wanted { rooms, offerings } = wanted(&left);
        let room = rooms.get(&query.by);
        let room = room.ok_or_else(|| not(&format!("{} has no collaboration", query.by)))?;
        let said = room.templates.get(name).ok_or_else(|| not("it has no text there"))?;
        let rooms = seen.accounts.get(&query.by).into_iter().flat_map(|account| &account.rooms);
        let makings = rooms.filter_map(|(name, view)| {
            let making = names::generation_of(&room.base, name)?;
            let alive = !is_over(seen, &room.runner, name);
            (alive && room.owner() == Some(&view.owner)).then_some((making, name, view))
        });
        let newest = makings.max_by_key(|(making, ..)| *making);
        let (_, place, view) = newest.ok_or_else(|| not("there is no collaboration"))?;
        if seen.state(place, &query.by) != Some(State::Joined) {
            return Err(not("its runner has not joined"));
        }
        let runner = view.spec.runners.get(&names::alias(&query.by));
        let runner = runner.ok_or_else(|| not("its runner is none there"))?;
        let found = view.texts.get(&said.id).and_then(|text| text.spec);
        if !runner.templates.contains(&said.id) || found.is_none() || found != said.meant {
            return Err(not("it is not listed as agreed"));
        }
        for (dataset, owner) in &said.reads {
            let linked = runner.providers.get(&names::alias(owner));
            let offering = offerings.get(dataset);
            let is_linked =
                offering.is_some_and(|one| linked.is_some_and(|linked| linked.contains(&one.id)));
            if !is_linked {
                return Err(not(&format!("{dataset} is not linked")));
            }
            let collaboration = &query.agreement.collaboration;
            let is_seen = !seen.unseen.contains_key(owner);
            if !is_seen || !offering.is_some_and(|one| stands((seen, place), collaboration, one)) {
                return Err(not(&format!("the view of {dataset} is not as it was agreed")));
            }
        }
        Ok((place.clone(), said.clone()))
    }

    /// What a run is given, each value of its parameter's type.
    fn analysis(&self, query: &ProtectedQuery, said: &Said) -> Result<String> {
        let template = query.agreement.templates.get(&query.guarded.template);
        let unfit = |name: &ParameterName| {
            self.refused("parameter-unbound", format!("parameter {name} has no value of its type"))
        };
        let is_bound = self.reach.connections().verified.contains(PARAMETERS_BOUND);
        let mut arguments = BTreeMap::new();
        for (name, declared) in template.into_iter().flat_map(|template| &template.parameters) {
            let value = query.parameters.get(name).and_then(|value| bound(value, declared.r#type));
            let value = value.ok_or_else(|| unfit(name))?;
            let argument = match value.r#type {
                "FIXED" => value.value.parse().ok().map(specs::Argument::Integer),
                "REAL" => {
                    let number = value.value.parse().ok().filter(|number: &f64| number.is_finite());
                    number.map(specs::Argument::Number)
                }
                "BOOLEAN" => value.value.parse().ok().map(specs::Argument::Boolean),
                _ if !is_bound && !is_plain(&value.value) => {
                    let reason = format!(
                        "parameter {name} has quotes, backslashes, braces, brackets, semicolons, marks of comments or control signs, and that values are bound there is unverified on a real account; what would pass: another value, or `parameters-bound` in `verified` of its connections once `airlock connections verify` says so"
                    );
                    return Err(self.refused("parameter-unverified", reason));
                }
                _ => Some(specs::Argument::Text(value.value)),
            };
            arguments.insert(name.to_string(), argument.ok_or_else(|| unfit(name))?);
        }
        let template_configuration = specs::Configuration { arguments };
        let analysis = specs::Analysis { template: said.id.clone(), template_configuration };
        let why = "a parameter is a number without digits";
        analysis.text().ok_or_else(|| self.refused("parameter-unbound", why))
    }

    /// What comes after a run's own end: its rows, by the platform's hand or out of the answer.
    async fn rows(running: &Running, done: ResultSet) -> Result<Phase> {
        if let Some(phase) = running.overflows(&done) {
            return Ok(phase);
        }
        let sql =
            unload(&running.connection, &running.below, done.handle()).filter(|_| !running.keeps);
        if let Some(sql) = sql
            && let Ok(phase) = Box::pin(running.unload(&done, sql)).await?
        {
            return Ok(phase);
        }
        // Whoever runs there may not read the answer of its own call a second time.
        let written = written(&running.session, done, &running.landing);
        Ok(Phase::Ended(Box::pin(written).await?))
    }

    /// One look at a run, and the next thing done for it.
    async fn advance(&self, run: &RunId, mut running: Running) -> Result<RunStatus> {
        let phase = match &running.phase {
            Phase::Ended(status) => return Ok(status.clone()),
            Phase::Asked(handle) => match running.session.look(OPERATION, handle).await? {
                Looked::Running => return Ok(running.going()),
                Looked::Done(_) if running.canceled => Phase::Ended(RunStatus::Cancelled),
                Looked::Done(done) => match Box::pin(Self::rows(&running, *done)).await {
                    Err(error) if error.outcome == Outcome::Unknown => {
                        running.begun = true;
                        self.runs.keep(run, running);
                        return Err(error);
                    }
                    phase => phase?,
                },
                Looked::Failed(error) => Phase::Ended(ended(&error)),
                Looked::Canceled => Phase::Ended(running.stopped()),
            },
            Phase::Unloading { result, unload, rows } => {
                match running.session.look(UNLOAD, unload).await? {
                    Looked::Running => return Ok(running.going()),
                    Looked::Done(_) if running.canceled => Phase::Ended(RunStatus::Cancelled),
                    Looked::Done(unloaded) => {
                        Phase::Ended(running.landed((result, *rows), &unloaded).await?)
                    }
                    Looked::Failed(_) => {
                        let phase = Phase::Asked(result.clone());
                        running.keeps = true;
                        phase
                    }
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

/// How a run ended that ended badly, in canonical words.
fn ended(error: &AdapterError) -> RunStatus {
    match error.code {
        "statement-timeout" => failed("time-limit", "the platform's time limit"),
        "unsupported" => failed(
            "results-not-returned",
            "the platform does not return what this procedure answers through its SQL API; see `airlock connections verify snowflake`",
        ),
        "statement-failed" => failed("query-refused", "the platform refused or failed the run"),
        code => failed(code, error.reason.clone()),
    }
}

/// The rows of an answer as a file of the landing, which has its name once it is whole. A partition and a group of rows are held at
/// a time, and are written where nothing else waits.
async fn written(session: &Session, done: ResultSet, landing: &Path) -> Result<RunStatus> {
    let wrong = |code: &'static str, reason: &'static str| {
        session.error((ErrorKind::InvalidNative, code, Retry::NextCycle), OPERATION, reason)
    };
    let unreadable = |_| wrong("answer-unreadable", "the rows of the answer can't be read");
    let full = || wrong("landing-full", "the gateway's folder can't be written to");
    let rows = done.row_count();
    let schema = done.schema().map_err(unreadable)?;
    let (give, mut take) = tokio::sync::mpsc::channel(1);
    let part = Part::new(landing, 0);
    let writing =
        tokio::task::spawn_blocking(move || -> std::result::Result<Part, ParquetError> {
            let mut writer = ArrowWriter::try_new(File::create(part.path())?, schema, None)?;
            while let Some(batch) = take.blocking_recv() {
                writer.write(&batch)?;
                if writer.in_progress_size() > GROUP_BYTES_MAX {
                    writer.flush()?;
                }
            }
            writer.close()?;
            Ok(part)
        });
    let read = async {
        let mut batches = std::pin::pin!(done.batches());
        while let Some(batch) = batches.try_next().await.map_err(unreadable)? {
            if give.send(batch).await.is_err() {
                break;
            }
        }
        Ok::<_, AdapterError>(())
    };
    let read = read.await;
    drop(give);
    let part = writing.await.map_err(|_| full())?.map_err(|_| full())?;
    read?;
    let (files, rows_read) = (vec![part.whole().await.map_err(|_| full())?], BTreeMap::new());
    Ok(RunStatus::Succeeded(RunOutput { files, rows: Some(rows), withheld: None, rows_read }))
}

#[async_trait]
impl RunsQueries for SnowflakeCollaborations {
    async fn submit(&self, query: &ProtectedQuery, cx: &Cx) -> Result<()> {
        let connection = self.reach.connection(&query.by).cloned();
        let session = Box::pin(self.reach.session(&query.agreement, &query.by, cx)).await?;
        let landing = query.landing.url.to_file_path();
        let (Some(connection), Ok(landing)) = (connection, landing) else {
            return Err(self.refused("landing-missing", "the gateway's landing is no folder"));
        };
        let seen = Box::pin(self.look(&Scope::of(&query.agreement), cx)).await;
        let (place, said) = self.granted(query, &seen)?;
        let analysis = self.analysis(query, &said)?;
        let sql = Sql::new("CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.RUN(?, ?)")
            .bind(Binding::text(place))
            .bind(Binding::text(analysis));
        let id = json!([query.agreement.collaboration, query.run, said.id]);
        let request = request_of(&Digest::of(&mappings::agreement::canonical(&id)), 0);
        let bounds = Bounds::of(self.reach.platform(), &query.limits, tag(query, &said))?;
        let bound = |statement: snowflake_sql_api::Statement| {
            bounds.on(statement).parameter("TIMEZONE", "UTC")
        };
        let begun = Box::pin(session.start(OPERATION, (request, false), (sql, &bound))).await?;
        let running = Running::asked(query, (&session, connection), (begun, bounds), landing, cx);
        self.runs.keep(&query.run, running);
        Ok(())
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

    /// Users share an account's limit of requests.
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
        Box::pin(self.stopped(desired, scope, cx)).await
    }
}
