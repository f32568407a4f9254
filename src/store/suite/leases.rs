//! What every store promises of leases and fences. Must not know which store it is looking at.

use super::{appended, named};
use crate::store::{Fence, Head, Lease, Store, StoreError};
use mappings::model::CollaborationId;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

const LONG: Duration = Duration::from_mins(10);
const SHORT: Duration = Duration::from_mins(1);
const OVER: Duration = Duration::from_secs(61);
const RACES: u8 = 50;

pub(super) async fn conforms<F, R, P, T>(open: F, pass: P)
where
    F: Fn() -> R,
    R: Future<Output = Arc<dyn Store>>,
    P: Fn(Duration) -> T,
    T: Future<Output = ()>,
{
    one_holder_at_a_time(&*open().await).await;
    only_the_holder_renews_and_releases(&*open().await).await;
    a_stale_fence_appends_nothing(&*open().await).await;
    an_expired_lease_is_taken_over(&*open().await, pass).await;
    held_leases_are_listed(&*open().await).await;
    one_of_many_acquires(&open().await).await;
    a_takeover_and_an_append_have_an_order(&open().await).await;
    let before = held(&*open().await, "kept", "a", LONG).await;
    assert_eq!(open().await.renew(&before, LONG).await, Ok(true), "a restart keeps leases");
    assert_eq!(open().await.release(&before).await, Ok(true));
    let after = held(&*open().await, "kept", "b", LONG).await;
    assert_eq!((before.token, after.token), (1, 2), "a restart keeps tokens");
}

async fn held(store: &dyn Store, resource: &str, holder: &str, ttl: Duration) -> Lease {
    store.acquire(resource, holder, ttl).await.unwrap().expect("nobody holds it")
}

async fn append(
    store: &dyn Store,
    log: &CollaborationId,
    fence: Option<&Fence>,
) -> Result<u64, StoreError> {
    let head = store.head(log).await.unwrap();
    store.append(log, &head, appended(&[1], "fenced"), fence).await
}

async fn one_holder_at_a_time(store: &dyn Store) {
    let first = held(store, "one", "a", LONG).await;
    assert_eq!(first, Lease { resource: "one".into(), holder: "a".into(), token: 1 });
    assert_eq!(store.acquire("one", "b", LONG).await, Ok(None));
    assert_eq!(held(store, "another", "b", LONG).await.token, 1, "resources don't touch");
    // Whoever lost the answer asks again.
    assert_eq!(held(store, "one", "a", LONG).await.token, 2);
    assert_eq!(store.renew(&first, LONG).await, Ok(false), "its own older lease is over");
    assert_eq!(store.acquire("one", "b", LONG).await, Ok(None));
}

async fn held_leases_are_listed(store: &dyn Store) {
    let of = |resource: &'static str| held(store, resource, "a", LONG);
    let (_, second) = (of("listed/1").await, of("listed/2").await);
    let third = store.acquire("listed/3", "b", LONG).await.unwrap().unwrap();
    let (_, other) = (of("list").await, of("Listed/2").await);
    assert_eq!(store.release(&other).await, Ok(true));
    let expired = store.acquire("listed/4", "b", Duration::from_millis(1)).await.unwrap();
    store.release(&expired.unwrap()).await.unwrap();
    let listed = store.leases("listed/").await.unwrap();
    let names: Vec<&str> = listed.iter().map(|lease| lease.resource.as_str()).collect();
    assert_eq!(names, ["listed/1", "listed/2", "listed/3"]);
    assert_eq!(listed[1..], [second, third]);
    assert!(store.leases("listed/%").await.unwrap().is_empty(), "a prefix is no pattern");
}

async fn only_the_holder_renews_and_releases(store: &dyn Store) {
    let lease = held(store, "renewed", "a", LONG).await;
    let (stranger, newer) =
        (Lease { holder: "b".into(), ..lease.clone() }, Lease { token: 2, ..lease.clone() });
    for not_it in [&stranger, &newer, &Lease { resource: "never".into(), ..lease.clone() }] {
        assert_eq!(store.renew(not_it, LONG).await, Ok(false));
        assert_eq!(store.release(not_it).await, Ok(false));
    }
    assert_eq!(store.renew(&lease, LONG).await, Ok(true));
    assert_eq!(store.acquire("renewed", "b", LONG).await, Ok(None));
    assert_eq!(store.release(&lease).await, Ok(true));
    assert_eq!(store.release(&lease).await, Ok(false));
    assert_eq!(store.renew(&lease, LONG).await, Ok(false), "what was given back is not held");
    assert_eq!(held(store, "renewed", "b", LONG).await.token, 2, "a release keeps the token");
    assert_eq!(store.release(&lease).await, Ok(false), "nor is another's given back");
}

