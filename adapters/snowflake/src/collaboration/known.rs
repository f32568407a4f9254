//! What ids of the platform mean in words of the agreements: which of them every agreement of a scope has. The newest comes first, and
//! what several call alike is the newest's. Pure.

use super::names;
use super::wanted::{Offering, Room, Said, Texts, Wanted, texts, wanted_of};
use adapter_spi::{Desired, Scope};
use mappings::model::{Agreement, DatasetName, MemberId, TemplateName};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A registered version of ours.
#[derive(Debug, Clone)]
pub(crate) struct Offered {
    pub(crate) dataset: DatasetName,
    pub(crate) offering: Offering,
}

/// Everything that any agreement of a scope has a name for.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Collaborations by what their names begin with: of an earlier agreement, where it is no other's.
    pub(crate) rooms: BTreeMap<String, Room>,
    pub(crate) offerings: BTreeMap<String, Offered>,
    pub(crate) templates: BTreeMap<String, Said>,
    /// What ids of ours begin with: those of datasets and of templates that have words there.
    names: BTreeSet<String>,
    /// Whose beginning that is.
    of_datasets: BTreeMap<String, DatasetName>,
    of_templates: BTreeMap<String, TemplateName>,
}

impl Known {
    /// What the agreements of a scope know.
    pub(crate) fn of(scope: &Scope) -> Self {
        Self::all(std::iter::once(&scope.agreement).chain(&scope.past))
    }

    /// What these agreements know, the newest first.
    pub(crate) fn all<'a>(agreements: impl Iterator<Item = &'a Arc<Agreement>>) -> Self {
        let mut known = Self::default();
        let mut seen: Vec<&Arc<Agreement>> = Vec::new();
        for agreement in agreements {
            if !seen.iter().any(|one| Arc::ptr_eq(one, agreement) || *one == agreement) {
                seen.push(agreement);
                let texts = texts(agreement);
                known.named(agreement, &texts);
                known.add(wanted_of(&Desired::whole(Arc::clone(agreement)), &texts));
            }
        }
        known
    }

    /// The same of agreements whose first one's texts are there already, and what that calls otherwise once it is narrowed, such as a
    /// dataset without a column.
    pub(crate) fn narrowed<'a>(
        (desired, texts, all): (&'a Desired, &Texts<'_>, &Wanted),
        others: impl Iterator<Item = &'a Arc<Agreement>>,
    ) -> Self {
        let mut known = Self::default();
        let first = &desired.agreement;
        known.named(first, texts);
        let whole = Desired::whole(Arc::clone(first));
        let is_whole = *desired == whole;
        known.add(if is_whole { all.clone() } else { wanted_of(&whole, texts) });
        let others = others.filter(|one| !Arc::ptr_eq(one, first) && *one != first);
        let Self { rooms, offerings, templates, names, of_datasets, of_templates } =
            Self::all(others);
        for (base, room) in rooms {
            known.rooms.entry(base).or_insert(room);
        }
        for (id, offered) in offerings {
            known.offerings.entry(id).or_insert(offered);
        }
        for (id, said) in templates {
            known.templates.entry(id).or_insert(said);
        }
        known.names.extend(names);
        known.of_datasets.extend(of_datasets);
        known.of_templates.extend(of_templates);
        if !is_whole {
            known.add(all.clone());
        }
        known
    }

    fn named(&mut self, agreement: &Agreement, texts: &Texts<'_>) {
        let id = &agreement.collaboration;
        for name in agreement.datasets.keys() {
            let called = names::offering(id, name);
            self.names.insert(called.clone());
            self.of_datasets.insert(called, name.clone());
        }
        for name in agreement.templates.keys() {
            let called = names::template(id, name);
            if texts.contains_key(name) {
                self.names.insert(called.clone());
            }
            self.of_templates.insert(called, name.clone());
        }
    }

    fn add(&mut self, all: Wanted) {
        for (name, offering) in all.offerings {
            let id = offering.id.clone();
            self.offerings.entry(id).or_insert(Offered { dataset: name, offering });
        }
        for room in all.rooms.into_values() {
            for said in room.templates.values() {
                self.templates.entry(said.id.clone()).or_insert_with(|| said.clone());
            }
            self.rooms.entry(room.base.clone()).or_insert(room);
        }
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
            let found = self.of_datasets.get(name);
            found.filter(|name| agreement.datasets.contains_key(*name)).cloned()
        })
    }

    /// The template of an id, of whatever version.
    pub(crate) fn template(&self, agreement: &Agreement, id: &str) -> Option<TemplateName> {
        let (name, _) = id.rsplit_once('_')?;
        let found = self.of_templates.get(name);
        found.filter(|name| agreement.templates.contains_key(*name)).cloned()
    }

    /// Who is called this in a collaboration.
    pub(crate) fn member(room: &Room, alias: &str) -> Option<MemberId> {
        room.parties.keys().find(|member| names::alias(member) == alias).cloned()
    }
}
