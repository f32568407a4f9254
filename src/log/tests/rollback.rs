//! A store that was put back, or went on otherwise: nothing is granted, nothing is signed, and only the newer one makes that good.

use super::*;
use crate::store::Spent;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// A store that a restore can put another one in the place of, or that is down.
#[derive(Debug)]
pub(super) struct Restorable(
    RwLock<Result<Arc<MemoryStore>, StoreError>>,
    RwLock<Option<Arc<MemoryStore>>>,
    AtomicBool,
    RwLock<Option<Arc<MemoryStore>>>,
);

impl Restorable {
    pub(super) fn of(store: &Arc<MemoryStore>) -> Arc<Self> {
        Arc::new(Self(
            RwLock::new(Ok(Arc::clone(store))),
            RwLock::default(),
            AtomicBool::default(),
            RwLock::default(),
        ))
    }

    fn put_back(&self, store: &Arc<MemoryStore>) {
        *self.0.write().unwrap() = Ok(Arc::clone(store));
    }

    /// At the very moment of the next append.
    pub(super) fn is_put_back_in_between(&self, store: &Arc<MemoryStore>) {
        *self.1.write().unwrap() = Some(Arc::clone(store));
    }

    pub(super) fn goes_down(&self, why: StoreError) {
        *self.0.write().unwrap() = Err(why);
    }

    /// At the very moment of the next look at how far it is.
    pub(super) fn goes_on_before_the_next_look(&self, store: &Arc<MemoryStore>) {
        *self.3.write().unwrap() = Some(Arc::clone(store));
    }

    /// What is appended next is there, and nobody is told.
    pub(super) fn loses_the_next_answer(&self) {
        self.2.store(true, Ordering::SeqCst);
    }

    fn now(&self) -> Result<Arc<MemoryStore>, StoreError> {
        self.0.read().unwrap().clone()
    }
}

#[async_trait::async_trait]
impl Store for Restorable {
    async fn append(
        &self,
        collaboration: &CollaborationId,
        expected: &Head,
        appended: Appended,
        fence: Option<&Fence>,
    ) -> Result<u64, StoreError> {
        let swapped = self.1.write().unwrap().take();
        if let Some(swapped) = swapped {
            self.put_back(&swapped);
        }
        let done = self.now()?.append(collaboration, expected, appended, fence).await;
        if self.2.swap(false, Ordering::SeqCst) { Err(StoreError::Unavailable) } else { done }
    }

    async fn read(
        &self,
        collaboration: &CollaborationId,
        from: u64,
        max: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        self.now()?.read(collaboration, from, max).await
    }

    async fn size(&self, collaboration: &CollaborationId) -> Result<u64, StoreError> {
        self.now()?.size(collaboration).await
    }

    async fn head(&self, collaboration: &CollaborationId) -> Result<Head, StoreError> {
        let newer = self.3.write().unwrap().take();
        if let Some(newer) = newer {
            self.put_back(&newer);
        }
        self.now()?.head(collaboration).await
    }

    async fn sizes(&self) -> Result<Vec<(CollaborationId, u64)>, StoreError> {
        self.now()?.sizes().await
    }

    async fn logs_of(
        &self,
        tenant: &MemberId,
        after: Option<&CollaborationId>,
        max: usize,
    ) -> Result<Vec<(CollaborationId, Stands)>, StoreError> {
        self.now()?.logs_of(tenant, after, max).await
    }

    async fn stands(
        &self,
        collaboration: &CollaborationId,
        tenant: &MemberId,
    ) -> Result<Option<Stands>, StoreError> {
        self.now()?.stands(collaboration, tenant).await
    }

    async fn unprojected(
        &self,
        after: Option<&CollaborationId>,
        max: usize,
    ) -> Result<Vec<CollaborationId>, StoreError> {
        self.now()?.unprojected(after, max).await
    }

    async fn project(
        &self,
        collaboration: &CollaborationId,
        size: u64,
        parties: &Parties,
    ) -> Result<bool, StoreError> {
        self.now()?.project(collaboration, size, parties).await
    }

    async fn spent(&self, scope: &[u8; 32]) -> Result<Option<Spent>, StoreError> {
        self.now()?.spent(scope).await
    }

    async fn acquire(
        &self,
        resource: &str,
        holder: &str,
        ttl: std::time::Duration,
    ) -> Result<Option<crate::store::Lease>, StoreError> {
        self.now()?.acquire(resource, holder, ttl).await
    }

