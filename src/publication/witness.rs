//! A member's own witness: it cosigns a published head only when that continues the last one that it cosigned, which it keeps. Must not know what leaves say.

use super::{NOTE_BYTES_MAX, PublicationError, head, leaf_hashes};
use crate::log::checkpoint::CheckpointError;
use crate::log::tree::Frontier;
use crate::log::{Checkpoint, PublicKey, SecretKey, Witness};
use crate::results::Place;
use mappings::model::CollaborationId;
use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

const WRITES_MAX: u32 = 8;

/// Who cosigns, and where it keeps what it cosigned.
#[derive(Debug)]
pub struct Cosigner {
    /// Its name and public key.
    pub witness: Witness,
    /// Its key, which signs nothing else.
    pub key: SecretKey,
    /// Its folder: one file a log.
    pub state: PathBuf,
}

/// A head that was cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    /// The head.
    pub head: Checkpoint,
    /// Its note with the cosignature.
    pub note: String,
    /// How many leaves the one before had.
    pub before: u64,
}

/// Looks at a published log and cosigns its head, if it continues the last head that this witness cosigned. What is kept is on disk before the cosignature
/// is anywhere else. A head that is refused is kept beside it: two notes of one log under one key are the proof.
pub async fn cosign(
    place: &Place,
    gateway: &PublicKey,
    of: &CollaborationId,
    cosigner: &Cosigner,
    at_s: u64,
) -> Result<Cosigned, PublicationError> {
    std::fs::create_dir_all(&cosigner.state).map_err(|error| state(&error))?;
    let kept = cosigner.state.join(of.as_str());
    let lock =
        File::create(cosigner.state.join(format!("{of}.lock"))).map_err(|error| state(&error))?;
    lock.try_lock().map_err(|_| PublicationError::WitnessBusy)?;
    let last = match text_of(&kept)? {
        Some(note) => Some(Checkpoint::verify(&note, gateway, of)?),
        None => None,
    };
    let (head, note) = head(place, gateway).await?;
    if head.collaboration != *of {
        return Err(CheckpointError::OtherLog.into());
    }
    if let Some(last) = &last {
        let continued = continues(place, &head, last).await;
        if let Err(PublicationError::RolledBack { .. } | PublicationError::Forked { .. }) =
            continued
        {
            keep(&cosigner.state, &cosigner.state.join(format!("{of}.refused")), &note)?;
        }
        continued?;
    } else {
        leaf_hashes(place, &head).await?;
    }
    // Another's cosignature is for another to keep.
    let own = head_alone(&note, gateway, of)?;
    let note = cosigner.witness.cosign(&own, &cosigner.key, at_s)?;
    keep(&cosigner.state, &kept, &note)?;
    Ok(Cosigned { head, note, before: last.map_or(0, |last| last.size) })
}

/// Whether a published head continues one that was cosigned; every tile is looked at.
async fn continues(
    place: &Place,
    head: &Checkpoint,
    last: &Checkpoint,
) -> Result<(), PublicationError> {
    if head.size < last.size {
        return Err(PublicationError::RolledBack { had: last.size, has: head.size });
    }
    let forked = PublicationError::Forked { had: last.size };
    if head.size == last.size && head.root != last.root {
        return Err(forked);
    }
    let hashes = leaf_hashes(place, head).await?;
    let mut frontier = Frontier::default();
    let before = usize::try_from(last.size).unwrap_or(usize::MAX);
    for hash in hashes.into_iter().take(before) {
        frontier.push(hash);
    }
    if frontier.root() == last.root { Ok(()) } else { Err(forked) }
}

/// A note with the log's own line alone.
fn head_alone(
    note: &str,
    gateway: &PublicKey,
    of: &CollaborationId,
) -> Result<String, CheckpointError> {
    let (text, lines) = note.split_once("\n\n").ok_or(CheckpointError::Malformed)?;
    let mut alone = lines.lines().map(|line| format!("{text}\n\n{line}\n"));
    let own = alone.find(|note| Checkpoint::verify(note, gateway, of).is_ok());
    own.ok_or(CheckpointError::NotSigned)
}

impl Cosigned {
    /// Puts it beside the published checkpoint, in the place of what this witness put there before.
    pub async fn publish(&self, place: &Place, witness: &Witness) -> Result<(), PublicationError> {
        let path = witness.path();
        for _ in 0..WRITES_MAX {
            let found = place.read(&path, NOTE_BYTES_MAX).await?;
            if place.replace(&path, self.note.as_bytes(), found.as_ref()).await? {
                return Ok(());
            }
        }
        Err(PublicationError::Busy)
    }
}

fn state(error: &std::io::Error) -> PublicationError {
    PublicationError::State(error.kind())
}

fn text_of(path: &Path) -> Result<Option<String>, PublicationError> {
    let mut text = String::new();
    match File::open(path) {
        Ok(file) => {
            let read = file.take(NOTE_BYTES_MAX as u64).read_to_string(&mut text);
            read.map(|_| Some(text)).map_err(|error| state(&error))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(state(&error)),
    }
}

fn keep(folder: &Path, path: &Path, note: &str) -> Result<(), PublicationError> {
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| state(&error))?;
    file.write_all(note.as_bytes()).map_err(|error| state(&error))?;
    file.as_file().sync_all().map_err(|error| state(&error))?;
    file.persist(path).map_err(|kept| state(&kept.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| state(&error))
}
