//! A file of a delivered result, read where it lies, in parts and with bounded memory. Nothing of it is shown before all of it was found to be the
//! one that was signed; what was found so is told by its mark in the storage, and read only under that mark. Must not know who reads it.

use super::place::failed;
use super::{FileLine, Place, ResultsError};
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use mappings::model::{CollaborationId, Digest, RunId};
use object_store::{Error, GetOptions, GetRange, ObjectMeta, ObjectStoreExt as _};
use reqwest::Method;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Files that are remembered to be good.
const VERIFIED_MAX: usize = 4_096;

/// What was found good, by where it lies, under the mark that it had then.
#[derive(Debug, Default)]
pub(crate) struct Verified(Mutex<BTreeMap<(String, Digest), String>>);

impl Verified {
    fn mark(&self, key: &(String, Digest)) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn keep(&self, key: (String, Digest), mark: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= VERIFIED_MAX {
            all.clear();
        }
        all.insert(key, mark.to_owned());
    }
}

/// One file that is good.
#[derive(Debug)]
pub(crate) struct Opened<'p> {
    place: &'p Place,
    name: String,
    /// What the storage called it when it was found good.
    mark: String,
    bytes: u64,
}

impl<'p> Opened<'p> {
    /// Finds a file to be the one that was signed: it was lately and has not changed since, or all of it is read.
    pub(crate) async fn new(
        place: &'p Place,
        (collaboration, run): (&CollaborationId, &RunId),
        line: &FileLine,
        verified: &Verified,
    ) -> Result<Self, ResultsError> {
        let name = format!("{collaboration}/{run}/{}", line.name);
        if !place.is_plain(&name) {
            return Err(ResultsError::FileDiffers);
        }
        let key = (place.url_of(&name), line.sha256);
        let meta = place.store().head(&place.path(&name)).await.map_err(|error| gone(&error))?;
        let mark = marked(&meta)?;
        if meta.size != line.bytes {
            return Err(ResultsError::FileDiffers);
        }
        let opened = Self { place, name, mark, bytes: line.bytes };
        if verified.mark(&key).as_ref() != Some(&opened.mark) {
            if opened.digest().await? != line.sha256 {
                return Err(ResultsError::FileDiffers);
            }
            verified.keep(key, &opened.mark);
        }
        Ok(opened)
    }

    async fn digest(&self) -> Result<Digest, ResultsError> {
        let (mut parts, mut hasher) = (self.read(0..self.bytes).await?, Sha256::new());
        while let Some(part) = parts.next().await {
            hasher.update(&part?);
        }
        Ok(Digest::from_bytes(hasher.finalize().into()))
    }

