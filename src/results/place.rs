//! A receiver's registered destination: a folder, or a prefix in S3-compatible storage. Write-only in spirit: what is
//! read back is only what a run of ours put there.

use super::ResultsError;
use object_store::aws::{AmazonS3, AmazonS3Builder, S3ConditionalPut};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{ObjectStore, PutMode, PutOptions, PutPayload, RetryConfig};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Storage that doesn't answer is given up after this long.
const RETRY_MAX: Duration = Duration::from_secs(20);
const RETRIES_MAX: usize = 5;

/// An opened destination.
#[derive(Debug, Clone)]
pub struct Place {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    url: String,
    /// The folder, where it is local.
    folder: Option<PathBuf>,
    /// Signs URLs, where the storage takes such.
    signer: Option<Arc<dyn Signer>>,
}

impl Place {
    /// Opens a destination; a local folder is made when it is not there.
    pub fn open(location: &str) -> Result<Self, ResultsError> {
        if let Some(folder) = folder_of(location)? {
            std::fs::create_dir_all(&folder).map_err(|error| ResultsError::io(&error))?;
        }
        Self::look(location)
    }

    /// Opens a destination and makes nothing: a folder that isn't there, or is no folder, is an empty place.
    pub fn look(location: &str) -> Result<Self, ResultsError> {
        let url = Url::parse(location).map_err(|_| ResultsError::DestinationScheme)?;
        let (mut local, mut signer) = (None, None);
        let (store, prefix): (Arc<dyn ObjectStore>, Path) = match url.scheme() {
            "file" => {
                let folder = folder_of(location)?.ok_or(ResultsError::DestinationScheme)?;
                if !folder.is_dir() {
                    let store = Arc::new(InMemory::new());
                    let url = location.trim_end_matches('/').to_owned();
                    return Ok(Self { store, prefix: Path::default(), url, folder: None, signer });
                }
                let store = LocalFileSystem::new_with_prefix(&folder)
                    .map_err(|_| ResultsError::DestinationReadOnly)?;
                local = Some(folder);
                (Arc::new(store.with_automatic_cleanup(false)), Path::default())
            }
            "s3" => {
                let prefix =
                    Path::from_url_path(url.path()).map_err(|_| ResultsError::DestinationScheme)?;
                let store = s3(&url)?;
                signer = Some(Arc::<AmazonS3>::clone(&store) as Arc<dyn Signer>);
                (store, prefix)
            }
            _ => return Err(ResultsError::DestinationScheme),
        };
        let url = location.trim_end_matches('/').to_owned();
        Ok(Self { store, prefix, url, folder: local, signer })
    }

    /// A destination in a store that is there already, for tests.
    #[cfg(test)]
    pub(crate) fn over(store: Arc<dyn ObjectStore>) -> Self {
        let (prefix, url) = (Path::default(), "memory://".to_owned());
        Self { store, prefix, url, folder: None, signer: None }
    }

    /// The same with somebody who signs URLs.
    #[cfg(test)]
    pub(crate) fn signed_by(self, signer: Arc<dyn Signer>) -> Self {
        Self { signer: Some(signer), ..self }
    }

    /// The URL of something below.
    #[must_use]
    pub fn url_of(&self, name: &str) -> String {
        format!("{}/{name}", self.url)
    }

    /// What lies under a name of it, as a place.
    pub(super) fn inner(&self, name: &str) -> Self {
        let folder = self.folder.as_ref().map(|folder| folder.join(name));
        let (store, url) = (Arc::clone(&self.store), self.url_of(name));
        Self { store, prefix: self.path(name), url, folder, signer: self.signer.clone() }
    }

