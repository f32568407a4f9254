//! Keys that are asked for over the network: how often, and how old they are. Whose they are is a number, by the order of the settings. Must not know
//! how they are asked for.

use prometheus::{GaugeVec, IntCounterVec, Opts, Registry};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// The same.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) asked: IntCounterVec,
    pub(super) age_s: GaugeVec,
    /// When they were read last, or first looked for.
    since: Mutex<BTreeMap<String, Instant>>,
}

impl Keys {
    pub(super) fn in_(registry: &Registry) -> Result<Self, prometheus::Error> {
        let asked = IntCounterVec::new(
            Opts::new("airlock_keys_asked_total", "Times that keys at a URL were asked for."),
            &["of", "outcome"],
        )?;
        registry.register(Box::new(asked.clone()))?;
        let age_s = GaugeVec::new(
            Opts::new(
                "airlock_keys_age_seconds",
                "Time since keys at a URL were read, or looked for where they never were.",
            ),
            &["of"],
        )?;
        registry.register(Box::new(age_s.clone()))?;
        Ok(Self { asked, age_s, since: Mutex::default() })
    }

    pub(super) fn told(&self, of: &str, outcome: &'static str) {
        let is_followed = outcome == "followed";
        if !is_followed {
            self.asked.with_label_values(&[of, outcome]).inc();
        }
        if is_followed || outcome == "read" {
            let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
            since.insert(of.to_owned(), Instant::now());
        }
    }

    /// As old as they are now.
    pub(super) fn aged(&self) {
        for (of, since) in &*self.since.lock().unwrap_or_else(PoisonError::into_inner) {
            self.age_s.with_label_values(&[of.as_str()]).set(since.elapsed().as_secs_f64());
        }
    }
}
