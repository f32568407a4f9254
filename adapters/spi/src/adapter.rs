//! The trait. `assess` and `plan` are synchronous and pure; `observe` never writes; `apply` makes one native call.

use crate::{
    Applied, Assessment, Behaviour, Cx, Desired, Observation, Plan, PlanRefused, ProtectedQuery,
    ResourceKind, Result, RunStatus, Scope, Step, TestsConnections,
};
use async_trait::async_trait;
use mappings::model::{Agreement, CollaborationId, MemberId, PlatformId, RunId};
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use std::time::Duration;

/// What a build of an adapter can do over its connections, as a constant of the process. Its digest goes into every plan. What is not
/// declared is refused by a code, and changes nothing: [`crate::suite`] asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// The adapter's version.
    pub version: String,
    /// Whether [`Adapter::runs_queries`] answers.
    pub runs_queries: bool,
    /// Whether rows of matched entities can be delivered. Where not, no leave for such a template is held, and `submit` refuses it as
    /// `PermissionDenied` or `Unsupported`.
    pub activation: bool,
    /// Whether a run in progress can be cancelled. Where not, `cancel` refuses as `Unsupported`, whichever run it is asked of.
    pub cancels: bool,
    /// How its answers relate to time.
    pub lag: Lag,
    /// What it counts on of the platform, each with its standing.
    pub behaviours: Vec<Behaviour>,
}

/// How far a platform's answers may lag behind what was done there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lag {
    /// How long after it was sent a call may still take effect, in milliseconds: as long as its signature is accepted, and what it
    /// did may take to settle where the platform states no time for that.
    pub late_ms: u64,
    /// How far apart looks must be to count, in milliseconds: how long what was done may stay hidden from one, where the platform
    /// states a time; 0 where nothing hides.
    pub settles_ms: u64,
    /// Whole looks that must agree before something missing counts as taken away.
    pub reads_min: u32,
}

impl Lag {
    /// A room in this process: nothing is late, nothing hides.
    pub const AT_ONCE: Self = Self { late_ms: 0, settles_ms: 0, reads_min: 2 };
}

/// What a platform answered to somebody who tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Probe {
    /// It refused, as it must.
    Denied,
    /// It served: access is open.
    Served,
    /// It can't be tried there without doing harm.
    NotPossible,
}

/// One platform, held true to agreements.
#[async_trait]
pub trait Adapter: Debug + Send + Sync {
    /// The platform's name.
    fn platform(&self) -> &PlatformId;

    /// What this build can do.
    fn capabilities(&self) -> &Capabilities;

    /// A verdict for every term of the agreement that this platform must hold. Pure and total.
    fn assess(&self, desired: &Agreement) -> Assessment;

    /// What the platform holds now. Never writes. Says how complete it is.
    async fn observe(&self, scope: &Scope, cx: &Cx) -> Result<Observation>;

    /// The steps from what was seen to what is desired, most restrictive first. Pure.
    fn plan(&self, desired: &Desired, seen: &Observation)
    -> std::result::Result<Plan, PlanRefused>;

    /// One native call with whole desired values, idempotent by the step's id.
    async fn apply(&self, step: &Step, cx: &Cx) -> Result<Applied>;

    /// Tries whether what was withdrawn is really closed, as the one who could use it would. Changes nothing and reads nobody's
    /// rows.
    async fn probe(&self, what: &ResourceKind, scope: &Scope, cx: &Cx) -> Result<Probe> {
        let _ = (what, scope, cx);
        Ok(Probe::NotPossible)
    }

    /// The power to try connections, where the platform has accounts.
    fn tests_connections(&self) -> Option<&dyn TestsConnections> {
        None
    }

    /// The power to run templates, where the platform has it.
    fn runs_queries(&self) -> Option<&dyn RunsQueries> {
        None
    }
}

/// The power to run an approved template.
#[async_trait]
pub trait RunsQueries: Send + Sync {
    /// Starts a run. Returns at once; the platform writes its output under the query's landing prefix.
    ///
    /// # Errors
    /// Refuses a template or dataset that was not granted by a step applied before.
    async fn submit(&self, query: &ProtectedQuery, cx: &Cx) -> Result<()>;

    /// Where a run is. A finished run's status stays readable until the process ends.
    async fn status(&self, run: &RunId, cx: &Cx) -> Result<RunStatus>;

    /// Asks a run to stop. Returns once nothing of it is left, or with `Cancelling` while the platform works on it.
    async fn cancel(&self, run: &RunId, cx: &Cx) -> Result<RunStatus>;

    /// Takes away what a run that ended left in storage of the member that asked for it, unless that member keeps it. Idempotent; what
    /// other runs left stays. A room that leaves nothing, or can't tell what is whose, does nothing.
    ///
    /// # Errors
    /// Something may be left: to be tried again.
    async fn clear(
        &self,
        collaboration: &CollaborationId,
        run: &RunId,
        by: &MemberId,
    ) -> Result<()> {
        let _ = (collaboration, run, by);
        Ok(())
    }

    /// Whether what a run started may go on there after its end, within its limits, and leave something: a stop is lost with its answer.
    fn lingers(&self) -> bool {
        false
    }

    /// How long to wait between two looks at a run: a platform counts calls.
    fn patience(&self) -> Duration {
        Duration::from_millis(25)
    }

    /// Stops what still runs there without leave, whoever started it; how many still ran. What was told to stop may deliver yet, so
    /// only none means that nothing runs. A room whose runs live and die with this process has none.
    ///
    /// # Errors
    /// Somewhere it could not be looked for, or not stopped; elsewhere it was.
    async fn stop(&self, desired: &Desired, scope: &Scope, cx: &Cx) -> Result<usize> {
        let _ = (desired, scope, cx);
        Ok(0)
    }
}
