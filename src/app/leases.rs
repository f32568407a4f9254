//! Leases that are renewed for as long as they are held: a run's, which is somebody's as long as that, so that no other gateway of the log
//! settles it; and those under which a command works on rooms. A run's end is told by the log, not by this: whoever lost its lease finds
//! there what became of its run.

use super::App;
use crate::error::{Error, Result};
use crate::log::LogError;
use crate::store::{Fence, Lease, Store};
use mappings::model::{CollaborationId, RunId};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// After this long without a word from its process, a run is taken for interrupted by every gateway.
const RUN_FOR: Duration = Duration::from_mins(1);

/// Held and renewed until it is dropped; given back by [`RenewedLease::release`].
#[derive(Debug)]
pub(super) struct RenewedLease {
    lease: Lease,
    store: Arc<dyn Store>,
    renewing: JoinHandle<()>,
}

impl RenewedLease {
    /// Renews a lease three times within the time it is for.
    pub(super) fn new(store: &Arc<dyn Store>, lease: Lease, ttl: Duration) -> Self {
        let renewing = tokio::spawn(renewed(Arc::clone(store), lease.clone(), ttl));
        Self { lease, store: Arc::clone(store), renewing }
    }

    /// What a record under this lease carries.
    pub(super) fn fence(&self) -> Fence {
        self.lease.fence()
    }

    /// Gives it back. Where that fails, it expires.
    pub(super) async fn release(&self) {
        self.renewing.abort();
        if let Err(error) = self.store.release(&self.lease).await {
            tracing::debug!(code = error.code(), "a lease is left to expire");
        }
    }
}

impl Drop for RenewedLease {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

impl App {
    /// The lease of a run, for this gateway: `None` when another's process works on it, or did so a moment ago. Whether a process of
    /// this gateway itself does is told by the run's claim.
    pub(super) async fn lease(
        &self,
        collaboration: &CollaborationId,
        run: &RunId,
    ) -> Result<Option<RenewedLease>> {
        let resource = format!("run/{collaboration}/{run}");
        self.renewed(&resource, &self.home.holder()?, RUN_FOR).await
    }

    /// A lease that is renewed; `None` while somebody else holds it.
    pub(super) async fn renewed(
        &self,
        resource: &str,
        holder: &str,
        ttl: Duration,
    ) -> Result<Option<RenewedLease>> {
        let acquired = self.store.acquire(resource, holder, ttl).await;
        let lease = acquired.map_err(|error| Error::from(LogError::from(error)))?;
        Ok(lease.map(|lease| RenewedLease::new(&self.store, lease, ttl)))
    }
}

/// Renews a lease for as long as it is held. A store that can't be reached is asked again.
async fn renewed(store: Arc<dyn Store>, lease: Lease, ttl: Duration) {
    loop {
        tokio::time::sleep(ttl / 3).await;
        match store.renew(&lease, ttl).await {
            Ok(true) => {}
            Ok(false) => return tracing::warn!(resource = lease.resource, "a lease was lost"),
            Err(error) => tracing::warn!(code = error.code(), "a lease was not renewed"),
        }
    }
}
