//! Where logs are kept: ordered bytes per collaboration, appended whole or not at all, never changed; and leases, which
//! say who may work on something for a while. With an append go who is a party of the collaboration from then on, and a key that is
//! spent on it: both are there exactly when the leaves are. Must not know what the bytes mean.

mod closed;
mod lease;
mod memory;
mod once;
#[cfg(feature = "gateway")]
mod postgres;
#[cfg(feature = "gateway")]
mod sqlite;
#[cfg(test)]
mod suite;
mod waiting;

pub use closed::ClosedStore;
pub use lease::{Fence, Lease};
pub use memory::MemoryStore;
pub use once::{Once, Spent};
#[cfg(feature = "gateway")]
pub use postgres::{Address, AddressError, PostgresStore};
#[cfg(feature = "gateway")]
pub use sqlite::SqliteStore;
pub use waiting::{Second, Waiting, Waits};

pub use crate::stands::{Parties, Stands};

#[cfg(all(test, feature = "gateway"))]
pub(crate) use postgres::SharedDatabase;

use async_trait::async_trait;
use mappings::model::{CollaborationId, MemberId};
use std::fmt::Debug;
use std::time::Duration;

/// Why a store did not do it, or can't tell. Whatever the reason, nothing was half done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Somebody else was faster, or the caller looks at an older log, or at another one.
    #[error("the log has {size} leaves and is not the one that was expected")]
    Conflict {
        /// How many leaves the log has.
        size: u64,
    },
    /// A newer token was given out for the resource of the fence, or the fence was never given out.
    #[error("the lease was taken over: its newest token is {token}")]
    Fenced {
        /// The newest token, 0 when there is none.
        token: u64,
    },
    /// The key was spent on an append already; [`Store::spent`] says on which.
    #[error("the key was spent on an earlier append")]
    Repeated,
    /// Nothing waits any more for this second person: somebody used it up or took it back, it is over, or the first was the same.
    #[error("nothing waits for this second person")]
    Unseconded,
    /// The store can't be reached or is busy for too long. What was asked may have been done all the same: look again.
    #[error("the store is unavailable")]
    Unavailable,
    /// The store doesn't let this gateway in, or not to what it must do.
    #[error("the store denies access: role, password, database or privileges")]
    Denied,
    /// There is no space left.
    #[error("the store is full")]
    Full,
    /// What is stored contradicts itself.
    #[error("the store is corrupt")]
    Corrupt,
    /// The store was written by a newer version of this gateway.
    #[error("the store is of a newer version")]
    Newer,
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
            Self::Fenced { .. } => "lease-lost",
            Self::Repeated => "store-repeated",
            Self::Unseconded => "second-gone",
            Self::Unavailable => "store-unavailable",
            Self::Denied => "store-denied",
            Self::Full => "store-full",
            Self::Corrupt => "store-corrupt",
            Self::Newer => "store-newer",
            Self::ReadOnly => "store-read-only",
        }
    }
}

/// What is appended in one go: leaves and the signed checkpoint over the log that ends with them, and what is there with them or not
/// at all.
#[derive(Debug, Clone)]
pub struct Appended {
    /// The leaves, at least one.
    pub leaves: Vec<Vec<u8>>,
    /// The checkpoint.
    pub checkpoint: String,
    /// Everybody who is a party once the leaves are there; nothing where they are who they were before.
    pub parties: Option<Parties>,
    /// The key that it spends.
    pub once: Option<Once>,
    /// The second person without whom it is not done.
    pub second: Option<Second>,
}

impl Appended {
    /// Leaves and their checkpoint alone: the parties stay who they are, and no key is spent.
    #[must_use]
    pub const fn new(leaves: Vec<Vec<u8>>, checkpoint: String) -> Self {
        Self { leaves, checkpoint, parties: None, once: None, second: None }
    }
}

/// A log's size and its checkpoint, of one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// How many leaves there are.
    pub size: u64,
    /// The checkpoint that came with the newest of them.
    pub checkpoint: Option<String>,
}

/// What a store held at some moment, by a word of its own: while the word is the same, no log has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark(String);

/// How far the logs are.
#[derive(Debug)]
pub struct Grown {
    /// The store's mark before they were asked.
    pub mark: Option<Mark>,
    /// Every log with its length; none where nothing was written since the mark that was known.
    pub sizes: Option<Vec<(CollaborationId, u64)>>,
}

/// An append-only log per collaboration, durable once a call returns. A collaboration without leaves has size 0 and
/// no checkpoint; it begins with its first append. No leaf is ever there without the checkpoint that covers it.
#[async_trait]
pub trait Store: Debug + Send + Sync {
    /// Appends all leaves with their checkpoint, parties and key, or nothing: right after the head `expected`, or `Conflict` when the log has another
    /// size or another checkpoint. Returns the new size. With a fence, `Fenced` unless its token is the newest of its resource at the very
    /// moment of the write. Without one it waits for no lease: that is how decisions are recorded. With a key that is spent already
    /// `Repeated`, whatever its fingerprint, the head or the fence: of many at once under one key one is appended. With a second person it uses up
    /// what waits for one, and is `Unseconded` where nothing does: of many at once for the same one is appended.
    async fn append(
        &self,
        collaboration: &CollaborationId,
        expected: &Head,
        appended: Appended,
        fence: Option<&Fence>,
    ) -> Result<u64, StoreError>;

