//! The worker over a store that panics, is slow, or says nothing.

use super::run::END_WITHIN;
use super::*;
use crate::app::members;
use crate::home::Home;
use crate::log::{Actor, Body, Leaf, Pending, Revocable};
use crate::reconcile::schedule::{Class, Pace, Schedule};
use crate::store::{
    Appended, Head, Lease, Mark, MemoryStore, Parties, Spent, Stands, Store, StoreError,
};
use async_trait::async_trait;
use mappings::model::{Agreement, MemberId};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What a memory store does when it is asked how long a log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Well,
    Panics(&'static str),
    Takes(Duration),
    /// To what is to be appended it says nothing.
    Deaf,
    Away,
}

#[derive(Debug)]
struct Moody {
    inner: MemoryStore,
    mood: Mutex<Mood>,
    asked: AtomicUsize,
    answered: AtomicUsize,
    marked: AtomicUsize,
    listed: AtomicUsize,
}

impl Moody {
    fn new() -> Arc<Self> {
        let [asked, answered, marked, listed] = [(); 4].map(|()| AtomicUsize::new(0));
        let (inner, mood) = (MemoryStore::new(), Mutex::new(Mood::Well));
        Arc::new(Self { inner, mood, asked, answered, marked, listed })
    }

    fn is(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn here(&self) -> Result<(), StoreError> {
        if *self.mood.lock().unwrap() == Mood::Away { Err(StoreError::Unavailable) } else { Ok(()) }
    }
}

#[async_trait]
impl Store for Moody {
    async fn append(
        &self,
        collaboration: &CollaborationId,
        expected: &Head,
        appended: Appended,
        fence: Option<&Fence>,
    ) -> Result<u64, StoreError> {
        self.here()?;
        let mood = *self.mood.lock().unwrap();
        if mood == Mood::Deaf {
            std::future::pending::<()>().await;
        }
        self.inner.append(collaboration, expected, appended, fence).await
    }

    async fn read(
        &self,
        collaboration: &CollaborationId,
        from: u64,
        max: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        self.here()?;
        self.inner.read(collaboration, from, max).await
    }

    async fn size(&self, collaboration: &CollaborationId) -> Result<u64, StoreError> {
        self.here()?;
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Panics(name) => assert_ne!(collaboration.as_str(), name),
            Mood::Takes(time) => tokio::time::sleep(time).await,
            Mood::Well | Mood::Deaf | Mood::Away => {}
        }
        self.answered.fetch_add(1, Ordering::SeqCst);
        self.inner.size(collaboration).await
    }

    async fn head(&self, collaboration: &CollaborationId) -> Result<Head, StoreError> {
        self.here()?;
        self.inner.head(collaboration).await
    }

    async fn sizes(&self) -> Result<Vec<(CollaborationId, u64)>, StoreError> {
        self.here()?;
        self.listed.fetch_add(1, Ordering::SeqCst);
        self.inner.sizes().await
    }

    async fn mark(&self) -> Result<Option<Mark>, StoreError> {
        self.here()?;
        self.marked.fetch_add(1, Ordering::SeqCst);
        self.inner.mark().await
    }

    async fn logs_of(
        &self,
        tenant: &MemberId,
        after: Option<&CollaborationId>,
        max: usize,
    ) -> Result<Vec<(CollaborationId, Stands)>, StoreError> {
        self.here()?;
        self.inner.logs_of(tenant, after, max).await
    }

    async fn stands(
        &self,
        collaboration: &CollaborationId,
        tenant: &MemberId,
    ) -> Result<Option<Stands>, StoreError> {
        self.here()?;
        self.inner.stands(collaboration, tenant).await
    }

    async fn unprojected(
        &self,
        after: Option<&CollaborationId>,
        max: usize,
    ) -> Result<Vec<CollaborationId>, StoreError> {
        self.here()?;
        self.inner.unprojected(after, max).await
    }

    async fn project(
        &self,
        collaboration: &CollaborationId,
        size: u64,
        parties: &Parties,
    ) -> Result<bool, StoreError> {
        self.here()?;
        self.inner.project(collaboration, size, parties).await
    }

    async fn spent(&self, scope: &[u8; 32]) -> Result<Option<Spent>, StoreError> {
        self.here()?;
        self.inner.spent(scope).await
    }

    async fn acquire(
        &self,
        resource: &str,
        holder: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        self.here()?;
        self.inner.acquire(resource, holder, ttl).await
    }

    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<bool, StoreError> {
        self.here()?;
        self.inner.renew(lease, ttl).await
    }

    async fn leases(&self, prefix: &str) -> Result<Vec<Lease>, StoreError> {
        self.here()?;
        self.inner.leases(prefix).await
    }

