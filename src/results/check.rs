//! A delivered result, looked at by whoever doubts it: the manifest's signature, and every file that it names.
//! Must not know how it came there.

use super::fetch::{MANIFEST_BYTES_MAX, got};
use super::place::failed;
use super::{Manifest, Place, ResultsError};
use crate::log::PublicKey;
use futures::StreamExt;
use mappings::model::Digest;
use sha2::{Digest as _, Sha256};

/// Reads the manifest at a place and requires this gateway's signature, and each file as the manifest has it.
pub async fn check(place: &Place, gateway: &PublicKey) -> Result<Manifest, ResultsError> {
    let manifest = manifest(place).await?;
    if !manifest.verifies(gateway) {
        return Err(ResultsError::ManifestSignature);
    }
    for file in &manifest.files {
        let (bytes, sha256) = digest(place, &file.name).await?;
        if (bytes, sha256) != (file.bytes, file.sha256) {
            return Err(ResultsError::FileDiffers);
        }
    }
    Ok(manifest)
}

async fn manifest(place: &Place) -> Result<Manifest, ResultsError> {
    let found = got(place, "manifest.json", ResultsError::ManifestMissing).await?;
    if found.meta.size > MANIFEST_BYTES_MAX {
        return Err(ResultsError::ManifestUnreadable);
    }
    let bytes = found.bytes().await.map_err(|error| failed(&error))?;
    let read: Option<Manifest> = serde_json::from_slice(&bytes).ok();
    let read = read.filter(|manifest| manifest.canonical() == bytes);
    read.ok_or(ResultsError::ManifestUnreadable)
}

async fn digest(place: &Place, name: &str) -> Result<(u64, Digest), ResultsError> {
    let found = got(place, name, ResultsError::FileDiffers).await?;
    let (mut bytes, mut hasher) = (0, Sha256::new());
    let mut chunks = found.into_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| failed(&error))?;
        bytes += chunk.len() as u64;
        hasher.update(&chunk);
    }
    Ok((bytes, Digest::from_bytes(hasher.finalize().into())))
}
