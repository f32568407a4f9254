//! Two vocabularies for the same things: what an adapter sees and touches, and what members withdraw. Pure: must not know
//! platforms by name.

use crate::log::{Effect, Outcome, Revocable};
use adapter_spi::{Desired, Observation, Resource, ResourceKind, Step};
use mappings::guard::{DatasetUse, guard};
use mappings::model::{Agreement, ColumnName, DatasetName, Digest, MemberId, TemplateName};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// An agreement with what its templates read, found once.
#[derive(Debug)]
pub struct Subject {
    /// The agreement.
    pub agreement: Arc<Agreement>,
    /// Its digest.
    pub digest: Digest,
    /// Each template's version.
    versions: BTreeMap<TemplateName, Digest>,
    /// Each dataset's terms.
    terms: BTreeMap<DatasetName, Digest>,
    /// What each template reads; nothing of one that the guard refuses.
    reads: BTreeMap<TemplateName, BTreeMap<DatasetName, DatasetUse>>,
}

impl Subject {
    /// Asks the guard once for every template.
    #[must_use]
    pub fn new(agreement: Arc<Agreement>, digest: Digest) -> Self {
        let names = agreement.templates.iter();
        let versions = names.clone().map(|(name, text)| (name.clone(), text.digest(name)));
        let reads = names.filter_map(|(name, _)| {
            guard(&agreement, name).ok().map(|guarded| (name.clone(), guarded.datasets))
        });
        let datasets = agreement.datasets.iter();
        let terms =
            datasets.map(|(name, terms)| (name.clone(), Resource::dataset(name, terms).digest));
        let (versions, terms, reads) = (versions.collect(), terms.collect(), reads.collect());
        Self { agreement, digest, versions, terms, reads }
    }

    /// What a step touches in the words in which it would be withdrawn: with a template everything that it reads and who
    /// receives it. Empty means everything.
    #[must_use]
    pub fn of(&self, step: &Step) -> Vec<Revocable> {
        Self::each(&step.touches, |kind| self.rests_on(kind))
    }

    /// Everything that templates rest on in which a step changes anybody's part. Never nothing, which would be everything.
    #[must_use]
    pub fn behind(&self, step: &Step) -> Vec<Revocable> {
        let parts = step.touches.iter().chain([&step.resource.kind]);
        let rests = parts.flat_map(|kind| match kind {
            ResourceKind::Approval(name, _) => self.rests_on(&ResourceKind::Template(name.clone())),
            ResourceKind::Dataset(_)
            | ResourceKind::Member(_)
            | ResourceKind::Template(_)
            | ResourceKind::Native(_) => Vec::new(),
        });
        let all: BTreeSet<_> = self.itself(step).into_iter().chain(rests).collect();
        all.into_iter().collect()
    }

    /// What the value that a step sets leaves open, with everything that that rests on.
    #[must_use]
    pub fn leaves(&self, step: &Step) -> Vec<Revocable> {
        let all: BTreeSet<_> = step.leaves.iter().flat_map(|kind| self.rests_on(kind)).collect();
        all.into_iter().collect()
    }

    /// Of everything named; nothing where one of it has no word, since that is about everything.
    fn each<F>(kinds: &BTreeSet<ResourceKind>, of: F) -> Vec<Revocable>
    where
        F: Fn(&ResourceKind) -> Vec<Revocable>,
    {
        let mut all = BTreeSet::new();
        for kind in kinds {
            let of = of(kind);
            if of.is_empty() {
                return Vec::new();
            }
            all.extend(of);
        }
        all.into_iter().collect()
    }

    /// A thing and everything that it rests on: with a template what it reads and who receives it. Nothing where
    /// there is no word for it.
    #[must_use]
    pub fn rests_on(&self, kind: &ResourceKind) -> Vec<Revocable> {
        let Some(thing) = self.thing(kind) else { return Vec::new() };
        let mut of = BTreeSet::from([thing]);
        if let ResourceKind::Template(name) = kind {
            let reads = self.reads.get(name).into_iter().flatten();
            of.extend(reads.map(|(name, _)| Revocable::Dataset { dataset: name.clone() }));
            let template = self.agreement.templates.get(name);
            let receivers = template.into_iter().flat_map(|template| &template.received_by);
            of.extend(receivers.map(|member| Revocable::Member { member: member.clone() }));
        }
        of.into_iter().collect()
    }