    /// The folder, where it is one.
    pub(super) fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_deref()
    }

    /// Who signs URLs of what lies there.
    pub(super) fn signer(&self) -> Option<&dyn Signer> {
        self.signer.as_deref()
    }

    pub(super) fn store(&self) -> &dyn ObjectStore {
        &*self.store
    }

    pub(super) fn path(&self, name: &str) -> Path {
        Path::from(format!("{}/{name}", self.prefix))
    }

    /// Refuses what is no plain file in the folder itself: a link leads to whatever its maker likes, and a pipe never ends.
    pub(super) fn is_plain(&self, name: &str) -> bool {
        let Some(root) = &self.folder else { return true };
        let path = root.join(name);
        let Ok(found) = std::fs::symlink_metadata(&path) else { return true };
        let within = || {
            let (folder, root) = (path.parent()?.canonicalize().ok()?, root.canonicalize().ok()?);
            Some(folder.starts_with(root))
        };
        found.is_file() && within().unwrap_or(false)
    }

    /// Removes an object that a delivery of ours made, and what its writing may have left.
    pub(super) async fn remove(&self, name: &str) -> Result<(), ResultsError> {
        use object_store::ObjectStoreExt;
        match self.store.delete(&self.path(name)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => self.forget(name),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Removes what the writing of an object may have left: a local store writes beside the name, as `NAME#1`, `NAME#2` …
    pub(super) fn forget(&self, name: &str) -> Result<(), ResultsError> {
        let Some(path) = self.folder.as_ref().map(|folder| folder.join(name)) else {
            return Ok(());
        };
        let (Some(folder), Some(own)) = (path.parent(), path.file_name().and_then(|n| n.to_str()))
        else {
            return Ok(());
        };
        let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
        for entry in entries.flatten() {
            let found = entry.file_name();
            let staged =
                found.to_str().and_then(|found| found.strip_prefix(own)?.strip_prefix('#'));
            if staged.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())) {
                std::fs::remove_file(entry.path()).map_err(|error| ResultsError::io(&error))?;
            }
        }
        Ok(())
    }

    /// Makes the folders on the way to an object outlast a power cut; an object store has done so already.
    pub(super) fn keep_way(&self, name: &str) -> Result<(), ResultsError> {
        let Some(root) = &self.folder else { return Ok(()) };
        let path = root.join(name);
        let mut way = path.ancestors().skip(1).take_while(|part| part.starts_with(root));
        way.try_for_each(synced)
    }

    /// And the object itself, off the threads that answer.
    async fn keep(&self, name: &str) -> Result<(), ResultsError> {
        let Some(path) = self.folder.as_ref().map(|root| root.join(name)) else { return Ok(()) };
        let done = tokio::task::spawn_blocking(move || synced(&path)).await;
        done.unwrap_or(Err(ResultsError::StorageUnavailable))
    }

    /// Both.
    pub(super) async fn kept(&self, name: &str) -> Result<(), ResultsError> {
        self.keep(name).await?;
        self.keep_way(name)
    }

    /// Creates an object; the same content under the same name is success, other content is a conflict.
    pub(crate) async fn create(&self, name: &str, bytes: Vec<u8>) -> Result<(), ResultsError> {
        self.put(name, bytes).await?;
        self.keep_way(name)
    }

    /// The same, whose folders are still to be kept.
    pub(super) async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<(), ResultsError> {
        use object_store::ObjectStoreExt;
        let path = self.path(name);
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let payload = PutPayload::from(bytes);
        match self.store.put_opts(&path, payload.clone(), options).await {
            Ok(_) => self.keep(name).await,
            Err(
                object_store::Error::AlreadyExists { .. }
                | object_store::Error::Precondition { .. },
            ) => {
                if !self.is_plain(name) {
                    return Err(ResultsError::DeliveryConflict);
                }
                let there = self.store.get(&path).await.map_err(|error| failed(&error))?;
                let there = there.bytes().await.map_err(|error| failed(&error))?;
                let same = there.len() == payload.content_length()
                    && payload.iter().flatten().eq(there.iter());
                if same { self.keep(name).await } else { Err(ResultsError::DeliveryConflict) }
            }
            Err(error) => Err(failed(&error)),
        }
    }
}

fn synced(path: &std::path::Path) -> Result<(), ResultsError> {
    let done = std::fs::File::open(path).and_then(|file| file.sync_all());
    done.map_err(|error| ResultsError::io(&error))
}

/// The folder of a local destination.
fn folder_of(location: &str) -> Result<Option<PathBuf>, ResultsError> {
    let url = Url::parse(location).map_err(|_| ResultsError::DestinationScheme)?;
    if url.scheme() != "file" {
        return Ok(None);
    }
    url.to_file_path().map(Some).map_err(|()| ResultsError::DestinationScheme)
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's errors grow; unknown ones are storage-unavailable"
)]
pub(super) fn failed(error: &object_store::Error) -> ResultsError {
    match error {
        object_store::Error::PermissionDenied { .. }
        | object_store::Error::Unauthenticated { .. } => ResultsError::DestinationReadOnly,
        object_store::Error::Generic { source, .. } => {
            let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(source.as_ref());
            while let Some(one) = cause {
                if let Some(io) = one.downcast_ref::<std::io::Error>() {
                    use std::io::ErrorKind as Kind;
                    let away = [
                        Kind::ConnectionRefused,
                        Kind::ConnectionReset,
                        Kind::TimedOut,
                        Kind::HostUnreachable,
                        Kind::NetworkUnreachable,
                        Kind::UnexpectedEof,
                    ];
                    if away.contains(&io.kind()) {
                        return ResultsError::StorageUnavailable;
                    }
                    return ResultsError::io(io);
                }
                cause = one.source();
            }
            ResultsError::StorageUnavailable
        }
        _ => ResultsError::StorageUnavailable,
    }
}

fn s3(url: &Url) -> Result<Arc<AmazonS3>, ResultsError> {
    let bucket = url.host_str().ok_or(ResultsError::DestinationScheme)?;
    let loopback = std::env::var("AWS_ENDPOINT_URL").is_ok_and(|endpoint| {
        Url::parse(&endpoint)
            .is_ok_and(|at| matches!(at.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")))
    });
    AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_allow_http(loopback)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_retry(RetryConfig {
            max_retries: RETRIES_MAX,
            retry_timeout: RETRY_MAX,
            ..RetryConfig::default()
        })
        .build()
        .map(Arc::new)
        .map_err(|_| ResultsError::DestinationSettings)
}
