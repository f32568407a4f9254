//! A store, and how often it fails. Every call goes through as it is. Must not know what is stored.

use super::{Event, Metrics};
use crate::store::{
    Appended, Fence, Grown, Head, Lease, Mark, Parties, Spent, Stands, Store, StoreError, Waiting,
    Waits,
};
use async_trait::async_trait;
use mappings::model::{CollaborationId, MemberId};
use std::sync::Arc;
use std::time::Duration;
use tracing::{Instrument as _, Span};

/// The same.
#[derive(Debug)]
pub(crate) struct CountedStore {
    inner: Arc<dyn Store>,
    metrics: Arc<Metrics>,
}

impl CountedStore {
    pub(crate) fn new(inner: Arc<dyn Store>, metrics: Arc<Metrics>) -> Self {
        Self { inner, metrics }
    }

    /// What was asked for and is refused, since another was faster, is no failure.
    async fn asked<T>(
        &self,
        call: &'static str,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        // What nobody in particular asks for, all the time, is no trace of its own.
        let span = if Span::current().is_none() {
            Span::none()
        } else {
            tracing::info_span!("store", call, code = tracing::field::Empty)
        };
        let done = work.instrument(span.clone()).await;
        if let Err(error) = &done
            && !is_answer(*error)
        {
            span.record("code", error.code());
            self.metrics.told(Event::StoreFailed { call, code: error.code() });
        }
        done
    }

    async fn wrote<T>(
        &self,
        call: &'static str,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let done = self.asked(call, work).await;
        let went = done.as_ref().map_or_else(|error| is_answer(*error), |_| true);
        self.metrics.told(Event::Wrote { done: went });
        done
    }
}

const fn is_answer(error: StoreError) -> bool {
    match error {
        StoreError::Conflict { .. }
        | StoreError::Fenced { .. }
        | StoreError::Repeated
        | StoreError::Unseconded => true,
        StoreError::Unavailable
        | StoreError::Denied
        | StoreError::Full
        | StoreError::Corrupt
        | StoreError::Newer
        | StoreError::ReadOnly => false,
    }
}

#[async_trait]
impl Store for CountedStore {
    async fn append(
        &self,
        collaboration: &CollaborationId,
        expected: &Head,
        appended: Appended,
        fence: Option<&Fence>,
    ) -> Result<u64, StoreError> {
        self.wrote("append", self.inner.append(collaboration, expected, appended, fence)).await
    }

    async fn read(
        &self,
        collaboration: &CollaborationId,
        from: u64,
        max: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        self.asked("read", self.inner.read(collaboration, from, max)).await
    }

    async fn size(&self, collaboration: &CollaborationId) -> Result<u64, StoreError> {
        self.asked("size", self.inner.size(collaboration)).await
    }

    async fn head(&self, collaboration: &CollaborationId) -> Result<Head, StoreError> {
        self.asked("head", self.inner.head(collaboration)).await
    }

    async fn collaborations(&self) -> Result<Vec<CollaborationId>, StoreError> {
        self.asked("collaborations", self.inner.collaborations()).await
    }

    async fn sizes(&self) -> Result<Vec<(CollaborationId, u64)>, StoreError> {
        self.asked("sizes", self.inner.sizes()).await
    }

    async fn mark(&self) -> Result<Option<Mark>, StoreError> {
        self.asked("mark", self.inner.mark()).await
    }

    async fn sizes_since(&self, known: Option<&Mark>) -> Result<Grown, StoreError> {
        self.asked("sizes-since", self.inner.sizes_since(known)).await
    }

    async fn logs_of(
        &self,
        tenant: &MemberId,
        after: Option<&CollaborationId>,
        max: usize,
    ) -> Result<Vec<(CollaborationId, Stands)>, StoreError> {
        self.asked("logs-of", self.inner.logs_of(tenant, after, max)).await
    }

    async fn stands(
        &self,
        collaboration: &CollaborationId,
        tenant: &MemberId,
    ) -> Result<Option<Stands>, StoreError> {
        self.asked("stands", self.inner.stands(collaboration, tenant)).await
    }

    async fn unprojected(
        &self,
        after: Option<&CollaborationId>,
        max: usize,
    ) -> Result<Vec<CollaborationId>, StoreError> {
        self.asked("unprojected", self.inner.unprojected(after, max)).await
    }

    async fn project(
        &self,
        collaboration: &CollaborationId,
        size: u64,
        parties: &Parties,
    ) -> Result<bool, StoreError> {
        self.wrote("project", self.inner.project(collaboration, size, parties)).await
    }

    async fn spent(&self, scope: &[u8; 32]) -> Result<Option<Spent>, StoreError> {
        self.asked("spent", self.inner.spent(scope)).await
    }

    async fn wait(&self, waiting: &Waiting) -> Result<(), StoreError> {
        self.wrote("wait", self.inner.wait(waiting)).await
    }

    async fn waiting(
        &self,
        collaboration: &CollaborationId,
        tenant: &MemberId,
        max: usize,
    ) -> Result<Vec<Waits>, StoreError> {
        self.asked("waiting", self.inner.waiting(collaboration, tenant, max)).await
    }

    async fn take_back(
        &self,
        collaboration: &CollaborationId,
        tenant: &MemberId,
        fingerprint: &[u8; 32],
    ) -> Result<bool, StoreError> {
        self.wrote("take-back", self.inner.take_back(collaboration, tenant, fingerprint)).await
    }

    async fn spend(&self, scope: &[u8; 32]) -> Result<bool, StoreError> {
        self.wrote("spend", self.inner.spend(scope)).await
    }

    async fn acquire(
        &self,
        resource: &str,
        holder: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        self.wrote("acquire", self.inner.acquire(resource, holder, ttl)).await
    }

    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<bool, StoreError> {
        self.wrote("renew", self.inner.renew(lease, ttl)).await
    }

    async fn leases(&self, prefix: &str) -> Result<Vec<Lease>, StoreError> {
        self.asked("leases", self.inner.leases(prefix)).await
    }

    async fn release(&self, lease: &Lease) -> Result<bool, StoreError> {
        self.wrote("release", self.inner.release(lease)).await
    }
}
