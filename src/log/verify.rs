//! Offline verification: a bundle and the gateway's public key are enough. Streams; holds a batch of leaves and the
//! folded state, not the log.

use super::bundle::{Bundle, BundleError};
use super::checkpoint::{Checkpoint, CheckpointError};
use super::fold::{FoldError, Illegal, OpenIntent, State};
use super::keys::{PublicKey, Signature, verify_all};
use super::leaf::{Body, Leaf, Touched, signed_bytes_of};
use super::tree::{Frontier, Hash, leaf_hash};
use mappings::guard::Guarded;
use mappings::model::{Digest, PlatformId, RunId, TemplateName};
use std::collections::BTreeMap;
use std::num::NonZero;

/// Leaves that are parsed together; bounds memory.
const BATCH: usize = 16_384;
/// Signatures that are checked as one sum; fixed, so that every machine sums the same ones.
const SIGNATURES: usize = 256;

/// Why a bundle can't be believed.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Its files.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// Its checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A line is not a leaf, or is one in other than canonical bytes.
    #[error("leaf {index} cannot be read")]
    Unreadable {
        /// Which line, from 0.
        index: u64,
    },
    /// A leaf may not be where it is.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// There are more or fewer leaves than were signed: one of the two files is older than the other, or one was tampered with.
    #[error("the bundle has {found} leaves, its checkpoint says {signed}: {}", older_file(*signed, *found))]
    Size {
        /// What the checkpoint says.
        signed: u64,
        /// What is there.
        found: u64,
    },
    /// The leaves are not those that were signed.
    #[error("the leaves do not hash to the signed root")]
    Root,
    /// A run's record names other columns than its template reads.
    #[error(
        "the run requested by leaf {index} is recorded with other columns than its template reads"
    )]
    Touched {
        /// Which leaf, from 0.
        index: u64,
    },
    /// The log was longer: neither its leaves nor its checkpoint reach the older one.
    #[error("the log has {has} leaves, and the older one {had}")]
    RolledBack {
        /// Leaves that were seen.
        had: u64,
        /// Leaves that there are, or that the checkpoint says there are.
        has: u64,
    },
    /// The log doesn't begin with the one that was known.
    #[error("the log does not begin with the older one")]
    Forked,
    /// The log was opened under another key.
    #[error("the log was opened under another gateway key")]
    OtherGateway,
}

impl VerifyError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Bundle(error) => error.code(),
            Self::Checkpoint(error) => error.code(),
            Self::Unreadable { .. } => "leaf-unreadable",
            Self::Fold(error) => error.code(),
            Self::Size { .. } => "size-differs",
            Self::Root => "root-differs",
            Self::Touched { .. } => "touched-differs",
            Self::RolledBack { .. } => "log-rolled-back",
            Self::Forked => "log-forked",
            Self::OtherGateway => "log-of-another-gateway",
        }
    }
}

/// Which of a bundle's two files is the older one.
const fn older_file(signed: u64, found: u64) -> &'static str {
    if signed < found {
        "the checkpoint is older than the leaves, or leaves were added"
    } else {
        "the leaves are older than the checkpoint, or some are missing"
    }
}

/// A log that was found good.
#[derive(Debug)]
pub struct Verified {
    /// The signed head.
    pub checkpoint: Checkpoint,
    /// How many leaves.
    pub leaves: u64,
    /// How many of them a member signed.
    pub signatures: u64,
    /// The root over them.
    pub root: Hash,
    /// What they say.
    pub state: State,
    /// Intents without an outcome on the record. Not wrong by themselves: the log may have been taken in between.
    pub open_intents: Vec<OpenIntent>,
    /// Runs whose text this version would not compile so: another version did, or nobody honest.
    pub other_texts: Vec<RunId>,
}

