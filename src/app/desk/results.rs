//! Results, for those who receive them: the manifest that is on record, and the files that it names, read back from the receiver's own destination.

use super::runs::found;
use super::{Desk, Seen, absent};
use crate::access::Action;
use crate::app::Share;
use crate::error::{Error, Result};
use crate::results::{self, FileLine, Place, ResultsError};
use crate::wire;
use mappings::model::{CollaborationId, Digest, ResultClass, RunId};
use std::time::Duration;

/// Rows of a result that are shown.
const ROWS_MAX: usize = 100;
/// A destination answers within so long.
const FOUND_WITHIN: Duration = Duration::from_secs(25);

/// A file of a result, whole and the one that was signed, where nobody else can reach it.
#[derive(Debug)]
pub(crate) struct FetchedFile {
    pub(crate) line: FileLine,
    pub(crate) file: std::fs::File,
    /// Kept until the file is gone.
    pub(crate) leave: Share,
}

/// A result of the caller's member: where it lies, and the digest of its manifest.
struct Received {
    of: CollaborationId,
    run: RunId,
    place: Place,
    manifest: Digest,
}

impl Desk<'_> {
    /// The manifest of a result, as it lies at the destination of the caller's member.
    pub(crate) async fn manifest(&self, name: &str, run: &str) -> Result<Vec<u8>> {
        let seen = self.seen_whole(name, Action::ReadManifest).await?;
        let result = self.received(&seen, run).await?;
        let _leave = self.house.fetching.take(&seen.member)?;
        let of = (&result.of, &result.run);
        let found = results::manifest_of(&result.place, of, result.manifest);
        Ok(in_time(found).await?.1)
    }

    /// A file of a result.
    pub(crate) async fn file(&self, name: &str, run: &str, file: &str) -> Result<FetchedFile> {
        let seen = self.seen_whole(name, Action::ReadResult).await?;
        let result = self.received(&seen, run).await?;
        let leave = self.house.fetching.take(&seen.member)?;
        let of = (&result.of, &result.run);
        let found = results::manifest_of(&result.place, of, result.manifest);
        let (manifest, _) = in_time(found).await?;
        let line = manifest.files.into_iter().find(|line| line.name == file).ok_or_else(absent)?;
        let file = results::fetch(&result.place, of, &line, self.unseen_file()?);
        let file = in_time(file).await?;
        Ok(FetchedFile { line, file, leave })
    }

    /// The first rows of an aggregate result, for who receives it; of an activation its rows are nobody's to look at here.
    pub(crate) async fn rows(&self, name: &str, run: &str) -> Result<Option<wire::ResultRows>> {
        let seen = self.seen_whole(name, Action::ReadResult).await?;
        let result = self.received(&seen, run).await?;
        let _leave = self.house.fetching.take(&seen.member)?;
        let of = (&result.of, &result.run);
        let found = results::manifest_of(&result.place, of, result.manifest);
        let (manifest, _) = in_time(found).await?;
        if manifest.class != ResultClass::Aggregate {
            return Ok(None);
        }
        let mut rows = Vec::new();
        if let Some(line) = manifest.files.first() {
            let file = results::fetch(&result.place, of, line, self.unseen_file()?);
            let file = in_time(file).await?;
            let read = move || {
                results::first_rows(file, ROWS_MAX, &mut rows)?;
                Ok(rows)
            };
            rows = self.guarding(read).await?;
        }
        let columns = manifest.columns.iter().map(|column| {
            let of = serde_json::json!(column.r#type);
            (column.name.clone(), of.as_str().unwrap_or_default().to_owned())
        });
        Ok(Some(wire::ResultRows {
            columns: columns.collect(),
            rows,
            in_all: manifest.rows,
            files: manifest.files.into_iter().map(|line| line.name).collect(),
        }))
    }

    /// A file that nobody else can reach.
    fn unseen_file(&self) -> Result<std::fs::File> {
        let scratch = self.app.home.scratch();
        tempfile::tempfile_in(&scratch).map_err(|error| Error::io("write into", &scratch, &error))
    }

    /// The result of a run, for a member that receives it; to every other there is none.
    async fn received(&self, seen: &Seen, run: &str) -> Result<Received> {
        let (id, run) = found(seen, run)?;
        if !run.receivers.contains(&seen.member) {
            return Err(absent());
        }
        let of = seen.collaboration.clone();
        let found = self.app.received(&of, (seen.state(), run), &seen.member).await?;
        self.house.receives(&seen.member, &found.destination)?;
        let place = Place::look(&found.destination)?;
        Ok(Received { of, run: id, place, manifest: found.manifest })
    }
}

/// What lies at a destination, unless its storage is silent for too long.
pub(crate) async fn in_time<T>(
    found: impl Future<Output = std::result::Result<T, ResultsError>>,
) -> Result<T> {
    let found = tokio::time::timeout(FOUND_WITHIN, found).await;
    Ok(found.unwrap_or(Err(ResultsError::StorageUnavailable))?)
}
