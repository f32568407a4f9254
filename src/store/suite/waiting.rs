//! What every store promises of what waits for a second person. Must not know which store it is looking at.

use super::{appended, head, named};
use crate::store::{Appended, Head, Once, Second, Store, StoreError, Waiting};
use mappings::model::{CollaborationId, MemberId};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

const MINUTES: u64 = 24 * 60;

pub(super) async fn conforms<F, R, P, T>(open: F, pass: P)
where
    F: Fn() -> R,
    R: Future<Output = Arc<dyn Store>>,
    P: Fn(Duration) -> T,
    T: Future<Output = ()>,
{
    let log = named("suite-waiting");
    open().await.append(&log, &Head::default(), appended(&[1], "one"), None).await.unwrap();
    the_first_stays_the_first(&*open().await, &log).await;
    let kept = open().await.waiting(&log, &tenant("grocer"), 9).await.unwrap();
    assert_eq!(kept.len(), 1, "a restart keeps what waits");
    another_person_and_nobody_else_uses_it_up(&*open().await, &log).await;
    what_is_not_appended_uses_nothing_up(&*open().await).await;
    what_is_taken_back_waits_no_more(&*open().await, &log).await;
    one_of_many_at_once(&open().await).await;
    it_waits_for_a_day(&*open().await, pass).await;
}

fn tenant(name: &str) -> MemberId {
    MemberId::new(name).unwrap()
}

fn waiting(log: &CollaborationId, of: &str, what: u8, by: u8) -> Waiting {
    Waiting {
        collaboration: log.clone(),
        tenant: tenant(of),
        fingerprint: [what; 32],
        by: [by; 32],
        about: format!("{what} by {by}"),
    }
}

fn second(of: &str, what: u8, by: u8) -> Second {
    Second { tenant: tenant(of), fingerprint: [what; 32], by: [by; 32] }
}

fn seconded(second: Second, checkpoint: &str) -> Appended {
    Appended { second: Some(second), ..appended(&[9], checkpoint) }
}

async fn the_first_stays_the_first(store: &dyn Store, log: &CollaborationId) {
    let one = waiting(log, "grocer", 1, 1);
    assert_eq!(store.wait(&one).await, Ok(()));
    let first = store.waiting(log, &tenant("grocer"), 9).await.unwrap();
    for by in [1, 2] {
        assert_eq!(store.wait(&waiting(log, "grocer", 1, by)).await, Ok(()));
        assert_eq!(store.waiting(log, &tenant("grocer"), 9).await, Ok(first.clone()));
    }
    assert_eq!(first[0].waiting, one);
    assert_eq!(first[0].until_ms - first[0].asked_ms, 24 * 60 * 60 * 1000);
    assert_eq!(store.waiting(log, &tenant("brand"), 9).await, Ok(vec![]), "it is nobody else's");
    assert_eq!(store.waiting(&named("suite-unborn"), &tenant("grocer"), 9).await, Ok(vec![]));
}

async fn another_person_and_nobody_else_uses_it_up(store: &dyn Store, log: &CollaborationId) {
    let before = head(1, "one");
    for nobody in [second("grocer", 1, 1), second("brand", 1, 2), second("grocer", 2, 2)] {
        let done = store.append(log, &before, seconded(nobody, "two"), None).await;
        assert_eq!(done, Err(StoreError::Unseconded));
        assert_eq!(store.head(log).await, Ok(before.clone()));
    }
    let good = || seconded(second("grocer", 1, 2), "two");
    assert_eq!(store.append(log, &before, good(), None).await, Ok(2));
    assert_eq!(store.waiting(log, &tenant("grocer"), 9).await, Ok(vec![]));
    let again = store.append(log, &head(2, "two"), good(), None).await;
    assert_eq!(again, Err(StoreError::Unseconded), "once");
}

