//! The store of a world: the product's own memory store under a clock of its own, with every change kept so that an older copy can
//! be put back; and a worker's end of it, where each call is the world's to answer.

use crate::wire::{Answer, Ask, StoreAsk, Stored, Wire};
use airlock::clock::FixedClock;
use airlock::store::{
    Appended, Fence, Head, Lease, MemoryStore, Parties, Spent, Stands, Store, StoreError,
};
use async_trait::async_trait;
use mappings::model::{CollaborationId, MemberId};
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A worker's store.
#[derive(Debug)]
pub(crate) struct SimStore(pub(crate) Wire);

impl SimStore {
    async fn ask(&self, ask: StoreAsk) -> Result<Stored, StoreError> {
        match self.0.call(Ask::Store(ask)).await {
            Answer::Store(stored) => stored,
            _ => Err(StoreError::Corrupt),
        }
    }
}

fn millis(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX)
}

#[async_trait]
impl Store for SimStore {
    async fn append(
        &self,
        collaboration: &CollaborationId,
        expected: &Head,
        appended: Appended,
        fence: Option<&Fence>,
    ) -> Result<u64, StoreError> {
        let (log, expected, fence) = (collaboration.clone(), expected.clone(), fence.cloned());
        let appended = Box::new(appended);
        match self.ask(StoreAsk::Append { log, expected, appended, fence }).await? {
            Stored::Size(size) => Ok(size),
            _ => Err(StoreError::Corrupt),
        }
    }

    async fn read(
        &self,
        collaboration: &CollaborationId,
        from: u64,
        max: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        match self.ask(StoreAsk::Read { log: collaboration.clone(), from, max }).await? {
            Stored::Leaves(leaves) => Ok(leaves),
            _ => Err(StoreError::Corrupt),
        }
    }

    async fn size(&self, collaboration: &CollaborationId) -> Result<u64, StoreError> {
        match self.ask(StoreAsk::Size(collaboration.clone())).await? {
            Stored::Size(size) => Ok(size),
            _ => Err(StoreError::Corrupt),
        }
    }

    async fn head(&self, collaboration: &CollaborationId) -> Result<Head, StoreError> {
        match self.ask(StoreAsk::Head(collaboration.clone())).await? {
            Stored::Head(head) => Ok(head),
            _ => Err(StoreError::Corrupt),
        }
    }

    async fn sizes(&self) -> Result<Vec<(CollaborationId, u64)>, StoreError> {
        match self.ask(StoreAsk::Sizes).await? {
            Stored::Sizes(sizes) => Ok(sizes),
            _ => Err(StoreError::Corrupt),
        }
    }

    async fn logs_of(
        &self,
        tenant: &MemberId,
        after: Option<&CollaborationId>,
        max: usize,
    ) -> Result<Vec<(CollaborationId, Stands)>, StoreError> {
        let (tenant, after) = (tenant.clone(), after.cloned());
        match self.ask(StoreAsk::LogsOf { tenant, after, max }).await? {
            Stored::LogsOf(logs) => Ok(logs),
            _ => Err(StoreError::Corrupt),
        }
    }

    async fn stands(
        &self,
        collaboration: &CollaborationId,
        tenant: &MemberId,
    ) -> Result<Option<Stands>, StoreError> {
        let (log, tenant) = (collaboration.clone(), tenant.clone());
        match self.ask(StoreAsk::Stands { log, tenant }).await? {
            Stored::Stands(stands) => Ok(stands),
            _ => Err(StoreError::Corrupt),
        }
    }

    async fn unprojected(
        &self,
        after: Option<&CollaborationId>,
        max: usize,
    ) -> Result<Vec<CollaborationId>, StoreError> {
        match self.ask(StoreAsk::Unprojected { after: after.cloned(), max }).await? {
            Stored::Named(logs) => Ok(logs),
            _ => Err(StoreError::Corrupt),
        }
    }

    async fn project(
        &self,
        collaboration: &CollaborationId,
        size: u64,
        parties: &Parties,
    ) -> Result<bool, StoreError> {
        let (log, parties) = (collaboration.clone(), parties.clone());
        match self.ask(StoreAsk::Project { log, size, parties }).await? {
            Stored::Projected(done) => Ok(done),
            _ => Err(StoreError::Corrupt),
        }
    }

