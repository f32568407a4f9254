//! Configured tables and their rules, each in its owner's account. A rule is where access is: it is closed before anything
//! under it changes, and opened last.

use super::rooms::agrees;
use super::{Planned, Subject};
use crate::call::{Call, version};
use crate::rule::Rule;
use crate::seen::{self, Account, Association, Membership};
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
                    None => planned.extend(self.unwanted((member, account), name, seen)),
                }
            }
            let of = (member, account);
            let spare = account.spare.iter();
            planned.extend(spare.filter_map(|(name, seen)| self.unwanted(of, name, seen)));
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
                touches: self.of_dataset(&table.name),
                takes: None,
                at: None,
            }));
        }
        for past in &self.seen.past {
            let spare = past.account.spare.iter().map(|(name, seen)| (name, seen));
            let tables = past.account.tables.iter().chain(spare);
            let of = (&past.seat.member, &past.account);
            let steps = tables.filter_map(|(name, seen)| self.unwanted(of, name, seen));
            planned.extend(steps.map(|step| step.in_past(past)));
        }
        planned
    }

    /// One that is not wanted: the rule first, which ends all use; the table when nothing stands on it.
    fn unwanted(
        &self,
        (member, account): (&MemberId, &Account),
        name: &str,
        seen: &seen::Table,
    ) -> Option<Planned> {
        let allowed = seen.rule.iter().flat_map(|rule| &rule.analyses);
        let touches = self.of_rule(member, name, allowed);
        let (noun, call) = if let Some(kind) = seen.rules.first() {
            let (table, kind) = (seen.id.clone(), kind.clone());
            (RULE, Call::DeleteConfiguredTableAnalysisRule { table, kind })
        } else if is_associated(account, &seen.id) {
            return None;
        } else {
            (TABLE, Call::DeleteConfiguredTable { id: seen.id.clone() })
        };
        let (member, name, effect) = (member.clone(), name.to_owned(), Effect::Revoke);
        Some(Planned { member, effect, noun, name, call, touches, takes: None, at: None })
    }

    /// What can be done now towards a wanted table's value.
    fn kept(
        &self,
        member: &MemberId,
        dataset: &DatasetName,
        wanted: &Table,
        seen: &seen::Table,
    ) -> Vec<Planned> {
        let planned = |effect, noun, call, changed: &BTreeSet<String>| {
            let (member, name) = (member.clone(), wanted.name.clone());
            let touches = self.of_rule(&member, &name, changed);
            vec![Planned { member, effect, noun, name, call, touches, takes: None, at: None }]
        };
        let allowed = seen.rule.as_ref().map(|rule| rule.analyses.clone()).unwrap_or_default();
        let id = || seen.id.clone();
        if let Some(kind) = seen.rules.iter().find(|kind| *kind != CUSTOM) {
            let call = Call::DeleteConfiguredTableAnalysisRule { table: id(), kind: kind.clone() };
            return planned(Effect::Revoke, RULE, call, &allowed);
        }
        let columns: BTreeSet<String> = wanted.columns.iter().cloned().collect();
        let same = seen.columns == columns && is_glue(wanted, seen);
        let Some(rule) = &seen.rule else {
            let update = Call::UpdateConfiguredTable {
                id: id(),
                database: wanted.database.clone(),
                table: wanted.glue.clone(),
                columns: wanted.columns.clone(),
            };
            let rule = wanted.controls.clone();
            let create = Call::CreateConfiguredTableAnalysisRule { table: id(), rule };
            let (noun, call) = if same { (RULE, create) } else { (TABLE, update) };
            return planned(Effect::Neutral, noun, call, &allowed);
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
            return planned(Effect::Revoke, RULE, call, &allowed);
        }
        if !rule.controls_as(&wanted.controls) {
            return planned(Effect::Restrict, RULE, set(wanted.controls.clone(), rule), &allowed);
        }
        let placed = self.allowed(dataset, member, Self::is_in);
        let away = self.allowed(dataset, member, Self::is_away);
        let either = placed.union(&away).cloned().collect();
        let kept: BTreeSet<String> = rule.analyses.intersection(&either).cloned().collect();
        if kept.len() < rule.analyses.len() {
            let less = allowed.difference(&kept).cloned().collect();
            let (mut left, mut was) = (rule.analyses.clone(), rule.clone());
            // One step a version, each on what the one before leaves.
            let steps = self.by_version(member, &less).into_iter().flat_map(|(takes, arns)| {
                left.retain(|arn| !arns.contains(arn));
                let next = rule.allowing(left.clone());
                let steps = planned(Effect::Restrict, RULE, set(next.clone(), &was), &arns);
                was = next;
                steps.into_iter().map(move |step| Planned { takes: takes.clone(), ..step })
            });
            return steps.collect();
        }
        // By a collaboration that the table isn't in, its rule lets nobody in: that ends before the table comes back, and waits
        // until it is certain who took the table out.
        let idle: BTreeSet<String> = kept.intersection(&away).cloned().collect();
        if !idle.is_empty() {
            let left = kept.difference(&idle).cloned().collect();
            return planned(Effect::Neutral, RULE, set(rule.allowing(left), rule), &idle);
        }
        let fenced = self.allowed(dataset, member, Self::is_fenced);
        if !fenced.is_subset(&kept) {
            let more = fenced.difference(&kept).cloned().collect();
            let all = kept.union(&fenced).cloned().collect();
            return planned(Effect::Grant, RULE, set(rule.allowing(all), rule), &more);
        }
        Vec::new()
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

    /// Whether the table is in a collaboration, with receivers named of whom one was agreed. Of one that it isn't in like that, its
    /// rule allows nothing: nobody comes to receive by what is written there.
    fn is_in(&self, room: &Room, dataset: &DatasetName, owner: &MemberId) -> bool {
        let Some((_, association)) = self.place(room, dataset, owner) else { return false };
        let named = association.receivers.as_ref().zip(room.datasets.get(dataset));
        named.is_some_and(|(known, agreed)| !known.is_disjoint(agreed))
    }

    /// Whether the table is not in a collaboration at all, though its owner is.
    fn is_away(&self, room: &Room, dataset: &DatasetName, owner: &MemberId) -> bool {
        let account = self.seen.accounts.get(owner);
        let own = account.and_then(|account| account.rooms.get(&room.name));
        let own = own.and_then(|room| room.membership.as_ref());
        let seen = self.seen.room(&room.name, &room.runner).map(|(_, seen)| seen);
        own.is_none_or(|own| !own.associations.contains_key(dataset.as_str()))
            && seen.is_none_or(|seen| !seen.schemas.contains_key(dataset.as_str()))
    }

    /// Whether a table's rule lets nobody in by one collaboration: all that it allows is known to be another's.
    pub(super) fn is_shut(&self, room: &Room, table: &seen::Table) -> bool {
        let seen = self.seen.room(&room.name, &room.runner);
        self.is_shut_in(seen.map(|(_, view)| view.id.as_str()), table)
    }

    /// The same of the collaboration that a membership is of. A table that is none of ours is not closed by us.
    pub(super) fn is_closed(&self, own: &Membership, table: &str) -> bool {
        let is_own = |view: &&seen::Room| view.membership.as_ref().is_some_and(|m| m.id == own.id);
        let here = self.views().find(is_own).map(|view| view.id.as_str());
        let past = self.seen.past.iter().map(|past| &past.account);
        let mut tables =
            self.seen.accounts.values().chain(past).flat_map(|account| account.tables.values());
        tables.find(|one| one.id == table).is_none_or(|table| self.is_shut_in(here, table))
    }

    fn is_shut_in(&self, here: Option<&str>, table: &seen::Table) -> bool {
        let elsewhere = self.views().filter(|view| Some(view.id.as_str()) != here);
        let elsewhere: BTreeSet<&String> =
            elsewhere.flat_map(|view| view.templates.values().map(|found| &found.arn)).collect();
        table.rules.iter().all(|kind| kind == CUSTOM)
            && table.rule.as_ref().is_none_or(|rule| {
                !rule.foreign && rule.analyses.iter().all(|arn| elsewhere.contains(arn))
            })
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

/// Whether a table stands on the Glue table that was agreed. The catalogue folds its names.
fn is_glue(wanted: &Table, seen: &seen::Table) -> bool {
    seen.glue.as_ref().is_some_and(|(database, table)| {
        database.eq_ignore_ascii_case(&wanted.database) && table.eq_ignore_ascii_case(&wanted.glue)
    })
}

fn is_associated(account: &Account, table: &str) -> bool {
    let memberships = account.rooms.values().filter_map(|room| room.membership.as_ref());
    memberships.flat_map(|m| m.associations.values()).any(|one| one.table == table)
}
