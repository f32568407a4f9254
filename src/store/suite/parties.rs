//! What every store promises of who is a party. Must not know which store it is looking at.

use super::{appended, head, named};
use crate::store::Stands::{Former, Invited, Member};
use crate::store::{Appended, Fence, Head, Stands, Store, StoreError};
use mappings::model::{CollaborationId, MemberId};
use std::future::Future;
use std::sync::Arc;

pub(super) async fn conforms<F, R>(open: F)
where
    F: Fn() -> R,
    R: Future<Output = Arc<dyn Store>>,
{
    parties_are_there_exactly_when_the_append_is(&*open().await).await;
    let kept = open().await.stands(&named("suite-told"), &who("bob")).await;
    assert_eq!(kept, Ok(Some(Former)), "a restart keeps them");
    a_members_logs_come_in_pages_in_order_of_name(&*open().await).await;
    parties_are_projected_onto_a_log_of_that_length_alone(&*open().await).await;
    the_parties_are_those_of_the_append_that_won(&open().await).await;
    let behind = open().await.unprojected(None, 99).await;
    assert_eq!(behind, Ok(vec![]), "whatever was appended here, its parties are known");
}

fn who(name: &str) -> MemberId {
    name.parse().unwrap()
}

fn told(leaves: &[u8], checkpoint: &str, parties: &[(&str, Stands)]) -> Appended {
    let parties = parties.iter().map(|(name, stands)| (who(name), *stands)).collect();
    Appended { parties: Some(parties), ..appended(leaves, checkpoint) }
}

async fn stand(store: &dyn Store, log: &CollaborationId) -> [Option<Stands>; 3] {
    let mut all = [None; 3];
    for (stands, name) in all.iter_mut().zip(["ann", "bob", "cay"]) {
        *stands = store.stands(log, &who(name)).await.unwrap();
        let listed = store.logs_of(&who(name), None, 99).await.unwrap();
        let listed = listed.into_iter().find(|(name, _)| name == log).map(|(_, stands)| stands);
        assert_eq!(listed, *stands, "both say the same");
    }
    all
}

async fn parties_are_there_exactly_when_the_append_is(store: &dyn Store) {
    let log = &named("suite-told");
    let ghost = told(&[1], "ghost", &[("cay", Member)]);
    let unborn = store.append(log, &head(1, "one"), ghost.clone(), None).await;
    assert_eq!(unborn, Err(StoreError::Conflict { size: 0 }));
    assert_eq!(stand(store, log).await, [None; 3]);
    let first = told(&[1], "one", &[("ann", Invited), ("bob", Member)]);
    store.append(log, &Head::default(), first, None).await.unwrap();
    let first = [Some(Invited), Some(Member), None];
    assert_eq!(stand(store, log).await, first);
    for other in [Head::default(), head(1, "other"), head(9, "one")] {
        let conflict = store.append(log, &other, ghost.clone(), None).await;
        assert_eq!(conflict, Err(StoreError::Conflict { size: 1 }));
        assert_eq!(stand(store, log).await, first, "what lost a race tells nothing");
    }
    let fence = Fence { resource: "suite-told".into(), token: 1 };
    let fenced = store.append(log, &head(1, "one"), ghost, Some(&fence)).await;
    assert_eq!(fenced, Err(StoreError::Fenced { token: 0 }));
    assert_eq!(stand(store, log).await, first, "nor does what is fenced");
    store.append(log, &head(1, "one"), appended(&[2], "two"), None).await.unwrap();
    assert_eq!(stand(store, log).await, first, "an append that says nothing leaves them");
    let nobody = told(&[3], "three", &[]);
    store.append(log, &head(2, "two"), nobody, None).await.unwrap();
    assert_eq!(stand(store, log).await, [None; 3], "nobody is somebody said");
    let last = told(&[4], "four", &[("bob", Former), ("cay", Member)]);
    store.append(log, &head(3, "three"), last, None).await.unwrap();
    assert_eq!(stand(store, log).await, [None, Some(Former), Some(Member)]);
    assert_eq!(store.stands(&named("suite-untold"), &who("bob")).await, Ok(None));
    let invited = told(&[5], "five", &[("ann", Invited), ("bob", Former), ("cay", Member)]);
    store.append(log, &head(4, "four"), invited, None).await.unwrap();
    for (name, many) in [("ann", 0), ("bob", 5), ("cay", 5), ("eve", 0)] {
        let read = store.read_as(&who(name), log, 0, 9).await.unwrap();
        assert_eq!(read.len(), many, "leaves in the name of {name}");
    }
    let absent = store.read_as(&who("cay"), &named("suite-untold"), 0, 9).await;
    assert_eq!(absent, Ok(vec![]));
}

