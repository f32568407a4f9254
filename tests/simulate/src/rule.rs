//! Approvals that are written whole: on such a platform all that an owner allows there is one value, and each call sets all of it.
//! So a call opens and takes away more than it was planned for, if it lands late. Must not know how anything is looked at.

use crate::platform::{Change, Hand, Held, Platform, Way, native};
use crate::pool::Pool;
use crate::wanted::Planner;
use adapter_spi::{Effect, Resource, ResourceKind, Step};
use mappings::model::{Digest, MemberId, TemplateName};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// All that an owner allows on a platform, each in a version.
pub(crate) type Rule = BTreeMap<TemplateName, Digest>;

/// A call that sets an owner's whole rule.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Write {
    pub(crate) owner: MemberId,
    /// What it was planned to say.
    pub(crate) rule: Rule,
    /// What it was planned on.
    pub(crate) was: Rule,
}

/// What a write that was read for sends, if anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sends {
    This(Rule),
    Already,
    Stale,
}

impl Write {
    /// The call of a step, where it is one.
    pub(crate) fn of(step: &Step) -> Option<Self> {
        serde_json::from_value(step.call.get("sets")?.clone()).ok()
    }

    /// What it sends where the rule is this now: as planned, or of a narrowing what is left of both.
    pub(crate) fn sends(&self, effect: Effect, current: &Rule) -> Sends {
        if *current == self.rule {
            return Sends::Already;
        }
        if *current == self.was {
            return Sends::This(self.rule.clone());
        }
        if !effect.takes_away() {
            return Sends::Stale;
        }
        let both = current.iter().filter(|(name, digest)| self.rule.get(*name) == Some(*digest));
        let both: Rule = both.map(|(name, digest)| (name.clone(), *digest)).collect();
        if both == *current { Sends::Already } else { Sends::This(both) }
    }
}

/// In whose account a step writes.
pub(crate) fn account(pool: &Pool, step: &Step) -> Option<MemberId> {
    let owner = Write::of(step).map(|write| write.owner);
    owner.or_else(|| Platform::account(pool, &step.resource.kind))
}

/// Everything that a step opens or leaves open, and in which version.
pub(crate) fn opened(step: &Step) -> Vec<(ResourceKind, Digest)> {
    let Some(Write { owner, rule, .. }) = Write::of(step) else {
        return vec![(step.resource.kind.clone(), step.resource.digest)];
    };
    let part = |(name, digest)| (ResourceKind::Approval(name, owner.clone()), digest);
    rule.into_iter().map(part).collect()
}

/// What an owner allows, of everything that is there or wanted.
pub(crate) fn allowed(all: &BTreeMap<ResourceKind, Digest>, owner: &MemberId) -> Rule {
    let own = all.iter().filter_map(|(kind, digest)| match kind {
        ResourceKind::Approval(name, of) if of == owner => Some((name.clone(), *digest)),
        _ => None,
    });
    own.collect()
}

impl Platform {
    /// What an owner allows here.
    pub(crate) fn rule(&self, owner: &MemberId) -> Rule {
        let all = self.holds.things.iter().map(|(kind, held)| (kind.clone(), held.digest));
        allowed(&all.collect(), owner)
    }

    /// Sets an owner's rule to exactly this.
    pub(crate) fn set(
        &mut self,
        owner: &MemberId,
        rule: &Rule,
        (by, at_ms): (Hand, i64),
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        for (name, digest) in self.rule(owner) {
            if rule.get(&name) != Some(&digest) {
                let kind = ResourceKind::Approval(name, owner.clone());
                changes.extend(self.remove(&kind, at_ms));
            }
        }
        for (name, digest) in rule {
            let kind = ResourceKind::Approval(name.clone(), owner.clone());
            if !self.holds.things.contains_key(&kind) {
                changes.push(self.put(&kind, Held { digest: *digest, by, at_ms }));
            }
        }
        changes
    }
}

