//! What a verified log says.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A log that was read whole and found good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Verified {
    /// Leaves, each of which is legal where it stands.
    pub leaves: u64,
    /// Those of them that members signed, each under its own key.
    pub signatures: u64,
    /// The root that they hash to, which the checkpoint is over.
    pub root: String,
    /// The key that signed the checkpoint.
    pub key: String,
    /// The key that each member decides under: theirs to confirm.
    pub members: BTreeMap<String, String>,
    /// Runs and calls without an outcome.
    pub open: Vec<String>,
    /// Runs whose text this version would compile otherwise.
    pub other_texts: Vec<String>,
}
