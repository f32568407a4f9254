//! Every room once: until each is settled or waits for somebody else. Knows no platform by name.

use super::{Pass, SLOTS};
use crate::app::App;
use crate::app::rooms::{BLIND_MAX, settling, unreached};
use crate::error::{Error, Result};
use crate::reconcile::{End, Memory, Report};
use crate::store::Fence;
use adapter_spi::Cx;
use futures::StreamExt as _;
use mappings::model::{CollaborationId, PlatformId};
use std::time::Duration;

/// Turns of one room, where no answer is old.
const TURNS_MAX: usize = 40;
/// Between them.
const EVERY: Duration = Duration::from_secs(1);

impl App {
    /// Turns at every room of every collaboration until each is settled or waits for somebody else.
    pub async fn sync_once(&self, mut tell: impl FnMut(&Pass)) -> Result<Vec<Pass>> {
        self.record_pending().await;
        let all = self.log.collaborations().await?;
        let held = self.hold_free(&all).await?;
        let looks = all.into_iter().map(|one| {
            let fence = held.fence(&one);
            Box::pin(async move { self.once(&one, fence.as_ref()).await })
        });
        let mut looks = futures::stream::iter(looks).buffer_unordered(SLOTS.ordinary);
        let mut passes = Vec::new();
        while let Some(pass) = looks.next().await {
            tell(&pass);
            passes.push(pass);
        }
        drop(looks);
        held.give_back().await;
        passes.sort_by(|one, other| one.collaboration.cmp(&other.collaboration));
        Ok(passes)
    }

    async fn once(&self, collaboration: &CollaborationId, fence: Option<&Fence>) -> Pass {
        let (state, mut whole) = match self.load_denying(collaboration).await {
            Ok(loaded) => {
                (loaded.state, Pass::without_rooms(collaboration, loaded.doubt.map(Error::from)))
            }
            Err(error) => return Pass::without_rooms(collaboration, Some(error)),
        };
        let foreign = state.rooms().keys().filter(|room| **room != PlatformId::native());
        for room in foreign {
            let Ok(adapter) = self.rooms.adapter(room) else {
                whole.problems.extend(unreached(room, &state));
                continue;
            };
            let turns_max = TURNS_MAX.saturating_add(settling(adapter.capabilities().lag, EVERY));
            let (mut memory, mut done, mut blind) = (Memory::default(), None::<Pass>, 0);
            for _ in 0..turns_max {
                let report =
                    self.visit((collaboration, room, fence), Cx::default(), &mut memory).await;
                let (more, idle) = (is_more(&report), report.steps == 0);
                let unseen = idle && !report.unseen.is_empty();
                blind = if unseen { blind + 1 } else { 0 };
                let pass = Pass::of(collaboration, room, report);
                done = Some(match done {
                    Some(before) => before.then(pass),
                    None => pass,
                });
                if !more || blind == BLIND_MAX {
                    break;
                }
                if idle {
                    tokio::time::sleep(EVERY).await;
                }
            }
            if let Some(done) = done {
                whole.steps += done.steps;
                whole.rooms.extend(done.rooms);
                whole.waits.extend(done.waits);
                whole.problems.extend(done.problems);
            }
        }
        whole
    }
}

/// Whether another turn at once brings a room further.
fn is_more(report: &Report) -> bool {
    match &report.end {
        End::Settled => false,
        End::Again => true,
        // What is refused gives nothing; what closes is looked at until it is closed all the same.
        End::Refused { .. } => is_closing(report),
        End::Waiting => {
            let elsewhere = report.plan.len() == report.waits.len();
            is_closing(report) || report.pending || !elsewhere
        }
        End::Undone { retry_ms, .. } | End::Failed { retry_ms, .. } => retry_ms.is_some(),
    }
}

/// Whether something is withdrawn, and only looks are missing until it counts as closed.
const fn is_closing(report: &Report) -> bool {
    (!report.closing.is_empty() && report.unsettled == 0) || report.unsure > 0
}
