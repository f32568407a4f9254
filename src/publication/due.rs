//! Which logs are to be published now: one that has grown at once, one that failed later and later, one whose cosignatures are waited for now and then.
//! Must not know stores, places or timers.

use super::{PublicationError, Published};
use mappings::model::CollaborationId;
use std::collections::BTreeMap;

const FIRST_MS: i64 = 2_000;
/// A place that is away is tried so often at least, and cosignatures are looked for.
const LAST_MS: i64 = 600_000;
const COSIGNATURE_MS: i64 = 15_000;

#[derive(Debug, Default)]
struct One {
    size: u64,
    /// As far as it was seen there; none before the first look.
    published: Option<u64>,
    next_ms: i64,
    wait_ms: i64,
    /// Whether cosignatures of this head are still missing.
    waits: bool,
    busy: bool,
}

impl One {
    fn is_due(&self, now_ms: i64) -> bool {
        let behind = self.published.is_none_or(|published| published < self.size);
        !self.busy && (behind || self.waits) && self.next_ms <= now_ms
    }
}

/// The same.
#[derive(Debug, Default)]
pub(crate) struct Due {
    logs: BTreeMap<CollaborationId, One>,
    witnesses: usize,
}

impl Due {
    /// Nothing is known yet; so many witnesses are waited for.
    pub(crate) fn new(witnesses: usize) -> Self {
        Self { logs: BTreeMap::new(), witnesses }
    }

    /// How long the logs are.
    pub(crate) fn listed(&mut self, sizes: &[(CollaborationId, u64)], now_ms: i64) {
        for (name, size) in sizes.iter().filter(|(_, size)| *size > 0) {
            let one = self.logs.entry(name.clone()).or_default();
            if one.size != *size && one.published.is_some() && one.waits {
                // What is waited for is of a head that is not the newest any more.
                (one.waits, one.next_ms, one.wait_ms) = (false, now_ms, 0);
            }
            one.size = *size;
        }
    }

    /// The logs to begin with now, at most so many.
    pub(crate) fn begun(&mut self, max: usize, now_ms: i64) -> Vec<CollaborationId> {
        let due = self.logs.iter_mut().filter(|(_, one)| one.is_due(now_ms)).take(max);
        due.map(|(name, one)| {
            one.busy = true;
            name.clone()
        })
        .collect()
    }

    /// How one ended.
    pub(crate) fn ended(
        &mut self,
        name: &CollaborationId,
        end: &Result<Published, PublicationError>,
        now_ms: i64,
    ) {
        let witnesses = self.witnesses;
        let Some(one) = self.logs.get_mut(name) else { return };
        one.busy = false;
        let first = match end {
            Ok(Published { size, cosigned }) => {
                let same = one.published == Some(*size);
                (one.published, one.waits) = (Some(*size), *cosigned < witnesses);
                if !one.waits || !same {
                    one.wait_ms = 0;
                }
                if !one.waits || *size < one.size {
                    one.next_ms = now_ms;
                    return;
                }
                COSIGNATURE_MS
            }
            Err(_) => FIRST_MS,
        };
        one.wait_ms = one.wait_ms.saturating_mul(2).clamp(first, LAST_MS);
        one.next_ms = now_ms.saturating_add(one.wait_ms);
    }

    /// Leaves that are in logs and were not seen published.
    pub(crate) fn behind(&self) -> u64 {
        let behind = |one: &One| one.size.saturating_sub(one.published.unwrap_or(0));
        self.logs.values().map(behind).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> CollaborationId {
        name.parse().unwrap()
    }

    const fn good(size: u64, cosigned: usize) -> Published {
        Published { size, cosigned }
    }

    #[test]
    fn what_has_grown_is_due_at_once_and_once() {
        let mut due = Due::new(0);
        due.listed(&[(name("a"), 3), (name("b"), 2), (name("none"), 0)], 0);
        assert_eq!(due.behind(), 5);
        assert_eq!(due.begun(1, 0), [name("a")]);
        assert_eq!(due.begun(9, 0), [name("b")], "what is under way is not begun again");
        due.ended(&name("a"), &Ok(good(3, 0)), 1);
        due.ended(&name("b"), &Ok(good(1, 0)), 1);
        assert_eq!(due.behind(), 1);
        assert_eq!(due.begun(9, 1), [name("b")], "it grew meanwhile");
        due.listed(&[(name("a"), 4)], 2);
        assert_eq!(due.begun(9, 2), [name("a")]);
    }

    #[test]
    fn one_that_fails_waits_longer_and_no_other_does() {
        let mut due = Due::new(0);
        due.listed(&[(name("a"), 1), (name("b"), 1)], 0);
        assert_eq!(due.begun(9, 0), [name("a"), name("b")]);
        due.ended(&name("b"), &Ok(good(1, 0)), 0);
        let (mut now_ms, mut waits) = (0, Vec::new());
        for _ in 0..12 {
            due.ended(&name("a"), &Err(PublicationError::Missing), now_ms);
            let wait =
                (1..=600).map(|n| n * 1_000).find(|wait| !due.begun(9, now_ms + wait).is_empty());
            waits.push(wait.unwrap());
            now_ms += wait.unwrap();
        }
        assert_eq!((waits[0], *waits.last().unwrap()), (2_000, LAST_MS));
        due.ended(&name("a"), &Ok(good(1, 0)), now_ms);
        due.listed(&[(name("a"), 2)], now_ms);
        assert_eq!(due.begun(9, now_ms), [name("a")], "what failed is forgotten");
    }

    #[test]
    fn cosignatures_are_waited_for_and_keep_no_leaf_waiting() {
        let mut due = Due::new(2);
        due.listed(&[(name("a"), 3)], 0);
        assert_eq!(due.begun(9, 0), [name("a")]);
        due.ended(&name("a"), &Ok(good(3, 1)), 0);
        assert!(due.begun(9, COSIGNATURE_MS - 1).is_empty());
        assert_eq!(due.begun(9, COSIGNATURE_MS), [name("a")]);
        due.ended(&name("a"), &Ok(good(3, 1)), COSIGNATURE_MS);
        due.listed(&[(name("a"), 4)], COSIGNATURE_MS + 1);
        assert_eq!(due.begun(9, COSIGNATURE_MS + 1), [name("a")]);
        due.ended(&name("a"), &Ok(good(4, 2)), COSIGNATURE_MS + 2);
        assert!(due.begun(9, i64::MAX).is_empty());
    }
}
