//! From what was seen to what is wanted: the calls that can be made now, most restrictive first. What needs something that is
//! not there yet comes in the next pass, so that a pass may be killed anywhere. Pure.

mod associations;
mod rooms;
mod tables;
mod touches;
mod waiting;

use crate::call::{AT, At, Call, Tags};
use crate::connection::Connections;
use crate::observe::{TAG_AGREEMENT, TAG_COLLABORATION};
use crate::seats::seat;
use crate::seen::{Past, Seat, Seen};
use crate::wanted::{Wanted, wanted};
use adapter_spi::{
    Desired, Effect, Native, Observation, Plan, PlanRefused, Resource, ResourceKind, Step,
};
use mappings::model::{Agreement, Digest, MemberId};
use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A call, in whose account, and what it does to access.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) member: MemberId,
    pub(crate) effect: Effect,
    pub(crate) noun: &'static str,
    pub(crate) name: String,
    pub(crate) call: Call,
    /// What of the agreement it is about; the member in whose account it is where that has no name there.
    pub(crate) touches: BTreeSet<ResourceKind>,
    /// The one thing of the agreement that it takes away, where it is one and in that version; else the platform's own thing.
    pub(crate) takes: Option<Resource>,
    /// In an account or a Region of an earlier agreement; else in the member's own.
    pub(crate) at: Option<At>,
}

impl Planned {
    /// The same in an account of an earlier agreement.
    fn in_past(self, past: &Past) -> Self {
        let Seat { member, account, region } = past.seat.clone();
        Self { at: Some(At { member, account, region }), ..self }
    }
}

/// Everything that planning looks at.
pub(crate) struct Subject<'a> {
    pub(crate) desired: &'a Desired,
    pub(crate) wanted: Wanted,
    pub(crate) seen: &'a Seen,
    pub(crate) connections: &'a Connections,
    /// All agreements that say what a name means, the newest first.
    pub(crate) agreements: Vec<&'a Arc<Agreement>>,
    /// Of everything that is made.
    pub(crate) tags: Tags,
    /// What the texts of these agreements are called there, once somebody asks.
    pub(crate) said: OnceCell<touches::Said>,
}

/// The steps of one pass, and what others have to do first.
pub(crate) fn plan(
    desired: &Desired,
    observation: &Observation,
    connections: &Connections,
) -> Result<Plan, PlanRefused> {
    let seen: Seen = serde_json::from_value(observation.native.clone())
        .map_err(|_| refused("observation-unreadable", "the observation is of another version"))?;
    let tags = tags(&desired.agreement);
    let scope = &observation.scope;
    let agreements = [&desired.agreement, &scope.agreement].into_iter().chain(&scope.past);
    let agreements = agreements.collect();
    let (wanted, said) = (wanted(desired), OnceCell::new());
    let subject = Subject { desired, wanted, seen: &seen, connections, agreements, tags, said };
    let mut planned = subject.tables();
    planned.extend(subject.rooms());
    planned.sort_by_key(|one| one.effect);
    let refused = subject.possible().err();
    if refused.is_some() {
        planned.retain(|one| one.effect.takes_away());
    }
    let steps = planned.into_iter().map(|one| subject.step(one));
    let (steps, mut waiting): (Vec<Step>, _) = (steps.collect(), subject.waiting());
    let pending =
        refused.is_none() && steps.is_empty() && waiting.is_empty() && !subject.is_there();
    waiting.extend(subject.open_beside());
    Ok(Plan { steps, waiting, pending, refused })
}

fn tags(agreement: &Agreement) -> Tags {
    Tags::from([
        (TAG_COLLABORATION.to_owned(), agreement.collaboration.to_string()),
        (TAG_AGREEMENT.to_owned(), agreement.digest().to_string()),
    ])
}

pub(crate) fn refused(code: &str, message: impl Into<String>) -> PlanRefused {
    PlanRefused { code: code.to_owned(), message: message.into() }
}

impl Subject<'_> {
    fn step(&self, planned: Planned) -> Step {
        let agreement = &self.desired.agreement;
        let leaves = self.leaves(&planned);
        let mut call = serde_json::json!(planned.call);
        let at = planned.at.or_else(|| {
            let Seat { member, account, region } = seat(agreement, &planned.member).ok()?;
            Some(At { member, account, region })
        });
        if let (Some(parts), Some(at)) = (call.as_object_mut(), at) {
            parts.insert(AT.to_owned(), serde_json::json!(at));
        }
        let digest = Digest::of(&mappings::agreement::canonical(&call));
        let whose = ResourceKind::Member(planned.member.clone());
        let (member, noun, name) = (planned.member, planned.noun.to_owned(), planned.name);
        let kind = ResourceKind::Native(Native { member, noun, name });
        let resource = planned.takes.unwrap_or(Resource { kind, digest });
        let (collaboration, effect) = (agreement.collaboration.clone(), planned.effect);
        let mut touches = planned.touches;
        if touches.is_empty() {
            touches.insert(whose);
        }
        let step = Step::new(collaboration, effect, resource, 0).touching(touches);
        step.leaving(leaves).calling(call)
    }

    /// Whether all that is wanted is seen: every operated party in its collaborations with its tables, every template, and the
    /// rules that allow it, as partners see them.
    fn is_there(&self) -> bool {
        self.wanted.rooms.values().all(|room| {
            let Some((_, seen)) = self.seen.room(&room.name, &room.runner) else { return false };
            let joined = room.parties.keys().all(|name| {
                let account =
                    self.seen.accounts.get(name).filter(|_| self.desired.members.contains(name));
                account.is_none_or(|account| {
                    account.rooms.get(&room.name).is_some_and(|room| room.membership.is_some())
                })
            });
            let brought = room.datasets.keys().all(|name| seen.schemas.contains_key(name.as_str()));
            let allowed = room.templates.values().all(|text| {
                let found = seen.templates.get(&text.alias).filter(|found| text.is(found));
                found.is_some_and(|found| {
                    text.touches.iter().all(|dataset| {
                        let owner = self.wanted.tables.get(dataset).map(|table| &table.owner);
                        let schema = seen.schemas.get(dataset.as_str());
                        owner.is_none_or(|owner| !text.approved_by.contains(owner))
                            || schema.is_some_and(|schema| schema.analyses.contains(&found.arn))
                    })
                })
            });
            joined && brought && allowed
        })
    }

    /// What this gateway can't do without: a role to read an operated owner's tables, no stranger under our names.
    fn possible(&self) -> Result<(), PlanRefused> {
        for (member, account) in &self.seen.accounts {
            if let Some(name) = account.strangers.first() {
                let message = format!(
                    "{member}'s account has something named {name} that is not ours, or is in use twice; it is left alone: rename or delete it"
                );
                return Err(refused("name-taken", message));
            }
            let owns = self.wanted.tables.values().any(|table| table.owner == *member);
            let role = self.connections.members.get(member).and_then(|c| c.data_role.as_ref());
            if owns && role.is_none() {
                let message = format!(
                    "{member} has no role for reading its tables; add `data_role` to its connection"
                );
                return Err(refused("data-role-missing", message));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
