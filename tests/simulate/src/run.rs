//! Running seeds and replaying cases, and counting what they did.

use crate::case::{Case, Injected, Kind};
use crate::shrink::shrink;
use crate::world::{Outcome, World};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What many runs did together.
#[derive(Debug, Default)]
pub struct Tally {
    /// Runs.
    pub seeds: u64,
    /// Events.
    pub steps: u64,
    /// Virtual milliseconds.
    pub virtual_ms: i64,
    /// Leaves appended.
    pub leaves: u64,
    /// How often each kind of fault struck.
    pub fired: BTreeMap<Kind, u64>,
}

impl Tally {
    /// Counts a run.
    pub fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.steps += outcome.steps;
        self.leaves += outcome.leaves;
        self.virtual_ms = self.virtual_ms.saturating_add(outcome.virtual_ms);
        for (kind, times) in &outcome.fired {
            *self.fired.entry(*kind).or_default() += times;
        }
    }

    /// The kinds of fault that never struck.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let never = Kind::ALL.iter().filter(|kind| !self.fired.contains_key(kind));
        never.map(|kind| kind.name()).collect()
    }
}

/// A case to be run again: all that happens to it from outside.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Replay {
    case: Case,
}

impl Replay {
    /// What is left of it, for people: a line a fault or act.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let faults = self.case.faults.iter().map(|fault| {
            let (worker, platform) = (fault.worker, fault.platform);
            let text = format!("{} worker {worker} platform {platform}", fault.kind.name());
            (fault.at_ms, format!("{text} member {} {}", fault.member, fault.amount))
        });
        let acts = self.case.acts.iter().map(|act| (act.at_ms, format!("{:?}", act.deed)));
        let mut all: Vec<(i64, String)> = faults.chain(acts).collect();
        all.sort();
        all.into_iter().map(|(at_ms, what)| format!("{at_ms:>10} {what}")).collect()
    }
}

/// Runs a seed.
#[must_use]
pub fn run_seed(seed: u64, keep: bool) -> Outcome {
    World::new(Case::of(seed), keep).run()
}

/// Runs what people decide in a seed, with nothing going wrong but how workers are told of it: not at all, twice, or late.
#[must_use]
pub fn run_told(seed: u64, badly: bool) -> Outcome {
    let mut case = Case::of(seed);
    case.acts.retain(|act| act.deed.is_decision());
    case.faults.clear();
    case.apart = None;
    let wakes = [Kind::MissedWake, Kind::DuplicateWake, Kind::ReorderedWakes];
    if badly {
        let times = case.acts.iter().map(|act| act.at_ms);
        let faults = times.zip(wakes.iter().cycle()).enumerate().map(|(n, (at_ms, kind))| {
            let (worker, amount) = (n % case.workers, i64::try_from(n * 97 % 1000).unwrap_or(0));
            Injected { at_ms, kind: *kind, worker, platform: 0, member: 0, amount }
        });
        case.faults = faults.collect();
    }
    World::new(case, false).run()
}

/// Runs a case again.
#[must_use]
pub fn replay(replay: &Replay, keep: bool) -> Outcome {
    World::new(replay.case.clone(), keep).run()
}

/// The smallest case found that breaks what a seed breaks.
#[must_use]
pub fn smaller(seed: u64, invariant: u32) -> Replay {
    Replay { case: shrink(&Case::of(seed), invariant) }
}
