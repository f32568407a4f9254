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
        let mut of = BTreeSet::new();
        for kind in &step.touches {
            match self.thing(kind) {
                Some(thing) => drop(of.insert(thing)),
                // About something that has no such word: about everything.
                None => return Vec::new(),
            }
            if let ResourceKind::Template(name) = kind {
                let reads = self.reads.get(name).into_iter().flatten();
                of.extend(reads.map(|(name, _)| Revocable::Dataset { dataset: name.clone() }));
                let template = self.agreement.templates.get(name);
                let receivers = template.into_iter().flat_map(|template| &template.received_by);
                of.extend(receivers.map(|m| Revocable::Member { member: m.clone() }));
            }
        }
        of.into_iter().collect()
    }

    /// What a step takes away: the thing itself and nothing that rests on it, so that nothing else is called this gateway's doing. A
    /// template is the version that is there. Of the platform's own things, everything that they are about: of those about a
    /// dataset not its owner, who stays.
    #[must_use]
    pub fn taken(&self, step: &Step) -> Vec<Revocable> {
        match &step.resource.kind {
            ResourceKind::Template(name) => {
                let (template, digest) = (name.clone(), step.resource.digest);
                vec![Revocable::Template { template, digest }]
            }
            ResourceKind::Native(_) => {
                let of = self.of(step);
                let dataset = |thing: &Revocable| matches!(thing, Revocable::Dataset { .. });
                let member = |thing: &Revocable| matches!(thing, Revocable::Member { .. });
                let narrow = of.iter().any(dataset);
                of.into_iter().filter(|thing| !(narrow && member(thing))).collect()
            }
            kind @ (ResourceKind::Dataset(_)
            | ResourceKind::Member(_)
            | ResourceKind::Approval(..)) => {
                self.thing(kind).map_or_else(|| self.of(step), |thing| vec![thing])
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
            ResourceKind::Dataset(_)
            | ResourceKind::Member(_)
            | ResourceKind::Approval(..)
            | ResourceKind::Native(_) => true,
        });
        let resources = current.filter_map(|resource| self.thing(&resource.kind));
        let offered = seen.offered.iter().map(|name| ResourceKind::Dataset(name.clone()));
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
        let (Some(approved), Some(template), Some(reads)) =
            (desired.approvals.get(name), self.agreement.templates.get(name), self.reads.get(name))
        else {
            return false;
        };
        let whole = reads.iter().all(|(dataset, used)| {
            let hidden =
                |column: &ColumnName| desired.hidden.contains(&(dataset.clone(), column.clone()));
            desired.offers(dataset)
                && approved.contains(&used.owner)
                && !used.columns.iter().any(hidden)
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

/// What is known of a call, as the log writes it.
pub(super) const fn outcome(
    answer: &Result<adapter_spi::Applied, adapter_spi::AdapterError>,
) -> Outcome {
    match answer {
        Ok(_) => Outcome::Applied,
        Err(error) => match error.outcome {
            adapter_spi::Outcome::NotApplied => Outcome::NotApplied,
            adapter_spi::Outcome::Applied => Outcome::Applied,
            adapter_spi::Outcome::Unknown => Outcome::Unknown,
        },
    }
}
