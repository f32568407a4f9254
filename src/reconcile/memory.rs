//! What one process remembers of a room between two passes: nothing that a restart may not forget, since everything here only
//! makes it wait. Must not know stores, adapters or clocks; whoever asks tells the steady time.

use super::things::Subject;
use crate::log::{Code, Revocable};
use adapter_spi::{Assessment, Lag, Step};
use mappings::model::Digest;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How long the log was when a look began, and from when to when it took.
#[derive(Debug, Clone, Copy)]
pub(super) struct When {
    pub(super) basis: u64,
    pub(super) began_ms: i64,
    pub(super) ended_ms: i64,
}

/// Looks that agree, far enough apart that none shows what the one before it may have shown late.
#[derive(Debug, Clone, Copy)]
struct Looks {
    agreeing: u32,
    /// How long the log was when the first of them began.
    basis: u64,
    last_ms: i64,
}

/// A call, what it is about, what its value leaves open, and how long the log was that it was planned on.
type Unrecorded = (Step, Vec<Revocable>, Vec<Revocable>, u64);

/// What was found wider is told within an hour of its closing, or not at all.
const WIDER_MAX_MS: i64 = 3_600_000;

/// What is remembered of one collaboration in one room.
#[derive(Debug, Default)]
pub struct Memory {
    /// The agreement with what its templates read, and what the platform can hold of it.
    pub(super) subject: Option<(Arc<Subject>, Arc<Assessment>)>,
    /// The steps of the round before, so that what doesn't show itself yet is not done over and over.
    pub(super) done: Vec<Digest>,
    missing: BTreeMap<Revocable, Looks>,
    closed: BTreeMap<u64, Looks>,
    /// Steps that take something away and failed when they were tried last.
    failed: BTreeSet<Digest>,
    /// Since when intents of unknown end are known here.
    open: BTreeMap<Code, i64>,
    /// Since when it is known here that something was taken away, by the position of the leaf that says so.
    taken: BTreeMap<u64, i64>,
    /// Those of which every call that was made here was refused: nothing of them can land.
    denied: BTreeSet<Code>,
    /// Calls that took something away, left something open, could not be recorded and had no answer: they may still land.
    pub(super) unrecorded: BTreeMap<Digest, Unrecorded>,
    /// What was open beyond the agreement and may be closed or not, by the calls that close it and had no answer.
    wider: BTreeMap<Digest, (i64, Vec<Revocable>)>,
}

impl Memory {
    /// Whether a later look counts on any of it: what is missed or seen closed, calls of unknown end, what was done and not seen, or
    /// not done.
    #[must_use]
    pub fn waits(&self) -> bool {
        let Self { subject: _, done, missing, closed, failed, open, .. } = self;
        let rests = missing.is_empty() && closed.is_empty() && open.is_empty();
        let told = self.wider.is_empty() && self.unrecorded.is_empty();
        !(rests && told && done.is_empty() && failed.is_empty())
    }

    /// Forgets what costs only work to find again.
    pub fn lighten(&mut self) {
        self.subject = None;
    }

    #[cfg(all(test, feature = "gateway"))]
    pub(crate) fn waiting() -> Self {
        Self { done: vec![Digest::of(b"step")], ..Self::default() }
    }

    /// A look missed these; the ones that so many looks in a row missed, far enough apart.
    pub(super) fn missed(
        &mut self,
        things: &BTreeSet<Revocable>,
        lag: &Lag,
        when: When,
    ) -> BTreeSet<Revocable> {
        self.missing.retain(|thing, _| things.contains(thing));
        for thing in things {
            counted(&mut self.missing, thing.clone(), lag, when);
        }
        let sure = |looks: &Looks| looks.agreeing >= lag.reads_min.max(1);
        let sure = self.missing.iter().filter(|(_, looks)| sure(looks));
        sure.map(|(thing, _)| thing.clone()).collect()
    }

