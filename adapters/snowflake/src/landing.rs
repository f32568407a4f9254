//! What a platform unloaded, read from object storage into the gateway's own landing folder, in a stream, as it is. Must not know
//! what is in it.

use crate::connection::Connection;
use crate::error::{Told, made};
use adapter_spi::{AdapterError, ErrorKind, Result, Retry};
use futures::TryStreamExt as _;
use mappings::model::PlatformId;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt as _};
use std::path::Path;
use std::sync::Arc;
use tokio::io::AsyncWriteExt as _;
use url::Url;

const OPERATION: &str = "fetch";

/// Where results of one member lie.
#[derive(Debug, Clone)]
pub(crate) struct Landing {
    platform: PlatformId,
    store: Arc<dyn ObjectStore>,
    below: Key,
}

fn failed(platform: &PlatformId, code: &'static str, reason: &str) -> AdapterError {
    let told: Told = (ErrorKind::Unavailable, code, Retry::NextCycle);
    made(platform, told, OPERATION, reason)
}

impl Landing {
    /// The place of a connection: `landing`, else where it unloads to. Credentials are the gateway's own, of its environment.
    pub(crate) fn of(platform: &PlatformId, connection: &Connection) -> Result<Self> {
        let unusable = || {
            let reason = "the connection's landing is no s3:// prefix and no file:// folder";
            failed(platform, "landing-unusable", reason)
        };
        let place = connection.landing.as_deref().or(connection.unload.as_deref());
        let url = Url::parse(place.unwrap_or_default()).map_err(|_| unusable())?;
        let (store, below): (Arc<dyn ObjectStore>, Key) = match url.scheme() {
            "file" => {
                let folder = url.to_file_path().map_err(|()| unusable())?;
                let store = LocalFileSystem::new_with_prefix(folder).map_err(|_| unusable())?;
                (Arc::new(store), Key::default())
            }
            "s3" => {
                let bucket = url.host_str().ok_or_else(unusable)?;
                let store = AmazonS3Builder::from_env().with_bucket_name(bucket).build();
                (Arc::new(store.map_err(|_| unusable())?), Key::from(url.path()))
            }
            _ => return Err(unusable()),
        };
        Ok(Self { platform: platform.clone(), store, below })
    }

    fn unreadable(&self) -> AdapterError {
        failed(&self.platform, "landing-unreadable", "the landing can't be listed or read")
    }

    /// Copies every object below a prefix, in the order of their names, and names the copies.
    pub(crate) async fn fetch(&self, prefix: &str, into: &Path) -> Result<Vec<String>> {
        let below = Key::from(format!("{}/{prefix}", self.below));
        let found: Vec<_> =
            self.store.list(Some(&below)).try_collect().await.map_err(|_| self.unreadable())?;
        let mut found: Vec<_> = found.into_iter().filter(|object| object.size > 0).collect();
        found.sort_by(|one, two| one.location.cmp(&two.location));
        let full = |_: std::io::Error| {
            failed(&self.platform, "landing-full", "the gateway's folder can't be written to")
        };
        let mut files = Vec::new();
        for (number, object) in found.iter().enumerate() {
            let name = format!("landed-{number:05}.parquet");
            let mut file = tokio::fs::File::create(into.join(&name)).await.map_err(full)?;
            let got = self.store.get(&object.location).await.map_err(|_| self.unreadable())?;
            let mut bytes = got.into_stream();
            while let Some(part) = bytes.try_next().await.map_err(|_| self.unreadable())? {
                file.write_all(&part).await.map_err(full)?;
            }
            file.flush().await.map_err(full)?;
            files.push(name);
        }
        Ok(files)
    }

    /// Whether it can be listed.
    pub(crate) async fn reachable(&self) -> Result<()> {
        let below = Key::from(format!("{}/airlock-is-looking", self.below));
        let listed: std::result::Result<Vec<_>, _> =
            self.store.list(Some(&below)).try_collect().await;
        listed.map(drop).map_err(|_| self.unreadable())
    }
}
