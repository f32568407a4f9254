//! One state of the world in 68 bits, and its canonical form: neither platforms nor workers have names. Must not know rules
//! nor what may happen.

/// The most platforms there are.
pub const PLACES: usize = 3;
/// Nobody has the newest token.
pub const NOBODY: u8 = 2;

/// One platform, and what the log says of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    /// Whether access is really open.
    pub open: bool,
    /// A call that takes away is under way.
    pub taking: bool,
    /// By worker: a call that gives is under way.
    pub giving: u8,
    /// By worker: an intent to give whose end is not on record.
    pub intents: u8,
    /// By withdrawal: seen closed, on record.
    pub confirmed: u8,
}

/// Where a worker is in its pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Phase {
    /// Between passes; also: dead.
    #[default]
    Idle,
    /// Has read the log.
    Loaded,
    /// Has looked.
    Looked,
    /// Its intent to give is on record.
    Intended,
    /// Its call is made, and not answered.
    Sent,
    /// Answered.
    Answered,
}

impl Phase {
    const ALL: [Self; 6] =
        [Self::Idle, Self::Loaded, Self::Looked, Self::Intended, Self::Sent, Self::Answered];
}

/// One worker. All of it is gone after a crash.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one bit of a state, and each is asked for by name"
)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Worker {
    /// It believes that it has the lease.
    pub leased: bool,
    /// Where it is in its pass.
    pub phase: Phase,
    /// On which platform.
    pub place: u8,
    /// Nothing was decided since it read the log.
    pub current: bool,
    /// Whether the platform should be open, by what it read.
    pub wants: bool,
    /// Withdrawals not seen closed there, by what it read.
    pub awaits: u8,
    /// Whether an intent to give there was of unknown end, by what it read.
    pub late: bool,
    /// Whether it saw the platform open.
    pub saw: bool,
    /// Withdrawals that an earlier look showed closed.
    pub once: u8,
    /// Whether the platform changed since that look, or since a newer one that showed it closed.
    pub moved: bool,
}

impl Worker {
    /// Whether it is about any platform.
    #[must_use]
    pub fn is_placed(&self) -> bool {
        self.phase != Phase::Idle || self.once != 0
    }

    fn settle(&mut self, holds: bool) {
        let works = matches!(self.phase, Phase::Loaded | Phase::Looked);
        // A pass that began under a lease may still write under it; another one asks first.
        self.leased &= holds || works;
        self.current &= self.leased;
        self.moved &= self.once != 0 || self.has_seen_closed();
        if self.phase == Phase::Looked {
            // What was seen open proves nothing, what was seen closed is not taken away.
            self.wants &= self.saw;
            self.awaits = if self.saw { 0 } else { self.awaits };
            self.current &= !self.saw;
        }
        self.late &= self.awaits != 0;
    }

    /// Whether its newest look, which nothing was concluded from yet, showed the platform closed.
    #[must_use]
    pub fn has_seen_closed(&self) -> bool {
        self.phase == Phase::Looked && !self.saw
    }

    /// Ends the pass, and keeps what a worker remembers between two.
    pub fn end(&mut self) {
        let kept = Self { leased: self.leased, ..Self::default() };
        *self = if self.once == 0 {
            kept
        } else {
            Self { place: self.place, once: self.once, moved: self.moved, ..kept }
        };
    }

    /// Goes on with nothing but a call to make or to wait for.
    pub fn calls(&mut self, phase: Phase) {
        let mut kept = *self;
        kept.end();
        *self = Self { phase, place: self.place, ..kept };
    }
}

/// Everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct World {
    /// The platforms; those beyond the bound stay as they are.
    pub places: [Place; PLACES],
    /// The workers.
    pub workers: [Worker; 2],
    /// Withdrawals that were not seen closed everywhere. However many were before, nothing depends on them any more.
    pub open: u8,
    /// Whether the newest withdrawal, if there was any, was followed by a new grant.
    pub stands: bool,
    /// Which worker has the newest token.
    pub newest: u8,
}

impl World {
    /// Agreed, and nothing given yet.
    #[must_use]
    pub fn first() -> Self {
        Self {
            places: [Place::default(); PLACES],
            workers: [Worker::default(); 2],
            open: 0,
            stands: true,
            newest: NOBODY,
        }
    }

    /// Withdrawals that are not seen closed on a platform.
    #[must_use]
    pub const fn awaited(&self, place: &Place) -> u8 {
        ((1 << self.open) - 1) & !place.confirmed
    }

