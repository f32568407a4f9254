//! When each collaboration is looked at next: at once when its log has grown, else at a steady pace with jitter, later and later
//! while it fails. Whoever asks tells the time.

use mappings::model::CollaborationId;
use std::collections::BTreeMap;

/// Between the first looks of two collaborations, so that a start asks no platform for everything at once.
const SPREAD_MS: i64 = 50;
/// A failing collaboration is looked at after twice the time each time, and this many times the pace at most.
const BACKOFF_MAX: u32 = 4;
/// A fifth of the pace either way.
const JITTER: i64 = 5;

/// The looks to come.
#[derive(Debug)]
pub struct Schedule {
    every_ms: i64,
    seed: u64,
    entries: BTreeMap<CollaborationId, Entry>,
}

#[derive(Debug)]
struct Entry {
    /// How far its log was taken in.
    size: u64,
    /// `None` while somebody looks.
    due_at_ms: Option<i64>,
    changed: bool,
    failures: u32,
    turns: u64,
}

impl Schedule {
    /// A pace, and a seed for its jitter.
    #[must_use]
    pub fn new(every_ms: i64, seed: u64) -> Self {
        Self { every_ms: every_ms.max(1), seed, entries: BTreeMap::new() }
    }

    /// Takes in which logs there are and how long each is. One that has grown is due now, whatever it waited for.
    pub fn heads(&mut self, now_ms: i64, heads: impl IntoIterator<Item = (CollaborationId, u64)>) {
        let mut first_ms = now_ms;
        for (collaboration, size) in heads {
            let entry = self.entries.entry(collaboration).or_insert_with(|| {
                let due_at_ms = Some(first_ms);
                first_ms = first_ms.saturating_add(SPREAD_MS);
                Entry { size, due_at_ms, changed: false, failures: 0, turns: 0 }
            });
            if entry.size != size && entry.due_at_ms.is_some() {
                (entry.size, entry.changed) = (size, true);
                entry.due_at_ms = entry.due_at_ms.map(|due| due.min(now_ms));
            }
        }
    }

    /// Up to so many that are due, those whose log has grown first, then who waits longest. Nobody gets one twice before
    /// [`Self::ended`].
    pub fn due(&mut self, now_ms: i64, max: usize) -> Vec<CollaborationId> {
        let due = self.entries.iter().filter_map(|(collaboration, entry)| {
            let at = entry.due_at_ms.filter(|at| *at <= now_ms)?;
            Some((!entry.changed, at, collaboration.clone()))
        });
        let mut due: Vec<_> = due.collect();
        due.sort_unstable();
        due.truncate(max);
        let due: Vec<CollaborationId> = due.into_iter().map(|(_, _, one)| one).collect();
        for collaboration in &due {
            if let Some(entry) = self.entries.get_mut(collaboration) {
                (entry.due_at_ms, entry.changed) = (None, false);
            }
        }
        due
    }

    /// A look is over, and took the log in up to this length: whatever was appended beyond it makes another.
    pub fn ended(
        &mut self,
        collaboration: &CollaborationId,
        now_ms: i64,
        size: u64,
        settled: bool,
    ) {
        let (every_ms, seed) = (self.every_ms, self.seed);
        let Some(entry) = self.entries.get_mut(collaboration) else { return };
        entry.size = size;
        entry.turns += 1;
        entry.failures = if settled { 0 } else { (entry.failures + 1).min(BACKOFF_MAX) };
        let wait_ms = every_ms.saturating_mul(1 << entry.failures);
        let jitter_ms = jitter(seed, collaboration, entry.turns, wait_ms / JITTER);
        entry.due_at_ms = Some(now_ms.saturating_add(wait_ms).saturating_add(jitter_ms));
    }
}

/// Between `-most` and `most`; the same for the same seed, name and turn (splitmix64 over FNV-1a).
fn jitter(seed: u64, collaboration: &CollaborationId, turn: u64, most: i64) -> i64 {
    let name = collaboration.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut mixed = seed ^ name ^ turn.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    let width = most.unsigned_abs().saturating_mul(2) + 1;
    i64::try_from(mixed % width).unwrap_or_default() - most
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EVERY: i64 = 60_000;

    fn id(n: usize) -> CollaborationId {
        CollaborationId::new(&format!("room-{n}")).unwrap()
    }

    fn of(count: usize) -> Schedule {
        let mut schedule = Schedule::new(EVERY, 7);
        schedule.heads(0, (0..count).map(|n| (id(n), 1)));
        schedule
    }

    #[test]
    fn a_start_is_spread_and_nobody_is_given_out_twice() {
        let mut schedule = of(100);
        assert_eq!(schedule.due(0, 9), [id(0)]);
        assert!(schedule.due(0, 9).is_empty());
        assert_eq!(schedule.due(SPREAD_MS * 99, 1000).len(), 99);
        assert!(schedule.due(i64::MAX, 1000).is_empty(), "all are looked at");
    }

    #[test]
    fn a_grown_log_goes_before_those_who_wait_and_whatever_it_failed() {
        let mut schedule = of(3);
        for one in schedule.due(1000, 9) {
            schedule.ended(&one, 1000, 1, one != id(2));
        }
        schedule.heads(2000, [(id(2), 2)]);
        assert_eq!(schedule.due(2000, 9), [id(2)]);
        schedule.heads(2500, [(id(2), 3)]);
        assert!(schedule.due(2500, 9).is_empty(), "somebody looks at it");
        schedule.ended(&id(2), 3000, 2, true);
        schedule.heads(3000, [(id(2), 3)]);
        assert_eq!(schedule.due(3000, 9), [id(2)], "what came during the look makes another");
        schedule.ended(&id(2), 3000, 3, true);
        let all: Vec<_> = schedule.due(EVERY * 2, 9);
        assert_eq!(all.len(), 3);
    }

    #[test]
    fn failing_ones_wait_longer_but_not_for_ever() {
        let mut schedule = of(1);
        let (mut now, mut waits) = (0, Vec::new());
        for _ in 0..8 {
            assert_eq!(schedule.due(now, 1), [id(0)]);
            schedule.ended(&id(0), now, 1, false);
            let began = now;
            while schedule.entries[&id(0)].due_at_ms.unwrap() > now {
                now += 1000;
            }
            waits.push((now - began) / EVERY);
        }
        assert!(waits[0] >= 1 && waits[0] <= 2, "{waits:?}");
        assert!(waits[7] >= 12 && waits[7] <= 20, "{waits:?}");
    }

    proptest! {
        #[test]
        fn the_same_seed_gives_the_same_looks_and_nobody_starves(seed in any::<u64>(), count in 1..40_usize) {
            let run = || {
                let mut schedule = Schedule::new(EVERY, seed);
                let (mut looks, mut trace) = (vec![0; count], Vec::new());
                for now in (0..EVERY * 6).step_by(500) {
                    schedule.heads(now, (0..count).map(|n| (id(n), 1)));
                    for one in schedule.due(now, 4) {
                        let n: usize = one.as_str()[5..].parse().unwrap();
                        looks[n] += 1;
                        trace.push((now, n));
                        schedule.ended(&one, now, 1, true);
                    }
                }
                (looks, trace)
            };
            let (looks, trace) = run();
            prop_assert!(looks.iter().all(|seen| (4..=8).contains(seen)), "{:?}", looks);
            prop_assert_eq!(run().1, trace);
        }
    }
}
