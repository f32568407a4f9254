//! What is remembered of one room of one collaboration. Must not know names.

use super::pace::Class;

/// What a slot is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Due at some time.
    Waiting,
    /// Given out.
    Running,
    /// Given out, and woken meanwhile: due at once when that look ends.
    Again,
    /// Given out, and gone when that look ends.
    Forgotten,
    /// Not due at any time.
    Parked,
    /// Nobody's.
    Free,
}

/// There are three of these a collaboration and room and log, tens of thousands in all: 40 bytes each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) log: u32,
    pub(super) lane: u16,
    /// Whose calls it costs there.
    pub(super) line: u16,
    /// Which of its entries in a queue counts: the newest.
    pub(super) stamp: u32,
    pub(super) class: Class,
    pub(super) phase: Phase,
    /// Looks in a row that changed nothing.
    pub(super) calm: u8,
    /// Looks in a row that failed.
    pub(super) failures: u8,
    pub(super) due_ms: i64,
    /// The platform asked for no call before this.
    pub(super) floor_ms: i64,
    /// How far its log was taken in.
    pub(super) known: u64,
}

impl Slot {
    pub(super) const fn of(log: u32, lane: u16, stamp: u32) -> Self {
        Self {
            log,
            lane,
            line: 0,
            stamp,
            class: Class::Idle,
            phase: Phase::Parked,
            calm: 0,
            failures: 0,
            due_ms: i64::MAX,
            floor_ms: i64::MIN,
            known: 0,
        }
    }

    pub(super) const fn waits_by(&self, stamp: u32) -> bool {
        matches!(self.phase, Phase::Waiting) && self.stamp == stamp
    }
}

/// Where a numbered thing is in its list.
pub(super) fn place(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
