//! Runs of schedules, when they are due: each slot is one run, requested as any run is and counted as any run is. Of slots that were missed the
//! latest is run; of what a rule refuses that is told, once, and the schedule goes on. Several gateways may do this at once: the log takes a slot's
//! run once. Must not know HTTP, nor what may run.

use super::{App, RunRequest, Runs, Tied};
use crate::error::{Error, Kind, Result};
use crate::home::Kept;
use crate::log::{Body, Code, Schedule, Slot, SlotOutcome, State};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often what is due is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A log is read at least so often while a schedule of it is carried out: what was decided at another gateway shows then.
const READ_EVERY_MS: i64 = 30_000;
/// What failed, or had no place, is tried again after so long.
const AGAIN_MS: i64 = 2_000;

/// What is known of one schedule between looks.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// When it is looked at again.
    look_ms: i64,
    /// The newest slot of which nothing more is to be done here.
    seen_ms: Option<i64>,
}

/// Whoever makes runs when they are due.
#[derive(Debug)]
pub(crate) struct Scheduler {
    app: Arc<App>,
    runs: Arc<Runs>,
    known: BTreeMap<Kept, Known>,
    looked_ms: i64,
}

impl Scheduler {
    pub(crate) fn new(app: Arc<App>, runs: Arc<Runs>) -> Self {
        Self { app, runs, known: BTreeMap::new(), looked_ms: i64::MIN }
    }

