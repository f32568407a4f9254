//! The agreement log: leaves and proofs.

use super::Receipt;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A page of leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Leaves {
    /// In order of position.
    pub leaves: Vec<Leaf>,
    /// Where the next page begins; none where this is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A leaf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// Its position.
    pub index: u64,
    /// What it says, by kind.
    #[schema(example = "approved")]
    pub kind: String,
    /// Who: a member, or `gateway`.
    pub by: String,
    /// When.
    pub at_ms: i64,
    /// Its bytes, in base64: what is hashed, and what a signature in it is over.
    pub bytes: String,
    /// The proof that it is in the log; where one leaf was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
}

/// A proof that the longer log begins with the shorter one (RFC 6962).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// How long the shorter one is.
    pub old: u64,
    /// How long the longer one is.
    pub new: u64,
    /// The hashes, 64 hex digits each.
    pub hashes: Vec<String>,
}