    async fn release(&self, lease: &Lease) -> Result<bool, StoreError> {
        self.here()?;
        self.inner.release(lease).await
    }
}

fn grocer() -> MemberId {
    "grocer".parse().unwrap()
}

/// A gateway with a log under each of these names.
async fn gateway(folder: &std::path::Path, store: &Arc<Moody>, names: &[&str]) -> App {
    let home = Home::open(folder).unwrap();
    if !home.member_key(&grocer()).exists() {
        members::keygen(&home, &grocer()).unwrap();
    }
    let app = App::over(home, Arc::<Moody>::clone(store)).await.unwrap();
    for name in names {
        let value = serde_json::json!({
            "agreement": "v1", "collaboration": name,
            "members": { "grocer": { "name": "Grocer", "abilities": ["contribute"] } },
            "rooms": [{ "platform": "native" }], "datasets": {}, "templates": {}, "destinations": {},
        });
        let agreement: Agreement = serde_json::from_value(value).unwrap();
        app.propose(&agreement, &grocer(), &crate::app::Tied::default()).await.unwrap();
    }
    app
}

/// The worker, until enough was told or seen; what was told, and how long the end took.
async fn worked(
    app: &App,
    store: &Moody,
    enough: impl Fn(&[Pass], usize) -> bool + Send + Sync,
) -> (Vec<Pass>, Duration) {
    let (cancel, told) = (CancellationToken::new(), Mutex::new(Vec::new()));
    let watching = async {
        let seen = || enough(&told.lock().unwrap(), store.asked.load(Ordering::SeqCst));
        while !seen() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        cancel.cancel();
        Instant::now()
    };
    let every = Duration::from_mins(1);
    let tell = |pass: &Pass| told.lock().unwrap().push(pass.clone());
    let working = Box::pin(app.sync(every, None, &cancel, tell));
    let both = tokio::time::timeout(Duration::from_mins(1), async {
        let (ended, since) = tokio::join!(working, watching);
        ended.unwrap();
        since.elapsed()
    });
    let took = both.await.unwrap();
    (told.into_inner().unwrap(), took)
}

fn codes<'a>(passes: &'a [Pass], of: &str) -> Vec<&'a str> {
    let of = passes.iter().filter(|pass| pass.collaboration.as_str() == of);
    of.flat_map(|pass| pass.problems.iter().map(|problem| problem.code.as_str())).collect()
}

#[tokio::test]
async fn a_turn_that_panics_is_told_and_tried_again_and_keeps_nobody_from_theirs() {
    let (folder, store) = (tempfile::tempdir().unwrap(), Moody::new());
    let app = gateway(folder.path(), &store, &["bad", "good"]).await;
    store.is(Mood::Panics("bad"));
    let (told, _) = worked(&app, &store, |told, _| codes(told, "bad").len() >= 3).await;
    assert_eq!(codes(&told, "bad")[..3], ["bug"; 3]);
    assert!(codes(&told, "good").is_empty());
    assert!(store.answered.load(Ordering::SeqCst) > 0, "the other had its turn");
}

