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
use std::path::{Path, PathBuf};
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

/// A file of the gateway's landing on its way: it has its name once it is whole, and is taken away where it never is.
#[derive(Debug)]
pub(crate) struct Part {
    folder: PathBuf,
    number: usize,
    is_whole: bool,
}

impl Part {
    /// The file of this number, which nobody made yet.
    pub(crate) fn new(folder: &Path, number: usize) -> Self {
        Self { folder: folder.to_owned(), number, is_whole: false }
    }

    /// Where it is while it is not whole.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join(format!("landed-{:05}.part", self.number))
    }

    /// Gives it its name, and says it.
    pub(crate) async fn whole(mut self) -> std::io::Result<String> {
        let name = format!("landed-{:05}.parquet", self.number);
        tokio::fs::rename(self.path(), self.folder.join(&name)).await?;
        self.is_whole = true;
        Ok(name)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_whole {
            let _never_made = std::fs::remove_file(self.path());
        }
    }
}

/// Takes away what a run left in its member's storage, unless the connection says that it is kept. Nothing is left of one whose
/// connection has no place.
pub(crate) async fn cleared(
    platform: &PlatformId,
    connection: &Connection,
    below: &str,
) -> Result<()> {
    if connection.keep_unloaded || connection.unloads().is_none() {
        return Ok(());
    }
    Landing::of(platform, connection)?.clear(below).await
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
            let part = Part::new(into, number);
            let mut file = tokio::fs::File::create(part.path()).await.map_err(full)?;
            let got = self.store.get(&object.location).await.map_err(|_| self.unreadable())?;
            let mut bytes = got.into_stream();
            while let Some(part) = bytes.try_next().await.map_err(|_| self.unreadable())? {
                file.write_all(&part).await.map_err(full)?;
            }
            file.flush().await.map_err(full)?;
            files.push(part.whole().await.map_err(full)?);
        }
        Ok(files)
    }

    /// Takes away every object below a prefix.
    async fn clear(&self, prefix: &str) -> Result<()> {
        let below = Key::from(format!("{}/{prefix}", self.below));
        let left =
            || failed(&self.platform, "landing-uncleared", "what was unloaded is not removed");
        let found: Vec<_> =
            self.store.list(Some(&below)).try_collect().await.map_err(|_| left())?;
        for object in found {
            match self.store.delete(&object.location).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(_) => return Err(left()),
            }
        }
        Ok(())
    }

    /// Whether it can be listed.
    pub(crate) async fn reachable(&self) -> Result<()> {
        let below = Key::from(format!("{}/airlock-is-looking", self.below));
        let listed: std::result::Result<Vec<_>, _> =
            self.store.list(Some(&below)).try_collect().await;
        listed.map(drop).map_err(|_| self.unreadable())
    }
}

#[cfg(test)]
mod tests {
    //! Nothing half is left behind.
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let all = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            all.map(|one| one.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_run_takes_away_what_is_its_own_and_nothing_else() {
        let there = tempfile::tempdir().unwrap();
        let files = [
            "collaboration=spring/run=run-1/h/data_0.parquet",
            "collaboration=spring/run=run-1/i/data_0.parquet",
            "collaboration=spring/run=run-10/h/data_0.parquet",
            "collaboration=spring2/run=run-1/h/data_0.parquet",
            "run=run-1/h/data_0.parquet",
        ];
        for file in files {
            let file = there.path().join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "x").unwrap();
        }
        let url = Url::from_directory_path(there.path()).unwrap().to_string();
        let connection = Connection {
            landing: Some(url),
            unload: Some("s3://bucket/landing".to_owned()),
            storage_integration: Some("LANDING".to_owned()),
            ..Connection::default()
        };
        let left = || files.iter().filter(|file| there.path().join(file).is_file()).count();
        let own = crate::unload::below(&"spring".parse().unwrap(), &"run-1".parse().unwrap());
        let kept = Connection { keep_unloaded: true, ..connection.clone() };
        cleared(&PlatformId::snowflake(), &kept, &own).await.unwrap();
        assert_eq!(left(), 5, "its owner keeps them");
        for _ in 0..2 {
            cleared(&PlatformId::snowflake(), &connection, &own).await.unwrap();
            assert_eq!(left(), 3);
        }
        assert!(there.path().join(files[2]).is_file() && there.path().join(files[3]).is_file());
        let gone = Connection { landing: Some("file:///no/such/folder".to_owned()), ..connection };
        assert!(cleared(&PlatformId::snowflake(), &gone, &own).await.is_err());
    }

    #[tokio::test]
    async fn what_is_interrupted_leaves_no_part() {
        let (there, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let below = there.path().join("run=run-1/h");
        std::fs::create_dir_all(&below).unwrap();
        for name in ["data_0.parquet", "data_1.parquet"] {
            std::fs::write(below.join(name), name).unwrap();
        }
        let url = Url::from_directory_path(there.path()).unwrap().to_string();
        let connection = Connection { landing: Some(url), ..Connection::default() };
        let landing = Landing::of(&PlatformId::snowflake(), &connection).unwrap();
        let blocker = here.path().join("landed-00001.parquet");
        std::fs::create_dir_all(blocker.join("full")).unwrap();
        let failed = landing.fetch("run=run-1/h", here.path()).await.unwrap_err();
        assert_eq!(failed.code, "landing-full");
        assert_eq!(names(here.path()), ["landed-00000.parquet", "landed-00001.parquet"]);
        std::fs::remove_dir_all(&blocker).unwrap();
        let files = landing.fetch("run=run-1/h", here.path()).await.unwrap();
        assert_eq!(files, names(here.path()));
        let text = std::fs::read_to_string(here.path().join(&files[1])).unwrap();
        assert_eq!(text, "data_1.parquet");
    }
}
