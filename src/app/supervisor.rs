//! Runs that callers asked for and that this process works on: so many of a member and so many in all, each to its end, on threads of their own
//! so that no engine keeps an answer waiting. Must not know HTTP, nor what may be asked for.

use super::runs::cancelled;
use super::{App, Recorded, RunPhase, RunRequest, Started, Tied};
use crate::error::{Error, Kind, Result};
use adapter_spi::RunProgress;
use mappings::model::{MemberId, RunId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

/// Once the gateway ends, runs under way have so long until they are stopped, and so long again to be gone.
const FINISHED_WITHIN: Duration = Duration::from_secs(8);
const STOPPED_WITHIN: Duration = Duration::from_secs(12);
const LOOKED_EVERY: Duration = Duration::from_millis(50);

/// How many runs there may be at a time.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunsMax {
    pub(crate) in_all: usize,
    pub(crate) of_member: BTreeMap<MemberId, usize>,
}

/// The same.
#[derive(Debug)]
pub(crate) struct Runs {
    app: Arc<App>,
    max: RunsMax,
    under_way: Mutex<BTreeMap<RunId, UnderWay>>,
    /// A member's requests are put on record one after the other: one that comes twice finds what became of the first.
    requesting: Mutex<BTreeMap<MemberId, Arc<tokio::sync::Mutex<()>>>>,
    ends: CancellationToken,
    /// Always there until it is dropped.
    threads: Option<Runtime>,
}

#[derive(Debug)]
struct UnderWay {
    by: MemberId,
    cancel: CancellationToken,
    phase: RunPhase,
}

/// A run's place, for as long as it is under way.
#[derive(Debug)]
struct Place {
    runs: Arc<Runs>,
    run: RunId,
    cancel: CancellationToken,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.runs.under_way().remove(&self.run);
    }
}

impl Drop for Runs {
    fn drop(&mut self) {
        if let Some(threads) = self.threads.take() {
            threads.shutdown_background();
        }
    }
}

impl Runs {
    pub(crate) fn new(app: Arc<App>, max: RunsMax) -> Result<Arc<Self>> {
        let threads = tokio::runtime::Builder::new_multi_thread()
            .thread_name("airlock-runs")
            .enable_all()
            .build()
            .map_err(|_| Error::failed("threads", "no threads for runs are to be had"))?;
        Ok(Arc::new(Self {
            app,
            max,
            under_way: Mutex::default(),
            requesting: Mutex::default(),
            ends: CancellationToken::new(),
            threads: Some(threads),
        }))
    }

    fn under_way(&self) -> MutexGuard<'_, BTreeMap<RunId, UnderWay>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a run on record and begins it; once the request is on record it goes on, whoever waits for it.
    pub(crate) async fn request(
        self: &Arc<Self>,
        (request, run): (RunRequest, RunId),
        tied: Tied,
    ) -> Result<Recorded> {
        let gone = || Error::failed("bug", "a run's request gave up");
        let threads = self.threads.as_ref().ok_or_else(gone)?;
        let runs = Arc::clone(self);
        let asked = async move {
            let turn = runs.turn(&request.by);
            let turn = turn.lock().await;
            let place = runs.place(&run, &request.by)?;
            let request = RunRequest { run: Some(run), ..request };
            let (started, recorded) = runs.app.request_run(request, &tied).await?;
            drop(turn);
            tokio::spawn(carried_out(place, started).in_current_span());
            Ok(recorded)
        };
        threads.spawn(asked.in_current_span()).await.map_err(|_| gone())?
    }

    fn turn(&self, member: &MemberId) -> Arc<tokio::sync::Mutex<()>> {
        let mut all = self.requesting.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(member.clone()).or_default())
    }

    /// A place for a run; refused before anything is on record where there is none, so that nothing is spent.
    fn place(self: &Arc<Self>, run: &RunId, by: &MemberId) -> Result<Place> {
        let mut under_way = self.under_way();
        if under_way.contains_key(run) {
            return Err(Error::refused("run-id-used", format!("run {run} is at work")));
        }
        let own = under_way.values().filter(|one| one.by == *by).count();
        // Where nothing is said, nobody has more than it leaves to others.
        let left = self.max.in_all.saturating_sub(under_way.len());
        let own_max = self.max.of_member.get(by).copied().unwrap_or(left);
        if self.ends.is_cancelled() || own >= own_max || under_way.len() >= self.max.in_all {
            let message = "as many runs are under way as this gateway takes at a time";
            return Err(Error::refused("runs-at-once", message)
                .help("the same again, once one of them has ended"));
        }
        let cancel = CancellationToken::new();
        let one = UnderWay {
            by: by.clone(),
            cancel: cancel.clone(),
            phase: RunPhase::Running(RunProgress::default()),
        };
        under_way.insert(run.clone(), one);
        Ok(Place { runs: Arc::clone(self), run: run.clone(), cancel })
    }

    /// How far a run is that is under way here.
    pub(crate) fn phase(&self, run: &RunId) -> Option<RunPhase> {
        self.under_way().get(run).map(|one| one.phase)
    }

    /// Stops a run that is under way here.
    pub(crate) fn cancel(&self, run: &RunId) {
        if let Some(one) = self.under_way().get(run) {
            one.cancel.cancel();
        }
    }

    /// Whether nothing more is begun.
    pub(crate) const fn ends(&self) -> &CancellationToken {
        &self.ends
    }

    /// Takes no more, and waits until every run is done, or stopped and on record as such.
    pub(crate) async fn end(&self) {
        self.ends.cancel();
        if self.emptied(FINISHED_WITHIN).await {
            return;
        }
        for one in self.under_way().values() {
            one.cancel.cancel();
        }
        if !self.emptied(STOPPED_WITHIN).await {
            tracing::warn!("runs were under way at the end; they are settled at the next start");
        }
    }

    async fn emptied(&self, within: Duration) -> bool {
        let empty = async {
            while !self.under_way().is_empty() {
                tokio::time::sleep(LOOKED_EVERY).await;
            }
        };
        tokio::time::timeout(within, empty).await.is_ok()
    }
}

/// Carries a run out. What stops it is on record; the caller reads it there.
async fn carried_out(place: Place, started: Started) {
    let (runs, run) = (Arc::clone(&place.runs), place.run.clone());
    let mut told = |phase| {
        if let Some(one) = runs.under_way().get_mut(&run) {
            one.phase = phase;
        }
    };
    let why = || if runs.ends.is_cancelled() { interrupted() } else { cancelled() };
    let outcome = runs.app.finish_run(&started, (&place.cancel, &why), &mut told).await;
    if let Err(error) = outcome {
        if error.kind == Kind::Failed {
            tracing::warn!(%run, code = error.code, "a run failed: {}", error.message);
        } else {
            tracing::info!(%run, code = error.code, "a run ended without a result");
        }
    }
}

fn interrupted() -> Error {
    let message = "the gateway ended while the run was under way; nothing of it is left";
    Error::new(Kind::Cancelled, "interrupted", message)
}
