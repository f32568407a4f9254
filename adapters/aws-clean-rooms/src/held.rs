//! What runs can use, who is in and whose part allows what, judged by what partners see. What can be used is held as long as it is
//! in any collaboration of any agreement that ever was in force: only what is nowhere any more counts as closed. Who has left one
//! collaboration, and what was taken out of one, is held no more, and remains until it is out of all. Pure.

use crate::names;
use crate::seen::{Account, Room, Schema, Seen};
use crate::wanted::{Text, Wanted, wanted};
use adapter_spi::{Desired, Note, Resource, ResourceKind, Scope};
use mappings::model::{Agreement, DatasetName, MemberId, TemplateName};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Everything that an observation says in words of the agreement.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Holding {
    pub(crate) resources: BTreeSet<Resource>,
    pub(crate) members: BTreeSet<MemberId>,
    pub(crate) approvals: BTreeSet<(TemplateName, MemberId)>,
    pub(crate) remains: BTreeSet<ResourceKind>,
    pub(crate) offered: BTreeSet<DatasetName>,
    pub(crate) gone: BTreeSet<ResourceKind>,
    pub(crate) notes: BTreeSet<Note>,
}

/// A rule that was written later than this after a template was made, and does not allow it, allows it no more; one that is older
/// may be about to. The platform's clocks differ by less.
const WRITTEN_AFTER_MS: i64 = 1_000;

/// Which of the collaborations that have a template its owner's tables allow it in.
#[derive(Debug, Default)]
struct Part {
    /// Of those that are wanted now, each that it was allowed in, or could have been.
    now: BTreeMap<String, bool>,
    /// In any other.
    past: bool,
}

impl Part {
    fn is_held(&self) -> bool {
        if self.now.is_empty() { self.past } else { self.now.values().all(|allows| *allows) }
    }

    fn is_there(&self) -> bool {
        self.past || self.now.values().any(|allows| *allows)
    }
}

type Parts = BTreeMap<(TemplateName, MemberId), Part>;

/// An agreement's collaboration, and all views of it.
struct Place<'a> {
    agreement: &'a Agreement,
    wanted: &'a crate::wanted::Room,
    /// Whether it is wanted now.
    is_now: bool,
    views: Vec<(&'a MemberId, &'a Room)>,
}

/// What is held of a scope.
pub(crate) fn holding(scope: &Scope, seen: &Seen) -> Holding {
    let whole = |agreement: &Arc<Agreement>| wanted(&Desired::whole(Arc::clone(agreement)));
    let (now, past) = (whole(&scope.agreement), scope.past.iter().map(whole));
    let past: Vec<Wanted> = past.collect();
    let current = |name: &str| now.rooms.values().find(|room| room.name == name);
    let (mut holding, mut parts) = (Holding::default(), Parts::new());
    let (mut gone, mut taken) = (BTreeSet::new(), BTreeSet::new());
    let agreed = &scope.agreement;
    for room in now.rooms.values() {
        let earlier = past.iter().flat_map(|all| all.rooms.values());
        let earlier = earlier.filter(|one| one.name == room.name);
        let texts = earlier.flat_map(|room| room.templates.values());
        let views = views(seen.accounts.iter(), &room.name);
        let place = Place { agreement: agreed, wanted: room, is_now: true, views };
        place.held(agreed, &mut holding, &mut parts);
        gone.extend(place.gone());
        taken.extend(place.taken(texts));
        let views = spare(seen.accounts.iter(), &room.name);
        let place = Place { agreement: agreed, wanted: room, is_now: false, views };
        place.held(agreed, &mut holding, &mut parts);
    }
    let left = || seen.past.iter().map(|past| (&past.seat.member, &past.account));
    for (agreement, past) in scope.past.iter().zip(&past) {
        for room in past.rooms.values() {
            let place = |is_now, views| Place { agreement, wanted: room, is_now, views };
            let accounts = || seen.accounts.iter();
            // In an account that is in force, a collaboration of the same name is the one that is wanted: of this one only texts are
            // looked for that it does not have.
            if let Some(current) = current(&room.name) {
                let known = |text: &Text| current.templates.values().any(|t| t.alias == text.alias);
                let place = place(true, views(accounts(), &room.name));
                place.templates(agreed, |text| !known(text), &mut holding, &mut parts);
            }
            let accounts = accounts().filter(|_| current(&room.name).is_none());
            let place = place(false, views(accounts.chain(left()), &room.name));
            place.held(agreed, &mut holding, &mut parts);
        }
    }
    // Who is out of one, or what was taken out of one, is not held, wherever else it is.
    let out = holding.members.intersection(&gone).cloned().map(ResourceKind::Member);
    holding.remains = out.collect();
    holding.members.retain(|member| !gone.contains(member));
    holding.offered.retain(|dataset| !taken.contains(dataset));
    for ((template, owner), part) in parts {
        if part.is_held() {
            holding.approvals.insert((template, owner));
        } else if part.is_there() {
            holding.remains.insert(ResourceKind::Approval(template, owner));
        }
    }
    holding.gone = gone.into_iter().map(ResourceKind::Member).collect();
    let accounts = seen.accounts.values().chain(seen.past.iter().map(|past| &past.account));
    holding.notes = accounts.flat_map(|account| account.notes.iter().cloned()).collect();
    holding
}

