//! What waits for a second person of a member.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What two people decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum ForTwo {
    /// The approval of a template version.
    Approval {
        /// Which template.
        template: String,
        /// The digest of the version.
        digest: String,
    },
    /// Consent to a room's holding a term more loosely.
    Waiver {
        /// The platform.
        room: String,
        /// The term, as the assessment names it.
        at: String,
    },
}

/// A decision that one person made, and that is none before a second one makes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Waits {
    /// The fingerprint of exactly this decision, 64 hex digits: the second person's has the same.
    pub id: String,
    /// What would be decided.
    pub what: ForTwo,
    /// The digest of the agreement that it would be decided on. With another one in its place it waits for nothing.
    pub agreement: String,
    /// Whether that agreement is still the one: nobody can second what is not on it.
    pub stands: bool,
    /// Who asked first, as a digest.
    pub asked_by: String,
    /// Whether that was the caller, who can't be the second as well.
    pub yours: bool,
    /// Since when.
    pub at_ms: i64,
    /// Until when somebody may second it.
    pub until_ms: i64,
}

/// All that waits for a second person of the caller's member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AllWaits {
    /// The oldest first.
    pub waiting: Vec<Waits>,
}