    /// What a step gives or takes away: the thing itself and nothing that rests on it, so that nothing else is called this gateway's doing. A
    /// template and an owner's part in it are of the version that is there. Of the platform's own things the narrowest that they are about: an owner's part, else
    /// a dataset, else a member. What has no name in the agreement is nothing of it.
    #[must_use]
    pub fn itself(&self, step: &Step) -> Vec<Revocable> {
        let own = &step.resource;
        match &own.kind {
            ResourceKind::Template(name) => {
                let (template, digest) = (name.clone(), own.digest);
                vec![Revocable::Template { template, digest }]
            }
            ResourceKind::Approval(name, of) => {
                let (template, digest, of) = (name.clone(), own.digest, of.clone());
                vec![Revocable::Approval { template, digest, of }]
            }
            kind @ (ResourceKind::Dataset(_) | ResourceKind::Member(_)) => {
                self.thing(kind).into_iter().collect()
            }
            ResourceKind::Native(_) => {
                let rank = |kind: &&ResourceKind| match kind {
                    ResourceKind::Approval(..) | ResourceKind::Template(_) => 0,
                    ResourceKind::Dataset(_) => 1,
                    ResourceKind::Member(_) | ResourceKind::Native(_) => 2,
                };
                let narrowest = step.touches.iter().map(|kind| rank(&kind)).min();
                let narrow = step.touches.iter().filter(|kind| Some(rank(kind)) == narrowest);
                narrow.filter_map(|kind| self.thing(kind)).collect()
            }
        }
    }

    /// A thing that an adapter names, as it is withdrawn.
    #[must_use]
    pub fn thing(&self, kind: &ResourceKind) -> Option<Revocable> {
        let version = |name: &TemplateName| self.versions.get(name).copied();
        match kind {
            ResourceKind::Dataset(name) => Some(Revocable::Dataset { dataset: name.clone() }),
            ResourceKind::Member(name) => Some(Revocable::Member { member: name.clone() }),
            ResourceKind::Template(name) => {
                let (template, digest) = (name.clone(), version(name)?);
                Some(Revocable::Template { template, digest })
            }
            ResourceKind::Approval(name, of) => {
                let (template, digest, of) = (name.clone(), version(name)?, of.clone());
                Some(Revocable::Approval { template, digest, of })
            }
            ResourceKind::Native(_) => None,
        }
    }

    /// Everything that a platform was seen to hold of this agreement.
    #[must_use]
    pub fn held(&self, seen: &Observation) -> BTreeSet<Revocable> {
        let resources = seen.resources.iter();
        // An older version of a template is not this thing: it is only in the way.
        let current = resources.filter(|resource| match &resource.kind {
            ResourceKind::Template(name) => self.versions.get(name) == Some(&resource.digest),
            // What can be read somewhere still may have been taken out elsewhere.
            ResourceKind::Dataset(_) => seen.offered.is_none(),
            ResourceKind::Member(_) | ResourceKind::Approval(..) | ResourceKind::Native(_) => true,
        });
        let resources = current.filter_map(|resource| self.thing(&resource.kind));
        let offered = seen.offered.iter().flatten().map(|name| ResourceKind::Dataset(name.clone()));
        let members = seen.members.iter().map(|name| ResourceKind::Member(name.clone()));
        let approvals = seen.approvals.iter();
        let approvals =
            approvals.map(|(name, of)| ResourceKind::Approval(name.clone(), of.clone()));
        let named = offered.chain(members).chain(approvals);
        resources.chain(named.filter_map(|kind| self.thing(&kind))).collect()
    }

