//! What a simulated platform has to hold for an agreement less its withdrawals, and the steps from what was seen to that. The
//! adapters plan with it; the checker asks it of a state that it folded itself.

use crate::platform::{Way, native};
use crate::pool::{Pool, Terms, value};
use adapter_spi::{
    Desired, Effect, NeedsCounterparty, Observation, Plan, PlanRefused, Resource, ResourceKind,
    Step,
};
use mappings::model::{ColumnName, Digest, MemberId, TemplateName};
use std::collections::{BTreeMap, BTreeSet};

/// What one platform wants.
pub(crate) type Wanted = BTreeMap<ResourceKind, Digest>;

/// What is desired of it, in a platform's things.
pub(crate) fn wanted(pool: &Pool, desired: &Desired) -> Wanted {
    let mut all = Wanted::new();
    let found = pool.versions.iter().find(|(known, _)| **known == *desired.agreement);
    let Some((agreement, version)) = found.filter(|_| desired.open) else { return all };
    for member in &desired.members {
        let digest = Digest::of(member.as_str().as_bytes());
        all.insert(ResourceKind::Member(member.clone()), digest);
    }
    for name in agreement.datasets.keys().filter(|name| desired.offers(name)) {
        let Some(agreed) = pool.agreed(*version, name) else { continue };
        let of = desired.hidden.iter().filter(|(dataset, _)| dataset == name);
        let hidden: BTreeSet<ColumnName> = of.map(|(_, column)| column.clone()).collect();
        let digest = value(&Terms { agreed, hidden });
        all.insert(ResourceKind::Dataset(name.clone()), digest);
    }
    for (name, approved) in &desired.approvals {
        let Some(digest) = pool.digest(*version, name) else { continue };
        let Some(reads) = pool.reads(name, digest).filter(|_| stands(pool, desired, name, digest))
        else {
            continue;
        };
        all.insert(ResourceKind::Template(name.clone()), digest);
        for owner in reads.owners.intersection(approved) {
            all.insert(ResourceKind::Approval(name.clone(), owner.clone()), digest);
        }
    }
    all
}

/// Whether a template reads nothing that was withdrawn, for parties who are there.
fn stands(pool: &Pool, desired: &Desired, name: &TemplateName, digest: Digest) -> bool {
    let Some(reads) = pool.reads(name, digest) else { return false };
    let Some(text) = desired.agreement.templates.get(name) else { return false };
    let shown = |(dataset, columns): (&_, &BTreeSet<ColumnName>)| {
        desired.offers(dataset)
            && !columns.iter().any(|column| {
                desired.hidden.iter().any(|(of, hidden)| of == dataset && hidden == column)
            })
    };
    reads.datasets.iter().all(shown)
        && text.received_by.is_subset(&desired.members)
        && !text.run_by.is_disjoint(&desired.members)
}

/// What an adapter knows of its platform.
#[derive(Debug, Clone)]
pub(crate) struct Ways<'a> {
    pub(crate) pool: &'static Pool,
    pub(crate) way: Way,
    pub(crate) apart: Option<&'a MemberId>,
}

/// The order in which things are taken away: what opens most comes first. Giving goes the other way.
fn rank(kind: &ResourceKind) -> u8 {
    match kind {
        ResourceKind::Approval(..) => 0,
        ResourceKind::Template(_) => 1,
        ResourceKind::Dataset(_) => 2,
        ResourceKind::Native(native) if native.noun == "association" => 3,
        ResourceKind::Native(_) => 4,
        ResourceKind::Member(_) => 5,
    }
}

/// The steps from what was seen to what is desired.
pub(crate) fn plan(ways: &Ways<'_>, desired: &Desired, seen: &Observation) -> Plan {
    let wanted = wanted(ways.pool, desired);
    let things = seen.native.get("things").cloned().unwrap_or_default();
    let things: Vec<(ResourceKind, Digest)> = serde_json::from_value(things).unwrap_or_default();
    let things: BTreeMap<ResourceKind, Digest> = things.into_iter().collect();
    let mut planner = Planner { ways, seen, wanted, things, steps: Vec::new(), plan: nothing() };
    planner.take_away();
    planner.give();
    planner.rules();
    planner.steps.sort_by_key(|(rank, step)| (step.effect, *rank));
    let mut plan = planner.plan;
    plan.steps = planner.steps.into_iter().map(|(_, step)| step).collect();
    if seen.native.get("stranger") == Some(&serde_json::Value::Bool(true)) {
        plan.steps.retain(|step| step.effect <= Effect::Restrict);
        let message = "somebody else's thing stands under a name of ours".to_owned();
        plan.refused = Some(PlanRefused { code: "stranger".to_owned(), message });
    }
    plan
}

fn nothing() -> Plan {
    Plan { steps: Vec::new(), waiting: Vec::new(), pending: false, refused: None }
}

pub(crate) struct Planner<'a> {
    pub(crate) ways: &'a Ways<'a>,
    pub(crate) seen: &'a Observation,
    pub(crate) wanted: Wanted,
    pub(crate) things: BTreeMap<ResourceKind, Digest>,
    pub(crate) steps: Vec<(u8, Step)>,
    pub(crate) plan: Plan,
}

