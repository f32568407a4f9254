//! The runs of one process, as an adapter remembers them. Must not know how a run is carried out.

use mappings::model::RunId;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// So many runs that ended are remembered: whoever looks at an older one is told that it is not known here.
const ENDED_MAX: usize = 256;

/// A run that may have ended.
pub trait Ends {
    /// Whether nothing of it goes on.
    fn has_ended(&self) -> bool;
}

/// Runs by id: all that go on, and the newest of those that ended.
#[derive(Debug)]
pub struct Remembered<T>(Mutex<BTreeMap<RunId, T>>);

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone + Ends> Remembered<T> {
    /// A run that was begun here.
    pub fn of(&self, run: &RunId) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(run).cloned()
    }

    /// Keeps what is known of a run now.
    pub fn keep(&self, run: &RunId, known: T) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(run.clone(), known);
        let ended = all.iter().filter(|(_, one)| one.has_ended());
        let ended: Vec<RunId> = ended.map(|(run, _)| run.clone()).collect();
        // Ids begin with their time: the oldest are first.
        for old in ended.iter().take(ended.len().saturating_sub(ENDED_MAX)) {
            all.remove(old);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq)]
    struct One(bool);

    impl Ends for One {
        fn has_ended(&self) -> bool {
            self.0
        }
    }

    #[test]
    fn what_goes_on_is_never_forgotten_and_of_what_ended_the_oldest_is_first() {
        let (runs, id) =
            (Remembered::default(), |at: usize| format!("run-{at:04}").parse().unwrap());
        for at in 0..3 {
            runs.keep(&id(at), One(false));
        }
        for at in 3..3 + ENDED_MAX + 2 {
            runs.keep(&id(at), One(true));
        }
        assert!((0..3).all(|at| runs.of(&id(at)) == Some(One(false))));
        assert_eq!((runs.of(&id(3)), runs.of(&id(4))), (None, None));
        assert_eq!(runs.of(&id(5)), Some(One(true)));
    }
}
