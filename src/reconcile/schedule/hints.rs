//! Looks that somebody outside asked for, on a word that nobody believes: each is a look made earlier, of rooms that are neither urgent nor
//! failing, once in a while each. What was planned before stays planned. Must not know who asked.

use super::Schedule;
use super::book::Book;
use super::slot::{Phase, Slot};
use mappings::model::{CollaborationId, PlatformId};
use std::collections::BTreeMap;

/// So long after one such look at a room ended there is no other.
pub(super) const APART_MS: i64 = 10_000;

/// What such words made of one slot.
#[derive(Debug, Clone, Copy)]
struct Hint {
    /// When it would be looked at without them, as long as it waits for an earlier look.
    planned_ms: Option<i64>,
    /// No look on such a word before.
    next_ms: i64,
    /// Whether somebody asked while it was looked at: that look may have come too early.
    again: bool,
}

/// By slot: never more than there are rooms, however many words there were.
#[derive(Debug, Default)]
pub(super) struct Hints(BTreeMap<u32, Hint>);

impl Hints {
    /// The slot is somebody else's from now on.
    pub(super) fn forget(&mut self, slot: u32) {
        self.0.remove(&slot);
    }

    /// A look is over: for when one was planned that it did not replace, and whether another is asked for.
    pub(super) fn looked(&mut self, slot: u32, now_ms: i64) -> (Option<i64>, bool) {
        let Some(hint) = self.0.get_mut(&slot) else { return (None, false) };
        let planned_ms = hint.planned_ms.take();
        if planned_ms.is_some() {
            hint.next_ms = now_ms.saturating_add(APART_MS);
        }
        (planned_ms.filter(|planned_ms| *planned_ms > now_ms), std::mem::take(&mut hint.again))
    }

    pub(super) fn bytes(&self) -> usize {
        self.0.len() * size_of::<(u32, Hint)>() * 3 / 2
    }
}

impl Book {
    /// Due now, or once it may be on such a word, unless it is due before. What it is looked at for stays as it is.
    pub(super) fn hint(&mut self, at: u32, now_ms: i64) {
        let Some(&Slot { phase, class, failures, due_ms, floor_ms, .. }) = self.get(at) else {
            return;
        };
        let none = Hint { planned_ms: None, next_ms: i64::MIN, again: false };
        match phase {
            Phase::Running | Phase::Again => self.hints.0.entry(at).or_insert(none).again = true,
            // What is urgent or fails has a pace that no word from outside changes.
            Phase::Waiting if !class.is_urgent() && failures == 0 => {
                let hint = self.hints.0.entry(at).or_insert(none);
                let sooner_ms = now_ms.max(hint.next_ms).max(floor_ms);
                if sooner_ms < due_ms {
                    hint.planned_ms.get_or_insert(due_ms);
                    self.put(at, class, sooner_ms);
                }
            }
            Phase::Waiting | Phase::Parked | Phase::Forgotten | Phase::Free => {}
        }
    }
}

impl Schedule {
    /// Somebody outside says that something changed in a room, or in all of a collaboration's. It is looked at now if it was not
    /// on such a word a moment ago, and as planned as well: nothing is looked at later, nor for anything else, than without this.
    pub fn hint(
        &mut self,
        collaboration: &CollaborationId,
        room: Option<&PlatformId>,
        now_ms: i64,
    ) {
        let now_ms = self.steady.at(now_ms);
        let Some(log) = self.book.named(collaboration) else { return };
        let Some(room) = room else {
            for slot in self.book.looked_at(log) {
                self.book.hint(slot, now_ms);
            }
            return;
        };
        let lane = self.book.lanes.found(room);
        if let Some(slot) = lane.and_then(|lane| self.book.find(log, lane)) {
            self.book.hint(slot, now_ms);
        }
    }
}
