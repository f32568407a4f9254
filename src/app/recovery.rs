//! What a run left open in a log is settled: when delivery fails, by the run itself; when a process was killed, by the
//! next command on that log in the same gateway. A delivery whose manifests are all there is recorded as done; of anything less, what has no
//! manifest is taken back, and the record names who got the whole result all the same. A run of a living process is left alone.

use super::App;
use crate::error::Result;
use crate::log::{Body, Code, Run};
use crate::results::{self, Delivery, Place};
use mappings::model::{CollaborationId, RunId};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a destination may keep a command waiting for what an older run left there.
const SETTLE_MAX: Duration = Duration::from_secs(10);

impl App {
    /// Settles every open run of a collaboration that no living process works on. One whose destination can't be seen
    /// now stays open for a later command; it keeps nobody from running.
    pub(super) async fn recover(&self, collaboration: &CollaborationId) -> Result<()> {
        self.home.sweep();
        let loaded = self.load(collaboration).await?;
        for (run, known) in loaded.state.runs() {
            // A claim is a file lock: it says nothing of a run that another gateway of a shared store works on.
            if known.open().is_none() || !self.home.requested(collaboration, run) {
                continue;
            }
            let Some(_ours) = self.home.claim(run)? else { continue };
            let settled = self.settle(collaboration, run, Code::interrupted());
            match tokio::time::timeout(SETTLE_MAX, settled).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%run, code = error.code, "an open run stays open"),
                Err(_) => tracing::warn!(%run, "an open run stays open: its storage is silent"),
            }
        }
        Ok(())
    }

    /// Ends a run that nothing works on any more, as its destinations say. Nothing happens to one that has ended.
    pub(super) async fn settle(
        &self,
        collaboration: &CollaborationId,
        run: &RunId,
        code: Code,
    ) -> Result<()> {
        let loaded = self.load(collaboration).await?;
        let Some(open) = loaded.state.runs().get(run).and_then(Run::open) else { return Ok(()) };
        let wanted = open.intended.as_ref().map(|(_, _, wanted)| wanted);
        let mut delivered = BTreeMap::new();
        for receiver in &open.receivers {
            let Some(destination) = open.agreement.destinations.get(receiver) else { continue };
            let place = Place::look(destination)?;
            match results::state(&place, collaboration, run).await? {
                Delivery::Complete(found)
                    if wanted.and_then(|all| all.get(receiver)) == Some(&found) =>
                {
                    delivered.insert(receiver.clone(), found);
                }
                Delivery::Complete(_) | Delivery::Absent if wanted.is_some() => {
                    let files = open.files.get(receiver).map_or(&[][..], Vec::as_slice);
                    results::withdraw(&place, collaboration, run, files).await?;
                }
                // Nothing of it was ever to be there.
                Delivery::Complete(_) | Delivery::Absent => {}
            }
        }
        let run = run.clone();
        let body = match open.intended.clone() {
            Some((rows, withheld, manifests)) if manifests == delivered => {
                Body::RunSucceeded { run, rows, withheld, manifests }
            }
            _ => Body::RunFailed { run, code, delivered },
        };
        self.record(collaboration, body).await?;
        Ok(())
    }
}
