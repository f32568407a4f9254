//! A platform that does what a test says: what it holds, what it shows, how it answers. Checks of each call that its intent is the
//! newest leaf. Must not know what is wanted of it but by the plan.

use super::house::{named, reads};
use super::store::Failing;
use crate::log::{Body, Code, Leaf, State};
use crate::store::Store;
use adapter_spi::{
    Adapter, AdapterError, Applied, Assessment, Capabilities, Coverage, Cx, Desired, Effect,
    ErrorKind, Fidelity, Lag, Observation, Outcome, Plan, PlanRefused, Probe, ProtectedQuery,
    Residual, Resource, ResourceKind, Result, Retry, RunStatus, RunsQueries, Scope, Step,
};
use async_trait::async_trait;
use mappings::model::{Agreement, PlatformId, RunId, TemplateName};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

type Look = Box<dyn Fn(&mut Observation) + Send>;
type Hook = Box<dyn Fn() + Send>;

#[derive(Default)]
pub(super) struct Room {
    pub(super) held: BTreeSet<Resource>,
    /// Changes what a look shows.
    pub(super) shows: Option<Look>,
    /// Done at each look.
    pub(super) meanwhile: Option<Hook>,
    /// How calls fail, by what they are about.
    pub(super) fails: BTreeMap<String, Outcome>,
    /// Whether whatever fails may go at the next look.
    pub(super) moves: bool,
    /// What happened, in its order: looks are left out.
    pub(super) calls: Vec<String>,
    /// What is gone in the moment after it was given, and whether the answer showed it.
    pub(super) undone: BTreeMap<String, bool>,
    /// How a try is answered; not at all without.
    pub(super) probe: Option<Probe>,
    /// What runs there.
    pub(super) runs: usize,
    /// Whether that can't be stopped.
    pub(super) runs_on: bool,
    /// Whether it holds a term more loosely than agreed.
    pub(super) wider: bool,
    version: u64,
}

pub(super) struct Platform {
    name: PlatformId,
    capabilities: Capabilities,
    store: Arc<Failing>,
    room: Mutex<Room>,
}

impl std::fmt::Debug for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.name)
    }
}

impl Platform {
    pub(super) fn new(name: &str, lag: Lag, store: &Arc<Failing>) -> Self {
        let capabilities = Capabilities {
            version: "1".to_owned(),
            runs_queries: true,
            activation: false,
            cancels: true,
            lag,
            behaviours: Vec::new(),
        };
        let room = Room { probe: Some(Probe::Denied), ..Room::default() };
        let name = name.parse().unwrap();
        Self { name, capabilities, store: Arc::clone(store), room: Mutex::new(room) }
    }

    pub(super) fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap()
    }

    /// What happened since the last question.
    pub(super) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.room().calls)
    }

    /// What it holds, in words.
    pub(super) fn holds(&self) -> Vec<String> {
        self.room().held.iter().map(|held| held.kind.to_string()).collect()
    }

    /// Somebody takes something away there.
    pub(super) fn lose(&self, what: &str) {
        self.room().held.retain(|held| held.kind.to_string() != what);
    }

    fn error(&self, code: &'static str, outcome: Outcome) -> AdapterError {
        AdapterError {
            kind: ErrorKind::Unavailable,
            code,
            outcome,
            retry: Retry::Never,
            platform: self.name.clone(),
            operation: "call",
            reason: "as the test says".to_owned(),
        }
    }

    /// Whether the newest leaf is an intent for this room, or one of this call that takes away has no end yet.
    async fn is_intended(&self, step: &Step) -> bool {
        let leaves = self.store.inner.read(&named(), 0, 10_000).await.unwrap();
        let bodies: Vec<Body> = leaves.iter().map(|one| Leaf::parse(one).unwrap().body).collect();
        let ended = |of: &Code| {
            let ends = |body: &Body| matches!(body, Body::EffectOutcome { step, outcome, .. } if step == of && *outcome != crate::log::Outcome::Unknown);
            bodies.iter().any(ends)
        };
        let own = |body: &Body| matches!(body, Body::EffectIntended { platform, .. } if *platform == self.name);
        let open = |body: &Body| matches!(body, Body::EffectIntended { step: name, .. } if State::makes(name, &step.key()) && !ended(name));
        let again =
            step.effect == Effect::Revoke && bodies.iter().any(|body| own(body) && open(body));
        bodies.last().is_some_and(own) || again
    }
}

