//! Decisions under a key that is spent once.

use super::rollback::{Restorable, copied};
use super::*;
use crate::store::Once;

fn once(scope: u8, fingerprint: u8) -> Once {
    Once { scope: [scope; 32], fingerprint: [fingerprint; 32] }
}

async fn under(
    log: &AgreementLog,
    once: Once,
    entries: Vec<Entry>,
) -> Result<Decided, DecideError<Never>> {
    log.decide_once(&named("spring"), once, |_| Ok(entries.clone())).await
}

fn repeated(name: &str, index: u64, count: u64, fingerprint_matches: bool) -> Decided {
    Decided::Repeated { collaboration: named(name), index, count, fingerprint_matches }
}

#[tokio::test]
async fn a_repeat_is_told_what_was_appended_and_decides_nothing() {
    let log = on(&memory());
    let first = under(&log, once(1, 1), vec![proposal("spring"), joining("spring")]).await.unwrap();
    let Decided::Fresh(receipt) = first else { panic!("it is the first") };
    receipt.verify(&gateway().public(), &named("spring")).unwrap();
    assert_eq!((receipt.index, receipt.size), (2, 3));
    // What was legal then is not any more, and nobody asks.
    let unasked = |_: &State| -> Result<Vec<Entry>, &str> { Err("asked") };
    for (fingerprint, same) in [(1, true), (2, false), (1, true)] {
        let again = log.decide_once(&named("spring"), once(1, fingerprint), unasked).await;
        assert_eq!(again.unwrap(), repeated("spring", 0, 3, same));
    }
    let elsewhere = log.decide_once(&named("autumn"), once(1, 1), unasked).await;
    assert_eq!(elsewhere.unwrap(), repeated("spring", 0, 3, true));
    put(&log, "spring", vec![step(1)]).await.unwrap();
    let other = under(&log, once(2, 1), vec![step(2), step(3)]).await.unwrap();
    assert!(matches!(other, Decided::Fresh(_)));
    let again = under(&log, once(2, 1), vec![step(4)]).await.unwrap();
    assert_eq!(again, repeated("spring", 4, 2, true));
    assert_eq!(log.size(&named("spring")).await.unwrap(), 6);
    assert!(log.spent(&[2; 32]).await.unwrap().is_some());
    assert!(log.spent(&[3; 32]).await.unwrap().is_none());
}

#[tokio::test]
async fn a_refusal_spends_nothing() {
    let (log, spring) = (on(&memory()), named("spring"));
    let refused = log.decide_once(&spring, once(1, 1), |_| Err::<Vec<Entry>, _>("no"));
    assert!(matches!(refused.await, Err(DecideError::Refused("no"))));
    let illegal = under(&log, once(1, 1), vec![joining("spring")]).await;
    assert!(matches!(illegal, Err(DecideError::Log(LogError::Fold(_)))));
    assert!(matches!(
        under(&log, once(1, 1), vec![]).await,
        Err(DecideError::Log(LogError::Empty))
    ));
    assert!(log.spent(&[1; 32]).await.unwrap().is_none());
    let fresh = under(&log, once(1, 2), vec![proposal("spring")]).await.unwrap();
    assert!(matches!(fresh, Decided::Fresh(_)));
}

#[tokio::test]
async fn a_lost_answer_is_found_again_and_not_appended_twice() {
    let store = Restorable::of(&Arc::new(MemoryStore::new()));
    let log = on(&(Arc::<Restorable>::clone(&store) as Arc<dyn Store>));
    put(&log, "spring", vec![proposal("spring"), joining("spring")]).await.unwrap();
    store.loses_the_next_answer();
    let lost = under(&log, once(1, 1), vec![step(1)]).await;
    let Err(DecideError::Log(error)) = lost else { panic!("nobody answered") };
    assert_eq!(error.code(), "store-unavailable");
    // Neither here nor by another gateway, nor once others went on.
    let other = on(&(Arc::<Restorable>::clone(&store) as Arc<dyn Store>));
    put(&other, "spring", vec![step(9)]).await.unwrap();
    for log in [&log, &other] {
        let again = under(log, once(1, 1), vec![step(1)]).await.unwrap();
        assert_eq!(again, repeated("spring", 3, 1, true));
        assert_eq!(log.load(&named("spring")).await.unwrap().size, 5);
    }
    let next = put(&log, "spring", vec![step(2)]).await.unwrap();
    next.verify(&gateway().public(), &named("spring")).unwrap();
}