    /// A whole look showed nothing of a withdrawal; how many have by now, far enough apart, and on how long a log the first
    /// began. Those that began before the log had a leaf are forgotten.
    pub(super) fn seen_closed(
        &mut self,
        (revocation, since): (u64, u64),
        lag: &Lag,
        when: When,
    ) -> (u32, u64) {
        if self.closed.get(&revocation).is_some_and(|looks| looks.basis <= since) {
            self.closed.remove(&revocation);
        }
        let looks = counted(&mut self.closed, revocation, lag, when);
        (looks.agreeing, looks.basis)
    }

    /// A look showed something of it, or was not whole.
    pub(super) fn seen_open(&mut self, revocation: u64) {
        self.closed.remove(&revocation);
    }

    /// Which of these steps are tried in one round, in their order: those that failed last time only where room is left.
    pub(super) fn round(&mut self, steps: &[Digest], most: usize) -> BTreeSet<Digest> {
        self.failed.retain(|step| steps.contains(step));
        let (failed, fresh): (Vec<_>, Vec<_>) =
            steps.iter().copied().partition(|step| self.failed.contains(step));
        fresh.into_iter().chain(failed).take(most).collect()
    }

    /// A step was tried.
    pub(super) fn tried(&mut self, step: Digest, done: bool) {
        if done {
            self.failed.remove(&step);
        } else {
            self.failed.insert(step);
        }
    }

    /// Something is open beyond the agreement, or was closed by a call that had no answer.
    pub(super) fn wider(&mut self, call: Digest, of: Vec<Revocable>, now_ms: i64) {
        self.wider.insert(call, (now_ms, of));
    }

    /// What was, and is closed now that only these calls are left to be made. Another has long told it of what is old.
    pub(super) fn closed_wider(
        &mut self,
        open: &BTreeSet<Digest>,
        now_ms: i64,
    ) -> BTreeSet<Revocable> {
        self.wider.retain(|_, (since_ms, _)| now_ms.saturating_sub(*since_ms) < WIDER_MAX_MS);
        let closed = self.wider.extract_if(.., |call, _| !open.contains(call));
        closed.flat_map(|(_, (_, of))| of).collect()
    }

    /// It was tried again under the same intent, and nobody knows its end.
    pub(super) fn sent_again(&mut self, step: &Code, now_ms: i64) {
        self.open.insert(step.clone(), now_ms);
    }

    /// A call under an intent, the first or another, was refused for good or not.
    pub(super) fn answered(&mut self, step: &Code, first: bool, denied: bool) {
        if first && denied {
            self.denied.insert(step.clone());
        } else if !denied {
            self.denied.remove(step);
        }
    }

    /// Whether nothing of an intent can land, as far as this process knows.
    pub(super) fn was_denied(&self, step: &Code) -> bool {
        self.denied.contains(step)
    }

    /// Since when an intent of unknown end is known here.
    pub(super) fn open_since(&mut self, step: &Code, now_ms: i64) -> i64 {
        *self.open.entry(step.clone()).or_insert(now_ms)
    }

    /// Of what was taken away what a look that begins now, or one that began since, may show all the same: as long as answers may be
    /// old, counted from the first look that knew of it.
    pub(super) fn taken_lately(
        &mut self,
        taken: impl Iterator<Item = u64>,
        lag: &Lag,
        when: When,
    ) -> BTreeSet<u64> {
        let taken: BTreeSet<u64> = taken.collect();
        self.taken.retain(|at, _| taken.contains(at));
        let settles_ms = i64::try_from(lag.settles_ms).unwrap_or(i64::MAX);
        let mut late = |at: &u64| {
            let since_ms = *self.taken.entry(*at).or_insert(when.began_ms);
            when.began_ms.saturating_sub(since_ms) < settles_ms
        };
        taken.iter().filter(|at| late(at)).copied().collect()
    }

    /// Forgets intents that have ended.
    pub(super) fn open_only(&mut self, steps: &BTreeSet<Code>) {
        self.open.retain(|step, _| steps.contains(step));
        self.denied.retain(|step| steps.contains(step));
    }
}

