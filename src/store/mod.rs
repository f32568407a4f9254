//! Where logs are kept: ordered bytes per collaboration, appended whole or not at all, never changed.
//! Must not know what the bytes mean.

mod memory;
mod sqlite;
#[cfg(test)]
mod suite;

pub use memory::MemoryStore;
pub use sqlite::SqliteStore;

use async_trait::async_trait;
use mappings::model::CollaborationId;
use std::fmt::Debug;

/// Why a store did not do it. Whatever the reason, nothing was half done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no such log.
    #[error("the store has no log of this collaboration")]
    NotFound,
    /// Somebody else was faster, or the caller looks at an older log.
    #[error("the log has {size} leaves, not as many as expected")]
    Conflict {
        /// How many leaves the log has.
        size: u64,
    },
    /// The store can't be reached or is busy for too long.
    #[error("the store is unavailable")]
    Unavailable,
    /// There is no space left.
    #[error("the store is full")]
    Full,
    /// What is stored contradicts itself.
    #[error("the store is corrupt")]
    Corrupt,
    /// The store can be read only.
    #[error("the store is read-only")]
    ReadOnly,
}

impl StoreError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "store-not-found",
            Self::Conflict { .. } => "store-conflict",
            Self::Unavailable => "store-unavailable",
            Self::Full => "store-full",
            Self::Corrupt => "store-corrupt",
            Self::ReadOnly => "store-read-only",
        }
    }
}

/// An append-only log per collaboration, durable once a call returns. A collaboration without leaves has size 0 and
/// no checkpoint; it begins with its first append.
#[async_trait]
pub trait Store: Debug + Send + Sync {
    /// Appends all leaves or none: at position `expected`, or `Conflict` when that is not the log's size. Returns
    /// the new size.
    async fn append(
        &self,
        collaboration: &CollaborationId,
        expected: u64,
        leaves: Vec<Vec<u8>>,
    ) -> Result<u64, StoreError>;

    /// Up to `max` leaves from position `from` on, in order; none beyond the end.
    async fn read(
        &self,
        collaboration: &CollaborationId,
        from: u64,
        max: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError>;

    /// How many leaves there are; cheap enough to ask many times a second.
    async fn size(&self, collaboration: &CollaborationId) -> Result<u64, StoreError>;

    /// Every collaboration that has a log, in order of name.
    async fn collaborations(&self) -> Result<Vec<CollaborationId>, StoreError>;

    /// Keeps the newest checkpoint. An older one, or one beyond the log's end, is a `Conflict` with the size it is
    /// measured against; another text for a size that has one is `Corrupt`: no size is ever signed twice.
    async fn save_checkpoint(
        &self,
        collaboration: &CollaborationId,
        size: u64,
        text: &str,
    ) -> Result<(), StoreError>;

    /// The newest checkpoint.
    async fn checkpoint(
        &self,
        collaboration: &CollaborationId,
    ) -> Result<Option<String>, StoreError>;
}

/// Whether a checkpoint may follow the one that is kept; `Ok(false)` when it is there already.
fn may_follow(
    kept: Option<(u64, &str)>,
    log_size: u64,
    next: (u64, &str),
) -> Result<bool, StoreError> {
    let (size, text) = next;
    if size > log_size {
        return Err(StoreError::Conflict { size: log_size });
    }
    match kept {
        Some((kept_size, _)) if size < kept_size => Err(StoreError::Conflict { size: kept_size }),
        Some((kept_size, kept_text)) if size == kept_size => {
            if text == kept_text {
                Ok(false)
            } else {
                Err(StoreError::Corrupt)
            }
        }
        Some(_) | None => Ok(true),
    }
}
