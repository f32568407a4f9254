//! What became of every withdrawal: ordered when, denied here when, seen closed where and how. A reading of the log, nothing stored.

use super::App;
use crate::error::Result;
use crate::log::{Awaited, Cause, Closure, RunStatus, State};
use crate::reconcile::said;
use mappings::model::{CollaborationId, PlatformId, RunId};
use serde::Serialize;
use std::ops::Bound;

/// One withdrawal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The position of its leaf.
    pub revocation: u64,
    /// What was withdrawn or narrowed.
    pub what: Vec<String>,
    /// `withdrawn` by a member, `found` withdrawn on a platform, or `narrowed` by a new version.
    pub cause: &'static str,
    /// When, in milliseconds since 1970. The native room denies from then on.
    pub at_ms: i64,
    /// Every platform that may have held it.
    pub rooms: Vec<RoomEvidence>,
    /// What it may still be used through.
    pub exposure: Exposure,
}

/// One platform's part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoomEvidence {
    /// Which.
    pub room: PlatformId,
    /// The position of the leaf that says it was seen closed; none while it is not.
    pub confirmed: Option<u64>,
    /// When that was.
    pub at_ms: Option<i64>,
    /// How long after the withdrawal.
    pub latency_ms: Option<i64>,
    /// Whole looks that agreed.
    pub reads: Option<u32>,
    /// What became of an attempt to use it all the same: `denied` or `not-possible`.
    pub probe: Option<String>,
    /// Calls that gave something there and may still take effect.
    pub late_calls: usize,
}

/// What a withdrawn thing may still be used through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Exposure {
    /// Platforms that were not seen closed.
    pub rooms: Vec<PlatformId>,
    /// Runs under way that were requested before it; each is stopped, or its result withheld.
    pub runs: Vec<RunId>,
}

impl Evidence {
    /// Whether it was seen closed everywhere.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.exposure.rooms.is_empty()
    }
}

impl App {
    /// Every withdrawal that platforms had to be closed for, oldest first.
    pub async fn evidence(&self, collaboration: &CollaborationId) -> Result<Vec<Evidence>> {
        Ok(evidence(&self.load_denying(collaboration).await?.state))
    }
}

/// The same of a state.
pub(super) fn evidence(state: &State) -> Vec<Evidence> {
    evidence_after(state, None).collect()
}

/// The same after the position of one.
pub(super) fn evidence_after(
    state: &State,
    after: Option<u64>,
) -> impl Iterator<Item = Evidence> + '_ {
    let from = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
    state.closures().range(from).map(|(index, closure)| one(state, *index, closure))
}

fn one(state: &State, revocation: u64, closure: &Closure) -> Evidence {
    let left = closure.platforms.iter().filter(|(_, awaited)| awaited.left);
    let left = left.map(|(platform, _)| format!("all of {platform}"));
    let rooms = closure.platforms.iter();
    let unseen = rooms.clone().filter(|(_, awaited)| awaited.confirmed.is_none());
    let open =
        |status: &RunStatus| matches!(status, RunStatus::Requested(_) | RunStatus::Delivering(_));
    let runs = state.runs().iter();
    let runs = runs.filter(|(_, run)| open(&run.status) && run.index < revocation);
    Evidence {
        revocation,
        what: closure.what.iter().map(said).chain(left).collect(),
        cause: match closure.cause {
            Cause::Withdrawn => "withdrawn",
            Cause::Found => "found",
            Cause::Narrowed => "narrowed",
        },
        at_ms: closure.at_ms,
        exposure: Exposure {
            rooms: unseen.map(|(platform, _)| platform.clone()).collect(),
            runs: runs.map(|(run, _)| run.clone()).collect(),
        },
        rooms: rooms.map(|(platform, awaited)| room(state, closure, platform, awaited)).collect(),
    }
}

fn room(
    state: &State,
    closure: &Closure,
    platform: &PlatformId,
    awaited: &Awaited,
) -> RoomEvidence {
    let seen = awaited.confirmed.as_ref();
    RoomEvidence {
        room: platform.clone(),
        confirmed: seen.map(|seen| seen.index),
        at_ms: seen.map(|seen| seen.at_ms),
        latency_ms: seen.map(|seen| seen.at_ms.saturating_sub(closure.at_ms)),
        reads: seen.map(|seen| seen.reads),
        probe: seen.map(|seen| seen.probe.to_string()),
        late_calls: if seen.is_some() { 0 } else { state.late_calls(closure, platform) },
    }
}
