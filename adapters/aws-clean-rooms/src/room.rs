//! The adapter: one platform in one Region, many accounts.

use crate::apply::apply;
use crate::assess::assess;
use crate::call::{AT, At, Call};
use crate::clients::Clients;
use crate::connection::{Client, Connection, Connections};
use crate::error::made;
use crate::held::holding;
use crate::observe::{Known, Watched, observe};
use crate::plan::plan;
use crate::seats::{past, seat};
use crate::seen::{Seat, Seen};
use adapter_spi::{
    Adapter, AdapterError, Applied, Assessment, Capabilities, Coverage, Cx, Desired, ErrorKind,
    Lag, Observation, Outcome, Plan, PlanRefused, Probe, ResourceKind, Result, Retry, RunsQueries,
    Scope, Step, TestsConnections,
};
use async_trait::async_trait;
use mappings::model::{Agreement, CollaborationId, MemberId, PlatformId};
use std::fmt::Debug;
use std::sync::Arc;

/// Gives the external id under which this gateway assumes roles for one collaboration.
pub trait ExternalIds: Debug + Send + Sync {
    /// The id; the same each time.
    fn external_id(&self, collaboration: &CollaborationId) -> Option<String>;
}

/// A signed request is refused after 15 minutes, which bounds a call that is on its way; a minute is for settling. How old an answer
/// may be AWS does not say: the handlers of its own `CloudFormation` look once a second, for up to a minute, until Get and List
/// agree. So looks count that are a second apart and agree, and what five of them miss is believed gone.
const LAG: Lag = Lag { late_ms: 16 * 60_000, settles_ms: 1_000, reads_min: 5 };

/// AWS Clean Rooms, for the members whom this gateway operates.
#[derive(Debug)]
pub struct AwsCleanRooms {
    platform: PlatformId,
    capabilities: Capabilities,
    connections: Connections,
    external_ids: Arc<dyn ExternalIds>,
    known: Known,
    clients: Clients,
    pub(crate) runs: crate::runs::Runs,
}

impl AwsCleanRooms {
    /// The adapter over these connections. Nothing is called yet.
    #[must_use]
    pub fn new(connections: Connections, external_ids: Arc<dyn ExternalIds>) -> Self {
        Self {
            platform: PlatformId::aws_clean_rooms(),
            capabilities: Capabilities {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                runs_queries: true,
                activation: true,
                cancels: true,
                lag: LAG,
                behaviours: Vec::new(),
            },
            connections,
            external_ids,
            known: Known::default(),
            clients: Clients::default(),
            runs: crate::runs::Runs::default(),
        }
    }

    /// How members are reached.
    #[must_use]
    pub const fn connections(&self) -> &Connections {
        &self.connections
    }

    /// Where external ids come from.
    pub(crate) fn external_ids(&self) -> &dyn ExternalIds {
        self.external_ids.as_ref()
    }

    /// The members that are operated.
    pub(crate) fn members(&self) -> impl Iterator<Item = &MemberId> {
        self.connections.members.keys()
    }

    /// How a member is reached.
    pub(crate) fn connection(&self, member: &MemberId) -> Option<&Connection> {
        self.connections.members.get(member)
    }

    /// The clients of an operated member of an agreement, known to act for the account that is pinned there.
    pub(crate) async fn client(&self, agreement: &Agreement, member: &MemberId) -> Result<Client> {
        self.seated(&agreement.collaboration, &seat(agreement, member)?).await
    }

    /// The clients for one account in one Region.
    pub(crate) async fn seated(
        &self,
        collaboration: &CollaborationId,
        seat: &Seat,
    ) -> Result<Client> {
        if let Some(client) = self.kept(collaboration, seat) {
            return Ok(client);
        }
        self.clients.check(collaboration, seat)?;
        let missing = |code, reason: String| {
            made(ErrorKind::PermissionDenied, code, Retry::Never, "connect", reason)
        };
        let connection = self.connection(&seat.member).ok_or_else(|| {
            let reason = format!("this gateway does not operate {} there", seat.member);
            missing("not-operated", reason)
        })?;
        let id = self.external_ids.external_id(collaboration).ok_or_else(|| {
            missing("external-id-missing", "the gateway has no external id for it".to_owned())
        })?;
        match Client::of(connection, seat, &id).await {
            Ok(client) => Ok(self.clients.keep(collaboration, seat, client)),
            Err(error) => Err(self.clients.failed(collaboration, seat, error)),
        }
    }

