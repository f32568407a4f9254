//! What is kept in mind of many logs, so that closing goes on while the store is away.

use super::rollback::Restorable;
use super::*;

/// So many logs, of which the first has a call of unknown end; all of them looked at, the first first.
async fn many(count: usize) -> (Arc<Restorable>, AgreementLog) {
    let store = Restorable::of(&Arc::new(MemoryStore::new()));
    let log = on(&(Arc::<Restorable>::clone(&store) as Arc<dyn Store>));
    for n in 0..count {
        let name = name(n);
        let mut entries = vec![proposal(name.as_str()), joining(name.as_str())];
        entries.extend((n == 0).then(|| step(1)));
        put(&log, name.as_str(), entries).await.unwrap();
    }
    (store, log)
}

fn name(n: usize) -> CollaborationId {
    named(&format!("deal-{n:05}"))
}

async fn kept(log: &AgreementLog, count: usize) -> Vec<bool> {
    let mut kept = Vec::new();
    for n in 0..count {
        kept.push(log.load_denying(&name(n)).await.is_ok());
    }
    kept
}

#[tokio::test]
async fn one_that_waits_for_something_is_kept_however_many_come_after() {
    let (store, log) = many(KNOWN_MIN + 100).await;
    store.goes_down(StoreError::Unavailable);
    assert!(log.load_denying(&name(0)).await.is_ok(), "its call may still take effect");
    let kept = kept(&log, KNOWN_MIN + 100).await;
    assert!(kept.iter().filter(|kept| **kept).count() <= KNOWN_MIN + 1);
    assert_eq!(log.known_size(&name(0)), 4);
    log.forget(&name(0));
    assert!(log.load_denying(&name(0)).await.is_err());
}

#[tokio::test]
async fn whoever_works_on_many_keeps_them_all() {
    let (store, log) = many(KNOWN_MIN + 100).await;
    log.keep(KNOWN_MIN + 100);
    kept(&log, KNOWN_MIN + 100).await;
    store.goes_down(StoreError::Unavailable);
    assert!(kept(&log, KNOWN_MIN + 100).await.iter().all(|kept| *kept));
}

#[tokio::test]
async fn one_with_a_withdrawal_in_the_reserve_is_kept() {
    #[derive(Debug)]
    struct Of(CollaborationId);

    impl Reserve for Of {
        fn pending(&self, of: &CollaborationId) -> Result<Vec<Pending>, ReserveError> {
            let what = Revocable::Room;
            let by = "grocer".parse().unwrap();
            let entry = Entry::gateway(Body::Revoked { by, what });
            let pending = Pending { leaf: entry.leaf(of, 1000), since: None };
            Ok(if *of == self.0 { vec![pending] } else { Vec::new() })
        }
    }

    let (store, log) = many(KNOWN_MIN + 100).await;
    let log = log.with_reserve(Arc::new(Of(name(1))));
    kept(&log, KNOWN_MIN + 100).await;
    store.goes_down(StoreError::Unavailable);
    assert!(log.load_denying(&name(1)).await.is_ok());
    assert!(log.load_denying(&name(2)).await.is_err());
}

#[tokio::test]
async fn what_was_laid_by_is_known_as_before() {
    let (store, log) = many(3).await;
    let whole = log.load(&name(1)).await.unwrap();
    log.lay_by(&name(1));
    log.lay_by(&name(1));
    assert_eq!(log.known_size(&name(1)), 3);
    let again = log.load(&name(1)).await.unwrap();
    assert_eq!((again.size, again.root), (whole.size, whole.root));
    assert_eq!(format!("{:?}", again.state), format!("{:?}", whole.state));
    log.lay_by(&name(1));
    let receipt = put(&log, name(1).as_str(), vec![step(1)]).await.unwrap();
    assert_eq!((receipt.size, receipt.index), (4, 3));
    assert!(receipt.verify(&gateway().public(), &name(1)).is_ok());
    log.lay_by(&name(2));
    store.goes_down(StoreError::Unavailable);
    let denying = log.load_denying(&name(2)).await.unwrap();
    assert_eq!((denying.size, denying.may_lack()), (3, false));
}

#[tokio::test]
async fn what_waits_or_is_long_is_not_laid_by() {
    let (_, log) = many(2).await;
    let held = |n: usize| {
        let all = log.known.lock().unwrap();
        let known = all.get(&name(n)).unwrap().try_lock().unwrap();
        known.is_laid_by()
    };
    log.lay_by(&name(0));
    assert!(!held(0), "its call may still take effect");
    log.lay_by(&name(1));
    assert!(held(1));
    for n in 0..70 {
        put(&log, name(1).as_str(), vec![step(n), ended(n)]).await.unwrap();
    }
    log.lay_by(&name(1));
    assert!(!held(1), "it is not folded again at each look");
    assert_eq!(log.load(&name(1)).await.unwrap().size, 143);
}

#[tokio::test]
async fn whoever_only_looks_asks_again_once_something_was_written() {
    let store = memory();
    let (log, other) = (on(&store), on(&store));
    for (name, entry) in [(name(0), step(1)), (name(1), ended(9))] {
        let name = name.as_str();
        put(&log, name, vec![proposal(name), joining(name)]).await.unwrap();
        drop(put(&log, name, vec![entry]).await);
    }
    let sizes = async |mark: &Mark| {
        (log.look(&name(0), mark).await.unwrap().size, log.look(&name(1), mark).await.unwrap().size)
    };
    let before = store.mark().await.unwrap().unwrap();
    assert_eq!(sizes(&before).await, (4, 3));
    put(&other, name(0).as_str(), vec![ended(1)]).await.unwrap();
    assert_eq!(sizes(&before).await, (4, 3), "a moment ago");
    put(&log, name(1).as_str(), vec![step(2)]).await.unwrap();
    assert_eq!(sizes(&before).await, (4, 4), "what was written here is there at once");
    let after = store.mark().await.unwrap().unwrap();
    assert_eq!(sizes(&after).await, (5, 4));
    log.lay_by(&name(1));
    assert_eq!(sizes(&after).await, (5, 4), "what was laid by is read again");
}

#[tokio::test]
async fn what_is_in_doubt_is_asked_for_by_everybody_who_looks() {
    let (store, log) = many(1).await;
    let mark = memory().mark().await.unwrap().unwrap();
    assert!(log.look(&name(0), &mark).await.unwrap().doubt.is_none());
    let later = MemoryStore::new();
    let head = Head::default();
    let appended = Appended::new(vec![vec![1]], "1".to_owned());
    later.append(&name(1), &head, appended, None).await.unwrap();
    let newer = later.mark().await.unwrap().unwrap();
    store.goes_down(StoreError::Unavailable);
    for _ in 0..2 {
        assert!(log.look(&name(0), &newer).await.unwrap().doubt.is_some());
    }
    assert!(log.look(&name(0), &mark).await.unwrap().doubt.is_some(), "and nothing is known of it");
}
