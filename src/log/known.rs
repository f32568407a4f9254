//! What a process knows of a log, and how it is brought up to date: the store is believed as far as it continues what was signed
//! and seen before. Must not know what is decided.

use super::checkpoint::CheckpointError;
use super::pins::PinError;
use super::tree::{self, Tree};
use super::{AgreementLog, Checkpoint, EffectRecord, Leaf, Loaded, LogError, PAGE, Receipt, State};
use crate::store::{Head, Mark, StoreError};
use mappings::model::CollaborationId;
use std::sync::Arc;

/// A log of so many leaves is folded again sooner than a room is looked at.
const SHORT_MAX: usize = 64;

/// A log whose leaves were read and folded, and found to be what was signed.
#[derive(Debug, Default)]
pub(super) struct Folded {
    pub(super) state: Arc<State>,
    pub(super) tree: Tree,
    /// The signed checkpoint over all of it.
    pub(super) note: String,
    /// Whether the state ends before the first leaf that this version can't read.
    unread: bool,
    /// The leaves of a short log; of a longer one not all.
    leaves: Vec<Box<[u8]>>,
    /// Whether there are only the leaves, and state and tree have to be made of them again.
    laid_by: bool,
}

/// What is kept of a log between calls.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// It only ever grows, and is never forgotten for what the store shows.
    pub(super) own: Folded,
    /// What the store shows where that does not continue what this gateway saw, or can't be read whole.
    shown: Option<Folded>,
    /// What was known before it was lost to leaves that are not legal.
    seen: Option<Checkpoint>,
    /// The newest note that is pinned, as far as this process knows.
    pinned: String,
    /// The newest pin that the log was found to continue.
    passed: String,
    /// The store's mark before it was read last, and nothing was wrong with it.
    under: Option<Mark>,
}

/// How much longer, or otherwise, the log was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct RolledBack {
    /// How many leaves this gateway saw.
    pub had: u64,
    /// How many there are.
    pub has: u64,
}

/// What a log has to continue.
struct Past {
    at_least: u64,
    heads: Vec<Checkpoint>,
}

impl Past {
    fn size(&self) -> u64 {
        self.heads.iter().map(|head| head.size).max().unwrap_or(0).max(self.at_least)
    }
}

impl Folded {
    /// Leaves, which the caller's root has to vouch for; each was checked before it was appended.
    fn read_in(&mut self, page: &[impl AsRef<[u8]>]) -> Result<(), LogError> {
        for bytes in page.iter().map(AsRef::as_ref) {
            self.tree.push(tree::leaf_hash(bytes));
            self.keep(bytes);
            let state = Arc::make_mut(&mut self.state);
            match Leaf::parse(bytes) {
                Ok(leaf) if !self.unread => drop(state.apply_unsigned(&leaf)?),
                Ok(_) | Err(_) => self.unread = true,
            }
        }
        Ok(())
    }

    /// Takes in what was appended; its hashes are in the tree already.
    pub(super) fn take_in(&mut self, leaves: &[Leaf], note: String) -> Result<(), LogError> {
        let state = Arc::make_mut(&mut self.state);
        for leaf in leaves {
            state.apply_unsigned(leaf)?;
        }
        for leaf in leaves {
            self.keep(&leaf.canonical());
        }
        self.note = note;
        Ok(())
    }

    fn keep(&mut self, leaf: &[u8]) {
        if self.leaves.len() <= SHORT_MAX {
            self.leaves.push(leaf.into());
        }
    }

    /// Keeps the leaves only, which are a fraction of what is made of them.
    fn lay_by(&mut self) {
        let whole = self.leaves.len() as u64 == self.state.size() && !self.unread;
        if whole && self.leaves.len() <= SHORT_MAX && !self.leaves.is_empty() {
            self.leaves.shrink_to_fit();
            (self.state, self.tree, self.laid_by) = (Arc::default(), Tree::default(), true);
        }
    }

    /// Makes state and tree again.
    fn take_up(&mut self) -> Result<(), LogError> {
        if std::mem::take(&mut self.laid_by) {
            let leaves = std::mem::take(&mut self.leaves);
            self.read_in(&leaves)?;
        }
        Ok(())
    }

    pub(super) fn receipt(&self, index: u64) -> Result<Receipt, LogError> {
        let size = self.tree.size();
        let found = self.tree.root(size).zip(self.tree.inclusion_proof(index, size));
        let leaf = self.tree.leaf(index);
        let ((root, inclusion), leaf) = found.zip(leaf).ok_or(LogError::NotFound)?;
        Ok(Receipt { index, size, root, leaf, inclusion, checkpoint: self.note.clone() })
    }

    pub(super) fn loaded(&self, doubt: Option<LogError>) -> Result<Loaded, LogError> {
        let size = self.state.size();
        if size == 0 {
            return Err(LogError::NotFound);
        }
        let root = self.tree.root(size).ok_or(LogError::Tampered("root"))?;
        Ok(Loaded { state: Arc::clone(&self.state), size, root, doubt })
    }

