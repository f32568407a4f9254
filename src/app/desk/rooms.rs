//! Rooms of a collaboration: what is wanted there, what was seen, what holds. What somebody else's account said is not shown.

use super::Desk;
use crate::access::Action;
use crate::app::RoomStanding;
use crate::error::Result;
use crate::wire;

impl Desk<'_> {
    /// Every room but the native one, which holds what the log says.
    pub(crate) async fn rooms(&self, name: &str) -> Result<wire::Rooms> {
        let seen = self.seen_whole(name, Action::ReadCollaboration).await?;
        let worker = self.app.is_kept().await;
        let standing = self.app.rooms_standing(&seen.collaboration, seen.state(), worker);
        Ok(wire::Rooms { rooms: standing.into_iter().map(shown).collect() })
    }
}

fn shown(standing: RoomStanding) -> wire::Room {
    let held = |thing: crate::app::Thing| wire::Held {
        of: thing.of,
        desired: thing.desired,
        observed: thing.observed,
    };
    let condition = |one: crate::app::Condition| wire::Condition {
        kind: one.kind.to_owned(),
        reason: one.reason,
        since_ms: one.since_ms,
    };
    wire::Room {
        room: standing.room.to_string(),
        generation: standing.generation,
        observed_generation: standing.observed_generation,
        things: standing.things.into_iter().map(held).collect(),
        conditions: standing.conditions.into_iter().map(condition).collect(),
        looked_ms: standing.looked_ms,
    }
}
