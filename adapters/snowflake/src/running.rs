//! Runs of this process in an account, whichever room asked for them: where each is, how its result is unloaded and brought to the gateway's
//! landing, and how it is cancelled. Must not know what is asked, nor who may.

use crate::connection::Connection;
use crate::error::{Told, made};
use crate::landing::Landing;
use crate::session::{Session, request_of};
use crate::sql::Sql;
use crate::unload::{below, prefix};
use adapter_spi::{
    Cx, Ends, ErrorKind, Failure, Outcome, ProtectedQuery, Remembered, Result, Retry, RunLimits,
    RunOutput, RunProgress, RunStatus,
};
use mappings::model::{Digest, PlatformId, RunId};
use snowflake_sql_api::{Canceled, Handle, Progress, ResultSet, Statement};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What an unload is called in errors.
pub(crate) const UNLOAD: &str = "COPY INTO";

/// The longest that the platform lets a statement run (SQL API reference, `timeout`).
const SECONDS_MAX: u64 = 604_800;
const MS_A_SECOND: u64 = 1_000;

/// By what the statements of a run are known in the platform's history, and how long each of them may go on there.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    pub(crate) tag: String,
    seconds: u32,
}

impl Bounds {
    /// Never longer than the run's limit, and never 0, which the platform takes for its own longest.
    ///
    /// # Errors
    /// Refuses what lets a run go on for less than a second: the platform counts whole ones.
    pub(crate) fn of(platform: &PlatformId, limits: &RunLimits, tag: String) -> Result<Self> {
        let seconds = (limits.duration_ms_max / MS_A_SECOND).min(SECONDS_MAX);
        let seconds = u32::try_from(seconds).ok().filter(|seconds| *seconds > 0);
        let seconds = seconds.ok_or_else(|| {
            let told: Told = (ErrorKind::PermissionDenied, "limit-below", Retry::Never);
            let reason = "the run may take less than a second, and the platform counts whole ones; what would pass: 1 or more";
            made(platform, told, "submit", reason)
        })?;
        Ok(Self { tag, seconds })
    }

    /// A statement of the run.
    pub(crate) fn on(&self, statement: Statement) -> Statement {
        statement.query_tag(self.tag.clone()).timeout_s(self.seconds)
    }
}

/// The runs of this process.
pub(crate) type Runs = Remembered<Running>;

/// Where a run is.
#[derive(Debug, Clone)]
pub(crate) enum Phase {
    /// It runs, or its rows are still to be brought.
    Asked(Handle),
    /// The platform unloads its so many rows.
    Unloading { result: Handle, unload: Handle, rows: u64 },
    /// It ended.
    Ended(RunStatus),
}

/// One run, and where its rows will be.
#[derive(Debug, Clone)]
pub(crate) struct Running {
    pub(crate) session: Session,
    pub(crate) connection: Connection,
    pub(crate) phase: Phase,
    pub(crate) canceled: bool,
    /// Whether the platform refused to unload its result.
    pub(crate) keeps: bool,
    /// Whether its unload may have been started, by a call whose answer was lost.
    pub(crate) begun: bool,
    /// What all its statements are held to.
    pub(crate) bounds: Bounds,
    pub(crate) rows_max: u64,
    pub(crate) landing: PathBuf,
    /// What it leaves in its member's storage, below the place of the connection.
    pub(crate) below: String,
}

/// A run that ended without a result.
pub(crate) fn failed(code: &str, reason: impl Into<String>) -> RunStatus {
    RunStatus::Failed(Failure { code: code.to_owned(), reason: reason.into() })
}

impl Ends for Running {
    fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended(_))
    }
}

impl Running {
    /// A run whose text was asked. What watches it is no part of the act that began it.
    pub(crate) fn asked(
        query: &ProtectedQuery,
        (session, connection): (&Session, Connection),
        (begun, bounds): (Progress, Bounds),
        landing: PathBuf,
        cx: &Cx,
    ) -> Self {
        let handle = match begun {
            Progress::Running(handle) => handle,
            Progress::Done(done) => done.handle().clone(),
        };
        Self {
            session: session.within(&Cx { pace: cx.pace.clone(), ..Cx::default() }),
            connection,
            phase: Phase::Asked(handle),
            canceled: false,
            keeps: false,
            begun: false,
            bounds,
            rows_max: query.limits.rows_max,
            landing,
            below: below(&query.agreement.collaboration, &query.run),
        }
    }

