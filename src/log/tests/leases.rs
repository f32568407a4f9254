//! Workers under leases on one log, and gateways on one shared store.

use super::*;
use crate::store::SharedDatabase;
use std::time::Duration;

#[tokio::test]
async fn a_worker_that_lost_its_lease_records_nothing_and_a_decision_goes_on() {
    let store = memory();
    let (worker, successor) = (on(&store), on(&store));
    put(&worker, "spring", vec![proposal("spring")]).await.unwrap();
    let (spring, hour) = (named("spring"), Duration::from_hours(1));
    let old = store.acquire("shard", "a", hour).await.unwrap().unwrap();
    let under = async |log: &AgreementLog, fence: &Fence, n| {
        let decided = log.decide_under(&spring, Some(fence), |_| Ok::<_, Never>(vec![step(n)]));
        decided.await.map(|receipt| receipt.size)
    };
    assert_eq!(under(&worker, &old.fence(), 1).await.unwrap(), 3);
    store.release(&old).await.unwrap();
    let new = store.acquire("shard", "b", hour).await.unwrap().unwrap();
    let late = under(&worker, &old.fence(), 2).await.unwrap_err();
    let DecideError::Log(error) = late;
    assert_eq!(error.code(), "lease-lost");
    assert_eq!(worker.size(&spring).await.unwrap(), 3);
    assert_eq!(under(&successor, &new.fence(), 2).await.unwrap(), 4);
    let decided = put(&worker, "spring", vec![joining("spring")]).await.unwrap();
    decided.verify(&gateway().public(), &spring).unwrap();
    assert_eq!(decided.size, 5, "what was refused left no trace in the tree either");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_gateways_on_one_shared_store_interleave_without_loss() {
    let Some(database) = SharedDatabase::fresh().await else { return };
    let mut logs = Vec::new();
    for _ in 0..3 {
        let store: Arc<dyn Store> = Arc::new(database.open().await.unwrap());
        logs.push(Arc::new(on(&store)));
    }
    put(&logs[0], "spring", vec![proposal("spring")]).await.unwrap();
    let tasks = (0..24).map(|n| {
        let log = Arc::clone(&logs[n % 3]);
        tokio::spawn(async move { put(&log, "spring", vec![step(n)]).await.unwrap() })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap().verify(&gateway().public(), &named("spring")).unwrap();
    }
    for log in &logs {
        let loaded = log.load(&named("spring")).await.unwrap();
        assert_eq!((loaded.size, loaded.state.effects().len()), (26, 24));
    }
    database.removed().await;
}
