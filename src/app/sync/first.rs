//! What a worker does not know yet it reads one log after the other, with pauses: whoever asks over HTTP meanwhile has most of the machine.
//! Must not know what is read.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Five hundred a second: ten thousand logs in twenty seconds, and a third of a core for that long.
const EVERY: Duration = Duration::from_millis(2);

/// When the next may be read.
#[derive(Debug, Default)]
pub(super) struct First(Mutex<Option<Instant>>);

impl First {
    /// Returns when it is this one's turn.
    pub(super) async fn turn(&self) {
        let at = {
            let mut next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let at = next.map_or(now, |next| next.max(now));
            *next = Some(at + EVERY);
            at
        };
        sleep_until(at).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hundred_take_a_fifth_of_a_second_and_one_after_a_pause_none() {
        let (first, since) = (First::default(), Instant::now());
        futures::future::join_all((0..100).map(|_| first.turn())).await;
        assert!(since.elapsed() >= 99 * EVERY, "{:?}", since.elapsed());
        tokio::time::sleep(10 * EVERY).await;
        let since = *first.0.lock().unwrap();
        first.turn().await;
        let next = *first.0.lock().unwrap();
        assert!(next > since.map(|at| at + EVERY), "what was not used is not made up for");
    }
}
