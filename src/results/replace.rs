//! What of a place changes: an object is read with its version, and replaced only while it is still that one. Must not know what it is.

use super::place::failed;
use super::{Place, ResultsError};
use object_store::{Error, ObjectStoreExt as _, PutMode, PutOptions, PutPayload, UpdateVersion};
use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

/// Whoever holds a place's lock does so for a moment.
const LOCK_TRIES: u32 = 500;
const LOCK_EVERY: Duration = Duration::from_millis(10);
const LOCK: &str = ".lock";

/// An object as it was read.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) bytes: Vec<u8>,
    version: UpdateVersion,
}

impl Place {
    /// The place under a name of this one; in a folder it is made.
    pub(crate) fn below(&self, name: &str) -> Result<Self, ResultsError> {
        if let Some(folder) = self.folder() {
            let made = std::fs::create_dir_all(folder.join(name));
            let kept = made.and_then(|()| File::open(folder)).and_then(|folder| folder.sync_all());
            kept.map_err(|error| ResultsError::io(&error))?;
        }
        Ok(self.inner(name))
    }

    /// Reads an object of at most so many bytes.
    pub(crate) async fn read(
        &self,
        name: &str,
        bytes_max: usize,
    ) -> Result<Option<Found>, ResultsError> {
        let found = match self.store().get(&self.path(name)).await {
            Ok(found) => found,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(failed(&error)),
        };
        if found.meta.size > bytes_max as u64 {
            return Err(ResultsError::TooLarge);
        }
        let version =
            UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
        match found.bytes().await {
            Ok(bytes) => Ok(Some(Found { bytes: bytes.to_vec(), version })),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Puts an object in the place of one that was read, or of none: whether it was still that. False says that somebody else was faster,
    /// or that an answer was lost; another look tells.
    pub(crate) async fn replace(
        &self,
        name: &str,
        bytes: &[u8],
        was: Option<&Found>,
    ) -> Result<bool, ResultsError> {
        if let (Some(folder), Some(was)) = (self.folder(), was) {
            return self.replaced(&folder.join(name), bytes, was).await;
        }
        let mode = was.map_or(PutMode::Create, |was| PutMode::Update(was.version.clone()));
        let options = PutOptions { mode, ..PutOptions::default() };
        let payload = PutPayload::from(bytes.to_vec());
        match self.store().put_opts(&self.path(name), payload, options).await {
            Ok(_) => self.kept(name).await.map(|()| true),
            Err(
                Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotFound { .. },
            ) => Ok(false),
            Err(error) => Err(failed(&error)),
        }
    }

    /// The same in a folder, which replaces nothing under a condition: whoever writes there holds its lock.
    async fn replaced(&self, path: &Path, bytes: &[u8], was: &Found) -> Result<bool, ResultsError> {
        let io = |error: std::io::Error| ResultsError::io(&error);
        let folder = path.parent().ok_or(ResultsError::DestinationScheme)?;
        let lock = File::create(folder.join(LOCK)).map_err(io)?;
        let mut tries = 0;
        while lock.try_lock().is_err() {
            tries += 1;
            if tries > LOCK_TRIES {
                return Err(ResultsError::StorageUnavailable);
            }
            tokio::time::sleep(LOCK_EVERY).await;
        }
        if std::fs::read(path).ok().as_ref() != Some(&was.bytes) {
            return Ok(false);
        }
        let mut builder = tempfile::Builder::new();
        let mode = std::fs::Permissions::from_mode(0o644);
        let mut file = builder.permissions(mode).tempfile_in(folder).map_err(io)?;
        std::io::Write::write_all(&mut file, bytes).map_err(io)?;
        file.as_file().sync_all().map_err(io)?;
        file.persist(path).map_err(|kept| io(kept.error))?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::memory::InMemory;
    use std::sync::Arc;

    async fn only_what_was_read_is_replaced(place: Place) {
        let read = async || place.read("head", 9).await.unwrap();
        assert!(read().await.is_none());
        assert!(place.replace("head", b"one", None).await.unwrap());
        assert!(!place.replace("head", b"two", None).await.unwrap(), "there is one");
        let one = read().await.unwrap();
        assert_eq!(one.bytes, b"one");
        assert!(place.replace("head", b"two", Some(&one)).await.unwrap());
        assert!(!place.replace("head", b"three", Some(&one)).await.unwrap(), "it is another");
        assert_eq!(read().await.unwrap().bytes, b"two");
        assert!(matches!(place.read("head", 2).await, Err(ResultsError::TooLarge)));
    }

    #[tokio::test]
    async fn in_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("file://{}", folder.path().display());
        let place = Place::open(&url).unwrap().below("spring").unwrap();
        only_what_was_read_is_replaced(place).await;
        let mode = std::fs::metadata(folder.path().join("spring/head")).unwrap().permissions();
        assert_eq!(mode.mode() & 0o044, 0o044, "others may read it, as they may the tiles");
    }

    #[tokio::test]
    async fn in_an_object_store() {
        let place = Place::over(Arc::new(InMemory::new()));
        only_what_was_read_is_replaced(place.below("spring").unwrap()).await;
    }
}