async fn a_stale_fence_appends_nothing(store: &dyn Store) {
    let log = named("suite-fenced");
    let old = held(store, "log", "a", LONG).await;
    assert_eq!(append(store, &log, Some(&old.fence())).await, Ok(1));
    assert_eq!(append(store, &log, None).await, Ok(2), "a decision waits for no lease");
    assert_eq!(store.release(&old).await, Ok(true));
    assert_eq!(append(store, &log, Some(&old.fence())).await, Ok(3), "nobody came after it");
    let new = held(store, "log", "b", LONG).await;
    let head = store.head(&log).await;
    let stale = append(store, &log, Some(&old.fence())).await;
    assert_eq!(stale, Err(StoreError::Fenced { token: new.token }));
    let ahead = Fence { token: new.token + 1, ..new.fence() };
    let ahead = append(store, &log, Some(&ahead)).await;
    assert_eq!(ahead, Err(StoreError::Fenced { token: new.token }), "nor one of a lost future");
    let unknown = append(store, &log, Some(&Fence { resource: "unknown".into(), token: 1 })).await;
    assert_eq!(unknown, Err(StoreError::Fenced { token: 0 }));
    let unborn = append(store, &named("suite-unborn"), Some(&old.fence())).await;
    assert!(matches!(unborn, Err(StoreError::Fenced { .. })));
    assert!(!store.collaborations().await.unwrap().contains(&named("suite-unborn")));
    assert_eq!(store.head(&log).await, head, "what was refused left nothing");
    assert_eq!(append(store, &log, Some(&new.fence())).await, Ok(4));
    let late =
        store.append(&log, &Head::default(), appended(&[1], "late"), Some(&new.fence())).await;
    assert_eq!(late, Err(StoreError::Conflict { size: 4 }), "a fence does not replace the size");
}

async fn an_expired_lease_is_taken_over<P, T>(store: &dyn Store, pass: P)
where
    P: Fn(Duration) -> T,
    T: Future<Output = ()>,
{
    let log = named("suite-expired");
    let old = held(store, "expiring", "a", SHORT).await;
    assert_eq!(store.acquire("expiring", "b", SHORT).await, Ok(None));
    pass(OVER).await;
    assert_eq!(append(store, &log, Some(&old.fence())).await, Ok(1), "nobody came after it");
    assert_eq!(store.renew(&old, SHORT).await, Ok(true), "expired, but nobody wanted it");
    assert_eq!(store.acquire("expiring", "b", SHORT).await, Ok(None), "it is held again");
    pass(OVER).await;
    let new = held(store, "expiring", "b", LONG).await;
    assert_eq!(new.token, old.token + 1);
    assert_eq!(store.renew(&old, LONG).await, Ok(false));
    assert_eq!(store.release(&old).await, Ok(false));
    assert_eq!(
        append(store, &log, Some(&old.fence())).await,
        Err(StoreError::Fenced { token: new.token })
    );
    assert_eq!(append(store, &log, Some(&new.fence())).await, Ok(2));
}

async fn one_of_many_acquires(store: &Arc<dyn Store>) {
    let racers: Vec<_> = (0..16)
        .map(|n| {
            let store = Arc::clone(store);
            tokio::spawn(
                async move { store.acquire("raced", &format!("w{n}"), LONG).await.unwrap() },
            )
        })
        .collect();
    let mut winners = Vec::new();
    for racer in racers {
        winners.extend(racer.await.unwrap());
    }
    assert_eq!(winners.iter().map(|lease| lease.token).collect::<Vec<_>>(), [1]);
}

/// Once a takeover is answered, nothing more arrives under the old fence.
async fn a_takeover_and_an_append_have_an_order(store: &Arc<dyn Store>) {
    let log = named("suite-takeover");
    for n in 0..RACES {
        let (worker, peer) = (format!("w{n}"), Arc::clone(store));
        let old = held(&**store, "takeover", &worker, LONG).await;
        let (late, to) = (old.fence(), log.clone());
        let late = tokio::spawn(async move { append(&*peer, &to, Some(&late)).await });
        if n % 2 == 0 {
            tokio::task::yield_now().await;
        }
        // Its own again: the same takeover as after an expiry, without the wait.
        let new = held(&**store, "takeover", &worker, LONG).await;
        let size = store.size(&log).await.unwrap();
        match late.await.unwrap() {
            Ok(grown) => assert_eq!(grown, size, "it was there before the takeover was"),
            Err(error) => assert_eq!(error, StoreError::Fenced { token: new.token }),
        }
        assert_eq!(store.size(&log).await, Ok(size));
        assert_eq!(store.release(&new).await, Ok(true));
    }
}

/// A clock that jumps either way costs time, never order: `step` moves it by milliseconds.
pub(in crate::store) async fn clock_steps_do_no_harm<F, R, P, T>(open: F, step: P)
where
    F: Fn() -> R,
    R: Future<Output = Arc<dyn Store>>,
    P: Fn(i64) -> T,
    T: Future<Output = ()>,
{
    const HOUR_MS: i64 = 3_600_000;
    let (store, log) = (open().await, named("suite-stepped"));
    let first = held(&*store, "stepped", "a", SHORT).await;
    step(HOUR_MS).await;
    let second = held(&*store, "stepped", "b", SHORT).await;
    assert_eq!(second.token, first.token + 1, "ahead: it expires early, and is fenced");
    assert!(append(&*store, &log, Some(&first.fence())).await.is_err());
    step(-HOUR_MS).await;
    let third = held(&*store, "stepped", "c", SHORT).await;
    assert_eq!(third.token, second.token + 1, "back: a lease of the future holds nothing up");
    assert!(append(&*store, &log, Some(&second.fence())).await.is_err());
    assert_eq!(append(&*store, &log, Some(&third.fence())).await, Ok(1));
    // A small step back makes a lease longer by no more than its own length.
    step(-30_000).await;
    assert_eq!(store.acquire("stepped", "d", SHORT).await, Ok(None));
    step(91_000).await;
    assert_eq!(held(&*store, "stepped", "d", SHORT).await.token, third.token + 1);
}
