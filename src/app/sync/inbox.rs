//! What was told from outside and is not looked at yet: names of rooms that had better be looked at, and whose account something happened
//! in. A set, so that the same word a million times is one, with an end. Must not know who told it, nor what a message looks like.

use mappings::model::{CollaborationId, PlatformId};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Different names that wait; the worker takes all of them twice a second.
const WAITING_MAX: usize = 4_096;

/// What a message asks for. It is a hint: a look comes earlier, and nothing else comes of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trigger {
    /// A look at a room, or at all rooms of a collaboration.
    Room {
        /// Which.
        collaboration: CollaborationId,
        /// Where.
        room: Option<PlatformId>,
    },
    /// A look wherever an agreement names an account.
    Account {
        /// On which platform.
        platform: PlatformId,
        /// In its words.
        account: String,
    },
}

/// So many names wait that no other is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// The same.
#[derive(Debug, Default)]
pub struct Inbox {
    waiting: Mutex<BTreeSet<Trigger>>,
    /// Whether nobody reads it any more.
    is_left: AtomicBool,
}

impl Inbox {
    /// Takes all that a message asks for, or nothing.
    pub fn take_in(&self, triggers: Vec<Trigger>) -> Result<(), Full> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let new = triggers.iter().filter(|one| !waiting.contains(one)).count();
        if waiting.len().saturating_add(new) > WAITING_MAX {
            return Err(Full);
        }
        waiting.extend(triggers);
        Ok(())
    }

    /// Nobody reads it any more.
    pub(crate) fn leave(&self) {
        self.is_left.store(true, Ordering::Relaxed);
    }

    /// Whether a worker reads it, or will.
    #[must_use]
    pub fn is_read(&self) -> bool {
        !self.is_left.load(Ordering::Relaxed)
    }

    /// Gives all of it away.
    pub(crate) fn emptied(&self) -> BTreeSet<Trigger> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(n: usize) -> Trigger {
        let platform = PlatformId::aws_clean_rooms();
        Trigger::Account { platform, account: format!("{n:012}") }
    }

    #[test]
    fn a_million_words_are_as_many_as_their_names_and_too_many_names_are_not_taken() {
        let inbox = Inbox::default();
        for n in 0..1_000_000 {
            assert_eq!(inbox.take_in(vec![of(n % 100)]), Ok(()));
        }
        assert_eq!(inbox.emptied().len(), 100);
        for n in 0..WAITING_MAX {
            assert_eq!(inbox.take_in(vec![of(n)]), Ok(()));
        }
        assert_eq!(inbox.take_in(vec![of(1), of(WAITING_MAX)]), Err(Full));
        assert_eq!(inbox.take_in(vec![of(1)]), Ok(()), "it waits already");
        assert_eq!(inbox.emptied().len(), WAITING_MAX);
        assert_eq!(inbox.take_in(vec![of(WAITING_MAX)]), Ok(()));
    }
}
