//! What the log promises, seen from outside: decisions, races, restarts, receipts, exports and their verification.

mod kept;
#[cfg(feature = "gateway")]
mod leases;
mod once;
mod parties;
mod pending;
mod rollback;

use super::*;
use crate::clock::FixedClock;
#[cfg(feature = "gateway")]
use crate::store::SqliteStore;
use crate::store::{Head, MemoryStore};
use mappings::model::{Agreement, Digest};

fn named(name: &str) -> CollaborationId {
    CollaborationId::new(name).unwrap()
}

fn gateway() -> SecretKey {
    SecretKey::from_seed([9; 32])
}

fn agreement(name: &str) -> Agreement {
    let value = serde_json::json!({
        "agreement": "v1", "collaboration": name,
        "members": { "grocer": { "name": "Grocer", "abilities": ["contribute"] } },
        "rooms": [{ "platform": "native" }], "datasets": {}, "templates": {}, "destinations": {},
    });
    serde_json::from_value(value).unwrap()
}

fn proposal(name: &str) -> Entry {
    let agreement = agreement(name);
    let digest = agreement.digest();
    Entry::gateway(Body::Proposed { agreement: Box::new(agreement), digest })
}

fn step(n: usize) -> Entry {
    let step = Code::new(&format!("step-{n}")).unwrap();
    let platform = "native".parse().unwrap();
    Entry::gateway(Body::EffectIntended {
        leaves: Vec::new(),
        step,
        platform,
        effect: Effect::Neutral,
        of: Vec::new(),
        basis: None,
    })
}

fn ended(n: usize) -> Entry {
    let step = Code::new(&format!("step-{n}")).unwrap();
    Entry::gateway(Body::EffectOutcome { step, outcome: Outcome::Applied, shown: false })
}

fn joining(name: &str) -> Entry {
    let (member, key) = ("grocer".parse().unwrap(), SecretKey::from_seed([1; 32]));
    let agreement = agreement(name).digest();
    let body = Body::Joined { member, key: key.public(), agreement };
    Entry::member(&"grocer".parse().unwrap(), &key, body)
}

type Never = std::convert::Infallible;

async fn put(
    log: &AgreementLog,
    name: &str,
    entries: Vec<Entry>,
) -> Result<Receipt, DecideError<Never>> {
    log.decide(&named(name), |_| Ok(entries.clone())).await
}

fn on(store: &Arc<dyn Store>) -> AgreementLog {
    AgreementLog::new(Arc::clone(store), gateway(), Arc::new(FixedClock::new(1000)))
}

fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

#[tokio::test]
async fn every_decision_has_a_receipt_that_proves_it() {
    let log = on(&memory());
    let spring = named("spring");
    assert!(matches!(log.load(&spring).await, Err(LogError::NotFound)));
    let first = put(&log, "spring", vec![proposal("spring")]).await.unwrap();
    assert_eq!((first.index, first.size), (1, 2));
    let second = put(&log, "spring", vec![joining("spring"), step(1)]).await.unwrap();
    assert_eq!((second.index, second.size), (3, 4));
    for receipt in [&first, &second] {
        receipt.verify(&gateway().public(), &spring).unwrap();
        assert!(receipt.verify(&gateway().public(), &named("autumn")).is_err());
        let moved = Receipt { index: receipt.index - 1, ..receipt.clone() };
        assert!(moved.verify(&gateway().public(), &spring).is_err());
        let other = Receipt { leaf: tree::leaf_hash(b"other"), ..receipt.clone() };
        assert!(other.verify(&gateway().public(), &spring).is_err());
    }
    let proof = log.consistency_proof(&spring, first.size, second.size).await.unwrap();
    assert!(tree::verify_consistency(
        (first.size, &first.root),
        (second.size, &second.root),
        &proof
    ));
    log.receipt(&spring, 2).await.unwrap().verify(&gateway().public(), &spring).unwrap();
    assert!(log.load(&spring).await.unwrap().state.in_force().is_some());
}

#[tokio::test]
async fn what_is_refused_leaves_no_leaf() {
    let log = on(&memory());
    let refused = log.decide(&named("spring"), |_| Err::<Vec<Entry>, _>("no")).await;
    assert!(matches!(refused, Err(DecideError::Refused("no"))));
    let illegal = put(&log, "spring", vec![proposal("spring"), joining("autumn")]).await;
    let Err(DecideError::Log(error)) = illegal else { panic!("it is illegal") };
    assert_eq!(error.code(), "agreement-not-proposed");
    assert!(matches!(put(&log, "spring", vec![]).await, Err(DecideError::Log(LogError::Empty))));
    assert_eq!(log.size(&named("spring")).await.unwrap(), 0);
    assert!(log.collaborations().await.unwrap().is_empty());
    put(&log, "spring", vec![proposal("spring"), joining("spring")]).await.unwrap();
    assert_eq!(log.size(&named("spring")).await.unwrap(), 3);
}

