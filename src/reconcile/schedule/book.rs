//! Which logs, rooms and slots there are, and which queue each slot waits in. Must not know how long anybody waits, nor why.

use super::hints::Hints;
use super::lanes::{Due, Lanes};
use super::pace::Class;
use super::slot::{Phase, Slot, place};
use mappings::model::CollaborationId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The lane of turns that read a log for its rooms.
pub(super) const LOGS: u16 = 0;

#[derive(Debug)]
pub(super) struct Log {
    pub(super) name: Arc<CollaborationId>,
    pub(super) size: u64,
}

/// Names are kept once; all else is numbers.
#[derive(Debug)]
pub(super) struct Book {
    names: BTreeMap<Arc<CollaborationId>, u32>,
    logs: Vec<Log>,
    /// By log and lane.
    by: BTreeMap<(u32, u16), u32>,
    pub(super) slots: Vec<Slot>,
    free_logs: Vec<u32>,
    free_slots: Vec<u32>,
    pub(super) lanes: Lanes,
    pub(super) hints: Hints,
}

impl Book {
    pub(super) fn new() -> Self {
        Self {
            names: BTreeMap::new(),
            logs: Vec::new(),
            by: BTreeMap::new(),
            slots: Vec::new(),
            free_logs: Vec::new(),
            free_slots: Vec::new(),
            lanes: Lanes::new(),
            hints: Hints::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by.len()
    }

    pub(super) fn named(&self, collaboration: &CollaborationId) -> Option<u32> {
        self.names.get(collaboration).copied()
    }

    pub(super) fn log(&self, log: u32) -> Option<&Log> {
        self.logs.get(place(log))
    }

    /// Takes in that a log has this length; how long it was, if that is another.
    pub(super) fn resize(&mut self, log: u32, size: u64) -> Option<u64> {
        let held = self.logs.get_mut(place(log)).filter(|held| held.size != size)?;
        Some(std::mem::replace(&mut held.size, size))
    }

    pub(super) fn get(&self, slot: u32) -> Option<&Slot> {
        self.slots.get(place(slot))
    }

    pub(super) fn find(&self, log: u32, lane: u16) -> Option<u32> {
        self.by.get(&(log, lane)).copied()
    }

    /// The slots of a log with their lanes.
    pub(super) fn of(&self, log: u32) -> Vec<(u16, u32)> {
        let of = self.by.range((log, LOGS)..=(log, u16::MAX));
        of.map(|((_, lane), slot)| (*lane, *slot)).collect()
    }

    pub(super) fn has_rooms(&self, log: u32) -> bool {
        self.by.range((log, LOGS + 1)..=(log, u16::MAX)).next().is_some()
    }

    /// The slots by which a log is looked at: those of its rooms, or its own as long as none is known.
    pub(super) fn looked_at(&self, log: u32) -> Vec<u32> {
        let has_rooms = self.has_rooms(log);
        let of = self.of(log).into_iter();
        of.filter(|(lane, _)| (*lane == LOGS) != has_rooms).map(|(_, slot)| slot).collect()
    }

    pub(super) fn new_log(&mut self, name: CollaborationId, size: u64) -> u32 {
        let name = Arc::new(name);
        let log = Log { name: Arc::clone(&name), size };
        let at = self.free_logs.pop().unwrap_or_else(|| number(self.logs.len()));
        match self.logs.get_mut(place(at)) {
            Some(held) => *held = log,
            None => self.logs.push(log),
        }
        self.names.insert(name, at);
        at
    }

    pub(super) fn new_slot(&mut self, log: u32, lane: u16) -> u32 {
        let at = self.free_slots.pop().unwrap_or_else(|| number(self.slots.len()));
        match self.slots.get_mut(place(at)) {
            // The stamp goes on, or an entry of whoever had it before would count.
            Some(held) => *held = Slot::of(log, lane, held.stamp.wrapping_add(1)),
            None => self.slots.push(Slot::of(log, lane, 0)),
        }
        self.by.insert((log, lane), at);
        at
    }

    pub(super) fn drop_log(&mut self, collaboration: &CollaborationId) {
        let Some(log) = self.names.remove(collaboration) else { return };
        for (lane, _) in self.of(log) {
            self.drop_slot(log, lane);
        }
        self.free_logs.push(log);
    }

    pub(super) fn drop_slot(&mut self, log: u32, lane: u16) {
        let Some(at) = self.by.remove(&(log, lane)) else { return };
        self.hints.forget(at);
        let Some(slot) = self.slots.get_mut(place(at)) else { return };
        match slot.phase {
            Phase::Running | Phase::Again => {
                slot.phase = Phase::Forgotten;
                return;
            }
            Phase::Waiting => self.lanes.left(slot),
            Phase::Parked | Phase::Forgotten | Phase::Free => {}
        }
        slot.phase = Phase::Free;
        self.free_slots.push(at);
    }

    /// Gives a slot that waits to whoever looks; how it was then.
    pub(super) fn give(&mut self, at: u32) -> Option<Slot> {
        let slot = self.slots.get_mut(place(at))?;
        self.lanes.left(slot);
        slot.phase = Phase::Running;
        Some(*slot)
    }

    /// Takes a slot back from whoever looked: how it was left, and whether it was woken meanwhile. `None` when it is gone.
    pub(super) fn take(&mut self, at: u32) -> Option<(Slot, bool)> {
        let slot = self.slots.get_mut(place(at))?;
        let was = std::mem::replace(&mut slot.phase, Phase::Parked);
        match was {
            Phase::Running => Some((*slot, false)),
            Phase::Again => Some((*slot, true)),
            Phase::Forgotten => {
                slot.phase = Phase::Free;
                self.free_slots.push(at);
                None
            }
            Phase::Waiting | Phase::Parked | Phase::Free => {
                slot.phase = was;
                None
            }
        }
    }

    /// Keeps what a look left of a slot.
    pub(super) fn keep(&mut self, at: u32, slot: Slot) {
        if let Some(held) = self.slots.get_mut(place(at)) {
            *held = slot;
        }
    }

    /// Lets a slot wait until then, whatever it did.
    pub(super) fn put(&mut self, at: u32, class: Class, due_ms: i64) {
        let Some(slot) = self.slots.get_mut(place(at)) else { return };
        if slot.phase == Phase::Waiting {
            self.lanes.left(slot);
        }
        slot.stamp = slot.stamp.wrapping_add(1);
        (slot.phase, slot.class, slot.due_ms) = (Phase::Waiting, class, due_ms);
        let (slot, due) = (*slot, Due { at_ms: due_ms, slot: at, stamp: slot.stamp });
        self.lanes.put(&slot, due, &self.slots);
    }

    /// Lets a slot wait in the line of an account.
    pub(super) fn line_up(&mut self, at: u32, account: &str) {
        let Some(slot) = self.slots.get_mut(place(at)) else { return };
        let line = self.lanes.line(slot.lane, account);
        if slot.line == line {
            return;
        }
        let (was, class, due_ms) = (slot.phase, slot.class, slot.due_ms);
        if was == Phase::Waiting {
            self.lanes.left(slot);
            slot.phase = Phase::Parked;
        }
        slot.line = line;
        if was == Phase::Waiting {
            self.put(at, class, due_ms);
        }
    }

    /// Due now or as it was, whichever is first, and as urgent as the more urgent of both.
    pub(super) fn bring(&mut self, at: u32, why: Class, now_ms: i64) {
        let Some(slot) = self.slots.get_mut(place(at)) else { return };
        let now_ms = slot.floor_ms.max(now_ms);
        match slot.phase {
            Phase::Running | Phase::Again => {
                (slot.phase, slot.class) = (Phase::Again, slot.class.min(why));
            }
            Phase::Waiting => {
                let (class, due_ms) = (slot.class.min(why), slot.due_ms.min(now_ms));
                if (class, due_ms) != (slot.class, slot.due_ms) {
                    self.put(at, class, due_ms);
                }
            }
            Phase::Parked => self.put(at, why, now_ms),
            Phase::Forgotten | Phase::Free => {}
        }
    }

    /// Memory for all this, the trees' and the allocator's own part estimated.
    pub(super) fn bytes(&self) -> usize {
        let name = |log: &Log| log.name.as_str().len() + size_of::<CollaborationId>() + 48;
        let names: usize = self.logs.iter().map(name).sum();
        let trees = self.by.len() * size_of::<((u32, u16), u32)>()
            + self.names.len() * size_of::<(Arc<CollaborationId>, u32)>();
        self.slots.capacity() * size_of::<Slot>()
            + self.logs.capacity() * size_of::<Log>()
            + self.lanes.capacity() * size_of::<Due>()
            + self.hints.bytes()
            + names
            + trees * 3 / 2
    }
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