async fn what_is_not_appended_uses_nothing_up(store: &dyn Store) {
    let log = named("suite-waits-still");
    store.append(&log, &Head::default(), appended(&[1], "one"), None).await.unwrap();
    store.wait(&waiting(&log, "grocer", 1, 1)).await.unwrap();
    let late =
        store.append(&log, &head(7, "seven"), seconded(second("grocer", 1, 2), "x"), None).await;
    assert_eq!(late, Err(StoreError::Conflict { size: 1 }));
    assert_eq!(store.waiting(&log, &tenant("grocer"), 9).await.unwrap().len(), 1);
    // A key that is spent says so, also once nothing waits any more.
    let once = Some(Once { scope: [77; 32], fingerprint: [1; 32] });
    let keyed = || Appended { once, ..seconded(second("grocer", 1, 2), "two") };
    assert_eq!(store.append(&log, &head(1, "one"), keyed(), None).await, Ok(2));
    let again = store.append(&log, &head(2, "two"), keyed(), None).await;
    assert_eq!(again, Err(StoreError::Repeated));
}

async fn what_is_taken_back_waits_no_more(store: &dyn Store, log: &CollaborationId) {
    store.wait(&waiting(log, "grocer", 3, 1)).await.unwrap();
    store.wait(&waiting(log, "brand", 3, 1)).await.unwrap();
    assert_eq!(store.take_back(log, &tenant("press"), &[3; 32]).await, Ok(false));
    assert_eq!(store.take_back(log, &tenant("grocer"), &[4; 32]).await, Ok(false));
    assert_eq!(store.take_back(log, &tenant("grocer"), &[3; 32]).await, Ok(true));
    assert_eq!(store.take_back(log, &tenant("grocer"), &[3; 32]).await, Ok(false), "once");
    assert_eq!(store.waiting(log, &tenant("brand"), 9).await.unwrap().len(), 1, "another's stays");
    let gone = seconded(second("grocer", 3, 2), "three");
    assert_eq!(store.append(log, &head(2, "two"), gone, None).await, Err(StoreError::Unseconded));
}

async fn one_of_many_at_once(store: &Arc<dyn Store>) {
    let log = named("suite-waited-raced");
    store.append(&log, &Head::default(), appended(&[1], "one"), None).await.unwrap();
    store.wait(&waiting(&log, "grocer", 1, 0)).await.unwrap();
    let racers = (1..=16).map(|by| {
        let (store, log) = (Arc::clone(store), log.clone());
        tokio::spawn(async move {
            loop {
                let before = store.head(&log).await.unwrap();
                let own = seconded(second("grocer", 1, by), &format!("by {by}"));
                match store.append(&log, &before, own, None).await {
                    Ok(_) => return true,
                    Err(StoreError::Conflict { .. }) => {}
                    Err(error) => {
                        assert_eq!(error, StoreError::Unseconded);
                        return false;
                    }
                }
            }
        })
    });
    let mut winners = 0;
    for racer in racers.collect::<Vec<_>>() {
        winners += u8::from(racer.await.unwrap());
    }
    assert_eq!((winners, store.size(&log).await), (1, Ok(2)));
}

async fn it_waits_for_a_day<P, T>(store: &dyn Store, pass: P)
where
    P: Fn(Duration) -> T,
    T: Future<Output = ()>,
{
    let log = named("suite-waited-long");
    store.append(&log, &Head::default(), appended(&[1], "one"), None).await.unwrap();
    store.wait(&waiting(&log, "grocer", 1, 1)).await.unwrap();
    pass(Duration::from_mins(MINUTES - 1)).await;
    assert_eq!(store.waiting(&log, &tenant("grocer"), 9).await.unwrap().len(), 1);
    pass(Duration::from_mins(2)).await;
    assert_eq!(store.waiting(&log, &tenant("grocer"), 9).await, Ok(vec![]));
    let late = seconded(second("grocer", 1, 2), "two");
    assert_eq!(store.append(&log, &head(1, "one"), late, None).await, Err(StoreError::Unseconded));
    assert_eq!(store.take_back(&log, &tenant("grocer"), &[1; 32]).await, Ok(false));
    store.wait(&waiting(&log, "grocer", 1, 2)).await.unwrap();
    let anew = store.waiting(&log, &tenant("grocer"), 9).await.unwrap();
    assert_eq!((anew.len(), anew[0].waiting.by), (1, [2; 32]), "it is asked anew, by whoever asks");
}
