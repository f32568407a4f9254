//! The addresses that a name leads to. Must not know which of them may be asked.

use futures::future::BoxFuture;
use std::fmt::Debug;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Names that are looked up at a time. A resolver that is stuck holds its place, however soon it is given up on.
const LOOKED_UP_MAX: usize = 8;

/// Says where a name leads.
pub(super) trait Names: Debug + Send + Sync {
    /// All its addresses; none where it has none, or that can't be told.
    fn addresses(&self, name: String) -> BoxFuture<'static, Vec<IpAddr>>;
}

/// The machine's resolver.
#[derive(Debug)]
pub(super) struct Machine(Arc<Semaphore>);

impl Default for Machine {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(LOOKED_UP_MAX)))
    }
}

impl Names for Machine {
    fn addresses(&self, name: String) -> BoxFuture<'static, Vec<IpAddr>> {
        let places = Arc::clone(&self.0);
        Box::pin(async move {
            let Ok(place) = places.acquire_owned().await else { return Vec::new() };
            // A task of its own: the thread that asks is busy until it has an answer, also when nobody waits any more.
            let asked = tokio::spawn(async move {
                let found = tokio::net::lookup_host((name, 0)).await;
                drop(place);
                found.map(|all| all.map(|one| one.ip()).collect()).unwrap_or_default()
            });
            asked.await.unwrap_or_default()
        })
    }
}
