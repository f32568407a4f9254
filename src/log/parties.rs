//! Who is a party of a collaboration, told to the store with each append that changes it, and anew where the store does not know.
//! Must not know what a party is shown.

use super::fold::moves_parties;
use super::{ATTEMPTS_MAX, AgreementLog, FoldError, Leaf, LogError, Parties, State};
use mappings::model::CollaborationId;

/// Who the parties are once these leaves are there, which were checked; nothing when they are who they were.
pub(super) fn moved(state: &State, leaves: &[Leaf]) -> Result<Option<Parties>, FoldError> {
    if !leaves.iter().any(|leaf| moves_parties(&leaf.body)) {
        return Ok(None);
    }
    let mut next = state.clone();
    for leaf in leaves {
        next.apply_unsigned(leaf)?;
    }
    let parties = next.parties();
    Ok((parties != state.parties()).then_some(parties))
}

impl AgreementLog {
    /// Up to `max` collaborations of whose parties the store does not know who they are at the log's end, in order of name.
    pub async fn unprojected(
        &self,
        after: Option<&CollaborationId>,
        max: usize,
    ) -> Result<Vec<CollaborationId>, LogError> {
        Ok(self.store.unprojected(after, max).await?)
    }

    /// Tells the store who the parties of a log are, as its leaves say.
    pub async fn project(&self, collaboration: &CollaborationId) -> Result<(), LogError> {
        let known = self.known(collaboration);
        let mut known = known.lock().await;
        for _ in 0..ATTEMPTS_MAX {
            self.refresh(collaboration, &mut known).await?;
            let state = &known.own.state;
            if self.store.project(collaboration, state.size(), &state.parties()).await? {
                return Ok(());
            }
        }
        Err(LogError::Busy)
    }
}
