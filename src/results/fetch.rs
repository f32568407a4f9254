//! A delivered result, read back for its receiver: the manifest that the log names, and the files that it names, each whole before any of it is
//! shown. What lies at a destination is its owner's to change, so nothing there is believed. Must not know who asks.

use super::place::failed;
use super::{FileLine, Manifest, Place, ResultsError};
use futures::StreamExt;
use mappings::model::{CollaborationId, Digest, RunId};
use object_store::{Error, GetResult, ObjectStoreExt};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};

/// The longest manifest that is read.
pub(super) const MANIFEST_BYTES_MAX: u64 = 1 << 20;

/// The manifest of a run with the digest that is on record, and its bytes as they lie there.
pub async fn manifest_of(
    place: &Place,
    (collaboration, run): (&CollaborationId, &RunId),
    recorded: Digest,
) -> Result<(Manifest, Vec<u8>), ResultsError> {
    let name = format!("{collaboration}/{run}/manifest.json");
    if !place.is_plain(&name) {
        return Err(ResultsError::ManifestDiffers);
    }
    let found = got(place, &name, ResultsError::ManifestMissing).await?;
    if found.meta.size > MANIFEST_BYTES_MAX {
        return Err(ResultsError::ManifestUnreadable);
    }
    let bytes = found.bytes().await.map_err(|error| failed(&error))?.to_vec();
    if Digest::of(&bytes) != recorded {
        return Err(ResultsError::ManifestDiffers);
    }
    let manifest = serde_json::from_slice(&bytes).map_err(|_| ResultsError::ManifestUnreadable)?;
    Ok((manifest, bytes))
}

/// Copies a file of a run into one that nobody else can reach, and stands at its beginning; refused unless it is the one that was signed.
pub async fn fetch(
    place: &Place,
    (collaboration, run): (&CollaborationId, &RunId),
    line: &FileLine,
    mut into: File,
) -> Result<File, ResultsError> {
    let name = format!("{collaboration}/{run}/{}", line.name);
    if !place.is_plain(&name) {
        return Err(ResultsError::FileDiffers);
    }
    let found = got(place, &name, ResultsError::FileDiffers).await?;
    let (mut bytes, mut hasher) = (0_u64, Sha256::new());
    let mut chunks = found.into_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| failed(&error))?;
        bytes = bytes.saturating_add(chunk.len() as u64);
        if bytes > line.bytes {
            return Err(ResultsError::FileDiffers);
        }
        hasher.update(&chunk);
        into.write_all(&chunk).map_err(|error| ResultsError::io(&error))?;
    }
    if (bytes, Digest::from_bytes(hasher.finalize().into())) != (line.bytes, line.sha256) {
        return Err(ResultsError::FileDiffers);
    }
    into.seek(SeekFrom::Start(0)).map_err(|error| ResultsError::io(&error))?;
    Ok(into)
}

/// What lies under a name; where nothing does, what that means.
pub(super) async fn got(
    place: &Place,
    name: &str,
    missing: ResultsError,
) -> Result<GetResult, ResultsError> {
    match place.store().get(&place.path(name)).await {
        Ok(found) => Ok(found),
        Err(Error::NotFound { .. }) => Err(missing),
        Err(error) => Err(failed(&error)),
    }
}