impl Planner<'_> {
    /// Whether a thing is a part of a rule that this gateway writes.
    pub(crate) fn is_ruled(&self, kind: &ResourceKind) -> bool {
        let ResourceKind::Approval(_, owner) = kind else { return false };
        self.ways.way == Way::Steps && Some(owner) != self.ways.apart
    }

    /// Narrows every owner's rule, or else widens it.
    pub(crate) fn rules(&mut self) {
        let kinds = self.things.keys().chain(self.wanted.keys());
        let owners = kinds.filter(|kind| self.is_ruled(kind)).filter_map(|kind| match kind {
            ResourceKind::Approval(_, owner) => Some(owner.clone()),
            _ => None,
        });
        for owner in owners.collect::<BTreeSet<_>>() {
            self.rule(&owner);
        }
    }

    fn rule(&mut self, owner: &MemberId) {
        let (held, wanted) = (allowed(&self.things, owner), allowed(&self.wanted, owner));
        if !self.sees(&ResourceKind::Member(owner.clone())) {
            self.plan.pending = true;
            return;
        }
        let stays = |(name, digest): &(&TemplateName, &Digest)| wanted.get(*name) == Some(*digest);
        let (mut was, mut narrowed) = (held.clone(), false);
        for (name, digest) in held.iter().filter(|one| !stays(one)) {
            let mut rule = was.clone();
            rule.remove(name);
            let (kind, digest) = (self.part(owner, name, *digest), *digest);
            let touches = self.ruled(owner, [(name, &digest)]);
            let write = Write { owner: owner.clone(), rule: rule.clone(), was };
            self.write(Effect::Restrict, Resource { kind, digest }, (touches, write));
            (was, narrowed) = (rule, true);
        }
        let lacks = wanted.iter().filter(|(name, digest)| held.get(*name) != Some(*digest));
        let ready = |(name, _): &(&TemplateName, &Digest)| {
            self.prepared(&ResourceKind::Approval((*name).clone(), owner.clone()))
        };
        let (more, later): (Vec<_>, Vec<_>) = lacks.partition(ready);
        self.plan.pending |= !later.is_empty() || (narrowed && !more.is_empty());
        if narrowed || more.is_empty() {
            return;
        }
        let touches = self.ruled(owner, more.iter().copied());
        let more = more.iter().map(|(name, digest)| ((*name).clone(), **digest));
        let rule: Rule = held.clone().into_iter().chain(more).collect();
        let (kind, digest) = (native(owner, "rule", "approvals"), digest(&rule));
        let write = Write { owner: owner.clone(), rule, was: held };
        self.write(Effect::Grant, Resource { kind, digest }, (touches, write));
    }

    /// What leaves a rule: the owner's part of an agreed version, or a version that is agreed no more.
    fn part(&self, owner: &MemberId, name: &TemplateName, digest: Digest) -> ResourceKind {
        let agreed = self.seen.scope.agreement.templates.get(name);
        if agreed.map(|text| text.digest(name)) == Some(digest) {
            ResourceKind::Approval(name.clone(), owner.clone())
        } else {
            ResourceKind::Template(name.clone())
        }
    }

    /// What a rule that allows these is about: each template with the owner's part, and the owner's datasets that it reads.
    fn ruled<'a>(
        &self,
        owner: &MemberId,
        rule: impl IntoIterator<Item = (&'a TemplateName, &'a Digest)>,
    ) -> BTreeSet<ResourceKind> {
        let mut all = BTreeSet::new();
        for (name, digest) in rule {
            all.insert(ResourceKind::Approval(name.clone(), owner.clone()));
            all.insert(ResourceKind::Template(name.clone()));
            let reads = self.ways.pool.reads(name, *digest);
            let own = reads.into_iter().flat_map(|reads| reads.datasets.keys());
            let own = own.filter(|dataset| self.ways.pool.owner(dataset) == Some(owner));
            all.extend(own.cloned().map(ResourceKind::Dataset));
        }
        all
    }

    fn write(
        &mut self,
        effect: Effect,
        resource: Resource,
        (touches, write): (BTreeSet<ResourceKind>, Write),
    ) {
        let leaves = self.ruled(&write.owner, &write.rule);
        let call = serde_json::json!({ "operation": "set", "sets": write });
        let collaboration = self.seen.scope.collaboration.clone();
        let step = Step::new(collaboration, effect, resource, self.seen.version);
        let rank = if effect.takes_away() { 0 } else { 5 };
        self.steps.push((rank, step.touching(touches).leaving(leaves).calling(call)));
    }
}

fn digest(rule: &Rule) -> Digest {
    Digest::of(&mappings::agreement::canonical(&serde_json::json!(rule)))
}
