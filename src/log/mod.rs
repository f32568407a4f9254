//! The agreement log is the database: what was decided, in order, provable to either side.
//! Decisions are checked by the fold, appended at the size they were checked against, and answered with a receipt.
//! Must not know SQL, HTTP, platforms or how anyone proves who they are beyond their keys.

pub mod bundle;
pub mod checkpoint;
mod code;
pub mod cosignature;
pub mod cron;
pub mod fold;
mod hex;
mod kept;
pub mod keys;
mod known;
pub mod leaf;
mod once;
mod parties;
mod pending;
mod pins;
mod receipt;
mod snapshot;
pub mod tiles;
pub mod tree;
pub mod verify;

pub use crate::stands::{Parties, Stands};
pub use bundle::{Bundle, BundleError};
pub use checkpoint::Checkpoint;
pub use cosignature::Witness;
pub use cron::{Cron, Slot};
pub use fold::{
    Alarm, Awaited, Became, Cause, Closing, Closure, Confirmed, Denied, EffectRecord, FoldError,
    Found, Giving, Holding, Illegal, LastSlot, MemberState, OpenIntent, OpenRun, Proposal,
    READS_MAX, Recipient, Recipients, Run, RunRequest, RunStatus, Schedule, Share, ShareToken,
    SlotOutcome, State, Tenure,
};
pub use keys::{KeyError, PublicKey, SecretKey};
pub use known::RolledBack;
pub use leaf::{
    Actor, Body, Code, Effect, FileDigest, Leaf, Outcome, Revocable, TermPath, Touched, commitment,
    share_token,
};
use once::BoundTo;
pub use once::Decided;
pub use pending::{Pending, Reserve, ReserveError};
pub use pins::{MemoryPins, PinError, Pinned, Pins};
pub use receipt::{Receipt, ReceiptError};
pub use snapshot::Snapshot;
pub use verify::{Verified, VerifyError, verify, verify_since};

use crate::clock::Clock;
use crate::store::{Appended, Fence, Mark, Store, StoreError};
use checkpoint::CheckpointError;
use kept::{KNOWN_MIN, Lately};
use known::Known;
use mappings::model::{CollaborationId, MemberId};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use tiles::Tile;
use tree::{Hash, Tree};

const PAGE: usize = 1024;
const ATTEMPTS_MAX: u32 = 64;
/// Why a log can't be used or a decision wasn't recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The leaf is not legal.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// The stored log is not what this gateway signed.
    #[error("the stored log is not what was signed: {0}")]
    Tampered(&'static str),
    /// The stored checkpoint is not good.
    #[error("the stored checkpoint cannot be trusted: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The stored log does not continue what this gateway saw: nothing is appended to it, nothing is granted on it, and only the
    /// newer database makes that good.
    #[error("{}", told(*.0))]
    RolledBack(RolledBack),
    /// It was signed, and this version can't read it all.
    #[error("the log holds leaves of a newer version of this gateway")]
    Newer,
    /// What this gateway saw can't be read.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// What is withdrawn and not on record can't be read.
    #[error(transparent)]
    Reserve(#[from] ReserveError),
    /// The log was opened by another gateway key.
    #[error("the log belongs to another gateway key")]
    OtherGateway,
    /// There is no such log.
    #[error("no agreement was ever proposed under this collaboration's name")]
    NotFound,
    /// The decision brought no leaf.
    #[error("the decision is empty")]
    Empty,
    /// Others were faster each time.
    #[error("the log is too busy; try again")]
    Busy,
}

impl LogError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Fold(error) => error.code(),
            Self::Tampered(_) => "log-tampered",
            Self::Checkpoint(error) => error.code(),
            Self::RolledBack(_) => "log-rolled-back",
            Self::Newer => "log-newer",
            Self::Pin(error) => error.code(),
            Self::Reserve(error) => error.code(),
            Self::OtherGateway => "log-of-another-gateway",
            Self::NotFound => "collaboration-unknown",
            Self::Empty => "decision-empty",
            Self::Busy => "log-busy",
        }
    }
}

