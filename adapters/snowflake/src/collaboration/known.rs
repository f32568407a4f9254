//! What ids of the platform mean in words of the agreements: which of them every agreement of a scope has. The newest comes first, and
//! what several call alike is the newest's. Pure.

use super::names;
use super::wanted::{Offering, Room, Said, Wanted, texts, wanted};
use adapter_spi::{Desired, Resource, Scope};
use mappings::model::{Agreement, CollaborationId, DatasetName, MemberId, TemplateName};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A registered version of ours.
#[derive(Debug, Clone)]
pub(crate) struct Offered {
    pub(crate) dataset: DatasetName,
    pub(crate) resource: Resource,
    pub(crate) offering: Offering,
}

/// Everything that any agreement of a scope has a name for.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Collaborations by what their names begin with: of an earlier agreement, where it is no other's.
    pub(crate) rooms: BTreeMap<String, Room>,
    pub(crate) offerings: BTreeMap<String, Offered>,
    pub(crate) templates: BTreeMap<String, Said>,
    /// What ids of ours begin with: datasets' and templates'.
    names: BTreeSet<String>,
}

impl Known {
    /// What the agreements of a scope know.
    pub(crate) fn of(scope: &Scope) -> Self {
        Self::all(std::iter::once(&scope.agreement).chain(&scope.past))
    }

    /// What these agreements know, the newest first.
    pub(crate) fn all<'a>(agreements: impl Iterator<Item = &'a Arc<Agreement>>) -> Self {
        let mut known = Self::default();
        let mut seen: BTreeSet<mappings::model::Digest> = BTreeSet::new();
        for agreement in agreements {
            if !seen.insert(agreement.digest()) {
                continue;
            }
            let all = wanted(&Desired::whole(Arc::clone(agreement)));
            known.add(agreement, all);
        }
        known
    }

    /// Adds what a narrowed agreement calls otherwise, such as a dataset without a column.
    pub(crate) fn also(mut self, agreement: &Agreement, all: &Wanted) -> Self {
        self.add(agreement, all.clone());
        self
    }

    fn add(&mut self, agreement: &Agreement, all: Wanted) {
        for (name, offering) in all.offerings {
            let Some(dataset) = agreement.datasets.get(&name) else { continue };
            let resource = Resource::dataset(&name, dataset);
            let id = offering.id.clone();
            self.offerings.entry(id).or_insert(Offered { dataset: name, resource, offering });
        }
        for room in all.rooms.into_values() {
            for said in room.templates.values() {
                self.templates.entry(said.id.clone()).or_insert_with(|| said.clone());
            }
            self.rooms.entry(room.base.clone()).or_insert(room);
        }
        let id = &agreement.collaboration;
        self.names.extend(texts(agreement).keys().map(|name| names::template(id, name)));
        self.names.extend(agreement.datasets.keys().map(|name| names::offering(id, name)));
    }

    /// Whether a registered id is one of an agreement's of these.
    pub(crate) fn is_ours(&self, id: &str) -> bool {
        id.rsplit_once('_').is_some_and(|(name, _)| self.names.contains(name))
    }

    /// The collaboration of a name, and which making of it.
    pub(crate) fn room(&self, name: &str) -> Option<(&Room, u32)> {
        self.rooms.values().find_map(|room| Some((room, names::generation_of(&room.base, name)?)))
    }

    /// The dataset of an offering's id, of whatever version.
    pub(crate) fn dataset(&self, agreement: &Agreement, id: &str) -> Option<DatasetName> {
        let by_id = self.offerings.get(id).map(|one| one.dataset.clone());
        by_id.or_else(|| {
            let (name, _) = id.rsplit_once('_')?;
            let collaboration: &CollaborationId = &agreement.collaboration;
            let mut datasets = agreement.datasets.keys();
            datasets.find(|dataset| names::offering(collaboration, dataset) == name).cloned()
        })
    }

    /// The template of an id, of whatever version.
    pub(crate) fn template(agreement: &Agreement, id: &str) -> Option<TemplateName> {
        let (name, _) = id.rsplit_once('_')?;
        let mut templates = agreement.templates.keys();
        templates.find(|one| names::template(&agreement.collaboration, one) == name).cloned()
    }

    /// Who is called this in a collaboration.
    pub(crate) fn member(room: &Room, alias: &str) -> Option<MemberId> {
        room.parties.keys().find(|member| names::alias(member) == alias).cloned()
    }
}
