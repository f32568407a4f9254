//! What runs can use, who is in and whose part allows what, judged by what partners see. What can be used is held as long as it is
//! in any collaboration of any agreement that ever was in force: only what is nowhere any more counts as closed. Who has left one
//! collaboration, and what was taken out of one, is held no more. Pure.

use crate::seen::{Account, Room, Seen};
use crate::wanted::{Text, Wanted, wanted};
use adapter_spi::{Desired, Note, Resource, ResourceKind, Scope};
use mappings::model::{Agreement, DatasetName, MemberId, TemplateName};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Everything that an observation says in words of the agreement.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Holding {
    pub(crate) resources: BTreeSet<Resource>,
    pub(crate) members: BTreeSet<MemberId>,
    pub(crate) approvals: BTreeSet<(TemplateName, MemberId)>,
    pub(crate) offered: BTreeSet<DatasetName>,
    pub(crate) gone: BTreeSet<ResourceKind>,
    pub(crate) notes: BTreeSet<Note>,
}

/// An agreement's collaboration, and all views of it.
struct Place<'a> {
    agreement: &'a Agreement,
    wanted: &'a crate::wanted::Room,
    views: Vec<(&'a MemberId, &'a Room)>,
}

/// What is held of a scope.
pub(crate) fn holding(scope: &Scope, seen: &Seen) -> Holding {
    let whole = |agreement: &Arc<Agreement>| wanted(&Desired::whole(Arc::clone(agreement)));
    let (now, past) = (whole(&scope.agreement), scope.past.iter().map(whole));
    let past: Vec<Wanted> = past.collect();
    let mut holding = Holding::default();
    let current = |name: &str| now.rooms.values().any(|room| room.name == name);
    let (mut gone, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for room in now.rooms.values() {
        let views = views(seen.accounts.iter(), &room.name);
        let place = Place { agreement: &scope.agreement, wanted: room, views };
        place.held(&scope.agreement, &mut holding);
        gone.extend(place.gone());
        taken.extend(place.taken());
    }
    let left = || seen.past.iter().map(|past| (&past.seat.member, &past.account));
    for (agreement, past) in scope.past.iter().zip(&past) {
        for room in past.rooms.values() {
            // In an account that is in force, a collaboration of the same name is the one that is wanted: of this one only texts are
            // looked for that it does not have.
            let accounts = || seen.accounts.iter();
            if let Some(current) = now.rooms.values().find(|one| one.name == room.name) {
                let known = |text: &Text| current.templates.values().any(|t| t.alias == text.alias);
                let place = Place { agreement, wanted: room, views: views(accounts(), &room.name) };
                place.templates(&scope.agreement, |text| !known(text), &mut holding);
            }
            let accounts = accounts().filter(|_| !current(&room.name));
            let views = views(accounts.chain(left()), &room.name);
            Place { agreement, wanted: room, views }.held(&scope.agreement, &mut holding);
        }
    }
    // Who is out of one, or what was taken out of one, is not held, wherever else it is.
    holding.members.retain(|member| !gone.contains(member));
    holding.offered.retain(|dataset| !taken.contains(dataset));
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

impl<'a> Place<'a> {
    fn held(&self, now: &Agreement, holding: &mut Holding) {
        for (name, dataset) in &self.agreement.datasets {
            if self.views.iter().any(|(_, room)| is_ready(room, name)) {
                holding.resources.insert(Resource::dataset(name, dataset));
            }
            if self.views.iter().any(|(_, room)| room.schemas.contains_key(name.as_str())) {
                holding.offered.insert(name.clone());
            }
        }
        self.templates(now, |_| true, holding);
        let parties = self.wanted.parties.keys().filter(|name| self.is_in(name));
        holding.members.extend(parties.cloned());
    }

    /// What owners allow of these texts. An approval is of the version that is agreed now; an older one is there as long as any
    /// owner's part of it is, since nothing else says so.
    fn templates(&self, now: &Agreement, of: impl Fn(&Text) -> bool, holding: &mut Holding) {
        for (name, text) in self.wanted.templates.iter().filter(|(_, text)| of(text)) {
            let Some(template) = self.agreement.templates.get(name) else { continue };
            let allows = |datasets: &dyn Fn(&&DatasetName) -> bool| {
                self.views.iter().any(|(_, room)| allows(room, text, datasets))
            };
            let owner = |dataset: &DatasetName| self.agreement.datasets.get(dataset);
            let owners = text.touches.iter().filter_map(|one| owner(one).map(|one| &one.owner));
            let mut owners: BTreeSet<&MemberId> = owners.collect();
            owners.retain(|member| {
                allows(&|one| owner(one).is_some_and(|one| one.owner == **member))
            });
            let agreed = now.templates.get(name) == Some(template);
            let old = !agreed && !owners.is_empty();
            if old || (agreed && allows(&|_| true)) {
                holding.resources.insert(Resource::template(name, template));
            }
            let owners = owners.into_iter().filter(|_| agreed);
            holding.approvals.extend(owners.map(|owner| (name.clone(), owner.clone())));
        }
    }

    /// The views of the collaboration that the runner made; a name alone says nothing.
    fn by_runner(&self) -> impl Iterator<Item = (&'a MemberId, &'a Room)> {
        let runner = self.wanted.parties.get(&self.wanted.runner).map(|party| &party.account);
        self.views.iter().copied().filter(move |(_, room)| runner == Some(&room.creator))
    }

    /// Whether a member is in: active there, by its own account where that was looked at, else by what others see.
    fn is_in(&self, member: &MemberId) -> bool {
        let own = self.by_runner().filter(|(viewer, _)| *viewer == member);
        let own: Vec<&Room> = own.map(|(_, room)| room).collect();
        let active = |room: &&Room| {
            room.membership.as_ref().is_some_and(|membership| membership.status == "ACTIVE")
        };
        if !own.is_empty() {
            return own.iter().any(active);
        }
        let Some(party) = self.wanted.parties.get(member) else { return false };
        self.by_runner().any(|(_, room)| {
            room.members.get(&party.account).is_some_and(|entry| entry.status == "ACTIVE")
        })
    }

    /// Tables that were in the collaboration and are not: a template that reads them was put there once they were.
    fn taken(&self) -> BTreeSet<DatasetName> {
        let mut taken = BTreeSet::new();
        for (_, room) in self.by_runner() {
            let there = self.wanted.templates.values();
            let there = there.filter(|text| room.templates.contains_key(&text.alias));
            let missing = there.flat_map(|text| &text.touches);
            let missing = missing.filter(|one| !room.schemas.contains_key(one.as_str()));
            taken.extend(missing.cloned());
        }
        taken
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
            let Some(own) = &room.membership else { continue };
            let anew = self.by_runner().any(|(_, other)| other.id != room.id);
            let over = own.status == "COLLABORATION_DELETED" && !anew;
            if over || (own.status == "REMOVED" && !anew) {
                gone.insert(viewer.clone());
            }
            if over {
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

/// Whether all these of the tables that a text reads allow it, by its ARN or with any query at all.
pub(crate) fn allows(room: &Room, text: &Text, of: &dyn Fn(&&DatasetName) -> bool) -> bool {
    let Some(found) = room.templates.get(&text.alias) else { return false };
    text.touches.iter().filter(of).all(|dataset| {
        let schema = room.schemas.get(dataset.as_str());
        schema.is_some_and(|one| {
            one.analyses.contains(&found.arn) || one.analyses.contains("ANY_QUERY")
        })
    })
}

#[cfg(test)]
mod tests;
