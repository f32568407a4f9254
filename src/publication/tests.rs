//! What publication promises, over stores that fail at any call and readers that believe nothing.

mod kill;
mod refused;
mod witnesses;

use super::*;
use crate::clock::FixedClock;
use crate::log::{
    AgreementLog, Body, Bundle, Code, Effect, Entry, SecretKey, Verified, Witness, verify,
};
use crate::results::Place;
use crate::store::{MemoryStore, Store};
use mappings::model::{Agreement, CollaborationId};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use std::collections::BTreeMap;
use std::sync::Arc;

fn spring() -> CollaborationId {
    "spring".parse().unwrap()
}

fn gateway() -> SecretKey {
    SecretKey::from_seed([9; 32])
}

fn log_over(store: &Arc<MemoryStore>, at_ms: i64) -> AgreementLog {
    let store: Arc<dyn Store> = Arc::<MemoryStore>::clone(store);
    AgreementLog::new(store, gateway(), Arc::new(FixedClock::new(at_ms)))
}

fn new_log(at_ms: i64) -> AgreementLog {
    log_over(&Arc::new(MemoryStore::default()), at_ms)
}

fn step(n: u64) -> Entry {
    Entry::gateway(Body::EffectIntended {
        leaves: Vec::new(),
        step: Code::new(&format!("step-{n}")).unwrap(),
        platform: "native".parse().unwrap(),
        effect: Effect::Neutral,
        of: Vec::new(),
        basis: None,
    })
}

/// Makes a log so long.
async fn grown(log: &AgreementLog, to: u64) {
    let has = log.size(&spring()).await.unwrap();
    let mut entries: Vec<Entry> = (has.max(2)..to).map(step).collect();
    if has == 0 {
        let value = serde_json::json!({
            "agreement": "v1", "collaboration": "spring",
            "members": { "grocer": { "name": "Grocer", "abilities": ["contribute"] } },
            "rooms": [{ "platform": "native" }], "datasets": {}, "templates": {}, "destinations": {},
        });
        let agreement: Agreement = serde_json::from_value(value).unwrap();
        let digest = agreement.digest();
        entries
            .insert(0, Entry::gateway(Body::Proposed { agreement: Box::new(agreement), digest }));
    }
    log.decide(&spring(), |_| Ok::<_, std::convert::Infallible>(entries.clone())).await.unwrap();
    assert_eq!(log.size(&spring()).await.unwrap(), to);
}

fn memory() -> (Arc<InMemory>, Place) {
    let store = Arc::new(InMemory::new());
    let place = Place::over(Arc::<InMemory>::clone(&store));
    (store, place)
}

async fn objects(store: &InMemory) -> BTreeMap<String, Vec<u8>> {
    let listed = store.list_with_delimiter(None).await.unwrap();
    let (mut folders, mut all) = (listed.common_prefixes, listed.objects);
    while let Some(folder) = folders.pop() {
        let listed = store.list_with_delimiter(Some(&folder)).await.unwrap();
        folders.extend(listed.common_prefixes);
        all.extend(listed.objects);
    }
    let mut found = BTreeMap::new();
    for one in all {
        let bytes = store.get(&one.location).await.unwrap().bytes().await.unwrap();
        found.insert(one.location.to_string(), bytes.to_vec());
    }
    found
}

async fn put(store: &InMemory, path: &str, bytes: &[u8]) {
    store.put(&Path::from(path), bytes.to_vec().into()).await.unwrap();
}

async fn published(log: &AgreementLog, place: &Place) -> Result<Published, PublicationError> {
    publish(log, &spring(), place, &[]).await
}

/// Reads a log whole and verifies it as any other.
async fn verified(place: &Place) -> Result<Verified, PublicationError> {
    let folder = tempfile::tempdir().unwrap();
    let key = gateway().public();
    let bundle: Bundle = fetch(place, &key, &folder.path().join("log")).await?;
    Ok(verify(&bundle, &key, None).unwrap())
}

fn code<T>(end: Result<T, PublicationError>) -> &'static str {
    end.map_or_else(|error| error.code(), |_| "good")
}

#[tokio::test]
async fn a_log_is_read_back_at_every_length_that_was_published() {
    let (log, (store, place)) = (new_log(1), memory());
    for size in [2, 3, 4, 255, 256, 257, 513] {
        grown(&log, size).await;
        let end = published(&log, &place).await.unwrap();
        assert_eq!(end, Published { size, cosigned: 0 });
        let read = verified(&place).await.unwrap();
        assert_eq!(read.checkpoint.size, size);
        let before = objects(&store).await;
        assert_eq!(published(&log, &place).await.unwrap().size, size);
        assert_eq!(objects(&store).await, before, "again is nothing");
    }
    let paths: Vec<String> = objects(&store).await.into_keys().collect();
    for path in ["leaf/000", "leaf/512", "tile/0/001", "tile/0/002.p/1", "tile/1/000.p/2"] {
        assert!(paths.iter().any(|one| one == path), "{path}: {paths:?}");
    }
    // Those of shorter logs may go, as the specification has it: a full tile stands for them.
    for path in paths.iter().filter(|path| path.starts_with("tile/0/000.p/")) {
        store.delete(&Path::from(path.as_str())).await.unwrap();
    }
    verified(&place).await.unwrap();
}

#[tokio::test]
async fn a_place_in_a_folder_holds_the_same() {
    let (log, (store, place)) = (new_log(1), memory());
    let folder = tempfile::tempdir().unwrap();
    let here = Place::open(&format!("file://{}", folder.path().display())).unwrap();
    let here = here.below("spring").unwrap();
    for size in [3, 258] {
        grown(&log, size).await;
        published(&log, &place).await.unwrap();
        published(&log, &here).await.unwrap();
        verified(&here).await.unwrap();
    }
    for (path, bytes) in objects(&store).await {
        assert_eq!(
            std::fs::read(folder.path().join("spring").join(&path)).unwrap(),
            bytes,
            "{path}"
        );
    }
}
