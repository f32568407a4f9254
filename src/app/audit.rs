//! The agreement log for people and for other machines: shown, exported, verified with nothing but a public key.

use super::App;
use crate::error::{Error, Result};
use crate::log::{Actor, Bundle, Leaf, PublicKey, verify as verify_bundle};
use mappings::model::CollaborationId;
use serde::Serialize;
use std::path::Path;

/// One leaf, for a table.
#[derive(Debug, Clone, Serialize)]
pub struct LeafLine {
    /// Its position.
    pub index: u64,
    /// When, in UTC.
    pub at: String,
    /// Who.
    pub by: String,
    /// What.
    pub what: String,
}

/// An exported log.
#[derive(Debug, Clone, Serialize)]
pub struct Exported {
    /// How many leaves.
    pub leaves: u64,
    /// The gateway's public key.
    pub key: String,
}

/// Verifies an exported folder. Without a key the log's own first leaf names one: shown, not trusted.
pub fn verify(folder: &Path, key: Option<&str>) -> Result<Exported> {
    let bundle = Bundle::open(folder);
    let key: PublicKey = match key {
        Some(text) => serde_json::from_value(serde_json::json!(text)).map_err(|_| {
            Error::invalid("key-shape", "a public key is `ed25519:` and 64 hex digits")
        })?,
        None => named_in(&bundle)?,
    };
    let verified = verify_bundle(&bundle, &key)
        .map_err(|error| Error::failed(error.code(), error.to_string()))?;
    Ok(Exported { leaves: verified.leaves, key: key.to_string() })
}

fn named_in(bundle: &Bundle) -> Result<PublicKey> {
    let failed = |error: crate::log::BundleError| Error::failed(error.code(), error.to_string());
    let first = bundle.leaves().map_err(failed)?.next().transpose().map_err(failed)?;
    let leaf = first.and_then(|bytes| Leaf::parse(&bytes).ok());
    match leaf.map(|leaf| leaf.body) {
        Some(crate::log::Body::Opened { gateway }) => Ok(gateway),
        Some(_) | None => {
            Err(Error::failed("log-not-opened", "the log does not begin with its opening leaf"))
        }
    }
}

impl App {
    /// Every leaf, for a table.
    pub async fn leaves(&self, collaboration: &CollaborationId) -> Result<Vec<LeafLine>> {
        let size = self.load(collaboration).await?.size;
        let mut lines = Vec::new();
        let max = usize::try_from(size).unwrap_or(usize::MAX);
        let stored =
            self.store.read(collaboration, 0, max).await.map_err(crate::log::LogError::from)?;
        for (index, bytes) in (0u64..).zip(stored) {
            let leaf = Leaf::parse(&bytes)
                .map_err(|error| Error::failed("log-unreadable", error.to_string()))?;
            lines.push(line(index, &leaf));
        }
        Ok(lines)
    }

    /// Writes the whole log and its signed head to a folder.
    pub async fn export(&self, collaboration: &CollaborationId, folder: &Path) -> Result<Exported> {
        let leaves = self.load(collaboration).await?.size;
        self.log
            .export(collaboration, folder)
            .await
            .map_err(|error| Error::failed(error.code(), error.to_string()))?;
        Ok(Exported { leaves, key: self.log.gateway().to_string() })
    }
}

fn line(index: u64, leaf: &Leaf) -> LeafLine {
    let by = match &leaf.actor {
        Actor::Member(member) => member.to_string(),
        Actor::Gateway => "gateway".to_owned(),
    };
    let at = chrono::DateTime::from_timestamp_millis(leaf.at_ms);
    let at = at.map_or_else(
        || leaf.at_ms.to_string(),
        |at| at.format("%Y-%m-%d %H:%M:%S%.3f").to_string(),
    );
    LeafLine { index, at, by, what: leaf.body.kind().to_owned() }
}
