//! Places in object storage by URL: a local folder or file, or S3-compatible storage with credentials from the environment.
//! Knows nothing of what lies there.

use object_store::ObjectStore;
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use std::sync::Arc;
use url::Url;

/// Why a place can't be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageError {
    /// The URL is none that is supported.
    Scheme,
    /// The storage's settings are missing or wrong.
    Settings,
}

/// A store, and a path in it.
#[derive(Debug, Clone)]
pub struct Place {
    /// The store.
    pub store: Arc<dyn ObjectStore>,
    /// The path of a file or prefix.
    pub path: Path,
    /// The place as a URL; a prefix ends in `/`.
    pub url: Url,
}

impl Place {
    /// Opens a place. `file://` or `s3://`; whether anything is there is not looked at.
    pub fn open(location: &str) -> Result<Self, StorageError> {
        let url = Url::parse(location).map_err(|_| StorageError::Scheme)?;
        let store: Arc<dyn ObjectStore> = match url.scheme() {
            "file" => Arc::new(LocalFileSystem::new()),
            "s3" => s3(&url)?,
            _ => return Err(StorageError::Scheme),
        };
        let path = if url.scheme() == "file" {
            let file = url.to_file_path().map_err(|()| StorageError::Scheme)?;
            Path::from_absolute_path(file).map_err(|_| StorageError::Scheme)?
        } else {
            Path::from_url_path(url.path()).map_err(|_| StorageError::Scheme)?
        };
        Ok(Self { store, path, url })
    }

    /// The URL of the whole store.
    pub(crate) fn root(&self) -> Url {
        let mut root = self.url.clone();
        root.set_path("/");
        root
    }
}

fn s3(url: &Url) -> Result<Arc<dyn ObjectStore>, StorageError> {
    let bucket = url.host_str().ok_or(StorageError::Scheme)?;
    let loopback = std::env::var("AWS_ENDPOINT_URL").is_ok_and(|endpoint| {
        Url::parse(&endpoint)
            .is_ok_and(|at| matches!(at.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")))
    });
    AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_allow_http(loopback)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .build()
        .map(|store| Arc::new(store) as Arc<dyn ObjectStore>)
        .map_err(|_| StorageError::Settings)
}
