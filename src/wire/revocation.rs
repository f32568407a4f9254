//! Withdrawals and what became of them.

use super::Receipt;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A page of the withdrawals that platforms had to be closed for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Revocations {
    /// The oldest first.
    pub revocations: Vec<Revocation>,
    /// Where the next page begins: `after` of the request for it. None on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// A withdrawal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// The position of its leaf.
    pub index: u64,
    /// What was withdrawn or narrowed, in names.
    pub what: Vec<String>,
    /// `withdrawn` by a member, `found` withdrawn on a platform, or `narrowed` by a new version.
    pub cause: String,
    /// When. The native room denies from then on.
    pub at_ms: i64,
    /// Every platform that may have held it.
    pub rooms: Vec<RoomClosure>,
    /// Runs under way that were requested before it; each is stopped, or its result withheld.
    pub runs: Vec<String>,
    /// Whether it was seen closed everywhere.
    pub closed: bool,
}

/// A platform's part of a withdrawal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomClosure {
    /// The platform.
    pub room: String,
    /// The position of the leaf that says it was seen closed; none while it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<u64>,
    /// When that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<i64>,
    /// How long after the withdrawal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<i64>,
    /// Whole looks that agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads: Option<u32>,
    /// What became of an attempt to use it all the same: `denied` or `not-possible`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<String>,
    /// Calls that gave something there and may still take effect.
    pub late_calls: u64,
}

/// A withdrawal that is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Revoked {
    /// On record, for everybody; else in this gateway alone, on its disk, until its log can be written. Ask again for a receipt.
    pub durable: bool,
    /// The proof that it is on record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// The leaf itself, in base64, where it can be read now; else it is at its position in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaf_bytes: Option<String>,
    /// Why it is not, by code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}
