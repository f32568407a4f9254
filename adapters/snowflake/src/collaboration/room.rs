//! The adapter: one platform, many accounts.

use super::apply::apply;
use super::assess::assess;
use super::call::{AT, At, Call};
use super::held::holding;
use super::observe::{Watched, observe};
use super::plan::plan;
use super::seen::Seen;
use crate::behaviours::behaviours;
use crate::connection::Connections;
use crate::error::{Told, made};
use crate::reach::{Reach, Seat, is_elsewhere, past, seat};
use crate::running::Runs;
use crate::tables::Tables;
use adapter_spi::{
    Adapter, AdapterError, Applied, Assessment, Capabilities, Coverage, Cx, Desired, ErrorKind,
    Lag, Observation, Outcome, Plan, PlanRefused, Probe, ResourceKind, Result, Retry, RunsQueries,
    Scope, Step, TestsConnections,
};
use async_trait::async_trait;
use mappings::model::{Agreement, MemberId, PlatformId};
use snowflake_sql_api::Clock;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// A token lives an hour, which bounds a call that is on its way. Linking, listing and leaving go on after the answer, and nothing says
/// for how long: looks count that are a minute apart and agree, and what five of them miss is believed gone. Unverified on a real account.
/// A stand-in on this machine may be given less ([`Connections::settles_ms`]).
const LAG: Lag = Lag { late_ms: 61 * 60_000, settles_ms: 60_000, reads_min: 5 };

/// Data clean rooms of Snowflake's Collaboration API, for the members whom this gateway operates.
#[derive(Debug)]
pub struct SnowflakeCollaborations {
    capabilities: Capabilities,
    pub(super) reach: Reach,
    pub(super) runs: Runs,
    tables: Tables,
    /// Specs that the platform would not take back, each with its account: they are not asked for again.
    kept: Mutex<BTreeSet<(String, String)>>,
}

impl SnowflakeCollaborations {
    /// The adapter over these connections. Nothing is called yet. The clock is for the tokens that keys sign.
    #[must_use]
    pub fn new(connections: Connections, clock: Clock) -> Self {
        let lag = Lag { settles_ms: connections.settles_ms(LAG.settles_ms), ..LAG };
        Self {
            capabilities: Capabilities {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                runs_queries: true,
                activation: false,
                cancels: true,
                lag,
                behaviours: behaviours(&PlatformId::snowflake_dcr(), Some(&connections)),
            },
            reach: Reach::new(PlatformId::snowflake_dcr(), connections, clock),
            runs: Runs::default(),
            tables: Tables::default(),
            kept: Mutex::default(),
        }
    }

    /// Whether what connections say of old answers counts.
    #[must_use]
    pub fn may_settle(connections: &Connections) -> bool {
        connections.may_settle(LAG.settles_ms)
    }

    /// The accounts that a look goes through, as far as this gateway has connections: those that the agreement names, then those that
    /// earlier ones named.
    async fn watched(&self, scope: &Scope, cx: &Cx) -> Vec<Watched> {
        let (platform, agreement) = (self.reach.platform(), &scope.agreement);
        let now = agreement.members.keys();
        let now = now.map(|one| (one.clone(), seat(platform, agreement, one), false));
        let past = past(platform, scope).into_iter();
        let past = past.map(|seat| (seat.member.clone(), Ok(seat), true));
        let seats: Vec<(MemberId, Result<Seat>, bool)> = now.chain(past).collect();
        let mut watched: Vec<Watched> = Vec::new();
        for (member, seat, past) in seats {
            let Some(connection) = self.reach.connection(&member) else { continue };
            let session = match seat {
                Ok(seat) => Box::pin(self.reach.seated(&seat, cx)).await,
                Err(error) => Err(error),
            };
            let database = connection.database().to_owned();
            watched.push(Watched { member, session, database, past });
        }
        let reached = watched.iter().filter(|one| one.session.is_ok());
        let reached: BTreeSet<MemberId> = reached.map(|one| one.member.clone()).collect();
        watched.retain(|one| {
            // A member has one connection: where that is for another of its accounts, there is none for this one.
            let known =
                agreement.members.contains_key(&one.member) || reached.contains(&one.member);
            !(one.past && known && one.session.as_ref().is_err_and(is_elsewhere))
        });
        watched
    }

