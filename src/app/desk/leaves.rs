//! The log as a caller sees it: its members all of it, whoever left what was there until then.

use super::{Desk, Seen, absent};
use crate::access::Action;
use crate::app::leaves::end_of;
use crate::error::{Error, Result};
use crate::log::tiles::Tile;
use crate::log::{Actor, Body, Leaf, Receipt};
use crate::store::Stands;
use crate::wire;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Leaves that are looked at for one page of a kind, and so many of them at a time.
const LOOKED_AT_MAX: u64 = if cfg!(test) { 4 } else { 2_000 };
const AT_A_TIME: usize = 200;

impl Desk<'_> {
    /// A page of leaves from a position on, perhaps of one kind alone, and where the next begins. Of a kind that is rare a page may have few or
    /// none, and the next begins behind all that was looked at.
    pub(crate) async fn leaves(
        &self,
        name: &str,
        (from, max): (u64, usize),
        kind: Option<wire::LeafKind>,
    ) -> Result<(Vec<wire::Leaf>, Option<u64>)> {
        let seen = self.seen(name, Action::ReadLog).await?;
        let end = end(&seen)?;
        let looked_at = kind.map_or(u64::MAX, |_| LOOKED_AT_MAX);
        let stop = end.min(from.saturating_add(looked_at));
        let (mut page, mut at) = (Vec::new(), from);
        while at < stop && page.len() < max {
            let more = if kind.is_some() { AT_A_TIME } else { max };
            let more = more.min(usize::try_from(stop.saturating_sub(at)).unwrap_or(usize::MAX));
            let stored = self.stored(&seen, at, more).await?;
            if stored.is_empty() {
                return Err(absent());
            }
            for bytes in stored {
                let leaf = parsed(&bytes)?;
                if kind.is_none_or(|kind| kind == kind_of(&leaf.body)) {
                    page.push(shown(at, leaf, (&bytes, None)));
                }
                at = at.saturating_add(1);
                if page.len() == max {
                    break;
                }
            }
        }
        Ok((page, Some(at).filter(|next| *next < end)))
    }

    /// One leaf with the proof that it is there.
    pub(crate) async fn leaf(&self, name: &str, index: u64) -> Result<wire::Leaf> {
        let seen = self.seen(name, Action::ReadLog).await?;
        if index >= end(&seen)? {
            return Err(absent());
        }
        // What was decided since somebody left is not its own: a receipt is under the newest checkpoint.
        let receipt = if seen.is_whole() {
            Some(self.app.log.receipt(&seen.collaboration, index).await?)
        } else {
            None
        };
        let stored = self.stored(&seen, index, 1).await?;
        let bytes = stored.first().ok_or_else(absent)?;
        Ok(shown(index, parsed(bytes)?, (bytes, receipt.as_ref().map(receipt_of))))
    }

    /// The newest checkpoint: a signed note.
    pub(crate) async fn checkpoint(&self, name: &str) -> Result<String> {
        let seen = self.seen_whole(name, Action::ReadLog).await?;
        let last = seen.loaded.size.checked_sub(1).ok_or_else(absent)?;
        Ok(self.app.log.receipt(&seen.collaboration, last).await?.checkpoint)
    }

    /// The proof that a longer log begins with a shorter one.
    pub(crate) async fn consistency(&self, name: &str, old: u64, new: u64) -> Result<wire::Proof> {
        let seen = self.seen(name, Action::ReadLog).await?;
        if old == 0 || old > new || new > end(&seen)? {
            let message = "the proof is of two lengths of this log, the shorter one first";
            return Err(Error::invalid("proof-range", message)
                .help(format!("1 <= old <= new <= {}", end(&seen)?)));
        }
        let hashes = self.app.log.consistency_proof(&seen.collaboration, old, new).await?;
        Ok(wire::Proof { old, new, hashes: super::texts(hashes) })
    }

    /// A tile of its hashes, if there is such a one, where the caller sees every leaf below it.
    pub(crate) async fn tile(&self, name: &str, tile: Option<Tile>) -> Result<Vec<u8>> {
        let seen = self.seen(name, Action::ReadLog).await?;
        let end = end(&seen)?;
        let there = |tile: &Tile| tile.leaves().is_some_and(|leaves| leaves <= end);
        let tile = tile.filter(there).ok_or_else(absent)?;
        self.app.log.tile(&seen.collaboration, tile).await?.ok_or_else(absent)
    }

    /// Leaves as they are there for this member: it is asked again whose they are, and how far it sees.
    async fn stored(&self, seen: &Seen, from: u64, max: usize) -> Result<Vec<Vec<u8>>> {
        self.app.leaves_as(&seen.collaboration, (&seen.member, seen.state()), (from, max)).await
    }
}

