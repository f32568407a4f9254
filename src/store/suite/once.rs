//! What every store promises of keys that are spent once. Must not know which store it is looking at.

use super::{appended, head, named};
use crate::store::{Appended, Fence, Head, Once, Spent, Store, StoreError};
use mappings::model::CollaborationId;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

const MINUTES: u64 = 24 * 60;
const NEARLY_A_DAY: Duration = Duration::from_mins(MINUTES - 1);
const OVER_A_DAY: Duration = Duration::from_mins(MINUTES + 1);

pub(super) async fn conforms<F, R, P, T>(open: F, pass: P)
where
    F: Fn() -> R + Copy,
    R: Future<Output = Arc<dyn Store>>,
    P: Fn(Duration) -> T + Copy,
    T: Future<Output = ()>,
{
    a_key_is_spent_once_whatever_comes_with_it(&*open().await).await;
    let spent = open().await.spent(&key(1, 0)).await.unwrap().unwrap();
    assert_eq!((spent.index, spent.count), (0, 2), "a restart keeps what was spent");
    what_is_not_appended_spends_nothing(&*open().await).await;
    one_of_many_at_once_in_one_log(&open().await).await;
    one_of_many_at_once_in_many_logs(&open().await).await;
    a_key_is_kept_for_a_day(&*open().await, pass).await;
    a_key_of_no_append_is_spent_once(open, pass).await;
}

async fn a_key_of_no_append_is_spent_once<F, R, P, T>(open: F, pass: P)
where
    F: Fn() -> R + Copy,
    R: Future<Output = Arc<dyn Store>>,
    P: Fn(Duration) -> T + Copy,
    T: Future<Output = ()>,
{
    let store = open().await;
    let at_once = (0..16).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.spend(&key(9, 0)).await.unwrap() })
    });
    let mut won = 0;
    for one in at_once.collect::<Vec<_>>() {
        won += usize::from(one.await.unwrap());
    }
    assert_eq!(won, 1, "of many at once one hears that it was not spent");
    assert_eq!(open().await.spend(&key(9, 0)).await, Ok(false), "a restart keeps it");
    assert_eq!(store.spend(&key(9, 1)).await, Ok(true), "another is another");
    assert_eq!(store.spent(&key(9, 0)).await, Ok(None), "it was spent on no append");
    pass(NEARLY_A_DAY).await;
    assert_eq!(store.spend(&key(9, 0)).await, Ok(false));
    pass(OVER_A_DAY).await;
    assert_eq!(store.spend(&key(9, 0)).await, Ok(true), "after a day it is forgotten");
}

/// Two keys of one first byte differ in their last alone.
fn key(first: u8, last: u8) -> [u8; 32] {
    let mut key = [first; 32];
    key[31] = last;
    key
}

fn under(scope: [u8; 32], fingerprint: u8, leaves: &[u8], checkpoint: &str) -> Appended {
    let once = Once { scope, fingerprint: [fingerprint; 32] };
    Appended { once: Some(once), ..appended(leaves, checkpoint) }
}

async fn a_key_is_spent_once_whatever_comes_with_it(store: &dyn Store) {
    let (log, scope) = (&named("suite-once"), key(1, 0));
    assert_eq!(store.spent(&scope).await, Ok(None));
    let first = under(scope, 7, &[1, 2], "two");
    assert_eq!(store.append(log, &Head::default(), first, None).await, Ok(2));
    let collaboration = log.clone();
    let spent = Spent { collaboration, index: 0, count: 2, fingerprint: [7; 32] };
    let (good, unborn) = (head(2, "two"), named("suite-unborn"));
    let stale = Fence { resource: "suite-once".into(), token: 1 };
    let repeats = [
        (log, good.clone(), 7, None),
        (log, good.clone(), 8, None),
        (log, Head::default(), 7, None),
        (log, head(9, "nine"), 8, None),
        (log, good.clone(), 7, Some(&stale)),
        (&unborn, Head::default(), 7, None),
    ];
    for (to, expected, fingerprint, fence) in repeats {
        let again = under(scope, fingerprint, &[3], "again");
        assert_eq!(store.append(to, &expected, again, fence).await, Err(StoreError::Repeated));
        assert_eq!(store.spent(&scope).await, Ok(Some(spent.clone())));
    }
    assert_eq!(store.head(log).await, Ok(good.clone()));
    assert!(!store.collaborations().await.unwrap().contains(&unborn));
    let other = under(key(1, 1), 7, &[3], "three");
    assert_eq!(store.append(log, &good, other, None).await, Ok(3), "another key is another");
    let second = store.spent(&key(1, 1)).await.unwrap().unwrap();
    assert_eq!((second.index, second.count), (2, 1));
    assert_eq!(store.append(log, &head(3, "three"), appended(&[4], "four"), None).await, Ok(4));
}

async fn what_is_not_appended_spends_nothing(store: &dyn Store) {
    let (log, scope) = (&named("suite-unspent"), key(2, 0));
    let conflict = store.append(log, &head(1, "one"), under(scope, 1, &[1], "lost"), None).await;
    assert_eq!(conflict, Err(StoreError::Conflict { size: 0 }));
    let fence = Fence { resource: "suite-unspent".into(), token: 1 };
    let fenced = under(scope, 1, &[1], "lost");
    let fenced = store.append(log, &Head::default(), fenced, Some(&fence)).await;
    assert_eq!(fenced, Err(StoreError::Fenced { token: 0 }));
    assert_eq!(store.spent(&scope).await, Ok(None));
    assert_eq!(
        store.append(log, &Head::default(), under(scope, 2, &[1], "one"), None).await,
        Ok(1)
    );
    assert_eq!(store.spent(&scope).await.unwrap().unwrap().fingerprint, [2; 32]);
}