    /// Looks for what is due until it is cancelled, at any moment.
    pub(crate) async fn keep(mut self, cancel: CancellationToken) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                _ = look.tick() => {}
            }
            let now_ms = self.app.clock.now_ms();
            tokio::select! {
                () = cancel.cancelled() => return,
                () = self.turn(now_ms) => {}
            }
        }
    }

    /// Sees to everything that is due.
    pub(crate) async fn turn(&mut self, now_ms: i64) {
        // Times of a clock that was ahead say nothing any more; what was seen to stays so.
        if now_ms < self.looked_ms {
            self.known.values_mut().for_each(|one| one.look_ms = now_ms);
        }
        self.looked_ms = now_ms;
        let kept = self.app.home.kept_schedules();
        self.known.retain(|one, _| kept.contains(one));
        for one in kept {
            let before = self.known.get(&one).copied().unwrap_or_default();
            if before.look_ms > now_ms {
                continue;
            }
            let known = match self.one(&one, before, now_ms).await {
                Ok(Some(known)) => known,
                Ok(None) => {
                    self.known.remove(&one);
                    continue;
                }
                Err(error) => {
                    let schedule = &one.schedule;
                    tracing::warn!(%schedule, code = error.code, "a schedule can't be seen to now");
                    Known { look_ms: now_ms.saturating_add(AGAIN_MS), ..before }
                }
            };
            self.known.insert(one, known);
        }
    }

    /// Sees to one; none where there is nothing more to see to.
    async fn one(&self, of: &Kept, before: Known, now_ms: i64) -> Result<Option<Known>> {
        let state = self.app.load(&of.collaboration).await?.state;
        let found = state.schedules().get(&of.schedule);
        let own =
            |one: &&Schedule| Kept::of(&of.collaboration, &of.schedule, &one.parameters) == *of;
        let Some(found) = found.filter(own).filter(|one| one.ended.is_none()) else {
            let is_over = found.is_some_and(|one| own(&one));
            if is_over || self.app.home.is_settled_schedule(of) {
                self.app.home.forget_schedule(of);
                return Ok(None);
            }
            return Ok(Some(Known { look_ms: now_ms.saturating_add(AGAIN_MS), ..before }));
        };
        let after_ms = before.seen_ms.map_or(found.after_ms(), |seen| seen.max(found.after_ms()));
        let Some(slot_ms) = found.cron.latest(now_ms, after_ms) else {
            let next = found.cron.next(after_ms.max(now_ms)).unwrap_or(i64::MAX);
            let look_ms = next.min(now_ms.saturating_add(READ_EVERY_MS));
            return Ok(Some(Known { look_ms, ..before }));
        };
        let seen = Known { look_ms: now_ms, seen_ms: Some(slot_ms) };
        // What stands still is not tried; since when and why is on record.
        if found.suspended.is_some() {
            return Ok(Some(seen));
        }
        match self.requested(of, found, slot_ms).await {
            Ok(()) => Ok(Some(seen)),
            Err(error) if is_passing(&error) || self.is_at_work(of, slot_ms, &error).await? => {
                Ok(Some(Known { look_ms: now_ms.saturating_add(AGAIN_MS), ..before }))
            }
            Err(error) => {
                self.refused(of, slot_ms, &error).await?;
                Ok(Some(seen))
            }
        }
    }

    async fn requested(&self, of: &Kept, found: &Schedule, slot_ms: i64) -> Result<()> {
        let slot = Slot { schedule: of.schedule.clone(), at_ms: slot_ms };
        let run = slot.run().ok_or_else(|| Error::refused("slot-not-due", "no such time"))?;
        let values = self.app.home.kept_schedule(of)?;
        let salt = values.salt().ok_or_else(|| {
            Error::refused("schedule-values-missing", "the values of the schedule can't be read")
        })?;
        let request = RunRequest {
            collaboration: of.collaboration.clone(),
            template: found.template.clone(),
            digest: Some(found.digest),
            room: found.platform.clone(),
            by: found.by.clone(),
            parameters: values.parameters,
            run: None,
            salt: Some(salt),
            limits: values.limits,
        };
        self.runs.request((request, run), Tied::default()).await.map(drop)
    }

    /// Whether another gateway, or another process of this one, is about to put the slot's run on record.
    async fn is_at_work(&self, of: &Kept, slot_ms: i64, error: &Error) -> Result<bool> {
        if error.code != "run-id-used" {
            return Ok(false);
        }
        let slot = Slot { schedule: of.schedule.clone(), at_ms: slot_ms };
        let state = self.app.load(&of.collaboration).await?.state;
        Ok(slot.run().is_some_and(|run| !state.runs().contains_key(&run)))
    }

    /// Tells what refused a slot, unless another gateway saw to it, or the same refused the one before.
    async fn refused(&self, of: &Kept, slot_ms: i64, error: &Error) -> Result<()> {
        let code = Code::new(&error.code).unwrap_or_else(|_| Code::interrupted());
        let state = self.app.load(&of.collaboration).await?.state;
        if !is_news(&state, of, (slot_ms, &code)) {
            return Ok(());
        }
        let (schedule, told) = (of.schedule.clone(), code.clone());
        let body = Body::SlotRefused { schedule, slot_ms, code };
        match self.app.record(&of.collaboration, body).await {
            Ok(_) => {
                let (schedule, code) = (&of.schedule, told.as_str());
                tracing::info!(%schedule, code, "a scheduled run was refused");
                Ok(())
            }
            // Another was faster.
            Err(error) if error.kind == Kind::Refused => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Whether it says nothing of the slot: it is tried again while that is the latest.
fn is_passing(error: &Error) -> bool {
    matches!(error.kind, Kind::Failed | Kind::Cancelled) || error.code == "runs-at-once"
}

fn is_news(state: &State, of: &Kept, (slot_ms, code): (i64, &Code)) -> bool {
    let Some(known) = state.schedules().get(&of.schedule) else { return false };
    // A gateway that can't speak for the member says nothing of the schedule: another may.
    if code.as_str() == "key-missing" {
        return false;
    }
    let same = |last: &crate::log::LastSlot| {
        last.at_ms >= slot_ms || last.outcome == SlotOutcome::Refused(code.clone())
    };
    known.ended.is_none() && !known.last.as_ref().is_some_and(same)
}

#[cfg(test)]
mod tests;
