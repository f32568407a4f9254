//! Which logs are kept in mind between calls, and how many of them folded: those that were asked for lately; whichever came first makes
//! room. Must not know what is in a log.

use super::AgreementLog;
use super::known::Known;
use mappings::model::CollaborationId;
use std::collections::{BTreeSet, VecDeque};
use std::ops::Bound;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

/// Logs that are kept in mind between calls, unless somebody works on more of them …
pub(super) const KNOWN_MIN: usize = 512;
/// … than so many: one of two members takes about 26 KiB, and 5 KiB once it is laid by.
const KNOWN_MAX: usize = 16_384;
/// Of those that might make room for another, so many are asked.
const ASKED_MAX: usize = 16;
/// So many logs of two members take about 110 MiB folded; the others their leaves alone.
const FOLDED_MAX: usize = 4_608;

/// Names in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Lately {
    order: VecDeque<CollaborationId>,
    names: BTreeSet<CollaborationId>,
}

impl Lately {
    /// Takes one in. Whichever has to make room for it.
    pub(super) fn ask(&mut self, name: &CollaborationId) -> Option<CollaborationId> {
        self.ask_of(name, FOLDED_MAX)
    }

    fn ask_of(&mut self, name: &CollaborationId, max: usize) -> Option<CollaborationId> {
        if self.names.contains(name) {
            return None;
        }
        self.names.insert(name.clone());
        self.order.push_back(name.clone());
        let first = (self.order.len() > max).then(|| self.order.pop_front()).flatten()?;
        self.names.remove(&first);
        Some(first)
    }
}

impl AgreementLog {
    /// Keeps so many logs in mind, for whoever works on them all: what is in mind can be closed while the store is away.
    pub fn keep(&self, logs: usize) {
        let more = logs.saturating_add(logs / 8);
        self.known_max.store(more.clamp(KNOWN_MIN, KNOWN_MAX), Ordering::Relaxed);
    }

    /// How long a log is as far as this process knows, without a look at the store; 0 where somebody has it in hand.
    #[must_use]
    pub fn known_size(&self, collaboration: &CollaborationId) -> u64 {
        let all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.get(collaboration).and_then(|known| known.try_lock().ok());
        known.map_or(0, |known| known.size())
    }

    /// Keeps a log in mind in as little room as that takes: whoever asks for it next folds it again. One that somebody has in hand,
    /// that is long, or of which something is still to be closed, stays as it is.
    pub fn lay_by(&self, collaboration: &CollaborationId) {
        let known = {
            let all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            all.get(collaboration).cloned()
        };
        if let Some(mut known) = known.as_ref().and_then(|known| known.try_lock().ok()) {
            known.lay_by();
        }
    }

    /// Forgets what this process knows of a log: it is read again.
    pub fn forget(&self, collaboration: &CollaborationId) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(collaboration);
    }

    pub(super) fn known(&self, collaboration: &CollaborationId) -> Arc<tokio::sync::Mutex<Known>> {
        let mut lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        let makes_room = lately.ask(collaboration);
        drop(lately);
        if let Some(makes_room) = makes_room {
            self.lay_by(&makes_room);
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let own = Arc::clone(known.entry(collaboration.clone()).or_default());
        let max = self.known_max.load(Ordering::Relaxed);
        while known.len() > max {
            let after = known.range((Bound::Excluded(collaboration), Bound::Unbounded));
            let others = after.chain(known.range(..collaboration)).take(ASKED_MAX);
            let mut idle = others.filter(|(name, known)| self.may_forget(name, known));
            let Some(name) = idle.next().map(|(name, _)| name.clone()) else { break };
            known.remove(&name);
        }
        own
    }

    /// The pins hold the store to what was seen of a log that is read again. Whoever has one in hand keeps it; and one of which something
    /// is still to be closed is closed from here should the store go away.
    fn may_forget(&self, name: &CollaborationId, known: &Arc<tokio::sync::Mutex<Known>>) -> bool {
        Arc::strong_count(known) == 1
            && known.try_lock().is_ok_and(|known| !known.waits())
            && self.reserve.pending(name).is_ok_and(|pending| pending.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whichever_came_first_makes_room_for_one_that_is_new() {
        let name = |text: &str| CollaborationId::new(text).unwrap();
        let (mut lately, names) = (Lately::default(), ["one", "two", "one", "three", "two", "one"]);
        let gone = names.map(|text| lately.ask_of(&name(text), 2).map(|gone| gone.to_string()));
        let gone: Vec<Option<&str>> = gone.iter().map(Option::as_deref).collect();
        assert_eq!(gone, [None, None, None, Some("one"), None, Some("two")]);
    }
}