#[tokio::test]
async fn a_key_that_another_gateway_spent_just_now_is_found_with_its_leaf() {
    let (before, spring) = (Arc::new(MemoryStore::new()), vec![joining("spring")]);
    put(&on(&(Arc::<MemoryStore>::clone(&before) as _)), "spring", vec![proposal("spring")])
        .await
        .unwrap();
    let after = copied(&before).await;
    let other = on(&(Arc::<MemoryStore>::clone(&after) as _));
    under(&other, once(1, 1), spring.clone()).await.unwrap();
    // On the log as it is by then it would be illegal: whether that is seen before the decision, or only by the store.
    for before_the_look in [true, false] {
        let store = Restorable::of(&before);
        let log = on(&(Arc::<Restorable>::clone(&store) as _));
        if before_the_look {
            store.goes_on_before_the_next_look(&after);
        } else {
            store.is_put_back_in_between(&after);
        }
        let told = under(&log, once(1, 1), spring.clone()).await.unwrap();
        assert_eq!(told, repeated("spring", 2, 1, true));
    }
}

#[tokio::test]
async fn a_key_is_spent_anew_after_a_day_of_the_stores_clock() {
    const DAY_MS: i64 = 86_400_000;
    let clock = Arc::new(FixedClock::new(1000));
    let store: Arc<dyn Store> = Arc::new(MemoryStore::with_clock(Arc::<FixedClock>::clone(&clock)));
    let log = on(&store);
    put(&log, "spring", vec![proposal("spring")]).await.unwrap();
    under(&log, once(1, 1), vec![step(1)]).await.unwrap();
    clock.step(DAY_MS - 1);
    let early = under(&log, once(1, 1), vec![step(2)]).await.unwrap();
    assert_eq!(early, repeated("spring", 2, 1, true));
    clock.step(1);
    let late = under(&log, once(1, 1), vec![step(2)]).await.unwrap();
    assert!(matches!(late, Decided::Fresh(Receipt { index: 3, .. })));
}

/// Many at once on several gateways, under one key, each with something else; and others without one.
async fn raced(stores: [Arc<dyn Store>; 2]) {
    let logs = stores.map(|store| Arc::new(on(&store)));
    put(&logs[0], "spring", vec![proposal("spring")]).await.unwrap();
    let tasks: Vec<_> = (0..16)
        .map(|n| {
            let log = Arc::clone(&logs[n % 2]);
            tokio::spawn(async move {
                put(&log, "spring", vec![step(100 + n)]).await.unwrap();
                under(&log, once(1, 1), vec![step(n), ended(n)]).await.unwrap()
            })
        })
        .collect();
    let (mut fresh, mut others) = (Vec::new(), Vec::new());
    for task in tasks {
        match task.await.unwrap() {
            Decided::Fresh(receipt) => fresh.push(receipt),
            other @ Decided::Repeated { .. } => others.push(other),
        }
    }
    assert_eq!((fresh.len(), others.len()), (1, 15));
    let last = fresh[0].index;
    assert!(others.iter().all(|other| *other == repeated("spring", last - 1, 2, true)));
    for log in &logs {
        assert_eq!(log.load(&named("spring")).await.unwrap().size, 2 + 16 + 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_one_is_appended() {
    let store = memory();
    raced([Arc::clone(&store), store]).await;
}

#[cfg(feature = "gateway")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_on_one_file_one_is_appended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("airlock.db");
    let (one, other) = (SqliteStore::open(&path).await, SqliteStore::open(&path).await);
    raced([Arc::new(one.unwrap()), Arc::new(other.unwrap())]).await;
}

#[cfg(feature = "gateway")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_on_one_database_one_is_appended() {
    let Some(database) = crate::store::SharedDatabase::fresh().await else { return };
    let (one, other) = (database.open().await, database.open().await);
    raced([Arc::new(one.unwrap()), Arc::new(other.unwrap())]).await;
    database.removed().await;
}