async fn a_members_logs_come_in_pages_in_order_of_name(store: &dyn Store) {
    // Some languages put a hyphen elsewhere than bytes do.
    let names = ["page-a", "page-a-b", "page-ab", "page-b", "page-c"];
    for (name, other) in names.iter().zip(["page-aa", "page-0", "page-z", "page-a-a", "page-d"]) {
        let own = told(&[1], "one", &[("pat", Member), ("sam", Invited)]);
        store.append(&named(name), &Head::default(), own, None).await.unwrap();
        let sam = told(&[1], "one", &[("sam", Former)]);
        store.append(&named(other), &Head::default(), sam, None).await.unwrap();
    }
    let page = async |after: Option<&str>, max| {
        let after = after.map(named);
        let page = store.logs_of(&who("pat"), after.as_ref(), max).await.unwrap();
        assert!(page.iter().all(|(_, stands)| *stands == Member));
        page.into_iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 99).await, names);
    assert_eq!(page(None, 2).await, names[..2]);
    assert_eq!(page(Some("page-a-b"), 2).await, names[2..4]);
    assert_eq!(page(Some("page-b"), 2).await, names[4..]);
    assert_eq!(page(Some("page-aa"), 1).await, names[2..3], "after whatever name");
    assert!(page(Some("page-c"), 2).await.is_empty() && page(None, 0).await.is_empty());
    assert_eq!(store.logs_of(&who("sam"), None, 99).await.unwrap().len(), 10);
    assert_eq!(store.logs_of(&who("nobody"), None, 99).await, Ok(vec![]));
}

async fn parties_are_projected_onto_a_log_of_that_length_alone(store: &dyn Store) {
    let log = &named("suite-projected");
    let first = told(&[1, 2], "two", &[("ann", Member)]);
    store.append(log, &Head::default(), first, None).await.unwrap();
    let other = [(who("bob"), Member)].into();
    for size in [0, 1, 3] {
        assert_eq!(store.project(log, size, &other).await, Ok(false));
        assert_eq!(stand(store, log).await, [Some(Member), None, None], "not of {size}");
    }
    assert_eq!(store.project(log, 2, &other).await, Ok(true));
    assert_eq!(stand(store, log).await, [None, Some(Member), None]);
    assert_eq!(store.project(&named("suite-unborn"), 0, &other).await, Ok(false));
    assert!(!store.collaborations().await.unwrap().contains(&named("suite-unborn")));
    assert_eq!(store.head(log).await, Ok(head(2, "two")), "the log is as it was");
}

async fn the_parties_are_those_of_the_append_that_won(store: &Arc<dyn Store>) {
    let log = named("suite-told-at-once");
    let racers: Vec<_> = (0..16)
        .map(|n: u8| {
            let (store, log) = (Arc::clone(store), log.clone());
            let own = told(&[n], "raced", &[(&format!("racer-{n}"), Member)]);
            tokio::spawn(async move { store.append(&log, &Head::default(), own, None).await })
        })
        .collect();
    let mut won = Vec::new();
    for racer in racers {
        won.push(racer.await.unwrap().is_ok());
    }
    for (n, won) in won.iter().enumerate() {
        let stands = store.stands(&log, &who(&format!("racer-{n}"))).await.unwrap();
        assert_eq!(stands.is_some(), *won);
    }
}

/// Of a store with the logs `a`, `b` and `c`, of one leaf each, that were there before parties were kept.
#[cfg(feature = "gateway")]
pub(in crate::store) async fn behind_until_told(store: &dyn Store) {
    let behind = async |after: Option<&str>, max| {
        let after = after.map(named);
        let behind = store.unprojected(after.as_ref(), max).await.unwrap();
        behind.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let signed = head(1, "signed");
    assert_eq!(behind(None, 9).await, ["a", "b", "c"]);
    assert_eq!(behind(None, 2).await, ["a", "b"]);
    assert_eq!(behind(Some("b"), 2).await, ["c"]);
    store.append(&named("a"), &signed, appended(&[1], "signed"), None).await.unwrap();
    assert_eq!(behind(None, 9).await, ["a", "b", "c"], "unchanged from what is not known");
    store
        .append(&named("b"), &signed, told(&[1], "signed", &[("ann", Member)]), None)
        .await
        .unwrap();
    assert_eq!(behind(None, 9).await, ["a", "c"]);
    assert_eq!(store.project(&named("a"), 1, &[].into()).await, Ok(false));
    assert_eq!(store.project(&named("a"), 2, &[(who("ann"), Former)].into()).await, Ok(true));
    assert_eq!(store.project(&named("c"), 1, &[].into()).await, Ok(true), "nobody is known, too");
    assert!(behind(None, 9).await.is_empty());
    let logs = store.logs_of(&who("ann"), None, 9).await;
    assert_eq!(logs, Ok(vec![(named("a"), Former), (named("b"), Member)]));
    store.append(&named("a"), &head(2, "signed"), appended(&[2], "signed"), None).await.unwrap();
    assert!(behind(None, 9).await.is_empty(), "from there on it is kept");
}
