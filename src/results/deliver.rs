//! Delivery: files under generated names, created and never overwritten, the manifest last. What a crash leaves can be told
//! apart: a manifest is a whole result, anything without one is nothing and can be taken back.

use super::place::failed;
use super::{Manifest, Place, ResultsError, StagedFile};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
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

/// So many files are brought at a time.
const SIDE_BY_SIDE: usize = 4;

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
    let mut each = Vec::new();
    for file in files {
        each.push(placed(place.clone(), format!("{prefix}/{}", file.name), file.clone()));
    }
    stream::iter(each).buffered(SIDE_BY_SIDE).try_collect::<()>().await?;
    files.last().map_or(Ok(()), |file| place.keep_way(&format!("{prefix}/{}", file.name)))
}

async fn placed(place: Place, name: String, file: StagedFile) -> Result<(), ResultsError> {
    let read = tokio::task::spawn_blocking(move || {
        let bytes = std::fs::read(&file.path).map_err(|error| ResultsError::io(&error))?;
        let is_same = Digest::of(&bytes) == file.sha256;
        is_same.then_some(bytes).ok_or(ResultsError::LandingUnreadable)
    });
    let bytes = read.await.map_err(|_| ResultsError::LandingUnreadable)??;
    place.put(&name, bytes).await
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
