//! The log as a caller sees it: its members all of it, whoever left what was there until then.

use super::{Desk, Seen, absent};
use crate::access::Action;
use crate::error::{Error, Result};
use crate::log::{Actor, Leaf, LogError, Receipt};
use crate::store::Stands;
use crate::wire;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

impl Desk<'_> {
    /// A page of leaves from a position on, and where the next begins.
    pub(crate) async fn leaves(
        &self,
        name: &str,
        from: u64,
        max: usize,
    ) -> Result<(Vec<wire::Leaf>, Option<u64>)> {
        let seen = self.seen(name, Action::ReadLog).await?;
        let end = end(&seen)?;
        if from >= end {
            return Ok((Vec::new(), None));
        }
        let max = max.min(usize::try_from(end.saturating_sub(from)).unwrap_or(usize::MAX));
        let stored = self.app.store.read(&seen.collaboration, from, max).await;
        let stored = stored.map_err(LogError::from)?;
        let next = from.saturating_add(stored.len() as u64);
        let leaves = (from..).zip(stored).map(|(index, bytes)| shown(index, &bytes, None));
        Ok((leaves.collect::<Result<_>>()?, Some(next).filter(|next| *next < end)))
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
        let stored = self.app.store.read(&seen.collaboration, index, 1).await;
        let stored = stored.map_err(LogError::from)?;
        let bytes = stored.first().ok_or_else(absent)?;
        shown(index, bytes, receipt.as_ref().map(receipt_of))
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
}

/// How far the caller sees.
fn end(seen: &Seen) -> Result<u64> {
    match seen.stands {
        Stands::Member => Ok(seen.loaded.size),
        Stands::Former => {
            let until = seen.state().tenure(&seen.member).and_then(|tenure| tenure.until);
            Ok(until.ok_or_else(absent)?.saturating_add(1).min(seen.loaded.size))
        }
        Stands::Invited => Err(absent()),
    }
}

fn shown(index: u64, bytes: &[u8], receipt: Option<wire::Receipt>) -> Result<wire::Leaf> {
    let leaf =
        Leaf::parse(bytes).map_err(|error| Error::failed("log-unreadable", error.to_string()))?;
    Ok(wire::Leaf {
        index,
        kind: leaf.body.kind().to_owned(),
        by: match leaf.actor {
            Actor::Member(member) => member.to_string(),
            Actor::Gateway => "gateway".to_owned(),
        },
        at_ms: leaf.at_ms,
        bytes: STANDARD.encode(bytes),
        receipt,
    })
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