    pub(crate) fn kept(&self, collaboration: &CollaborationId, seat: &Seat) -> Option<Client> {
        self.clients.kept(collaboration, seat)
    }

    /// The accounts that a look goes through: those that the agreement names, and those that only earlier ones did, as far as
    /// this gateway has connections.
    async fn watched(&self, scope: &Scope, cx: &Cx) -> Vec<Watched> {
        let mut watched = Vec::new();
        let agreement = &scope.agreement;
        for member in agreement.members.keys().filter(|one| self.connection(one).is_some()) {
            let client = self.client(agreement, member).await.map(|client| client.within(cx));
            let seat = seat(agreement, member).unwrap_or_else(|_| nowhere(member));
            let agreements = vec![Arc::clone(agreement)];
            watched.push(Watched { seat, client, agreements, is_past: false });
        }
        for (seat, agreements) in past(scope) {
            // One connection is of one account: that of now, where that was reached.
            let elsewhere = watched.iter().any(|one: &Watched| {
                let same = one.seat.member == seat.member && one.client.is_ok();
                same && one.seat.account != seat.account
            });
            if elsewhere || self.connection(&seat.member).is_none() {
                continue;
            }
            let client = self.seated(&scope.collaboration, &seat).await;
            let client = client.map(|client| client.within(cx));
            watched.push(Watched { seat, client, agreements, is_past: true });
        }
        watched
    }

    /// Looks at everything of an agreement.
    pub(crate) async fn look(&self, scope: &Scope, cx: &Cx) -> Seen {
        observe(&self.watched(scope, cx).await, &self.known).await
    }
}

/// The place of a member whose account or Region is not said; nothing is looked at there.
fn nowhere(member: &MemberId) -> Seat {
    Seat { member: member.clone(), account: String::new(), region: String::new() }
}

#[async_trait]
impl Adapter for AwsCleanRooms {
    fn platform(&self) -> &PlatformId {
        &self.platform
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn assess(&self, desired: &Agreement) -> Assessment {
        assess(desired).unwrap_or_else(|_| Assessment::none(self.platform.clone()))
    }

    async fn observe(&self, scope: &Scope, cx: &Cx) -> Result<Observation> {
        let seen = self.look(scope, cx).await;
        let coverage = if seen.unseen.is_empty() { Coverage::Complete } else { Coverage::Partial };
        let holding = holding(scope, &seen);
        Ok(Observation {
            coverage,
            unseen: seen.unseen.clone(),
            members: holding.members,
            approvals: holding.approvals,
            remains: holding.remains,
            offered: Some(holding.offered),
            gone: holding.gone,
            notes: holding.notes,
            native: serde_json::json!(seen),
            ..Observation::whole(scope, 0, holding.resources.into_iter().collect())
        })
    }

    fn plan(
        &self,
        desired: &Desired,
        seen: &Observation,
    ) -> std::result::Result<Plan, PlanRefused> {
        plan(desired, seen, &self.connections)
    }

    async fn apply(&self, step: &Step, cx: &Cx) -> Result<Applied> {
        let bug =
            |reason: &str| made(ErrorKind::Bug, "step-unreadable", Retry::Never, "apply", reason);
        let call: Call = serde_json::from_value(step.call.clone())
            .map_err(|_| bug("the step carries no call of this version"))?;
        let at: At = serde_json::from_value(step.call.get(AT).cloned().unwrap_or_default())
            .map_err(|_| bug("the step names no account"))?;
        let At { member, account, region } = at;
        let client = self.kept(&step.collaboration, &Seat { member, account, region });
        let client = client.ok_or_else(|| {
            let reason = "its account was not looked at before";
            made(ErrorKind::StaleVersion, "stale-version", Retry::NextCycle, "apply", reason)
        })?;
        let client = client.within(cx);
        tokio::select! {
            biased;
            () = cx.cancel.cancelled() => {
                let reason = "it was cancelled; look before the next step";
                let error = made(ErrorKind::Timeout, "cancelled", Retry::NextCycle, "apply", reason);
                // What was on its way may arrive.
                let outcome = if client.has_sent() { Outcome::Unknown } else { Outcome::NotApplied };
                Err(AdapterError { outcome, ..error })
            }
            done = apply(&client, &call, step.effect) => done,
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

#[cfg(test)]
mod tests;