    /// Looks at everything of an agreement.
    pub(super) async fn look(&self, scope: &Scope, cx: &Cx) -> Seen {
        let watched = self.watched(scope, cx).await;
        let mut seen = Box::pin(observe(scope, (&watched, &self.tables))).await;
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for account in seen.accounts.values_mut() {
            let own = kept.iter().filter(|(of, _)| *of == account.identifier);
            account.kept = own.map(|(_, id)| id.clone()).collect();
        }
        drop(kept);
        seen
    }

    /// What a call came to. A spec that is linked somewhere out of sight stays, and that is no failure.
    fn done(&self, at: &At, call: &Call, done: Result<Applied>) -> Result<Applied> {
        match (call.takes_back(), done) {
            (Some(id), Err(error)) if error.kind == ErrorKind::Conflict => {
                let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.insert((at.account.clone(), id.clone()));
                Ok(Applied::Already)
            }
            (_, done) => done,
        }
    }

    pub(super) fn error(
        &self,
        told: Told,
        operation: &'static str,
        reason: impl Into<String>,
    ) -> AdapterError {
        made(self.reach.platform(), told, operation, reason)
    }
}

#[async_trait]
impl Adapter for SnowflakeCollaborations {
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
        let seen = Box::pin(self.look(scope, cx)).await;
        let coverage = if seen.unseen.is_empty() { Coverage::Complete } else { Coverage::Partial };
        let holding = holding(scope, &seen);
        let resources = holding.resources.into_iter().collect();
        Ok(Observation {
            coverage,
            unseen: seen.unseen.clone(),
            members: holding.members,
            remains: holding.remains,
            offered: Some(holding.offered),
            gone: holding.gone,
            notes: holding.notes,
            native: serde_json::json!(seen),
            ..Observation::whole(scope, seen.version(), resources)
        })
    }

    fn plan(
        &self,
        desired: &Desired,
        seen: &Observation,
    ) -> std::result::Result<Plan, PlanRefused> {
        plan(desired, seen, &self.reach.connections().verified)
    }

    async fn apply(&self, step: &Step, cx: &Cx) -> Result<Applied> {
        let bug = |reason: &str| {
            self.error((ErrorKind::Bug, "step-unreadable", Retry::Never), "apply", reason)
        };
        let call: Call = serde_json::from_value(step.call.clone())
            .map_err(|_| bug("the step carries no call of this version"))?;
        let at: At = serde_json::from_value(step.call.get(AT).cloned().unwrap_or_default())
            .map_err(|_| bug("the step names no account"))?;
        let session = Box::pin(self.reach.seated(&at, cx)).await?;
        tokio::select! {
            biased;
            () = cx.cancel.cancelled() => {
                let told: Told = (ErrorKind::Timeout, "cancelled", Retry::NextCycle);
                let error = self.error(told, "apply", "it was cancelled; look before the next step");
                // What was on its way may arrive.
                let outcome = if session.has_sent() { Outcome::Unknown } else { Outcome::NotApplied };
                Err(AdapterError { outcome, ..error })
            }
            done = apply(&session, &call, step) => self.done(&at, &call, done),
        }
    }

    async fn probe(&self, what: &ResourceKind, scope: &Scope, cx: &Cx) -> Result<Probe> {
        Box::pin(self.tried(what, scope, cx)).await
    }

    fn tests_connections(&self) -> Option<&dyn TestsConnections> {
        Some(self)
    }

    fn runs_queries(&self) -> Option<&dyn RunsQueries> {
        Some(self)
    }
}
