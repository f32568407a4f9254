//! The store that forgets: for tests and simulation, exact in everything but durability.

use super::lease::{Kept, ttl_ms};
use super::{Appended, Fence, Head, Lease, Mark, Store, StoreError};
use crate::clock::{Clock, SystemClock};
use async_trait::async_trait;
use mappings::model::CollaborationId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Debug, Default)]
struct Log {
    leaves: Vec<Vec<u8>>,
    checkpoint: Option<String>,
}

impl Log {
    fn head(&self) -> Head {
        Head { size: self.leaves.len() as u64, checkpoint: self.checkpoint.clone() }
    }
}

#[derive(Debug, Default)]
struct Held {
    logs: BTreeMap<CollaborationId, Log>,
    leases: BTreeMap<String, Kept>,
}

impl Held {
    fn log<T>(&self, collaboration: &CollaborationId, read: impl Fn(&Log) -> T) -> Option<T> {
        self.logs.get(collaboration).map(read)
    }

    fn refused(&self, fence: Option<&Fence>) -> Option<StoreError> {
        let fence = fence?;
        let token = self.leases.get(&fence.resource).map_or(0, |kept| kept.token);
        (token != fence.token).then_some(StoreError::Fenced { token })
    }
}

/// Logs and leases in memory.
#[derive(Debug)]
pub struct MemoryStore {
    held: Mutex<Held>,
    clock: Arc<dyn Clock>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// An empty store; its leases expire by the machine's clock.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// An empty store whose leases expire by this clock.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self { held: Mutex::default(), clock }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what became of a lease that is still this one.
    fn changed(&self, lease: &Lease, change: impl Fn(&Kept) -> Option<Kept>) -> bool {
        let mut held = self.held();
        let Some(kept) = held.leases.get_mut(&lease.resource) else { return false };
        change(kept).is_some_and(|next| {
            *kept = next;
            true
        })
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn append(
        &self,
        collaboration: &CollaborationId,
        expected: &Head,
        appended: Appended,
        fence: Option<&Fence>,
    ) -> Result<u64, StoreError> {
        let mut held = self.held();
        if let Some(error) = held.refused(fence) {
            return Err(error);
        }
        let found = held.log(collaboration, Log::head).unwrap_or_default();
        if found != *expected {
            return Err(StoreError::Conflict { size: found.size });
        }
        let log = held.logs.entry(collaboration.clone()).or_default();
        log.leaves.extend(appended.leaves);
        log.checkpoint = Some(appended.checkpoint);
        Ok(log.leaves.len() as u64)
    }

    async fn read(
        &self,
        collaboration: &CollaborationId,
        from: u64,
        max: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let page = |log: &Log| log.leaves.iter().skip(from).take(max).cloned().collect();
        Ok(self.held().log(collaboration, page).unwrap_or_default())
    }

    async fn size(&self, collaboration: &CollaborationId) -> Result<u64, StoreError> {
        Ok(self.held().log(collaboration, |log| log.leaves.len() as u64).unwrap_or(0))
    }

    async fn head(&self, collaboration: &CollaborationId) -> Result<Head, StoreError> {
        Ok(self.held().log(collaboration, Log::head).unwrap_or_default())
    }

    async fn sizes(&self) -> Result<Vec<(CollaborationId, u64)>, StoreError> {
        let held = self.held();
        let size = |(name, log): (&CollaborationId, &Log)| (name.clone(), log.leaves.len() as u64);
        Ok(held.logs.iter().map(size).collect())
    }

    async fn mark(&self) -> Result<Option<Mark>, StoreError> {
        let leaves: usize = self.held().logs.values().map(|log| log.leaves.len()).sum();
        Ok(Some(Mark(leaves.to_string())))
    }

    async fn acquire(
        &self,
        resource: &str,
        holder: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        let (mut held, now_ms) = (self.held(), self.clock.now_ms());
        let kept = Kept::acquired(held.leases.get(resource), holder, ttl_ms(ttl), now_ms);
        Ok(kept.map(|kept| {
            let token = kept.token;
            held.leases.insert(resource.to_owned(), kept);
            Lease { resource: resource.to_owned(), holder: holder.to_owned(), token }
        }))
    }

    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<bool, StoreError> {
        let now_ms = self.clock.now_ms();
        Ok(self.changed(lease, |kept| kept.renewed(lease, ttl_ms(ttl), now_ms)))
    }

    async fn leases(&self, prefix: &str) -> Result<Vec<Lease>, StoreError> {
        let (held, now_ms) = (self.held(), self.clock.now_ms());
        let named = held.leases.iter().filter(|(resource, _)| resource.starts_with(prefix));
        Ok(named.filter_map(|(resource, kept)| kept.held(resource, now_ms)).collect())
    }

    async fn release(&self, lease: &Lease) -> Result<bool, StoreError> {
        Ok(self.changed(lease, |kept| kept.released(lease)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::FixedClock;

    #[tokio::test]
    async fn conforms() {
        let clock = Arc::new(FixedClock::default());
        let store: Arc<dyn Store> =
            Arc::new(MemoryStore::with_clock(Arc::<FixedClock>::clone(&clock)));
        // Reopening a memory store is holding on to it.
        let open = || std::future::ready(Arc::clone(&store));
        let pass = async |by| clock.step(i64::try_from(Duration::as_millis(&by)).unwrap());
        crate::store::suite::conforms(open, pass).await;
        crate::store::suite::clock_steps_do_no_harm(open, async |by_ms| clock.step(by_ms)).await;
    }
}
