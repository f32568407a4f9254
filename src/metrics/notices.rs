//! Notices to tenants: how each try ended, and how old the oldest is that was tried and not taken. Whose they are is a number. Must not know what a
//! notice says, nor how it is sent.

use prometheus::{Gauge, IntCounterVec, Opts, Registry};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The same.
#[derive(Debug)]
pub(super) struct Notices {
    pub(super) all: IntCounterVec,
    age_s: Gauge,
    /// When what each receiver did not take was put on record.
    waiting_ms: Mutex<BTreeMap<usize, i64>>,
}

impl Notices {
    pub(super) fn in_(registry: &Registry) -> Result<Self, prometheus::Error> {
        let all = IntCounterVec::new(
            Opts::new(
                "airlock_notices_total",
                "Notices to tenants: delivered, not taken and tried again (retried), or given up after a day.",
            ),
            &["event", "outcome"],
        )?;
        registry.register(Box::new(all.clone()))?;
        let age_s = Gauge::new(
            "airlock_notice_age_seconds",
            "Age of the oldest notice that was tried and that its receiver did not take; 0 where there is none.",
        )?;
        registry.register(Box::new(age_s.clone()))?;
        Ok(Self { all, age_s, waiting_ms: Mutex::default() })
    }

    pub(super) fn told(&self, event: &'static str, outcome: &'static str) {
        self.all.with_label_values(&[event, outcome]).inc();
    }

    /// What a receiver waits for since then; nothing where it was told everything.
    pub(super) fn waits(&self, of: usize, since_ms: Option<i64>) {
        let mut all = self.waiting_ms.lock().unwrap_or_else(PoisonError::into_inner);
        match since_ms {
            Some(since_ms) => drop(all.insert(of, since_ms)),
            None => drop(all.remove(&of)),
        }
    }

    /// As old as it is now.
    pub(super) fn aged(&self, now_ms: i64) {
        let all = self.waiting_ms.lock().unwrap_or_else(PoisonError::into_inner);
        let age_ms = all.values().min().map_or(0, |at| now_ms.saturating_sub(*at).max(0));
        self.age_s.set(Duration::from_millis(age_ms.unsigned_abs()).as_secs_f64());
    }
}
