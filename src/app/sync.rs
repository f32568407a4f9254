//! The worker that loses no withdrawal: over and over, it takes away on every platform what no log grants. It gives nothing; that
//! is `apply`'s, by whoever asks for it. Knows no platform by name.

use super::{App, RoomReport};
use crate::error::{Error, Problem, Result};
use crate::reconcile::schedule::{Class, End, Failure, Pace, Schedule, Slots, Turn};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use mappings::model::CollaborationId;
use serde::Serialize;
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// Collaborations that are looked at at the same time.
const AT_ONCE: usize = 8;
/// And so many more whose log has grown.
const SLOTS: Slots = Slots { ordinary: AT_ONCE, reserved: 4 };
/// How often the logs are asked whether they have grown.
const WAKE_EVERY: Duration = Duration::from_millis(500);

/// What one look at a collaboration did and found.
#[derive(Debug, Clone, Serialize)]
pub struct Pass {
    /// Which.
    pub collaboration: CollaborationId,
    /// Steps that took something away.
    pub steps: usize,
    /// Each room as it was left.
    pub rooms: Vec<RoomReport>,
    /// What could not be closed, or not be seen.
    pub problems: Vec<Problem>,
}

impl Pass {
    fn of(collaboration: CollaborationId, closed: Result<Vec<RoomReport>>) -> Self {
        let (rooms, problems) = match closed {
            Ok(rooms) => (rooms, Vec::new()),
            Err(error) if error.problems.is_empty() => {
                let Error { code, message, help, .. } = error;
                let at = collaboration.to_string();
                (Vec::new(), vec![Problem { code, at, message, help }])
            }
            Err(error) => (Vec::new(), error.problems),
        };
        let steps = rooms.iter().map(|room| room.steps).sum();
        Self { collaboration, steps, rooms, problems }
    }

    /// Whether there is anything to tell.
    #[must_use]
    pub fn is_news(&self) -> bool {
        self.steps > 0 || !self.problems.is_empty()
    }
}

impl App {
    /// One look at each collaboration: what is open and not granted is closed, and seen closed.
    pub async fn sync_once(&self, mut tell: impl FnMut(&Pass)) -> Result<Vec<Pass>> {
        let all = self.log.collaborations().await?;
        let mut looks = futures::stream::iter(all.into_iter().map(|one| Box::pin(self.pass(one))))
            .buffer_unordered(AT_ONCE);
        let mut passes = Vec::new();
        while let Some((pass, _)) = looks.next().await {
            tell(&pass);
            passes.push(pass);
        }
        passes.sort_by(|one, other| one.collaboration.cmp(&other.collaboration));
        Ok(passes)
    }

    /// Looks until it is cancelled: at once where a log has grown, else every so often.
    pub async fn sync(
        &self,
        every: Duration,
        cancel: &CancellationToken,
        mut tell: impl FnMut(&Pass),
    ) -> Result<()> {
        let every_ms = i64::try_from(every.as_millis()).unwrap_or(i64::MAX);
        let pace = Pace::default().every(every_ms);
        let mut schedule = Schedule::new(pace, u64::from(std::process::id()));
        let mut looks = FuturesUnordered::new();
        let mut wake = tokio::time::interval(WAKE_EVERY);
        wake.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                Some((turn, pass, size)) = looks.next() => {
                    let (turn, pass): (Turn, Pass) = (turn, pass);
                    tell(&pass);
                    let end = ended(&turn, &pass, size);
                    schedule.ended(turn, end, self.clock.now_ms());
                }
                heads = self.heads(&mut wake) => schedule.heads(self.clock.now_ms(), heads),
            }
            let due = schedule.due(self.clock.now_ms(), SLOTS);
            looks.extend(due.into_iter().map(|turn| {
                Box::pin(async move {
                    let (pass, size) = self.pass(turn.collaboration.clone()).await;
                    (turn, pass, size)
                })
            }));
        }
    }

    /// The same, with what stands against the log itself.
    async fn doubted(&self, mut pass: Pass) -> Pass {
        let doubt = match self.load_denying(&pass.collaboration).await {
            Ok(loaded) => loaded.doubt.map(Error::from),
            Err(error) => Some(error),
        };
        if let Some(Error { code, message, help, .. }) = doubt {
            pass.problems.push(Problem { code, at: pass.collaboration.to_string(), message, help });
        }
        pass
    }

    /// At the next beat, how long every log is; nothing of a store that can't be reached now, which is asked again.
    async fn heads(&self, wake: &mut Interval) -> Vec<(CollaborationId, u64)> {
        wake.tick().await;
        self.store.sizes().await.unwrap_or_else(|error| {
            tracing::warn!(code = error.code(), "the logs could not be listed");
            Vec::new()
        })
    }

    /// One look, and how far the log is known after it: to its end, unless something was decided since the look began.
    async fn pass(&self, collaboration: CollaborationId) -> (Pass, u64) {
        self.record_pending().await;
        let before = self.store.size(&collaboration).await.unwrap_or_default();
        let closed = self.close(&collaboration).await;
        let known = match self.load(&collaboration).await {
            Ok(loaded) if loaded.state.decided() <= before => loaded.state.size(),
            Ok(_) | Err(_) => before,
        };
        (self.doubted(Pass::of(collaboration, closed)).await, known)
    }
}

/// What is withdrawn and not seen closed is tried again soon; what was settled before, at its pace.
fn ended(turn: &Turn, pass: &Pass, size: u64) -> End {
    let failed = !pass.problems.is_empty();
    let class = if failed && turn.urgent { Class::Closing } else { Class::Exposed };
    let failure = Failure { retry_after_ms: None };
    End { class, changed: pass.steps > 0, failed: failed.then_some(failure), size }
}