    /// Up to `max` leaves from position `from` on, in order; none beyond the end.
    async fn read(
        &self,
        collaboration: &CollaborationId,
        from: u64,
        max: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError>;

    /// The same in a member's name: none of a log of which it is no party by the store's own word, whoever asks.
    async fn read_as(
        &self,
        tenant: &MemberId,
        collaboration: &CollaborationId,
        from: u64,
        max: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        match self.stands(collaboration, tenant).await? {
            Some(Stands::Member | Stands::Former) => self.read(collaboration, from, max).await,
            Some(Stands::Invited) | None => Ok(Vec::new()),
        }
    }

    /// How many leaves there are; cheap enough to ask many times a second.
    async fn size(&self, collaboration: &CollaborationId) -> Result<u64, StoreError>;

    /// Size and checkpoint as they were together.
    async fn head(&self, collaboration: &CollaborationId) -> Result<Head, StoreError>;

    /// Every collaboration that has a log, in order of name.
    async fn collaborations(&self) -> Result<Vec<CollaborationId>, StoreError> {
        Ok(self.sizes().await?.into_iter().map(|(collaboration, _)| collaboration).collect())
    }

    /// The same with each log's length: one question, whatever their number.
    async fn sizes(&self) -> Result<Vec<(CollaborationId, u64)>, StoreError>;

    /// The store's mark, at a small part of what [`Store::sizes`] costs; `None` where there is none to be had so.
    async fn mark(&self) -> Result<Option<Mark>, StoreError> {
        Ok(None)
    }

    /// What [`Store::sizes`] says, unless nothing was written since this mark. What is written while it is asked for makes another mark.
    async fn sizes_since(&self, known: Option<&Mark>) -> Result<Grown, StoreError> {
        let mark = self.mark().await?;
        let sizes = match &mark {
            Some(mark) if Some(mark) == known => None,
            Some(_) | None => Some(self.sizes().await?),
        };
        Ok(Grown { mark, sizes })
    }

    /// The collaborations that a member is a party of and where it stands in each, as the newest appends say: up to `max` of those
    /// whose names come after this one, in order of name. Cheap, however many others there are.
    async fn logs_of(
        &self,
        tenant: &MemberId,
        after: Option<&CollaborationId>,
        max: usize,
    ) -> Result<Vec<(CollaborationId, Stands)>, StoreError>;

    /// Where a member stands in one of them; nothing when it is no party, or there is no such log.
    async fn stands(
        &self,
        collaboration: &CollaborationId,
        tenant: &MemberId,
    ) -> Result<Option<Stands>, StoreError>;

    /// Up to `max` collaborations of whose parties the store does not know who they are at the log's end, in order of name: their
    /// leaves were appended before the store kept parties.
    async fn unprojected(
        &self,
        after: Option<&CollaborationId>,
        max: usize,
    ) -> Result<Vec<CollaborationId>, StoreError>;

    /// Keeps who the parties are of a log of this length. Whether it has this length: if not, nothing is changed.
    async fn project(
        &self,
        collaboration: &CollaborationId,
        size: u64,
        parties: &Parties,
    ) -> Result<bool, StoreError>;

    /// What a key was spent on within the last 24 hours of the store's clock.
    async fn spent(&self, scope: &[u8; 32]) -> Result<Option<Spent>, StoreError>;

    /// Spends a key that goes with no append, for 24 hours of the store's clock. Whether it was not spent: of many at once one hears so. A store
    /// without a place for such keys spends none.
    async fn spend(&self, _scope: &[u8; 32]) -> Result<bool, StoreError> {
        Err(StoreError::Unavailable)
    }

    /// Keeps what one person decided until a second one does as well, within 24 hours of the store's clock. What waits already stays as it is,
    /// with who asked first. A store that can keep none says that it is unavailable.
    async fn wait(&self, _waiting: &Waiting) -> Result<(), StoreError> {
        Err(StoreError::Unavailable)
    }

    /// What of a member's waits in a collaboration: up to `max`, the oldest first.
    async fn waiting(
        &self,
        _collaboration: &CollaborationId,
        _tenant: &MemberId,
        _max: usize,
    ) -> Result<Vec<Waits>, StoreError> {
        Err(StoreError::Unavailable)
    }

    /// Ends the waiting of something. Whether it was waiting still.
    async fn take_back(
        &self,
        _collaboration: &CollaborationId,
        _tenant: &MemberId,
        _fingerprint: &[u8; 32],
    ) -> Result<bool, StoreError> {
        Err(StoreError::Unavailable)
    }

    /// Leave to work on a resource, when nobody else holds it: it was never held, was released, has expired, or is the
    /// holder's own. Each lease has a larger token than any before it, durable before this returns.
    async fn acquire(
        &self,
        resource: &str,
        holder: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>, StoreError>;

    /// Holds a lease for longer, from now on; an expired one as well, as long as nobody took it over. Whether it is held.
    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<bool, StoreError>;

    /// Every lease that is held now and whose resource begins so, in order of its name.
    async fn leases(&self, prefix: &str) -> Result<Vec<Lease>, StoreError>;

    /// Gives a lease back before it expires. Whether it was still held.
    async fn release(&self, lease: &Lease) -> Result<bool, StoreError>;
}
