//! Who waits for which platform, and how many turns each has at a time. Must not know collaborations or intervals.

use super::pace::{Class, Pace};
use super::slot::{Slot, place};
use mappings::model::PlatformId;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// So many failures in a row, of whichever collaborations, and a platform counts as away.
const AWAY_MIN: u32 = 8;
/// A platform that is away gets one of so many turns: enough to notice that it is back.
const AWAY_SHARE: usize = 8;
/// A platform comes back this often at most; else those who always fail there would be tried after every success of others.
const BACK_EVERY_MS: i64 = 30_000;
/// Entries that nobody waits by any more are swept out once they are this many more than the others.
const STALE_MAX: usize = 64;

/// How many turns there are at a time, at least one of each kind. Of each, more than there are platforms, or one that is silent
/// could keep another waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots {
    /// For whatever is due; for what is urgent as far as each platform keeps one for its looks.
    pub ordinary: usize,
    /// For what is urgent only.
    pub reserved: usize,
}

/// What a turn is, and takes its place from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pool {
    /// Urgent, on a reserved place.
    Reserved,
    /// Urgent, on an ordinary place.
    Overflow,
    /// Not urgent.
    Ordinary,
}

/// A moment at which a slot is due, as long as its stamp is still this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Due {
    pub(super) at_ms: i64,
    pub(super) slot: u32,
    pub(super) stamp: u32,
}

/// Who waits for one platform in one class.
#[derive(Debug, Default)]
struct Queue {
    heap: BinaryHeap<Reverse<Due>>,
    /// Entries that somebody waits by.
    live: usize,
}

impl Queue {
    fn put(&mut self, due: Due, slots: &[Slot]) {
        self.heap.push(Reverse(due));
        self.live += 1;
        if self.heap.len() > self.live * 2 + STALE_MAX {
            self.heap.retain(|Reverse(due)| stands(due, slots));
        }
    }

    fn top(&mut self, slots: &[Slot]) -> Option<Due> {
        while let Some(Reverse(due)) = self.heap.peek() {
            if stands(due, slots) {
                return Some(*due);
            }
            self.heap.pop();
        }
        None
    }
}

fn stands(due: &Due, slots: &[Slot]) -> bool {
    slots.get(place(due.slot)).is_some_and(|slot| slot.waits_by(due.stamp))
}

/// The turns that a platform has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Held {
    reserved: usize,
    overflow: usize,
    ordinary: usize,
}

impl Held {
    fn of(&mut self, pool: Pool) -> &mut usize {
        match pool {
            Pool::Reserved => &mut self.reserved,
            Pool::Overflow => &mut self.overflow,
            Pool::Ordinary => &mut self.ordinary,
        }
    }
}

/// Who waits for the calls of one account.
#[derive(Debug)]
struct Line {
    account: String,
    queues: [Queue; Class::ALL.len()],
    /// There are no calls for what is not urgent before this.
    until_ms: i64,
}

impl Line {
    fn of(account: &str) -> Self {
        let (account, queues) = (account.to_owned(), Default::default());
        Self { account, queues, until_ms: i64::MIN }
    }

    fn queue(&mut self, class: Class) -> &mut Queue {
        let [closing, loosened, opening, exposed, idle] = &mut self.queues;
        match class {
            Class::Closing => closing,
            Class::Loosened => loosened,
            Class::Opening => opening,
            Class::Exposed => exposed,
            Class::Idle => idle,
        }
    }

    /// Since when the first of a class is due, if it may have a turn at that time.
    fn first(&mut self, class: Class, now_ms: i64, all: &[Slot]) -> Option<Due> {
        if !class.is_urgent() && self.until_ms > now_ms {
            return None;
        }
        self.queue(class).top(all).filter(|due| due.at_ms <= now_ms)
    }

    fn next_ms(&mut self, all: &[Slot]) -> Option<i64> {
        let until_ms = self.until_ms;
        let next = Class::ALL.into_iter().filter_map(|class| {
            let due = self.queue(class).top(all)?;
            Some(if class.is_urgent() { due.at_ms } else { due.at_ms.max(until_ms) })
        });
        next.min()
    }
}

/// One platform; the first lane is the logs' own, for collaborations whose rooms are not known.
#[derive(Debug)]
struct Lane {
    room: Option<PlatformId>,
    /// The first is of accounts that nobody named.
    lines: Vec<Line>,
    held: Held,
    failures: u32,
    back_ms: Option<i64>,
}

