//! The suite tried on itself: rooms that take in silence what they do not declare make it fail, and the same room without the lie
//! passes.

use crate::MemoryAdapter;
use adapter_spi::{
    Adapter, AdapterError, Applied, Assessment, Capabilities, Cx, Desired, ErrorKind, Fidelity,
    Observation, Outcome, Plan, PlanRefused, ProtectedQuery, Result, Retry, RunProgress, RunStatus,
    RunsQueries, Scope, Step, suite,
};
use async_trait::async_trait;
use mappings::model::{Agreement, PlatformId, RunId};
use mappings::table::Term;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lie {
    /// It tells none.
    None,
    /// It offers runs that it does not declare.
    Runs,
    /// It declares that it cancels, and runs nothing.
    CancelsNothing,
    /// It says of an activation that it is held as agreed.
    SaysExact,
    /// It holds leave for an activation.
    HoldsAudience,
    /// It takes an activation in silence.
    TakesAudience,
    /// It refuses one, and says that something changed.
    Changed,
    /// It refuses one, and something did change.
    ChangesThere,
    /// It refuses one, and has it as a run.
    KeepsRun,
    /// It refuses each by another code.
    OtherCodes,
    /// It refuses as if the call could be tried again.
    NotTyped,
    /// It takes a cancelling in silence.
    Cancels,
    /// It looks for the run before it refuses to cancel.
    LooksFirst,
}

#[derive(Debug)]
struct Room {
    memory: MemoryAdapter,
    capabilities: Capabilities,
    lie: Lie,
    asked: AtomicU64,
}

impl Room {
    fn new(lie: Lie) -> Self {
        let memory = MemoryAdapter::new(PlatformId::new("memory").unwrap());
        let declares = ![Lie::Runs, Lie::CancelsNothing].contains(&lie);
        let cancels = lie == Lie::CancelsNothing;
        let own = memory.capabilities().clone();
        let capabilities = Capabilities { runs_queries: declares, cancels, ..own };
        Self { memory, capabilities, lie, asked: AtomicU64::new(0) }
    }

    fn refused(&self, kind: ErrorKind, code: &'static str) -> AdapterError {
        let outcome = if self.lie == Lie::Changed { Outcome::Unknown } else { Outcome::NotApplied };
        AdapterError {
            kind,
            code,
            outcome,
            retry: Retry::Never,
            platform: self.memory.platform().clone(),
            operation: "suite",
            reason: "it does not do that".to_owned(),
        }
    }
}

#[async_trait]
impl Adapter for Room {
    fn platform(&self) -> &PlatformId {
        self.memory.platform()
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn assess(&self, desired: &Agreement) -> Assessment {
        let mut all = self.memory.assess(desired);
        let class = all.verdicts.iter_mut().filter(|one| one.term == Term::Activation);
        for said in class.filter(|_| self.lie == Lie::SaysExact) {
            said.fidelity = Fidelity::Exact;
        }
        all
    }

    async fn observe(&self, scope: &Scope, cx: &Cx) -> Result<Observation> {
        let seen = self.memory.observe(scope, cx).await?;
        let changed = self.asked.load(Ordering::SeqCst) * u64::from(self.lie == Lie::ChangesThere);
        Ok(Observation { version: seen.version + changed, ..seen })
    }

    fn plan(
        &self,
        desired: &Desired,
        seen: &Observation,
    ) -> std::result::Result<Plan, PlanRefused> {
        if self.lie == Lie::HoldsAudience {
            return Ok(Plan::between(&desired.resources(), seen));
        }
        self.memory.plan(desired, seen)
    }

    async fn apply(&self, step: &Step, cx: &Cx) -> Result<Applied> {
        self.memory.apply(step, cx).await
    }

    fn runs_queries(&self) -> Option<&dyn RunsQueries> {
        (self.lie != Lie::CancelsNothing).then_some(self)
    }
}

#[async_trait]
impl RunsQueries for Room {
    async fn submit(&self, _: &ProtectedQuery, _: &Cx) -> Result<()> {
        let times = self.asked.fetch_add(1, Ordering::SeqCst);
        if self.lie == Lie::TakesAudience {
            return Ok(());
        }
        if self.lie == Lie::NotTyped {
            return Err(self.refused(ErrorKind::Unavailable, "platform-unreachable"));
        }
        let other = self.lie == Lie::OtherCodes && times > 0;
        let code = if other { "query-refused" } else { "not-granted" };
        Err(self.refused(ErrorKind::PermissionDenied, code))
    }

    async fn status(&self, _: &RunId, _: &Cx) -> Result<RunStatus> {
        if self.lie == Lie::KeepsRun {
            return Ok(RunStatus::Running(RunProgress::default()));
        }
        Err(self.refused(ErrorKind::NotFound, "run-unknown"))
    }

    async fn cancel(&self, _: &RunId, _: &Cx) -> Result<RunStatus> {
        if self.lie == Lie::Cancels {
            return Ok(RunStatus::Cancelled);
        }
        let (kind, code) = if self.lie == Lie::LooksFirst {
            (ErrorKind::NotFound, "run-unknown")
        } else {
            (ErrorKind::Unsupported, "invalid-state")
        };
        Err(self.refused(kind, code))
    }
}

#[tokio::test]
async fn whoever_takes_what_it_does_not_declare_does_not_conform() {
    for lie in [
        Lie::Runs,
        Lie::CancelsNothing,
        Lie::SaysExact,
        Lie::HoldsAudience,
        Lie::TakesAudience,
        Lie::Changed,
        Lie::ChangesThere,
        Lie::KeepsRun,
        Lie::OtherCodes,
        Lie::NotTyped,
        Lie::Cancels,
        Lie::LooksFirst,
    ] {
        let broken = suite::conforms(&Room::new(lie)).await.unwrap_err();
        assert_eq!(broken.check, "refuse", "{lie:?}: {broken}");
    }
    let report = suite::conforms(&Room::new(Lie::None)).await.unwrap();
    assert!(report.to_string().contains("can't activation"), "{report}");
}
