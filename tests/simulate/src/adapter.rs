//! A worker's adapter to a simulated platform. Its planning is pure; every look and every call is the world's to answer.

use crate::clock::TrueTime;
use crate::platform::{Platform, Way};
use crate::pool::Pool;
use crate::rule::{Sends, Write};
use crate::wanted::{Ways, plan};
use crate::wire::{Answer, Ask, PlatformAsk, Wire};
use adapter_spi::{
    Adapter, AdapterError, Applied, Assessment, Capabilities, Cx, Desired, ErrorKind, Observation,
    Outcome, Plan, PlanRefused, Probe, ProtectedQuery, Residual, ResourceKind, Result, Retry,
    RunStatus, RunsQueries, Scope, Step,
};
use async_trait::async_trait;
use mappings::model::{Agreement, MemberId, PlatformId, RunId};
use std::time::{Duration, Instant};

const HALF_A_SECOND: Duration = Duration::from_millis(500);

/// An adapter.
#[derive(Debug)]
pub(crate) struct SimAdapter {
    wire: Wire,
    time: TrueTime,
    pool: &'static Pool,
    platform: PlatformId,
    capabilities: Capabilities,
    way: Way,
    apart: Option<MemberId>,
}

impl SimAdapter {
    pub(crate) fn new(wire: Wire, pool: &'static Pool, to: &Platform, time: &TrueTime) -> Self {
        let capabilities = Capabilities {
            version: "1".to_owned(),
            runs_queries: true,
            activation: false,
            cancels: true,
            lag: to.lag,
            behaviours: Vec::new(),
        };
        let (platform, way, apart) = (to.name.clone(), to.way, to.apart.clone());
        Self { wire, time: time.clone(), pool, platform, capabilities, way, apart }
    }

    async fn ask(&self, ask: PlatformAsk) -> Answer {
        self.wire.call(Ask::Platform(self.platform.clone(), ask)).await
    }

    fn unsent(&self, kind: ErrorKind, code: &'static str) -> AdapterError {
        error(&self.platform, kind, code, Outcome::NotApplied)
    }

    fn unsaid(&self) -> AdapterError {
        error(&self.platform, ErrorKind::InvalidNative, "answer-unreadable", Outcome::Unknown)
    }
}

/// How much time is left, in whole seconds: the worlds' time is another, and a run must not depend on how fast it is played.
fn left_ms(by: Instant) -> i64 {
    let left = by.saturating_duration_since(Instant::now()).saturating_add(HALF_A_SECOND);
    i64::try_from(left.as_secs()).unwrap_or(0) * 1_000
}

/// An adapter's error.
pub(crate) fn error(
    platform: &PlatformId,
    kind: ErrorKind,
    code: &'static str,
    outcome: Outcome,
) -> AdapterError {
    AdapterError {
        kind,
        code,
        outcome,
        retry: Retry::NextCycle,
        platform: platform.clone(),
        operation: "call",
        reason: "as the platform says".to_owned(),
    }
}

#[async_trait]
impl Adapter for SimAdapter {
    fn platform(&self) -> &PlatformId {
        &self.platform
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn assess(&self, desired: &Agreement) -> Assessment {
        Assessment::exact(self.platform.clone(), desired, |_| (Residual::None, "as written"))
    }

    async fn observe(&self, scope: &Scope, _: &Cx) -> Result<Observation> {
        match self.ask(PlatformAsk::Observe(Box::new(scope.clone()))).await {
            Answer::Seen(seen) => seen.map(|seen| *seen),
            _ => Err(self.unsaid()),
        }
    }

    fn plan(
        &self,
        desired: &Desired,
        seen: &Observation,
    ) -> std::result::Result<Plan, PlanRefused> {
        let ways = Ways { pool: self.pool, way: self.way, apart: self.apart.as_ref() };
        Ok(plan(&ways, desired, seen))
    }

    async fn apply(&self, step: &Step, cx: &Cx) -> Result<Applied> {
        let by = cx.send_by.map(|by| self.time.get() + left_ms(by));
        let mut sets = None;
        if let Some(write) = Write::of(step) {
            // What was taken out meanwhile stays out; whatever comes after this, the write goes out.
            let current = match self.ask(PlatformAsk::Rule(write.owner.clone())).await {
                Answer::Rule(current) => current?,
                _ => return Err(self.unsaid()),
            };
            match write.sends(step.effect, &current) {
                Sends::This(rule) => sets = Some(rule),
                Sends::Already => return Ok(Applied::Already),
                Sends::Stale => return Err(self.unsent(ErrorKind::StaleVersion, "stale-version")),
            }
        } else if self.way == Way::Unversioned {
            // Read, verify, write: whatever comes in between, the write goes out.
            match self.ask(PlatformAsk::Peek(Box::new(step.clone()))).await {
                Answer::Applied(Ok(Applied::Already)) => return Ok(Applied::Already),
                Answer::Applied(Err(error)) => return Err(error),
                _ => {}
            }
        }
        if by.is_some_and(|by| self.time.get() >= by) {
            return Err(self.unsent(ErrorKind::Timeout, "sent-too-late"));
        }
        match self.ask(PlatformAsk::Apply(Box::new(step.clone()), sets)).await {
            Answer::Applied(applied) => applied,
            _ => Err(self.unsaid()),
        }
    }

    async fn probe(&self, what: &ResourceKind, _: &Scope, _: &Cx) -> Result<Probe> {
        match self.ask(PlatformAsk::Probe(what.clone())).await {
            Answer::Probed(probed) => probed,
            _ => Err(self.unsaid()),
        }
    }

    fn runs_queries(&self) -> Option<&dyn RunsQueries> {
        Some(self)
    }
}

#[async_trait]
impl RunsQueries for SimAdapter {
    async fn submit(&self, _: &ProtectedQuery, _: &Cx) -> Result<()> {
        Err(self.unsaid())
    }

    async fn status(&self, _: &RunId, _: &Cx) -> Result<RunStatus> {
        Err(self.unsaid())
    }

    async fn cancel(&self, _: &RunId, _: &Cx) -> Result<RunStatus> {
        Err(self.unsaid())
    }

    async fn stop(&self, desired: &Desired, _: &Scope, _: &Cx) -> Result<usize> {
        match self.ask(PlatformAsk::Stop(Box::new(desired.clone()))).await {
            Answer::Stopped(stopped) => stopped,
            _ => Err(self.unsaid()),
        }
    }
}