    async fn spent(&self, scope: &[u8; 32]) -> Result<Option<Spent>, StoreError> {
        match self.ask(StoreAsk::Spent(*scope)).await? {
            Stored::Spent(spent) => Ok(spent),
            _ => Err(StoreError::Corrupt),
        }
    }

    async fn acquire(
        &self,
        resource: &str,
        holder: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        let (resource, holder) = (resource.to_owned(), holder.to_owned());
        match self.ask(StoreAsk::Acquire { resource, holder, ttl_ms: millis(ttl) }).await? {
            Stored::Lease(lease) => Ok(lease),
            _ => Err(StoreError::Corrupt),
        }
    }

    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<bool, StoreError> {
        let ask = StoreAsk::Renew { lease: lease.clone(), ttl_ms: millis(ttl) };
        match self.ask(ask).await? {
            Stored::Held(held) => Ok(held),
            _ => Err(StoreError::Corrupt),
        }
    }

    async fn leases(&self, prefix: &str) -> Result<Vec<Lease>, StoreError> {
        match self.ask(StoreAsk::Leases(prefix.to_owned())).await? {
            Stored::Leases(leases) => Ok(leases),
            _ => Err(StoreError::Corrupt),
        }
    }

    async fn release(&self, lease: &Lease) -> Result<bool, StoreError> {
        match self.ask(StoreAsk::Release(lease.clone())).await? {
            Stored::Held(held) => Ok(held),
            _ => Err(StoreError::Corrupt),
        }
    }
}

/// What the store truly holds.
#[derive(Debug)]
pub(crate) struct StoreTruth {
    clock: Arc<FixedClock>,
    memory: MemoryStore,
    /// Every change that was made, and when by the store's clock.
    changes: Vec<(i64, StoreAsk)>,
    /// How far the store's clock is off.
    pub(crate) skew_ms: i64,
    /// What was there before an older copy was put in its place.
    newer: Option<Vec<(i64, StoreAsk)>>,
    /// How many changes an older copy began with.
    kept: usize,
    pub(crate) down_until: i64,
    pub(crate) full_until: i64,
}

const fn is_append(ask: &StoreAsk) -> bool {
    matches!(ask, StoreAsk::Append { .. })
}

/// What is answered at once, as everything in memory is.
pub(crate) fn now<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

impl StoreTruth {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(FixedClock::default());
        let memory = MemoryStore::with_clock(Arc::<FixedClock>::clone(&clock));
        let (changes, newer) = (Vec::new(), None);
        Self { clock, memory, changes, skew_ms: 0, newer, kept: 0, down_until: 0, full_until: 0 }
    }

    /// Does what is asked.
    pub(crate) fn enact(&mut self, ask: &StoreAsk, now_ms: i64) -> Result<Stored, StoreError> {
        let changes = matches!(
            ask,
            StoreAsk::Append { .. }
                | StoreAsk::Project { .. }
                | StoreAsk::Acquire { .. }
                | StoreAsk::Renew { .. }
                | StoreAsk::Release(_)
        );
        if now_ms < self.down_until {
            return Err(StoreError::Unavailable);
        }
        if changes && now_ms < self.full_until {
            return Err(StoreError::Full);
        }
        let at_ms = now_ms.saturating_add(self.skew_ms);
        self.clock.set(at_ms);
        let done = run(&self.memory, ask);
        if changes && done.is_ok() {
            self.changes.push((at_ms, ask.clone()));
        }
        done
    }

    /// The store itself, once nothing happens any more.
    pub(crate) fn take_memory(&mut self) -> MemoryStore {
        let clock: Arc<FixedClock> = Arc::clone(&self.clock);
        std::mem::replace(&mut self.memory, MemoryStore::with_clock(clock))
    }

    /// How long a log is.
    pub(crate) fn size(&self, log: &CollaborationId) -> u64 {
        now(self.memory.size(log)).and_then(Result::ok).unwrap_or(0)
    }

    /// Puts an older copy back, in which the last `lost` appends never were; the leases stay as they are. Whether it differs.
    pub(crate) fn restore(&mut self, lost: usize) -> bool {
        if self.newer.is_some() {
            return false;
        }
        let appends = self.changes.iter().filter(|(_, ask)| is_append(ask)).count();
        let left = appends.saturating_sub(lost);
        if left == 0 || lost == 0 {
            return false;
        }
        let mut seen = 0;
        let mut older = Vec::new();
        for (at_ms, ask) in &self.changes {
            seen += usize::from(is_append(ask));
            if !is_append(ask) || seen <= left {
                older.push((*at_ms, ask.clone()));
            }
        }
        self.kept = older.len();
        self.newer = Some(std::mem::replace(&mut self.changes, older));
        self.rebuild();
        true
    }

    /// Puts the newer copy in its place again. Nothing that was appended in between stays.
    pub(crate) fn repair(&mut self) -> bool {
        let Some(newer) = self.newer.take() else { return false };
        // Leases that were given out in between stay given out.
        let older = std::mem::take(&mut self.changes);
        let leases = older.into_iter().skip(self.kept).filter(|(_, ask)| !is_append(ask));
        self.changes = newer.into_iter().chain(leases).collect();
        self.rebuild();
        true
    }

    pub(crate) fn is_older(&self) -> bool {
        self.newer.is_some()
    }

    fn rebuild(&mut self) {
        self.memory = MemoryStore::with_clock(Arc::<FixedClock>::clone(&self.clock));
        for (at_ms, ask) in &self.changes {
            self.clock.set(*at_ms);
            // A fence was good when it was checked.
            let ask = match ask.clone() {
                StoreAsk::Append { log, expected, appended, .. } => {
                    StoreAsk::Append { log, expected, appended, fence: None }
                }
                other => other,
            };
            let _ = run(&self.memory, &ask);
        }
    }
}