    /// Whether a template may be open: approved by every owner that it touches, reading nothing that was withdrawn, for parties
    /// who are there.
    #[must_use]
    pub fn may_stand(&self, desired: &Desired, name: &TemplateName) -> bool {
        let Some(approved) = desired.approvals.get(name) else { return false };
        self.owners(name).is_subset(approved) && self.could_stand(desired, name)
    }

    /// Whether it may once it is approved.
    pub(super) fn could_stand(&self, desired: &Desired, name: &TemplateName) -> bool {
        let (Some(template), Some(reads)) =
            (self.agreement.templates.get(name), self.reads.get(name))
        else {
            return false;
        };
        let whole = reads.iter().all(|(dataset, used)| {
            let hidden =
                |column: &ColumnName| desired.hidden.contains(&(dataset.clone(), column.clone()));
            desired.offers(dataset) && !used.columns.iter().any(hidden)
        });
        whole
            && template.received_by.is_subset(&desired.members)
            && !template.run_by.is_disjoint(&desired.members)
    }

    /// What is open there and not desired, as runs and partners see it.
    #[must_use]
    pub fn too_open(&self, desired: &Desired, seen: &Observation) -> Vec<ResourceKind> {
        let wanted = |resource: &&Resource| match &resource.kind {
            ResourceKind::Dataset(name) => {
                self.terms.get(name) == Some(&resource.digest) && desired.offers(name)
            }
            ResourceKind::Template(name) => {
                self.versions.get(name) == Some(&resource.digest) && self.may_stand(desired, name)
            }
            ResourceKind::Member(_) | ResourceKind::Approval(..) | ResourceKind::Native(_) => true,
        };
        let open = seen.resources.iter().filter(|resource| !wanted(resource));
        open.map(|resource| resource.kind.clone()).collect()
    }

    /// Templates that are there in another version than the agreed one.
    pub(super) fn outdated(&self, seen: &Observation) -> Vec<Revocable> {
        let old = seen.resources.iter().filter_map(|resource| match &resource.kind {
            ResourceKind::Template(name) if self.versions.get(name) != Some(&resource.digest) => {
                let (template, digest) = (name.clone(), resource.digest);
                Some(Revocable::Template { template, digest })
            }
            ResourceKind::Template(_)
            | ResourceKind::Dataset(_)
            | ResourceKind::Member(_)
            | ResourceKind::Approval(..)
            | ResourceKind::Native(_) => None,
        });
        old.collect()
    }

    /// Whether a template reads any of these datasets.
    pub(super) fn reads_any(&self, name: &TemplateName, datasets: &BTreeSet<&Revocable>) -> bool {
        let mut reads = self.reads.get(name).into_iter().flat_map(BTreeMap::keys);
        reads.any(|dataset| datasets.contains(&Revocable::Dataset { dataset: dataset.clone() }))
    }

    /// The owners of what a template reads.
    #[must_use]
    pub fn owners(&self, name: &TemplateName) -> BTreeSet<MemberId> {
        let reads = self.reads.get(name).into_iter().flat_map(BTreeMap::values);
        reads.map(|used| used.owner.clone()).collect()
    }
}

/// An adapter's word for what a step does, as the log writes it.
pub(super) const fn effect(effect: adapter_spi::Effect) -> Effect {
    match effect {
        adapter_spi::Effect::Revoke => Effect::Revoke,
        adapter_spi::Effect::Restrict => Effect::Restrict,
        adapter_spi::Effect::Neutral => Effect::Neutral,
        adapter_spi::Effect::Grant => Effect::Grant,
    }
}

/// What is known of a call, as the log writes it, and whether its answer showed what it gave.
pub(super) const fn outcome(
    answer: &Result<adapter_spi::Applied, adapter_spi::AdapterError>,
) -> (Outcome, bool) {
    match answer {
        Ok(applied) => (Outcome::Applied, applied.is_shown()),
        Err(error) => match error.outcome {
            adapter_spi::Outcome::NotApplied => (Outcome::NotApplied, false),
            adapter_spi::Outcome::Applied => (Outcome::Applied, false),
            adapter_spi::Outcome::Unknown => (Outcome::Unknown, false),
        },
    }
}
