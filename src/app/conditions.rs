//! Where every room stands, for people: what is wanted and what was seen there, thing by thing, and the conditions that hold, each
//! with its reason and since when. A reading of the log, and of the last look from this folder. Knows no platform by name.

use super::App;
use crate::home::KeptLook;
use crate::log::{Revocable, State};
use crate::reconcile::{Subject, desired_on, said};
use adapter_spi::Desired;
use mappings::model::{CollaborationId, PlatformId};
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is wanted of a thing, and what was seen of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Thing {
    /// Which.
    pub of: String,
    /// Whether it is wanted there.
    pub desired: bool,
    /// Whether the last recorded look saw it there.
    pub observed: bool,
}

/// Something that holds of a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// Which: `settled`, `opening`, `closing`, `unsettled-calls`, `found-withdrawn`, `loosened` or `never-seen`.
    pub kind: &'static str,
    /// Why, in names.
    pub reason: String,
    /// Since when, in milliseconds since 1970, where the log says.
    pub since_ms: Option<i64>,
}

/// One room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoomStanding {
    /// Which.
    pub room: PlatformId,
    /// How long the log was after its newest decision: what is wanted has not changed since.
    pub generation: u64,
    /// How long it was when the room was last seen otherwise than before.
    pub observed_generation: Option<u64>,
    /// Thing by thing.
    pub things: Vec<Thing>,
    /// What holds, the gravest first.
    pub conditions: Vec<Condition>,
    /// What the last look from this folder said, while it says the same.
    pub look: Option<KeptLook>,
}

impl App {
    /// Every room but the native one, which holds what the log says.
    pub(super) fn rooms_standing(
        &self,
        collaboration: &CollaborationId,
        state: &State,
    ) -> Vec<RoomStanding> {
        let foreign = state.rooms().iter().filter(|(room, _)| **room != PlatformId::native());
        let standing = foreign.map(|(room, last)| {
            let newest = state.in_force().map(|version| &version.agreement);
            let named = newest.filter(|agreement| agreement.is_held_in(room));
            let desired = match named {
                Some(agreement) => desired_on(agreement, state, room),
                None => Desired::closed(Arc::clone(last)),
            };
            RoomStanding {
                room: room.clone(),
                generation: state.decided(),
                observed_generation: state.holding(room).map(|seen| seen.index),
                things: things(state, room, &desired),
                conditions: conditions(state, room, &desired),
                look: self.home.look(collaboration, room),
            }
        });
        standing.collect()
    }
}

fn wanted(state: &State, desired: &Desired) -> BTreeSet<Revocable> {
    if !desired.open {
        return BTreeSet::new();
    }
    let members = desired.members.iter().map(|m| Revocable::Member { member: m.clone() });
    let datasets = desired.datasets.iter().filter(|name| desired.offers(name));
    let datasets = datasets.map(|name| Revocable::Dataset { dataset: name.clone() });
    // Of templates that can't be open now, nothing is wanted.
    let subject = Subject::new(Arc::clone(&desired.agreement), desired.agreement.digest());
    let stand = desired.approvals.iter().filter(|(name, _)| subject.may_stand(desired, name));
    let templates = stand.flat_map(|(name, by)| {
        let digest = state.version_of(name);
        let approval = move |of: &mappings::model::MemberId| {
            let (template, of) = (name.clone(), of.clone());
            digest.map(|digest| Revocable::Approval { template, digest, of })
        };
        by.iter().filter_map(approval)
    });
    members.chain(datasets).chain(templates).collect()
}

fn things(state: &State, room: &PlatformId, desired: &Desired) -> Vec<Thing> {
    let wanted = wanted(state, desired);
    let none = BTreeSet::new();
    let seen = state.holding(room).map_or(&none, |seen| &seen.things);
    let all: BTreeSet<&Revocable> = wanted.iter().chain(seen).collect();
    let thing = |of: &Revocable| Thing {
        of: said(of),
        // A template follows from its owners' approvals.
        desired: wanted.contains(of)
            || matches!(of, Revocable::Template { .. }) && state.stands(of),
        observed: seen.contains(of),
    };
    all.into_iter().map(thing).collect()
}

fn conditions(state: &State, room: &PlatformId, desired: &Desired) -> Vec<Condition> {
    let mut all = Vec::new();
    for (index, closure) in state.awaited(room) {
        let what = closure.what.iter().map(said).collect::<Vec<_>>().join(", ");
        let what = if what.is_empty() { "all of it".to_owned() } else { what };
        let reason = format!("{what}: leaf {index}, not seen closed yet");
        all.push(Condition { kind: "closing", reason, since_ms: Some(closure.at_ms) });
    }
    let open: Vec<i64> = state.unsettled(room).map(|(_, one)| one.at_ms).collect();
    if let Some(since) = open.iter().min() {
        let reason = format!("{} calls of unknown end may still take effect", open.len());
        all.push(Condition { kind: "unsettled-calls", reason, since_ms: Some(*since) });
    }
    for alarm in state.alarms().iter().filter(|alarm| alarm.platform == *room) {
        let of = alarm.of.iter().map(said).collect::<Vec<_>>().join(", ");
        let of = if of.is_empty() { "something of the platform's own".to_owned() } else { of };
        let reason = format!("{of} was open and not agreed; closed first, leaf {}", alarm.index);
        all.push(Condition { kind: "loosened", reason, since_ms: Some(alarm.at_ms) });
    }
    let found = state.found().iter();
    let found = found.filter(|(what, it)| it.platform == *room && state.is_found(what));
    for (what, found) in found {
        let reason =
            format!("{} was taken away there by its owner, leaf {}", said(what), found.index);
        all.push(Condition { kind: "found-withdrawn", reason, since_ms: None });
    }
    let missing = things(state, room, desired).into_iter();
    let missing = missing.filter(|thing| thing.desired && !thing.observed).map(|thing| thing.of);
    let missing: Vec<String> = missing.collect();
    match state.holding(room) {
        None if !state.changed(room) => {
            let reason = "no worker has looked at it yet: airlock sync".to_owned();
            all.push(Condition { kind: "never-seen", reason, since_ms: None });
        }
        seen if !missing.is_empty() => {
            let since_ms = seen.map(|seen| seen.at_ms);
            let reason = format!("not there yet: {}", missing.join(", "));
            all.push(Condition { kind: "opening", reason, since_ms });
        }
        seen => {
            let closing = all.iter().any(|one| matches!(one.kind, "closing" | "unsettled-calls"));
            if !closing {
                let since_ms = seen.map(|seen| seen.at_ms);
                let reason = "it holds what is wanted".to_owned();
                all.push(Condition { kind: "settled", reason, since_ms });
            }
        }
    }
    all
}
