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

/// What a leaf says happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LeafKind {
    /// The log was opened.
    Opened,
    /// An agreement was put before its members.
    Proposed,
    /// A member accepted it.
    Joined,
    /// A member declined it.
    Declined,
    /// An owner approved a template.
    Approved,
    /// An owner consented to a room's holding a term more loosely.
    WaiverGiven,
    /// A member withdrew something.
    Revoked,
    /// A run was asked for.
    RunRequested,
    /// Runs were asked for at times to come.
    Scheduled,
    /// A schedule was ended.
    Unscheduled,
    /// A run of a schedule was refused when it was due.
    SlotRefused,
    /// A run ended without a result.
    RunFailed,
    /// A run was stopped, or its result withheld.
    RunCancelled,
    /// A result is about to be delivered.
    DeliveryIntended,
    /// Every receiver has the whole result.
    RunSucceeded,
    /// A result was opened to a recipient outside.
    ResultShared,
    /// A recipient got another token.
    RecipientKeyed,
    /// A share was taken away.
    ShareEnded,
    /// A recipient read.
    ShareRead,
    /// Something is about to be changed on a platform.
    EffectIntended,
    /// What became of that.
    EffectOutcome,
    /// What a platform was seen to hold.
    RoomObserved,
    /// Something was found taken away on a platform.
    FoundWithdrawn,
    /// It was offered again.
    Reoffered,
    /// A withdrawal was seen closed on a platform.
    RevocationConfirmed,
    /// A platform was seen to differ from what is agreed.
    DriftFound,
}