    /// Asks the platform to stop a run. None where nothing ran any more: what became of it is to be looked at.
    pub(crate) async fn cancel(
        &mut self,
        run: &RunId,
        runs: &Runs,
        cx: &Cx,
    ) -> Result<Option<RunStatus>> {
        let handle = match &self.phase {
            Phase::Asked(handle) | Phase::Unloading { unload: handle, .. } => handle.clone(),
            Phase::Ended(status) => return Ok(Some(status.clone())),
        };
        // From here on nothing of it is delivered, whatever the platform answers.
        self.canceled = true;
        runs.keep(run, self.clone());
        match self.session.within(cx).cancel("cancel", &handle).await? {
            Canceled::Now => {
                self.phase = Phase::Ended(RunStatus::Cancelled);
                runs.keep(run, self.clone());
                Ok(Some(RunStatus::Cancelled))
            }
            Canceled::NotRunning => Ok(None),
        }
    }

    /// What is told of it while it goes on.
    pub(crate) fn going(&self) -> RunStatus {
        if self.canceled {
            RunStatus::Cancelling
        } else {
            RunStatus::Running(RunProgress::default())
        }
    }

    /// Somebody cancelled it: this gateway, or another hand.
    pub(crate) fn stopped(&self) -> RunStatus {
        if self.canceled {
            return RunStatus::Cancelled;
        }
        failed("run-canceled-there", "somebody cancelled the statement in its account")
    }

    /// How it ends where its result has more rows than it may give.
    pub(crate) fn overflows(&self, result: &ResultSet) -> Option<Phase> {
        let reason = "the output has more rows than a run may give";
        (result.row_count() > self.rows_max).then(|| Phase::Ended(failed("row-limit", reason)))
    }

    /// Begins to unload its result, once. The error stands where the platform will not.
    pub(crate) async fn unload(
        &self,
        result: &ResultSet,
        sql: Sql,
    ) -> Result<std::result::Result<Phase, adapter_spi::AdapterError>> {
        let (handle, rows) = (result.handle().clone(), result.row_count());
        let request = request_of(&Digest::of(handle.as_str().as_bytes()), 1);
        let bound = |statement: Statement| self.bounds.on(statement);
        let unload = match self.session.start(UNLOAD, (request, self.begun), (sql, &bound)).await {
            Ok(Progress::Running(unload)) => unload,
            Ok(Progress::Done(done)) => done.handle().clone(),
            Err(error)
                if error.retry == Retry::Never
                    && (self.begun || error.outcome == Outcome::NotApplied) =>
            {
                return Ok(Err(error));
            }
            Err(error) => return Err(error),
        };
        Ok(Ok(Phase::Unloading { result: handle, unload, rows }))
    }

    /// Brings what was unloaded to the landing.
    pub(crate) async fn landed(
        &self,
        (result, rows): (&Handle, u64),
        unloaded: &ResultSet,
    ) -> Result<RunStatus> {
        if self.session.unloaded(unloaded, UNLOAD).await? != rows {
            let reason = "the platform unloaded another number of rows than the result has";
            return Ok(failed("unload-incomplete", reason));
        }
        let landing = Landing::of(self.session.platform(), &self.connection)?;
        let files = landing.fetch(&prefix(&self.below, result), &self.landing).await?;
        if files.is_empty() && rows > 0 {
            let told: Told = (ErrorKind::Unavailable, "landing-empty", Retry::NextCycle);
            let reason = "what was unloaded is not where `landing` says";
            return Err(self.session.error(told, "fetch", reason));
        }
        let rows_read = BTreeMap::new();
        Ok(RunStatus::Succeeded(RunOutput { files, rows: Some(rows), withheld: None, rows_read }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use adapter_spi::AdapterError;

    #[test]
    fn no_run_goes_on_for_longer_than_it_may_nor_without_a_limit() {
        let of = |ms: u64| {
            let limits = RunLimits { duration_ms_max: ms, ..RunLimits::default() };
            let bounds = Bounds::of(&PlatformId::snowflake(), &limits, String::new());
            bounds.map(|bounds| bounds.seconds)
        };
        for (ms, whole) in [(1_000, 1), (1_001, 1), (1_999, 1), (2_000, 2), (3_600_000, 3_600)] {
            assert_eq!(of(ms), Ok(whole), "{ms}");
        }
        assert_eq!((of(604_801_000), of(u64::MAX)), (Ok(604_800), Ok(604_800)), "its longest");
        for none in [0, 1, 999] {
            let AdapterError { code, outcome, .. } = of(none).unwrap_err();
            assert_eq!((code, outcome), ("limit-below", Outcome::NotApplied), "{none}");
        }
    }
}
