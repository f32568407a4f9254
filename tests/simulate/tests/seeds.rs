//! What every change has to pass: five hundred seeds in which nothing is broken and every kind of fault strikes, the same trace twice,
//! and every single place of the crash matrix where a process can die.

#![expect(
    clippy::panic,
    reason = "a test may end by panicking; clippy knows that only inside test functions"
)]

use simulate::{Outcome, Tally, crash, run_seed, run_told};

const SEEDS: u64 = 500;
/// Single deaths of the matrix: one in so many, another one in each workflow; all of them by `simulate crash`.
const EVERY: usize = 3;

fn unbroken(seed: u64) -> Outcome {
    let outcome = run_seed(seed, false);
    if let Some(broken) = &outcome.broken {
        panic!("seed {seed}: invariant {} at {}: {}", broken.invariant, broken.at_ms, broken.why);
    }
    outcome
}

/// Half of the seeds, on one thread.
fn half(first: u64) -> Tally {
    let mut tally = Tally::default();
    (first..SEEDS).step_by(2).for_each(|seed| tally.add(&unbroken(seed)));
    tally
}

#[test]
fn nothing_is_broken_in_five_hundred_worlds_and_every_fault_strikes() {
    let (even, odd) = std::thread::scope(|scope| {
        let even = scope.spawn(|| half(0));
        let odd = half(1);
        (even.join().unwrap(), odd)
    });
    assert_eq!(even.seeds + odd.seeds, SEEDS);
    let missing: Vec<_> =
        even.missing().into_iter().filter(|kind| odd.missing().contains(kind)).collect();
    assert!(missing.is_empty(), "faults that never struck: {missing:?}");
    let (steps, days) = (even.steps + odd.steps, (even.virtual_ms + odd.virtual_ms) / 86_400_000);
    assert!(steps > SEEDS * 1000, "{steps} steps are too few to mean anything");
    assert!(days >= 7 * i64::try_from(SEEDS).unwrap(), "{days} virtual days");
}

#[test]
fn the_same_seed_twice_is_the_same_trace() {
    for seed in [0, 1, 2, 77] {
        let (one, other) = (unbroken(seed), unbroken(seed));
        assert_eq!((one.hash, one.steps), (other.hash, other.steps), "seed {seed}");
    }
    assert_ne!(unbroken(3).hash, unbroken(4).hash);
}

#[test]
fn a_worker_may_die_anywhere() {
    let mut broken = Vec::new();
    let (mut runs, mut effects) = (0, 0);
    for workflow in crash::workflows(crash::Size::Whole) {
        let matrix = workflow.matrix(false, EVERY);
        runs += matrix.runs;
        effects += matrix.effects;
        assert!(matrix.effects > 0, "{} does nothing", workflow.name);
        broken.extend(matrix.broken.into_iter().map(|(at, how)| {
            format!("{} {at}: invariant {}: {}", workflow.name, how.invariant, how.why)
        }));
    }
    assert!(runs * EVERY >= effects * 4, "{runs} runs for {effects} effects");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn how_workers_are_told_changes_nothing_in_the_end() {
    let mut differ = 0;
    for seed in 0..24 {
        let (well, badly) = (run_told(seed, false), run_told(seed, true));
        for outcome in [&well, &badly] {
            assert!(outcome.broken.is_none(), "seed {seed}: {:?}", outcome.broken);
        }
        assert_eq!(well.holds, badly.holds, "invariant 34, seed {seed}");
        differ += usize::from(well.hash != badly.hash);
    }
    assert!(differ > 20, "{differ} of 24 seeds were told otherwise");
}
