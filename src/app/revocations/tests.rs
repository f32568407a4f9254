//! Withdrawals over a store that answers as it is told to.

use super::*;
use crate::home::Home;
use crate::store::{Appended, Fence, Head, Lease, MemoryStore, Parties, Spent, Stands, Store};
use async_trait::async_trait;
use mappings::model::Agreement;
use std::sync::Mutex;

/// A memory store that refuses so many appends with this error, and so many reads.
#[derive(Debug)]
pub(in crate::app) struct Refusing {
    inner: MemoryStore,
    next: Mutex<(usize, StoreError)>,
    appended: Mutex<usize>,
    unread: Mutex<usize>,
}

impl Refusing {
    pub(in crate::app) fn new() -> Arc<Self> {
        let next = Mutex::new((0, StoreError::Full));
        Arc::new(Self {
            inner: MemoryStore::new(),
            next,
            appended: Mutex::default(),
            unread: Mutex::default(),
        })
    }

    pub(in crate::app) fn refuses(&self, times: usize, error: StoreError) {
        *self.next.lock().unwrap() = (times, error);
    }

    /// The next reads of leaves fail.
    pub(in crate::app) fn fails_reads(&self, times: usize) {
        *self.unread.lock().unwrap() = times;
    }
}

#[async_trait]
impl Store for Refusing {
    async fn append(
        &self,
        collaboration: &CollaborationId,
        expected: &Head,
        appended: Appended,
        fence: Option<&Fence>,
    ) -> Result<u64, StoreError> {
        {
            let (left, error) = &mut *self.next.lock().unwrap();
            if *left > 0 {
                *left -= 1;
                return Err(*error);
            }
        }
        *self.appended.lock().unwrap() += 1;
        self.inner.append(collaboration, expected, appended, fence).await
    }

    async fn read(
        &self,
        collaboration: &CollaborationId,
        from: u64,
        max: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        {
            let left = &mut *self.unread.lock().unwrap();
            if *left > 0 {
                *left -= 1;
                return Err(StoreError::Unavailable);
            }
        }
        self.inner.read(collaboration, from, max).await
    }

    async fn size(&self, collaboration: &CollaborationId) -> Result<u64, StoreError> {
        self.inner.size(collaboration).await
    }

    async fn head(&self, collaboration: &CollaborationId) -> Result<Head, StoreError> {
        self.inner.head(collaboration).await
    }

    async fn sizes(&self) -> Result<Vec<(CollaborationId, u64)>, StoreError> {
        self.inner.sizes().await
    }

    async fn logs_of(
        &self,
        tenant: &MemberId,
        after: Option<&CollaborationId>,
        max: usize,
    ) -> Result<Vec<(CollaborationId, Stands)>, StoreError> {
        self.inner.logs_of(tenant, after, max).await
    }

    async fn stands(
        &self,
        collaboration: &CollaborationId,
        tenant: &MemberId,
    ) -> Result<Option<Stands>, StoreError> {
        self.inner.stands(collaboration, tenant).await
    }

    async fn unprojected(
        &self,
        after: Option<&CollaborationId>,
        max: usize,
    ) -> Result<Vec<CollaborationId>, StoreError> {
        self.inner.unprojected(after, max).await
    }

    async fn project(
        &self,
        collaboration: &CollaborationId,
        size: u64,
        parties: &Parties,
    ) -> Result<bool, StoreError> {
        self.inner.project(collaboration, size, parties).await
    }

    async fn spent(&self, scope: &[u8; 32]) -> Result<Option<Spent>, StoreError> {
        self.inner.spent(scope).await
    }

    async fn acquire(
        &self,
        resource: &str,
        holder: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        self.inner.acquire(resource, holder, ttl).await
    }

    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<bool, StoreError> {
        self.inner.renew(lease, ttl).await
    }

    async fn leases(&self, prefix: &str) -> Result<Vec<Lease>, StoreError> {
        self.inner.leases(prefix).await
    }

    async fn release(&self, lease: &Lease) -> Result<bool, StoreError> {
        self.inner.release(lease).await
    }
}

fn grocer() -> MemberId {
    "grocer".parse().unwrap()
}

fn spring() -> CollaborationId {
    "spring".parse().unwrap()
}

