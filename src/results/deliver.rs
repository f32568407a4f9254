//! Delivery: files under generated names, created and never overwritten, the manifest last. What a crash leaves can be told
//! apart: a manifest is a whole result, anything without one is nothing and can be taken back.

use super::place::failed;
use super::{Manifest, Place, ResultsError, StagedFile};
use mappings::model::{CollaborationId, Digest, RunId};
use object_store::ObjectStoreExt;

/// What lies at a destination for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// A manifest with this digest: the result is whole.
    Complete(Digest),
    /// No manifest; files without one are no result.
    Absent,
}

const MANIFEST: &str = "manifest.json";

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
    let name = format!("{}/{MANIFEST}", prefix(&manifest.collaboration, &manifest.run));
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
    if !place.is_plain(&format!("{prefix}/{MANIFEST}")) {
        return Ok(Delivery::Absent);
    }
    match place.store().get(&place.path(&format!("{prefix}/{MANIFEST}"))).await {
        Ok(found) => {
            let bytes = found.bytes().await.map_err(|error| failed(&error))?;
            Ok(Delivery::Complete(Digest::of(&bytes)))
        }
        Err(object_store::Error::NotFound { .. }) => Ok(Delivery::Absent),
        Err(error) => Err(failed(&error)),
    }
}

/// Takes back what an unfinished delivery left: the files of this run by their names, and nothing else.
pub async fn withdraw(
    place: &Place,
    collaboration: &CollaborationId,
    run: &RunId,
    files: &[String],
) -> Result<(), ResultsError> {
    let prefix = prefix(collaboration, run);
    for name in files {
        place.remove(&format!("{prefix}/{name}")).await?;
    }
    place.forget(&format!("{prefix}/{MANIFEST}"))
}