    async fn renew(
        &self,
        lease: &crate::store::Lease,
        ttl: std::time::Duration,
    ) -> Result<bool, StoreError> {
        self.now()?.renew(lease, ttl).await
    }

    async fn leases(&self, prefix: &str) -> Result<Vec<crate::store::Lease>, StoreError> {
        self.now()?.leases(prefix).await
    }

    async fn release(&self, lease: &crate::store::Lease) -> Result<bool, StoreError> {
        self.now()?.release(lease).await
    }
}

/// The store as it is now, as a backup has it.
pub(super) async fn copied(store: &MemoryStore) -> Arc<MemoryStore> {
    let (copy, spring) = (MemoryStore::new(), named("spring"));
    let checkpoint = store.head(&spring).await.unwrap().checkpoint.unwrap();
    let leaves = store.read(&spring, 0, 9999).await.unwrap();
    copy.append(&spring, &Head::default(), Appended::new(leaves, checkpoint), None).await.unwrap();
    Arc::new(copy)
}

fn pinned_on(store: &Arc<Restorable>, pins: &Arc<MemoryPins>) -> AgreementLog {
    let (store, pins) = (Arc::<Restorable>::clone(store), Arc::<MemoryPins>::clone(pins));
    AgreementLog::new(store, gateway(), Arc::new(FixedClock::new(1000))).with_pins(pins)
}

/// Two steps more than the backup, seen by a gateway; and that gateway's pins.
async fn put_back() -> (Arc<Restorable>, Arc<MemoryStore>, Arc<MemoryStore>, Arc<MemoryPins>) {
    let newer = Arc::new(MemoryStore::new());
    let (store, pins) = (Restorable::of(&newer), Arc::new(MemoryPins::default()));
    let log = pinned_on(&store, &pins);
    put(&log, "spring", vec![proposal("spring"), joining("spring")]).await.unwrap();
    let older = copied(&newer).await;
    put(&log, "spring", vec![step(1)]).await.unwrap();
    put(&log, "spring", vec![step(2)]).await.unwrap();
    (store, newer, older, pins)
}

async fn refused(log: &AgreementLog, had: u64, has: u64) {
    let rolled_back = LogError::RolledBack(RolledBack { had, has });
    assert_eq!(
        log.load(&named("spring")).await.map(|loaded| loaded.size),
        Err(rolled_back.clone())
    );
    let Err(DecideError::Log(error)) = put(log, "spring", vec![step(7)]).await else {
        panic!("it was appended to");
    };
    assert_eq!(error, rolled_back);
    assert_eq!(log.receipt(&named("spring"), 0).await, Err(rolled_back));
}

#[tokio::test]
async fn an_older_log_is_never_granted_on_however_long_it_grows() {
    let (store, newer, older, pins) = put_back().await;
    let knows = pinned_on(&store, &pins);
    knows.load(&named("spring")).await.unwrap();
    store.put_back(&older);
    // One that looked before, and one that was started since: to both it is the same, again and again.
    for log in [&knows, &pinned_on(&store, &pins)] {
        for _ in 0..3 {
            refused(log, 5, 3).await;
        }
    }
    assert_eq!(older.size(&named("spring")).await, Ok(3), "nothing was signed on it");
    // A gateway that saw no more than the backup goes on: to the same length, and beyond.
    let other = on(&(Arc::<Restorable>::clone(&store) as Arc<dyn Store>));
    let started = pinned_on(&store, &pins);
    for (n, has) in [(10, 4), (11, 5), (12, 6)] {
        put(&other, "spring", vec![step(n)]).await.unwrap();
        for log in [&knows, &started, &pinned_on(&store, &pins)] {
            refused(log, 5, has).await;
            refused(log, 5, has).await;
        }
    }
    // Pages of it.
    for n in 0..3 {
        let steps = (0..900).map(|m| step(1000 + n * 900 + m)).collect();
        put(&other, "spring", steps).await.unwrap();
    }
    for log in [&knows, &started, &pinned_on(&store, &pins)] {
        refused(log, 5, 2706).await;
    }
    store.put_back(&newer);
    for log in [&knows, &started, &pinned_on(&store, &pins)] {
        assert_eq!(log.load(&named("spring")).await.unwrap().size, 5);
    }
    assert_eq!(put(&knows, "spring", vec![step(3)]).await.unwrap().size, 6);
    assert_eq!(put(&started, "spring", vec![step(4)]).await.unwrap().size, 7);
}

