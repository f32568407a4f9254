//! Which room is looked at next. The unit is a turn, one room of one collaboration: at once when its log has grown or somebody
//! says so, else at the pace of its class, less often while nothing changes and while it fails. What is urgent goes first and
//! has turns of its own, and no platform may hold everybody's. Whoever asks tells the time, of any clock: one that steps does
//! no harm. The same questions with the same seed get the same answers.

mod book;
mod hints;
mod lanes;
mod pace;
mod slot;
#[cfg(test)]
mod tests;

pub use lanes::Slots;
pub use pace::{Class, Interval, Pace};

use super::steady::Steady;
use book::{Book, LOGS};
use lanes::Pool;
use mappings::model::{CollaborationId, PlatformId};
use pace::draw;
use slot::{Phase, Slot};
use std::collections::{BTreeMap, BTreeSet};

/// Logs that are new at the same time are first read this far apart, and all of them within [`LOGS_WITHIN_MS`].
const LOGS_APART_MS: usize = 50;
const LOGS_WITHIN_MS: usize = 10_000;
/// A platform that asks for longer is asked again after this long.
const RETRY_AFTER_MAX_MS: u64 = 900_000;

/// One look to make. Whoever gets it gives it to [`Schedule::ended`] or [`Schedule::back`], or the room is never looked at again.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Turn {
    /// Which collaboration.
    pub collaboration: CollaborationId,
    /// In which of its rooms; `None` when its log is to be read for them.
    pub room: Option<PlatformId>,
    /// What it is to be looked at for.
    pub class: Class,
    /// Whether it is given out before all that is not.
    pub urgent: bool,
    slot: u32,
    lane: u16,
    pool: Pool,
    begun_ms: i64,
}

/// How a look ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// What the room is to be looked at for from now on.
    pub class: Class,
    /// Whether the look found or made a change.
    pub changed: bool,
    /// Why it was none.
    pub failed: Option<Failure>,
    /// How far the log was taken in: whatever was appended beyond it makes another look.
    pub size: u64,
}

/// A look that was none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// The platform asked for no call before so many milliseconds.
    pub retry_after_ms: Option<u64>,
}

/// The looks to come.
#[derive(Debug)]
pub struct Schedule {
    pace: Pace,
    seed: u64,
    steady: Steady,
    book: Book,
}

impl Schedule {
    /// A pace, and a seed for the chance in it.
    #[must_use]
    pub fn new(pace: Pace, seed: u64) -> Self {
        Self { pace, seed, steady: Steady::default(), book: Book::new() }
    }

    /// Takes in which logs there are and how long each is. All rooms of one that has grown are due now, and urgent; a new one is
    /// read for its rooms. What is not named stays.
    pub fn heads(&mut self, now_ms: i64, sizes: impl IntoIterator<Item = (CollaborationId, u64)>) {
        let now_ms = self.steady.at(now_ms);
        let mut fresh = BTreeMap::new();
        for (collaboration, size) in sizes {
            match self.book.named(&collaboration) {
                Some(log) => self.headed(log, size, now_ms),
                None => drop(fresh.insert(collaboration, size)),
            }
        }
        let within_ms = LOGS_WITHIN_MS.min(fresh.len() * LOGS_APART_MS);
        let count = fresh.len().max(1);
        for (at, (collaboration, size)) in fresh.into_iter().enumerate() {
            let log = self.book.new_log(collaboration, size);
            let slot = self.book.new_slot(log, LOGS);
            let after_ms = i64::try_from(within_ms * at / count).unwrap_or(i64::MAX);
            self.book.put(slot, Class::Exposed, now_ms.saturating_add(after_ms));
        }
    }

    /// Takes in which rooms a collaboration has, and what each is to be looked at for: what is urgent at once, the others spread
    /// over the first interval. A room that is known stays as it is, unless it has become more urgent; one that is not
    /// named any more is looked at no more.
    pub fn rooms(
        &mut self,
        collaboration: &CollaborationId,
        rooms: impl IntoIterator<Item = (PlatformId, Class)>,
        now_ms: i64,
    ) {
        let now_ms = self.steady.at(now_ms);
        let Some(log) = self.book.named(collaboration) else { return };
        let mut named = BTreeSet::from([LOGS]);
        for (room, class) in rooms {
            let lane = self.book.lanes.lane(&room);
            named.insert(lane);
            if let Some(at) = self.book.find(log, lane) {
                // Whoever looks at it now will say what for.
                let waits = |slot: &Slot| slot.phase == Phase::Waiting && class < slot.class;
                if self.book.get(at).is_some_and(waits) {
                    self.book.bring(at, class, now_ms);
                }
                continue;
            }
            let slot = self.book.new_slot(log, lane);
            let first_ms = self.pace.first_ms(class, self.draw(slot));
            self.book.put(slot, class, now_ms.saturating_add(first_ms));
        }
        for (lane, _) in self.book.of(log) {
            if !named.contains(&lane) {
                self.book.drop_slot(log, lane);
            }
        }
    }

