//! Rooms: what is wanted there and what was seen.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The rooms of a collaboration on other platforms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rooms {
    /// In order of platform.
    pub rooms: Vec<Room>,
    /// Where the next page begins; none where this is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Room {
    /// Its platform.
    #[schema(example = "aws-clean-rooms")]
    pub room: String,
    /// How long the log was after its newest decision: what is wanted has not changed since.
    pub generation: u64,
    /// How long it was when the room was last seen otherwise than before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<u64>,
    /// Thing by thing.
    pub things: Vec<Held>,
    /// What holds, the gravest first.
    pub conditions: Vec<Condition>,
    /// When it was last looked at from this gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_ms: Option<i64>,
}

/// What is wanted of a thing, and what was seen of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// Which, in names.
    pub of: String,
    /// Whether it is wanted there.
    pub desired: bool,
    /// Whether the last recorded look saw it there.
    pub observed: bool,
}

/// Something that holds of a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// `settled`, `opening`, `closing`, `open-not-wanted`, `unsettled-calls`, `found-withdrawn`, `loosened`, `never-seen` or `no-worker`.
    pub kind: String,
    /// Why, in names.
    pub reason: String,
    /// Since when, where the log says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<i64>,
}

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "gateway", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum ExportForm {
    /// A shell script of AWS CLI commands.
    Cli,
    /// A `CloudFormation` template in JSON.
    Cloudformation,
    /// Terraform (provider awscc) in JSON.
    Terraform,
}

/// What the caller's member would make in a room, for its own pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// The document, in the form that was asked for.
    pub document: String,
}

/// A page of the waivers of an agreement that hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Waivers {
    /// The digest of the agreement that they were given for, and for no other.
    pub agreement: String,
    /// In order of room and term.
    pub waivers: Vec<WaiverGiven>,
    /// Where the next page begins; none where this is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Consent to a room's holding a term more loosely.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WaiverGiven {
    /// The platform.
    pub room: String,
    /// The term.
    #[schema(example = "templates.overlap.received_by")]
    pub at: String,
    /// The owners who consented and have not left.
    pub by: Vec<String>,
}
