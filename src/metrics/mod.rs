//! What operators count: one place where what happens becomes numbers. Every label is of a closed list or bounded, and none is a name of a
//! collaboration, a member, a dataset or a template. Must not know HTTP, stores, or what a number is good or bad for.

mod keys;
mod names;
mod notices;
mod standing;
mod store;

pub(crate) use names::Pseudonyms;
pub(crate) use standing::{LogNow, RoomNow, Standings};
pub(crate) use store::CountedStore;

use crate::error::{Error, Result};
use keys::Keys;
use notices::Notices;
use prometheus::core::Collector;
use prometheus::{
    Encoder as _, Gauge, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts,
    Registry, TextEncoder,
};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Requests; the longest of them are cut off after 30 seconds.
const REQUEST_S: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0];
/// Passes over a room, which wait for platforms.
const PASS_S: [f64; 9] = [0.01, 0.05, 0.25, 1.0, 2.5, 10.0, 30.0, 60.0, 300.0];
/// Different codes that are counted apart. There are fewer; what comes from a platform can't make more.
const CODES_MAX: usize = 256;
const CODE_LENGTH_MAX: usize = 48;
const OTHER: &str = "other";
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Something that is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event<'a> {
    /// A request was answered. The route is the template of its path, and never the path.
    Answered { route: &'a str, method: &'a str, status: u16, took: Duration },
    /// Somebody decided, or was told why not.
    Decided { kind: &'static str, outcome: &'static str },
    /// A pass over a room is over.
    Passed { room: &'a str, end: &'static str, took: Duration },
    /// Something of a pass went wrong.
    PassFailed { room: &'a str, code: &'a str },
    /// A run is over.
    RunEnded { outcome: &'static str },
    /// A call to the store failed.
    StoreFailed { call: &'static str, code: &'static str },
    /// A store was written to, or could not be.
    Wrote { done: bool },
    /// So many leaves of logs were not seen published.
    Unpublished { leaves: u64 },
    /// Keys at a URL are followed from now on, were read, or could not be. The name is a number.
    Keys { of: &'a str, outcome: &'static str },
    /// A notice was delivered, is tried again, or was given up.
    Noticed { event: &'static str, outcome: &'static str },
    /// What a receiver, which is a number, did not take was put on record then; nothing where it was told everything.
    NoticeWaits { of: usize, since_ms: Option<i64> },
    /// The worker is at work.
    Beat,
}

/// What is measured when somebody looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Withdrawals in the reserve.
    pub(crate) pending: usize,
    /// When the oldest of them was made.
    pub(crate) oldest_ms: Option<i64>,
    /// Whether the reserve can't be read.
    pub(crate) unread: bool,
}

/// The same, of one process.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    request_s: HistogramVec,
    without_place: IntCounter,
    decisions: IntCounterVec,
    passes: IntCounterVec,
    pass_s: HistogramVec,
    pass_failures: IntCounterVec,
    runs: IntCounterVec,
    store_failures: IntCounterVec,
    unwritable: IntGauge,
    now: Now,
    codes: Mutex<BTreeSet<String>>,
    beat: Mutex<Option<Instant>>,
    keys: Keys,
    notices: Notices,
    /// What is known of each log.
    pub(crate) standings: Standings,
}

/// What is measured when somebody looks.
#[derive(Debug)]
struct Now {
    pending: IntGauge,
    reserve_unread: IntGauge,
    open: IntGauge,
    age_s: Gauge,
    wider: IntGauge,
    logs: IntGauge,
    in_doubt: IntGauge,
    cap_used: Gauge,
    beat_age_s: Gauge,
    unpublished: IntGauge,
}

