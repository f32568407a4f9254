//! Collaborations, memberships and what they hold. Nothing here gives access by itself: a table without a rule that allows a
//! template answers nobody.

use super::associations::dissolve;
use super::{Planned, Subject};
use crate::call::{Call, Landing};
use crate::connection::ResultFormat;
use crate::seen::{self, Membership};
use crate::wanted::{Party, Room};
use adapter_spi::Effect;
use mappings::model::MemberId;

const ROOM: &str = "collaboration";
const MEMBERSHIP: &str = "membership";
const TEMPLATE: &str = "analysis-template";

impl Subject<'_> {
    /// The steps on collaborations of all operated members.
    pub(super) fn rooms(&self) -> Vec<Planned> {
        let mut planned = Vec::new();
        for (member, account) in &self.seen.accounts {
            for room in self.wanted.rooms.values() {
                match account.rooms.get(&room.name) {
                    None if room.runner == *member => planned.push(self.create(room)),
                    None => {}
                    Some(seen) => planned.extend(self.inhabit(member, room, seen)),
                }
            }
            let kept = |name: &String| self.wanted.rooms.values().any(|room| room.name == *name);
            for (name, seen) in account.rooms.iter().filter(|(name, _)| !kept(name)) {
                planned.extend(self.leave(member, name, seen));
            }
        }
        planned
    }

    fn create(&self, room: &Room) -> Planned {
        let others = room.parties.iter().filter(|(name, _)| **name != room.runner);
        let members = others.map(|(_, party)| party.clone()).collect();
        let creator = room.parties.get(&room.runner).cloned();
        Planned {
            member: room.runner.clone(),
            effect: Effect::Neutral,
            noun: ROOM,
            name: room.name.clone(),
            call: Call::CreateCollaboration {
                name: room.name.clone(),
                creator: creator.unwrap_or_else(|| unreachable_party(&room.runner)),
                members,
                regions: room.result_regions.clone(),
                tags: self.tags.clone(),
            },
        }
    }

    /// What a member does in a collaboration that is wanted.
    fn inhabit(&self, member: &MemberId, room: &Room, seen: &seen::Room) -> Vec<Planned> {
        let Some(party) = room.parties.get(member) else { return Vec::new() };
        if !self.desired.members.contains(member) {
            return self.leave(member, &room.name, seen);
        }
        let mut planned = Vec::new();
        if room.runner == *member {
            planned.extend(self.removed(room, seen));
        }
        if !agrees(room, seen) {
            // Somebody else made it, or changed it: nothing of ours goes in.
            return planned;
        }
        match &seen.membership {
            None => planned.push(self.join(member, room, seen, party)),
            // Whoever was removed is not brought back, and puts nothing into what is left.
            Some(membership) if membership.status != "ACTIVE" => {}
            Some(membership) => {
                planned.extend(self.associations(member, room, membership));
                if room.runner == *member {
                    planned.extend(self.templates(room, seen, membership));
                }
            }
        }
        planned
    }

    /// Members who left the agreement, removed by the collaboration's creator; and whoever was never in it.
    fn removed(&self, room: &Room, seen: &seen::Room) -> Vec<Planned> {
        let stays = |account: &String| {
            let party = room.parties.iter().find(|(_, party)| party.account == *account);
            party.is_some_and(|(name, _)| self.desired.members.contains(name))
        };
        let there =
            seen.members.iter().filter(|(_, m)| ["INVITED", "ACTIVE"].contains(&m.status.as_str()));
        let gone = there.filter(|(account, _)| !stays(account));
        let removed = gone.map(|(account, _)| Planned {
            member: room.runner.clone(),
            effect: Effect::Revoke,
            noun: ROOM,
            name: room.name.clone(),
            call: Call::DeleteMember { collaboration: seen.id.clone(), account: account.clone() },
        });
        removed.collect()
    }

    fn join(&self, member: &MemberId, room: &Room, seen: &seen::Room, party: &Party) -> Planned {
        let landing = party.receives.then(|| self.landing(member)).flatten();
        let pays = (party.pays != party.queries
            || room.parties.values().any(|p| p.pays && !p.queries))
        .then_some(party.pays);
        Planned {
            member: member.clone(),
            effect: Effect::Neutral,
            noun: MEMBERSHIP,
            name: room.name.clone(),
            call: Call::CreateMembership {
                collaboration: seen.id.clone(),
                pays,
                landing,
                tags: self.tags.clone(),
            },
        }
    }

    fn landing(&self, member: &MemberId) -> Option<Landing> {
        let connection = self.connections.members.get(member)?;
        let (bucket, prefix) = connection.landing()?;
        let format = match connection.result_format {
            ResultFormat::Parquet => "PARQUET",
            ResultFormat::Csv => "CSV",
        };
        let role = connection.result_role.clone();
        // Without a role the platform can't write there on another member's run.
        role.is_some().then(|| Landing { bucket, prefix, format: format.to_owned(), role })
    }

    /// Templates are put where all the tables they read are already, so that the platform can check them.
    fn templates(&self, room: &Room, seen: &seen::Room, own: &Membership) -> Vec<Planned> {
        let mut planned = Vec::new();
        let step = |effect, name: &str, call| Planned {
            member: room.runner.clone(),
            effect,
            noun: TEMPLATE,
            name: format!("{}/{name}", room.name),
            call,
        };
        for text in room.templates.values() {
            let there =
                text.touches.iter().all(|dataset| seen.schemas.contains_key(dataset.as_str()));
            if there && !own.templates.contains_key(&text.alias) {
                let call = Call::CreateAnalysisTemplate {
                    membership: own.id.clone(),
                    name: text.alias.clone(),
                    text: text.sql.clone(),
                    description: text.description.clone(),
                    parameters: text.parameters.clone(),
                    tags: self.tags.clone(),
                };
                planned.push(step(Effect::Neutral, &text.alias, call));
            }
        }
        let wanted = |name: &String| room.templates.values().any(|text| text.alias == *name);
        for (name, id) in own.templates.iter().filter(|(name, _)| !wanted(name)) {
            let call = Call::DeleteAnalysisTemplate { membership: own.id.clone(), id: id.clone() };
            planned.push(step(Effect::Revoke, name, call));
        }
        planned
    }

    /// Whether another operated member has tables in a collaboration.
    fn is_inhabited(&self, creator: &MemberId, name: &str) -> bool {
        let others = self.seen.accounts.iter().filter(|(member, _)| *member != creator);
        let rooms = others.filter_map(|(_, account)| account.rooms.get(name));
        let mut memberships = rooms.filter_map(|room| room.membership.as_ref());
        memberships.any(|own| !own.associations.is_empty())
    }

    /// What a member takes down of a collaboration that is not wanted, or that it has left: its associations, its templates,
    /// its budgets, and then itself; the runner's end of it is the end of the collaboration.
    fn leave(&self, member: &MemberId, name: &str, seen: &seen::Room) -> Vec<Planned> {
        let is_creator = is_creator(member, name);
        let step = |effect, noun, call| Planned {
            member: member.clone(),
            effect,
            noun,
            name: name.to_owned(),
            call,
        };
        if let Some(own) = &seen.membership {
            let mut planned: Vec<Planned> = own
                .associations
                .keys()
                .filter_map(|association| dissolve(member, name, own, association))
                .collect();
            planned.extend(own.templates.values().map(|id| {
                let (membership, id) = (own.id.clone(), id.clone());
                step(Effect::Revoke, TEMPLATE, Call::DeleteAnalysisTemplate { membership, id })
            }));
            if !planned.is_empty() {
                return planned;
            }
            if own.status != "ACTIVE" || !is_creator {
                let id = own.id.clone();
                return vec![step(Effect::Revoke, MEMBERSHIP, Call::DeleteMembership { id })];
            }
        }
        // What others have in it goes first: of a collaboration that is gone they see nothing any more.
        if is_creator && !self.is_inhabited(member, name) {
            let (id, name) = (seen.id.clone(), name.to_owned());
            return vec![step(Effect::Revoke, ROOM, Call::DeleteCollaboration { id, name })];
        }
        Vec::new()
    }
}

/// Whether a collaboration is the one that was agreed: made by the runner, with these members and abilities.
pub(super) fn agrees(room: &Room, seen: &seen::Room) -> bool {
    let creator = room.parties.get(&room.runner).map(|party| &party.account);
    let same = |party: &Party| {
        seen.members.get(&party.account).is_none_or(|member| {
            ["LEFT", "REMOVED"].contains(&member.status.as_str())
                || (member.queries == party.queries && member.receives == party.receives)
        })
    };
    let known = |account: &String| room.parties.values().any(|party| party.account == *account);
    let gone = |member: &seen::Member| ["LEFT", "REMOVED"].contains(&member.status.as_str());
    creator == Some(&seen.creator)
        && room.parties.values().all(same)
        && seen.members.iter().all(|(account, member)| known(account) || gone(member))
}

/// Never met: a runner is always a party of its own collaboration.
fn unreachable_party(runner: &MemberId) -> Party {
    Party {
        account: String::new(),
        display: runner.to_string(),
        queries: true,
        receives: false,
        pays: true,
    }
}

/// A collaboration's name says who made it; the tag was checked when it was seen.
fn is_creator(member: &MemberId, name: &str) -> bool {
    name.rsplit('.').nth(1) == Some(member.as_str())
}