/// Looks are apart when this one began long enough after the last was over: a process may be stopped at any time in between.
fn counted<K: Ord>(looks: &mut BTreeMap<K, Looks>, of: K, lag: &Lag, when: When) -> Looks {
    let apart_ms = i64::try_from(lag.settles_ms).unwrap_or(i64::MAX);
    let first = Looks { agreeing: 1, basis: when.basis, last_ms: when.ended_ms };
    match looks.entry(of) {
        Entry::Vacant(none) => *none.insert(first),
        Entry::Occupied(known) => {
            let known = known.into_mut();
            if when.began_ms.saturating_sub(known.last_ms) >= apart_ms {
                known.agreeing = known.agreeing.saturating_add(1);
                known.last_ms = when.ended_ms;
            }
            *known
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

    const fn at(began_ms: i64, ended_ms: i64) -> When {
        When { basis: 1, began_ms, ended_ms }
    }

    #[test]
    fn only_looks_apart_that_agree_in_a_row_count() {
        let mut memory = Memory::default();
        let (both, one) = (BTreeSet::from([thing("a"), thing("b")]), BTreeSet::from([thing("a")]));
        assert!(memory.missed(&both, &LAG, at(0, 0)).is_empty());
        assert!(memory.missed(&both, &LAG, at(50, 50)).is_empty(), "too close to the one before");
        assert!(memory.missed(&one, &LAG, at(100, 100)).is_empty());
        assert!(memory.missed(&both, &LAG, at(199, 199)).is_empty());
        assert_eq!(memory.missed(&both, &LAG, at(200, 200)), one, "b was seen in between");
        assert_eq!(memory.missed(&both, &LAG, at(400, 400)), one);
        assert_eq!(memory.missed(&both, &LAG, at(500, 500)), both);
    }

    #[test]
    fn looks_that_showed_nothing_are_apart_from_the_end_of_one_to_the_beginning_of_the_next() {
        let mut memory = Memory::default();
        let mut seen = |when| memory.seen_closed((7, 0), &LAG, when).0;
        assert_eq!(seen(at(0, 0)), 1);
        assert_eq!(seen(at(99, 900)), 1, "it began too early, however long it took");
        assert_eq!(seen(at(100, 950)), 2);
        assert_eq!(seen(at(1_049, 1_049)), 2, "too close to the end of the one before");
        memory.seen_open(7);
        assert_eq!(memory.seen_closed((7, 0), &LAG, at(2_000, 2_000)).0, 1, "it was open");
    }

    #[test]
    fn looks_from_before_a_leaf_are_forgotten() {
        let mut memory = Memory::default();
        let on = |basis, ms| When { basis, began_ms: ms, ended_ms: ms };
        assert_eq!(memory.seen_closed((7, 7), &LAG, on(8, 0)), (1, 8));
        assert_eq!(memory.seen_closed((7, 7), &LAG, on(12, 200)), (2, 8));
        assert_eq!(memory.seen_closed((7, 9), &LAG, on(12, 400)), (1, 12), "a call has ended");
        assert_eq!(memory.seen_closed((7, 9), &LAG, on(14, 600)), (2, 12));
    }

    #[test]
    fn what_was_taken_away_may_be_shown_as_long_as_answers_may_be_old() {
        let mut memory = Memory::default();
        let mut late = |taken: &[u64], ms| {
            memory
                .taken_lately(taken.iter().copied(), &LAG, at(ms, ms))
                .into_iter()
                .collect::<Vec<_>>()
        };
        assert_eq!(late(&[7], 0), [7], "it may have ended just now");
        assert_eq!(late(&[7, 9], 99), [7, 9]);
        assert_eq!(late(&[7, 9], 100), [9]);
        assert!(late(&[9], 199).is_empty());
        assert_eq!(late(&[7], 200), [7], "it was forgotten meanwhile");
        let prompt = Lag { settles_ms: 0, ..LAG };
        assert!(memory.taken_lately([8].into_iter(), &prompt, at(0, 0)).is_empty());
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
