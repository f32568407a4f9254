//! The product's pass, as a worker's turn makes it, and what the world makes of its report.

use crate::turn::Turn;
use adapter_spi::Cx;
use airlock::reconcile::{self, End};
use airlock::store::Fence;

pub(crate) use airlock::reconcile::Memory;

/// What a pass says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Report {
    pub(crate) settled: bool,
    /// Nothing is left to do but by others.
    pub(crate) rests: bool,
    /// There is more to do at once.
    pub(crate) again: bool,
    /// What it asks others to do.
    pub(crate) needs: usize,
    pub(crate) retry_ms: Option<i64>,
    pub(crate) said: String,
}

/// One pass.
pub(crate) async fn pass(turn: &Turn, fence: Option<&Fence>, memory: &mut Memory) -> Report {
    let with = reconcile::Turn {
        log: &turn.log,
        adapter: turn.adapter.as_ref(),
        clock: turn.clock.as_ref(),
        collaboration: &turn.collaboration,
        fence,
        looks_only: false,
        cx: Cx::default(),
    };
    let report = reconcile::pass(&with, memory).await;
    let retry_ms = match &report.end {
        End::Undone { retry_ms, .. } | End::Failed { retry_ms, .. } => *retry_ms,
        End::Settled | End::Waiting | End::Again | End::Refused { .. } => None,
    };
    let waits: Vec<String> =
        report.waits.iter().map(|wait| format!("{} for {}", wait.what, wait.why)).collect();
    let end = match &report.end {
        End::Settled => "settled",
        End::Waiting => "waiting",
        End::Again => "again",
        End::Refused { code, .. } => code,
        End::Undone { code, .. } | End::Failed { code, .. } => code,
    };
    let rests = report.end == End::Waiting
        && !report.needs.is_empty()
        && report.waits.is_empty()
        && report.plan.is_empty()
        && report.closing.is_empty()
        && report.unsettled == 0
        && report.unseen.is_empty()
        && report.unread.is_none();
    // A room of no agreement that ever was in force.
    let never =
        matches!(report.end, End::Failed { code: "no-agreement" | "collaboration-unknown", .. });
    Report {
        settled: report.end == End::Settled,
        rests: rests || never || report.end == End::Settled,
        again: report.end == End::Again,
        needs: report.needs.len(),
        retry_ms: retry_ms.and_then(|ms| i64::try_from(ms).ok()),
        said: format!(
            "{end}, {} steps, closing {:?}, unsettled {}, pending {}, waits {waits:?}, needs {}",
            report.steps,
            report.closing,
            report.unsettled,
            report.pending,
            report.needs.len(),
        )
        .replace('"', ""),
    }
}
