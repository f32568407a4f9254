//! The store that forgets: for tests and simulation, exact in everything but durability.

use super::lease::{Kept, ttl_ms};
use super::once::{KEPT_MS, SWEPT_MAX};
use super::waiting::WAITS_MS;
use super::{
    Appended, Fence, Head, Lease, Mark, Once, Parties, Second, Spent, Stands, Store, StoreError,
    Waiting, Waits,
};
use crate::clock::{Clock, SystemClock};
use async_trait::async_trait;
use mappings::model::{CollaborationId, MemberId};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Debug, Default)]
struct Log {
    leaves: Vec<Vec<u8>>,
    checkpoint: Option<String>,
    parties: Parties,
    /// How long the log was that the parties are of.
    projected: u64,
}

impl Log {
    fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    fn append(&mut self, appended: Appended) {
        let known = self.projected == self.size();
        self.leaves.extend(appended.leaves);
        self.checkpoint = Some(appended.checkpoint);
        if known || appended.parties.is_some() {
            self.projected = self.size();
        }
        self.parties = appended.parties.unwrap_or_else(|| std::mem::take(&mut self.parties));
    }

    fn head(&self) -> Head {
        Head { size: self.size(), checkpoint: self.checkpoint.clone() }
    }
}

/// The keys that were spent.
#[derive(Debug, Default)]
struct Keys {
    spent: BTreeMap<[u8; 32], (Spent, i64)>,
    /// Those that go with no append, and when they are over.
    alone: BTreeMap<[u8; 32], i64>,
    /// The same, by when they are over.
    ends: BTreeSet<(i64, [u8; 32])>,
}

impl Keys {
    fn spent(&self, scope: &[u8; 32], now_ms: i64) -> Option<&Spent> {
        self.spent.get(scope).filter(|(_, until_ms)| *until_ms > now_ms).map(|(spent, _)| spent)
    }

    fn spend(&mut self, scope: [u8; 32], spent: Spent, now_ms: i64) {
        let until_ms = now_ms.saturating_add(KEPT_MS);
        if let Some((_, before)) = self.spent.insert(scope, (spent, until_ms)) {
            self.ends.remove(&(before, scope));
        }
        self.ends.insert((until_ms, scope));
        for _ in 0..SWEPT_MAX {
            let Some((_, scope)) = self.ends.first().filter(|(end, _)| *end <= now_ms) else {
                break;
            };
            self.spent.remove(scope);
            self.ends.pop_first();
        }
    }
}

impl Keys {
    fn spend_alone(&mut self, scope: [u8; 32], now_ms: i64) -> bool {
        self.alone.retain(|_, until_ms| *until_ms > now_ms);
        self.alone.insert(scope, now_ms.saturating_add(KEPT_MS)).is_none()
    }
}

#[derive(Debug, Default)]
struct Held {
    logs: BTreeMap<CollaborationId, Log>,
    leases: BTreeMap<String, Kept>,
    keys: Keys,
    waiting: BTreeMap<Waited, Waits>,
}

/// Where, in whose name and what.
type Waited = (CollaborationId, MemberId, [u8; 32]);

impl Held {
    /// Whether what this second person seconds waits for one.
    fn seconded(&self, of: &CollaborationId, second: &Second, now_ms: i64) -> bool {
        let waited = (of.clone(), second.tenant.clone(), second.fingerprint);
        let waits = self.waiting.get(&waited);
        waits.is_some_and(|waits| waits.until_ms > now_ms && waits.waiting.by != second.by)
    }

    fn log<T>(&self, collaboration: &CollaborationId, read: impl Fn(&Log) -> T) -> Option<T> {
        self.logs.get(collaboration).map(read)
    }

