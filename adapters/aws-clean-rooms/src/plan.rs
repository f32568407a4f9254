//! From what was seen to what is wanted: the calls that can be made now, most restrictive first. What needs something that is
//! not there yet comes in the next pass, so that a pass may be killed anywhere. Pure.

mod associations;
mod rooms;
mod tables;
mod waiting;

use crate::call::{Call, Tags};
use crate::connection::Connections;
use crate::observe::{TAG_AGREEMENT, TAG_COLLABORATION};
use crate::seen::Seen;
use crate::wanted::{Wanted, wanted};
use adapter_spi::{
    Desired, Effect, Native, Observation, Plan, PlanRefused, Resource, ResourceKind, Step,
};
use mappings::model::{Agreement, CollaborationId, Digest, MemberId};

/// A call, in whose account, and what it does to access.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) member: MemberId,
    pub(crate) effect: Effect,
    pub(crate) noun: &'static str,
    pub(crate) name: String,
    pub(crate) call: Call,
}

/// Everything that planning looks at.
pub(crate) struct Subject<'a> {
    pub(crate) desired: &'a Desired,
    pub(crate) wanted: Wanted,
    pub(crate) seen: &'a Seen,
    pub(crate) connections: &'a Connections,
    /// Of everything that is made.
    pub(crate) tags: Tags,
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
    let subject = Subject { desired, wanted: wanted(desired), seen: &seen, connections, tags };
    let mut planned = subject.tables();
    planned.extend(subject.rooms());
    planned.sort_by_key(|one| one.effect);
    let refused = subject.possible().err();
    if refused.is_some() {
        planned.retain(|one| one.effect <= Effect::Restrict);
    }
    let steps = planned.into_iter().map(|one| step(&observation.scope.collaboration, one));
    let (steps, waiting): (Vec<Step>, _) = (steps.collect(), subject.waiting());
    let pending =
        refused.is_none() && steps.is_empty() && waiting.is_empty() && !subject.is_there();
    Ok(Plan { steps, waiting, pending, refused })
}

fn step(collaboration: &CollaborationId, planned: Planned) -> Step {
    let call = serde_json::json!(planned.call);
    let digest = Digest::of(&mappings::agreement::canonical(&call));
    let (member, noun, name) = (planned.member, planned.noun.to_owned(), planned.name);
    let kind = ResourceKind::Native(Native { member, noun, name });
    Step::new(collaboration.clone(), planned.effect, Resource { kind, digest }, 0).calling(call)
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
                    "{member}'s account has something named {name} that is not ours, or is there twice; it is left alone: rename or delete it"
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
