//! What a run delivered to a member: where it lies, and the digest of the manifest there, by the log. Must not know who asks for it, nor how it is
//! read.

use super::App;
use crate::error::{Error, Result};
use crate::log::{Body, Proposal, Run, State};
use mappings::model::{Agreement, CollaborationId, Digest, MemberId};
use std::sync::Arc;

/// The same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    /// As the agreement had it under which it ran.
    pub(crate) destination: String,
    pub(crate) manifest: Digest,
}

impl App {
    /// The result of a run, as it went to a member; refused where none did.
    pub(crate) async fn received(
        &self,
        of: &CollaborationId,
        (state, run): (&State, &Run),
        member: &MemberId,
    ) -> Result<Received> {
        if run.open().is_some() {
            return Err(missing());
        }
        let ended = self.leaf_as(of, (member, state), run.newest).await?;
        let Some(
            Body::RunSucceeded { manifests: all, .. } | Body::RunFailed { delivered: all, .. },
        ) = ended.map(|leaf| leaf.body)
        else {
            return Err(missing());
        };
        let manifest = all.get(member).copied().ok_or_else(missing)?;
        let mut before = state.proposals().iter().rev().filter(|one| one.index < run.index);
        let proposal = before.find(|one| one.digest == run.agreement).ok_or_else(missing)?;
        let agreement = self.document(of, (member, state), proposal).await?;
        let destination = agreement.destinations.get(member).ok_or_else(missing)?.clone();
        Ok(Received { destination, manifest })
    }

    /// The document of a version for a member, from the state while it counts, else from its leaf.
    pub(crate) async fn document(
        &self,
        of: &CollaborationId,
        (member, state): (&MemberId, &State),
        proposal: &Proposal,
    ) -> Result<Arc<Agreement>> {
        let counts = [state.in_force(), state.waiting()].into_iter().flatten();
        if let Some(version) = counts.into_iter().find(|one| one.index == proposal.index) {
            return Ok(Arc::clone(&version.agreement));
        }
        let leaf = self.leaf_as(of, (member, state), proposal.index).await?;
        if let Some(Body::Proposed { agreement, digest }) = leaf.map(|leaf| leaf.body)
            && digest == proposal.digest
        {
            return Ok(Arc::new(*agreement));
        }
        Err(Error::failed("log-unreadable", "the leaf of a version is not what was read before"))
    }
}

fn missing() -> Error {
    Error::refused("result-missing", "the run delivered nothing to this member")
        .help("a run that has succeeded")
}
