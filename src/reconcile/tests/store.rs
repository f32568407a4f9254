//! A store in memory that takes its time, or can't be written or read. Must not know what is stored.

use crate::clock::{Clock, FixedClock};
use crate::store::{
    Appended, Fence, Head, Lease, MemoryStore, Parties, Spent, Stands, Store, StoreError,
};
use async_trait::async_trait;
use mappings::model::{CollaborationId, MemberId};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Failing {
    pub(super) inner: MemoryStore,
    clock: Arc<FixedClock>,
    /// Whether nothing can be written.
    pub(super) full: AtomicBool,
    /// Whether nothing can be read.
    pub(super) away: AtomicBool,
    /// How long a write takes.
    pub(super) slow_ms: AtomicI64,
}

impl Failing {
    pub(super) fn new(clock: &Arc<FixedClock>) -> Self {
        let shared: Arc<dyn Clock> = Arc::<FixedClock>::clone(clock);
        Self {
            inner: MemoryStore::with_clock(shared),
            clock: Arc::clone(clock),
            full: AtomicBool::default(),
            away: AtomicBool::default(),
            slow_ms: AtomicI64::default(),
        }
    }

    /// Whether nothing can be written, for whatever reason.
    pub(super) fn fails(&self) -> bool {
        self.full.load(Ordering::SeqCst) || self.away.load(Ordering::SeqCst)
    }

    fn answers(&self) -> Result<(), StoreError> {
        let away = self.away.load(Ordering::SeqCst);
        if away { Err(StoreError::Unavailable) } else { Ok(()) }
    }
}

#[async_trait]
impl Store for Failing {
    async fn append(
        &self,
        collaboration: &CollaborationId,
        expected: &Head,
        appended: Appended,
        fence: Option<&Fence>,
    ) -> Result<u64, StoreError> {
        self.answers()?;
        if self.full.load(Ordering::SeqCst) {
            return Err(StoreError::Full);
        }
        self.clock.step(self.slow_ms.load(Ordering::SeqCst));
        self.inner.append(collaboration, expected, appended, fence).await
    }

    async fn read(
        &self,
        collaboration: &CollaborationId,
        from: u64,
        max: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        self.answers()?;
        self.inner.read(collaboration, from, max).await
    }

    async fn size(&self, collaboration: &CollaborationId) -> Result<u64, StoreError> {
        self.answers()?;
        self.inner.size(collaboration).await
    }

    async fn head(&self, collaboration: &CollaborationId) -> Result<Head, StoreError> {
        self.answers()?;
        self.inner.head(collaboration).await
    }

    async fn sizes(&self) -> Result<Vec<(CollaborationId, u64)>, StoreError> {
        self.answers()?;
        self.inner.sizes().await
    }

    async fn logs_of(
        &self,
        tenant: &MemberId,
        after: Option<&CollaborationId>,
        max: usize,
    ) -> Result<Vec<(CollaborationId, Stands)>, StoreError> {
        self.answers()?;
        self.inner.logs_of(tenant, after, max).await
    }

    async fn stands(
        &self,
        collaboration: &CollaborationId,
        tenant: &MemberId,
    ) -> Result<Option<Stands>, StoreError> {
        self.answers()?;
        self.inner.stands(collaboration, tenant).await
    }

    async fn unprojected(
        &self,
        after: Option<&CollaborationId>,
        max: usize,
    ) -> Result<Vec<CollaborationId>, StoreError> {
        self.answers()?;
        self.inner.unprojected(after, max).await
    }

    async fn project(
        &self,
        collaboration: &CollaborationId,
        size: u64,
        parties: &Parties,
    ) -> Result<bool, StoreError> {
        self.answers()?;
        self.inner.project(collaboration, size, parties).await
    }

    async fn spent(&self, scope: &[u8; 32]) -> Result<Option<Spent>, StoreError> {
        self.answers()?;
        self.inner.spent(scope).await
    }

    async fn acquire(
        &self,
        resource: &str,
        holder: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        self.inner.acquire(resource, holder, ttl).await
    }

    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<bool, StoreError> {
        self.inner.renew(lease, ttl).await
    }

    async fn leases(&self, prefix: &str) -> Result<Vec<Lease>, StoreError> {
        self.inner.leases(prefix).await
    }

    async fn release(&self, lease: &Lease) -> Result<bool, StoreError> {
        self.inner.release(lease).await
    }
}
