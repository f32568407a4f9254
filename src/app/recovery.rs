//! What a killed process left open in a log is settled by the next command on it: a delivery whose manifests are all there
//! is recorded as done; anything less is taken back and recorded as failed; what it had in scratch is removed. A run of a living process is left alone.

use super::App;
use crate::error::Result;
use crate::log::{Body, Code, OpenRun, Run, RunStatus};
use crate::results::{self, Delivery, Place};
use mappings::model::{Agreement, CollaborationId, RunId};

impl App {
    /// Settles every open run of a collaboration that no living process works on.
    pub(super) async fn recover(&self, collaboration: &CollaborationId) -> Result<()> {
        self.home.sweep();
        let loaded = self.load(collaboration).await?;
        let Some(agreement) = loaded.state.agreement() else { return Ok(()) };
        for (run, known) in loaded.state.runs() {
            let Some(open) = known.open() else { continue };
            let Some(_ours) = self.home.claim(run)? else { continue };
            // Whoever had it may have ended it in between.
            let now = self.load(collaboration).await?;
            if now.state.runs().get(run).and_then(Run::open).is_none() {
                continue;
            }
            let body = self.settled(agreement, (collaboration, run), (known, open)).await?;
            self.record(collaboration, body).await?;
        }
        Ok(())
    }

    async fn settled(
        &self,
        agreement: &Agreement,
        (collaboration, run): (&CollaborationId, &RunId),
        (known, open): (&Run, &OpenRun),
    ) -> Result<Body> {
        let mut whole = matches!(known.status, RunStatus::Delivering(_));
        let mut places = Vec::new();
        for receiver in &open.receivers {
            let Some(destination) = agreement.destinations.get(receiver) else { continue };
            let place = Place::open(destination)?;
            let state = results::state(&place, collaboration, run).await?;
            let wanted =
                open.intended.as_ref().and_then(|(_, _, manifests)| manifests.get(receiver));
            whole &= matches!((state, wanted), (Delivery::Complete(found), Some(wanted)) if found == *wanted);
            places.push((place, state));
        }
        let run = run.clone();
        if let (true, Some((rows, withheld, manifests))) = (whole, open.intended.clone()) {
            return Ok(Body::RunSucceeded { run, rows, withheld, manifests });
        }
        for (place, state) in places {
            if state == Delivery::Partial {
                results::withdraw(&place, collaboration, &run).await?;
            }
        }
        Ok(Body::RunFailed { run, code: Code::interrupted() })
    }
}
