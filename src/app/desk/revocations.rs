//! Withdrawals and what became of them. Whoever left sees that what it withdrew is closed.

use super::{Desk, Seen, absent, texts};
use crate::access::Action;
use crate::app::evidence::{Evidence, RoomEvidence, evidence_after};
use crate::error::Result;
use crate::store::Stands;
use crate::wire;

impl Desk<'_> {
    /// A page of the withdrawals that platforms had to be closed for, the oldest first, after the position of one.
    pub(crate) async fn revocations(
        &self,
        name: &str,
        after: Option<u64>,
        max: usize,
    ) -> Result<wire::Revocations> {
        let seen = self.seen_closing(name).await?;
        let mut rest = visible(&seen, after);
        let page: Vec<_> = rest.by_ref().take(max).collect();
        let last = page.last().map(|one| one.revocation);
        let next = last.filter(|_| rest.next().is_some());
        Ok(wire::Revocations { revocations: page.into_iter().map(shown).collect(), next })
    }

    /// One by the position of its leaf.
    pub(crate) async fn revocation(&self, name: &str, index: u64) -> Result<wire::Revocation> {
        let seen = self.seen_closing(name).await?;
        let found = visible(&seen, index.checked_sub(1)).next();
        found.filter(|one| one.revocation == index).map(shown).ok_or_else(absent)
    }

    async fn seen_closing(&self, name: &str) -> Result<Seen> {
        let seen = self.seen(name, Action::ReadCollaboration).await?;
        if seen.stands == Stands::Invited { Err(absent()) } else { Ok(seen) }
    }
}

/// What was withdrawn after a position, as far as the caller sees.
fn visible(seen: &Seen, after: Option<u64>) -> impl Iterator<Item = Evidence> + '_ {
    let until = seen.state().tenure(&seen.member).and_then(|tenure| tenure.until);
    let is_visible = move |one: &Evidence| until.is_none_or(|until| one.revocation <= until);
    evidence_after(seen.state(), after).take_while(is_visible)
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
