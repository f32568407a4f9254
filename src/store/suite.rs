//! The tests that every store must pass. Must not know which store it is looking at.

mod leases;
mod once;
mod parties;
mod waiting;

pub(super) use leases::clock_steps_do_no_harm;
pub(super) use once::keys_are_swept;
#[cfg(feature = "gateway")]
pub(super) use parties::behind_until_told;

use super::{Appended, Head, Store, StoreError};
use mappings::model::CollaborationId;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// Runs every promise; `open` opens the same store again, as a restart would; `pass` lets time pass for its leases and keys.
pub(super) async fn conforms<F, R, P, T>(open: F, pass: P)
where
    F: Fn() -> R + Copy,
    R: Future<Output = Arc<dyn Store>>,
    P: Fn(Duration) -> T + Copy,
    T: Future<Output = ()>,
{
    let (one, two) = (named("suite-one"), named("suite-two"));
    appends_whole_or_not_at_all(&*open().await, &one).await;
    assert_eq!(open().await.size(&one).await, Ok(3), "a restart keeps what was appended");
    collaborations_do_not_touch(&*open().await, &one, &two).await;
    assert_eq!(
        open().await.head(&one).await,
        Ok(head(3, "three")),
        "a restart keeps the checkpoint"
    );
    one_of_many_wins(&open().await, &two).await;
    another_log_of_the_same_length_is_not_appended_to(&*open().await).await;
    every_append_makes_another_mark(&*open().await, &*open().await).await;
    parties::conforms(open).await;
    once::conforms(open, pass).await;
    waiting::conforms(open, pass).await;
    leases::conforms(open, pass).await;
}

fn named(name: &str) -> CollaborationId {
    CollaborationId::new(name).unwrap()
}

fn leaf(byte: u8) -> Vec<u8> {
    vec![byte; 4]
}

fn appended(leaves: &[u8], checkpoint: &str) -> Appended {
    let leaves = leaves.iter().copied().map(leaf).collect();
    Appended::new(leaves, checkpoint.to_owned())
}

fn head(size: u64, checkpoint: &str) -> Head {
    Head { size, checkpoint: Some(checkpoint.to_owned()) }
}

async fn appends_whole_or_not_at_all(store: &dyn Store, log: &CollaborationId) {
    assert_eq!(store.size(log).await, Ok(0));
    assert_eq!(store.head(log).await, Ok(Head::default()));
    assert_eq!(store.append(log, &Head::default(), appended(&[1, 2], "two"), None).await, Ok(2));
    let raced = store.append(log, &head(1, "one"), appended(&[8, 9], "raced"), None).await;
    assert_eq!(raced, Err(StoreError::Conflict { size: 2 }));
    assert_eq!(store.head(log).await, Ok(head(2, "two")), "what lost a race changes no checkpoint");
    assert_eq!(store.append(log, &head(2, "two"), appended(&[3], "three"), None).await, Ok(3));
    assert_eq!(store.head(log).await, Ok(head(3, "three")));
    assert_eq!(store.read(log, 1, 10).await, Ok(vec![leaf(2), leaf(3)]));
    assert_eq!(store.read(log, 0, 1).await, Ok(vec![leaf(1)]));
    assert_eq!(store.read(log, 3, 10).await, Ok(vec![]), "none beyond the end");
    assert_eq!(store.read(log, 0, 0).await, Ok(vec![]));
    let ahead = store.append(log, &head(9, "three"), appended(&[4], "ahead"), None).await;
    assert_eq!(ahead, Err(StoreError::Conflict { size: 3 }));
    let unborn =
        store.append(&named("suite-unborn"), &head(1, "one"), appended(&[4], "unborn"), None).await;
    assert_eq!(unborn, Err(StoreError::Conflict { size: 0 }));
    assert_eq!(store.collaborations().await, Ok(vec![log.clone()]), "a refusal begins no log");
}

/// A failover lost a leaf, and another gateway appended as many as were lost: whoever knew the lost one must not go on from it.
async fn another_log_of_the_same_length_is_not_appended_to(store: &dyn Store) {
    let log = &named("suite-went-on-otherwise");
    store.append(log, &Head::default(), appended(&[1], "one"), None).await.unwrap();
    store
        .append(log, &head(1, "one"), appended(&[3], "two, after the failover"), None)
        .await
        .unwrap();
    let conflict = Err(StoreError::Conflict { size: 2 });
    let unsigned = Head { size: 2, checkpoint: None };
    for lost in [head(2, "two, before it"), unsigned, head(2, "")] {
        assert_eq!(store.append(log, &lost, appended(&[4], "three"), None).await, conflict);
        assert_eq!(store.head(log).await, Ok(head(2, "two, after the failover")));
    }
    let signed = Head { size: 0, checkpoint: Some("nothing".to_owned()) };
    let unborn = store.append(&named("suite-unborn"), &signed, appended(&[4], "one"), None).await;
    assert_eq!(unborn, Err(StoreError::Conflict { size: 0 }));
    assert!(!store.collaborations().await.unwrap().contains(&named("suite-unborn")));
    let next = head(2, "two, after the failover");
    assert_eq!(store.append(log, &next, appended(&[4], "three"), None).await, Ok(3));
}

async fn collaborations_do_not_touch(
    store: &dyn Store,
    one: &CollaborationId,
    two: &CollaborationId,
) {
    assert_eq!(store.append(two, &Head::default(), appended(&[7], "seven"), None).await, Ok(1));
    assert_eq!(store.read(two, 0, 10).await, Ok(vec![leaf(7)]));
    assert_eq!(store.size(one).await, Ok(3));
    assert_eq!(store.collaborations().await, Ok(vec![one.clone(), two.clone()]));
    assert_eq!(store.sizes().await, Ok(vec![(one.clone(), 3), (two.clone(), 1)]));
}

async fn every_append_makes_another_mark(one: &dyn Store, other: &dyn Store) {
    let log = &named("suite-marked");
    let mut marks = vec![one.mark().await.unwrap().unwrap()];
    for (by, size) in [(other, 0), (one, 1), (other, 2)] {
        let before = if size == 0 { Head::default() } else { head(size, "marked") };
        by.append(log, &before, appended(&[1], "marked"), None).await.unwrap();
        let mark = one.mark().await.unwrap().unwrap();
        assert!(!marks.contains(&mark), "{mark:?} after {marks:?}");
        marks.push(mark);
    }
}

async fn one_of_many_wins(store: &Arc<dyn Store>, log: &CollaborationId) {
    let before = store.head(log).await.unwrap();
    let size = before.size;
    let racers: Vec<_> = (0..16)
        .map(|n| {
            let (store, log, before) = (Arc::clone(store), log.clone(), before.clone());
            tokio::spawn(
                async move { store.append(&log, &before, appended(&[n], "raced"), None).await },
            )
        })
        .collect();
    let mut winners = 0;
    for racer in racers {
        match racer.await.unwrap() {
            Ok(_) => winners += 1,
            Err(error) => assert_eq!(error, StoreError::Conflict { size: size + 1 }),
        }
    }
    assert_eq!(winners, 1, "one append at a position");
    assert_eq!(store.size(log).await, Ok(size + 1));
}