/// Verifies a whole log: leaves hash to the root that the gateway signed, every leaf is legal where it stands, every
/// member's signature is right, and every run is recorded with what its template reads. With an older bundle of the same
/// log, also that nothing of it was changed.
pub fn verify(
    bundle: &Bundle,
    gateway: &PublicKey,
    older: Option<&Bundle>,
) -> Result<Verified, VerifyError> {
    let older = older.map(Bundle::checkpoint).transpose()?;
    verify_since(bundle, gateway, older.as_deref())
}

/// The same with an older head alone, as a signed note.
pub fn verify_since(
    bundle: &Bundle,
    gateway: &PublicKey,
    older: Option<&str>,
) -> Result<Verified, VerifyError> {
    let checkpoint = head(&bundle.checkpoint()?, gateway)?;
    let older = older.map(|note| head(note, gateway)).transpose()?;
    if older.as_ref().is_some_and(|older| older.collaboration != checkpoint.collaboration) {
        return Err(CheckpointError::OtherLog.into());
    }
    let had = older.as_ref().map_or(0, |older| older.size);
    let mut progress = Progress { older, ..Progress::default() };
    let mut batch = Vec::with_capacity(BATCH);
    for line in bundle.leaves()? {
        batch.push(line?);
        if batch.len() == BATCH {
            progress.take_in(&batch)?;
            batch.clear();
        }
    }
    progress.take_in(&batch)?;
    let Progress { state, frontier, signatures, other_texts, .. } = progress;
    let (signed, found) = (checkpoint.size, frontier.size());
    // Leaves that hold all that was seen are no log that was cut, whatever the checkpoint beside them says.
    if had > signed.max(found) {
        return Err(VerifyError::RolledBack { had, has: signed.max(found) });
    }
    if signed != found {
        return Err(VerifyError::Size { signed, found });
    }
    if frontier.root() != checkpoint.root {
        return Err(VerifyError::Root);
    }
    if state.size() > 0 && state.gateway() != Some(gateway) {
        return Err(VerifyError::OtherGateway);
    }
    if state.collaboration().is_some_and(|own| *own != checkpoint.collaboration) {
        return Err(CheckpointError::OtherLog.into());
    }
    let open_intents = state.open_intents();
    Ok(Verified {
        leaves: frontier.size(),
        root: frontier.root(),
        checkpoint,
        signatures,
        state,
        open_intents,
        other_texts,
    })
}

/// The head that a note says, signed by this gateway.
fn head(note: &str, gateway: &PublicKey) -> Result<Checkpoint, VerifyError> {
    let collaboration = Checkpoint::parse(note)?.collaboration;
    Ok(Checkpoint::verify(note, gateway, &collaboration)?)
}

/// What this version's guard says of a template: what it reads, and the digests of its texts in those rooms where one ran. `None` of
/// one that it refuses.
type Reading = Option<(Touched, Guarded, BTreeMap<PlatformId, Option<Digest>>)>;

#[derive(Default)]
struct Progress {
    state: State,
    frontier: Frontier,
    signatures: u64,
    /// The older head that the log has still to pass through.
    older: Option<Checkpoint>,
    readings: BTreeMap<(Digest, TemplateName), Reading>,
    other_texts: Vec<RunId>,
}

/// A signature that is still to be checked.
struct Due<'a> {
    index: u64,
    key: PublicKey,
    signature: Signature,
    stored: &'a [u8],
}