    fn after(
        &self,
        after: Option<&CollaborationId>,
    ) -> impl Iterator<Item = (&CollaborationId, &Log)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.logs.range::<CollaborationId, _>((from, Bound::Unbounded))
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
    /// An empty store; its leases and keys expire by the machine's clock.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// An empty store whose leases and keys expire by this clock.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self { held: Mutex::default(), clock }
    }

    /// Every log is as if it had been appended to before parties were kept.
    #[cfg(all(test, feature = "gateway"))]
    pub(crate) fn forget_parties(&self) {
        for log in self.held().logs.values_mut() {
            (log.parties, log.projected) = (Parties::new(), 0);
        }
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
        let (mut held, now_ms) = (self.held(), self.clock.now_ms());
        let is_spent = |once: &Once| held.keys.spent(&once.scope, now_ms).is_some();
        if appended.once.as_ref().is_some_and(is_spent) {
            return Err(StoreError::Repeated);
        }
        let seconded = |second: &Second| held.seconded(collaboration, second, now_ms);
        if !appended.second.as_ref().is_none_or(seconded) {
            return Err(StoreError::Unseconded);
        }
        if let Some(error) = held.refused(fence) {
            return Err(error);
        }
        let found = held.log(collaboration, Log::head).unwrap_or_default();
        if found != *expected {
            return Err(StoreError::Conflict { size: found.size });
        }
        let (once, count) = (appended.once, appended.leaves.len() as u64);
        if let Some(Second { tenant, fingerprint, .. }) = appended.second.clone() {
            held.waiting.remove(&(collaboration.clone(), tenant, fingerprint));
        }
        let log = held.logs.entry(collaboration.clone()).or_default();
        log.append(appended);
        let size = log.size();
        if let Some(Once { scope, fingerprint }) = once {
            let (collaboration, index) = (collaboration.clone(), found.size);
            let spent = Spent { collaboration, index, count, fingerprint };
            held.keys.spend(scope, spent, now_ms);
        }
        Ok(size)
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
        Ok(self.held().log(collaboration, Log::size).unwrap_or(0))
    }

    async fn head(&self, collaboration: &CollaborationId) -> Result<Head, StoreError> {
        Ok(self.held().log(collaboration, Log::head).unwrap_or_default())
    }

    async fn sizes(&self) -> Result<Vec<(CollaborationId, u64)>, StoreError> {
        let held = self.held();
        let size = |(name, log): (&CollaborationId, &Log)| (name.clone(), log.size());
        Ok(held.logs.iter().map(size).collect())
    }

    async fn mark(&self) -> Result<Option<Mark>, StoreError> {
        let leaves: usize = self.held().logs.values().map(|log| log.leaves.len()).sum();
        Ok(Some(Mark(leaves.to_string())))
    }

    async fn logs_of(
        &self,
        tenant: &MemberId,
        after: Option<&CollaborationId>,
        max: usize,
    ) -> Result<Vec<(CollaborationId, Stands)>, StoreError> {
        let held = self.held();
        let stands = |(name, log): (&CollaborationId, &Log)| {
            log.parties.get(tenant).map(|stands| (name.clone(), *stands))
        };
        Ok(held.after(after).filter_map(stands).take(max).collect())
    }

    async fn stands(
        &self,
        collaboration: &CollaborationId,
        tenant: &MemberId,
    ) -> Result<Option<Stands>, StoreError> {
        Ok(self.held().log(collaboration, |log| log.parties.get(tenant).copied()).flatten())
    }

    async fn unprojected(
        &self,
        after: Option<&CollaborationId>,
        max: usize,
    ) -> Result<Vec<CollaborationId>, StoreError> {
        let held = self.held();
        let behind = held.after(after).filter(|(_, log)| log.projected != log.size());
        Ok(behind.map(|(name, _)| name.clone()).take(max).collect())
    }

    async fn project(
        &self,
        collaboration: &CollaborationId,
        size: u64,
        parties: &Parties,
    ) -> Result<bool, StoreError> {
        let mut held = self.held();
        let log = held.logs.get_mut(collaboration).filter(|log| log.size() == size);
        Ok(log.is_some_and(|log| {
            (log.parties, log.projected) = (parties.clone(), size);
            true
        }))
    }

    async fn spent(&self, scope: &[u8; 32]) -> Result<Option<Spent>, StoreError> {
        Ok(self.held().keys.spent(scope, self.clock.now_ms()).cloned())
    }

    async fn wait(&self, waiting: &Waiting) -> Result<(), StoreError> {
        let (mut held, now_ms) = (self.held(), self.clock.now_ms());
        held.waiting.retain(|_, waits| waits.until_ms > now_ms);
        let Waiting { collaboration, tenant, fingerprint, .. } = waiting.clone();
        let until_ms = now_ms.saturating_add(WAITS_MS);
        let waits = Waits { waiting: waiting.clone(), asked_ms: now_ms, until_ms };
        held.waiting.entry((collaboration, tenant, fingerprint)).or_insert(waits);
        Ok(())
    }

    async fn waiting(
        &self,
        collaboration: &CollaborationId,
        tenant: &MemberId,
        max: usize,
    ) -> Result<Vec<Waits>, StoreError> {
        let (held, now_ms) = (self.held(), self.clock.now_ms());
        let is_own = |waits: &&Waits| {
            let Waiting { collaboration: of, tenant: by, .. } = &waits.waiting;
            of == collaboration && by == tenant && waits.until_ms > now_ms
        };
        let mut all: Vec<Waits> = held.waiting.values().filter(is_own).cloned().collect();
        all.sort_by_key(|waits| (waits.asked_ms, waits.waiting.fingerprint));
        all.truncate(max);
        Ok(all)
    }

    async fn take_back(
        &self,
        collaboration: &CollaborationId,
        tenant: &MemberId,
        fingerprint: &[u8; 32],
    ) -> Result<bool, StoreError> {
        let (mut held, now_ms) = (self.held(), self.clock.now_ms());
        let waited = (collaboration.clone(), tenant.clone(), *fingerprint);
        Ok(held.waiting.remove(&waited).is_some_and(|waits| waits.until_ms > now_ms))
    }

    async fn spend(&self, scope: &[u8; 32]) -> Result<bool, StoreError> {
        let now_ms = self.clock.now_ms();
        Ok(self.held().keys.spend_alone(*scope, now_ms))
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
    use crate::store::suite;

    #[tokio::test]
    async fn conforms() {
        let clock = Arc::new(FixedClock::default());
        let memory = Arc::new(MemoryStore::with_clock(Arc::<FixedClock>::clone(&clock)));
        let store: Arc<dyn Store> = Arc::<MemoryStore>::clone(&memory);
        // Reopening a memory store is holding on to it.
        let open = || std::future::ready(Arc::clone(&store));
        let pass = async |by: Duration| clock.step(i64::try_from(by.as_millis()).unwrap());
        suite::conforms(open, pass).await;
        suite::clock_steps_do_no_harm(open, async |by_ms| clock.step(by_ms)).await;
        let count = || std::future::ready(memory.held().keys.spent.len());
        suite::keys_are_swept(&*store, pass, count).await;
        assert_eq!(memory.held().keys.ends.len(), 2);
    }
}
