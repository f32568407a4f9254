//! What a decision is about, and whether a leaf says just that. Pure.

use crate::log::{Actor, Body, Leaf, Revocable, TermPath};
use crate::wire;
use mappings::model::{
    CollaborationId, ColumnName, DatasetName, Digest, MemberId, PlatformId, RunId, TemplateName,
};
use std::fmt;

/// What is taken away, or offered again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Withdrawn {
    /// The member's own membership.
    Membership,
    /// A dataset.
    Dataset(DatasetName),
    /// A column of a dataset.
    Column(DatasetName, ColumnName),
    /// A template, in its newest version.
    Template(TemplateName),
    /// The member's own approval of a template.
    Approval(TemplateName),
    /// The whole room.
    Room,
}

impl fmt::Display for Withdrawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Membership => f.write_str("its membership"),
            Self::Dataset(dataset) => write!(f, "dataset {dataset}"),
            Self::Column(dataset, column) => write!(f, "column {dataset}.{column}"),
            Self::Template(template) => write!(f, "template {template}"),
            Self::Approval(template) => write!(f, "its approval of {template}"),
            Self::Room => f.write_str("the whole room"),
        }
    }
}

impl Withdrawn {
    pub(super) fn thing(&self) -> wire::Thing {
        match self {
            Self::Membership => wire::Thing::Membership {},
            Self::Dataset(dataset) => wire::Thing::Dataset { dataset: dataset.to_string() },
            Self::Column(dataset, column) => {
                wire::Thing::Column { dataset: dataset.to_string(), column: column.to_string() }
            }
            Self::Template(template) => wire::Thing::Template { template: template.to_string() },
            Self::Approval(template) => wire::Thing::Approval { template: template.to_string() },
            Self::Room => wire::Thing::Room {},
        }
    }

    /// Whether a leaf names the same. Which version of a template is the newest, the gateway says.
    fn is(&self, what: &Revocable, by: &MemberId) -> bool {
        match (self, what) {
            (Self::Membership, Revocable::Member { member }) => member == by,
            (Self::Dataset(dataset), Revocable::Dataset { dataset: named }) => dataset == named,
            (Self::Column(dataset, column), Revocable::Column { dataset: of, column: named }) => {
                (dataset, column) == (of, named)
            }
            (Self::Template(template), Revocable::Template { template: named, .. }) => {
                template == named
            }
            (Self::Approval(template), Revocable::Approval { template: named, of, .. }) => {
                template == named && of == by
            }
            (Self::Room, Revocable::Room) => true,
            _ => false,
        }
    }
}

/// What a member asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// An agreement, put before its members.
    Proposed(Digest),
    /// The agreement that waits, accepted.
    Joined(Digest),
    /// The agreement that waits, declined.
    Declined,
    /// A version of a template, approved.
    Approved(TemplateName, Digest),
    /// A room's holding a term more loosely, for one agreement.
    Waived(PlatformId, TermPath, Digest),
    /// Something taken away.
    Revoked(Withdrawn),
    /// Something offered again.
    Reoffered(Withdrawn),
    /// A run of a version of a template in a room, under an id.
    Requested(RunId, TemplateName, Digest, PlatformId),
    /// A run, stopped.
    Cancelled(RunId),
}

impl About {
    /// Whether a leaf says that this member did this, in this collaboration.
    pub(super) fn is(&self, leaf: &Leaf, by: &MemberId, of: &CollaborationId) -> bool {
        let own = leaf.actor == Actor::Member(by.clone());
        // Before a member has shown a key, the gateway writes down that it proposed.
        let own = own || matches!(self, Self::Proposed(_)) && leaf.actor == Actor::Gateway;
        leaf.collaboration == *of && own && self.said(&leaf.body, by)
    }

    fn said(&self, body: &Body, by: &MemberId) -> bool {
        match (self, body) {
            (Self::Proposed(asked), Body::Proposed { agreement, digest }) => {
                asked == digest && agreement.digest() == *digest
            }
            (Self::Joined(asked), Body::Joined { member, agreement, .. }) => {
                member == by && asked == agreement
            }
            (Self::Declined, Body::Declined { member }) => member == by,
            (Self::Approved(name, asked), Body::Approved { member, template, digest }) => {
                member == by && (name, asked) == (template, digest)
            }
            (
                Self::Waived(room, place, asked),
                Body::WaiverGiven { member, platform, at, agreement },
            ) => member == by && (room, place, asked) == (platform, at, agreement),
            (Self::Revoked(thing), Body::Revoked { by: member, what })
            | (Self::Reoffered(thing), Body::Reoffered { by: member, what }) => {
                member == by && thing.is(what, by)
            }
            (
                Self::Requested(id, name, asked, room),
                Body::RunRequested { run, template, digest, platform, by: member, .. },
            ) => member == by && (id, name, asked, room) == (run, template, digest, platform),
            (Self::Cancelled(id), Body::RunCancelled { run, .. }) => id == run,
            _ => false,
        }
    }
}
