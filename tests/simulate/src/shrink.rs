//! Makes a failing case smaller while it fails in the same way: first what comes after the failure goes, then faults, then what
//! people did, then workers. Each try is a whole run from the list.

use crate::case::Case;
use crate::world::World;

/// No more runs than this.
const TRIES_MAX: u32 = 160;

/// A smaller case that breaks the same promise, or the same case.
pub(crate) fn shrink(case: &Case, invariant: u32) -> Case {
    let mut search = Search { invariant, tries: 0 };
    let mut best = case.clone();
    if let Some(at_ms) = search.fails(&best)
        && at_ms < best.horizon_ms
    {
        let mut cut = best.clone();
        cut.faults.retain(|fault| fault.at_ms <= at_ms);
        cut.acts.retain(|act| act.at_ms <= at_ms);
        if search.fails(&cut).is_some() {
            best = cut;
        }
    }
    let faults = search.minimal(&best.faults, |faults| Case { faults, ..best.clone() });
    let best = Case { faults, ..best };
    let acts = search.minimal(&best.acts, |acts| Case { acts, ..best.clone() });
    let best = Case { acts, ..best };
    let faults = search.minimal(&best.faults, |faults| Case { faults, ..best.clone() });
    let mut best = Case { faults, ..best };
    for smaller in [
        Case { apart: None, ..best.clone() },
        Case { workers: best.workers.saturating_sub(1).max(1), ..best.clone() },
        Case { apart: None, workers: 1, ..best.clone() },
    ] {
        if smaller != best && search.fails(&smaller).is_some() {
            best = smaller;
        }
    }
    best
}

struct Search {
    invariant: u32,
    tries: u32,
}

impl Search {
    /// When it fails in the same way, if it does.
    fn fails(&mut self, case: &Case) -> Option<i64> {
        self.tries += 1;
        let broken = World::new(case.clone(), false).run().broken?;
        (broken.invariant == self.invariant).then_some(broken.at_ms)
    }

    /// The list without what it does not need, by ever smaller parts.
    fn minimal<T: Clone>(&mut self, all: &[T], with: impl Fn(Vec<T>) -> Case) -> Vec<T> {
        let mut kept = all.to_vec();
        let mut part = kept.len().div_ceil(2);
        while part > 0 && self.tries < TRIES_MAX {
            let mut from = 0;
            while from < kept.len() && self.tries < TRIES_MAX {
                let mut without = kept.clone();
                without.drain(from..(from + part).min(kept.len()));
                if self.fails(&with(without.clone())).is_some() {
                    kept = without;
                } else {
                    from += part;
                }
            }
            part = if part == 1 { 0 } else { part.div_ceil(2) };
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_needed_stays() {
        let mut search = Search { invariant: 0, tries: TRIES_MAX };
        let all = [1, 2, 3];
        assert_eq!(search.minimal(&all, |_| Case::of(0)), all, "no tries are left");
    }
}
