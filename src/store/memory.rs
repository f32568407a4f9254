//! The store that forgets: for tests and simulation, exact in everything but durability.

use super::{Appended, Head, Store, StoreError};
use async_trait::async_trait;
use mappings::model::CollaborationId;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Debug, Default)]
struct Kept {
    leaves: Vec<Vec<u8>>,
    checkpoint: Option<String>,
}

/// Logs in memory.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<BTreeMap<CollaborationId, Kept>>);

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn logs(&self) -> MutexGuard<'_, BTreeMap<CollaborationId, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn append(
        &self,
        collaboration: &CollaborationId,
        expected: u64,
        appended: Appended,
    ) -> Result<u64, StoreError> {
        let mut logs = self.logs();
        let size = logs.get(collaboration).map_or(0, |kept| kept.leaves.len() as u64);
        if size != expected {
            return Err(StoreError::Conflict { size });
        }
        let kept = logs.entry(collaboration.clone()).or_default();
        kept.leaves.extend(appended.leaves);
        kept.checkpoint = Some(appended.checkpoint);
        Ok(kept.leaves.len() as u64)
    }

    async fn read(
        &self,
        collaboration: &CollaborationId,
        from: u64,
        max: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let logs = self.logs();
        let leaves = logs.get(collaboration).into_iter().flat_map(|kept| kept.leaves.iter());
        Ok(leaves.skip(from).take(max).cloned().collect())
    }

    async fn size(&self, collaboration: &CollaborationId) -> Result<u64, StoreError> {
        Ok(self.logs().get(collaboration).map_or(0, |kept| kept.leaves.len() as u64))
    }

    async fn head(&self, collaboration: &CollaborationId) -> Result<Head, StoreError> {
        let head = |kept: &Kept| Head {
            size: kept.leaves.len() as u64,
            checkpoint: kept.checkpoint.clone(),
        };
        Ok(self.logs().get(collaboration).map(head).unwrap_or_default())
    }

    async fn collaborations(&self) -> Result<Vec<CollaborationId>, StoreError> {
        Ok(self.logs().keys().cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[tokio::test]
    async fn conforms() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        // Reopening a memory store is holding on to it.
        super::super::suite::conforms(|| std::future::ready(Arc::clone(&store))).await;
    }
}