impl Planner<'_> {
    fn take_away(&mut self) {
        for (kind, digest) in self.things.clone() {
            if self.is_ruled(&kind) {
                continue;
            }
            let goes = match &kind {
                ResourceKind::Native(native) => {
                    !self.wanted.keys().any(|kind| is_dataset(kind, &native.name))
                }
                _ => self.wanted.get(&kind) != Some(&digest),
            };
            if goes && self.ours(&kind) {
                self.step(Effect::Revoke, kind, digest);
            }
        }
    }

    fn give(&mut self) {
        for (kind, digest) in self.wanted.clone() {
            if self.is_ruled(&kind) {
                continue;
            }
            match self.things.get(&kind).copied() {
                Some(held) if held == digest => {}
                // What is held in its place goes first.
                Some(_) => self.plan.pending = true,
                None if self.seen.gone.contains(&kind) => self.wait(&kind),
                None if !self.sees(&kind) => self.plan.pending = true,
                None if !self.prepared(&kind) => self.plan.pending = true,
                None if self.ours(&kind) => self.toward(kind, digest),
                None => {}
            }
        }
    }

    /// Whether everything is there, as desired, that has to be there first.
    pub(crate) fn prepared(&self, kind: &ResourceKind) -> bool {
        let has = |kind: &ResourceKind| self.things.get(kind) == self.wanted.get(kind);
        match kind {
            ResourceKind::Dataset(name) => {
                self.ways.pool.owner(name).is_some_and(|of| has(&ResourceKind::Member(of.clone())))
            }
            ResourceKind::Template(name) => {
                let digest = self.wanted.get(kind).copied();
                let reads = digest.and_then(|digest| self.ways.pool.reads(name, digest));
                reads.is_some_and(|reads| {
                    reads.datasets.keys().all(|name| has(&ResourceKind::Dataset(name.clone())))
                })
            }
            ResourceKind::Approval(name, _) => has(&ResourceKind::Template(name.clone())),
            ResourceKind::Member(_) | ResourceKind::Native(_) => true,
        }
    }

    fn toward(&mut self, kind: ResourceKind, digest: Digest) {
        if let (ResourceKind::Dataset(name), Way::Steps) = (&kind, self.ways.way)
            && let Some(owner) = self.ways.pool.owner(name)
        {
            for noun in ["table", "association"] {
                let part = native(owner, noun, name.as_str());
                if !self.things.contains_key(&part) {
                    self.plan.pending = true;
                    self.step(Effect::Neutral, part, Digest::of(noun.as_bytes()));
                    return;
                }
            }
        }
        self.step(Effect::Grant, kind, digest);
    }

    fn step(&mut self, effect: Effect, kind: ResourceKind, digest: Digest) {
        let rank = if effect <= Effect::Restrict { rank(&kind) } else { 5 - rank(&kind) };
        // What gives is about everything that it rests on; what takes away, about that alone.
        let touches = match &kind {
            ResourceKind::Native(_) => self.touches(&kind, digest),
            _ if effect <= Effect::Restrict => BTreeSet::from([kind.clone()]),
            _ => self.touches(&kind, digest),
        };
        let collaboration = self.seen.scope.collaboration.clone();
        let call = serde_json::json!({ "operation": if effect > Effect::Restrict { "put" } else { "drop" } });
        let step = Step::new(collaboration, effect, Resource { kind, digest }, self.seen.version);
        self.steps.push((rank, step.touching(touches).calling(call)));
    }

    fn touches(&self, kind: &ResourceKind, digest: Digest) -> BTreeSet<ResourceKind> {
        let mut all = BTreeSet::new();
        match kind {
            ResourceKind::Dataset(name) => {
                let owner = self.ways.pool.owner(name).cloned();
                all.extend(owner.map(ResourceKind::Member));
                all.insert(kind.clone());
            }
            ResourceKind::Template(name) | ResourceKind::Approval(name, _) => {
                all.insert(kind.clone());
                all.insert(ResourceKind::Template(name.clone()));
                let reads = self.ways.pool.reads(name, digest).cloned().unwrap_or_default();
                all.extend(reads.datasets.into_keys().map(ResourceKind::Dataset));
                all.extend(reads.owners.into_iter().map(ResourceKind::Member));
            }
            ResourceKind::Member(_) => {
                all.insert(kind.clone());
            }
            ResourceKind::Native(native) => {
                all.insert(ResourceKind::Dataset(crate::pool::dataset(&native.name)));
                all.insert(ResourceKind::Member(native.member.clone()));
            }
        }
        all
    }

    /// Whether this gateway may touch it; otherwise it waits for whoever does.
    fn ours(&mut self, kind: &ResourceKind) -> bool {
        let account = crate::platform::Platform::account(self.ways.pool, kind);
        if account.is_some() && account.as_ref() == self.ways.apart {
            self.wait(kind);
            return false;
        }
        true
    }

    pub(crate) fn sees(&self, kind: &ResourceKind) -> bool {
        let account = crate::platform::Platform::account(self.ways.pool, kind);
        account.is_some_and(|of| !self.seen.unseen.contains_key(&of))
    }

    fn wait(&mut self, kind: &ResourceKind) {
        let account = crate::platform::Platform::account(self.ways.pool, kind);
        let Some(member) = account else { return };
        let (what, act) = (kind.to_string(), "on the platform".to_owned());
        self.plan.waiting.push(NeedsCounterparty { member, what, act });
    }
}

fn is_dataset(kind: &ResourceKind, name: &str) -> bool {
    matches!(kind, ResourceKind::Dataset(dataset) if dataset.as_str() == name)
}