#[tokio::test]
async fn who_denies_is_given_the_older_log_and_told_so() {
    let (store, newer, older, pins) = put_back().await;
    let (knows, spring) = (pinned_on(&store, &pins), named("spring"));
    assert!(!knows.load_denying(&spring).await.unwrap().may_lack());
    store.put_back(&older);
    for (log, size) in [(&knows, 5), (&pinned_on(&store, &pins), 3)] {
        for _ in 0..2 {
            let loaded = log.load_denying(&spring).await.unwrap();
            assert_eq!((loaded.size, loaded.may_lack()), (size, true));
            let doubt = LogError::RolledBack(RolledBack { had: 5, has: 3 });
            assert_eq!(loaded.doubt, Some(doubt));
            assert!(loaded.state.in_force().is_some(), "its rooms are known");
        }
    }
    store.put_back(&Arc::new(MemoryStore::new()));
    let loaded = knows.load_denying(&spring).await.unwrap();
    assert_eq!((loaded.size, loaded.may_lack()), (5, true));
    let started = pinned_on(&store, &pins);
    let lost = started.load_denying(&spring).await.map(|loaded| loaded.size);
    assert_eq!(lost, Err(LogError::RolledBack(RolledBack { had: 5, has: 0 })));
    refused(&started, 5, 0).await;
    store.put_back(&newer);
    assert!(!knows.load_denying(&spring).await.unwrap().may_lack());
}

#[tokio::test]
async fn what_was_only_read_is_remembered_too() {
    let (store, newer, older, _) = put_back().await;
    let pins = Arc::new(MemoryPins::default());
    pinned_on(&store, &pins).load(&named("spring")).await.unwrap();
    store.put_back(&older);
    refused(&pinned_on(&store, &pins), 5, 3).await;
    store.put_back(&newer);
    assert_eq!(pinned_on(&store, &pins).load(&named("spring")).await.unwrap().size, 5);
}

#[tokio::test]
async fn another_history_of_the_same_length_is_found_by_who_looked_before() {
    let (store, newer, older, pins) = put_back().await;
    let knows = pinned_on(&store, &pins);
    knows.load(&named("spring")).await.unwrap();
    store.put_back(&older);
    let other = on(&(Arc::<Restorable>::clone(&store) as Arc<dyn Store>));
    put(&other, "spring", vec![step(8), step(9)]).await.unwrap();
    // Nobody looked in between: the sizes are the same.
    refused(&knows, 5, 5).await;
    refused(&knows, 5, 5).await;
    store.put_back(&newer);
    assert_eq!(put(&knows, "spring", vec![step(3)]).await.unwrap().size, 6);
}

#[tokio::test]
async fn a_failover_between_look_and_append_is_found_by_the_store() {
    let (store, _, older, pins) = put_back().await;
    let knows = pinned_on(&store, &pins);
    // The standby lacks two leaves, and another gateway was faster to append as many.
    let standby: Arc<dyn Store> = Arc::<MemoryStore>::clone(&older);
    put(&on(&standby), "spring", vec![step(8), step(9)]).await.unwrap();
    knows.load(&named("spring")).await.unwrap();
    store.is_put_back_in_between(&older);
    let before = older.head(&named("spring")).await;
    let Err(DecideError::Log(error)) = put(&knows, "spring", vec![step(7)]).await else {
        panic!("it was appended to");
    };
    assert_eq!(error, LogError::RolledBack(RolledBack { had: 5, has: 5 }));
    refused(&knows, 5, 5).await;
    assert_eq!(older.head(&named("spring")).await, before, "nothing was signed on it");
    assert_eq!(before.unwrap().size, 5);
}

