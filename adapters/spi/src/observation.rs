//! What a platform was seen to hold, and how sure we are that we saw all of it.

use mappings::model::{Agreement, CollaborationId, DatasetName, Digest, MemberId, TemplateName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// One collaboration.
    pub collaboration: CollaborationId,
    /// Its newest agreement, which names the members' accounts there.
    pub agreement: Arc<Agreement>,
}

impl Scope {
    /// The collaboration of an agreement.
    #[must_use]
    pub fn of(agreement: &Arc<Agreement>) -> Self {
        Self { collaboration: agreement.collaboration.clone(), agreement: Arc::clone(agreement) }
    }
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
    /// Something that only the platform has a word for.
    Native(Native),
}

/// A platform's own thing, by whose it is, what it is and which.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Native {
    /// In whose account.
    pub member: MemberId,
    /// The platform's noun, such as `configured-table`.
    pub noun: String,
    /// Its name there.
    pub name: String,
}

impl std::fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Dataset(name) => write!(f, "dataset {name}"),
            Self::Template(name) => write!(f, "template {name}"),
            Self::Native(native) => {
                write!(f, "{} {} of {}", native.noun, native.name, native.member)
            }
        }
    }
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
    /// Members whom this gateway operates and could not look at, each with the code of what failed.
    pub unseen: BTreeMap<MemberId, String>,
    /// The version of the native state; a step planned on another is refused.
    pub version: u64,
    /// The datasets and templates that runs can use, sorted.
    pub resources: Vec<Resource>,
    /// Everything that the adapter saw, in its own form, for its own `plan`.
    pub native: serde_json::Value,
}