    /// What a store has that has this log and no more.
    pub(super) fn head(&self) -> Head {
        let size = self.state.size();
        Head { size, checkpoint: (size > 0).then(|| self.note.clone()) }
    }

    fn is(&self, head: &Head) -> bool {
        self.tree.size() == head.size && head.checkpoint.as_ref() == Some(&self.note)
    }

    /// Whether a log of these hashes begins with one that has this size and root.
    fn begins_with(&self, size: u64, root: Option<tree::Hash>) -> bool {
        size == 0 || (size <= self.tree.size() && self.tree.root(size) == root)
    }

    fn continues(&self, past: &Past) -> bool {
        let mut heads = past.heads.iter();
        self.tree.size() >= past.at_least
            && heads.all(|head| self.begins_with(head.size, Some(head.root)))
    }
}

impl Known {
    /// Whether it was read since the store had this mark, and is at hand.
    pub(super) fn is_as_under(&self, mark: &Mark) -> bool {
        self.under.as_ref() == Some(mark) && !self.own.laid_by
    }

    /// It was read since the store had this mark; what is in doubt is read again by everybody.
    pub(super) fn read_under(&mut self, mark: &Mark, loaded: &Loaded) {
        let is_this = loaded.doubt.is_none() && loaded.size <= self.own.state.size();
        self.under = Some(mark.clone()).filter(|_| is_this);
    }

    /// Whether something is still to be seen closed, or may still take effect.
    pub(super) fn waits(&self) -> bool {
        let state = &self.own.state;
        state.unconfirmed().next().is_some() || state.effects().values().any(EffectRecord::is_open)
    }

    #[cfg(test)]
    pub(super) const fn is_laid_by(&self) -> bool {
        self.own.laid_by
    }

    /// How long the log is.
    pub(super) fn size(&self) -> u64 {
        if self.own.laid_by { self.own.leaves.len() as u64 } else { self.own.state.size() }
    }

    /// Keeps what is needed to know it again, unless something waits.
    pub(super) fn lay_by(&mut self) {
        if !self.waits() {
            self.own.lay_by();
        }
    }
}

impl AgreementLog {
    /// Reads what others appended, and requires that the log is what this gateway signed, and continues what it saw: leaves and
    /// their checkpoint come together, so a leaf that no checkpoint covers was put there by somebody else.
    pub(super) async fn refresh(
        &self,
        collaboration: &CollaborationId,
        known: &mut Known,
    ) -> Result<(), LogError> {
        self.take_up(collaboration, known)?;
        // A decision that was dropped while it was being appended left its hashes here.
        known.own.tree.truncate(known.own.state.size());
        // Read before the log: whoever appends in between makes the log longer, never shorter.
        let pinned = self.pins.pinned(collaboration)?;
        let head = self.store.head(collaboration).await?;
        let passed = pinned.note.as_ref().is_none_or(|note| *note == known.passed);
        if known.own.is(&head) && passed && pinned.at_least <= head.size {
            return Ok(());
        }
        let read = pinned.note.as_ref().map(|note| self.noted(note, collaboration));
        // A pin of another key pins nothing: somebody changed it, or the key.
        let kept = read.transpose().map_err(|_| PinError::Unreadable)?;
        let heads = kept.into_iter().chain(known.seen.clone()).collect();
        let past = Past { at_least: pinned.at_least, heads };
        self.follow(collaboration, known, &head, &past).await?;
        known.passed = pinned.note.unwrap_or_default();
        self.pin(collaboration, known).await;
        Ok(())
    }

    /// What was laid by is known again, or read again: it must begin as it did.
    fn take_up(&self, collaboration: &CollaborationId, known: &mut Known) -> Result<(), LogError> {
        known.own.take_up().or_else(|_| {
            known.seen = Some(self.noted(&known.own.note, collaboration)?);
            known.own = Folded::default();
            Ok(())
        })
    }

    async fn follow(
        &self,
        collaboration: &CollaborationId,
        known: &mut Known,
        head: &Head,
        past: &Past,
    ) -> Result<(), LogError> {
        let own = known.own.state.size();
        let rolled_back =
            LogError::RolledBack(RolledBack { had: own.max(past.size()), has: head.size });
        if known.own.is(head) {
            if known.own.continues(past) {
                return Ok(());
            }
            known.shown = Some(std::mem::take(&mut known.own));
            return Err(rolled_back);
        }
        if head.size == 0 {
            return if own.max(past.size()) == 0 { Ok(()) } else { Err(rolled_back) };
        }
        let signed = self.vouched(collaboration, head)?;
        if head.size < own.max(past.size()) {
            return Err(rolled_back);
        }
        // Found out before, and the same still.
        if let Some(shown) = known.shown.as_ref().filter(|shown| shown.is(head)) {
            return Err(if shown.unread { LogError::Newer } else { rolled_back });
        }
        if own > 0 && self.grown(collaboration, known, &signed, past).await? {
            (known.own.note, known.shown) = (head.checkpoint.clone().unwrap_or_default(), None);
            return Ok(());
        }
        let whole = self.whole(collaboration, head, &signed).await?;
        let goes_on = whole.continues(past) && whole.begins_with(own, known.own.tree.root(own));
        if goes_on && !whole.unread {
            (known.own, known.shown, known.seen) = (whole, None, None);
            return Ok(());
        }
        known.shown = Some(whole);
        Err(if goes_on { LogError::Newer } else { rolled_back })
    }

