//! The adapter: one platform in one Region, many accounts.

use crate::apply::apply;
use crate::assess::assess;
use crate::call::Call;
use crate::connection::{Client, Connection, Connections};
use crate::error::made;
use crate::observe::{Known, observe};
use crate::plan::plan;
use crate::seen::Seen;
use crate::wanted::{Wanted, wanted};
use adapter_spi::{
    Adapter, AdapterError, Applied, Assessment, Capabilities, Coverage, Cx, Desired, ErrorKind,
    Lag, Observation, Outcome, Plan, PlanRefused, Resource, ResourceKind, Result, Retry,
    RunsQueries, Scope, Step,
};
use async_trait::async_trait;
use mappings::model::{Agreement, CollaborationId, MemberId, PlatformId};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

/// Gives the external id under which this gateway assumes roles for one collaboration.
pub trait ExternalIds: Debug + Send + Sync {
    /// The id; the same each time.
    fn external_id(&self, collaboration: &CollaborationId) -> Option<String>;
}

/// A signed request is accepted for 15 minutes; what was done shows itself within seconds, and is believed gone after a minute.
const LAG: Lag = Lag { late_ms: 15 * 60_000, settles_ms: 60_000, reads_min: 3 };

/// AWS Clean Rooms, for the members whom this gateway operates.
#[derive(Debug)]
pub struct AwsCleanRooms {
    platform: PlatformId,
    capabilities: Capabilities,
    connections: Connections,
    external_ids: Arc<dyn ExternalIds>,
    known: Known,
    clients: Mutex<BTreeMap<(CollaborationId, MemberId), Client>>,
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
            },
            connections,
            external_ids,
            known: Known::default(),
            clients: Mutex::default(),
            runs: crate::runs::Runs::default(),
        }
    }

    /// How members are reached.
    #[must_use]
    pub const fn connections(&self) -> &Connections {
        &self.connections
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
        let key = (agreement.collaboration.clone(), member.clone());
        let kept = self.clients.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(client) = kept {
            return Ok(client);
        }
        let missing = |code, reason: String| {
            made(ErrorKind::PermissionDenied, code, Retry::Never, "connect", reason)
        };
        let connection = self.connection(member).ok_or_else(|| {
            missing("not-operated", format!("this gateway does not operate {member} there"))
        })?;
        let account = agreement.members.get(member).and_then(|m| m.identity.get(&self.platform));
        let account = account.ok_or_else(|| {
            missing("identity-missing", format!("the agreement pins no account of {member}"))
        })?;
        let region = agreement.rooms.iter().find(|room| room.platform == self.platform);
        let region = region.and_then(|room| room.region.as_ref()).ok_or_else(|| {
            missing("region-missing", "the agreement names no Region for this room".to_owned())
        })?;
        let id = self.external_ids.external_id(&agreement.collaboration).ok_or_else(|| {
            missing("external-id-missing", "the gateway has no external id for it".to_owned())
        })?;
        let client = Client::of(connection, region.as_str(), account, &id).await?;
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.insert(key, client.clone());
        Ok(client)
    }

    async fn clients(&self, agreement: &Agreement) -> BTreeMap<MemberId, Result<Client>> {
        let mut clients = BTreeMap::new();
        for member in agreement.members.keys().filter(|m| self.connection(m).is_some()) {
            clients.insert(member.clone(), self.client(agreement, member).await);
        }
        clients
    }

    /// Looks at everything of an agreement.
    pub(crate) async fn look(&self, scope: &Scope) -> Seen {
        observe(scope, &self.clients(&scope.agreement).await, &self.known).await
    }
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

    async fn observe(&self, scope: &Scope, _: &Cx) -> Result<Observation> {
        let seen = self.look(scope).await;
        let coverage = if seen.unseen.is_empty() { Coverage::Complete } else { Coverage::Partial };
        let all = wanted(&Desired::whole(Arc::clone(&scope.agreement)));
        Ok(Observation {
            coverage,
            unseen: seen.unseen.clone(),
            native: serde_json::json!(seen),
            ..Observation::whole(scope, 0, open(&scope.agreement, &all, &seen))
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
        let ResourceKind::Native(native) = &step.resource.kind else {
            return Err(bug("the step names nothing of this platform"));
        };
        let key = (step.collaboration.clone(), native.member.clone());
        let client = self.clients.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let client = client.ok_or_else(|| {
            let reason = "its account was not looked at before";
            made(ErrorKind::StaleVersion, "stale-version", Retry::NextCycle, "apply", reason)
        })?;
        tokio::select! {
            done = apply(&client, &call, step.effect) => done,
            () = cx.cancel.cancelled() => {
                let reason = "it was cancelled; look before the next step";
                let error = made(ErrorKind::Timeout, "cancelled", Retry::NextCycle, "apply", reason);
                Err(AdapterError { outcome: Outcome::Unknown, ..error })
            }
        }
    }

    fn runs_queries(&self) -> Option<&dyn RunsQueries> {
        Some(self)
    }
}

/// What runs can use, judged by what partners see: a dataset whose table is ready somewhere, a template that every table it
/// reads allows.
fn open(agreement: &Agreement, all: &Wanted, seen: &Seen) -> Vec<Resource> {
    let mut open = Vec::new();
    for (name, dataset) in &agreement.datasets {
        let ready = all.rooms.values().any(|room| {
            let seen = seen.room(&room.name, &room.runner);
            let Some((_, seen)) = seen else { return false };
            // The ARN of a template that is gone lets nobody in.
            let lives = |analysis: &String| {
                let mut templates = seen.templates.values();
                !analysis.starts_with("arn:") || templates.any(|found| found.arn == *analysis)
            };
            let schema = seen.schemas.get(name.as_str());
            schema.is_some_and(|schema| schema.ready && schema.analyses.iter().any(lives))
        });
        if ready {
            open.push(Resource::dataset(name, dataset));
        }
    }
    for (name, template) in &agreement.templates {
        let allowed = all.rooms.values().any(|room| {
            let Some((_, seen)) = seen.room(&room.name, &room.runner) else { return false };
            let Some(text) = room.templates.get(name) else { return false };
            let Some(found) = seen.templates.get(&text.alias) else { return false };
            text.touches.iter().all(|dataset| {
                let schema = seen.schemas.get(dataset.as_str());
                schema.is_some_and(|schema| schema.analyses.contains(&found.arn))
            })
        });
        if allowed {
            open.push(Resource::template(name, template));
        }
    }
    open.sort();
    open
}
