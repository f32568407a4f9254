//! Running seeds and counting what they did.

use crate::case::{Case, Kind};
use crate::world::{Outcome, World};
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

/// Runs a seed.
#[must_use]
pub fn run_seed(seed: u64, keep: bool) -> Outcome {
    World::new(Case::of(seed), keep).run()
}
