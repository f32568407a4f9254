//! What a call is given besides its subject: a way to stop it, and where output may land.

use tokio_util::sync::CancellationToken;
use url::Url;

/// The context of one call.
#[derive(Debug, Clone, Default)]
pub struct Cx {
    /// Cancelled when nobody waits for the answer any more.
    pub cancel: CancellationToken,
}

/// A private prefix in object storage where a platform leaves a run's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landing {
    /// `file://` or `s3://`, ending in `/`.
    pub url: Url,
}