fn told(RolledBack { had, has }: RolledBack) -> String {
    if has < had {
        return format!("the log has {has} leaves and had {had}: an older database was put back");
    }
    format!(
        "the log has {has} leaves and is not the one that had {had}: an older database was put back and went on otherwise"
    )
}

/// Why a decision was not recorded: the decider's own reason, or the log's.
#[derive(Debug, thiserror::Error)]
pub enum DecideError<E> {
    /// The decider refused.
    #[error("{0}")]
    Refused(E),
    /// The log refused or failed.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// One thing to write down, and who does it.
#[derive(Debug, Clone)]
pub struct Entry {
    actor: Actor,
    key: Option<SecretKey>,
    body: Body,
}

impl Entry {
    /// Something the gateway did or saw.
    #[must_use]
    pub const fn gateway(body: Body) -> Self {
        Self { actor: Actor::Gateway, key: None, body }
    }

    /// Something a member decided, signed with its key when it is appended.
    #[must_use]
    pub fn member(member: &MemberId, key: &SecretKey, body: Body) -> Self {
        Self { actor: Actor::Member(member.clone()), key: Some(key.clone()), body }
    }

    /// A member's refusal before it has any key; only `Declined` passes this way.
    #[must_use]
    pub fn member_without_key(member: &MemberId, body: Body) -> Self {
        Self { actor: Actor::Member(member.clone()), key: None, body }
    }

    fn leaf(self, collaboration: &CollaborationId, at_ms: i64) -> Leaf {
        let Self { actor, key, body } = self;
        let leaf =
            Leaf { actor, at_ms, body, collaboration: collaboration.clone(), signature: None };
        match key {
            Some(key) => leaf.signed(&key),
            None => leaf,
        }
    }
}

/// A log as it was when it was looked at.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What its leaves say.
    pub state: Arc<State>,
    /// How many leaves.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// Why nothing may be granted on it; only [`AgreementLog::load_denying`] gives such a one.
    pub doubt: Option<LogError>,
}

impl Loaded {
    /// Whether withdrawals may be missing in it: it is not the log that this gateway saw, or that can't be told. A store that can't
    /// be reached now hides none that were seen; what a newer version wrote is for a gateway of that version to close.
    #[must_use]
    pub const fn may_lack(&self) -> bool {
        !matches!(self.doubt, None | Some(LogError::Store(_) | LogError::Newer))
    }
}

/// The logs of all collaborations in one store, under one gateway key. Collaborations share nothing but the store.
#[derive(Debug)]
pub struct AgreementLog {
    store: Arc<dyn Store>,
    key: SecretKey,
    clock: Arc<dyn Clock>,
    pins: Arc<dyn Pins>,
    reserve: Arc<dyn Reserve>,
    known: Mutex<BTreeMap<CollaborationId, Arc<tokio::sync::Mutex<Known>>>>,
    known_max: AtomicUsize,
    lately: Mutex<Lately>,
}

