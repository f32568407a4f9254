//! A member's tables in a collaboration, with who may receive and how often each may be used. None of it gives access by
//! itself: a table without a rule that allows a template answers nobody.

use super::{Planned, Subject};
use crate::call::Call;
use crate::seen::{Association, Membership, Table};
use crate::wanted::{Budget, Room};
use adapter_spi::{Effect, ResourceKind};
use mappings::model::{DatasetName, MemberId};
use std::cmp::Ordering;
use std::collections::BTreeSet;

const ASSOCIATION: &str = "association";
const RECEIVERS: &str = "association-rule";
pub(super) const BUDGET: &str = "access-budget";

/// One dataset of a member in one collaboration.
struct Place<'a> {
    member: &'a MemberId,
    room: &'a Room,
    own: &'a Membership,
    dataset: &'a DatasetName,
    receivers: &'a BTreeSet<String>,
}

impl Place<'_> {
    fn step(&self, effect: Effect, noun: &'static str, call: Call) -> Planned {
        let (member, name) = (self.member.clone(), format!("{}/{}", self.room.name, self.dataset));
        let touches = [ResourceKind::Dataset(self.dataset.clone())].into();
        Planned { member, effect, noun, name, call, touches, takes: None, at: None }
    }

    fn membership(&self) -> String {
        self.own.id.clone()
    }
}