    /// The signed head that a store shows.
    fn vouched(
        &self,
        collaboration: &CollaborationId,
        head: &Head,
    ) -> Result<Checkpoint, LogError> {
        let note = head.checkpoint.as_ref().ok_or(LogError::Tampered("its end is not signed"))?;
        let signed = self.noted(note, collaboration)?;
        if signed.size != head.size {
            return Err(LogError::Tampered("it is not as long as its checkpoint says"));
        }
        Ok(signed)
    }

    fn noted(&self, note: &str, collaboration: &CollaborationId) -> Result<Checkpoint, LogError> {
        match Checkpoint::verify(note, &self.gateway(), collaboration) {
            Err(CheckpointError::NotSigned) => Err(LogError::OtherGateway),
            read => Ok(read?),
        }
    }

    /// Takes in what was appended to the log that is known, when it is a page at most, continues it and can be read; else nothing.
    async fn grown(
        &self,
        collaboration: &CollaborationId,
        known: &mut Known,
        signed: &Checkpoint,
        past: &Past,
    ) -> Result<bool, LogError> {
        let own = &mut known.own;
        let size = own.state.size();
        let left = usize::try_from(signed.size - size).unwrap_or(usize::MAX);
        if left > PAGE {
            return Ok(false);
        }
        let page =
            if left == 0 { Vec::new() } else { self.store.read(collaboration, size, left).await? };
        for bytes in &page {
            own.tree.push(tree::leaf_hash(bytes));
        }
        let read = page.iter().all(|bytes| Leaf::parse(bytes).is_ok());
        let good = own.tree.root(signed.size) == Some(signed.root) && own.continues(past) && read;
        own.tree.truncate(size);
        if !good {
            return Ok(false);
        }
        let root = own.tree.root(size);
        own.read_in(&page).inspect_err(|_| {
            // Half taken in: what was known is read again, and must begin as it did.
            let collaboration = collaboration.clone();
            known.seen = root.map(|root| Checkpoint { collaboration, size, root });
            known.own = Folded::default();
        })?;
        Ok(true)
    }

    /// The whole log as the store has it.
    async fn whole(
        &self,
        collaboration: &CollaborationId,
        head: &Head,
        signed: &Checkpoint,
    ) -> Result<Folded, LogError> {
        let mut whole = Folded::default();
        while whole.tree.size() < head.size {
            let left = usize::try_from(head.size - whole.tree.size()).unwrap_or(PAGE).min(PAGE);
            let page = self.store.read(collaboration, whole.tree.size(), left).await?;
            if page.is_empty() {
                return Err(StoreError::Corrupt.into());
            }
            whole.read_in(&page)?;
        }
        if whole.tree.root(head.size) != Some(signed.root) {
            return Err(LogError::Tampered("its root is not the signed one"));
        }
        if whole.state.gateway().is_some_and(|gateway| *gateway != self.gateway()) {
            return Err(LogError::OtherGateway);
        }
        whole.note = head.checkpoint.clone().unwrap_or_default();
        Ok(whole)
    }

    /// Keeps the newest head. Where that fails, an older one is still kept, and this process knows the newer one.
    pub(super) async fn pin(&self, collaboration: &CollaborationId, known: &mut Known) {
        let (size, note) = (known.own.state.size(), &known.own.note);
        let root = known.own.tree.root(size).filter(|_| size > 0 && *note != known.pinned);
        let Some(root) = root else { return };
        let head = Checkpoint { collaboration: collaboration.clone(), size, root };
        match self.pins.pin(head, note).await {
            Ok(()) => {
                known.pinned.clone_from(note);
                known.passed.clone_from(note);
            }
            Err(error) => {
                tracing::warn!(%collaboration, code = error.code(), "the log's head is not kept");
            }
        }
    }

    /// The longer of what this process knows of a log and what the store shows in its place.
    pub(super) async fn older(
        &self,
        collaboration: &CollaborationId,
        known: &mut Known,
        doubt: LogError,
    ) -> Result<Loaded, LogError> {
        let head = self.store.head(collaboration).await.unwrap_or_default();
        if head.size > 0 && !known.shown.as_ref().is_some_and(|shown| shown.is(&head)) {
            let signed = self.vouched(collaboration, &head);
            if let Ok(signed) = signed {
                known.shown = self.whole(collaboration, &head, &signed).await.ok();
            }
        }
        let shown =
            known.shown.as_ref().filter(|shown| shown.state.size() > known.own.state.size());
        shown.unwrap_or(&known.own).loaded(Some(doubt.clone())).map_err(|_| doubt)
    }
}