#[async_trait]
impl Adapter for Platform {
    fn platform(&self) -> &PlatformId {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn assess(&self, desired: &Agreement) -> Assessment {
        let mut all =
            Assessment::exact(self.name.clone(), desired, |_| (Residual::None, "as written"));
        if self.room().wider {
            all.verdicts.iter_mut().take(1).for_each(|one| one.fidelity = Fidelity::Wider);
        }
        all
    }

    async fn observe(&self, scope: &Scope, _: &Cx) -> Result<Observation> {
        let room = self.room();
        let held = room.held.iter().cloned().collect();
        let mut seen = Observation::whole(scope, room.version, held);
        room.shows.iter().for_each(|shows| shows(&mut seen));
        room.meanwhile.iter().for_each(|hook| hook());
        Ok(seen)
    }

    fn plan(
        &self,
        desired: &Desired,
        seen: &Observation,
    ) -> std::result::Result<Plan, PlanRefused> {
        let whole = |name: &TemplateName| {
            let given = desired.approvals.get(name);
            reads(name).iter().all(|(dataset, owner)| {
                desired.offers(&dataset.parse().unwrap())
                    && given.is_some_and(|given| given.contains(&owner.parse().unwrap()))
            })
        };
        let mut wanted = desired.resources();
        wanted.retain(|one| {
            let ResourceKind::Template(name) = &one.kind else { return true };
            whole(name)
        });
        Ok(Plan::between(&wanted, seen))
    }

    async fn apply(&self, step: &Step, _: &Cx) -> Result<Applied> {
        let intended = self.is_intended(step).await;
        let denies = step.effect == Effect::Revoke;
        assert!(
            intended || (denies && self.store.fails()),
            "nothing is done whose intent is not on record"
        );
        let (mut room, what) = (self.room(), step.resource.kind.to_string());
        let undone = room.undone.remove(&what);
        let act = if denies { "close" } else { "open" };
        room.calls.push(format!("{act} {what}"));
        match room.fails.get(&what).copied() {
            Some(outcome) => {
                let retry = if room.moves { Retry::NextCycle } else { Retry::Never };
                return Err(AdapterError { retry, ..self.error("call-failed", outcome) });
            }
            None if denies && !room.held.remove(&step.resource) => return Ok(Applied::Already),
            None if denies => {}
            None if undone.is_some() => {}
            None => drop(room.held.insert(step.resource.clone())),
        }
        room.version += 1;
        Ok(Applied::Changed { version: room.version, shown: undone != Some(false) })
    }

    async fn probe(&self, what: &ResourceKind, _: &Scope, _: &Cx) -> Result<Probe> {
        let mut room = self.room();
        room.calls.push(format!("try {what}"));
        room.probe.ok_or_else(|| self.error("no-answer", Outcome::NotApplied))
    }

    fn runs_queries(&self) -> Option<&dyn RunsQueries> {
        Some(self)
    }
}

#[async_trait]
impl RunsQueries for Platform {
    async fn submit(&self, _: &ProtectedQuery, _: &Cx) -> Result<()> {
        Err(self.error("no-runs", Outcome::NotApplied))
    }

    async fn status(&self, _: &RunId, _: &Cx) -> Result<RunStatus> {
        Err(self.error("no-runs", Outcome::NotApplied))
    }

    async fn cancel(&self, _: &RunId, _: &Cx) -> Result<RunStatus> {
        Err(self.error("no-runs", Outcome::NotApplied))
    }

    async fn stop(&self, _: &Desired, _: &Scope, _: &Cx) -> Result<usize> {
        let mut room = self.room();
        room.calls.push("stop".to_owned());
        if room.runs_on {
            return Err(self.error("runs-on", Outcome::Unknown));
        }
        Ok(std::mem::take(&mut room.runs))
    }
}

/// A look that could not see everything.
pub(super) fn partly(seen: &mut Observation) {
    seen.coverage = Coverage::Partial;
    seen.unseen.insert("grocer".parse().unwrap(), "away".to_owned());
}