#[tokio::test]
async fn a_store_that_was_changed_in_place_is_found_each_time() {
    let (store, newer, _, pins) = put_back().await;
    let (knows, spring) = (pinned_on(&store, &pins), named("spring"));
    knows.load(&spring).await.unwrap();
    // A leaf that nobody signed for, in a page that is read on top of what is known.
    let head = newer.head(&spring).await.unwrap();
    let mut leaves = newer.read(&spring, 0, 99).await.unwrap();
    leaves.push(step(9).leaf(&spring, 1000).canonical());
    let meddled = Arc::new(MemoryStore::new());
    let (size, note) = (leaves.len() as u64, head.checkpoint.unwrap());
    let read = Checkpoint::parse(&note).unwrap();
    let longer = Checkpoint { size, ..read }.sign(&gateway());
    meddled.append(&spring, &Head::default(), Appended::new(leaves, longer), None).await.unwrap();
    store.put_back(&meddled);
    for _ in 0..3 {
        assert_eq!(knows.load(&spring).await.unwrap_err().code(), "log-tampered");
        assert!(knows.load_denying(&spring).await.unwrap().may_lack());
    }
    store.put_back(&newer);
    assert_eq!(knows.load(&spring).await.unwrap().size, 5);
}

/// Pins as an earlier version kept them, and such as nobody can read.
#[derive(Debug)]
struct Odd(Result<Pinned, PinError>);

#[async_trait::async_trait]
impl Pins for Odd {
    fn pinned(&self, _: &CollaborationId) -> Result<Pinned, PinError> {
        self.0.clone()
    }

    fn named(&self) -> Vec<CollaborationId> {
        Vec::new()
    }

    async fn pin(&self, _: Checkpoint, _: &str) -> Result<(), PinError> {
        Err(PinError::NotKept)
    }
}

#[tokio::test]
async fn a_length_of_an_earlier_version_and_an_unreadable_pin_grant_nothing() {
    let (store, ..) = put_back().await;
    let spring = named("spring");
    let odd = |pinned| {
        let store = Arc::<Restorable>::clone(&store);
        let log = AgreementLog::new(store, gateway(), Arc::new(FixedClock::new(1000)));
        log.with_pins(Arc::new(Odd(pinned)))
    };
    for (at_least, had) in [(5, None), (6, Some(6))] {
        let log = odd(Ok(Pinned { note: None, at_least }));
        let rolled_back = had.map(|had| LogError::RolledBack(RolledBack { had, has: 5 }));
        assert_eq!(log.load(&spring).await.err(), rolled_back);
    }
    let forged = Checkpoint { collaboration: spring.clone(), size: 5, root: tree::empty_root() };
    let stranger = forged.sign(&SecretKey::from_seed([8; 32]));
    let unreadable = [
        Err(PinError::Unreadable),
        Ok(Pinned { note: Some("no note".to_owned()), at_least: 0 }),
        Ok(Pinned { note: Some(stranger), at_least: 0 }),
    ];
    for pinned in unreadable {
        let log = odd(pinned);
        assert_eq!(log.load(&spring).await.unwrap_err().code(), "head-unreadable");
        assert!(put(&log, "spring", vec![step(7)]).await.is_err());
        let loaded = log.load_denying(&spring).await.unwrap();
        assert_eq!((loaded.size, loaded.may_lack()), (5, true));
    }
    assert_eq!(store.size(&spring).await, Ok(5));
}

#[tokio::test]
async fn where_the_store_is_down_what_was_seen_is_denied_on() {
    let (store, newer, _, pins) = put_back().await;
    let (knows, spring) = (pinned_on(&store, &pins), named("spring"));
    knows.load(&spring).await.unwrap();
    store.goes_down(StoreError::Unavailable);
    assert_eq!(knows.load(&spring).await.unwrap_err().code(), "store-unavailable");
    let loaded = knows.load_denying(&spring).await.unwrap();
    assert_eq!((loaded.size, loaded.may_lack()), (5, false));
    assert_eq!(loaded.doubt, Some(LogError::Store(StoreError::Unavailable)));
    let started = pinned_on(&store, &pins);
    assert_eq!(started.load_denying(&spring).await.unwrap_err().code(), "store-unavailable");
    store.put_back(&newer);
    assert_eq!(knows.load_denying(&spring).await.unwrap().doubt, None);
}

/// The log with one more leaf, signed as this gateway signs.
async fn with_leaf(store: &MemoryStore, bytes: Vec<u8>) -> Arc<MemoryStore> {
    let (longer, spring) = (MemoryStore::new(), named("spring"));
    let mut leaves = store.read(&spring, 0, 99).await.unwrap();
    leaves.push(bytes);
    let mut frontier = tree::Frontier::default();
    for leaf in &leaves {
        frontier.push(tree::leaf_hash(leaf));
    }
    let (size, root) = (frontier.size(), frontier.root());
    let checkpoint = Checkpoint { collaboration: spring.clone(), size, root }.sign(&gateway());
    longer
        .append(&spring, &Head::default(), Appended::new(leaves, checkpoint), None)
        .await
        .unwrap();
    Arc::new(longer)
}

