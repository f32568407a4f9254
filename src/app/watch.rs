//! What whoever watches runs asks, once for all runs of a process: how long every log is, and what is withdrawn and not on record. A run
//! reads its log when that says that something happened to it, and now and then anyway. Must not know what is watched for.

use crate::home::Home;
use crate::store::{Grown, Mark, Store};
use mappings::model::CollaborationId;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// One answer is good for as long.
const GOOD_FOR: Duration = Duration::from_millis(25);
/// A log is read after this, whatever is said of it: it may have been put back.
const READ_EVERY: Duration = Duration::from_secs(1);

/// How far a log is: its length, and what of it is withdrawn and not on record.
type Standing = (u64, usize);

#[derive(Debug, Default)]
struct Answer {
    at: Option<Instant>,
    mark: Option<Mark>,
    sizes: BTreeMap<CollaborationId, u64>,
    pending: BTreeMap<CollaborationId, usize>,
}

/// The same.
#[derive(Debug, Default)]
pub(super) struct Watch(Mutex<Answer>);

/// What one run knows of its log.
#[derive(Debug, Default)]
pub(crate) struct Watched(Option<(Standing, Instant)>);

impl Watch {
    /// Whether a log had better be read: something happened to it, it was not read for long, or nobody knows.
    pub(super) async fn is_due(
        &self,
        (store, home): (&dyn Store, &Home),
        collaboration: &CollaborationId,
        watched: &mut Watched,
    ) -> bool {
        let mut answer = self.0.lock().await;
        if answer.at.is_none_or(|at| at.elapsed() >= GOOD_FOR) && !answer.asked(store, home).await {
            *answer = Answer::default();
            watched.0 = None;
            return true;
        }
        let size = answer.sizes.get(collaboration).copied().unwrap_or_default();
        let standing = (size, answer.pending.get(collaboration).copied().unwrap_or_default());
        let known = watched.0.filter(|(seen, at)| *seen == standing && at.elapsed() < READ_EVERY);
        if known.is_none() {
            watched.0 = Some((standing, Instant::now()));
        }
        known.is_none()
    }
}

impl Answer {
    /// Asks anew. Whether it was answered.
    async fn asked(&mut self, store: &dyn Store, home: &Home) -> bool {
        let begun = Instant::now();
        let Ok(Grown { mark, sizes }) = store.sizes_since(self.mark.as_ref()).await else {
            return false;
        };
        if let Some(sizes) = sizes {
            self.sizes = sizes.into_iter().collect();
        }
        let Ok(pending) = home.withdrawals() else { return false };
        self.pending.clear();
        for one in pending {
            *self.pending.entry(one.leaf.collaboration).or_default() += 1;
        }
        (self.at, self.mark) = (Some(begun), mark);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Actor, Body, Leaf, Pending, Revocable};
    use crate::store::{Appended, ClosedStore, MemoryStore, StoreError};

    fn named(name: &str) -> CollaborationId {
        CollaborationId::new(name).unwrap()
    }

    async fn grow(store: &MemoryStore, name: &str) {
        let head = store.head(&named(name)).await.unwrap();
        let appended = Appended::new(vec![vec![1]], format!("{}", head.size + 1));
        store.append(&named(name), &head, appended, None).await.unwrap();
    }

    fn withdrawn(name: &str) -> Pending {
        let by = "grocer".parse().unwrap();
        let body = Body::Revoked { by, what: Revocable::Room };
        let actor = Actor::Member("grocer".parse().unwrap());
        let leaf = Leaf { actor, at_ms: 1, body, collaboration: named(name), signature: None };
        Pending { leaf, since: None }
    }

    #[tokio::test]
    async fn a_log_is_read_when_something_happened_to_it_and_not_when_it_did_to_another() {
        let folder = tempfile::tempdir().unwrap();
        let (home, store) = (Home::open(folder.path()).unwrap(), MemoryStore::new());
        let (watch, mut one) = (Watch::default(), Watched::default());
        let (store, home) = (&store, &home);
        grow(store, "one").await;
        let mut due = async || {
            tokio::time::sleep(GOOD_FOR).await;
            watch.is_due((store, home), &named("one"), &mut one).await
        };
        assert!(due().await, "it was never read");
        assert!(!due().await);
        grow(store, "other").await;
        assert!(!due().await, "another's");
        grow(store, "one").await;
        assert!(due().await);
        home.reserve(&withdrawn("other")).unwrap();
        assert!(!due().await);
        home.reserve(&withdrawn("one")).unwrap();
        assert!(due().await, "withdrawn, and not on record");
        assert!(!due().await);
        tokio::time::sleep(READ_EVERY).await;
        assert!(due().await, "it may have been put back");
    }

    #[tokio::test]
    async fn what_nobody_knows_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let store = ClosedStore(StoreError::Unavailable);
        let (watch, mut one) = (Watch::default(), Watched::default());
        for _ in 0..3 {
            assert!(watch.is_due((&store, &home), &named("one"), &mut one).await);
        }
    }

    #[tokio::test]
    async fn one_answer_serves_a_thousand() {
        let folder = tempfile::tempdir().unwrap();
        let (home, store) = (Home::open(folder.path()).unwrap(), MemoryStore::new());
        grow(&store, "one").await;
        let watch = Watch::default();
        let begun = Instant::now();
        assert!(watch.is_due((&store, &home), &named("one"), &mut Watched::default()).await);
        let asked = watch.0.lock().await.at;
        for _ in 0..1_000 {
            watch.is_due((&store, &home), &named("one"), &mut Watched::default()).await;
        }
        let again = watch.0.lock().await.at;
        assert!(asked == again || begun.elapsed() >= GOOD_FOR, "asked again before its time");
    }
}
