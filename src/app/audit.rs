//! The agreement log for people and for other machines: shown, exported, verified with nothing but a public key.

use super::App;
use crate::error::{Error, Result};
use crate::log::{
    Actor, Body, Bundle, Leaf, OpenIntent, PublicKey, Verified, verify as verify_bundle,
};
use crate::results::{self, Manifest, Place};
use mappings::model::{CollaborationId, Digest, MemberId, RunId};
use serde::Serialize;
use std::collections::BTreeMap;
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

/// What a verified log says.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Whose log.
    pub collaboration: CollaborationId,
    /// How many leaves.
    pub leaves: u64,
    /// How many of them members signed.
    pub signatures: u64,
    /// The root over all of them.
    pub root: String,
    /// The gateway's key, under which it was verified.
    pub key: String,
    /// The key that each member decides under: theirs to confirm.
    pub members: BTreeMap<MemberId, String>,
    /// Runs and steps without an outcome.
    pub open: Vec<String>,
    /// Runs whose text this version of Airlock would compile otherwise.
    pub other_texts: Vec<RunId>,
}

/// Verifies an exported folder. Without a key the log's own first leaf names one: shown, not trusted.
pub fn verify(folder: &Path, key: Option<&str>, older: Option<&Path>) -> Result<Report> {
    let bundle = Bundle::open(folder);
    let key = key.map_or_else(|| named_in(&bundle), public_key)?;
    let older = older.map(Bundle::open);
    let Verified { checkpoint, leaves, signatures, root, state, open_intents, other_texts } =
        verify_bundle(&bundle, &key, older.as_ref())
            .map_err(|error| Error::failed(error.code(), error.to_string()))?;
    let open = |intent: &OpenIntent| match intent {
        OpenIntent::Run(run) => format!("run {run}"),
        OpenIntent::Effect(step) => format!("step {step}"),
    };
    let members = state.keys().iter().map(|(member, key)| (member.clone(), key.to_string()));
    Ok(Report {
        collaboration: checkpoint.collaboration,
        leaves,
        signatures,
        root: root.to_string(),
        key: key.to_string(),
        members: members.collect(),
        open: open_intents.iter().map(open).collect(),
        other_texts,
    })
}

fn public_key(text: &str) -> Result<PublicKey> {
    text.parse()
        .map_err(|_| Error::invalid("key-shape", "a public key is `ed25519:` and 64 hex digits"))
}

/// Verifies a delivered result: the manifest is signed by the gateway, and its files are there, byte for byte. With an
/// exported log also that the log, verified itself, has this delivery on record.
pub async fn verify_result(location: &str, key: &str, log: Option<&Path>) -> Result<Manifest> {
    let key = public_key(key)?;
    let manifest = results::check(&Place::look(location)?, &key).await?;
    if let Some(folder) = log {
        let bundle = Bundle::open(folder);
        verify_bundle(&bundle, &key, None)
            .map_err(|error| Error::failed(error.code(), error.to_string()))?;
        if !on_record(&bundle, &manifest)? {
            let message = "the log has no delivery of this manifest on record";
            return Err(Error::failed("delivery-unrecorded", message)
                .help("a log that was exported after the run"));
        }
    }
    Ok(manifest)
}

/// Whether a verified log says that this manifest was delivered to its receiver.
fn on_record(bundle: &Bundle, manifest: &Manifest) -> Result<bool> {
    let failed = |error: crate::log::BundleError| Error::failed(error.code(), error.to_string());
    let digest = Digest::of(&manifest.canonical());
    for line in bundle.leaves().map_err(failed)? {
        let leaf = Leaf::parse(&line.map_err(failed)?)
            .map_err(|error| Error::failed("log-unreadable", error.to_string()))?;
        let (Body::RunSucceeded { run, manifests: delivered, .. }
        | Body::RunFailed { run, delivered, .. }) = &leaf.body
        else {
            continue;
        };
        if *run == manifest.run && leaf.collaboration == manifest.collaboration {
            return Ok(delivered.get(&manifest.receiver) == Some(&digest));
        }
    }
    Ok(false)
}

fn named_in(bundle: &Bundle) -> Result<PublicKey> {
    let failed = |error: crate::log::BundleError| Error::failed(error.code(), error.to_string());
    let first = bundle.leaves().map_err(failed)?.next().transpose().map_err(failed)?;
    let leaf = first.and_then(|bytes| Leaf::parse(&bytes).ok());
    match leaf.map(|leaf| leaf.body) {
        Some(Body::Opened { gateway }) => Ok(gateway),
        Some(_) | None => {
            Err(Error::failed("log-not-opened", "the log does not begin with its opening leaf"))
        }
    }
}

impl App {
    /// Every leaf, for a table.
    pub async fn leaves(&self, collaboration: &CollaborationId) -> Result<Vec<LeafLine>> {
        let size = self.load_denying(collaboration).await?.size;
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

/// A leaf, for a table.
pub(crate) fn line(index: u64, leaf: &Leaf) -> LeafLine {
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
