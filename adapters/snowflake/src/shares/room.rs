//! The adapter: many accounts in one region.

use super::apply::apply;
use super::assess::assess;
use super::call::{AT, At, Call};
use super::held::holding;
use super::observe::observe;
use super::plan::plan;
use super::seen::Seen;
use crate::behaviours::behaviours;
use crate::connection::Connections;
use crate::error::{Told, made};
use crate::reach::Reach;
use crate::running::Runs;
use crate::tables::Tables;
use adapter_spi::{
    Adapter, AdapterError, Applied, Assessment, Capabilities, Coverage, Cx, Desired, ErrorKind,
    Lag, Observation, Outcome, Plan, PlanRefused, Probe, ResourceKind, Result, Retry, RunsQueries,
    Scope, Step, TestsConnections,
};
use async_trait::async_trait;
use mappings::model::{Agreement, PlatformId};
use snowflake_sql_api::Clock;

/// A token is good for an hour, and a statement that was taken runs on: what was on its way lands within that, or not at all. SHOW
/// answers from the catalog itself; the vendor states no time in which it could be old, so that three looks agree a second apart.
const LAG: Lag = Lag { late_ms: 61 * 60_000, settles_ms: 1_000, reads_min: 3 };

/// Shares of secure views under policies, for the members whom this gateway operates.
#[derive(Debug)]
pub struct SnowflakeShares {
    capabilities: Capabilities,
    pub(crate) reach: Reach,
    pub(crate) runs: Runs,
    tables: Tables,
}

impl SnowflakeShares {
    /// The adapter over these connections; the clock is for tokens that keys sign, in milliseconds since 1970. Nothing is called yet.
    #[must_use]
    pub fn new(connections: Connections, clock: Clock) -> Self {
        Self {
            capabilities: Capabilities {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                runs_queries: true,
                activation: false,
                cancels: true,
                lag: LAG,
                behaviours: behaviours(&PlatformId::snowflake(), Some(&connections)),
            },
            reach: Reach::new(PlatformId::snowflake(), connections, clock),
            runs: Runs::default(),
            tables: Tables::default(),
        }
    }

    /// How members are reached.
    #[must_use]
    pub const fn connections(&self) -> &Connections {
        self.reach.connections()
    }

    /// Looks at everything of an agreement.
    pub(crate) async fn look(&self, scope: &Scope, cx: &Cx) -> Seen {
        observe((&self.reach, &self.tables), scope, cx).await
    }

    /// An error of this room; nothing changed.
    pub(crate) fn error(
        &self,
        told: Told,
        operation: &'static str,
        reason: impl Into<String>,
    ) -> AdapterError {
        made(self.reach.platform(), told, operation, reason)
    }
}

#[async_trait]
impl Adapter for SnowflakeShares {
    fn platform(&self) -> &PlatformId {
        self.reach.platform()
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn assess(&self, desired: &Agreement) -> Assessment {
        assess(desired).unwrap_or_else(|_| Assessment::none(self.platform().clone()))
    }

    async fn observe(&self, scope: &Scope, cx: &Cx) -> Result<Observation> {
        let seen = self.look(scope, cx).await;
        let coverage = if seen.unseen.is_empty() { Coverage::Complete } else { Coverage::Partial };
        let holding = holding(scope, &seen);
        Ok(Observation {
            coverage,
            unseen: seen.unseen.clone(),
            offered: Some(holding.offered),
            native: serde_json::json!(seen),
            ..Observation::whole(scope, 0, holding.resources.into_iter().collect())
        })
    }

    fn plan(
        &self,
        desired: &Desired,
        seen: &Observation,
    ) -> std::result::Result<Plan, PlanRefused> {
        plan(desired, seen, self.connections())
    }

    async fn apply(&self, step: &Step, cx: &Cx) -> Result<Applied> {
        let bug = |reason: &str| {
            self.error((ErrorKind::Bug, "step-unreadable", Retry::Never), "apply", reason)
        };
        let at: At = serde_json::from_value(step.call.get(AT).cloned().unwrap_or_default())
            .map_err(|_| bug("the step names no account"))?;
        let mut call = step.call.clone();
        if let Some(parts) = call.as_object_mut() {
            parts.remove(AT);
        }
        let call: Call = serde_json::from_value(call)
            .map_err(|_| bug("the step carries no call of this version"))?;
        let session = self.reach.seated(&at, cx).await?;
        tokio::select! {
            biased;
            () = cx.cancel.cancelled() => {
                let told = (ErrorKind::Timeout, "cancelled", Retry::NextCycle);
                let error = self.error(told, "apply", "it was cancelled; look before the next step");
                // What was on its way may arrive.
                let outcome = if session.has_sent() { Outcome::Unknown } else { Outcome::NotApplied };
                Err(AdapterError { outcome, ..error })
            }
            done = Box::pin(apply(&session, step, &call)) => done,
        }
    }

    async fn probe(&self, what: &ResourceKind, scope: &Scope, cx: &Cx) -> Result<Probe> {
        self.tried(what, scope, cx).await
    }

    fn tests_connections(&self) -> Option<&dyn TestsConnections> {
        Some(self)
    }

    fn runs_queries(&self) -> Option<&dyn RunsQueries> {
        Some(self)
    }
}
