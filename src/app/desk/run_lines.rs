//! Runs as the log tells them, the newest first. Whoever reads the log sees every one; others those of their own member.

use super::Desk;
use crate::access::Action;
use crate::error::Result;
use crate::log::{Body, Leaf, LogError, Run, RunStatus};
use crate::wire;
use mappings::model::{CollaborationId, RunId};

impl Desk<'_> {
    /// So many of them at most.
    pub(crate) async fn run_lines(&self, name: &str, max: usize) -> Result<wire::RunLines> {
        let seen = self.seen_whole(name, Action::ReadCollaboration).await?;
        let reads_log = self.caller.may(Action::ReadLog);
        let runs = seen.state().runs().iter();
        let mut runs: Vec<(&RunId, &Run)> =
            runs.filter(|(_, run)| reads_log || run.by == seen.member).collect();
        runs.sort_by_key(|(_, run)| std::cmp::Reverse(run.index));
        let all = runs.len() as u64;
        let mut lines = Vec::new();
        for (id, run) in runs.into_iter().take(max) {
            let room = self.room_of(&seen.collaboration, run.index).await?;
            lines.push(line(id, run, room));
        }
        Ok(wire::RunLines { runs: lines, all })
    }

    /// Where the run runs that a leaf asks for.
    async fn room_of(&self, collaboration: &CollaborationId, index: u64) -> Result<String> {
        let stored = self.app.store.read(collaboration, index, 1).await.map_err(LogError::from)?;
        let leaf = stored.first().and_then(|bytes| Leaf::parse(bytes).ok());
        Ok(match leaf.map(|leaf| leaf.body) {
            Some(Body::RunRequested { platform, .. }) => platform.to_string(),
            Some(_) | None => String::new(),
        })
    }
}

fn line(id: &RunId, run: &Run, room: String) -> wire::RunLine {
    let (state, why, rows, withheld) = match &run.status {
        RunStatus::Requested(_) => ("requested", None, None, None),
        RunStatus::Delivering(_) => ("delivering", None, None, None),
        RunStatus::Succeeded { rows, withheld } => ("succeeded", None, Some(*rows), *withheld),
        RunStatus::Failed(code) => ("failed", Some(code.to_string()), None, None),
        RunStatus::Cancelled(code) => ("cancelled", Some(code.to_string()), None, None),
    };
    wire::RunLine {
        run: id.to_string(),
        index: run.index,
        template: run.template.to_string(),
        digest: run.digest.to_string(),
        by: run.by.to_string(),
        room,
        requested_ms: run.requested_at_ms,
        state: state.to_owned(),
        why,
        rows,
        withheld,
    }
}
