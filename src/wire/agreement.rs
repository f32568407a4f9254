//! Versions of an agreement, what differs between two of them, and where a caller is invited.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A page of the versions that there ever were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Agreements {
    /// In the order in which they were proposed.
    pub agreements: Vec<AgreementListed>,
    /// Where the next page begins; none where this is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A version in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgreementListed {
    /// Its digest.
    pub digest: String,
    /// The how manieth of the collaboration, from 1.
    pub number: u64,
    /// `in-force`, `waiting`, `superseded` or `declined`.
    pub state: String,
    /// Who proposed it: a member; or `gateway`, for one whose key the log did not know yet.
    pub proposed_by: String,
    /// The position of the leaf that proposed it.
    pub index: u64,
    /// When.
    pub at_ms: i64,
}

/// A version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgreementVersion {
    /// Its digest.
    pub digest: String,
    /// The how manieth of the collaboration, from 1.
    pub number: u64,
    /// `in-force`, `waiting`, `superseded` or `declined`.
    pub state: String,
    /// Who proposed it: a member; or `gateway`, for one whose key the log did not know yet.
    pub proposed_by: String,
    /// The position of the leaf that proposed it.
    pub index: u64,
    /// When.
    pub at_ms: i64,
    /// Who accepted it.
    pub accepted: Vec<String>,
    /// Who declined it, finally.
    pub declined: Vec<String>,
    /// The document itself, as `airlock schema` describes it.
    #[schema(value_type = Object)]
    pub document: serde_json::Value,
}

/// What differs between two versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgreementDiff {
    /// The digest of the one.
    pub from: String,
    /// The digest of the other.
    pub to: String,
    /// In order of place; none where the two say the same.
    pub changes: Vec<Change>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Where in the document; a room is named by its platform.
    #[schema(example = "datasets.sales.rule.entities_min")]
    pub path: String,
    /// What it is about: `member`, `dataset`, `column`, `rule`, `template`, `destination`, `room`, `limits` or `agreement`.
    pub of: String,
    /// `added`, `removed` or `changed`.
    pub change: String,
    /// What was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<serde_json::Value>,
    /// What is there then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<serde_json::Value>,
    /// Whether something of it is not said here, since it is another member's place or account.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withheld: bool,
}

/// A page of the collaborations that a caller's member is invited to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Invitations {
    /// In order of name. A page may hold fewer than were asked for, or none, and still have a next one.
    pub invitations: Vec<Invitation>,
    /// Where the next page begins; none where this is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// An invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Invitation {
    /// To which collaboration.
    pub collaboration: String,
    /// The digest of the agreement that waits; none where its log can't be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<String>,
    /// Who proposed it: a member; or `gateway`, for one whose key the log did not know yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed_by: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<i64>,
    /// Why nothing can be decided on it here now, by code, where that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
}