/// How far the caller sees.
fn end(seen: &Seen) -> Result<u64> {
    match seen.stands {
        Stands::Member => Ok(seen.loaded.size),
        Stands::Former => match end_of(seen.state(), &seen.member) {
            // The log does not say that it is over, and the store does.
            u64::MAX | 0 => Err(absent()),
            end => Ok(end.min(seen.loaded.size)),
        },
        Stands::Invited => Err(absent()),
    }
}

fn parsed(bytes: &[u8]) -> Result<Leaf> {
    Leaf::parse(bytes).map_err(|error| Error::failed("log-unreadable", error.to_string()))
}

fn shown(index: u64, leaf: Leaf, (bytes, receipt): (&[u8], Option<wire::Receipt>)) -> wire::Leaf {
    wire::Leaf {
        index,
        kind: leaf.body.kind().to_owned(),
        by: match leaf.actor {
            Actor::Member(member) => member.to_string(),
            Actor::Gateway => "gateway".to_owned(),
        },
        at_ms: leaf.at_ms,
        bytes: STANDARD.encode(bytes),
        receipt,
    }
}

const fn kind_of(body: &Body) -> wire::LeafKind {
    match body {
        Body::Opened { .. } => wire::LeafKind::Opened,
        Body::Proposed { .. } => wire::LeafKind::Proposed,
        Body::Joined { .. } => wire::LeafKind::Joined,
        Body::Declined { .. } => wire::LeafKind::Declined,
        Body::Approved { .. } => wire::LeafKind::Approved,
        Body::WaiverGiven { .. } => wire::LeafKind::WaiverGiven,
        Body::Revoked { .. } => wire::LeafKind::Revoked,
        Body::RunRequested { .. } => wire::LeafKind::RunRequested,
        Body::Scheduled { .. } => wire::LeafKind::Scheduled,
        Body::Unscheduled { .. } => wire::LeafKind::Unscheduled,
        Body::SlotRefused { .. } => wire::LeafKind::SlotRefused,
        Body::RunFailed { .. } => wire::LeafKind::RunFailed,
        Body::RunCancelled { .. } => wire::LeafKind::RunCancelled,
        Body::DeliveryIntended { .. } => wire::LeafKind::DeliveryIntended,
        Body::RunSucceeded { .. } => wire::LeafKind::RunSucceeded,
        Body::ResultShared { .. } => wire::LeafKind::ResultShared,
        Body::RecipientKeyed { .. } => wire::LeafKind::RecipientKeyed,
        Body::ShareEnded { .. } => wire::LeafKind::ShareEnded,
        Body::ShareRead { .. } => wire::LeafKind::ShareRead,
        Body::EffectIntended { .. } => wire::LeafKind::EffectIntended,
        Body::EffectOutcome { .. } => wire::LeafKind::EffectOutcome,
        Body::RoomObserved { .. } => wire::LeafKind::RoomObserved,
        Body::FoundWithdrawn { .. } => wire::LeafKind::FoundWithdrawn,
        Body::Reoffered { .. } => wire::LeafKind::Reoffered,
        Body::RevocationConfirmed { .. } => wire::LeafKind::RevocationConfirmed,
        Body::DriftFound { .. } => wire::LeafKind::DriftFound,
    }
}

/// A receipt in words.
pub(super) fn receipt_of(receipt: &Receipt) -> wire::Receipt {
    wire::Receipt {
        index: receipt.index,
        size: receipt.size,
        root: receipt.root.to_string(),
        leaf: receipt.leaf.to_string(),
        inclusion: super::texts(&receipt.inclusion),
        checkpoint: receipt.checkpoint.clone(),
    }
}