impl Now {
    fn in_(registry: &Registry) -> Result<Self, prometheus::Error> {
        let whole = |name: &str, help: &str| {
            let one = IntGauge::new(name, help)?;
            registry.register(Box::new(one.clone())).map(|()| one)
        };
        let part = |name: &str, help: &str| {
            let one = Gauge::new(name, help)?;
            registry.register(Box::new(one.clone())).map(|()| one)
        };
        Ok(Self {
            pending: whole(
                "airlock_withdrawals_pending",
                "Withdrawals in force here that are not on record yet.",
            )?,
            reserve_unread: whole(
                "airlock_reserve_unreadable",
                "Whether the reserve of withdrawals can't be read.",
            )?,
            open: whole(
                "airlock_revocations_open",
                "Withdrawals, or what narrowed an agreement, not seen closed on every platform.",
            )?,
            age_s: part(
                "airlock_revocation_age_seconds",
                "Age of the oldest withdrawal that is not on record, or not seen closed on every platform; 0 where there is none.",
            )?,
            wider: whole(
                "airlock_rooms_wider",
                "Rooms where more was found open than agreed, by the last look.",
            )?,
            logs: whole("airlock_logs", "Logs of which this process knows where they stand.")?,
            in_doubt: whole(
                "airlock_logs_in_doubt",
                "Logs that are not what this gateway saw, or can't be read: nothing is granted on them.",
            )?,
            cap_used: part(
                "airlock_cap_used_ratio",
                "Runs asked for within the window, as a part of the cap: the highest of all collaborations.",
            )?,
            beat_age_s: part(
                "airlock_worker_beat_age_seconds",
                "Time since the worker of this process was last at work; -1 where it has none.",
            )?,
            unpublished: whole(
                "airlock_leaves_unpublished",
                "Leaves of logs that were not seen where logs are published; 0 where they are not.",
            )?,
        })
    }
}

/// What has no label.
fn alone(registry: &Registry) -> Result<(IntCounter, IntGauge), prometheus::Error> {
    let without_place = IntCounter::new(
        "airlock_requests_without_place_total",
        "Requests refused because too many were under way (429).",
    )?;
    registry.register(Box::new(without_place.clone()))?;
    let unwritable =
        IntGauge::new("airlock_log_unwritable", "Whether the last write to the store failed.")?;
    registry.register(Box::new(unwritable.clone()))?;
    Ok((without_place, unwritable))
}

impl Metrics {
    /// All at nothing.
    pub(crate) fn new() -> Result<Self> {
        Self::registered().map_err(|_| Error::failed("bug", "the metrics can't be set up"))
    }

