//! What it takes to make a room as agreed, and how a member is reached there; each as one member may see it.

use super::Term;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A room as it is, and what it takes to make it as agreed. What is in another member's account is told by code and by whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomPlan {
    /// The platform.
    pub room: String,
    /// What runs can use there now, in names of the agreement.
    pub open: Vec<String>,
    /// What can be done now; what needs it first comes after.
    pub steps: Vec<PlanStep>,
    /// Whom it waits for.
    pub waiting: Vec<PlanWaits>,
    /// Whether something was done that does not show itself yet.
    pub pending: bool,
    /// What was withdrawn and is not seen closed there yet.
    pub closing: Vec<String>,
    /// What went wrong with the look.
    pub problems: Vec<PlanProblem>,
    /// How what was seen differs from what is wanted.
    pub drift: Vec<PlanDrift>,
    /// Terms that it does not hold exactly as agreed, who closes the gap, and which waivers are given or missing.
    pub losses: Vec<PlanLoss>,
    /// Terms held exactly as agreed.
    pub exact: u64,
    /// What it counts on of the platform that nobody saw there.
    pub unverified: Vec<Behaviour>,
}

/// Something that a room counts on of its platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Behaviour {
    /// Its stable code.
    #[schema(example = "view-text")]
    pub code: String,
    /// What is counted on.
    pub expects: String,
    /// `verified` or `unverified on a real account`.
    pub standing: String,
    /// Where it is otherwise: `closed` (less is given), `waived` (more is admitted, within what owners waived) or `differs` (a
    /// figure differs).
    pub otherwise: String,
    /// Why that is so.
    pub reason: String,
    /// The question of `airlock connections verify` that settles it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_by: Option<String>,
    /// The agreed terms that rest on it.
    pub terms: Vec<String>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanStep {
    /// What it does to access: `revoke`, `restrict`, `neutral` or `grant`.
    pub effect: String,
    /// The native call.
    pub call: String,
    /// In whose account, where it is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// What it changes; not said of another member's account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// What it waits for, by code, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    /// The same in words; not said of another member's account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Something that a member does whom this gateway does not operate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanWaits {
    /// Who.
    pub member: String,
    /// What it is about; said to that member alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// The act that would do it; said to that member alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<String>,
}

/// Something that went wrong with a look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanProblem {
    /// The stable code; `/problems/CODE` explains it.
    pub code: String,
    /// Whose part it is about, where it is one member's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
}

/// One difference between what was seen and what is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanDrift {
    /// `server-default`, `format-only`, `tightened`, `loosened` or `unknown`.
    pub class: String,
    /// In whose account, where it is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// On what; not said of another member's account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// What is known of it; not said of another member's account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// A term that a room does not hold exactly as agreed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanLoss {
    /// How it is held.
    pub held: Term,
    /// The owners who waived it.
    pub waived_by: Vec<String>,
    /// The owners whose waiver is missing; while there are any, nothing is given to the room.
    pub needs: Vec<String>,
}

/// That a room is looked at soon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LookAsked {
    /// The platform.
    pub room: String,
}

/// How the caller's member is reached on platforms, permission by permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionsTested {
    /// Everything that was tried.
    pub connections: Vec<ConnectionTested>,
}

/// One permission that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionTested {
    /// The platform.
    pub room: String,
    /// The permission, in the platform's words.
    #[schema(example = "cleanrooms:ListMemberships")]
    pub permission: String,
    /// Whether it works.
    pub works: bool,
    /// Why not, by code; `/problems/CODE` explains it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}