#[tokio::test]
async fn log_time_never_goes_back_whatever_the_clock_does() {
    let (store, clock) = (memory(), Arc::new(FixedClock::new(5000)));
    let log = AgreementLog::new(store, gateway(), Arc::<FixedClock>::clone(&clock));
    put(&log, "spring", vec![proposal("spring")]).await.unwrap();
    let mut last = 5000;
    for (n, now) in [4000, 0, 6000, -5, 5999].into_iter().enumerate() {
        clock.set(now);
        put(&log, "spring", vec![step(n)]).await.unwrap();
        last = last.max(now);
        assert_eq!(log.load(&named("spring")).await.unwrap().state.last_at_ms(), last);
    }
}

#[cfg(feature = "gateway")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gateways_on_one_store_interleave_without_loss() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("airlock.db");
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path).await.unwrap());
    let other: Arc<dyn Store> = Arc::new(SqliteStore::open(&path).await.unwrap());
    let logs = [Arc::new(on(&store)), Arc::new(on(&other))];
    put(&logs[0], "spring", vec![proposal("spring")]).await.unwrap();
    let tasks = (0..16).map(|n| {
        let log = Arc::clone(&logs[n % 2]);
        tokio::spawn(async move { put(&log, "spring", vec![step(n)]).await.unwrap() })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap().verify(&gateway().public(), &named("spring")).unwrap();
    }
    for log in &logs {
        let loaded = log.load(&named("spring")).await.unwrap();
        assert_eq!((loaded.size, loaded.state.effects().len()), (18, 16));
    }
}

#[tokio::test]
async fn a_restarted_gateway_goes_on_where_it_was() {
    let store = memory();
    let before = put(&on(&store), "spring", vec![proposal("spring")]).await.unwrap();
    let log = on(&store);
    let loaded = log.load(&named("spring")).await.unwrap();
    assert_eq!((loaded.size, loaded.root), (before.size, before.root));
    put(&log, "spring", vec![joining("spring")]).await.unwrap();
    let stranger =
        AgreementLog::new(store, SecretKey::from_seed([8; 32]), Arc::new(FixedClock::new(0)));
    assert!(matches!(stranger.load(&named("spring")).await, Err(LogError::OtherGateway)));
}

/// A store made of these leaves and this note, as a restored backup or a meddler would leave it.
async fn restored(leaves: Vec<Vec<u8>>, note: &str) -> Arc<dyn Store> {
    let (store, spring) = (MemoryStore::new(), named("spring"));
    let checkpoint = note.to_owned();
    store.append(&spring, &Head::default(), Appended::new(leaves, checkpoint), None).await.unwrap();
    Arc::new(store)
}

#[tokio::test]
async fn a_changed_store_is_not_believed() {
    let store = memory();
    let log = on(&store);
    put(&log, "spring", vec![proposal("spring")]).await.unwrap();
    put(&log, "spring", vec![step(1), step(2)]).await.unwrap();
    let spring = named("spring");
    let leaves = store.read(&spring, 0, 99).await.unwrap();
    let note = store.head(&spring).await.unwrap().checkpoint.unwrap();
    let good = restored(leaves.clone(), &note).await;
    assert_eq!(on(&good).load(&spring).await.unwrap().size, 4);

    let mut changed = leaves.clone();
    changed[3] =
        String::from_utf8(changed[3].clone()).unwrap().replace("step-2", "step-9").into_bytes();
    let error = on(&restored(changed, &note).await).load(&spring).await.unwrap_err();
    assert_eq!(error.code(), "log-tampered");

    let mut swapped = leaves.clone();
    swapped.swap(2, 3);
    let error = on(&restored(swapped, &note).await).load(&spring).await.unwrap_err();
    assert_eq!(error.code(), "log-tampered");

    // The log lost its end but not its checkpoint: a gateway that knew more refuses, and so does a note for more.
    let shorter = restored(leaves[..3].to_vec(), &note).await;
    let error = on(&shorter).load(&spring).await.unwrap_err();
    assert_eq!(error.code(), "log-tampered");
}

