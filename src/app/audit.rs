//! The agreement log for people and for other machines: shown, exported, verified with nothing but a public key.

use super::App;
use crate::error::{Error, Result};
use crate::log::{
    Actor, Body, Bundle, Leaf, OpenIntent, PublicKey, Verified, VerifyError, Witness,
    verify as verify_bundle, verify_since,
};
use crate::publication;
use crate::results::{self, Manifest, Place};
use crate::wiring::location;
use mappings::model::{CollaborationId, Digest, MemberId, RunId};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use url::Url;

/// No note is longer.
const NOTE_BYTES_MAX: u64 = 16_384;

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
    /// Witnesses that were asked for, and when each cosigned this head, in UTC.
    pub cosigned: BTreeMap<String, String>,
    /// The signed head.
    #[serde(skip)]
    pub checkpoint: String,
}

/// What a log is held to.
#[derive(Debug, Default)]
pub struct Checks {
    /// The gateway's public key.
    pub key: Option<String>,
    /// A folder of earlier, or a checkpoint alone.
    pub older: Option<PathBuf>,
    /// Witnesses, as they are written.
    pub witnesses: Vec<String>,
    /// How many of them; all where it is not said.
    pub quorum: Option<usize>,
}

/// Verifies an exported folder. Without a key the log's own first leaf names one: shown, not trusted.
pub fn verify(folder: &Path, key: Option<&str>, older: Option<&Path>) -> Result<Report> {
    let bundle = Bundle::open(folder);
    let key = key.map_or_else(|| named_in(&bundle), public_key)?;
    let older = older.map(older_note).transpose()?;
    verified(&bundle, &key, older.as_deref())
}

/// Verifies an exported folder, or a published log where it lies; and that witnesses cosigned its head.
pub async fn verify_at(at: &str, checks: &Checks) -> Result<Report> {
    let (witnesses, quorum) = quorum(checks)?;
    let older = checks.older.as_deref().map(older_note).transpose()?;
    let url = location(at)?;
    no_web(&url)?;
    let place = Place::look(&url)?;
    let local = Url::parse(&url).ok().filter(|url| url.scheme() == "file");
    let folder = local.and_then(|url| url.to_file_path().ok());
    let key = checks.key.as_deref().map(public_key).transpose()?;
    // A published log has tiles beside its checkpoint; what has none is an export.
    let mut report = if let Some(folder) = folder.filter(|it| !it.join("tile").is_dir()) {
        let bundle = Bundle::open(&folder);
        let key = key.map_or_else(|| named_in(&bundle), Ok)?;
        verified(&bundle, &key, older.as_deref())?
    } else {
        let key = match key {
            Some(key) => key,
            None => opening(&publication::opened(&place).await?)?,
        };
        let scratch = tempfile::tempdir();
        let scratch = scratch.map_err(|error| Error::io("make", Path::new("a folder"), &error))?;
        let bundle = publication::fetch(&place, &key, &scratch.path().join("log")).await?;
        verified(&bundle, &key, older.as_deref())?
    };
    let cosigned = publication::witnessed(&place, &report.checkpoint, &witnesses).await?;
    if cosigned.len() < quorum {
        let (size, made) = (report.leaves, cosigned.len());
        let message = format!(
            "{made} of the witnesses cosigned the head of {size} leaves, and {quorum} are asked for"
        );
        return Err(Error::failed("cosignatures-missing", message)
            .help("airlock witness, by each of them; then the same again"));
    }
    let stamp = |(witness, at_s): (&Witness, u64)| {
        let at_ms = i64::try_from(at_s).unwrap_or(i64::MAX).saturating_mul(1_000);
        (witness.name().to_owned(), time(at_ms))
    };
    report.cosigned = cosigned.into_iter().map(stamp).collect();
    Ok(report)
}

/// The witnesses that are named, each key once, and how many of them have to be there.
fn quorum(checks: &Checks) -> Result<(Vec<Witness>, usize)> {
    let mut witnesses = Vec::<Witness>::new();
    for text in &checks.witnesses {
        let one: Witness =
            text.parse().map_err(|what: &str| Error::invalid("witness-key-malformed", what))?;
        if !witnesses.iter().any(|other| other.key() == one.key()) {
            witnesses.push(one);
        }
    }
    let quorum = checks.quorum.unwrap_or(witnesses.len());
    if quorum > witnesses.len() || (quorum == 0 && !witnesses.is_empty()) {
        let message = format!("{quorum} of {} different witnesses", witnesses.len());
        return Err(Error::invalid("quorum-impossible", message)
            .help("--quorum from 1 up to the number of witnesses"));
    }
    Ok((witnesses, quorum))
}

/// What is read over the web is fetched first.
pub(super) fn no_web(url: &str) -> Result<()> {
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Ok(());
    }
    let message = "this build reads folders, file:// and s3://, and nothing over the web";
    Err(Error::invalid("destination-scheme", message).help("a copy of it in a folder"))
}

/// The head of an exported or published folder, or a checkpoint alone.
fn older_note(path: &Path) -> Result<String> {
    let failed = |error: crate::log::BundleError| Error::failed(error.code(), error.to_string());
    if !path.is_file() {
        return Bundle::open(path).checkpoint().map_err(failed);
    }
    let mut note = String::new();
    let read = std::fs::File::open(path);
    let read = read.and_then(|file| file.take(NOTE_BYTES_MAX).read_to_string(&mut note));
    read.map(|_| note).map_err(|error| Error::io("read", path, &error))
}

fn verified(bundle: &Bundle, key: &PublicKey, older: Option<&str>) -> Result<Report> {
    let failed = |error: crate::log::BundleError| Error::failed(error.code(), error.to_string());
    let Verified { checkpoint, leaves, signatures, root, state, open_intents, other_texts } =
        verify_since(bundle, key, older).map_err(|error| unverified(&error))?;
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
        cosigned: BTreeMap::new(),
        checkpoint: bundle.checkpoint().map_err(failed)?,
    })
}

/// A log that is not the one that was seen is refused, as a witness does; everything else is a log that is not good.
fn unverified(error: &VerifyError) -> Error {
    let (code, message) = (error.code(), error.to_string());
    if matches!(error, VerifyError::RolledBack { .. } | VerifyError::Forked) {
        return Error::refused(code, message).help("the log that was seen");
    }
    Error::failed(code, message)
}

pub(super) fn public_key(text: &str) -> Result<PublicKey> {
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
        verify_bundle(&bundle, &key, None).map_err(|error| unverified(&error))?;
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
    opening(&first.unwrap_or_default())
}

/// The key that a log's first leaf names.
fn opening(first: &[u8]) -> Result<PublicKey> {
    let leaf = Leaf::parse(first).ok();
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
    LeafLine { index, at: time(leaf.at_ms), by, what: leaf.body.kind().to_owned() }
}

fn time(at_ms: i64) -> String {
    let at = chrono::DateTime::from_timestamp_millis(at_ms);
    at.map_or_else(|| at_ms.to_string(), |at| at.format("%Y-%m-%d %H:%M:%S%.3f").to_string())
}