    /// A collaboration that is not looked at from here any more.
    pub fn forget(&mut self, collaboration: &CollaborationId) {
        self.book.drop_log(collaboration);
    }

    /// Somebody says that one room, or all of them, had better be looked at, and what for. It is due now unless the platform
    /// asked for no call yet; nothing is ever looked at later than without this.
    pub fn wake(
        &mut self,
        collaboration: &CollaborationId,
        room: Option<&PlatformId>,
        why: Class,
        now_ms: i64,
    ) {
        let now_ms = self.steady.at(now_ms);
        let Some(log) = self.book.named(collaboration) else { return };
        let Some(room) = room else {
            for slot in self.book.looked_at(log) {
                self.book.bring(slot, why, now_ms);
            }
            return;
        };
        let lane = self.book.lanes.found(room);
        let known = lane.and_then(|lane| self.book.find(log, lane));
        // A room that is not known is found by whoever reads the log.
        if let Some(slot) = known.or_else(|| self.book.find(log, LOGS)) {
            self.book.bring(slot, why, now_ms);
        }
    }

    /// Whoever is due and may have a turn: the urgent first, then who has waited longest, measured by the pace of its class.
    /// So many turns at a time in all; nobody gets a second one before the first is over.
    pub fn due(&mut self, now_ms: i64, slots: Slots) -> Vec<Turn> {
        let now_ms = self.steady.at(now_ms);
        let mut turns = Vec::new();
        for urgent in [true, false] {
            while let Some(turn) = self.pick(now_ms, slots, urgent) {
                turns.push(turn);
            }
        }
        turns
    }

    fn pick(&mut self, now_ms: i64, slots: Slots, urgent: bool) -> Option<Turn> {
        let book = &mut self.book;
        let (due, pool) = book.lanes.pick(now_ms, (slots, urgent), &self.pace, &book.slots)?;
        let Slot { log, lane, class, .. } = book.give(due.slot)?;
        book.lanes.took(lane, pool);
        let collaboration = CollaborationId::clone(&book.log(log)?.name);
        let room = book.lanes.room(lane);
        let (slot, begun_ms) = (due.slot, now_ms);
        Some(Turn { collaboration, room, class, urgent, slot, lane, pool, begun_ms })
    }

    /// How long until somebody is due of those who have no turn, may they get one then or not. `None`: nobody waits.
    pub fn next_ms(&mut self, now_ms: i64) -> Option<u64> {
        let now_ms = self.steady.at(now_ms);
        let first_ms = self.book.lanes.first_ms(&self.book.slots)?;
        Some(u64::try_from(first_ms.saturating_sub(now_ms)).unwrap_or_default())
    }

