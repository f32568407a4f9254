//! Publication of one log: what is missing of its leaves and tiles is created, each once, then the checkpoint replaces the one that was there.
//! Whatever ends it in between, it goes on from the checkpoint; two at once create the same. Must not know when it is time.

use super::{CHECKPOINT, NOTE_BYTES_MAX, PublicationError};
use crate::log::cosignature::same_head;
use crate::log::tiles::{added, leaf_path};
use crate::log::tree::leaf_hash;
use crate::log::{AgreementLog, Checkpoint, LogError, Snapshot, Witness};
use crate::results::{Found, Place, ResultsError};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use mappings::model::CollaborationId;

/// Leaves in memory at a time; each has a few MiB at most.
const LEAVES_AT_ONCE: u64 = 16;
/// Objects that are created at a time.
const WRITES_AT_ONCE: usize = 8;
/// Others that replace the checkpoint in between.
const TRIES_MAX: u32 = 8;

/// What lies there after a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Leaves under the checkpoint.
    pub size: u64,
    /// Witnesses whose cosignature it has.
    pub cosigned: usize,
}

/// Brings what lies at a place to the log as it stands, with the cosignatures of these witnesses that lie there. A log in doubt changes nothing, nor does one that
/// is not the one published or cosigned before.
pub async fn publish(
    log: &AgreementLog,
    of: &CollaborationId,
    place: &Place,
    witnesses: &[Witness],
) -> Result<Published, PublicationError> {
    for _ in 0..TRIES_MAX {
        // Read before the log: whoever publishes in between makes the log longer, never shorter.
        let found = place.read(CHECKPOINT, NOTE_BYTES_MAX).await?;
        let before = found.as_ref().map(|found| signed(found, log, of)).transpose()?;
        let notes = cosigned_notes(place, log, of, witnesses).await?;
        let snapshot = log.snapshot(of).await?;
        let heads = before.iter().map(|(head, _)| head);
        heads
            .chain(notes.iter().map(|(_, head, _)| head))
            .try_for_each(|head| goes_on(&snapshot, head))?;
        let had = before.as_ref().map_or(0, |(head, _)| head.size);
        let note = match &before {
            Some((_, note)) if had == snapshot.size => note.clone(),
            Some(_) | None => {
                fill(log, of, place, (had, &snapshot)).await?;
                snapshot.note.clone()
            }
        };
        let note = notes
            .iter()
            .filter(|(_, _, cosigned)| same_head(cosigned, &note))
            .try_fold(note.clone(), |note, (witness, _, cosigned)| {
                with_line(witness, note, cosigned)
            })?;
        let size = snapshot.size;
        let cosigned =
            witnesses.iter().filter(|one| matches!(one.cosigned(&note), Ok(Some(_)))).count();
        let is_there = found.as_ref().is_some_and(|found| found.bytes == note.as_bytes());
        if is_there || place.replace(CHECKPOINT, note.as_bytes(), found.as_ref()).await? {
            return Ok(Published { size, cosigned });
        }
    }
    Err(PublicationError::Busy)
}

/// The head of a note that lies there; this gateway signed it, or it is not touched.
fn signed(
    found: &Found,
    log: &AgreementLog,
    of: &CollaborationId,
) -> Result<(Checkpoint, String), PublicationError> {
    let note = String::from_utf8(found.bytes.clone());
    let note = note.map_err(|_| crate::log::checkpoint::CheckpointError::Malformed)?;
    Ok((Checkpoint::verify(&note, &log.gateway(), of)?, note))
}

/// What witnesses wrote beside it. What is no cosignature of theirs under a head of this log is passed over: anybody may have put it there.
async fn cosigned_notes<'a>(
    place: &Place,
    log: &AgreementLog,
    of: &CollaborationId,
    witnesses: &'a [Witness],
) -> Result<Vec<(&'a Witness, Checkpoint, String)>, PublicationError> {
    let mut notes = Vec::new();
    for witness in witnesses {
        let found = match place.read(&witness.path(), NOTE_BYTES_MAX).await {
            Ok(Some(found)) => found,
            Ok(None) | Err(ResultsError::TooLarge) => continue,
            Err(error) => return Err(error.into()),
        };
        let Ok((head, note)) = signed(&found, log, of) else { continue };
        if matches!(witness.cosigned(&note), Ok(Some(_))) {
            notes.push((witness, head, note));
        }
    }
    Ok(notes)
}

/// A log that doesn't begin with what was published or cosigned is published no further.
fn goes_on(snapshot: &Snapshot, seen: &Checkpoint) -> Result<(), PublicationError> {
    let (had, has) = (seen.size, snapshot.size);
    if had > has {
        return Err(PublicationError::RolledBack { had, has });
    }
    if snapshot.tree.root(had) != Some(seen.root) {
        return Err(PublicationError::Forked { had });
    }
    Ok(())
}

fn with_line(witness: &Witness, note: String, cosigned: &str) -> Result<String, PublicationError> {
    // One that stands there wrongly is replaced with the checkpoint, when the log grows.
    if !matches!(witness.cosigned(&note), Ok(None)) {
        return Ok(note);
    }
    let line = witness.cosigned(cosigned)?;
    Ok(line.map_or(note.clone(), |(line, _)| format!("{note}{line}\n")))
}

/// Creates the leaves and tiles that a log of so many leaves has not.
async fn fill(
    log: &AgreementLog,
    of: &CollaborationId,
    place: &Place,
    (had, snapshot): (u64, &Snapshot),
) -> Result<(), PublicationError> {
    let mut at = had;
    while at < snapshot.size {
        let max = usize::try_from((snapshot.size - at).min(LEAVES_AT_ONCE)).unwrap_or(1);
        let page = log.stored(of, at, max).await?;
        let next = at + page.len() as u64;
        for (index, bytes) in (at..).zip(&page) {
            if snapshot.tree.leaf(index) != Some(leaf_hash(bytes)) {
                return Err(LogError::Tampered("a leaf is not the one that was signed").into());
            }
        }
        let leaves = (at..).zip(page).map(|(index, bytes)| create(place, leaf_path(index), bytes));
        stream::iter(leaves).buffer_unordered(WRITES_AT_ONCE).try_collect::<()>().await?;
        at = next;
    }
    let tiles = added(had, snapshot.size).into_iter().map(|tile| async move {
        let bytes = tile.bytes(&snapshot.tree);
        let bytes = bytes.ok_or(LogError::Tampered("its hashes are not whole"))?;
        create(place, tile.path(), bytes).await
    });
    stream::iter(tiles).buffer_unordered(WRITES_AT_ONCE).try_collect::<()>().await
}

async fn create(place: &Place, path: String, bytes: Vec<u8>) -> Result<(), PublicationError> {
    match place.create(&path, bytes).await {
        Err(ResultsError::DeliveryConflict) => Err(PublicationError::Conflict { path }),
        created => Ok(created?),
    }
}
