//! Withdrawals and what became of them. Whoever left sees that what it withdrew is closed.

use super::{Desk, absent, texts};
use crate::access::Action;
use crate::app::evidence::{Evidence, RoomEvidence, evidence};
use crate::error::Result;
use crate::store::Stands;
use crate::wire;

impl Desk<'_> {
    /// Every withdrawal that platforms had to be closed for.
    pub(crate) async fn revocations(&self, name: &str) -> Result<wire::Revocations> {
        let seen = self.seen(name, Action::ReadCollaboration).await?;
        if seen.stands == Stands::Invited {
            return Err(absent());
        }
        let until = seen.state().tenure(&seen.member).and_then(|tenure| tenure.until);
        let visible = |one: &Evidence| until.is_none_or(|until| one.revocation <= until);
        let all = evidence(seen.state()).into_iter().filter(visible);
        Ok(wire::Revocations { revocations: all.map(shown).collect() })
    }

    /// One by the position of its leaf.
    pub(crate) async fn revocation(&self, name: &str, index: u64) -> Result<wire::Revocation> {
        let all = self.revocations(name).await?.revocations;
        all.into_iter().find(|one| one.index == index).ok_or_else(absent)
    }
}

fn shown(one: Evidence) -> wire::Revocation {
    let closed = one.is_complete();
    wire::Revocation {
        index: one.revocation,
        what: one.what,
        cause: one.cause.to_owned(),
        at_ms: one.at_ms,
        rooms: one.rooms.into_iter().map(room).collect(),
        runs: texts(one.exposure.runs),
        closed,
    }
}

fn room(one: RoomEvidence) -> wire::RoomClosure {
    wire::RoomClosure {
        room: one.room.to_string(),
        confirmed: one.confirmed,
        at_ms: one.at_ms,
        latency_ms: one.latency_ms,
        reads: one.reads,
        probe: one.probe,
        late_calls: one.late_calls as u64,
    }
}