impl Lane {
    fn of(room: Option<PlatformId>) -> Self {
        Self { room, lines: vec![Line::of("")], held: Held::default(), failures: 0, back_ms: None }
    }

    /// Whether it may come to want a turn: logs may always.
    fn is_live(&self) -> bool {
        let queues = || self.lines.iter().flat_map(|line| line.queues.iter());
        let waits = || queues().any(|queue| queue.live > 0);
        self.room.is_none() || self.held != Held::default() || waits()
    }
}

/// All of them.
#[derive(Debug)]
pub(super) struct Lanes(Vec<Lane>);

impl Lanes {
    pub(super) fn new() -> Self {
        Self(vec![Lane::of(None)])
    }

    /// The lane of a platform, made when it is new.
    pub(super) fn lane(&mut self, room: &PlatformId) -> u16 {
        let found = self.0.iter().position(|lane| lane.room.as_ref() == Some(room));
        let at = found.unwrap_or_else(|| {
            self.0.push(Lane::of(Some(room.clone())));
            self.0.len() - 1
        });
        u16::try_from(at).unwrap_or(u16::MAX)
    }

    pub(super) fn found(&self, room: &PlatformId) -> Option<u16> {
        let at = self.0.iter().position(|lane| lane.room.as_ref() == Some(room))?;
        u16::try_from(at).ok()
    }

    pub(super) fn room(&self, lane: u16) -> Option<PlatformId> {
        self.0.get(usize::from(lane))?.room.clone()
    }

    /// The line of an account on a platform, made when it is new.
    pub(super) fn line(&mut self, lane: u16, account: &str) -> u16 {
        let Some(lane) = self.0.get_mut(usize::from(lane)) else { return 0 };
        let found = lane.lines.iter().position(|line| line.account == account);
        let at = found.unwrap_or_else(|| {
            lane.lines.push(Line::of(account));
            lane.lines.len() - 1
        });
        u16::try_from(at).unwrap_or_default()
    }

    fn line_of(&mut self, slot: &Slot) -> Option<&mut Line> {
        self.0.get_mut(usize::from(slot.lane))?.lines.get_mut(usize::from(slot.line))
    }

    pub(super) fn put(&mut self, slot: &Slot, due: Due, slots: &[Slot]) {
        if let Some(line) = self.line_of(slot) {
            line.queue(slot.class).put(due, slots);
        }
    }

    /// A slot does not wait any more by the entry it has.
    pub(super) fn left(&mut self, slot: &Slot) {
        if let Some(line) = self.line_of(slot) {
            let queue = line.queue(slot.class);
            queue.live = queue.live.saturating_sub(1);
        }
    }

    /// There are no calls for the likes of this slot before then.
    pub(super) fn pause(&mut self, slot: &Slot, until_ms: i64) {
        if let Some(line) = self.line_of(slot) {
            line.until_ms = line.until_ms.max(until_ms);
        }
    }

    /// Who is next of the urgent or of the others, and from where it gets its place.
    pub(super) fn pick(
        &mut self,
        now_ms: i64,
        (slots, urgent): (Slots, bool),
        pace: &Pace,
        all: &[Slot],
    ) -> Option<(Due, Pool)> {
        let mut first: Option<(i64, Class, Due, Pool)> = None;
        for at in 0..self.0.len() {
            let Some(pool) = self.pool(at, slots, urgent) else { continue };
            let lines = self.0.get_mut(at).into_iter().flat_map(|lane| lane.lines.iter_mut());
            for line in lines {
                for class in Class::ALL.into_iter().filter(|class| class.is_urgent() == urgent) {
                    let Some(due) = line.first(class, now_ms, all) else { continue };
                    let last_ms = due.at_ms.saturating_add(pace.patience_ms(class));
                    let one = (last_ms, class, due, pool);
                    if first.is_none_or(|best| one < best) {
                        first = Some(one);
                    }
                }
            }
        }
        first.map(|(_, _, due, pool)| (due, pool))
    }

