//! Rooms of a collaboration: what is wanted there, what was seen, what holds, what was waived, and a member's own part as a document. What somebody
//! else's account said is not shown.

use super::agreements::version;
use super::{Desk, Part, absent, named, texts};
use crate::access::Action;
use crate::app::RoomStanding;
use crate::error::Result;
use crate::log::TermPath;
use crate::wire;
use mappings::model::PlatformId;

impl Desk<'_> {
    /// A page of its rooms but the native one, which holds what the log says, in order of platform.
    pub(crate) async fn rooms(&self, name: &str, part: Part<PlatformId>) -> Result<wire::Rooms> {
        let seen = self.seen_whole(name, Action::ReadCollaboration).await?;
        let worker = self.app.is_kept().await;
        let standing = self.app.rooms_standing(&seen.collaboration, seen.state(), worker);
        let later = standing.into_iter().filter(|one| part.has(&one.room));
        let mut rooms = part.first(later.map(shown));
        let next = part.cut(&mut rooms, |one| one.room.clone());
        Ok(wire::Rooms { rooms, next })
    }

    /// What the caller's member would make in a room. No platform is asked.
    pub(crate) async fn export(
        &self,
        name: &str,
        room: &str,
        form: wire::ExportForm,
    ) -> Result<wire::Export> {
        let seen = self.seen_whole(name, Action::Plan).await?;
        let room = named::<PlatformId>(room)?;
        self.app.is_room(seen.state(), &room)?;
        let of = (&seen.collaboration, &seen.member);
        Ok(wire::Export { document: self.app.export_room(of.0, &room, of.1, form).await? })
    }

    /// A page of the waivers that hold for an agreement, which is the one that counts now where none is named; in order of room and term.
    pub(crate) async fn waivers(
        &self,
        name: &str,
        agreement: Option<&str>,
        part: Part<(PlatformId, TermPath)>,
    ) -> Result<wire::Waivers> {
        let seen = self.seen_whole(name, Action::ReadCollaboration).await?;
        let agreement = match agreement {
            Some(digest) => version(&seen, digest)?.1.digest,
            None => seen.state().digest().ok_or_else(absent)?,
        };
        let all = seen.state().waivers(agreement);
        let later = all.filter(|(room, at, _)| part.has(&((*room).clone(), (*at).clone())));
        let given = later.map(|(room, at, by)| wire::WaiverGiven {
            room: room.to_string(),
            at: at.to_string(),
            by: texts(by),
        });
        let mut waivers = part.first(given);
        let next = part.cut(&mut waivers, |one| format!("{}/{}", one.room, one.at));
        Ok(wire::Waivers { agreement: agreement.to_string(), waivers, next })
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
