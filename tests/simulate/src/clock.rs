//! Clocks: the world's true time, and each worker's idea of it, which may be off, step and drift.

use airlock::clock::Clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// When worlds begin.
pub(crate) const EPOCH: i64 = 1_700_000_000_000;

/// The true time, in milliseconds since the world began.
#[derive(Debug, Clone, Default)]
pub(crate) struct TrueTime(Arc<AtomicI64>);

impl TrueTime {
    pub(crate) fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, now_ms: i64) {
        self.0.store(now_ms, Ordering::Relaxed);
    }
}

/// A worker's clock.
#[derive(Debug)]
pub(crate) struct SimClock {
    time: TrueTime,
    skew_ms: AtomicI64,
    /// Parts in a million that it runs too fast, since a moment.
    drift_ppm: AtomicI64,
    drift_from: AtomicI64,
}

impl SimClock {
    pub(crate) fn new(time: TrueTime, skew_ms: i64) -> Self {
        let (drift_ppm, drift_from) = (AtomicI64::new(0), AtomicI64::new(0));
        Self { time, skew_ms: AtomicI64::new(skew_ms), drift_ppm, drift_from }
    }

    fn drifted(&self) -> i64 {
        let since = self.time.get() - self.drift_from.load(Ordering::Relaxed);
        since.saturating_mul(self.drift_ppm.load(Ordering::Relaxed)) / 1_000_000
    }

    pub(crate) fn step(&self, by_ms: i64) {
        self.skew_ms.fetch_add(by_ms, Ordering::Relaxed);
    }

    pub(crate) fn drift(&self, ppm: i64) {
        self.step(self.drifted());
        self.drift_from.store(self.time.get(), Ordering::Relaxed);
        self.drift_ppm.store(ppm, Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn now_ms(&self) -> i64 {
        EPOCH + self.time.get() + self.skew_ms.load(Ordering::Relaxed) + self.drifted()
    }

    /// A steady clock may be slewed a little, and is not set.
    fn steady_ms(&self) -> i64 {
        77_000 + self.time.get() + self.drifted() / 200
    }
}
