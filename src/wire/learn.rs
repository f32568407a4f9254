//! What each member could learn, and by which rule.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an agreement lets each member learn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Learnable {
    /// The digest of the agreement.
    pub agreement: String,
    /// Attempts to run, of all members and templates together …
    pub runs_max: u32,
    /// … in any so many seconds.
    pub within_s: u64,
    /// In order of name.
    pub members: Vec<Learner>,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Learner {
    /// Which.
    pub member: String,
    /// Datasets that are its own.
    pub owns: Vec<String>,
    /// What it learns from each template that it runs or receives.
    pub templates: Vec<Learnt>,
}

/// What a member learns from a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Learnt {
    /// Which.
    pub template: String,
    /// `aggregate` or `activation`.
    pub class: String,
    /// Whether it may run it. Of a result that goes to others it sees how many rows left.
    pub runs: bool,
    /// Whether the result comes to it.
    pub receives: bool,
    /// What leaves, in order.
    pub columns: Vec<LearntColumn>,
    /// What is read for it.
    pub reads: Vec<LearntFrom>,
    /// Distinct entities behind every row that leaves, or behind the audience as a whole.
    pub thresholds: Vec<LearntMin>,
    /// Parameters that its runner chooses.
    pub parameters: Vec<String>,
}

/// A column that leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LearntColumn {
    /// Its name.
    pub name: String,
    /// The column whose values it shows as they are, `DATASET.COLUMN`; none where it is computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shows: Option<String>,
    /// Whose that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

/// A dataset that is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LearntFrom {
    /// Which.
    pub dataset: String,
    /// Whose rule holds of it.
    pub owner: String,
    /// The columns that are read.
    pub columns: Vec<String>,
    /// Whether it is used only joined with another member's data.
    pub join_required: bool,
    /// Whether rows without consent are left out.
    pub consent: bool,
    /// Whether rows outside the owner's filter are left out.
    pub filtered: bool,
}

/// So many distinct entities at least.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LearntMin {
    /// Of which dataset.
    pub dataset: String,
    /// How many.
    pub entities_min: u64,
    /// Whose rule asks for it.
    pub rule_of: String,
}