/// Goes on from whatever head there is until it is done, or its key is spent.
async fn persists(store: &dyn Store, log: &CollaborationId, n: u8) -> bool {
    for turn in 0.. {
        let before = store.head(log).await.unwrap();
        if turn == 0 && n.is_multiple_of(2) {
            // Somebody without a key comes in between.
            let _ = store.append(log, &before, appended(&[n], &format!("{n}-between")), None).await;
        }
        let own = under(key(3, 0), n, &[n, n], &format!("{n}"));
        match store.append(log, &before, own, None).await {
            Ok(_) => return true,
            Err(StoreError::Repeated) => return false,
            Err(error) => assert!(matches!(error, StoreError::Conflict { .. }), "{error}"),
        }
    }
    false
}

async fn one_of_many_at_once_in_one_log(store: &Arc<dyn Store>) {
    let log = named("suite-raced-once");
    let racers = (0..16).map(|n| {
        let (store, log) = (Arc::clone(store), log.clone());
        tokio::spawn(async move { persists(&*store, &log, n).await })
    });
    let mut winners = 0;
    for racer in racers.collect::<Vec<_>>() {
        winners += u8::from(racer.await.unwrap());
    }
    assert_eq!(winners, 1);
    let leaves = store.read(&log, 0, 99).await.unwrap();
    let spent = store.spent(&key(3, 0)).await.unwrap().unwrap();
    let (at, by) = (usize::try_from(spent.index).unwrap(), spent.fingerprint[0]);
    assert_eq!(leaves[at..at + 2], [super::leaf(by), super::leaf(by)]);
}

async fn one_of_many_at_once_in_many_logs(store: &Arc<dyn Store>) {
    let log = |n: u8| named(&format!("suite-raced-apart-{n}"));
    let racers = (0..16).map(|n| {
        let (store, log) = (Arc::clone(store), log(n));
        let own = under(key(4, 0), n, &[n], "raced");
        tokio::spawn(async move { store.append(&log, &Head::default(), own, None).await })
    });
    let mut winners = Vec::new();
    for (n, racer) in racers.collect::<Vec<_>>().into_iter().enumerate() {
        match racer.await.unwrap() {
            Ok(size) => winners.push((size, u8::try_from(n).unwrap())),
            Err(error) => assert_eq!(error, StoreError::Repeated),
        }
    }
    let [(1, won)] = winners[..] else { panic!("one of them: {winners:?}") };
    let spent = store.spent(&key(4, 0)).await.unwrap().unwrap();
    assert_eq!((spent.collaboration, spent.fingerprint), (log(won), [won; 32]));
    for n in 0..16 {
        assert_eq!(store.size(&log(n)).await, Ok(u64::from(n == won)));
    }
}

async fn a_key_is_kept_for_a_day<P, T>(store: &dyn Store, pass: P)
where
    P: Fn(Duration) -> T,
    T: Future<Output = ()>,
{
    let (log, scope) = (&named("suite-expired-key"), key(5, 0));
    store.append(log, &Head::default(), under(scope, 1, &[1], "one"), None).await.unwrap();
    pass(NEARLY_A_DAY).await;
    let again = under(scope, 2, &[2], "two");
    let early = store.append(log, &head(1, "one"), again.clone(), None).await;
    assert_eq!(early, Err(StoreError::Repeated));
    assert!(store.spent(&scope).await.unwrap().is_some());
    pass(Duration::from_mins(2)).await;
    assert_eq!(store.spent(&scope).await, Ok(None));
    assert_eq!(store.append(log, &head(1, "one"), again.clone(), None).await, Ok(2));
    let spent = store.spent(&scope).await.unwrap().unwrap();
    assert_eq!((spent.index, spent.fingerprint), (1, [2; 32]));
    // It is kept for a day of its own.
    pass(NEARLY_A_DAY).await;
    let late = store.append(log, &head(2, "two"), again, None).await;
    assert_eq!(late, Err(StoreError::Repeated));
}

/// Whoever spends a key removes 256 of those that are over: `count` says how many the store has, over or not.
pub(in crate::store) async fn keys_are_swept<P, T, C, N>(store: &dyn Store, pass: P, count: C)
where
    P: Fn(Duration) -> T,
    T: Future<Output = ()>,
    C: Fn() -> N,
    N: Future<Output = usize>,
{
    let log = &named("suite-swept");
    let spend = async |first: u8, last: u8| {
        let before = store.head(log).await.unwrap();
        store.append(log, &before, under(key(first, last), 1, &[1], "swept"), None).await.unwrap();
    };
    // What other promises left is swept first.
    pass(OVER_A_DAY).await;
    spend(6, 0).await;
    assert_eq!(count().await, 1);
    for n in 0..=255 {
        spend(7, n).await;
    }
    for n in 0..43 {
        spend(8, n).await;
    }
    assert_eq!(count().await, 300);
    let before = store.head(log).await.unwrap();
    pass(OVER_A_DAY).await;
    store.append(log, &before, appended(&[1], "swept"), None).await.unwrap();
    spend(9, 0).await;
    assert_eq!(count().await, 300 - 256 + 1);
    spend(9, 1).await;
    assert_eq!(count().await, 2);
    for (first, last) in [(9, 0), (9, 1)] {
        assert!(store.spent(&key(first, last)).await.unwrap().is_some(), "what holds stays");
    }
}