#[tokio::test]
async fn a_leaf_without_its_checkpoint_is_not_believed() {
    let store = memory();
    put(&on(&store), "spring", vec![proposal("spring")]).await.unwrap();
    let spring = named("spring");
    let note = store.head(&spring).await.unwrap().checkpoint.unwrap();
    let mut leaves = store.read(&spring, 0, 99).await.unwrap();
    // Somebody who can write to the store, and can't sign.
    leaves.push(step(1).leaf(&spring, 1000).canonical());
    let error = on(&restored(leaves, &note).await).load(&spring).await.unwrap_err();
    assert_eq!(error.code(), "log-tampered");
}

async fn exported(folder: &std::path::Path) -> Bundle {
    let log = on(&memory());
    put(&log, "spring", vec![proposal("spring")]).await.unwrap();
    put(&log, "spring", vec![joining("spring"), step(1)]).await.unwrap();
    log.export(&named("spring"), folder).await.unwrap()
}

#[tokio::test]
async fn an_exported_log_is_verified_offline() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = exported(&folder.path().join("out")).await;
    let verified = verify(&bundle, &gateway().public(), None).unwrap();
    assert_eq!((verified.leaves, verified.signatures), (4, 1));
    assert_eq!(verified.open_intents, vec![OpenIntent::Effect(Code::new("step-1").unwrap())]);
    let stranger = verify(&bundle, &SecretKey::from_seed([8; 32]).public(), None).unwrap_err();
    assert_eq!(stranger.code(), "checkpoint-not-signed");
    let again = on(&memory());
    put(&again, "spring", vec![proposal("spring")]).await.unwrap();
    let error = again.export(&named("spring"), bundle.folder()).await.unwrap_err();
    assert_eq!(error.code(), "bundle-exists");
}

#[tokio::test]
async fn a_log_goes_on_from_the_older_one_or_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let (log, spring) = (on(&memory()), named("spring"));
    put(&log, "spring", vec![proposal("spring")]).await.unwrap();
    let older = log.export(&spring, &folder.path().join("older")).await.unwrap();
    put(&log, "spring", vec![joining("spring"), step(1)]).await.unwrap();
    let newer = log.export(&spring, &folder.path().join("newer")).await.unwrap();
    let key = gateway().public();
    assert_eq!(verify(&newer, &key, Some(&older)).unwrap().leaves, 4);
    verify(&newer, &key, Some(&newer)).unwrap();
    // A log that was cut, and one that tells the beginning otherwise.
    assert_eq!(verify(&older, &key, Some(&newer)).unwrap_err().code(), "log-rolled-back");
    let forked = on(&memory());
    put(&forked, "spring", vec![proposal("spring"), step(7)]).await.unwrap();
    put(&forked, "spring", vec![joining("spring"), step(8)]).await.unwrap();
    let forked = forked.export(&spring, &folder.path().join("forked")).await.unwrap();
    assert_eq!(verify(&forked, &key, Some(&newer)).unwrap_err().code(), "log-forked");
}

