//! What a platform was seen to hold, and how sure we are that we saw all of it.

use mappings::model::{Agreement, CollaborationId, DatasetName, Digest, MemberId, TemplateName};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// One collaboration.
    pub collaboration: CollaborationId,
    /// Its newest agreement, which names the members' accounts there.
    pub agreement: Arc<Agreement>,
    /// Other agreements that ever named this room: whoever was in one of them, under whichever account, is looked at as well.
    pub past: Vec<Arc<Agreement>>,
}

impl Scope {
    /// The collaboration of an agreement.
    #[must_use]
    pub fn of(agreement: &Arc<Agreement>) -> Self {
        let collaboration = agreement.collaboration.clone();
        Self { collaboration, agreement: Arc::clone(agreement), past: Vec::new() }
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
    /// A member's being in the room.
    Member(MemberId),
    /// An owner's part of the leave to run one template version.
    Approval(TemplateName, MemberId),
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
            Self::Member(member) => write!(f, "membership of {member}"),
            Self::Approval(template, member) => write!(f, "approval of {template} by {member}"),
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

/// Something seen that is neither missing nor too much.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Note {
    /// On what.
    pub kind: ResourceKind,
    /// Which of them.
    pub class: NoteClass,
    /// The platform's word for it, such as a field's name.
    pub at: String,
}

/// Why a difference is harmless, or unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoteClass {
    /// The platform filled in what nobody asked for, at the value that it documents.
    ServerDefault,
    /// The same value, written otherwise.
    FormatOnly,
    /// Something that this version has no word for: nothing is given on that thing.
    Unknown,
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
    /// Datasets that their owners keep there, whether or not anything may read them now, where the platform tells the difference:
    /// then all of them, those of members whom nobody here operates as the others see them. Where a dataset has several places, in
    /// each that it was brought to: one that its owner took out of any is not here, however many others still have it and can
    /// read it.
    pub offered: Option<BTreeSet<DatasetName>>,
    /// Members who are in, where the platform says so.
    pub members: BTreeSet<MemberId>,
    /// Owners whose part allows a template in every place that has it, where the platform tells whose it is.
    pub approvals: BTreeSet<(TemplateName, MemberId)>,
    /// Memberships and owners' parts that are in some place still, though not in each: not held any more, and not closed yet.
    pub remains: BTreeSet<ResourceKind>,
    /// What the platform positively says has ended for good: left, removed, deleted. Mere absence is not here.
    pub gone: BTreeSet<ResourceKind>,
    /// Differences that are no withdrawal and no widening.
    pub notes: BTreeSet<Note>,
    /// Everything that the adapter saw, in its own form, for its own `plan`.
    pub native: serde_json::Value,
}

impl Observation {
    /// A look that saw everything, on a platform that says no more than what runs can use.
    #[must_use]
    pub fn whole(scope: &Scope, version: u64, resources: Vec<Resource>) -> Self {
        Self {
            scope: scope.clone(),
            coverage: Coverage::Complete,
            unseen: BTreeMap::new(),
            version,
            resources,
            offered: None,
            members: BTreeSet::new(),
            approvals: BTreeSet::new(),
            remains: BTreeSet::new(),
            gone: BTreeSet::new(),
            notes: BTreeSet::new(),
            native: serde_json::Value::Null,
        }
    }
}