#[tokio::test]
async fn turns_under_way_are_finished_and_leases_given_back() {
    let (folder, store) = (tempfile::tempdir().unwrap(), Moody::new());
    let app = gateway(folder.path(), &store, &["spring"]).await;
    store.is(Mood::Takes(Duration::from_millis(600)));
    let (_, took) = worked(&app, &store, |_, asked| asked > 0).await;
    let [asked, answered] = [&store.asked, &store.answered].map(|of| of.load(Ordering::SeqCst));
    assert_eq!(answered, asked, "what was begun was finished");
    assert!(took < END_WITHIN, "{took:?}");
    assert!(store.inner.leases("").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_turn_that_hangs_holds_up_the_end_for_a_moment_only() {
    let (folder, store) = (tempfile::tempdir().unwrap(), Moody::new());
    let app = gateway(folder.path(), &store, &["spring"]).await;
    store.is(Mood::Takes(Duration::from_hours(1)));
    let (_, took) = worked(&app, &store, |_, asked| asked > 0).await;
    assert!(took >= END_WITHIN && took < Duration::from_secs(20), "{took:?}");
    assert!(store.inner.leases("").await.unwrap().is_empty());
}

#[tokio::test]
async fn logs_are_listed_only_when_something_was_written() {
    let (folder, store) = (tempfile::tempdir().unwrap(), Moody::new());
    let app = gateway(folder.path(), &store, &["spring"]).await;
    let asked_for = |of: &AtomicUsize| of.load(Ordering::SeqCst);
    worked(&app, &store, |_, asked| asked >= 1 && asked_for(&store.marked) >= 4).await;
    assert_eq!(asked_for(&store.listed), 1);
    let spring = app.load(&"spring".parse().unwrap()).await.unwrap().state;
    let autumn = "autumn".parse().unwrap();
    let autumn = Agreement { collaboration: autumn, ..spring.agreement().unwrap().clone() };
    let marked = asked_for(&store.marked);
    let appended = async {
        while asked_for(&store.marked) < marked + 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        app.propose(&autumn, &grocer(), &crate::app::Tied::default()).await.unwrap();
    };
    tokio::join!(appended, worked(&app, &store, |_, asked| asked >= 3));
    assert_eq!(asked_for(&store.listed), 3, "once by each worker, and for what was appended");
}

#[tokio::test]
async fn a_log_of_which_no_room_is_reached_is_read_seldom() {
    let (folder, store) = (tempfile::tempdir().unwrap(), Moody::new());
    let app = gateway(folder.path(), &store, &["spring"]).await;
    let mut schedule = Schedule::new(Pace::default(), 7);
    schedule.heads(0, [("spring".parse().unwrap(), 2), ("autumn".parse().unwrap(), 2)]);
    let classes = schedule.due(1_000, SLOTS).into_iter().map(async |turn| {
        let seen = app.rooms_of(&turn, 2).await;
        (turn.collaboration.to_string(), seen.class, seen.failed.is_some())
    });
    let mut classes = futures::future::join_all(classes).await;
    classes.sort();
    let unread = ("autumn".to_owned(), Class::Opening, true);
    assert_eq!(classes, [unread, ("spring".to_owned(), Class::Idle, false)]);
}

#[tokio::test]
async fn a_withdrawal_that_cannot_be_recorded_now_holds_up_no_turn() {
    let (folder, store) = (tempfile::tempdir().unwrap(), Moody::new());
    let app = gateway(folder.path(), &store, &["spring", "autumn"]).await;
    let autumn: CollaborationId = "autumn".parse().unwrap();
    let key = members::signing_key(&app.home, &grocer()).unwrap();
    let body = Body::Revoked { by: grocer(), what: Revocable::Room };
    let actor = Actor::Member(grocer());
    let leaf = Leaf { actor, at_ms: 7, body, collaboration: autumn, signature: None };
    app.home.reserve(&Pending { leaf: leaf.signed(&key), since: None }).unwrap();
    store.is(Mood::Deaf);
    let since = Instant::now();
    worked(&app, &store, |_, asked| asked > 0).await;
    assert!(since.elapsed() < Duration::from_secs(30), "{:?}", since.elapsed());
}

#[tokio::test]
async fn a_log_that_the_store_lost_is_told_by_everybody_who_looks() {
    let (folder, store) = (tempfile::tempdir().unwrap(), Moody::new());
    drop(gateway(folder.path(), &store, &["spring"]).await);
    let empty = Moody::new();
    let app = gateway(folder.path(), &empty, &["autumn"]).await;
    let passes = app.sync_once(|_| ()).await.unwrap();
    assert_eq!(codes(&passes, "spring"), ["log-rolled-back"]);
    assert!(codes(&passes, "autumn").is_empty());
    let (_, unread) = app.status(None).await.unwrap();
    let unread: Vec<_> =
        unread.iter().map(|(name, error)| (name.as_str(), error.code.as_str())).collect();
    assert_eq!(unread, [("spring", "log-rolled-back")]);
    let (told, _) = worked(&app, &empty, |told, _| !told.is_empty()).await;
    assert_eq!(codes(&told, "spring"), ["log-rolled-back"]);
}

#[tokio::test]
async fn a_look_at_everything_takes_no_workers_leases_and_announces_none() {
    let (folder, store) = (tempfile::tempdir().unwrap(), Moody::new());
    let app = gateway(folder.path(), &store, &["spring"]).await;
    let shard = crate::reconcile::shard(&"spring".parse().unwrap());
    let taken = format!("sync/shard/{shard}");
    let minute = Duration::from_mins(1);
    let lease = store.inner.acquire(&taken, "another", minute).await.unwrap().unwrap();
    app.sync_once(|_| ()).await.unwrap();
    assert_eq!(store.inner.leases("").await.unwrap(), [lease]);
    let ever = store.inner.acquire("sync/worker/any", "any", minute).await.unwrap().unwrap();
    assert_eq!(ever.token, 1);
    let presence = format!("sync/worker/{}", app.home.holder().unwrap());
    let presence = store.inner.acquire(&presence, "any", minute).await.unwrap().unwrap();
    assert_eq!(presence.token, 1, "it was never held");
}
