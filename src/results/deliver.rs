//! Delivery: files under generated names, created and never overwritten, the manifest last. What a crash leaves can be told
//! apart: a manifest is a whole result, anything without one is nothing and can be taken back.

use super::place::failed;
use super::{Manifest, Place, ResultsError, StagedFile};
use futures::TryStreamExt;
use mappings::model::{CollaborationId, Digest, RunId};
use object_store::ObjectStoreExt;

/// What lies at a destination for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// A manifest with this digest: the result is whole.
    Complete(Digest),
    /// Files without a manifest.
    Partial,
    /// Nothing.
    Absent,
}

fn prefix(collaboration: &CollaborationId, run: &RunId) -> String {
    format!("{collaboration}/{run}")
}

/// Brings the files that a manifest will name to its destination. Doing it again changes nothing.
pub async fn place_files(
    place: &Place,
    files: &[StagedFile],
    manifest: &Manifest,
) -> Result<(), ResultsError> {
    let prefix = prefix(&manifest.collaboration, &manifest.run);
    for file in files {
        let bytes = std::fs::read(&file.path).map_err(|error| ResultsError::io(&error))?;
        if Digest::of(&bytes) != file.sha256 {
            return Err(ResultsError::LandingUnreadable);
        }
        place.create(&format!("{prefix}/{}", file.name), bytes).await?;
    }
    Ok(())
}

/// Writes the manifest, which makes the files a result, and answers its URL. Doing it again changes nothing.
pub async fn publish(place: &Place, manifest: &Manifest) -> Result<String, ResultsError> {
    let name = format!("{}/manifest.json", prefix(&manifest.collaboration, &manifest.run));
    place.create(&name, manifest.canonical()).await?;
    Ok(place.url_of(&name))
}

/// What lies at a destination for a run.
pub async fn state(
    place: &Place,
    collaboration: &CollaborationId,
    run: &RunId,
) -> Result<Delivery, ResultsError> {
    let prefix = prefix(collaboration, run);
    match place.store().get(&place.path(&format!("{prefix}/manifest.json"))).await {
        Ok(found) => {
            let bytes = found.bytes().await.map_err(|error| failed(&error))?;
            Ok(Delivery::Complete(Digest::of(&bytes)))
        }
        Err(object_store::Error::NotFound { .. }) => {
            let listed: Vec<_> = place
                .store()
                .list(Some(&place.path(&prefix)))
                .try_collect()
                .await
                .map_err(|error| failed(&error))?;
            Ok(if listed.is_empty() { Delivery::Absent } else { Delivery::Partial })
        }
        Err(error) => Err(failed(&error)),
    }
}

/// Takes back what an unfinished delivery left: only files under names that we generate, and only without a manifest.
pub async fn withdraw(
    place: &Place,
    collaboration: &CollaborationId,
    run: &RunId,
) -> Result<(), ResultsError> {
    if let Delivery::Complete(_) = state(place, collaboration, run).await? {
        return Err(ResultsError::DeliveryConflict);
    }
    let below = place.path(&prefix(collaboration, run));
    let listed: Vec<_> =
        place.store().list(Some(&below)).try_collect().await.map_err(|error| failed(&error))?;
    for meta in listed {
        let name = meta.location.filename().unwrap_or_default();
        if name.starts_with("part-") && name.ends_with(".parquet") {
            place.store().delete(&meta.location).await.map_err(|error| failed(&error))?;
        }
    }
    Ok(())
}
