//! The leases under which this gateway gives anything on platforms: all shards' for the worker, one for a command. Knows no
//! platform.

use super::App;
use crate::error::{Error, Result};
use crate::home::Working;
use crate::log::LogError;
use crate::reconcile::{Claim, claim, shard};
use crate::store::{Fence, Lease, Store, StoreError};
use mappings::model::CollaborationId;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

/// A worker that is gone holds nothing up for longer.
const TTL: Duration = Duration::from_secs(15);
/// Leases are renewed three times within that.
pub(super) const RENEW_EVERY: Duration = Duration::from_secs(5);
const SHARD: &str = "sync/shard/";
const WORKER: &str = "sync/worker/";

/// The lease on one collaboration's shard, for one command.
#[derive(Debug)]
pub(super) struct Held {
    lease: Lease,
    _working: Working,
}

/// Every lease of a worker.
#[derive(Debug)]
pub(super) struct Shards {
    working: Working,
    presence: Option<Lease>,
    mine: BTreeMap<u16, Lease>,
}

impl App {
    /// Leave to give in a collaboration's rooms. `None` while a worker has it, this folder's or another's.
    pub(super) async fn hold(&self, collaboration: &CollaborationId) -> Result<Option<Held>> {
        let Some(working) = self.home.work()? else { return Ok(None) };
        let resource = format!("{SHARD}{}", shard(collaboration));
        let lease = self.store.acquire(&resource, &working.name, TTL).await;
        let lease = lease.map_err(|error| Error::from(LogError::from(error)))?;
        Ok(lease.map(|lease| Held { lease, _working: working }))
    }

    /// Does something under a lease, which is renewed meanwhile and given back after.
    pub(super) async fn under<T>(&self, held: Held, work: impl Future<Output = T> + Send) -> T {
        let done = tokio::select! {
            done = work => done,
            never = self.renewing(&held.lease) => match never {},
        };
        if let Err(error) = self.store.release(&held.lease).await {
            tracing::warn!(code = error.code(), "a lease is left to expire");
        }
        done
    }

    async fn renewing(&self, lease: &Lease) -> Infallible {
        loop {
            tokio::time::sleep(RENEW_EVERY).await;
            if let Err(error) = self.store.renew(lease, TTL).await {
                tracing::warn!(code = error.code(), "a lease was not renewed");
            }
        }
    }

    /// The leases of a worker, none yet. Refused while another process works in this folder.
    pub(super) fn shards(&self) -> Result<Shards> {
        let working = self.home.work()?.ok_or_else(|| {
            Error::refused("worker-busy", "another process works on rooms from this folder")
                .help("that one goes on; another folder for another worker")
        })?;
        Ok(Shards { working, presence: None, mine: BTreeMap::new() })
    }
}

impl Held {
    pub(super) fn fence(&self) -> Fence {
        self.lease.fence()
    }
}

impl Shards {
    /// Renews what is held, gives back what others wait for and asks for what is free.
    pub(super) async fn beat(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        self.be_present(store).await?;
        let mut lost = Vec::new();
        for (shard, lease) in &self.mine {
            if !store.renew(lease, TTL).await? {
                lost.push(*shard);
            }
        }
        self.mine.retain(|shard, _| !lost.contains(shard));
        let alive = store.leases(WORKER).await?.len();
        let held = store.leases(SHARD).await?;
        let theirs = held.iter().filter(|lease| lease.holder != self.working.name);
        let number = |lease: &Lease| lease.resource.strip_prefix(SHARD)?.parse().ok();
        let theirs: BTreeSet<u16> = theirs.filter_map(number).collect();
        let mine: BTreeSet<u16> = self.mine.keys().copied().collect();
        let me = self.presence.as_ref().map_or(0, |lease| lease.token);
        let Claim { give_back, ask_for } = claim(alive, &mine, &theirs, me);
        for shard in give_back {
            if let Some(lease) = self.mine.remove(&shard) {
                store.release(&lease).await?;
            }
        }
        for shard in ask_for {
            let resource = format!("{SHARD}{shard}");
            if let Some(lease) = store.acquire(&resource, &self.working.name, TTL).await? {
                self.mine.insert(shard, lease);
            }
        }
        Ok(())
    }

    async fn be_present(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        if let Some(lease) = &self.presence
            && store.renew(lease, TTL).await?
        {
            return Ok(());
        }
        let resource = format!("{WORKER}{}", self.working.name);
        self.presence = store.acquire(&resource, &self.working.name, TTL).await?;
        Ok(())
    }

    /// Whose rooms this worker works on, and under which fence.
    pub(super) fn fence(&self, collaboration: &CollaborationId) -> Option<Fence> {
        self.mine.get(&shard(collaboration)).map(Lease::fence)
    }

    /// The fences of all of them, by shard.
    pub(super) fn fences(&self) -> BTreeMap<u16, Fence> {
        self.mine.iter().map(|(shard, lease)| (*shard, lease.fence())).collect()
    }

    /// Gives everything back, so that nobody waits for it to expire.
    pub(super) async fn give_back(self, store: &dyn Store) {
        for lease in self.mine.values().chain(&self.presence) {
            if let Err(error) = store.release(lease).await {
                tracing::warn!(code = error.code(), "a lease is left to expire");
            }
        }
    }
}
