//! Configured tables and their rules, each in its owner's account. A rule is where access is: it is closed before anything
//! under it changes, and opened last.

use super::rooms::agrees;
use super::{Planned, Subject};
use crate::call::{Call, version};
use crate::rule::Rule;
use crate::seen::{self, Association, Membership};
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
        if !rule.controls_as(&wanted.controls) {
            return planned(Effect::Restrict, RULE, set(wanted.controls.clone(), rule));
        }
        let placed = self.allowed(dataset, member, Self::is_in);
        let kept: BTreeSet<String> = rule.analyses.intersection(&placed).cloned().collect();
        if kept.len() < rule.analyses.len() {
            return planned(Effect::Restrict, RULE, set(rule.allowing(kept), rule));
        }
        let fenced = self.allowed(dataset, member, Self::is_fenced);
        if !fenced.is_subset(&kept) {
            let all = kept.union(&fenced).cloned().collect();
            return planned(Effect::Grant, RULE, set(rule.allowing(all), rule));
        }
        None
    }

    /// The templates that a dataset's rule may allow: of the collaborations that fit, those that its owner approved, as they were
    /// found on the platform with exactly the text and parameters that were agreed. A template runs in its own collaboration only,
    /// so none waits for another's.
    fn allowed(
        &self,
        dataset: &DatasetName,
        owner: &MemberId,
        fits: fn(&Self, &Room, &DatasetName, &MemberId) -> bool,
    ) -> BTreeSet<String> {
        let rooms = self.wanted.rooms.values().filter(|room| fits(self, room, dataset, owner));
        rooms.flat_map(|room| self.approved(room, dataset, owner)).collect()
    }

    /// Those of one collaboration.
    pub(super) fn approved(
        &self,
        room: &Room,
        dataset: &DatasetName,
        owner: &MemberId,
    ) -> BTreeSet<String> {
        // Of a collaboration that is not as agreed any more, nothing is.
        let seen = self.seen.room(&room.name, &room.runner).map(|(_, seen)| seen);
        let Some(seen) = seen.filter(|seen| agrees(room, seen)) else { return BTreeSet::new() };
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

    /// The table's place in a collaboration that its owner is in.
    fn place(
        &self,
        room: &Room,
        dataset: &DatasetName,
        owner: &MemberId,
    ) -> Option<(&Membership, &Association)> {
        let room = self.seen.accounts.get(owner)?.rooms.get(&room.name)?;
        let own = room.membership.as_ref().filter(|own| own.status == "ACTIVE")?;
        Some((own, own.associations.get(dataset.as_str())?))
    }

    /// Whether the table is in a collaboration. Of one that it isn't in, its rule allows nothing, so that it never comes back in
    /// open.
    fn is_in(&self, room: &Room, dataset: &DatasetName, owner: &MemberId) -> bool {
        self.place(room, dataset, owner).is_some()
    }

    /// Whether the table is in a collaboration with its receivers named and its use counted: only then anything of it is allowed.
    fn is_fenced(&self, room: &Room, dataset: &DatasetName, owner: &MemberId) -> bool {
        let Some((own, association)) = self.place(room, dataset, owner) else { return false };
        let counted = own.budgets.get(&association.id).and_then(|seen| seen.budget.as_ref());
        let receivers = room.datasets.get(dataset);
        receivers.is_some()
            && association.receivers.as_ref() == receivers
            && counted == Some(&self.wanted.budget)
    }
}