fn run(memory: &MemoryStore, ask: &StoreAsk) -> Result<Stored, StoreError> {
    let ttl = |ttl_ms: u64| Duration::from_millis(ttl_ms);
    let answered = match ask {
        StoreAsk::Append { log, expected, appended, fence } => {
            now(memory.append(log, expected, Appended::clone(appended), fence.as_ref()))
                .map(|size| size.map(Stored::Size))
        }
        StoreAsk::Read { log, from, max } => {
            now(memory.read(log, *from, *max)).map(|leaves| leaves.map(Stored::Leaves))
        }
        StoreAsk::Size(log) => now(memory.size(log)).map(|size| size.map(Stored::Size)),
        StoreAsk::Head(log) => now(memory.head(log)).map(|head| head.map(Stored::Head)),
        StoreAsk::Sizes => now(memory.sizes()).map(|sizes| sizes.map(Stored::Sizes)),
        StoreAsk::Acquire { resource, holder, ttl_ms } => {
            now(memory.acquire(resource, holder, ttl(*ttl_ms)))
                .map(|lease| lease.map(Stored::Lease))
        }
        StoreAsk::Renew { lease, ttl_ms } => {
            now(memory.renew(lease, ttl(*ttl_ms))).map(|held| held.map(Stored::Held))
        }
        StoreAsk::Leases(prefix) => {
            now(memory.leases(prefix)).map(|leases| leases.map(Stored::Leases))
        }
        StoreAsk::Release(lease) => now(memory.release(lease)).map(|held| held.map(Stored::Held)),
        StoreAsk::LogsOf { tenant, after, max } => {
            now(memory.logs_of(tenant, after.as_ref(), *max)).map(|logs| logs.map(Stored::LogsOf))
        }
        StoreAsk::Stands { log, tenant } => {
            now(memory.stands(log, tenant)).map(|stands| stands.map(Stored::Stands))
        }
        StoreAsk::Unprojected { after, max } => {
            now(memory.unprojected(after.as_ref(), *max)).map(|logs| logs.map(Stored::Named))
        }
        StoreAsk::Project { log, size, parties } => {
            now(memory.project(log, *size, parties)).map(|done| done.map(Stored::Projected))
        }
        StoreAsk::Spent(scope) => now(memory.spent(scope)).map(|spent| spent.map(Stored::Spent)),
    };
    answered.unwrap_or(Err(StoreError::Unavailable))
}
