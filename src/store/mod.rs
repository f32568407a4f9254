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
            Self::Conflict { .. } => "store-conflict",
            Self::Unavailable => "store-unavailable",
            Self::Full => "store-full",
            Self::Corrupt => "store-corrupt",
            Self::ReadOnly => "store-read-only",
        }
    }
}

/// What is appended in one go: leaves and the signed checkpoint over the log that ends with them.
#[derive(Debug, Clone)]
pub struct Appended {
    /// The leaves, at least one.
    pub leaves: Vec<Vec<u8>>,
    /// The checkpoint.
    pub checkpoint: String,
}

/// A log's size and its checkpoint, of one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// How many leaves there are.
    pub size: u64,
    /// The checkpoint that came with the newest of them.
    pub checkpoint: Option<String>,
}

/// An append-only log per collaboration, durable once a call returns. A collaboration without leaves has size 0 and
/// no checkpoint; it begins with its first append. No leaf is ever there without the checkpoint that covers it.
#[async_trait]
pub trait Store: Debug + Send + Sync {
    /// Appends all leaves and their checkpoint, or nothing: at position `expected`, or `Conflict` when that is not the
    /// log's size. Returns the new size.
    async fn append(
        &self,
        collaboration: &CollaborationId,
        expected: u64,
        appended: Appended,
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

    /// Size and checkpoint as they were together.
    async fn head(&self, collaboration: &CollaborationId) -> Result<Head, StoreError>;

    /// Every collaboration that has a log, in order of name.
    async fn collaborations(&self) -> Result<Vec<CollaborationId>, StoreError>;
}
