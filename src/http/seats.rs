//! Connections at a time. Where every seat is taken, whoever was heard of longest ago and has nothing under way gives its own to the next: so that
//! nobody keeps others from withdrawing by being there. An answer that is still on its way, a stream of events among them, gives way as well.
//! Must not know what is asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// Seats of a listener, where this process may have files enough: each takes one, and there may be two of these.
const SEATS_MAX: usize = 1_024;

/// The same.
#[derive(Debug, Clone)]
pub(super) struct Seats {
    max: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    seats: BTreeMap<u64, Known>,
}

#[derive(Debug)]
struct Known {
    leaves: CancellationToken,
    served: usize,
    heard: Instant,
}

/// One connection's seat, free once it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Seats,
    number: u64,
    leaves: CancellationToken,
}

/// A request of it that is under way.
#[derive(Debug)]
pub(super) struct Served(Arc<Seat>);

impl Default for Seats {
    fn default() -> Self {
        let files = std::fs::read_to_string("/proc/self/limits").ok().and_then(|text| files(&text));
        Self::of(files.map_or(SEATS_MAX, |files| SEATS_MAX.min(files / 3)))
    }
}

/// How many files this process may have open.
fn files(limits: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let soft = line.split_whitespace().next()?;
    if soft == "unlimited" { Some(usize::MAX) } else { soft.parse().ok() }
}

impl Seats {
    fn of(max: usize) -> Self {
        Self { max: max.max(1), taken: Arc::default() }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A seat; none where all have something under way.
    pub(super) fn take(&self) -> Option<Arc<Seat>> {
        let mut taken = self.taken();
        if taken.seats.len() >= self.max && !taken.free() {
            return None;
        }
        let (number, leaves) = (taken.next, CancellationToken::new());
        taken.next += 1;
        let known = Known { leaves: leaves.clone(), served: 0, heard: Instant::now() };
        taken.seats.insert(number, known);
        Some(Arc::new(Seat { seats: self.clone(), number, leaves }))
    }

    /// Frees a seat, if any can be.
    pub(super) fn free(&self) -> bool {
        self.taken().free()
    }
}

impl Taken {
    fn free(&mut self) -> bool {
        let idle = self.seats.iter().filter(|(_, known)| known.served == 0);
        let oldest = idle.min_by_key(|(_, known)| known.heard).map(|(number, _)| *number);
        let Some(known) = oldest.and_then(|number| self.seats.remove(&number)) else {
            return false;
        };
        known.leaves.cancel();
        true
    }
}

impl Seat {
    /// Waits until somebody else needs it.
    pub(super) async fn left(&self) {
        self.leaves.cancelled().await;
    }

    /// Keeps it while a request is under way.
    pub(super) fn serve(self: &Arc<Self>) -> Served {
        if let Some(known) = self.seats.taken().seats.get_mut(&self.number) {
            known.served += 1;
            known.heard = Instant::now();
        }
        Served(Arc::clone(self))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(known) = self.0.seats.taken().seats.get_mut(&self.0.number) {
            known.served = known.served.saturating_sub(1);
            known.heard = Instant::now();
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.taken().seats.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_heard_of_longest_ago_and_is_not_served_makes_room() {
        let seats = Seats::of(3);
        let (first, second, third) =
            (seats.take().unwrap(), seats.take().unwrap(), seats.take().unwrap());
        let served = first.serve();
        let fourth = seats.take().unwrap();
        let left = |seat: &Arc<Seat>| seat.leaves.is_cancelled();
        assert_eq!((left(&first), left(&second), left(&third)), (false, true, false));
        // What it had under way counts for nothing once it is done, but that it was heard of lately.
        drop(served);
        let fifth = seats.take().unwrap();
        assert_eq!((left(&first), left(&third), left(&fourth)), (false, true, false));
        let all = [first.serve(), fourth.serve(), fifth.serve()];
        assert!(seats.take().is_none(), "nobody who is served has to leave");
        drop(all);
        drop(second);
        drop(first);
        assert!(seats.take().is_some() && !left(&fourth));
    }

    #[test]
    fn a_seat_takes_a_file() {
        let text = |soft: &str| {
            format!(
                "Limit  Soft  Hard  Units\nMax open files            {soft}                 524288               files\n"
            )
        };
        assert_eq!(files(&text("1024")), Some(1_024));
        assert_eq!(files(&text("unlimited")), Some(usize::MAX));
        assert_eq!(files("Max processes 1 2 processes\n"), None);
    }
}
