//! What a platform was seen to hold, and how sure we are that we saw all of it.

use mappings::model::{CollaborationId, DatasetName, Digest, TemplateName};
use serde::{Deserialize, Serialize};

/// What to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// One collaboration.
    pub collaboration: CollaborationId,
}

/// Whether an observation saw everything. Absence in a partial one is never read as deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// All of the scope was seen.
    Complete,
    /// Some of it was not.
    Partial,
}

/// What a resource is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResourceKind {
    /// Access of the room to a dataset.
    Dataset(DatasetName),
    /// Leave to run one template version.
    Template(TemplateName),
}

/// One thing a platform holds for a collaboration, as a whole value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Resource {
    /// What it is.
    pub kind: ResourceKind,
    /// Digest of its whole agreed value (of the dataset's terms, or of the template version).
    pub digest: Digest,
}

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Of what.
    pub scope: Scope,
    /// How completely.
    pub coverage: Coverage,
    /// The version of the native state; a step planned on another is refused.
    pub version: u64,
    /// What is held, sorted.
    pub resources: Vec<Resource>,
}