impl AgreementLog {
    /// Logs in this store. Nothing is read or written yet. What is seen of them is kept as long as this lives.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, key: SecretKey, clock: Arc<dyn Clock>) -> Self {
        let (pins, reserve) = (Arc::new(MemoryPins::default()), Arc::new(pending::Nothing));
        let (known, known_max) = (Mutex::default(), AtomicUsize::new(KNOWN_MIN));
        let lately = Mutex::default();
        Self { store, key, clock, pins, reserve, known, known_max, lately }
    }

    /// The same with heads kept elsewhere.
    #[must_use]
    pub fn with_pins(self, pins: Arc<dyn Pins>) -> Self {
        Self { pins, ..self }
    }

    /// The same with withdrawals in force that are not on record.
    #[must_use]
    pub fn with_reserve(self, reserve: Arc<dyn Reserve>) -> Self {
        Self { reserve, ..self }
    }

    /// The key under which checkpoints are signed.
    #[must_use]
    pub fn gateway(&self) -> PublicKey {
        self.key.public()
    }

    /// Every collaboration with a log, or of which this gateway saw one.
    pub async fn collaborations(&self) -> Result<Vec<CollaborationId>, LogError> {
        let mut all = self.store.collaborations().await?;
        all.extend(self.pins.named());
        all.sort();
        all.dedup();
        Ok(all)
    }

    /// Those of which this gateway saw a log, whether or not the store has it.
    #[must_use]
    pub fn seen(&self) -> Vec<CollaborationId> {
        self.pins.named()
    }

    /// How many leaves a log has by now; cheap, for watching it.
    pub async fn size(&self, collaboration: &CollaborationId) -> Result<u64, LogError> {
        Ok(self.store.size(collaboration).await?)
    }

    /// The log as it is now. `NotFound` when it has no leaf.
    pub async fn load(&self, collaboration: &CollaborationId) -> Result<Loaded, LogError> {
        let known = self.known(collaboration);
        let mut known = known.lock().await;
        self.refresh(collaboration, &mut known).await?;
        let loaded = known.own.loaded(None)?;
        let pending = self.reserve.pending(collaboration)?;
        Ok(Loaded { state: pending::laid_over(&loaded.state, &pending), ..loaded })
    }

    /// The log for whoever takes away or only looks. Where it does not continue what this gateway saw, or that can't be told: the
    /// longer of what this process knows and what the store shows. Where it can't be read now: what this process knows.
    pub async fn load_denying(&self, collaboration: &CollaborationId) -> Result<Loaded, LogError> {
        let known = self.known(collaboration);
        let mut known = known.lock().await;
        let loaded = match self.refresh(collaboration, &mut known).await {
            Ok(()) => known.own.loaded(None),
            Err(doubt @ (LogError::RolledBack(_) | LogError::Pin(_) | LogError::Newer)) => {
                self.older(collaboration, &mut known, doubt).await
            }
            Err(doubt) => known.own.loaded(Some(doubt.clone())).map_err(|_| doubt),
        }?;
        let pending = self.reserve.pending(collaboration);
        let (state, unread) = pending::laid_over_or_closed(&loaded.state, pending);
        Ok(Loaded { state, doubt: loaded.doubt.or(unread), ..loaded })
    }

    /// The same for whoever only looks, where the store had this mark not long ago: a log that was read under it is not asked for again.
    pub async fn look(
        &self,
        collaboration: &CollaborationId,
        mark: &Mark,
    ) -> Result<Loaded, LogError> {
        let known = self.known(collaboration);
        let known = known.lock().await;
        if !known.is_as_under(mark) {
            drop(known);
            let loaded = self.load_denying(collaboration).await?;
            let known = self.known(collaboration);
            known.lock().await.read_under(mark, &loaded);
            return Ok(loaded);
        }
        let loaded = known.own.loaded(None)?;
        let (state, unread) =
            pending::laid_over_or_closed(&loaded.state, self.reserve.pending(collaboration));
        Ok(Loaded { state, doubt: unread, ..loaded })
    }

    /// Decides on the state as it is and appends what was decided, exactly there: when another writer was faster,
    /// decides again on the newer state. All entries of one decision become leaves, or none. The first decision of
    /// a collaboration opens its log. Denied runs, illegal leaves and refusals leave no leaf.
    pub async fn decide<E, F>(
        &self,
        collaboration: &CollaborationId,
        decision: F,
    ) -> Result<Receipt, DecideError<E>>
    where
        E: Send,
        F: Fn(&State) -> Result<Vec<Entry>, E> + Send + Sync,
    {
        self.decide_under(collaboration, None, decision).await
    }

    /// The same for a worker that holds a lease: nothing is appended once its fence is not the newest.
    pub async fn decide_under<E, F>(
        &self,
        collaboration: &CollaborationId,
        fence: Option<&Fence>,
        decision: F,
    ) -> Result<Receipt, DecideError<E>>
    where
        E: Send,
        F: Fn(&State) -> Result<Vec<Entry>, E> + Send + Sync,
    {
        let bound = BoundTo { fence, ..BoundTo::default() };
        match self.decided(collaboration, bound, decision).await? {
            Decided::Fresh(receipt) => Ok(receipt),
            // Nothing was to be spent.
            Decided::Repeated { .. } => Err(LogError::Store(StoreError::Repeated).into()),
        }
    }

    /// Whether this would be decided now: everything that a decision is held against, and nothing is appended.
    pub async fn would<E, F>(
        &self,
        collaboration: &CollaborationId,
        decision: F,
    ) -> Result<(), DecideError<E>>
    where
        E: Send,
        F: Fn(&State) -> Result<Vec<Entry>, E> + Send + Sync,
    {
        let known = self.known(collaboration);
        let mut known = known.lock().await;
        self.refresh(collaboration, &mut known).await?;
        self.decides(collaboration, &known.own.state, &decision).map(drop)
    }

    /// The leaves of a decision on this state, each of them legal.
    fn decides<E, F>(
        &self,
        collaboration: &CollaborationId,
        own: &Arc<State>,
        decision: &F,
    ) -> Result<Vec<Leaf>, DecideError<E>>
    where
        F: Fn(&State) -> Result<Vec<Entry>, E>,
    {
        let pending = self.reserve.pending(collaboration);
        let (state, _) = pending::laid_over_or_closed(own, pending);
        let entries = decision(&state).map_err(DecideError::Refused)?;
        if entries.is_empty() {
            return Err(LogError::Empty.into());
        }
        Ok(self.checked(collaboration, own, entries)?)
    }

    async fn decided<E, F>(
        &self,
        collaboration: &CollaborationId,
        BoundTo { fence, once, second }: BoundTo<'_>,
        decision: F,
    ) -> Result<Decided, DecideError<E>>
    where
        E: Send,
        F: Fn(&State) -> Result<Vec<Entry>, E> + Send + Sync,
    {
        let known = self.known(collaboration);
        let mut known = known.lock().await;
        for _ in 0..ATTEMPTS_MAX {
            self.refresh(collaboration, &mut known).await?;
            // Asked after it: whatever leaf of the same key is in the log that is decided on, the key came there with it.
            if let Some(repeated) = self.repeated(once).await? {
                return Ok(repeated);
            }
            let own = &mut known.own;
            let leaves = self.decides(collaboration, &own.state, &decision)?;
            let parties = parties::moved(&own.state, &leaves).map_err(LogError::Fold)?;
            let signed = self.signed(collaboration, &mut own.tree, &leaves)?;
            let appended = Appended { parties, once, second: second.clone(), ..signed };
            let (size, note) = (own.state.size(), appended.checkpoint.clone());
            let expected = own.head();
            match self.store.append(collaboration, &expected, appended, fence).await {
                Ok(_) => {
                    own.take_in(&leaves, note)?;
                    let receipt = own.receipt(own.state.size().saturating_sub(1))?;
                    self.pin(collaboration, &mut known).await;
                    return Ok(Decided::Fresh(receipt));
                }
                Err(StoreError::Conflict { .. } | StoreError::Repeated) => own.tree.truncate(size),
                Err(StoreError::Unseconded) => {
                    own.tree.truncate(size);
                    // The same came twice at once, and the other used it up.
                    let repeated = self.repeated(once).await?;
                    return repeated.ok_or_else(|| LogError::Store(StoreError::Unseconded).into());
                }
                Err(
                    error @ (StoreError::Fenced { .. }
                    | StoreError::Unavailable
                    | StoreError::Denied
                    | StoreError::Full
                    | StoreError::Corrupt
                    | StoreError::Newer
                    | StoreError::ReadOnly),
                ) => {
                    own.tree.truncate(size);
                    return Err(LogError::Store(error).into());
                }
            }
        }
        Err(LogError::Busy.into())
    }

    /// The receipt of any leaf that is in the log: its place under the newest checkpoint.
    pub async fn receipt(
        &self,
        collaboration: &CollaborationId,
        index: u64,
    ) -> Result<Receipt, LogError> {
        let known = self.known(collaboration);
        let mut known = known.lock().await;
        self.refresh(collaboration, &mut known).await?;
        known.own.receipt(index)
    }

    /// Proves that the log of `new` leaves begins with that of `old`.
    pub async fn consistency_proof(
        &self,
        collaboration: &CollaborationId,
        old: u64,
        new: u64,
    ) -> Result<Vec<Hash>, LogError> {
        let known = self.known(collaboration);
        let mut known = known.lock().await;
        self.refresh(collaboration, &mut known).await?;
        known.own.tree.consistency_proof(old, new).ok_or(LogError::NotFound)
    }

    /// A tile of the log; `None` where it is not so long.
    pub async fn tile(
        &self,
        collaboration: &CollaborationId,
        tile: Tile,
    ) -> Result<Option<Vec<u8>>, LogError> {
        let known = self.known(collaboration);
        let mut known = known.lock().await;
        self.refresh(collaboration, &mut known).await?;
        Ok(tile.bytes(&known.own.tree))
    }

    /// Writes the whole log to a new folder that anyone can verify offline.
    pub async fn export(
        &self,
        collaboration: &CollaborationId,
        folder: &std::path::Path,
    ) -> Result<Bundle, BundleError> {
        let (size, checkpoint) = {
            let known = self.known(collaboration);
            let mut known = known.lock().await;
            self.refresh(collaboration, &mut known).await?;
            if known.own.state.size() == 0 {
                return Err(LogError::NotFound.into());
            }
            (known.own.state.size(), known.own.note.clone())
        };
        let mut writer = bundle::Writer::create(folder)?;
        let mut written = 0;
        while written < size {
            let max = usize::try_from(size - written).unwrap_or(PAGE).min(PAGE);
            let page =
                self.store.read(collaboration, written, max).await.map_err(LogError::Store)?;
            if page.is_empty() {
                return Err(LogError::Store(StoreError::Corrupt).into());
            }
            written += page.len() as u64;
            page.iter().try_for_each(|leaf| writer.leaf(leaf))?;
        }
        writer.finish(&checkpoint, collaboration, &self.gateway())
    }

    /// Turns entries into legal leaves, each checked on the state that the ones before it make.
    fn checked(
        &self,
        collaboration: &CollaborationId,
        state: &State,
        mut entries: Vec<Entry>,
    ) -> Result<Vec<Leaf>, LogError> {
        let at_ms = self.clock.now_ms().max(state.last_at_ms());
        if state.size() == 0 {
            entries.insert(0, Entry::gateway(Body::Opened { gateway: self.gateway() }));
        }
        let leaves: Vec<Leaf> =
            entries.into_iter().map(|entry| entry.leaf(collaboration, at_ms)).collect();
        if let [only] = leaves.as_slice() {
            state.check(only)?;
            return Ok(leaves);
        }
        let mut next = state.clone();
        leaves.iter().try_for_each(|leaf| next.apply(next.size(), leaf))?;
        Ok(leaves)
    }

    /// Leaves as they are stored, with the checkpoint over the log that they make; their hashes are in the tree then.
    fn signed(
        &self,
        collaboration: &CollaborationId,
        tree: &mut Tree,
        leaves: &[Leaf],
    ) -> Result<Appended, LogError> {
        let leaves: Vec<_> = leaves.iter().map(Leaf::canonical).collect();
        for bytes in &leaves {
            tree.push(tree::leaf_hash(bytes));
        }
        let size = tree.size();
        let root = tree.root(size).ok_or(LogError::Tampered("root"))?;
        let head = Checkpoint { collaboration: collaboration.clone(), size, root };
        Ok(Appended::new(leaves, head.sign(&self.key)))
    }
}

#[cfg(test)]
mod tests;
