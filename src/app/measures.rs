//! What of the use cases is counted, and what is measured when somebody looks: hooks of one line, and how things stand for the operator, who
//! reads no name. Must not know how a number is shown.

use super::App;
use crate::error::Result;
use crate::home::Home;
use crate::log::{Body, LogError, State};
use crate::metrics::{Event, LogNow, Metrics, Pseudonyms, RoomNow, Waiting};
use crate::reconcile::{DriftClass, End, Report};
use crate::store::StoreError;
use crate::wire;
use mappings::model::{CollaborationId, PlatformId};
use std::sync::Arc;
use std::time::Duration;

/// So many logs or rooms are named to whoever looks.
const NAMED_MAX: usize = 200;

/// Everything that is counted, with what waits in a gateway's folder now.
pub(crate) fn measured(home: &Home, metrics: &Metrics, now_ms: i64) -> Result<String> {
    metrics.text(waiting(home), now_ms)
}

fn waiting(home: &Home) -> Waiting {
    let Ok(pending) = home.withdrawals() else {
        return Waiting { unread: true, ..Waiting::default() };
    };
    let oldest_ms = pending.iter().map(|one| one.leaf.at_ms).min();
    Waiting { pending: pending.len(), oldest_ms, unread: false }
}

/// Why a log is in doubt; a store that is away puts none into it.
const fn doubt(error: &LogError) -> Option<&'static str> {
    match error {
        LogError::Store(StoreError::Corrupt | StoreError::Newer)
        | LogError::Tampered(_)
        | LogError::Checkpoint(_)
        | LogError::RolledBack(_)
        | LogError::Newer
        | LogError::Pin(_)
        | LogError::Reserve(_)
        | LogError::OtherGateway => Some(error.code()),
        LogError::Store(_)
        | LogError::Fold(_)
        | LogError::NotFound
        | LogError::Empty
        | LogError::Busy => None,
    }
}

impl App {
    /// Where it counts.
    pub(crate) fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// A log was read, and is what this gateway saw, or isn't.
    pub(super) fn believed(&self, of: &CollaborationId, error: Option<&LogError>, good: bool) {
        let doubt = error.and_then(doubt);
        if good || doubt.is_some() {
            self.metrics.standings.believed(of, doubt);
        }
    }

    /// A run is over, if this says so.
    pub(super) fn run_ended(&self, body: &Body) {
        let outcome = match body.kind() {
            "run-succeeded" => "succeeded",
            "run-failed" => "failed",
            "run-cancelled" => "cancelled",
            _ => return,
        };
        self.metrics.told(Event::RunEnded { outcome });
    }

    /// A run was ended by its member.
    pub(super) fn run_cancelled(&self) {
        self.metrics.told(Event::RunEnded { outcome: "cancelled" });
    }

    /// Where a log stands that this process keeps.
    pub(super) fn stands(&self, of: &CollaborationId, state: &State) {
        let limits = state.in_force().map(|version| &version.agreement.limits);
        let window_ms =
            limits.map_or(0, |limits| i64::try_from(limits.within_s).unwrap_or(i64::MAX));
        let closing = |room: &&PlatformId| state.awaited(room).next().is_some();
        let log = LogNow {
            open_ms: state.unconfirmed().map(|(_, closure)| closure.at_ms).collect(),
            attempts_ms: state.attempts().to_vec(),
            runs_max: limits.map_or(0, |limits| limits.runs_max),
            window_ms: window_ms.saturating_mul(1_000),
            closing: state.rooms().keys().filter(closing).cloned().collect(),
        };
        self.metrics.standings.read(of, log);
    }

    /// A pass is over.
    pub(super) fn passed(
        &self,
        (of, room): (&CollaborationId, &PlatformId),
        report: &Report,
        took: Duration,
    ) {
        let (end, code) = match &report.end {
            End::Settled => ("settled", None),
            End::Waiting => ("waiting", None),
            End::Again => ("again", None),
            End::Refused { code, .. } => ("refused", Some(code.as_str())),
            End::Undone { code, .. } => ("undone", Some(*code)),
            End::Failed { code, .. } => ("failed", Some(*code)),
        };
        self.metrics.told(Event::Passed { room: room.as_str(), end, took });
        let span = tracing::Span::current();
        span.record("end", end);
        let unseen = report.unseen.iter().map(|(_, code)| code.as_str());
        let codes: Vec<&str> = code.into_iter().chain(unseen).collect();
        if let Some(code) = codes.first() {
            span.record("code", *code);
        }
        for code in &codes {
            self.metrics.told(Event::PassFailed { room: room.as_str(), code });
        }
        let wider = report.drift.iter().any(|drift| drift.class == DriftClass::Loosened);
        let failed = codes.first().map(|code| (*code).to_owned());
        self.metrics.standings.looked(of, room, RoomNow { wider, failed });
    }

    /// Reads every log that this gateway saw once, where no worker here does.
    pub(crate) async fn look_at_all(&self) {
        for collaboration in self.log.seen() {
            // What is wrong with one is counted, and holds up no other.
            drop(self.load_denying(&collaboration).await);
            self.log.lay_by(&collaboration);
        }
    }

    /// What is well here and what isn't, in detail and without names.
    pub(super) async fn health(&self) -> wire::HealthDetail {
        let (readiness, waiting) = (self.readiness().await, waiting(&self.home));
        let sum = self.metrics.standings.sum(self.clock.now_ms());
        let names = Pseudonyms::of(&self.key);
        let millis = |age: Duration| u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        let beat_age_ms = self.metrics.since_beat().map(millis);
        let in_doubt = self.metrics.standings.in_doubt(NAMED_MAX).into_iter();
        let in_doubt = in_doubt.map(|(of, code)| wire::LogInDoubt {
            collaboration: names.name(&of),
            code: code.to_owned(),
        });
        let behind = self.metrics.standings.behind(NAMED_MAX).into_iter();
        let behind = behind.map(|one| wire::RoomBehind {
            collaboration: names.name(&one.collaboration),
            room: one.room.to_string(),
            why: one.why,
        });
        let pending = waiting.pending as u64;
        let oldest_ms = [sum.oldest_ms, waiting.oldest_ms].into_iter().flatten().min();
        wire::HealthDetail {
            status: readiness.status().to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            store: wire::StoreHealth {
                reachable: readiness.log,
                writable: self.metrics.is_writable(),
            },
            reserve: wire::ReserveHealth {
                readable: !waiting.unread,
                free: readiness.reserve,
                pending,
            },
            worker: wire::WorkerHealth { beat_age_ms, anywhere: self.is_kept().await },
            logs: sum.logs as u64,
            logs_in_doubt: in_doubt.collect(),
            revocations_open: sum.open as u64,
            oldest_open_ms: oldest_ms,
            rooms_behind: behind.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_is_away_puts_no_log_into_doubt() {
        assert_eq!(doubt(&LogError::Store(StoreError::Unavailable)), None);
        assert_eq!(doubt(&LogError::Store(StoreError::Corrupt)), Some("store-corrupt"));
        assert_eq!(doubt(&LogError::Newer), Some("log-newer"));
        assert_eq!(doubt(&LogError::NotFound), None);
    }
}
