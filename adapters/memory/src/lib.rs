//! The reference adapter: a platform in memory, exact in everything that needs no run. The oracle of the suite and of simulation.
//! Starts empty and denies by default. Must not know any real platform.

use adapter_spi::{
    Adapter, AdapterError, Applied, Assessment, Capabilities, Cx, Desired, ErrorKind, Fidelity,
    Held, Lag, Observation, Outcome, Plan, PlanRefused, Residual, Resource, Result, Retry, Scope,
    Stale, Step,
};
use async_trait::async_trait;
use mappings::model::{Agreement, CollaborationId, PlatformId, ResultClass};
use mappings::table::Term;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A platform in memory. Nothing runs there, so that no activation is held.
#[derive(Debug)]
pub struct MemoryAdapter {
    platform: PlatformId,
    capabilities: Capabilities,
    held: Mutex<BTreeMap<CollaborationId, Held>>,
}

impl MemoryAdapter {
    /// An empty platform under this name.
    #[must_use]
    pub fn new(platform: PlatformId) -> Self {
        Self {
            platform,
            capabilities: Capabilities {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                runs_queries: false,
                activation: false,
                cancels: false,
                lag: Lag::AT_ONCE,
                behaviours: Vec::new(),
            },
            held: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<CollaborationId, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Adapter for MemoryAdapter {
    fn platform(&self) -> &PlatformId {
        &self.platform
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn assess(&self, desired: &Agreement) -> Assessment {
        let mut all = Assessment::exact(self.platform.clone(), desired, |_| {
            (Residual::None, "held in memory as written")
        });
        for said in all.verdicts.iter_mut().filter(|one| one.term == Term::Activation) {
            said.fidelity = Fidelity::Narrower;
            "nothing runs in memory, and no rows leave it".clone_into(&mut said.reason);
        }
        all
    }

    async fn observe(&self, scope: &Scope, _: &Cx) -> Result<Observation> {
        let held = self.lock().get(&scope.collaboration).cloned().unwrap_or_default();
        Ok(Observation::whole(scope, held.version, held.resources.into_iter().collect()))
    }

    fn plan(
        &self,
        desired: &Desired,
        seen: &Observation,
    ) -> std::result::Result<Plan, PlanRefused> {
        let templates = &desired.agreement.templates;
        let audiences = templates.iter().filter(|(_, one)| one.class == ResultClass::Activation);
        let audiences: Vec<Resource> =
            audiences.map(|(name, one)| Resource::template(name, one)).collect();
        let mut wanted = desired.resources();
        wanted.retain(|one| !audiences.contains(one));
        Ok(Plan::between(&wanted, seen))
    }

    async fn apply(&self, step: &Step, _: &Cx) -> Result<Applied> {
        let mut all = self.lock();
        let held = all.entry(step.collaboration.clone()).or_default();
        held.apply(step).map_err(|Stale| AdapterError {
            kind: ErrorKind::StaleVersion,
            code: "stale-version",
            outcome: Outcome::NotApplied,
            retry: Retry::NextCycle,
            platform: self.platform.clone(),
            operation: "apply",
            reason: "the room changed since this step was planned".to_owned(),
        })
    }
}

#[cfg(test)]
mod liars;

#[cfg(test)]
mod tests {
    //! The reference passes the suite it is the oracle of.
    use super::*;

    #[tokio::test]
    async fn the_reference_adapter_conforms() {
        let adapter = MemoryAdapter::new(PlatformId::new("memory").unwrap());
        let report = adapter_spi::suite::conforms(&adapter).await.unwrap();
        let kept = include_str!("../../../tests/conformance/memory.txt");
        assert_eq!(report.to_string(), kept);
    }
}