#[tokio::test]
async fn what_a_newer_version_signed_is_no_damage_and_no_ground_to_grant() {
    let (store, newer, _, pins) = put_back().await;
    let (knows, spring) = (pinned_on(&store, &pins), named("spring"));
    knows.load(&spring).await.unwrap();
    let strange =
        with_leaf(&newer, br#"{"actor":"gateway","body":{"kind":"of-tomorrow"}}"#.to_vec());
    store.put_back(&strange.await);
    for log in [&knows, &pinned_on(&store, &pins)] {
        for _ in 0..2 {
            assert_eq!(log.load(&spring).await.unwrap_err(), LogError::Newer);
            assert!(put(log, "spring", vec![step(7)]).await.is_err());
            let loaded = log.load_denying(&spring).await.unwrap();
            assert_eq!((loaded.size, loaded.may_lack()), (5, false));
            assert_eq!(loaded.doubt, Some(LogError::Newer));
        }
    }
    assert_eq!(store.size(&spring).await, Ok(6), "nothing was appended");
    store.put_back(&newer);
    assert_eq!(put(&knows, "spring", vec![step(3)]).await.unwrap().size, 6);
}

#[tokio::test]
async fn a_leaf_that_is_not_legal_makes_a_process_forget_nothing() {
    let (store, newer, older, pins) = put_back().await;
    let (knows, spring) = (pinned_on(&store, &pins), named("spring"));
    knows.load(&spring).await.unwrap();
    // Another gateway appends one that is, and one that isn't.
    put(&on(&(Arc::<MemoryStore>::clone(&newer) as Arc<dyn Store>)), "spring", vec![step(3)])
        .await
        .unwrap();
    let illegal = with_leaf(&newer, step(3).leaf(&spring, 1000).canonical()).await;
    store.put_back(&illegal);
    for _ in 0..2 {
        assert_eq!(knows.load(&spring).await.unwrap_err().code(), "intent-repeated");
    }
    store.put_back(&older);
    put(
        &on(&(Arc::<MemoryStore>::clone(&older) as Arc<dyn Store>)),
        "spring",
        vec![step(8), step(9)],
    )
    .await
    .unwrap();
    let unpinned = LogError::RolledBack(RolledBack { had: 5, has: 5 });
    assert_eq!(knows.load(&spring).await.unwrap_err(), unpinned);
    store.put_back(&newer);
    assert_eq!(knows.load(&spring).await.unwrap().size, 6);
}

#[tokio::test]
async fn what_could_not_be_kept_is_known_to_the_process() {
    let (store, newer, older, _) = put_back().await;
    let restorable = Arc::<Restorable>::clone(&store);
    let log = AgreementLog::new(restorable, gateway(), Arc::new(FixedClock::new(1000)));
    let log = log.with_pins(Arc::new(Odd(Ok(Pinned::default()))));
    log.load(&named("spring")).await.unwrap();
    let standby: Arc<dyn Store> = Arc::<MemoryStore>::clone(&older);
    put(&on(&standby), "spring", vec![step(8), step(9)]).await.unwrap();
    store.put_back(&older);
    refused(&log, 5, 5).await;
    refused(&log, 5, 5).await;
    store.put_back(&newer);
    assert_eq!(log.load(&named("spring")).await.unwrap().size, 5);
}

#[tokio::test]
async fn an_older_log_is_found_by_who_had_laid_the_newer_one_by() {
    let newer = Arc::new(MemoryStore::new());
    let (store, pins) = (Restorable::of(&newer), Arc::new(MemoryPins::default()));
    let (knows, spring) = (pinned_on(&store, &pins), named("spring"));
    put(&knows, "spring", vec![proposal("spring"), joining("spring")]).await.unwrap();
    let older = copied(&newer).await;
    put(&knows, "spring", vec![step(1), ended(1)]).await.unwrap();
    knows.lay_by(&spring);
    store.put_back(&older);
    refused(&knows, 5, 3).await;
    knows.lay_by(&spring);
    let loaded = knows.load_denying(&spring).await.unwrap();
    assert_eq!((loaded.size, loaded.may_lack()), (5, true));
    store.put_back(&newer);
    assert_eq!(knows.load(&spring).await.unwrap().size, 5);
}