    fn registered() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let one = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(one.clone())).map(|()| one)
        };
        let seconds = |name: &str, help: &str, labels: &[&str], buckets: &[f64]| {
            let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
            let one = HistogramVec::new(options, labels)?;
            registry.register(Box::new(one.clone())).map(|()| one)
        };
        let (without_place, unwritable) = alone(&registry)?;
        let build =
            counters("airlock_build_info", "1, under the version of this program.", &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).inc();
        Ok(Self {
            requests: counters(
                "airlock_requests_total",
                "Requests answered.",
                &["route", "method", "status"],
            )?,
            request_s: seconds(
                "airlock_request_duration_seconds",
                "Time until an answer's head was there.",
                &["route", "method"],
                &REQUEST_S,
            )?,
            without_place,
            decisions: counters(
                "airlock_decisions_total",
                "Decisions that callers asked for.",
                &["kind", "outcome"],
            )?,
            passes: counters(
                "airlock_passes_total",
                "Passes over rooms, by how they ended.",
                &["room", "end"],
            )?,
            pass_s: seconds(
                "airlock_pass_duration_seconds",
                "Time that a pass took.",
                &["room"],
                &PASS_S,
            )?,
            pass_failures: counters(
                "airlock_pass_failures_total",
                "What went wrong in passes.",
                &["room", "code"],
            )?,
            runs: counters("airlock_runs_total", "Runs that ended.", &["outcome"])?,
            store_failures: counters(
                "airlock_store_calls_failed_total",
                "Calls to the store that failed.",
                &["call", "code"],
            )?,
            unwritable,
            now: Now::in_(&registry)?,
            codes: Mutex::default(),
            beat: Mutex::default(),
            keys: Keys::in_(&registry)?,
            notices: Notices::in_(&registry)?,
            standings: Standings::default(),
            registry,
        })
    }

    /// Counts.
    pub(crate) fn told(&self, event: Event<'_>) {
        match event {
            Event::Answered { route, method, status, took } => {
                let method = METHODS.iter().find(|one| **one == method).copied().unwrap_or(OTHER);
                let class = class(status);
                self.requests.with_label_values(&[route, method, class]).inc();
                self.request_s.with_label_values(&[route, method]).observe(took.as_secs_f64());
                if status == 429 {
                    self.without_place.inc();
                }
            }
            Event::Decided { kind, outcome } => {
                self.decisions.with_label_values(&[kind, outcome]).inc();
            }
            Event::Passed { room, end, took } => {
                let room = self.bounded(room);
                self.passes.with_label_values(&[room.as_str(), end]).inc();
                self.pass_s.with_label_values(&[room.as_str()]).observe(took.as_secs_f64());
            }
            Event::PassFailed { room, code } => {
                let (room, code) = (self.bounded(room), self.bounded(code));
                self.pass_failures.with_label_values(&[room, code]).inc();
            }
            Event::RunEnded { outcome } => self.runs.with_label_values(&[outcome]).inc(),
            Event::StoreFailed { call, code } => {
                self.store_failures.with_label_values(&[call, code]).inc();
            }
            Event::Wrote { done } => self.unwritable.set(i64::from(!done)),
            Event::Unpublished { leaves } => {
                self.now.unpublished.set(i64::try_from(leaves).unwrap_or(i64::MAX));
            }
            Event::Keys { of, outcome } => self.keys.told(of, outcome),
            Event::Noticed { event, outcome } => self.notices.told(event, outcome),
            Event::NoticeWaits { of, since_ms } => self.notices.waits(of, since_ms),
            Event::Beat => {
                *self.beat.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
            }
        }
    }

    /// A code as a label: one that has the form of a code, as long as there are few.
    fn bounded(&self, code: &str) -> String {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        let is_code = (1..=CODE_LENGTH_MAX).contains(&code.len()) && code.bytes().all(plain);
        if is_code && (codes.contains(code) || codes.len() < CODES_MAX) {
            codes.insert(code.to_owned());
            return code.to_owned();
        }
        OTHER.to_owned()
    }

    /// Time since the worker of this process was at work; none where it has none.
    pub(crate) fn since_beat(&self) -> Option<Duration> {
        let beat = self.beat.lock().unwrap_or_else(PoisonError::into_inner);
        beat.map(|at| at.elapsed())
    }

    /// Whether the last write to the store went through, as far as any was tried.
    pub(crate) fn is_writable(&self) -> bool {
        self.unwritable.get() == 0
    }

    /// Everything, as Prometheus reads it.
    pub(crate) fn text(&self, waiting: Waiting, now_ms: i64) -> Result<String> {
        let sum = self.standings.sum(now_ms);
        let Now {
            pending,
            reserve_unread,
            open,
            age_s,
            wider,
            logs,
            in_doubt,
            cap_used,
            beat_age_s,
            unpublished: _,
        } = &self.now;
        pending.set(count(waiting.pending));
        reserve_unread.set(i64::from(waiting.unread));
        open.set(count(sum.open));
        let oldest_ms = [sum.oldest_ms, waiting.oldest_ms].into_iter().flatten().min();
        let age_ms = oldest_ms.map_or(0, |at| now_ms.saturating_sub(at).max(0));
        age_s.set(Duration::from_millis(age_ms.unsigned_abs()).as_secs_f64());
        wider.set(count(sum.wider));
        logs.set(count(sum.logs));
        in_doubt.set(count(sum.in_doubt));
        cap_used.set(sum.cap_used);
        self.keys.aged();
        self.notices.aged(now_ms);
        beat_age_s.set(self.since_beat().map_or(-1.0, |age| age.as_secs_f64()));
        let mut text = Vec::new();
        let written = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        let text = written.ok().and_then(|()| String::from_utf8(text).ok());
        let text = text.ok_or_else(|| Error::failed("bug", "the metrics can't be written"))?;
        Ok(self.with_what_never_happened(text))
    }

    /// Of what is counted by its labels and has not happened yet the name is there as well: whoever asks for it sees that it is counted.
    fn with_what_never_happened(&self, mut text: String) -> String {
        let by_label: [(&dyn Collector, &str); 11] = [
            (&self.requests, "counter"),
            (&self.request_s, "histogram"),
            (&self.decisions, "counter"),
            (&self.passes, "counter"),
            (&self.pass_s, "histogram"),
            (&self.pass_failures, "counter"),
            (&self.runs, "counter"),
            (&self.store_failures, "counter"),
            (&self.keys.asked, "counter"),
            (&self.keys.age_s, "gauge"),
            (&self.notices.all, "counter"),
        ];
        for (one, kind) in by_label {
            for of in one.desc() {
                let (name, help) = (&of.fq_name, &of.help);
                if !text.contains(&format!("# TYPE {name} ")) {
                    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
                }
            }
        }
        text
    }
}

const fn class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