fn views<'a>(
    accounts: impl Iterator<Item = (&'a MemberId, &'a Account)>,
    name: &str,
) -> Vec<(&'a MemberId, &'a Room)> {
    accounts.filter_map(|(member, account)| Some((member, account.rooms.get(name)?))).collect()
}

/// The views of further collaborations of the name.
fn spare<'a>(
    accounts: impl Iterator<Item = (&'a MemberId, &'a Account)>,
    name: &str,
) -> Vec<(&'a MemberId, &'a Room)> {
    let rooms =
        accounts.flat_map(|(member, account)| account.rooms.iter().map(move |of| (member, of)));
    let spare = rooms.filter(|(_, (known_as, _))| names::is_spare(known_as, name));
    spare.map(|(member, (_, room))| (member, room)).collect()
}

impl<'a> Place<'a> {
    fn held(&self, now: &Agreement, holding: &mut Holding, parts: &mut Parts) {
        for (name, dataset) in &self.agreement.datasets {
            if self.views.iter().any(|(_, room)| is_ready(room, name)) {
                holding.resources.insert(Resource::dataset(name, dataset));
            }
            if self.is_brought(name) {
                holding.offered.insert(name.clone());
            }
        }
        self.templates(now, |_| true, holding, parts);
        let parties = self.wanted.parties.keys().filter(|name| self.is_in(name));
        holding.members.extend(parties.cloned());
    }

    /// What owners allow of these texts. An approval is of the version that is agreed now; an older one is there as long as any
    /// owner's part of it is, since nothing else says so.
    fn templates(
        &self,
        now: &Agreement,
        of: impl Fn(&Text) -> bool,
        holding: &mut Holding,
        parts: &mut Parts,
    ) {
        for (name, text) in self.wanted.templates.iter().filter(|(_, text)| of(text)) {
            let Some(template) = self.agreement.templates.get(name) else { continue };
            let allows = |datasets: &dyn Fn(&&DatasetName) -> bool| {
                self.views.iter().any(|(_, room)| allows(room, text, datasets))
            };
            let owner = |dataset: &DatasetName| self.agreement.datasets.get(dataset);
            let owners = text.touches.iter().filter_map(|one| owner(one).map(|one| &one.owner));
            let own = |member: &MemberId, one: &DatasetName| {
                owner(one).is_some_and(|one| one.owner == *member)
            };
            let owners: BTreeMap<&MemberId, bool> =
                owners.map(|member| (member, allows(&|one| own(member, one)))).collect();
            if now.templates.get(name) != Some(template) {
                if owners.values().any(|allows| *allows) {
                    holding.resources.insert(Resource::template(name, template));
                }
                continue;
            }
            if allows(&|_| true) {
                holding.resources.insert(Resource::template(name, template));
            }
            for (member, allows) in owners {
                let own = |one: &&DatasetName| own(member, one);
                let refuses = || self.views.iter().any(|(_, room)| refuses(room, text, &own));
                if !allows && !refuses() {
                    continue;
                }
                let part = parts.entry((name.clone(), member.clone())).or_default();
                if self.is_now {
                    *part.now.entry(self.wanted.name.clone()).or_default() |= allows;
                } else {
                    part.past |= allows;
                }
            }
        }
    }

    /// Whether a dataset's owner has its table there: by its own account, else by what others see. A table of the same name that
    /// is another's is another.
    fn is_brought(&self, name: &DatasetName) -> bool {
        let Some(dataset) = self.agreement.datasets.get(name) else { return false };
        let owner = self.wanted.parties.get(&dataset.owner);
        self.by_runner().any(|(viewer, room)| {
            let schema = room.schemas.get(name.as_str());
            let own = room.membership.as_ref().filter(|_| *viewer == dataset.owner);
            // The creator's hand takes the tables of whoever it removes out as well.
            let own = own.filter(|own| own.status != "REMOVED");
            schema.is_some_and(|one| owner.is_some_and(|owner| owner.account == one.creator))
                || own.is_some_and(|own| own.associations.contains_key(name.as_str()))
        })
    }

    /// The views of the collaboration that the runner made; a name alone says nothing.
    fn by_runner(&self) -> impl Iterator<Item = (&'a MemberId, &'a Room)> {
        let runner = self.wanted.parties.get(&self.wanted.runner).map(|party| &party.account);
        self.views.iter().copied().filter(move |(_, room)| runner == Some(&room.creator))
    }

