//! What a store is told of parties with each append is what the fold makes of the log's leaves; and so is what it is told anew.

use super::*;
use mappings::model::Member;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::future::Future;

const WHO: [&str; 4] = ["brand", "grocer", "press", "radio"];

/// What somebody does, legal or not.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// Puts a version before those of the four whose bit is set.
    Propose(usize, u8),
    Join(usize),
    Decline(usize),
    Leave(usize),
    /// A member takes away the whole room, which is no matter of parties.
    Close(usize),
    /// The gateway does something.
    Step,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => (0..4usize, 1..16u8).prop_map(|(by, to)| Act::Propose(by, to)),
        8 => (0..4usize).prop_map(Act::Join),
        1 => (0..4usize).prop_map(Act::Decline),
        1 => (0..4usize).prop_map(Act::Leave),
        1 => Just(Act::Step),
    ]
}

/// Decisions of one act or two. A room is taken away at the end, where it is.
fn decisions() -> impl Strategy<Value = Vec<Vec<Act>>> {
    let many = prop::collection::vec(prop::collection::vec(act(), 1..=2), 1..24);
    (many, 0..8usize).prop_map(|(mut many, last)| {
        many.extend((last < 4).then(|| vec![Act::Close(last)]));
        many
    })
}

fn who(n: usize) -> MemberId {
    WHO[n].parse().unwrap()
}

fn key_of(n: usize) -> SecretKey {
    SecretKey::from_seed([u8::try_from(n + 1).unwrap(); 32])
}

fn version(name: &CollaborationId, turn: usize, to: u8) -> Agreement {
    let mut version = agreement(name.as_str());
    version.description = format!("version {turn}");
    let one: Member = version.members.values().next().unwrap().clone();
    let named = (0..4).filter(|n| to & (1 << n) != 0);
    version.members = named.map(|n| (who(n), one.clone())).collect();
    version
}

/// The entry for an act, on what is proposed by then.
fn entry(state: &State, proposed: Option<&Agreement>, turn: usize, act: Act) -> Entry {
    let waiting = proposed.or(state.waiting().map(|version| version.agreement.as_ref()));
    let signed = |n: usize, body| Entry::member(&who(n), &key_of(n), body);
    match act {
        Act::Propose(by, _) => {
            let digest = proposed.unwrap().digest();
            let body = Body::Proposed { agreement: Box::new(proposed.unwrap().clone()), digest };
            if state.in_force().is_some() { signed(by, body) } else { Entry::gateway(body) }
        }
        Act::Join(n) => {
            let agreement = waiting.map_or(Digest::of(b"none"), Agreement::digest);
            signed(n, Body::Joined { member: who(n), key: key_of(n).public(), agreement })
        }
        Act::Decline(n) if state.key(&who(n)).is_some() => {
            signed(n, Body::Declined { member: who(n) })
        }
        Act::Decline(n) => Entry::member_without_key(&who(n), Body::Declined { member: who(n) }),
        Act::Leave(n) => {
            signed(n, Body::Revoked { by: who(n), what: Revocable::Member { member: who(n) } })
        }
        Act::Close(n) => signed(n, Body::Revoked { by: who(n), what: Revocable::Room }),
        Act::Step => step(turn),
    }
}

/// What the store says of the four, which is what it lists for each.
async fn told(store: &dyn Store, name: &CollaborationId) -> Parties {
    let mut told = Parties::new();
    for n in 0..4 {
        let stands = store.stands(name, &who(n)).await.unwrap();
        let listed = store.logs_of(&who(n), None, 999).await.unwrap();
        let listed = listed.into_iter().find(|(log, _)| log == name);
        assert_eq!(listed.map(|(_, stands)| stands), stands);
        told.extend(stands.map(|stands| (who(n), stands)));
    }
    told
}

/// Decides all of it, and compares after each. Some logs' parties are lost in between and told anew.
async fn play(store: &Arc<dyn Store>, name: &CollaborationId, decisions: &[Vec<Act>]) {
    let log = on(store);
    for (turn, acts) in decisions.iter().enumerate() {
        let decided = log.decide(name, |state| {
            let proposed = acts.iter().find_map(|act| match act {
                Act::Propose(_, to) => Some(version(name, turn, *to)),
                Act::Join(_) | Act::Decline(_) | Act::Leave(_) | Act::Close(_) | Act::Step => None,
            });
            let entries = acts.iter().map(|act| entry(state, proposed.as_ref(), turn, *act));
            Ok::<_, Never>(entries.collect())
        });
        let _ = decided.await;
        let state = match log.load(name).await {
            Ok(loaded) => loaded.state,
            Err(LogError::NotFound) => continue,
            Err(error) => panic!("{error}"),
        };
        assert_eq!(told(&**store, name).await, state.parties(), "after {turn}");
        assert_eq!(store.unprojected(None, 9).await, Ok(vec![]));
        let lost = [(who(turn % 4), Stands::Former)].into();
        assert_eq!(store.project(name, state.size(), &lost).await, Ok(true));
        log.project(name).await.unwrap();
        assert_eq!(told(&**store, name).await, state.parties(), "told anew after {turn}");
    }
}

/// So many runs, each with a collaboration of its own in a store that is opened for it.
fn runs<R: Future<Output = Arc<dyn Store>>>(cases: u32, open: impl Fn() -> R) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let case = std::cell::Cell::new(0);
    let ran = TestRunner::new(config).run(&decisions(), |decisions| {
        case.set(case.get() + 1);
        let name = named(&format!("case-{}", case.get()));
        runtime.block_on(async { play(&open().await, &name, &decisions).await });
        Ok(())
    });
    if let Err(error) = ran {
        panic!("{error}");
    }
}

#[test]
fn a_store_is_told_with_each_append_what_the_fold_says() {
    runs(128, || std::future::ready(memory()));
}

#[cfg(feature = "gateway")]
#[test]
fn a_file_is_told_with_each_append_what_the_fold_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("airlock.db");
    runs(16, || async {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path).await.unwrap());
        store
    });
}

#[cfg(feature = "gateway")]
#[test]
fn a_database_is_told_with_each_append_what_the_fold_says() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(database) = runtime.block_on(crate::store::SharedDatabase::fresh()) else { return };
    runs(8, || async {
        let store: Arc<dyn Store> = Arc::new(database.open().await.unwrap());
        store
    });
    runtime.block_on(database.removed());
}

/// A run that is known to pass through everything, so that the ones above don't only refuse.
#[tokio::test]
async fn all_come_in_and_one_leaves() {
    let (store, name) = (memory(), named("spring"));
    let acts = vec![
        vec![Act::Propose(0, 0b0011)],
        vec![Act::Join(0), Act::Join(1)],
        vec![Act::Propose(0, 0b1111), Act::Decline(3)],
        vec![Act::Step],
        vec![Act::Leave(1)],
    ];
    play(&store, &name, &acts).await;
    let expected = [(0, Stands::Member), (1, Stands::Former), (2, Stands::Invited)]
        .map(|(n, stands)| (who(n), stands));
    assert_eq!(told(&*store, &name).await, expected.into());
}

#[tokio::test]
async fn fewer_are_asked_and_nobody_is_left() {
    let (store, name) = (memory(), named("spring"));
    let acts = vec![vec![Act::Propose(0, 0b0011)], vec![Act::Propose(0, 0b0001)]];
    play(&store, &name, &acts).await;
    assert_eq!(told(&*store, &name).await, [(who(0), Stands::Invited)].into());
    play(&store, &name, &[vec![Act::Decline(0)]]).await;
    assert!(told(&*store, &name).await.is_empty());
}