    /// A look is over.
    #[expect(clippy::needless_pass_by_value, reason = "a turn is over once")]
    pub fn ended(&mut self, turn: Turn, end: End, now_ms: i64) {
        let Turn { slot: at, lane, pool, begun_ms, .. } = turn;
        let now_ms = self.steady.at(now_ms);
        self.book.lanes.gave(lane, pool);
        let Some((mut slot, again)) = self.book.take(at) else { return };
        // What failed of a platform that has come back meanwhile says nothing of it as it is now.
        let is_late = end.failed.is_some() && self.book.lanes.is_back_since(lane, begun_ms);
        let grown = self.book.log(slot.log).is_some_and(|log| end.size < log.size);
        let class = match (grown, again) {
            (true, _) => Class::Closing,
            (false, true) => end.class.min(slot.class),
            (false, false) => end.class,
        };
        // Who says again and again that it has not seen the end of the log is not asked without a pause.
        let at_once = again
            || (is_late && class.is_urgent())
            || (grown && end.failed.is_none() && end.size != slot.known);
        slot.known = end.size;
        let chance = self.draw(at);
        let (planned_ms, hinted) = self.book.hints.looked(at, now_ms);
        let wait_ms = if let Some(Failure { retry_after_ms }) = end.failed {
            slot.failures = slot.failures.saturating_add(1);
            let after_ms = retry_after_ms.unwrap_or_default().min(RETRY_AFTER_MAX_MS);
            slot.floor_ms = now_ms.saturating_add(i64::try_from(after_ms).unwrap_or(i64::MAX));
            self.pace.retry_ms(class, slot.failures, chance)
        } else {
            let is_calm = !end.changed && class == slot.class;
            slot.calm = match (is_calm, planned_ms) {
                (true, None) => slot.calm.saturating_add(1),
                // Calm is told by the looks that were planned.
                (true, Some(_)) => slot.calm,
                (false, _) => 0,
            };
            (slot.failures, slot.floor_ms) = (0, i64::MIN);
            self.pace.interval_ms(class, slot.calm, chance)
        };
        let next_ms = now_ms.saturating_add(if at_once { 0 } else { wait_ms });
        let due_ms = next_ms.min(planned_ms.unwrap_or(i64::MAX)).max(slot.floor_ms);
        self.book.keep(at, slot);
        let is_read = lane == LOGS && end.failed.is_none() && !grown && !again;
        if !(is_read && self.book.has_rooms(slot.log)) {
            self.book.put(at, class, due_ms);
        }
        if hinted {
            self.book.hint(at, now_ms);
        }
        let is_told = lane != LOGS && !is_late;
        if is_told && self.book.lanes.told(lane, end.failed.is_some(), now_ms) {
            self.came_back(lane, now_ms);
        }
    }

    /// A look that could not begin, since no call was to be had for so many milliseconds. What is urgent is due again then. All
    /// else keeps its place, and nobody who would spend the calls of the same account is given out before.
    #[expect(clippy::needless_pass_by_value, reason = "a turn is over once")]
    pub fn back(&mut self, turn: Turn, wait_ms: u64, now_ms: i64) {
        let Turn { slot: at, lane, pool, .. } = turn;
        let now_ms = self.steady.at(now_ms);
        self.book.lanes.gave(lane, pool);
        let Some((slot, _)) = self.book.take(at) else { return };
        let until_ms = now_ms.saturating_add(i64::try_from(wait_ms).unwrap_or(i64::MAX));
        if slot.class.is_urgent() {
            return self.book.put(at, slot.class, until_ms.max(slot.floor_ms));
        }
        self.book.lanes.pause(&slot, until_ms);
        self.book.put(at, slot.class, slot.due_ms);
    }

    /// Whose calls a look at a room costs. Accounts that are not named count as one on each platform.
    pub fn account(&mut self, collaboration: &CollaborationId, room: &PlatformId, account: &str) {
        let lane = self.book.lanes.found(room);
        let log = self.book.named(collaboration);
        if let Some(slot) = log.zip(lane).and_then(|(log, lane)| self.book.find(log, lane)) {
            self.book.line_up(slot, account);
        }
    }

    /// Whether a room is looked at.
    #[must_use]
    pub fn knows(&self, collaboration: &CollaborationId, room: &PlatformId) -> bool {
        let at = self.book.named(collaboration).zip(self.book.lanes.found(room));
        at.is_some_and(|(log, lane)| self.book.find(log, lane).is_some())
    }

    /// How many rooms and logs are looked at.
    #[must_use]
    pub fn len(&self) -> usize {
        self.book.len()
    }

    /// Whether nobody is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Memory for all this, the trees' and the allocator's own part estimated.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.book.bytes()
    }

    /// A log of this length is there.
    fn headed(&mut self, log: u32, size: u64, now_ms: i64) {
        let Some(was) = self.book.resize(log, size) else { return };
        // What is shorter than it was is another log: whoever looks at the older one looks again.
        let is_shorter = size < was;
        for at in self.book.looked_at(log) {
            let Some(slot) = self.book.get(at) else { continue };
            let is_running = matches!(slot.phase, Phase::Running | Phase::Again);
            if slot.known != size && (is_shorter || !is_running) {
                self.book.bring(at, Class::Closing, now_ms);
            }
        }
    }

    /// A platform is back: what waits to be closed there waits no longer.
    fn came_back(&mut self, lane: u16, now_ms: i64) {
        for at in self.book.lanes.urgent(lane, &self.book.slots) {
            if let Some(slot) = self.book.get(at).filter(|slot| slot.failures > 0) {
                self.book.bring(at, slot.class, now_ms);
            }
        }
    }

    fn draw(&self, slot: u32) -> u64 {
        draw(self.seed, slot, self.book.get(slot).map_or(0, |slot| slot.stamp))
    }
}
