//! Configured tables and their rules, each in its owner's account. A rule is where access is: it is closed before anything
//! under it changes, and opened last.

use super::{Planned, Subject};
use crate::call::{Call, version};
use crate::rule::Rule;
use crate::seen;
use crate::wanted::{Room, Table};
use adapter_spi::Effect;
use mappings::model::{DatasetName, MemberId};
use std::collections::BTreeSet;

const TABLE: &str = "configured-table";
const RULE: &str = "analysis-rule";
const CUSTOM: &str = "CUSTOM";

impl Subject<'_> {
    /// The steps on tables and rules of all operated members.
    pub(super) fn tables(&self) -> Vec<Planned> {
        let mut planned = Vec::new();
        for (member, account) in &self.seen.accounts {
            let own = |table: &&Table| table.owner == *member;
            let wanted: Vec<(&DatasetName, &Table)> =
                self.wanted.tables.iter().filter(|(_, table)| own(table)).collect();
            for (name, seen) in &account.tables {
                match wanted.iter().find(|(_, table)| table.name == *name) {
                    Some((dataset, table)) => {
                        planned.extend(self.kept(member, dataset, table, seen));
                    }
                    None => planned.extend(self.unwanted(member, name, seen)),
                }
            }
            let missing = wanted.iter().filter(|(_, t)| !account.tables.contains_key(&t.name));
            planned.extend(missing.map(|(_, table)| Planned {
                member: member.clone(),
                effect: Effect::Neutral,
                noun: TABLE,
                name: table.name.clone(),
                call: Call::CreateConfiguredTable {
                    name: table.name.clone(),
                    database: table.database.clone(),
                    table: table.glue.clone(),
                    columns: table.columns.clone(),
                    tags: self.tags.clone(),
                },
            }));
        }
        planned
    }

    /// One that is not wanted: the rule first, which ends all use; the table when nothing stands on it.
    fn unwanted(&self, member: &MemberId, name: &str, seen: &seen::Table) -> Option<Planned> {
        let planned = |effect, noun, call| {
            Some(Planned { member: member.clone(), effect, noun, name: name.to_owned(), call })
        };
        if let Some(kind) = seen.rules.first() {
            let (table, kind) = (seen.id.clone(), kind.clone());
            let call = Call::DeleteConfiguredTableAnalysisRule { table, kind };
            return planned(Effect::Revoke, RULE, call);
        }
        if self.is_associated(member, &seen.id) {
            return None;
        }
        planned(Effect::Neutral, TABLE, Call::DeleteConfiguredTable { id: seen.id.clone() })
    }

    fn is_associated(&self, member: &MemberId, table: &str) -> bool {
        let rooms = self.seen.accounts.get(member).into_iter().flat_map(|a| a.rooms.values());
        let memberships = rooms.filter_map(|room| room.membership.as_ref());
        memberships.flat_map(|m| m.associations.values()).any(|one| one.table == table)
    }

    /// One step towards a wanted table's value.
    fn kept(
        &self,
        member: &MemberId,
        dataset: &DatasetName,
        wanted: &Table,
        seen: &seen::Table,
    ) -> Option<Planned> {
        let planned = |effect, noun, call| {
            let name = wanted.name.clone();
            Some(Planned { member: member.clone(), effect, noun, name, call })
        };
        let id = || seen.id.clone();
        if let Some(kind) = seen.rules.iter().find(|kind| *kind != CUSTOM) {
            let call = Call::DeleteConfiguredTableAnalysisRule { table: id(), kind: kind.clone() };
            return planned(Effect::Revoke, RULE, call);
        }
        let columns: BTreeSet<String> = wanted.columns.iter().cloned().collect();
        let glue = Some((wanted.database.clone(), wanted.glue.clone()));
        let same = seen.columns == columns && seen.glue == glue;
        let Some(rule) = &seen.rule else {
            let update = Call::UpdateConfiguredTable {
                id: id(),
                database: wanted.database.clone(),
                table: wanted.glue.clone(),
                columns: wanted.columns.clone(),
            };
            let rule = wanted.controls.clone();
            let create = Call::CreateConfiguredTableAnalysisRule { table: id(), rule };
            return if same {
                planned(Effect::Neutral, RULE, create)
            } else {
                planned(Effect::Neutral, TABLE, update)
            };
        };
        let set = |rule: Rule, was: &Rule| Call::UpdateConfiguredTableAnalysisRule {
            table: id(),
            rule,
            was: version(was),
        };
        if !same {
            // Nothing runs while the table changes under its rule.
            let call =
                Call::DeleteConfiguredTableAnalysisRule { table: id(), kind: CUSTOM.to_owned() };
            return planned(Effect::Revoke, RULE, call);
        }
        let allowed = self.allowed(dataset, &wanted.owner);
        if !rule.controls_as(&wanted.controls) {
            return planned(Effect::Restrict, RULE, set(wanted.controls.clone(), rule));
        }
        let kept: BTreeSet<String> = rule.analyses.intersection(&allowed).cloned().collect();
        if kept.len() < rule.analyses.len() {
            return planned(Effect::Restrict, RULE, set(rule.allowing(kept), rule));
        }
        if allowed.len() > kept.len() && self.is_fenced(member, dataset) {
            return planned(Effect::Grant, RULE, set(rule.allowing(allowed), rule));
        }
        None
    }

    /// The templates that a dataset's rule allows: those that its owner approved, as they were found on the platform with
    /// exactly the text and parameters that were agreed.
    fn allowed(&self, dataset: &DatasetName, owner: &MemberId) -> BTreeSet<String> {
        let rooms = self.wanted.rooms.values().filter(|room| self.is_in(room, dataset, owner));
        rooms.flat_map(|room| self.approved(room, dataset, owner)).collect()
    }

    /// Those of one collaboration.
    pub(super) fn approved(
        &self,
        room: &Room,
        dataset: &DatasetName,
        owner: &MemberId,
    ) -> BTreeSet<String> {
        let Some((_, seen)) = self.seen.room(&room.name, &room.runner) else {
            return BTreeSet::new();
        };
        let runner = room.parties.get(&room.runner);
        let texts = room.templates.values();
        let agreed =
            texts.filter(|text| text.touches.contains(dataset) && text.approved_by.contains(owner));
        let found = agreed.filter_map(|text| {
            let found = seen.templates.get(&text.alias)?;
            let by_runner = runner.is_some_and(|runner| runner.account == found.creator);
            (by_runner && text.is(found)).then(|| found.arn.clone())
        });
        found.collect()
    }

    /// Whether the table is in a collaboration. Of one that it isn't in, its rule allows nothing, so that it never comes back in
    /// open.
    fn is_in(&self, room: &Room, dataset: &DatasetName, owner: &MemberId) -> bool {
        let room = self.seen.accounts.get(owner).and_then(|account| account.rooms.get(&room.name));
        let own = room.and_then(|room| room.membership.as_ref());
        own.is_some_and(|own| {
            own.status == "ACTIVE" && own.associations.contains_key(dataset.as_str())
        })
    }

    /// Whether the table is where it is wanted and nowhere else, with its receivers named and its use counted: only then
    /// anything is allowed on it.
    fn is_fenced(&self, member: &MemberId, dataset: &DatasetName) -> bool {
        let Some(account) = self.seen.accounts.get(member) else { return false };
        self.wanted.rooms.values().all(|room| {
            let Some(receivers) = room.datasets.get(dataset) else { return true };
            let seen = account.rooms.get(&room.name).and_then(|room| room.membership.as_ref());
            seen.is_some_and(|membership| {
                membership.associations.get(dataset.as_str()).is_some_and(|association| {
                    association.receivers.as_ref() == Some(receivers)
                        && membership
                            .budgets
                            .get(&association.id)
                            .is_some_and(|seen| seen.budget.as_ref() == Some(&self.wanted.budget))
                })
            })
        })
    }
}
