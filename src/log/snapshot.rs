//! A log as it stands, for whoever carries it away piece by piece. Must not know where to.

use super::tree::Tree;
use super::{AgreementLog, LogError};
use crate::store::StoreError;
use mappings::model::CollaborationId;

/// A log that is what this gateway signed and saw: its hashes, and the signed head over them.
#[derive(Debug)]
pub struct Snapshot {
    /// How many leaves.
    pub size: u64,
    /// The signed head.
    pub note: String,
    /// The hashes, of exactly so many leaves.
    pub tree: Tree,
}

impl AgreementLog {
    /// The log as it stands. One in doubt gives none.
    pub async fn snapshot(&self, collaboration: &CollaborationId) -> Result<Snapshot, LogError> {
        let known = self.known(collaboration);
        let mut known = known.lock().await;
        self.refresh(collaboration, &mut known).await?;
        let (size, note) = (known.own.state.size(), known.own.note.clone());
        if size == 0 {
            return Err(LogError::NotFound);
        }
        Ok(Snapshot { size, note, tree: known.own.tree.clone() })
    }

    /// Some of its leaves as they are stored, at least one. Whoever asks holds them to a snapshot.
    pub async fn stored(
        &self,
        collaboration: &CollaborationId,
        from: u64,
        max: usize,
    ) -> Result<Vec<Vec<u8>>, LogError> {
        let page = self.store.read(collaboration, from, max).await?;
        if page.is_empty() { Err(StoreError::Corrupt.into()) } else { Ok(page) }
    }
}
