//! A run's lease: as long as it is held, the run is somebody's, and no other gateway of the log settles it. A run's end is told by the
//! log, not by this: whoever lost its lease finds there what became of its run.

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
const RENEW_EVERY: Duration = Duration::from_secs(20);

/// Held and renewed until it is dropped; given back by [`RunLease::release`].
#[derive(Debug)]
pub(super) struct RunLease {
    lease: Lease,
    store: Arc<dyn Store>,
    renewing: JoinHandle<()>,
}

impl RunLease {
    /// What a record under this lease carries.
    pub(super) fn fence(&self) -> Fence {
        self.lease.fence()
    }

    /// Gives it back. Where that fails, it expires.
    pub(super) async fn release(&self) {
        self.renewing.abort();
        if let Err(error) = self.store.release(&self.lease).await {
            tracing::debug!(code = error.code(), "a run's lease is left to expire");
        }
    }
}

impl Drop for RunLease {
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
    ) -> Result<Option<RunLease>> {
        let resource = format!("run/{collaboration}/{run}");
        let holder = self.home.holder()?;
        let acquired = self.store.acquire(&resource, &holder, RUN_FOR).await;
        let Some(lease) = acquired.map_err(|error| Error::from(LogError::from(error)))? else {
            return Ok(None);
        };
        let renewing = tokio::spawn(renewed(Arc::clone(&self.store), lease.clone()));
        Ok(Some(RunLease { lease, store: Arc::clone(&self.store), renewing }))
    }
}

/// Renews a lease for as long as it is held. A store that can't be reached is asked again.
async fn renewed(store: Arc<dyn Store>, lease: Lease) {
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        if matches!(store.renew(&lease, RUN_FOR).await, Ok(false)) {
            return;
        }
    }
}
