//! Runs as the log tells them, for a table.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Runs of a collaboration, as far as a caller sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunLines {
    /// The newest first.
    pub runs: Vec<RunLine>,
    /// How many there are, those left out here among them.
    pub all: u64,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunLine {
    /// Its name.
    pub run: String,
    /// The position of its request.
    pub index: u64,
    /// The template.
    pub template: String,
    /// The digest of its version.
    pub digest: String,
    /// Who asked.
    pub by: String,
    /// Where it runs.
    pub room: String,
    /// When it was asked for.
    pub requested_ms: i64,
    /// `requested`, `delivering`, `succeeded`, `failed` or `cancelled`.
    pub state: String,
    /// Why it failed or was cancelled, by code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Rows that left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Rows that were withheld by rule, where the platform says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<u64>,
}
