//! A time that never goes back, made of one that may. Must not know what it is used for.

/// Stands still while the clock it is told by goes back, and goes on from there: what was due in a minute stays due in a
/// minute. A step forward can't be told from a machine that slept, and is believed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Steady {
    told: Option<i64>,
    lost_ms: i64,
    seen_ms: i64,
}

impl Steady {
    /// This moment, never before an earlier one.
    pub(super) fn at(&mut self, now_ms: i64) -> i64 {
        let back_ms = self.told.map_or(0, |told| told.saturating_sub(now_ms).max(0));
        self.lost_ms = self.lost_ms.saturating_add(back_ms);
        let steady_ms = now_ms.saturating_add(self.lost_ms);
        self.seen_ms = if self.told.is_some() { steady_ms.max(self.seen_ms) } else { steady_ms };
        self.told = Some(now_ms);
        self.seen_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_step_back_costs_no_time_and_a_step_forward_is_believed() {
        let mut steady = Steady::default();
        assert_eq!(steady.at(-50), -50);
        assert_eq!(steady.at(1_000), 1_000);
        assert_eq!(steady.at(-3_600_000), 1_000);
        assert_eq!(steady.at(-3_599_000), 2_000);
        assert_eq!(steady.at(0), 3_601_000);
    }

    proptest! {
        #[test]
        fn it_never_goes_back(told in prop::collection::vec(any::<i64>(), 1..50)) {
            let mut steady = Steady::default();
            let seen: Vec<i64> = told.into_iter().map(|now| steady.at(now)).collect();
            prop_assert!(seen.is_sorted(), "{seen:?}");
        }
    }
}
