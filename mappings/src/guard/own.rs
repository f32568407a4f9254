//! Own identities: of a dataset whose entity has several keys, the identity as its owner has it, carried through stages beside
//! the one that matching resolved it to. Thresholds count both.

use super::Resolver;
use super::relation::{Instance, Relation, own_column, quoted};
use std::collections::BTreeMap;

impl Resolver<'_> {
    /// Own identities as hidden columns of a stage, for its thresholds later.
    pub(super) fn own(
        &self,
        relation: &Relation,
        carried: impl Fn(&str) -> String,
    ) -> (String, BTreeMap<Instance, String>) {
        let (mut hidden, mut owns) = (String::new(), BTreeMap::new());
        for (instance, own) in &relation.owns {
            let name = quoted(&own_column(*instance));
            hidden = format!("{hidden},\n       {} AS {name}", carried(own));
            owns.insert(*instance, name);
            self.use_entity(*instance);
        }
        (hidden, owns)
    }

    /// The entity of an occurrence is read, whoever names it.
    fn use_entity(&self, instance: Instance) {
        if let Some((name, dataset)) = self.occurrence(instance) {
            self.used.borrow_mut().insert((name.clone(), dataset.entity.clone()));
        }
    }

    /// Counts own identities as well, where an occurrence has several keys: matching makes many of one, and never more.
    pub(super) fn count_own(
        &self,
        counts: &mut BTreeMap<String, u64>,
        relation: &Relation,
        instance: Instance,
        min: u64,
    ) {
        if let Some(own) = relation.owns.get(&instance) {
            let least = counts.entry(own.clone()).or_default();
            *least = (*least).max(min);
            self.use_entity(instance);
        }
    }
}