    /// Whether a member is in: active there, by its own account where that was looked at, else by what others see. Whoever has
    /// something in a collaboration that another ended did nothing, and is in until that is taken down.
    fn is_in(&self, member: &MemberId) -> bool {
        let own = self.by_runner().filter(|(viewer, _)| *viewer == member);
        let own: Vec<&Room> = own.map(|(_, room)| room).collect();
        let stays = |room: &&Room| {
            let status = room.membership.as_ref().map(|membership| membership.status.as_str());
            status == Some("ACTIVE") || (*member != self.wanted.runner && self.is_over(room))
        };
        if !own.is_empty() {
            return own.iter().any(stays);
        }
        let Some(party) = self.wanted.parties.get(member) else { return false };
        self.by_runner().any(|(_, room)| {
            room.members.get(&party.account).is_some_and(|entry| entry.status == "ACTIVE")
        })
    }

    /// Whether its creator ended a collaboration and nobody made it anew.
    fn is_over(&self, room: &Room) -> bool {
        let status = room.membership.as_ref().map(|membership| membership.status.as_str());
        status == Some("COLLABORATION_DELETED") && !self.is_anew(room)
    }

    /// Whether there is another of the same name and maker.
    fn is_anew(&self, room: &Room) -> bool {
        self.by_runner().any(|(_, other)| other.id != room.id)
    }

    /// Tables that were in the collaboration and are not: a template that reads them, of whatever version, was put there once they
    /// were.
    fn taken<'t>(&'t self, earlier: impl Iterator<Item = &'t Text>) -> BTreeSet<DatasetName> {
        let seen = |text: &&Text| {
            self.by_runner().any(|(_, room)| room.templates.contains_key(&text.alias))
        };
        let there = self.wanted.templates.values().chain(earlier).filter(seen);
        let tables = there.flat_map(|text| &text.touches);
        let tables = tables.filter(|name| self.wanted.datasets.contains_key(*name));
        tables.filter(|name| !self.is_brought(name)).cloned().collect()
    }

    /// Members who are out for good, as the platform positively says. Once a collaboration was made anew, the end of an earlier
    /// one says nothing.
    fn gone(&self) -> BTreeSet<MemberId> {
        let mut gone = BTreeSet::new();
        for (_, room) in self.by_runner() {
            let left = self.wanted.parties.iter().filter(|(_, party)| {
                let entry = room.members.get(&party.account);
                entry.is_some_and(|one| ["LEFT", "REMOVED"].contains(&one.status.as_str()))
            });
            gone.extend(left.map(|(name, _)| name.clone()));
        }
        for (viewer, room) in self.by_runner() {
            let status = room.membership.as_ref().map(|membership| membership.status.as_str());
            if status == Some("REMOVED") && !self.is_anew(room) {
                gone.insert(viewer.clone());
            }
            // Only its creator can end it; the others did nothing.
            if self.is_over(room) {
                gone.insert(self.wanted.runner.clone());
            }
        }
        gone
    }
}

/// Whether a table can be used: by a template that is there, or by a rule that is none of ours. The ARN of a template that is
/// gone lets nobody in.
pub(crate) fn is_ready(room: &Room, dataset: &DatasetName) -> bool {
    let lives = |analysis: &String| {
        !analysis.starts_with("arn:") || room.templates.values().any(|one| one.arn == *analysis)
    };
    let schema = room.schemas.get(dataset.as_str()).filter(|schema| schema.ready);
    schema.is_some_and(|one| one.analyses.is_empty() || one.analyses.iter().any(lives))
}

/// Whether all these of the tables that a text reads allow it.
pub(crate) fn allows(room: &Room, text: &Text, of: &dyn Fn(&&DatasetName) -> bool) -> bool {
    let Some(found) = room.templates.get(&text.alias) else { return false };
    text.touches.iter().filter(of).all(|dataset| {
        room.schemas.get(dataset.as_str()).is_some_and(|schema| lets(schema, &found.arn))
    })
}

/// Whether the rule of any of these of the tables that a text reads was written since the text is there, and does not allow it.
fn refuses(room: &Room, text: &Text, of: &dyn Fn(&&DatasetName) -> bool) -> bool {
    let Some(found) = room.templates.get(&text.alias) else { return false };
    let since_ms = found.made_ms.saturating_add(WRITTEN_AFTER_MS);
    let schemas = text.touches.iter().filter(of).filter_map(|name| room.schemas.get(name.as_str()));
    let mut written = schemas.filter(|schema| schema.ruled_ms > since_ms);
    written.any(|schema| !lets(schema, &found.arn))
}

/// Whether a table's rule allows a template, by its ARN or with any query at all.
fn lets(schema: &Schema, arn: &str) -> bool {
    schema.analyses.contains(arn) || schema.analyses.contains("ANY_QUERY")
}

#[cfg(test)]
mod tests;