impl Subject<'_> {
    pub(super) fn associations(
        &self,
        member: &MemberId,
        room: &Room,
        own: &Membership,
    ) -> Vec<Planned> {
        let account = self.seen.accounts.get(member);
        let role = self.connections.members.get(member).and_then(|c| c.data_role.as_ref());
        let mut planned = Vec::new();
        let mut wanted = BTreeSet::new();
        for (dataset, table) in self.wanted.tables.iter().filter(|(_, t)| t.owner == *member) {
            let Some(receivers) = room.datasets.get(dataset) else { continue };
            wanted.insert(dataset.as_str());
            let table = account.and_then(|account| account.tables.get(&table.name));
            let (Some(table), Some(role)) = (table, role) else { continue };
            let place = Place { member, room, own, dataset, receivers };
            planned.extend(self.associated(&place, table, role));
        }
        let foreign = own.associations.keys().filter(|name| !wanted.contains(name.as_str()));
        planned.extend(foreign.filter_map(|name| self.dissolve(member, &room.name, own, name)));
        planned
    }

    /// The steps towards one table's place in a collaboration.
    fn associated(&self, place: &Place<'_>, table: &Table, role: &str) -> Vec<Planned> {
        let name = place.dataset.as_str();
        let Some(seen) = place.own.associations.get(name) else {
            if !self.is_shut(place.room, table) {
                // Its rule closes first, so that it doesn't come in open.
                return Vec::new();
            }
            let call = Call::CreateConfiguredTableAssociation {
                membership: place.membership(),
                name: name.to_owned(),
                table: table.id.clone(),
                role: role.to_owned(),
                tags: self.tags.clone(),
            };
            return vec![place.step(Effect::Neutral, ASSOCIATION, call)];
        };
        if seen.table != table.id {
            // What hangs on it is all that holds another table's use: it goes with it, not before.
            let (membership, id) = (place.membership(), seen.id.clone());
            let call = Call::DeleteConfiguredTableAssociation { membership, id };
            return vec![place.step(Effect::Revoke, ASSOCIATION, call)];
        }
        let moved = (seen.role != role).then(|| {
            let (membership, id) = (place.membership(), seen.id.clone());
            let role = role.to_owned();
            let call = Call::UpdateConfiguredTableAssociation { membership, id, role };
            // Without a role that can read, the platform answers nobody.
            place.step(Effect::Grant, ASSOCIATION, call)
        });
        let steps = [moved, self.received(place, table, seen), self.counted(place, table, seen)];
        steps.into_iter().flatten().collect()
    }

    /// The cap of a table. An edit starts the count anew, so it is only ever edited when the agreement's cap changed.
    fn counted(&self, place: &Place<'_>, table: &Table, seen: &Association) -> Option<Planned> {
        let budget = self.wanted.budget.clone();
        match place.own.budgets.get(&seen.id) {
            None => {
                let (membership, resource) = (place.membership(), seen.id.clone());
                let tags = self.tags.clone();
                let call = Call::CreatePrivacyBudgetTemplate { membership, resource, budget, tags };
                let shut = self.is_shut(place.room, table);
                let effect = if shut { Effect::Neutral } else { Effect::Restrict };
                Some(place.step(effect, BUDGET, call))
            }
            Some(known) if known.budget.as_ref() != Some(&budget) => {
                let (effect, budget) = match known.budget.as_ref().map(|had| had.against(&budget)) {
                    Some(Some(Ordering::Less)) => (Effect::Grant, budget),
                    Some(Some(_)) => (Effect::Restrict, budget),
                    // Whether it is more or less can't be said: nothing first, and then what was agreed.
                    Some(None) | None => (Effect::Restrict, Budget { uses: 0, ..budget }),
                };
                let (membership, id) = (place.membership(), known.id.clone());
                let was = known.budget.clone();
                let call = Call::UpdatePrivacyBudgetTemplate { membership, id, budget, was };
                Some(place.step(effect, BUDGET, call))
            }
            Some(_) => None,
        }
    }

    /// Who may receive what is computed from a table. Whoever was never agreed goes first, and nobody comes in by that; where
    /// nobody would be left, or nobody is named, the rule closes before.
    fn received(&self, place: &Place<'_>, table: &Table, seen: &Association) -> Option<Planned> {
        let (membership, association) = (place.membership(), seen.id.clone());
        let receivers = place.receivers.clone();
        let shut = self.is_shut(place.room, table);
        match &seen.receivers {
            None if table.rule.is_some() && shut => {
                let call = Call::CreateConfiguredTableAssociationAnalysisRule {
                    membership,
                    association,
                    receivers,
                };
                Some(place.step(Effect::Neutral, RECEIVERS, call))
            }
            Some(known) if *known != receivers => {
                let stays: BTreeSet<String> = known.intersection(&receivers).cloned().collect();
                let (effect, receivers) = match (stays.len() < known.len(), stays.is_empty()) {
                    (true, false) => (Effect::Restrict, stays),
                    (true, true) if shut => (Effect::Neutral, receivers),
                    (true, true) => return None,
                    (false, _) => (Effect::Grant, receivers),
                };
                let was = known.clone();
                let call = Call::UpdateConfiguredTableAssociationAnalysisRule {
                    membership,
                    association,
                    receivers,
                    was,
                };
                Some(place.step(effect, RECEIVERS, call))
            }
            None | Some(_) => None,
        }
    }

    /// One step towards the end of an association: what hangs on it goes first. Without its cap, or without receivers named, a table
    /// whose rule is open gives more than before: neither goes until the rule was seen closed. A further place of a table that stays
    /// goes with what hangs on it.
    pub(super) fn dissolve(
        &self,
        member: &MemberId,
        room: &str,
        own: &Membership,
        name: &str,
    ) -> Option<Planned> {
        let seen = own.associations.get(name)?;
        let budget = own.budgets.get(&seen.id);
        let hangs = budget.is_some() || seen.receivers.is_some();
        let closed = self.is_closed(own, &seen.table);
        let further = own.associations.values().filter(|one| one.table == seen.table).count() > 1;
        if hangs && !closed && !further {
            return None;
        }
        let (membership, association) = (own.id.clone(), seen.id.clone());
        let (effect, noun, call) = if let Some(budget) = budget.filter(|_| closed) {
            let id = budget.id.clone();
            (Effect::Restrict, BUDGET, Call::DeletePrivacyBudgetTemplate { membership, id })
        } else if seen.receivers.is_some() && closed {
            let call =
                Call::DeleteConfiguredTableAssociationAnalysisRule { membership, association };
            (Effect::Restrict, RECEIVERS, call)
        } else {
            let call = Call::DeleteConfiguredTableAssociation { membership, id: association };
            (Effect::Revoke, ASSOCIATION, call)
        };
        let touches = self.of_dataset(name);
        let (member, name) = (member.clone(), format!("{room}/{name}"));
        Some(Planned { member, effect, noun, name, call, touches, takes: None, at: None })
    }
}
