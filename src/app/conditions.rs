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
    /// Which: `settled`, `opening`, `closing`, `open-not-wanted`, `unsettled-calls`, `found-withdrawn`, `loosened`, `never-seen` or
    /// `no-worker`.
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
    /// When the last look from this folder was made, in milliseconds since 1970.
    pub looked_ms: Option<i64>,
    /// What the last look from this folder said, while it says the same.
    pub look: Option<KeptLook>,
}

/// Where nobody has looked for so long and no worker is there, that is said.
const LOOKED_WITHIN_MS: i64 = 3_600_000;

impl App {
    /// Every room but the native one, which holds what the log says; and whether a worker is there, if that is known.
    pub(super) fn rooms_standing(
        &self,
        collaboration: &CollaborationId,
        state: &State,
        worker: Option<bool>,
    ) -> Vec<RoomStanding> {
        let foreign = state.rooms().iter().filter(|(room, _)| **room != PlatformId::native());
        let standing = foreign.map(|(room, last)| {
            let newest = state.in_force().map(|version| &version.agreement);
            let named = newest.filter(|agreement| agreement.is_held_in(room));
            let desired = match named {
                Some(agreement) => desired_on(agreement, state, room),
                None => Desired::closed(Arc::clone(last)),
            };
            let things = things(state, room, &desired);
            let looked_ms = self.home.looked_ms(collaboration, room);
            let mut conditions = conditions(state, room, &things);
            if worker == Some(false) && state.changed(room) {
                conditions.extend(no_worker(looked_ms, self.clock.now_ms()));
            }
            RoomStanding {
                room: room.clone(),
                generation: state.decided(),
                observed_generation: state.holding(room).map(|seen| seen.index),
                things,
                conditions,
                looked_ms,
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
        // A template follows from its owners' approvals, and one that can't be open now asks nobody to take back its own.
        desired: wanted.contains(of)
            || matches!(of, Revocable::Template { .. } | Revocable::Approval { .. })
                && state.stands(of),
        observed: seen.contains(of),
    };
    all.into_iter().map(thing).collect()
}

/// Nobody keeps the room, and what was seen of it is old.
fn no_worker(looked_ms: Option<i64>, now_ms: i64) -> Option<Condition> {
    let reason = match looked_ms {
        Some(at) if now_ms.saturating_sub(at) <= LOOKED_WITHIN_MS => return None,
        Some(_) => "no worker is there, and nobody looked from this folder since: airlock sync",
        None => "no worker is there, and nobody looked from this folder: airlock sync",
    };
    Some(Condition { kind: "no-worker", reason: reason.to_owned(), since_ms: looked_ms })
}

/// Whether a room of which this holds may be called settled.
fn may_settle(all: &[Condition]) -> bool {
    let open = ["closing", "unsettled-calls", "open-not-wanted"];
    !all.iter().any(|one| open.contains(&one.kind))
}

fn conditions(state: &State, room: &PlatformId, things: &[Thing]) -> Vec<Condition> {
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
    let named = |which: fn(&Thing) -> bool| {
        let all = things.iter().filter(|thing| which(thing)).map(|thing| thing.of.as_str());
        all.collect::<Vec<_>>().join(", ")
    };
    let missing = named(|thing| thing.desired && !thing.observed);
    let extra = named(|thing| thing.observed && !thing.desired);
    if !extra.is_empty() {
        let since_ms = state.holding(room).map(|seen| seen.at_ms);
        let reason = format!("seen there and not wanted: {extra}");
        all.push(Condition { kind: "open-not-wanted", reason, since_ms });
    }
    match state.holding(room) {
        None if !state.changed(room) => {
            let reason = "no worker has looked at it yet: airlock sync".to_owned();
            all.push(Condition { kind: "never-seen", reason, since_ms: None });
        }
        seen if !missing.is_empty() => {
            let since_ms = seen.map(|seen| seen.at_ms);
            let reason = format!("not there yet: {missing}");
            all.push(Condition { kind: "opening", reason, since_ms });
        }
        seen => {
            if may_settle(&all) {
                let since_ms = seen.map(|seen| seen.at_ms);
                let reason = "it holds what is wanted".to_owned();
                all.push(Condition { kind: "settled", reason, since_ms });
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(desired: bool, observed: bool) -> Vec<&'static str> {
        let things = [Thing { of: "dataset sales".to_owned(), desired, observed }];
        let all = conditions(&State::default(), &PlatformId::aws_clean_rooms(), &things);
        all.iter().map(|one| one.kind).collect()
    }

    #[test]
    fn what_is_there_and_not_wanted_is_told() {
        assert_eq!(kinds(true, true), ["never-seen"], "nothing was changed there");
        assert_eq!(kinds(false, true), ["open-not-wanted", "never-seen"]);
        let things = [Thing { of: "dataset sales".to_owned(), desired: false, observed: true }];
        let room = PlatformId::aws_clean_rooms();
        assert!(!may_settle(&conditions(&State::default(), &room, &things)));
        assert!(may_settle(&conditions(&State::default(), &room, &[])));
    }

    #[test]
    fn a_room_that_nobody_keeps_says_so_after_an_hour() {
        let said = |looked_ms| no_worker(looked_ms, 10_000_000).map(|one| one.since_ms);
        assert_eq!(said(Some(9_999_000)), None);
        assert_eq!(said(Some(10_000_000 - LOOKED_WITHIN_MS)), None);
        assert_eq!(said(Some(6_000_000)), Some(Some(6_000_000)));
        assert_eq!(said(None), Some(None));
    }
}
