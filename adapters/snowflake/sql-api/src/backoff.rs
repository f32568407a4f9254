//! Waits that grow. Must not know what is waited for.

use crate::settings::Pace;
use std::time::Duration;

/// Waits between tries.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    most: Duration,
}

impl Backoff {
    pub(crate) fn new(pace: Pace) -> Self {
        Self { next: pace.first.min(pace.most), most: pace.most }
    }

    /// The next wait: between a half and all of the step, by chance.
    pub(crate) fn wait(&mut self) -> Duration {
        let step = self.next;
        self.next = step.saturating_mul(2).min(self.most);
        let half = step / 2;
        let share = f64::from(getrandom::u32().unwrap_or(u32::MAX)) / f64::from(u32::MAX);
        (half + half.mul_f64(share)).min(self.most)
    }
}

#[cfg(test)]
mod tests {
    //! Growth and its end.
    use super::*;

    #[test]
    fn waits_grow_to_the_longest_and_no_further() {
        let pace = Pace { first: Duration::from_millis(10), most: Duration::from_millis(40) };
        let mut backoff = Backoff::new(pace);
        let steps = [10, 20, 40, 40, 40];
        for step in steps {
            let waits = backoff.wait();
            let bounds = Duration::from_millis(step / 2)..=Duration::from_millis(step);
            assert!(bounds.contains(&waits), "{waits:?} of {step}");
        }
    }
}
