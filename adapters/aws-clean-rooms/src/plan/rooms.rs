//! Collaborations, memberships and what they hold. Nothing here gives access by itself: a table without a rule that allows a
//! template answers nobody.

use super::associations::BUDGET;
use super::touches::Touches;
use super::{Planned, Subject};
use crate::call::{Call, Landing};
use crate::connection::ResultFormat;
use crate::seen::{self, Membership};
use crate::wanted::{Party, Room};
use adapter_spi::{Effect, ResourceKind};
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
        for past in &self.seen.past {
            let rooms = past.account.rooms.iter();
            let steps = rooms.flat_map(|(name, seen)| self.leave(&past.seat.member, name, seen));
            planned.extend(steps.map(|step| step.in_past(past)));
        }
        planned
    }

    /// Whoever left the agreement is not invited: nobody is put out of a collaboration to be let in by its making.
    fn create(&self, room: &Room) -> Planned {
        let stays = |name: &MemberId| self.desired.members.contains(name);
        let others = room.parties.iter().filter(|(name, _)| **name != room.runner && stays(name));
        let (names, members): (Vec<&MemberId>, Vec<Party>) =
            others.map(|(name, party)| (name, party.clone())).unzip();
        let touched = names.into_iter().chain([&room.runner]).cloned();
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
            touches: touched.map(ResourceKind::Member).collect(),
            takes: None,
            at: None,
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
            // Who isn't invited any more does not come back.
            None if is_invited(seen, party) => planned.push(self.join(member, room, seen, party)),
            None => {}
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
        let there = seen.members.iter().filter(|(_, member)| !has_gone(member));
        let gone = there.filter(|(account, _)| !stays(account));
        let removed = gone.map(|(account, _)| Planned {
            member: room.runner.clone(),
            effect: Effect::Revoke,
            noun: ROOM,
            name: room.name.clone(),
            call: Call::DeleteMember { collaboration: seen.id.clone(), account: account.clone() },
            touches: self.of_members([account]),
            takes: None,
            at: None,
        });
        removed.collect()
    }

    fn join(&self, member: &MemberId, room: &Room, seen: &seen::Room, party: &Party) -> Planned {
        let landing = party.receives.then(|| self.landing(member)).flatten();
        let pays = (party.pays != party.queries
            || room.parties.values().any(|p| p.pays && !p.queries))
        .then_some(party.pays);
        // Into a collaboration that has templates already, whoever joins may receive, or query, from then on.
        let view = self.seen.room(&room.name, &room.runner).map(|(_, view)| view);
        let used = view.is_some_and(|view| !view.templates.is_empty());
        Planned {
            member: member.clone(),
            effect: if used { Effect::Grant } else { Effect::Neutral },
            noun: MEMBERSHIP,
            name: room.name.clone(),
            call: Call::CreateMembership {
                collaboration: seen.id.clone(),
                pays,
                landing,
                tags: self.tags.clone(),
            },
            touches: [ResourceKind::Member(member.clone())].into(),
            takes: None,
            at: None,
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
            touches: self.of_template(name),
            takes: None,
            at: None,
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
            let takes = self.version(name).cloned();
            planned.push(Planned { takes, ..step(Effect::Revoke, name, call) });
        }
        planned
    }

    /// Whether another account that is operated has tables in a collaboration.
    fn is_inhabited(&self, seen: &seen::Room) -> bool {
        let own = |room: &seen::Room| room.membership.as_ref().map(|own| own.id.clone());
        let creators = own(seen);
        let others = self.views().filter(|room| room.id == seen.id && own(room) != creators);
        let mut memberships = others.filter_map(|room| room.membership.as_ref());
        memberships.any(|own| !own.associations.is_empty())
    }

    /// What a member takes down of a collaboration that is not wanted, or that it has left: its associations, its templates,
    /// its budgets, and then itself; the runner's end of it is the end of the collaboration.
    fn leave(&self, member: &MemberId, name: &str, seen: &seen::Room) -> Vec<Planned> {
        let is_creator = is_creator(member, name);
        let step = |effect, noun, call, touches| Planned {
            member: member.clone(),
            effect,
            noun,
            name: name.to_owned(),
            call,
            touches,
            takes: None,
            at: None,
        };
        if let Some(own) = &seen.membership {
            let mut planned: Vec<Planned> = own
                .associations
                .keys()
                .filter_map(|association| self.dissolve(member, name, own, association))
                .collect();
            planned.extend(own.templates.iter().map(|(alias, id)| {
                let (membership, id) = (own.id.clone(), id.clone());
                let call = Call::DeleteAnalysisTemplate { membership, id };
                let takes = self.version(alias).cloned();
                Planned { takes, ..step(Effect::Revoke, TEMPLATE, call, self.of_template(alias)) }
            }));
            // What counted the use of a table that is out already.
            let counted =
                |id: &&String| own.associations.values().any(|association| association.id == **id);
            let left = own.budgets.iter().filter(|(association, _)| !counted(association));
            planned.extend(left.map(|(_, budget)| {
                let (membership, id) = (own.id.clone(), budget.id.clone());
                let call = Call::DeletePrivacyBudgetTemplate { membership, id };
                step(Effect::Revoke, BUDGET, call, Touches::new())
            }));
            if !planned.is_empty() || !own.associations.is_empty() {
                return planned;
            }
            if own.status != "ACTIVE" || !is_creator {
                let call = Call::DeleteMembership { id: own.id.clone() };
                let touches = [ResourceKind::Member(member.clone())].into();
                return vec![step(Effect::Revoke, MEMBERSHIP, call, touches)];
            }
        }
        // What others have in it goes first: of a collaboration that is gone they see nothing any more.
        if is_creator && !self.is_inhabited(seen) {
            let call = Call::DeleteCollaboration { id: seen.id.clone(), name: name.to_owned() };
            let there = seen.members.iter().filter(|(_, member)| !has_gone(member));
            let touches = self.of_members(there.map(|(account, _)| account));
            return vec![step(Effect::Revoke, ROOM, call, touches)];
        }
        Vec::new()
    }
}

fn has_gone(member: &seen::Member) -> bool {
    ["LEFT", "REMOVED"].contains(&member.status.as_str())
}

fn is_invited(seen: &seen::Room, party: &Party) -> bool {
    seen.members.get(&party.account).is_some_and(|member| member.status == "INVITED")
}

/// Whether a collaboration is the one that was agreed: made by the runner, with these members and abilities.
pub(super) fn agrees(room: &Room, seen: &seen::Room) -> bool {
    let creator = room.parties.get(&room.runner).map(|party| &party.account);
    let same = |party: &Party| {
        seen.members.get(&party.account).is_none_or(|member| {
            has_gone(member)
                || (member.queries == party.queries && member.receives == party.receives)
        })
    };
    let known = |account: &String| room.parties.values().any(|party| party.account == *account);
    creator == Some(&seen.creator)
        && room.parties.values().all(same)
        && seen.members.iter().all(|(account, member)| known(account) || has_gone(member))
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