    /// Some of its bytes, as they come.
    pub(crate) async fn read(
        &self,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<bytes::Bytes, ResultsError>>, ResultsError> {
        if range.is_empty() {
            return Ok(futures::stream::empty().boxed());
        }
        let options = GetOptions {
            if_match: Some(self.mark.clone()),
            range: Some(GetRange::Bounded(range)),
            ..GetOptions::default()
        };
        let path = self.place.path(&self.name);
        let found = self.place.store().get_opts(&path, options).await;
        let parts = found.map_err(|error| gone(&error))?.into_stream();
        Ok(parts.map_err(|error| failed(&error)).boxed())
    }

    /// A URL of the storage itself for as long; `None` where it signs none.
    pub(crate) async fn signed(&self, for_s: u64) -> Result<Option<String>, ResultsError> {
        let Some(signer) = self.place.signer() else { return Ok(None) };
        let (path, lives) = (self.place.path(&self.name), Duration::from_secs(for_s));
        let url = signer.signed_url(Method::GET, &path, lives).await;
        url.map(|url| Some(url.to_string())).map_err(|error| failed(&error))
    }
}

/// The mark by which a later read is held to the same content; storage without one is not read in parts.
fn marked(meta: &ObjectMeta) -> Result<String, ResultsError> {
    meta.e_tag.clone().ok_or(ResultsError::FileDiffers)
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's errors grow; unknown ones are storage-unavailable"
)]
fn gone(error: &Error) -> ResultsError {
    match error {
        Error::NotFound { .. } | Error::Precondition { .. } | Error::NotModified { .. } => {
            ResultsError::FileDiffers
        }
        other => failed(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::memory::InMemory;
    use object_store::{ObjectStore, PutPayload};
    use std::sync::Arc;

    fn line(content: &[u8]) -> FileLine {
        let (name, sha256) = ("part-0.parquet".to_owned(), Digest::of(content));
        FileLine { name, bytes: content.len() as u64, rows: 1, sha256 }
    }

    async fn put(store: &dyn ObjectStore, content: &'static [u8]) {
        let path = "spring/r1/part-0.parquet".into();
        store.put(&path, PutPayload::from_static(content)).await.unwrap();
    }

    async fn text(opened: &Opened<'_>, range: Range<u64>) -> Result<Vec<u8>, ResultsError> {
        let parts: Vec<_> = opened.read(range).await?.try_collect().await?;
        Ok(parts.concat())
    }

    #[tokio::test]
    async fn only_what_was_signed_is_read_and_only_while_it_is_that() {
        let (store, verified) = (Arc::new(InMemory::new()), Verified::default());
        let place = Place::over(Arc::<InMemory>::clone(&store));
        let (of, run) = ("spring".parse().unwrap(), "r1".parse().unwrap());
        let of = (&of, &run);
        let content = b"0123456789";
        let missing = Opened::new(&place, of, &line(content), &verified).await.err();
        assert_eq!(missing, Some(ResultsError::FileDiffers));
        put(&*store, content).await;
        let opened = Opened::new(&place, of, &line(content), &verified).await.unwrap();
        assert_eq!(text(&opened, 2..5).await.unwrap(), b"234");
        assert_eq!(text(&opened, 0..10).await.unwrap(), content);
        assert_eq!(text(&opened, 3..3).await.unwrap(), b"");
        assert_eq!(opened.signed(60).await, Ok(None), "nobody signs here");
        for other in [b"012345678x".as_slice(), b"0123456789 and more"] {
            put(&*store, other).await;
            assert_eq!(text(&opened, 0..4).await, Err(ResultsError::FileDiffers));
            let again = Opened::new(&place, of, &line(content), &verified).await.err();
            assert_eq!(again, Some(ResultsError::FileDiffers));
        }
        // Put back, it has another mark, and is read whole once more.
        put(&*store, content).await;
        let opened = Opened::new(&place, of, &line(content), &verified).await.unwrap();
        assert_eq!(text(&opened, 9..10).await.unwrap(), b"9");
        assert_eq!(verified.0.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_url_of_the_storage_is_for_one_file_and_for_a_while() {
        let store = Arc::new(InMemory::new());
        put(&*store, b"0123456789").await;
        let s3 = object_store::aws::AmazonS3Builder::new()
            .with_bucket_name("grocer")
            .with_region("eu-central-1")
            .with_access_key_id("AKIDEXAMPLE")
            .with_secret_access_key("zqsecret");
        let place = Place::over(store).signed_by(Arc::new(s3.build().unwrap()));
        let (of, run) = ("spring".parse().unwrap(), "r1".parse().unwrap());
        let (line, verified) = (line(b"0123456789"), Verified::default());
        let opened = Opened::new(&place, (&of, &run), &line, &verified).await.unwrap();
        let url = opened.signed(17).await.unwrap().unwrap();
        assert!(url.contains("/spring/r1/part-0.parquet?"), "{url}");
        assert!(url.contains("X-Amz-Expires=17") && url.contains("X-Amz-Signature="), "{url}");
        assert!(!url.contains("zqsecret"));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_link_is_no_file_of_a_result() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("spring/r1");
        std::fs::create_dir_all(&inside).unwrap();
        std::fs::write(folder.path().join("elsewhere"), b"0123456789").unwrap();
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), inside.join("part-0.parquet"))
            .unwrap();
        let place = Place::look(&format!("file://{}", folder.path().display())).unwrap();
        let (of, run) = ("spring".parse().unwrap(), "r1".parse().unwrap());
        let verified = Verified::default();
        let found = Opened::new(&place, (&of, &run), &line(b"0123456789"), &verified).await;
        assert_eq!(found.err(), Some(ResultsError::FileDiffers));
    }
}
