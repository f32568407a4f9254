//! The store that could not be opened: it answers everything with the reason, so that a withdrawal can still be taken up.
//! Must not know what it stands for.

use super::{
    Appended, Fence, Head, Lease, Parties, Spent, Stands, Store, StoreError, Waiting, Waits,
};
use async_trait::async_trait;
use mappings::model::{CollaborationId, MemberId};
use std::time::Duration;

/// Holds nothing, and says why.
#[derive(Debug, Clone, Copy)]
pub struct ClosedStore(pub StoreError);

#[async_trait]
impl Store for ClosedStore {
    async fn append(
        &self,
        _: &CollaborationId,
        _: &Head,
        _: Appended,
        _: Option<&Fence>,
    ) -> Result<u64, StoreError> {
        Err(self.0)
    }

    async fn read(
        &self,
        _: &CollaborationId,
        _: u64,
        _: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        Err(self.0)
    }

    async fn size(&self, _: &CollaborationId) -> Result<u64, StoreError> {
        Err(self.0)
    }

    async fn head(&self, _: &CollaborationId) -> Result<Head, StoreError> {
        Err(self.0)
    }

    async fn sizes(&self) -> Result<Vec<(CollaborationId, u64)>, StoreError> {
        Err(self.0)
    }

    async fn logs_of(
        &self,
        _: &MemberId,
        _: Option<&CollaborationId>,
        _: usize,
    ) -> Result<Vec<(CollaborationId, Stands)>, StoreError> {
        Err(self.0)
    }

    async fn stands(
        &self,
        _: &CollaborationId,
        _: &MemberId,
    ) -> Result<Option<Stands>, StoreError> {
        Err(self.0)
    }

    async fn unprojected(
        &self,
        _: Option<&CollaborationId>,
        _: usize,
    ) -> Result<Vec<CollaborationId>, StoreError> {
        Err(self.0)
    }

    async fn project(&self, _: &CollaborationId, _: u64, _: &Parties) -> Result<bool, StoreError> {
        Err(self.0)
    }

    async fn spent(&self, _: &[u8; 32]) -> Result<Option<Spent>, StoreError> {
        Err(self.0)
    }

    async fn wait(&self, _: &Waiting) -> Result<(), StoreError> {
        Err(self.0)
    }

    async fn waiting(
        &self,
        _: &CollaborationId,
        _: &MemberId,
        _: usize,
    ) -> Result<Vec<Waits>, StoreError> {
        Err(self.0)
    }

    async fn take_back(
        &self,
        _: &CollaborationId,
        _: &MemberId,
        _: &[u8; 32],
    ) -> Result<bool, StoreError> {
        Err(self.0)
    }

    async fn spend(&self, _: &[u8; 32]) -> Result<bool, StoreError> {
        Err(self.0)
    }

    async fn acquire(&self, _: &str, _: &str, _: Duration) -> Result<Option<Lease>, StoreError> {
        Err(self.0)
    }

    async fn renew(&self, _: &Lease, _: Duration) -> Result<bool, StoreError> {
        Err(self.0)
    }

    async fn leases(&self, _: &str) -> Result<Vec<Lease>, StoreError> {
        Err(self.0)
    }

    async fn release(&self, _: &Lease) -> Result<bool, StoreError> {
        Err(self.0)
    }
}
