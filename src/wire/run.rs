//! Runs: what is asked, where one stands, and how far it is.

use super::Receipt;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A run that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunAsked {
    /// The template.
    pub template: String,
    /// The digest of the version that was looked at.
    #[schema(example = "sha256:3f6c…")]
    pub digest: String,
    /// The room that it runs in; `native` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
    /// Parameters by name, as text; each is read by its type.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// What it may take; never more than usual.
    #[serde(default)]
    pub limits: RunLimits,
}

/// What a run may take; what is left out is as usual.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RunLimits {
    /// Memory in MiB; 2048 usually. Beyond it operators spill to disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_mib_max: Option<u64>,
    /// Disk for spilling in MiB; 65536 usually.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spill_mib_max: Option<u64>,
    /// Rows of the result; 50000000 usually.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_max: Option<u64>,
    /// Wall time in seconds; 3600 usually.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_s_max: Option<u64>,
}

/// A run that is on record and under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunGiven {
    /// Its id: the same for the same key.
    pub run: String,
    /// The proof that its request is on record. It counts against the cap, whatever follows.
    pub receipt: Receipt,
    /// The leaf itself, in base64.
    pub leaf_bytes: String,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// On record; nothing is delivered.
    Requested,
    /// Its delivery is on record, its end is not.
    Delivering,
    /// Every receiver has the whole result.
    Succeeded,
    /// Without a result.
    Failed,
    /// Stopped, or its result withheld.
    Cancelled,
}

impl RunState {
    /// Whether nothing more comes of it.
    #[must_use]
    pub const fn is_end(self) -> bool {
        match self {
            Self::Requested | Self::Delivering => false,
            Self::Succeeded | Self::Failed | Self::Cancelled => true,
        }
    }
}

/// How far a run is that this gateway works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunPhase {
    /// It waits for its room, or the room reads and computes.
    Running,
    /// What came out is verified and written anew.
    Verifying,
    /// Files go to their receivers.
    Delivering,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Its id.
    pub run: String,
    /// The position of its request in the log.
    pub index: u64,
    /// The template.
    pub template: String,
    /// Its version.
    pub digest: String,
    /// The digest of the agreement that it runs under.
    pub agreement: String,
    /// The room.
    pub room: String,
    /// Who asked.
    pub by: String,
    /// Who receives its result.
    pub receivers: Vec<String>,
    /// When it was requested.
    pub requested_at_ms: i64,
    /// Where it stands.
    pub state: RunState,
    /// How far it is, where this gateway works on it. Rows read are nobody's to see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<RunPhase>,
    /// Why there is no result, by code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Rows of the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Groups (or audiences) that a threshold withheld; none where the room doesn't say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<u64>,
}

/// A page of runs, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Runs {
    /// The runs.
    pub runs: Vec<Run>,
    /// Where the next page begins: `before` of the request for it. None on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// The first rows of a result, as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResultRows {
    /// Each column's name and type.
    pub columns: Vec<(String, String)>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
    /// Rows in all.
    pub in_all: u64,
    /// Its files, by name.
    pub files: Vec<String>,
}