impl Progress {
    /// Parsing and signatures run on all cores; the fold between them is in order.
    fn take_in(&mut self, batch: &[Vec<u8>]) -> Result<(), VerifyError> {
        let first = self.frontier.size();
        let parsed = on_all_cores(batch, |bytes| (canonical_leaf(bytes), leaf_hash(bytes)));
        let mut due = Vec::new();
        for (((leaf, hash), stored), index) in parsed.iter().zip(batch).zip(first..) {
            let leaf = leaf.as_ref().ok_or(VerifyError::Unreadable { index })?;
            let signer = self.state.apply_unsigned(leaf)?;
            self.frontier.push(*hash);
            self.reads_as_recorded(leaf, index)?;
            self.passes_older()?;
            if let Some((key, signature)) = signer.zip(leaf.signature) {
                due.push(Due { index, key, signature, stored });
            }
        }
        self.signatures += due.len() as u64;
        let batches: Vec<&[Due<'_>]> = due.chunks(SIGNATURES).collect();
        let wrong = on_all_cores(&batches, |batch| first_wrong(batch));
        match wrong.into_iter().flatten().next() {
            None => Ok(()),
            Some(index) => Err(FoldError { index, why: Illegal::Signature }.into()),
        }
    }
}

impl Progress {
    /// A run's record must say what the template reads, or a withdrawn column would not stop it.
    fn reads_as_recorded(&mut self, leaf: &Leaf, index: u64) -> Result<(), VerifyError> {
        let Body::RunRequested { run, agreement, template, touched, text_digest, platform, .. } =
            &leaf.body
        else {
            return Ok(());
        };
        let Some(version) = self.state.in_force() else { return Ok(()) };
        let reading = self.readings.entry((*agreement, template.clone())).or_insert_with(|| {
            let guarded = mappings::guard::guard(&version.agreement, template).ok()?;
            let touched =
                guarded.datasets.iter().map(|(n, used)| (n.clone(), used.columns.clone()));
            Some((touched.collect(), guarded, BTreeMap::new()))
        });
        let Some((reads, guarded, texts)) = reading else {
            self.other_texts.push(run.clone());
            return Ok(());
        };
        if reads != touched {
            return Err(VerifyError::Touched { index });
        }
        let text = texts.entry(platform.clone()).or_insert_with(|| {
            let said = mappings::text::text_for(platform, &version.agreement, guarded)?;
            said.ok().map(|text| text.digest)
        });
        match text {
            Some(text) if text == text_digest => Ok(()),
            Some(_) | None => {
                self.other_texts.push(run.clone());
                Ok(())
            }
        }
    }

    fn passes_older(&mut self) -> Result<(), VerifyError> {
        if self.older.as_ref().is_none_or(|older| older.size != self.frontier.size()) {
            return Ok(());
        }
        let older = self.older.take();
        if older.is_some_and(|older| older.root == self.frontier.root()) {
            Ok(())
        } else {
            Err(VerifyError::Forked)
        }
    }
}

/// A leaf whose bytes are the canonical ones: no reader can take them for something else.
fn canonical_leaf(bytes: &[u8]) -> Option<Leaf> {
    Leaf::parse(bytes).ok().filter(|leaf| leaf.canonical() == bytes)
}

/// The first leaf whose signature is wrong: none when the sum over all of them is right.
fn first_wrong(batch: &[Due<'_>]) -> Option<u64> {
    let signed = batch.iter().map(|due| {
        let bytes = signed_bytes_of(due.stored, &due.signature)?;
        Some((due.key, bytes, due.signature))
    });
    let signed: Vec<_> = signed.collect();
    let whole: Option<Vec<_>> = signed.iter().cloned().collect();
    if whole.is_some_and(|all| verify_all(&all)) {
        return None;
    }
    let good = |(key, bytes, made): (PublicKey, Vec<u8>, Signature)| key.verifies(&bytes, &made);
    let mut judged = batch.iter().zip(signed);
    judged.find(|(_, signed)| !signed.clone().is_some_and(good)).map(|(due, _)| due.index)
}

/// Maps in order, each core its share.
fn on_all_cores<T: Sync, R: Send>(items: &[T], map: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = items.len().div_ceil(cores);
    if cores == 1 || share < 2 {
        return items.iter().map(map).collect();
    }
    std::thread::scope(|scope| {
        let map = &map;
        let run = |items| scope.spawn(move || map_all(items, map));
        let threads: Vec<_> = items.chunks(share).map(run).collect();
        let joined = |thread: std::thread::ScopedJoinHandle<'_, Vec<R>>| match thread.join() {
            Ok(mapped) => mapped,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        threads.into_iter().flat_map(joined).collect()
    })
}

fn map_all<T, R>(items: &[T], map: &(impl Fn(&T) -> R + Sync)) -> Vec<R> {
    items.iter().map(map).collect()
}
