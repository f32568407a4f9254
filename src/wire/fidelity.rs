//! How each room holds each agreed term.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Each agreed term by each room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Fidelity {
    /// The digest of the agreement that was assessed.
    pub agreement: String,
    /// The rooms, in the agreement's order.
    pub rooms: Vec<String>,
    /// The terms, in the order of the language.
    pub terms: Vec<TermHeld>,
    /// What each room counts on of its platform, in the order of the rooms.
    pub behaviours: Vec<Vec<super::Behaviour>>,
}

/// A term at one place of the agreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TermHeld {
    /// The term.
    #[schema(example = "datasets.rule.entities_min")]
    pub term: String,
    /// What it asks of a room.
    pub meaning: String,
    /// Where it stands in the agreement.
    #[schema(example = "datasets.customers.rule.entities_min")]
    pub at: String,
    /// How each room holds it, in the order of the rooms; none where the room was not asked for it.
    pub rooms: Vec<Option<RoomHeld>>,
}

/// How a room holds a term.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomHeld {
    /// The room.
    pub room: String,
    /// `exact`, `narrower`, `gateway` (the gateway holds it), `template` (it is compiled into the template), `waived`, `wider` (nothing is
    /// given to the room before it is waived) or `unsupported`.
    pub held: String,
    /// Who does it: `room`, `gateway`, `template` or `waiver`.
    pub by: String,
    /// What the room calls it; empty where it has no word for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub construct: String,
    /// Why it is so.
    pub reason: String,
    /// Owners who waived it.
    pub waived_by: Vec<String>,
    /// Owners without whose waiver nothing is given to the room.
    pub needs: Vec<String>,
}