/// A gateway with one member who joined.
async fn joined(folder: &std::path::Path, store: &Arc<Refusing>) -> App {
    let value = serde_json::json!({
        "agreement": "v1", "collaboration": "spring",
        "members": { "grocer": { "name": "Grocer", "abilities": ["contribute"] } },
        "rooms": [{ "platform": "native" }], "datasets": {}, "templates": {}, "destinations": {},
    });
    let agreement: Agreement = serde_json::from_value(value).unwrap();
    let home = Home::open(folder).unwrap();
    members::keygen(&home, &grocer()).unwrap();
    let app = App::over(home, Arc::<Refusing>::clone(store)).await.unwrap();
    app.propose(&agreement, &grocer(), &crate::app::Tied::default()).await.unwrap();
    app.join(&spring(), &grocer(), None, &crate::app::Tied::default()).await.unwrap();
    app
}

/// The same gateway, started again.
async fn again(folder: &std::path::Path, store: &Arc<Refusing>) -> App {
    App::over(Home::open(folder).unwrap(), Arc::<Refusing>::clone(store)).await.unwrap()
}

async fn denied(app: &App) -> bool {
    let state = app.load(&spring()).await.unwrap().state;
    state.revoked(&Revocable::Room).is_some()
}

#[tokio::test]
async fn a_busy_log_refuses_no_withdrawal() {
    let (folder, store) = (tempfile::tempdir().unwrap(), Refusing::new());
    let app = joined(folder.path(), &store).await;
    store.refuses(500, StoreError::Conflict { size: 3 });
    let revoked = app.revoke(&spring(), &Withdrawal::Room, &grocer()).await.unwrap();
    assert!(matches!(revoked, Revoked::OnRecord(Recorded { index: 3, .. })), "{revoked:?}");
    assert!(app.home.withdrawals().unwrap().is_empty());
}

#[tokio::test]
async fn whatever_keeps_the_store_from_being_written_a_withdrawal_is_in_force() {
    use StoreError::{Corrupt, Denied, Full, Newer, ReadOnly, Unavailable};
    for why in [Full, Unavailable, ReadOnly, Denied, Corrupt, Newer] {
        let (folder, store) = (tempfile::tempdir().unwrap(), Refusing::new());
        let app = joined(folder.path(), &store).await;
        store.refuses(usize::MAX, why);
        assert!(!denied(&app).await);
        let revoked = app.revoke(&spring(), &Withdrawal::Room, &grocer()).await.unwrap();
        let Revoked::Here(because) = revoked else { panic!("{why} was written") };
        assert_eq!(because.code, why.code());
        // In every process of this gateway, as long as it lasts.
        assert!(denied(&app).await && denied(&again(folder.path(), &store).await).await);
        assert_eq!(store.size(&spring()).await, Ok(3));
        store.refuses(0, why);
        let app = again(folder.path(), &store).await;
        assert!(app.home.withdrawals().unwrap().is_empty());
        assert!(denied(&app).await);
        again(folder.path(), &store).await.record_pending().await;
        assert_eq!(store.size(&spring()).await, Ok(4), "on record, once");
    }
}

#[tokio::test]
async fn an_answer_that_was_lost_is_not_recorded_twice() {
    let (folder, store) = (tempfile::tempdir().unwrap(), Refusing::new());
    let app = joined(folder.path(), &store).await;
    store.refuses(1, StoreError::Unavailable);
    let revoked = app.revoke(&spring(), &Withdrawal::Room, &grocer()).await.unwrap();
    assert!(matches!(revoked, Revoked::Here(_)));
    let pending = app.home.withdrawals().unwrap();
    // It was written all the same; or the process died before it freed the slot.
    app.record_pending().await;
    app.home.reserve(&pending[0]).unwrap();
    assert_eq!((store.size(&spring()).await, *store.appended.lock().unwrap()), (Ok(4), 3));
    app.record_pending().await;
    assert!(app.home.withdrawals().unwrap().is_empty());
    assert_eq!(store.size(&spring()).await, Ok(4));
}

#[tokio::test]
async fn what_the_rules_refuse_is_not_taken_up() {
    let (folder, store) = (tempfile::tempdir().unwrap(), Refusing::new());
    let app = joined(folder.path(), &store).await;
    store.refuses(usize::MAX, StoreError::Full);
    let unknown = Withdrawal::Dataset("nothing".parse().unwrap());
    let error = app.revoke(&spring(), &unknown, &grocer()).await.unwrap_err();
    assert_eq!(error.code, "dataset-unknown");
    let error = app.revoke(&"autumn".parse().unwrap(), &Withdrawal::Room, &grocer()).await;
    assert_eq!(error.unwrap_err().kind, Kind::Refused);
    assert!(app.home.withdrawals().unwrap().is_empty());
    std::fs::remove_file(folder.path().join("denials.reserve")).unwrap();
    let error = app.revoke(&spring(), &Withdrawal::Room, &grocer()).await.unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.problems[0].at.as_str()),
        ("store-full", "denials.reserve")
    );
}