    /// Forgets the withdrawals that were seen closed on every platform, and what nothing depends on any more.
    pub fn settle(&mut self, platforms: usize) {
        let used = self.places.iter().take(platforms);
        let mut done = used.fold((1 << self.open) - 1, |all, place| all & place.confirmed);
        while done != 0 {
            let at = done.ilog2();
            let without = |bits: &mut u8| {
                let low = (1 << at) - 1;
                *bits = *bits & low | *bits >> 1 & !low;
            };
            self.places.iter_mut().for_each(|place| without(&mut place.confirmed));
            for worker in &mut self.workers {
                without(&mut worker.awaits);
                without(&mut worker.once);
            }
            self.open -= 1;
            done &= !(1 << at);
        }
        for (by, worker) in self.workers.iter_mut().enumerate() {
            worker.settle(usize::from(self.newest) == by);
        }
    }

    /// One word for this state and for all that differ from it only in who is called what.
    #[must_use]
    pub fn canonical(&self, platforms: usize) -> u128 {
        self.packed(platforms, false).min(self.packed(platforms, true))
    }

    fn packed(&self, platforms: usize, swapped: bool) -> u128 {
        let mut word = Word::default();
        let names = if swapped { [1, 0] } else { [0, 1] };
        let newest = if swapped && self.newest < NOBODY { 1 - self.newest } else { self.newest };
        word.put(u32::from(self.open), 2);
        word.bit(self.stands);
        word.put(u32::from(newest), 2);
        for name in names {
            self.workers[name].put(&mut word);
        }
        let mut keys = [0_u32; PLACES];
        for (at, key) in keys.iter_mut().enumerate().take(platforms) {
            *key = self.key(at, names, swapped);
        }
        if let Some(used) = keys.get_mut(..platforms) {
            used.sort_unstable();
        }
        for key in keys {
            word.put(key, 11);
        }
        word.0
    }

    /// A platform with the workers that are at it.
    fn key(&self, at: usize, names: [usize; 2], swapped: bool) -> u32 {
        let place = &self.places[at];
        let by = |bits: u8| u32::from(if swapped { (bits & 1) << 1 | bits >> 1 } else { bits });
        let here = |name: usize| {
            let worker = &self.workers[name];
            u32::from(worker.is_placed() && usize::from(worker.place) == at)
        };
        let mut key = u32::from(place.open) << 1 | u32::from(place.taking);
        key = key << 2 | by(place.giving);
        key = key << 2 | by(place.intents);
        key = key << 3 | u32::from(place.confirmed);
        key << 2 | here(names[0]) << 1 | here(names[1])
    }

    /// A state that a word stands for.
    #[must_use]
    pub fn unpacked(packed: u128) -> Self {
        let mut bits = Word(packed);
        let mut world = Self::first();
        for (at, place) in world.places.iter_mut().enumerate().rev() {
            for worker in world.workers.iter_mut().rev() {
                if bits.take_bit() {
                    worker.place = u8::try_from(at).unwrap_or_default();
                }
            }
            place.confirmed = bits.take(3);
            place.intents = bits.take(2);
            place.giving = bits.take(2);
            place.taking = bits.take_bit();
            place.open = bits.take_bit();
        }
        world.workers.iter_mut().rev().for_each(|worker| worker.take(&mut bits));
        world.newest = bits.take(2);
        world.stands = bits.take_bit();
        world.open = bits.take(2);
        world
    }
}

impl Worker {
    fn put(&self, word: &mut Word) {
        word.bit(self.leased);
        word.put(self.phase as u32, 3);
        word.bit(self.current);
        word.bit(self.wants);
        word.put(u32::from(self.awaits), 3);
        word.bit(self.late);
        word.bit(self.saw);
        word.put(u32::from(self.once), 3);
        word.bit(self.moved);
    }

    fn take(&mut self, word: &mut Word) {
        self.moved = word.take_bit();
        self.once = word.take(3);
        self.saw = word.take_bit();
        self.late = word.take_bit();
        self.awaits = word.take(3);
        self.wants = word.take_bit();
        self.current = word.take_bit();
        self.phase = Phase::ALL.get(usize::from(word.take(3))).copied().unwrap_or_default();
        self.leased = word.take_bit();
    }
}

/// Bits, first in and last out.
#[derive(Default)]
struct Word(u128);

impl Word {
    fn put(&mut self, value: u32, bits: u32) {
        self.0 = self.0 << bits | u128::from(value);
    }

    fn bit(&mut self, value: bool) {
        self.put(u32::from(value), 1);
    }

    fn take(&mut self, bits: u32) -> u8 {
        let value = self.0 & ((1 << bits) - 1);
        self.0 >>= bits;
        u8::try_from(value).unwrap_or_default()
    }

    fn take_bit(&mut self) -> bool {
        self.take(1) == 1
    }
}
