//! The leases under which this gateway gives anything on platforms: all shards' for the worker, which shares them with others; one for a
//! command; those that nobody has for whoever looks at every room once. Knows no platform.

use super::App;
use super::leases::RenewedLease;
use crate::error::{Error, Result};
use crate::home::Working;
use crate::reconcile::{Claim, claim, shard};
use crate::store::{Fence, Lease, Store, StoreError};
use futures::future::join_all;
use mappings::model::CollaborationId;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;

/// A worker that is gone holds nothing up for longer.
const TTL: Duration = Duration::from_secs(15);
/// Leases are renewed three times within that.
pub(super) const RENEW_EVERY: Duration = Duration::from_secs(5);
/// A worker waits so long for a command that works from its folder.
const WAIT_MAX: Duration = Duration::from_secs(30);
const WAIT_EVERY: Duration = Duration::from_millis(200);
const SHARD: &str = "sync/shard/";
const WORKER: &str = "sync/worker/";

/// The leases of one command.
#[derive(Debug)]
pub(super) struct Held {
    leases: BTreeMap<u16, RenewedLease>,
    _working: Working,
}

/// Every lease of a worker.
#[derive(Debug)]
pub(super) struct Shards {
    working: Working,
    presence: Option<Lease>,
    mine: BTreeMap<u16, Lease>,
}

fn resource(shard: u16) -> String {
    format!("{SHARD}{shard}")
}

impl App {
    /// Leave to give in a collaboration's rooms. `None` while a worker has it, this folder's or another's.
    pub(super) async fn hold(&self, collaboration: &CollaborationId) -> Result<Option<Held>> {
        let Some(working) = self.home.work()? else { return Ok(None) };
        let shard = shard(collaboration);
        let lease = self.renewed(&resource(shard), &working.name, TTL).await?;
        let leases = lease.map(|lease| BTreeMap::from([(shard, lease)]));
        Ok(leases.map(|leases| Held { leases, _working: working }))
    }

    /// Leave to give in the rooms of these collaborations, as far as nobody else has it: a worker keeps what it has.
    pub(super) async fn hold_free(&self, of: &[CollaborationId]) -> Result<Held> {
        let working = self.working().await?;
        let shards: BTreeSet<u16> = of.iter().map(shard).collect();
        let ask = |shard: u16| {
            let name = &working.name;
            async move { (shard, self.renewed(&resource(shard), name, TTL).await) }
        };
        let mut leases = BTreeMap::new();
        for (shard, lease) in join_all(shards.into_iter().map(ask)).await {
            match lease {
                Ok(lease) => leases.extend(lease.map(|lease| (shard, lease))),
                Err(error) => tracing::warn!(code = error.code, "without leases nothing is given"),
            }
        }
        Ok(Held { leases, _working: working })
    }

    /// Does something under leases, which are given back after.
    pub(super) async fn under<T>(&self, held: Held, work: impl Future<Output = T> + Send) -> T {
        let done = work.await;
        held.give_back().await;
        done
    }

    /// The leases of a worker, none yet. Refused while another process works in this folder, and goes on.
    pub(super) async fn shards(&self) -> Result<Shards> {
        let working = self.working().await?;
        Ok(Shards { working, presence: None, mine: BTreeMap::new() })
    }

    /// Whether any worker is there; `None` where that can't be told.
    pub(super) async fn is_kept(&self) -> Option<bool> {
        let workers = self.store.leases(WORKER).await.ok()?;
        Some(!workers.is_empty())
    }

    async fn working(&self) -> Result<Working> {
        let until = Instant::now() + WAIT_MAX;
        loop {
            if let Some(working) = self.home.work()? {
                return Ok(working);
            }
            if Instant::now() >= until {
                let message = "another process works on rooms from this folder";
                return Err(Error::refused("worker-busy", message)
                    .help("that one goes on; another folder for another worker"));
            }
            tokio::time::sleep(WAIT_EVERY).await;
        }
    }
}

impl Held {
    /// Under which fence a collaboration's rooms are worked on.
    pub(super) fn fence(&self, collaboration: &CollaborationId) -> Option<Fence> {
        self.leases.get(&shard(collaboration)).map(RenewedLease::fence)
    }

    /// Gives everything back, so that nobody waits for it to expire.
    pub(super) async fn give_back(self) {
        join_all(self.leases.values().map(RenewedLease::release)).await;
    }
}

impl Shards {
    /// Renews what is held, gives back what others wait for and asks for what is free.
    pub(super) async fn beat(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        self.renew(store).await?;
        let (alive, held) = futures::try_join!(store.leases(WORKER), store.leases(SHARD))?;
        let theirs = held.iter().filter(|lease| lease.holder != self.working.name);
        let number = |lease: &Lease| lease.resource.strip_prefix(SHARD)?.parse().ok();
        let theirs: BTreeSet<u16> = theirs.filter_map(number).collect();
        let mine: BTreeSet<u16> = self.mine.keys().copied().collect();
        let me = format!("{WORKER}{}", self.working.name);
        let place = alive.iter().filter(|lease| lease.resource < me).count();
        let Claim { give_back, ask_for } = claim((place, alive.len()), &mine, &theirs);
        let given: Vec<Lease> = give_back.iter().filter_map(|one| self.mine.remove(one)).collect();
        let given = join_all(given.iter().map(|lease| store.release(lease))).await;
        let name = &self.working.name;
        let ask =
            |shard: u16| async move { (shard, store.acquire(&resource(shard), name, TTL).await) };
        let mut failed = given.into_iter().find_map(Result::err);
        for (shard, lease) in join_all(ask_for.into_iter().map(ask)).await {
            match lease {
                Ok(lease) => self.mine.extend(lease.map(|lease| (shard, lease))),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// All of them at once, and that this worker is there.
    async fn renew(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        let renewed = async |lease: &Lease| store.renew(lease, TTL).await;
        let shards = self.mine.iter().map(|(shard, lease)| {
            let renewed = renewed(lease);
            async move { (*shard, renewed.await) }
        });
        let here = async {
            if let Some(lease) = &self.presence
                && store.renew(lease, TTL).await?
            {
                return Ok(Some(lease.clone()));
            }
            let resource = format!("{WORKER}{}", self.working.name);
            store.acquire(&resource, &self.working.name, TTL).await
        };
        let (presence, shards) = futures::join!(here, join_all(shards));
        let mut failed = None;
        for (shard, held) in shards {
            match held {
                Ok(true) => {}
                Ok(false) => drop(self.mine.remove(&shard)),
                Err(error) => failed = Some(error),
            }
        }
        self.presence = presence?;
        failed.map_or(Ok(()), Err)
    }

    /// The fences of all of them, by shard.
    pub(super) fn fences(&self) -> BTreeMap<u16, Fence> {
        self.mine.iter().map(|(shard, lease)| (*shard, lease.fence())).collect()
    }

    /// Gives everything back, so that nobody waits for it to expire.
    pub(super) async fn give_back(self, store: &dyn Store) {
        let leases = self.mine.values().chain(&self.presence);
        for released in join_all(leases.map(|lease| store.release(lease))).await {
            if let Err(error) = released {
                tracing::warn!(code = error.code(), "a lease is left to expire");
            }
        }
    }
}
