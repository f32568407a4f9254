//! A run's output from the landing in a member's account to a local folder, in a stream, as it is.

use crate::connection::{Client, ResultFormat};
use crate::error::made;
use adapter_spi::{AdapterError, ErrorKind, Result, Retry};
use aws_credential_types::provider::ProvideCredentials as _;
use futures::TryStreamExt as _;
use object_store::aws::AmazonS3Builder;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt as _};
use std::path::Path;
use tokio::io::AsyncWriteExt as _;

const OPERATION: &str = "fetch";

fn failed(code: &'static str, reason: &str) -> AdapterError {
    made(ErrorKind::Unavailable, code, Retry::NextCycle, OPERATION, reason.to_owned())
}

/// Bucket and prefix of an `s3://` place.
pub(crate) fn place(location: &str) -> Option<(String, String)> {
    let (bucket, prefix) = location.strip_prefix("s3://")?.split_once('/')?;
    Some((bucket.to_owned(), prefix.trim_matches('/').to_owned()))
}

/// Storage of a member, with its own credentials.
async fn store(client: &Client, bucket: &str) -> Result<impl ObjectStore> {
    let config = &client.config;
    let missing = || failed("credentials-missing", "no credentials for the landing");
    let provider = config.credentials_provider().ok_or_else(missing)?;
    let credentials = provider.provide_credentials().await.map_err(|_| missing())?;
    let endpoint = std::env::var("AWS_ENDPOINT_URL_S3").ok();
    let endpoint = endpoint.or_else(|| config.endpoint_url().map(ToOwned::to_owned));
    let region = config.region().map(ToString::to_string).unwrap_or_default();
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(region)
        .with_access_key_id(credentials.access_key_id())
        .with_secret_access_key(credentials.secret_access_key());
    if let Some(token) = credentials.session_token() {
        builder = builder.with_token(token);
    }
    if let Some(endpoint) = endpoint {
        let loopback = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
        let http = loopback.iter().any(|start| endpoint.starts_with(start));
        builder = builder.with_endpoint(endpoint).with_allow_http(http);
    }
    builder.build().map_err(|_| failed("landing-unusable", "the landing's storage has no settings"))
}

/// Copies every object below a prefix, in the order of their names, and names the copies.
pub(crate) async fn fetch(
    client: &Client,
    bucket: &str,
    prefix: &str,
    format: ResultFormat,
    landing: &Path,
) -> Result<Vec<String>> {
    let store = store(client, bucket).await?;
    let unreadable = |_| failed("landing-unreadable", "the landing can't be listed or read");
    let below = Key::from(prefix);
    let mut found: Vec<_> = store.list(Some(&below)).try_collect().await.map_err(unreadable)?;
    found.retain(|object| {
        let name = object.location.filename().unwrap_or_default();
        object.size > 0 && !name.starts_with(['_', '.'])
    });
    found.sort_by(|one, two| one.location.cmp(&two.location));
    let ending = match format {
        ResultFormat::Parquet => "parquet",
        ResultFormat::Csv => "csv",
    };
    let mut files = Vec::new();
    for (number, object) in found.iter().enumerate() {
        let name = format!("landed-{number:05}.{ending}");
        let full =
            |_: std::io::Error| failed("landing-full", "the gateway's folder can't be written to");
        let mut file = tokio::fs::File::create(landing.join(&name)).await.map_err(full)?;
        let mut bytes = store.get(&object.location).await.map_err(unreadable)?.into_stream();
        while let Some(part) = bytes.try_next().await.map_err(unreadable)? {
            file.write_all(&part).await.map_err(full)?;
        }
        file.flush().await.map_err(full)?;
        files.push(name);
    }
    Ok(files)
}

/// Whether a landing can be listed.
pub(crate) async fn reachable(client: &Client, bucket: &str, prefix: &str) -> Result<()> {
    let store = store(client, bucket).await?;
    let below = Key::from(format!("{prefix}/airlock-is-looking"));
    let listed: std::result::Result<Vec<_>, _> = store.list(Some(&below)).try_collect().await;
    listed.map(drop).map_err(|_| failed("landing-unreadable", "the landing can't be listed"))
}
