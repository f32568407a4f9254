//! The reference adapter: a platform in memory, exact in everything. The oracle of the suite and of simulation.
//! Starts empty and denies by default. Must not know any real platform.

use adapter_spi::{
    Adapter, AdapterError, Applied, Assessment, Capabilities, Cx, Desired, ErrorKind, Held, Lag,
    Observation, Outcome, Plan, PlanRefused, Residual, Result, Retry, Scope, Stale, Step,
};
use async_trait::async_trait;
use mappings::model::{Agreement, CollaborationId, PlatformId};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A platform in memory. Other adapters whose room lives in this process build on it.
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
        Assessment::exact(self.platform.clone(), desired, |_| {
            (Residual::None, "held in memory as written")
        })
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
        Ok(Plan::between(&desired.resources(), seen))
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
