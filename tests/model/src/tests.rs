//! The small world is whole, and each rule of it is needed.

use crate::explore::{Found, explore};
use crate::promise::{FENCED, NOT_CLOSED, Promise, REOPENED, STALE, STUCK, UNCONFIRMED, WITHDRAWN};
use crate::rules::{Break, Rules};
use crate::step::steps;
use crate::world::World;
use std::collections::BTreeSet;

const LIMIT: usize = 8_000_000;

fn whole(rules: Rules) -> Found {
    let found = explore(rules, LIMIT);
    assert!(found.whole, "cut off at {} states", found.states);
    assert!(found.broken.is_none(), "{:#?}", found.broken);
    found
}

#[test]
fn two_platforms_and_two_withdrawals_keep_every_promise() {
    let found = whole(Rules::new(2, 2, true));
    assert!(found.states > 100_000, "the world has shrunk to {} states", found.states);
}

#[test]
fn so_do_they_where_answers_are_never_old() {
    whole(Rules::new(2, 2, false));
}

#[test]
fn every_rule_is_needed() {
    let lags = Rules::new(2, 1, true);
    let more = Rules::new(1, 2, true);
    let cases: [(Break, Rules, &[Promise]); 13] = [
        (Break::Basis, more, &[STALE]),
        (Break::Unconfirmed, more, &[UNCONFIRMED]),
        (Break::Standing, lags, &[WITHDRAWN]),
        (Break::LateGrant, lags, &[NOT_CLOSED]),
        (Break::Fence, lags, &[FENCED]),
        (Break::LookTwice, lags, &[NOT_CLOSED]),
        (Break::Wanted, lags, &[STUCK]),
        (Break::LateBound, lags, &[NOT_CLOSED, REOPENED]),
        (Break::SendBound, lags, &[NOT_CLOSED, REOPENED]),
        (Break::Settling, lags, &[STUCK]),
        (Break::CountLate, lags, &[NOT_CLOSED]),
        (Break::JudgeReread, Rules::new(2, 1, false), &[NOT_CLOSED]),
        (Break::ApartByEnd, lags, &[NOT_CLOSED]),
    ];
    for (rule, rules, promises) in cases {
        let found = explore(rules.without(rule), LIMIT);
        let Some((promise, way)) = found.broken else { panic!("{} is not missed", rule.name()) };
        assert!(promises.contains(&promise), "{}: {promise}", rule.name());
        assert!(!way.is_empty(), "{}: no way there is told", rule.name());
    }
}

/// A way through the world, the same for the same seed.
fn walk(rules: Rules, mut seed: u64, mut each: impl FnMut(&World)) {
    let (mut world, mut out) = (World::first(), Vec::new());
    for _ in 0..400 {
        each(&world);
        steps(rules, &world, &mut out);
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        world = out[(seed >> 33) as usize % out.len()].world;
    }
}

#[test]
fn a_word_stands_for_the_state_and_for_its_renamings() {
    let rules = Rules::new(3, 3, true);
    let mut distinct = BTreeSet::new();
    for seed in 0..200 {
        walk(rules, seed, |world| {
            let word = world.canonical(3);
            assert_eq!(World::unpacked(word).canonical(3), word);
            let mut renamed = *world;
            renamed.places.rotate_left(1);
            for worker in renamed.workers.iter_mut().filter(|worker| worker.is_placed()) {
                worker.place = (worker.place + 2) % 3;
            }
            assert_eq!(renamed.canonical(3), word);
            distinct.insert(word);
        });
    }
    assert!(distinct.len() > 3_000, "the walks saw {} states", distinct.len());
}

/// Merging what differs only in names loses no step: a state has as many ways on as the one that stands for it.
#[test]
fn the_state_that_stands_for_others_goes_on_as_they_do() {
    let rules = Rules::new(3, 3, true);
    let onward = |world: &World| {
        let mut out = Vec::new();
        steps(rules, world, &mut out);
        let mut words: Vec<_> = out.iter().map(|next| next.world.canonical(3)).collect();
        words.sort_unstable();
        words
    };
    for seed in 0..100 {
        walk(rules, seed, |world| {
            assert_eq!(onward(world), onward(&World::unpacked(world.canonical(3))));
        });
    }
}
