//! Receipts: what a caller holds in hand after a decision, provable without asking the gateway again.

use super::checkpoint::{Checkpoint, CheckpointError};
use super::keys::PublicKey;
use super::tree::{Hash, verify_inclusion};
use mappings::model::CollaborationId;
use serde::{Deserialize, Serialize};

/// Proof that a leaf is in the log that the gateway signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The leaf's position; for a decision of several leaves, the last one's.
    pub index: u64,
    /// How many leaves the signed log has.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// The leaf's hash.
    pub leaf: Hash,
    /// The path from the leaf to the root.
    pub inclusion: Vec<Hash>,
    /// The signed note over size and root.
    pub checkpoint: String,
}

/// Why a receipt proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Its checkpoint is not good.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Its checkpoint is of another size or root than it says.
    #[error("the receipt contradicts its checkpoint")]
    Contradiction,
    /// Its path does not lead from the leaf to the root.
    #[error("the inclusion proof is wrong")]
    Proof,
}

impl Receipt {
    /// Whether the receipt proves its leaf in this collaboration's log under this gateway's key.
    pub fn verify(
        &self,
        gateway: &PublicKey,
        collaboration: &CollaborationId,
    ) -> Result<(), ReceiptError> {
        let signed = Checkpoint::verify(&self.checkpoint, gateway, collaboration)?;
        if (signed.size, signed.root) != (self.size, self.root) {
            return Err(ReceiptError::Contradiction);
        }
        if verify_inclusion(&self.leaf, self.index, self.size, &self.inclusion, &self.root) {
            Ok(())
        } else {
            Err(ReceiptError::Proof)
        }
    }
}
