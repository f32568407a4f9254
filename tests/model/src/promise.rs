//! What must never be, in no step and in no state, and where everything should come to rest. Said anew and not by the fold's
//! verdicts, so that those can be wrong. Must not know steps.

use crate::rules::Rules;
use crate::world::{Phase, Place, Worker, World};

/// A promise that a step breaks.
pub type Promise = &'static str;

/// A plan older than a decision.
pub const STALE: Promise = "P28: an intent to give rests on a plan older than a decision";
/// Given while withdrawn.
pub const WITHDRAWN: Promise = "P28: an intent to give what is withdrawn";
/// Given while open somewhere.
pub const UNCONFIRMED: Promise =
    "P28: an intent to give while a withdrawal has not been seen closed somewhere";
/// Open after it was called closed.
pub const REOPENED: Promise = "P28: access is open, or may become so, after it was seen closed";
/// Called closed while open.
pub const NOT_CLOSED: Promise = "P30: called closed while access is open, or may become so";
/// From somewhere, nothing that comes to pass by itself leads to where all is as decided.
pub const STUCK: Promise = "P31, P38: from here no fair path leads to where every withdrawal is seen closed and all that stands is given";
/// A late write.
pub const FENCED: Promise = "P37: an append under an older token";

fn used(rules: Rules, world: &World) -> impl Iterator<Item = &Place> {
    world.places.iter().take(usize::from(rules.platforms))
}

/// Whether a withdrawal has not been seen closed somewhere.
pub(crate) fn is_unconfirmed(rules: Rules, world: &World) -> bool {
    used(rules, world).any(|place| world.awaited(place) != 0)
}

/// Whether a platform is open, or a call that opens it is made or may be.
pub(crate) fn may_open(world: &World, at: usize) -> bool {
    let sends =
        |worker: &Worker| worker.phase == Phase::Intended && usize::from(worker.place) == at;
    world.places[at].open || world.places[at].giving != 0 || world.workers.iter().any(sends)
}

/// What was seen closed stays closed until all is, everywhere, and it was granted anew.
pub(crate) fn reopened(rules: Rules, world: &World) -> Option<Promise> {
    let denied = !world.stands || is_unconfirmed(rules, world);
    let closed = |at: &usize| world.awaited(&world.places[*at]) == 0;
    let mut closed = (0..usize::from(rules.platforms)).filter(closed);
    let broken = denied && closed.any(|at| may_open(world, at));
    broken.then_some(REOPENED)
}

/// Whether all is as decided, and nothing is under way.
#[must_use]
pub fn is_at_rest(rules: Rules, world: &World) -> bool {
    let done = |place: &Place| {
        let calls = place.taking || place.giving != 0 || place.intents != 0;
        place.open == world.stands && !calls && world.awaited(place) == 0
    };
    used(rules, world).all(done) && world.workers.iter().all(|worker| worker.phase == Phase::Idle)
}