#[tokio::test]
async fn which_file_of_a_bundle_is_the_older_one_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (log, spring) = (on(&memory()), named("spring"));
    let at = |name: &str| folder.path().join(name);
    put(&log, "spring", vec![proposal("spring")]).await.unwrap();
    let short = log.export(&spring, &at("short")).await.unwrap();
    put(&log, "spring", vec![joining("spring")]).await.unwrap();
    let middle = log.export(&spring, &at("middle")).await.unwrap();
    put(&log, "spring", vec![step(1)]).await.unwrap();
    let newer = log.export(&spring, &at("long")).await.unwrap();
    let bundle = |leaves: &Bundle, checkpoint: &Bundle| {
        for (from, file) in [(leaves, "leaves.jsonl"), (checkpoint, "checkpoint")] {
            let bytes = std::fs::read(from.folder().join(file)).unwrap();
            std::fs::write(newer.folder().join(file), bytes).unwrap();
        }
    };
    let key = gateway().public();
    let all = std::fs::read(at("long/leaves.jsonl")).unwrap();
    let newest = std::fs::read_to_string(at("long/checkpoint")).unwrap();
    let newest = newest.as_str();
    let said = |older: Option<&str>| {
        let error = verify_since(&newer, &key, older).unwrap_err();
        (error.code(), error.to_string())
    };
    // An old checkpoint beside leaves that hold all that was seen: nothing of the log is lost.
    bundle(&newer, &middle);
    for older in [None, Some(newest)] {
        let (code, text) = said(older);
        assert_eq!(code, "size-differs", "{older:?}");
        assert!(text.contains("4 leaves") && text.contains("says 3"), "{text}");
        assert!(text.contains("the checkpoint is older than the leaves"), "{text}");
    }
    // The twin: old leaves beside a new checkpoint.
    std::fs::write(at("long/checkpoint"), newest).unwrap();
    std::fs::copy(at("middle/leaves.jsonl"), at("long/leaves.jsonl")).unwrap();
    for older in [None, Some(newest)] {
        let (code, text) = said(older);
        assert_eq!(code, "size-differs", "{older:?}");
        assert!(text.contains("the leaves are older than the checkpoint"), "{text}");
    }
    // Neither reaches what was seen: that log was cut, whichever of the two is the shorter.
    for (leaves, checkpoint) in [(&middle, &short), (&short, &middle), (&middle, &middle)] {
        bundle(leaves, checkpoint);
        let (code, text) = said(Some(newest));
        assert_eq!(code, "log-rolled-back");
        assert!(text.contains("3 leaves, and the older one 4"), "{text}");
    }
    std::fs::write(at("long/leaves.jsonl"), &all).unwrap();
    std::fs::write(at("long/checkpoint"), newest).unwrap();
    assert_eq!(verify_since(&newer, &key, Some(newest)).unwrap().leaves, 4);
}

#[tokio::test]
async fn every_flipped_byte_of_a_bundle_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = exported(&folder.path().join("out")).await;
    for file in ["leaves.jsonl", "checkpoint"] {
        let path = bundle.folder().join(file);
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            std::fs::write(&path, &bytes).unwrap();
            assert!(verify(&bundle, &gateway().public(), None).is_err(), "{file}, byte {at}");
        }
        std::fs::write(&path, &whole).unwrap();
    }
    verify(&bundle, &gateway().public(), None).unwrap();
}

#[tokio::test]
async fn a_dropped_or_added_leaf_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = exported(&folder.path().join("out")).await;
    let path = bundle.folder().join("leaves.jsonl");
    let whole = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    std::fs::write(&path, format!("{}\n", lines[..3].join("\n"))).unwrap();
    assert_eq!(verify(&bundle, &gateway().public(), None).unwrap_err().code(), "size-differs");
    let more = lines[3].replace("step-1", "step-2");
    std::fs::write(&path, format!("{whole}{more}\n")).unwrap();
    assert_eq!(verify(&bundle, &gateway().public(), None).unwrap_err().code(), "size-differs");
}

#[tokio::test]
async fn a_gateway_that_forges_a_members_leaf_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = exported(&folder.path().join("out")).await;
    let mut leaves: Vec<Leaf> =
        bundle.leaves().unwrap().map(|line| Leaf::parse(&line.unwrap()).unwrap()).collect();
    // The gateway signs whatever tree it likes, but not for the member.
    leaves[2].at_ms += 1;
    leaves[3].at_ms += 1;
    let rebuilt = rebuild(&folder.path().join("forged"), &leaves);
    assert_eq!(verify(&rebuilt, &gateway().public(), None).unwrap_err().code(), "signature-wrong");
    leaves[2] = leaves[2].clone().signed(&SecretKey::from_seed([1; 32]));
    let rebuilt = rebuild(&folder.path().join("signed"), &leaves);
    verify(&rebuilt, &gateway().public(), None).unwrap();
}

fn rebuild(folder: &std::path::Path, leaves: &[Leaf]) -> Bundle {
    let mut frontier = tree::Frontier::default();
    let mut writer = bundle::Writer::create(folder).unwrap();
    for leaf in leaves {
        frontier.push(leaf.hash());
        writer.leaf(&leaf.canonical()).unwrap();
    }
    let (collaboration, root) = (named("spring"), frontier.root());
    let head = Checkpoint { collaboration, size: frontier.size(), root };
    writer.finish(&head.sign(&gateway()), &head.collaboration, &gateway().public()).unwrap()
}

#[test]
fn commitments_hide_and_bind() {
    let value = serde_json::json!({ "from_week": 1 });
    let other = serde_json::json!({ "from_week": 2 });
    let made: Digest = commitment(&[1; 32], &value);
    assert_eq!(made, commitment(&[1; 32], &value));
    assert_ne!(made, commitment(&[2; 32], &value));
    assert_ne!(made, commitment(&[1; 32], &other));
}