    /// The pool in which this lane may have one more turn. Half is the most for one of several platforms, an eighth for one that
    /// is away, never all; and each other one that has no turn keeps one. What is urgent leaves every platform one for its
    /// looks, its own too.
    fn pool(&self, at: usize, slots: Slots, urgent: bool) -> Option<Pool> {
        let held = self.0.get(at)?.held;
        let (ordinary, reserved) = (slots.ordinary.max(1), slots.reserved.max(1));
        if !urgent {
            let free = ordinary.saturating_sub(self.taken(|held| held.ordinary + held.overflow));
            let kept = self.without(at, |held| held.ordinary == 0);
            let may = held.ordinary + held.overflow < self.most(at, ordinary) && free > kept;
            return (free > 0 && (held.ordinary == 0 || may)).then_some(Pool::Ordinary);
        }
        let free = reserved.saturating_sub(self.taken(|held| held.reserved));
        let kept = self.without(at, |held| held.reserved == 0);
        let may = held.reserved < self.most(at, reserved) && free > kept;
        if free > 0 && (held.reserved == 0 || may) {
            return Some(Pool::Reserved);
        }
        let free = ordinary.saturating_sub(self.taken(|held| held.ordinary + held.overflow));
        let kept = self.without(at, |held| held.ordinary == 0) + usize::from(held.ordinary == 0);
        let may = held.ordinary + held.overflow < self.most(at, ordinary) && free > kept.max(1);
        may.then_some(Pool::Overflow)
    }

    fn taken(&self, of: impl Fn(&Held) -> usize) -> usize {
        self.0.iter().map(|lane| of(&lane.held)).sum()
    }

    fn others(&self, at: usize) -> impl Iterator<Item = &Lane> {
        let all = self.0.iter().enumerate();
        all.filter(move |(other, lane)| *other != at && lane.is_live()).map(|(_, lane)| lane)
    }

    /// How many others hold nothing of this.
    fn without(&self, at: usize, none: impl Fn(&Held) -> bool) -> usize {
        self.others(at).filter(|lane| none(&lane.held)).count()
    }

    fn most(&self, at: usize, size: usize) -> usize {
        if self.0.get(at).is_some_and(|lane| lane.failures >= AWAY_MIN) {
            (size / AWAY_SHARE).max(1)
        } else if self.others(at).any(|lane| lane.room.is_some()) {
            size.div_ceil(2)
        } else {
            size - 1
        }
    }

    pub(super) fn took(&mut self, lane: u16, pool: Pool) {
        if let Some(lane) = self.0.get_mut(usize::from(lane)) {
            *lane.held.of(pool) += 1;
        }
    }

    pub(super) fn gave(&mut self, lane: u16, pool: Pool) {
        if let Some(lane) = self.0.get_mut(usize::from(lane)) {
            let held = lane.held.of(pool);
            *held = held.saturating_sub(1);
        }
    }

    /// How a look at this platform ended; whether with it the platform has come back.
    pub(super) fn told(&mut self, lane: u16, failed: bool, now_ms: i64) -> bool {
        let Some(lane) = self.0.get_mut(usize::from(lane)) else { return false };
        if failed {
            lane.failures = lane.failures.saturating_add(1);
            return false;
        }
        let was_away = std::mem::take(&mut lane.failures) >= AWAY_MIN;
        let back = was_away
            && lane.back_ms.is_none_or(|back| now_ms.saturating_sub(back) >= BACK_EVERY_MS);
        if back {
            lane.back_ms = Some(now_ms);
        }
        back
    }

    /// Whether this platform has come back since then.
    pub(super) fn is_back_since(&self, lane: u16, then_ms: i64) -> bool {
        let back_ms = self.0.get(usize::from(lane)).and_then(|lane| lane.back_ms);
        back_ms.is_some_and(|back_ms| back_ms > then_ms)
    }

    /// The slots that wait to close something on this platform.
    pub(super) fn urgent(&mut self, lane: u16, slots: &[Slot]) -> Vec<u32> {
        let Some(lane) = self.0.get_mut(usize::from(lane)) else { return Vec::new() };
        let mut waiting = Vec::new();
        for line in &mut lane.lines {
            for class in Class::ALL.into_iter().filter(|class| class.is_urgent()) {
                let standing = line.queue(class).heap.iter().filter(|due| stands(&due.0, slots));
                waiting.extend(standing.map(|due| due.0.slot));
            }
        }
        waiting.sort_unstable();
        waiting
    }

    /// When the first of all is due and there may be calls for it.
    pub(super) fn first_ms(&mut self, slots: &[Slot]) -> Option<i64> {
        let lines = self.0.iter_mut().flat_map(|lane| lane.lines.iter_mut());
        lines.filter_map(|line| line.next_ms(slots)).min()
    }

    /// Entries there is memory for.
    pub(super) fn capacity(&self) -> usize {
        let lines = self.0.iter().flat_map(|lane| lane.lines.iter());
        lines.flat_map(|line| line.queues.iter()).map(|queue| queue.heap.capacity()).sum()
    }
}
