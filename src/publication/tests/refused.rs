//! What is not published, and what is not believed: each beside an honest twin.

use super::*;

async fn honest(size: u64) -> (AgreementLog, Arc<InMemory>, Place) {
    let (log, (store, place)) = (new_log(1), memory());
    grown(&log, size).await;
    published(&log, &place).await.unwrap();
    (log, store, place)
}

/// Everything but most of the leaves.
async fn some(store: &InMemory) -> BTreeMap<String, Vec<u8>> {
    let leaves = ["leaf/000", "leaf/100", "leaf/257"];
    let mut all = objects(store).await;
    all.retain(|path, _| !path.starts_with("leaf/") || leaves.contains(&path.as_str()));
    assert_eq!(all.len(), 3 + 3 + 1);
    all
}

#[tokio::test]
async fn every_tampered_object_is_told_by_its_code() {
    let (_, store, _) = honest(258).await;
    for (path, bytes) in some(&store).await {
        let forged = store.fork();
        let mut changed = bytes.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        put(&forged, &path, &changed).await;
        let wanted = match path.split('/').next().unwrap() {
            "tile" => "tile-differs",
            "leaf" => "leaf-differs",
            _ => "checkpoint-malformed checkpoint-signature-wrong checkpoint-not-signed",
        };
        let forged = Arc::new(forged);
        let place = Place::over(Arc::<InMemory>::clone(&forged));
        let told = code(verified(&place).await);
        assert!(wanted.contains(told), "{path}: {told}");
        put(&forged, &path, &bytes).await;
        assert_eq!(code(verified(&place).await), "good", "{path}");
    }
}

#[tokio::test]
async fn every_object_that_is_gone_cut_or_longer_is_told() {
    let (_, store, _) = honest(258).await;
    for (path, bytes) in some(&store).await {
        let (gone, other) = match path.split('/').next().unwrap() {
            "tile" => ("tile-missing", "tile-differs"),
            "leaf" => ("leaf-missing", "leaf-differs"),
            _ => ("checkpoint-missing", "checkpoint-malformed"),
        };
        let store = Arc::new(store.fork());
        let place = Place::over(Arc::<InMemory>::clone(&store));
        store.delete(&Path::from(path.as_str())).await.unwrap();
        assert_eq!(code(verified(&place).await), gone, "{path}");
        let longer = [bytes.as_slice(), b"0".repeat(32).as_slice()].concat();
        for changed in [&bytes[..bytes.len() / 2], &longer, &[]] {
            put(&store, &path, changed).await;
            assert_eq!(code(verified(&place).await), other, "{path}");
        }
    }
}

#[tokio::test]
async fn a_leaf_in_the_place_of_another_is_told() {
    let (_, store, place) = honest(5).await;
    let all = objects(&store).await;
    put(&store, "leaf/002", &all["leaf/003"]).await;
    put(&store, "leaf/003", &all["leaf/002"]).await;
    let told = verified(&place).await.unwrap_err();
    assert!(matches!(told, PublicationError::LeafDiffers { index: 2 }), "{told}");
}

#[tokio::test]
async fn another_gateways_log_is_not_written_over_and_not_read() {
    let (log, store, place) = honest(5).await;
    let stranger = SecretKey::from_seed([4; 32]);
    let (head, _) = head(&place, &gateway().public()).await.unwrap();
    put(&store, "checkpoint", head.sign(&stranger).as_bytes()).await;
    grown(&log, 7).await;
    let before = objects(&store).await;
    assert_eq!(code(published(&log, &place).await), "checkpoint-not-signed");
    assert_eq!(objects(&store).await, before);
    assert_eq!(code(verified(&place).await), "checkpoint-not-signed");
    put(&store, "checkpoint", head.sign(&gateway()).as_bytes()).await;
    assert_eq!(code(published(&log, &place).await), "good");
}

#[tokio::test]
async fn a_log_that_is_shorter_or_another_than_was_published_changes_nothing() {
    let (log, store, place) = honest(7).await;
    let before = objects(&store).await;
    let (shorter, forked) = (new_log(1), new_log(2));
    grown(&shorter, 5).await;
    assert_eq!(code(published(&shorter, &place).await), "log-rolled-back");
    grown(&forked, 9).await;
    assert_eq!(code(published(&forked, &place).await), "log-forked");
    let same_length = new_log(2);
    grown(&same_length, 7).await;
    assert_eq!(code(published(&same_length, &place).await), "log-forked");
    assert_eq!(objects(&store).await, before);
    grown(&log, 9).await;
    assert_eq!(published(&log, &place).await.unwrap().size, 9);
}

#[tokio::test]
async fn a_log_in_doubt_is_not_published() {
    let store = Arc::new(MemoryStore::default());
    let (log, (there, place)) = (log_over(&store, 1), memory());
    assert_eq!(code(published(&log, &place).await), "collaboration-unknown");
    grown(&log, 5).await;
    // What this process saw is longer than what it is shown.
    let older: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let pins = Arc::new(crate::log::MemoryPins::default());
    let shown = AgreementLog::new(older, gateway(), Arc::new(FixedClock::new(1)));
    let shown = shown.with_pins(Arc::<crate::log::MemoryPins>::clone(&pins));
    let (head, note) = {
        let snapshot = log.snapshot(&spring()).await.unwrap();
        (crate::log::Checkpoint::parse(&snapshot.note).unwrap(), snapshot.note)
    };
    grown(&shown, 3).await;
    crate::log::Pins::pin(&*pins, head, &note).await.unwrap();
    assert_eq!(code(published(&shown, &place).await), "log-rolled-back");
    assert!(objects(&there).await.is_empty());
    assert_eq!(code(published(&log, &place).await), "good");
}

#[tokio::test]
async fn what_lies_in_the_way_is_told_and_stays() {
    let (log, store, place) = honest(5).await;
    put(&store, "leaf/006", b"something else").await;
    grown(&log, 8).await;
    let told = published(&log, &place).await.unwrap_err();
    assert!(matches!(&told, PublicationError::Conflict { path } if path == "leaf/006"), "{told}");
    assert_eq!(
        verified(&place).await.unwrap().checkpoint.size,
        5,
        "no checkpoint before its leaves"
    );
    store.delete(&Path::from("leaf/006")).await.unwrap();
    assert_eq!(published(&log, &place).await.unwrap().size, 8);
}
