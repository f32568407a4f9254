//! Who calls, and the collaborations that it is part of.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who calls, as its token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Me {
    /// The member that it speaks for; an operator speaks for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "grocer")]
    pub member: Option<String>,
    /// Its roles.
    pub roles: Vec<String>,
    /// Until when its token is good.
    pub expires_ms: i64,
    /// The key under which this gateway signs logs: pin it.
    #[schema(example = "ed25519:5c8b…")]
    pub gateway_key: String,
    /// The key under which the member decides here, where this gateway holds one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_key: Option<String>,
}

/// A page of collaborations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Collaborations {
    /// In order of name.
    pub collaborations: Vec<Listed>,
    /// Where the next page begins; none where this is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// How close a member stands to a collaboration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Part of it.
    Member,
    /// Named in an agreement that waits.
    Invited,
    /// Was part of it.
    Former,
}

/// A collaboration in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Where the caller's member stands in it: `member`, `invited` or `former`.
    pub standing: String,
}

/// A collaboration as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Collaboration {
    /// Its name.
    pub name: String,
    /// Where the caller's member stands in it: `member`, `invited` or `former`.
    pub standing: String,
    /// Leaves in its log.
    pub leaves: u64,
    /// Why nothing is granted here now, by code, where that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
    /// The digest of the agreement in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<String>,
    /// The digest of the agreement that waits for members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<String>,
    /// What is withdrawn, in names.
    pub withdrawn: Vec<String>,
    /// What of that is in force in this gateway alone, until it can be put on record.
    pub pending: Vec<String>,
    /// Attempts to run that are left in the window that ends now.
    pub runs_left: u32,
}

/// The members of a collaboration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Members {
    /// In order of name.
    pub members: Vec<Member>,
    /// Where the next page begins; none where this is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its name in the agreement.
    pub member: String,
    /// `joined`, `invited`, `declined` or `revoked`.
    pub state: String,
    /// The key under which it decides, once it has shown one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}
