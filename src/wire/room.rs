//! Rooms: what is wanted there and what was seen.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The rooms of a collaboration on other platforms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rooms {
    /// In order of platform.
    pub rooms: Vec<Room>,
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
