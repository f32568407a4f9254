//! One turn of a worker at one platform: its lease, then a pass under its fence; without the lease a pass that only takes away, or
//! none. The same for every way of making a pass.

use crate::adapter::SimAdapter;
use crate::pass::{Memory, Report, pass};
use airlock::clock::Clock;
use airlock::log::AgreementLog;
use airlock::store::{Fence, Lease, Store};
use mappings::model::CollaborationId;
use std::sync::Arc;
use std::time::Duration;

/// How long leases are.
pub(crate) const TTL: Duration = Duration::from_secs(15);

/// What a turn is made of.
pub(crate) struct Turn {
    pub(crate) log: Arc<AgreementLog>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) adapter: Arc<SimAdapter>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) collaboration: CollaborationId,
    pub(crate) resource: String,
    pub(crate) holder: String,
    pub(crate) lease: Option<Lease>,
    pub(crate) memory: Memory,
    /// Whether it looks without the lease, to take away what has to go.
    pub(crate) anyway: bool,
}

/// What became of it.
pub(crate) struct End {
    pub(crate) lease: Option<Lease>,
    pub(crate) memory: Memory,
    /// Nothing of a turn that was somebody else's.
    pub(crate) report: Option<Report>,
    /// Whether it was made under the lease: else nothing that was seen could be written down.
    pub(crate) leased: bool,
}

impl Turn {
    pub(crate) async fn take(mut self) -> End {
        let lease = self.leased().await;
        if lease.is_none() && !self.anyway {
            return End { lease, memory: self.memory, report: None, leased: false };
        }
        let leased = lease.is_some();
        let fence = lease.as_ref().map(Lease::fence);
        let mut memory = std::mem::take(&mut self.memory);
        let report = self.pass(fence.as_ref(), &mut memory).await;
        let lease = match lease {
            Some(lease) if report.rests => {
                let _ = self.store.release(&lease).await;
                None
            }
            other => other,
        };
        End { lease, memory, report: Some(report), leased }
    }

    async fn pass(&self, fence: Option<&Fence>, memory: &mut Memory) -> Report {
        pass(self, fence, memory).await
    }

    async fn leased(&mut self) -> Option<Lease> {
        if let Some(lease) = self.lease.take()
            && matches!(self.store.renew(&lease, TTL).await, Ok(true))
        {
            return Some(lease);
        }
        self.store.acquire(&self.resource, &self.holder, TTL).await.ok().flatten()
    }
}
