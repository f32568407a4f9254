//! What one process remembers of a room between two passes: nothing that a restart may not forget, since everything here only
//! makes it wait. Must not know stores, adapters or clocks; whoever asks tells the steady time.

use super::things::Subject;
use crate::log::{Code, Revocable};
use adapter_spi::{Assessment, Lag};
use mappings::model::Digest;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Looks that agree, far enough apart that none shows what the one before it may have shown late.
#[derive(Debug, Clone, Copy)]
struct Looks {
    agreeing: u32,
    last_ms: i64,
}

/// What is remembered of one collaboration in one room.
#[derive(Debug, Default)]
pub struct Memory {
    /// The agreement with what its templates read, and what the platform can hold of it.
    pub(super) subject: Option<(Arc<Subject>, Arc<Assessment>)>,
    /// The steps of the round before, so that what doesn't show itself yet is not done over and over.
    pub(super) done: Vec<Digest>,
    missing: BTreeMap<Revocable, Looks>,
    closed: BTreeMap<u64, Looks>,
    /// Since when intents of unknown end are known here.
    open: BTreeMap<Code, i64>,
}

impl Memory {
    /// A look missed these; the ones that so many looks in a row missed, far enough apart.
    pub(super) fn missed(
        &mut self,
        things: &BTreeSet<Revocable>,
        lag: &Lag,
        when_ms: (i64, i64),
    ) -> BTreeSet<Revocable> {
        self.missing.retain(|thing, _| things.contains(thing));
        for thing in things {
            counted(&mut self.missing, thing.clone(), lag, when_ms);
        }
        let sure = |looks: &Looks| looks.agreeing >= lag.reads_min.max(1);
        let sure = self.missing.iter().filter(|(_, looks)| sure(looks));
        sure.map(|(thing, _)| thing.clone()).collect()
    }

    /// A whole look showed nothing of a withdrawal; how many have by now, far enough apart.
    pub(super) fn seen_closed(&mut self, revocation: u64, lag: &Lag, when_ms: (i64, i64)) -> u32 {
        counted(&mut self.closed, revocation, lag, when_ms)
    }

    /// A look showed something of it, or was not whole.
    pub(super) fn seen_open(&mut self, revocation: u64) {
        self.closed.remove(&revocation);
    }

    /// Since when an intent of unknown end is known here.
    pub(super) fn open_since(&mut self, step: &Code, now_ms: i64) -> i64 {
        *self.open.entry(step.clone()).or_insert(now_ms)
    }

    /// Forgets intents that have ended.
    pub(super) fn open_only(&mut self, steps: &BTreeSet<Code>) {
        self.open.retain(|step, _| steps.contains(step));
    }
}

/// Looks are apart when this one began long enough after the last was over: a process may be stopped at any time in between.
fn counted<K: Ord>(
    looks: &mut BTreeMap<K, Looks>,
    of: K,
    lag: &Lag,
    (began_ms, now_ms): (i64, i64),
) -> u32 {
    let apart_ms = i64::try_from(lag.settles_ms).unwrap_or(i64::MAX);
    match looks.entry(of) {
        std::collections::btree_map::Entry::Vacant(first) => {
            first.insert(Looks { agreeing: 1, last_ms: now_ms }).agreeing
        }
        std::collections::btree_map::Entry::Occupied(mut known) => {
            let known = known.get_mut();
            if began_ms.saturating_sub(known.last_ms) >= apart_ms {
                *known = Looks { agreeing: known.agreeing.saturating_add(1), last_ms: now_ms };
            }
            known.agreeing
        }
    }
}

/// Looks that must agree before a withdrawal counts as closed: two where an answer may be old, else one.
pub(super) const fn closing_looks(lag: &Lag) -> u32 {
    if lag.settles_ms == 0 { 1 } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAG: Lag = Lag { late_ms: 0, settles_ms: 100, reads_min: 3 };

    fn thing(name: &str) -> Revocable {
        Revocable::Dataset { dataset: name.parse().unwrap() }
    }

    #[test]
    fn only_looks_apart_that_agree_in_a_row_count() {
        let mut memory = Memory::default();
        let (both, one) = (BTreeSet::from([thing("a"), thing("b")]), BTreeSet::from([thing("a")]));
        assert!(memory.missed(&both, &LAG, (0, 0)).is_empty());
        assert!(memory.missed(&both, &LAG, (50, 50)).is_empty(), "too close to the one before");
        assert!(memory.missed(&one, &LAG, (100, 100)).is_empty());
        assert!(memory.missed(&both, &LAG, (199, 199)).is_empty());
        assert_eq!(memory.missed(&both, &LAG, (200, 200)), one, "b was seen in between");
        assert_eq!(memory.missed(&both, &LAG, (400, 400)), one);
        assert_eq!(memory.missed(&both, &LAG, (500, 500)), both);
        memory.seen_closed(7, &LAG, (0, 0));
        assert_eq!(memory.seen_closed(7, &LAG, (99, 99)), 1);
        memory.seen_open(7);
        assert_eq!(memory.seen_closed(7, &LAG, (300, 300)), 1, "it was open in between");
        assert_eq!(
            memory.seen_closed(7, &LAG, (399, 900)),
            1,
            "it began too early, however long it took"
        );
        assert_eq!(memory.seen_closed(7, &LAG, (400, 950)), 2);
        assert_eq!(
            memory.seen_closed(7, &LAG, (1_049, 1_049)),
            2,
            "too close to the end of the one before"
        );
    }

    #[test]
    fn an_intent_is_known_from_the_first_time_on() {
        let mut memory = Memory::default();
        let step = Code::new("step-1").unwrap();
        assert_eq!(memory.open_since(&step, 5), 5);
        assert_eq!(memory.open_since(&step, 9), 5);
        memory.open_only(&BTreeSet::new());
        assert_eq!(memory.open_since(&step, 11), 11);
    }
}
