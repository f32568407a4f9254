//! What members decide, and what they get back.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Proof that a leaf is in the log that the gateway signed. Hashes are 64 hex digits each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The leaf's position; for a decision of several leaves, the last one's.
    pub index: u64,
    /// How many leaves the signed log has.
    pub size: u64,
    /// The root over them.
    pub root: String,
    /// The leaf's hash.
    pub leaf: String,
    /// The path from the leaf to the root (RFC 6962).
    pub inclusion: Vec<String>,
    /// The signed note over size and root (C2SP).
    pub checkpoint: String,
}

/// What a decision gives back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// The proof that it is on record.
    pub receipt: Receipt,
    /// The leaf itself, in base64: it says what was decided, in whose name, under whose signature.
    pub leaf_bytes: String,
}

/// An answer to the agreement that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The digest of the agreement that was looked at.
    #[schema(example = "sha256:3f6c…")]
    pub agreement: String,
}

/// A version of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// The digest of the version that was looked at.
    #[schema(example = "sha256:3f6c…")]
    pub digest: String,
}

/// Consent to a room's holding a term more loosely.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Waived {
    /// The platform.
    pub room: String,
    /// The term, as the assessment names it.
    pub at: String,
    /// The digest of the agreement that was looked at.
    pub agreement: String,
}

/// What is withdrawn, or offered again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum Thing {
    /// The caller's own membership.
    Membership {},
    /// A dataset that it owns.
    Dataset {
        /// Which.
        dataset: String,
    },
    /// A column of a dataset that it owns.
    Column {
        /// Of which dataset.
        dataset: String,
        /// Which.
        column: String,
    },
    /// A template version.
    Template {
        /// Which template, in its newest version.
        template: String,
    },
    /// Its own approval of a template version.
    Approval {
        /// Of which template, in its newest version.
        template: String,
    },
    /// The whole room.
    Room {},
}
