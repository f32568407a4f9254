//! The newest signed head that a gateway saw of each log, kept apart from the store: an older copy of the database, or another
//! history in its place, is told by it. Must not know where it is kept.

use super::checkpoint::Checkpoint;
use async_trait::async_trait;
use mappings::model::CollaborationId;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};

/// What is kept of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pinned {
    /// The newest signed note.
    pub note: Option<String>,
    /// How many leaves there are at least, where an earlier version kept nothing but that.
    pub at_least: u64,
}

/// Why a pin can't be read or kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// It can't be read, or is no head of this log under this gateway's key.
    #[error("the newest head that this gateway saw of the log can't be read where it is kept")]
    Unreadable,
    /// It can't be written.
    #[error("the newest head of the log can't be kept")]
    NotKept,
}

impl PinError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable => "head-unreadable",
            Self::NotKept => "head-not-kept",
        }
    }
}

/// Keeps heads. What is kept only ever grows.
#[async_trait]
pub trait Pins: Debug + Send + Sync {
    /// What is kept of a log.
    fn pinned(&self, collaboration: &CollaborationId) -> Result<Pinned, PinError>;

    /// The logs of which anything is kept, as far as that can be told.
    fn named(&self) -> Vec<CollaborationId>;

    /// Keeps a head with its note in the place of every shorter one, whole or not at all. A longer one stays. Who stops waiting may
    /// have it kept all the same.
    async fn pin(&self, head: Checkpoint, note: &str) -> Result<(), PinError>;
}

/// Pins of one process, for tests and simulation: several logs that share them are one gateway's.
#[derive(Debug, Default)]
pub struct MemoryPins(Mutex<BTreeMap<CollaborationId, (u64, String)>>);

#[async_trait]
impl Pins for MemoryPins {
    fn pinned(&self, collaboration: &CollaborationId) -> Result<Pinned, PinError> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let note = kept.get(collaboration).map(|(_, note)| note.clone());
        Ok(Pinned { note, at_least: 0 })
    }

    fn named(&self) -> Vec<CollaborationId> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.keys().cloned().collect()
    }

    async fn pin(&self, head: Checkpoint, note: &str) -> Result<(), PinError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.get(&head.collaboration).is_none_or(|(size, _)| *size < head.size) {
            kept.insert(head.collaboration, (head.size, note.to_owned()));
        }
        Ok(())
    }
}
