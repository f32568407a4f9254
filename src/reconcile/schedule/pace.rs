//! How urgent a room is, how long until its next look, and the chance in it. Must not know who waits for what.

/// What a room is to be looked at for. The order is the priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Something withdrawn is not seen closed.
    Closing,
    /// More is open than the log grants.
    Loosened,
    /// Something granted is not there yet.
    Opening,
    /// Settled, and something is granted there.
    Exposed,
    /// Nothing is granted there.
    Idle,
}

impl Class {
    /// Every class, the most urgent first.
    pub const ALL: [Self; 5] =
        [Self::Closing, Self::Loosened, Self::Opening, Self::Exposed, Self::Idle];

    /// Whether it goes before all that is not, and may use what is reserved.
    #[must_use]
    pub const fn is_urgent(self) -> bool {
        matches!(self, Self::Closing | Self::Loosened)
    }
}

/// From the first wait between two looks to the longest, while nothing changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// After a look that found a change.
    pub base_ms: i64,
    /// However many looks found none.
    pub max_ms: i64,
}

/// How often rooms are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Of [`Class::Closing`].
    pub closing: Interval,
    /// Of [`Class::Loosened`].
    pub loosened: Interval,
    /// Of [`Class::Opening`].
    pub opening: Interval,
    /// Of [`Class::Exposed`].
    pub exposed: Interval,
    /// Of [`Class::Idle`].
    pub idle: Interval,
    /// The longest wait of a room that fails.
    pub failing_max_ms: i64,
    /// The same while something there is to be closed.
    pub failing_closing_max_ms: i64,
}

impl Default for Pace {
    fn default() -> Self {
        let between = |base_ms, max_ms| Interval { base_ms, max_ms };
        Self {
            closing: between(1_000, 30_000),
            loosened: between(1_000, 30_000),
            opening: between(2_000, 60_000),
            exposed: between(60_000, 600_000),
            idle: between(3_600_000, 21_600_000),
            failing_max_ms: 300_000,
            failing_closing_max_ms: 30_000,
        }
    }
}

/// Waits double this often at most.
const DOUBLINGS_MAX: u8 = 6;

impl Pace {
    /// The same with another first wait of what is settled and granted.
    #[must_use]
    pub fn every(mut self, every_ms: i64) -> Self {
        self.exposed.base_ms = every_ms.max(1);
        self.exposed.max_ms = self.exposed.max_ms.max(self.exposed.base_ms);
        self
    }

    /// The waits of a class.
    #[must_use]
    pub const fn of(&self, class: Class) -> Interval {
        match class {
            Class::Closing => self.closing,
            Class::Loosened => self.loosened,
            Class::Opening => self.opening,
            Class::Exposed => self.exposed,
            Class::Idle => self.idle,
        }
    }

    /// Until the next look after so many that changed nothing: a fifth less or more, as the draw has it.
    pub(super) fn interval_ms(&self, class: Class, calm: u8, draw: u64) -> i64 {
        let Interval { base_ms, max_ms } = self.of(class);
        let calm_ms = doubled(base_ms.max(1), calm.min(DOUBLINGS_MAX)).min(max_ms.max(1));
        (calm_ms - calm_ms / 5).saturating_add(below(draw, calm_ms / 5 * 2))
    }

    /// Until the next try after so many failures in a row: anything up to twice the time each time.
    pub(super) fn retry_ms(&self, class: Class, failures: u8, draw: u64) -> i64 {
        let max_ms = match class {
            Class::Closing => self.failing_closing_max_ms.min(self.failing_max_ms),
            Class::Loosened | Class::Opening | Class::Exposed | Class::Idle => self.failing_max_ms,
        };
        below(draw, doubled(self.of(class).base_ms.max(1), failures).min(max_ms.max(1)))
    }

    /// Until the first look at a room, so that a start asks no platform for everything at once.
    pub(super) fn first_ms(&self, class: Class, draw: u64) -> i64 {
        if class.is_urgent() {
            return 0;
        }
        below(draw, self.of(class).base_ms.min(self.exposed.base_ms).max(1))
    }

    /// By how much one that is due may be overtaken by what is more urgent: who waits long enough goes before everybody.
    pub(super) fn patience_ms(&self, class: Class) -> i64 {
        match class {
            Class::Closing => 0,
            Class::Loosened | Class::Opening | Class::Exposed | Class::Idle => {
                self.of(class).base_ms
            }
        }
    }
}

fn doubled(ms: i64, times: u8) -> i64 {
    ms.saturating_mul(1_i64.checked_shl(u32::from(times.min(62))).unwrap_or(i64::MAX))
}

/// Anything from nothing to `most`, both included.
pub(super) fn below(draw: u64, most: i64) -> i64 {
    let width = u64::try_from(most).unwrap_or_default().saturating_add(1);
    i64::try_from(draw % width).unwrap_or_default()
}

/// What chance says to a slot at its so manieth time: the same for the same seed (splitmix64).
pub(super) fn draw(seed: u64, slot: u32, stamp: u32) -> u64 {
    mixed(seed ^ mixed((u64::from(slot) << 32) | u64::from(stamp)))
}

fn mixed(from: u64) -> u64 {
    let mut z = from.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
