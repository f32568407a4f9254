//! What the guard and the rooms say to an agreement, and thresholds as both are told.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An agreement that passes. Nothing of it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Checked {
    /// The collaboration that it names.
    pub collaboration: String,
    /// Its digest: what its members would accept.
    pub digest: String,
    /// Its templates, in order of name.
    pub templates: Vec<CheckedTemplate>,
    /// Its rooms, in its own order.
    pub rooms: Vec<Assessed>,
}

/// What the guard makes of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckedTemplate {
    /// Its name.
    pub template: String,
    /// The digest that names this version.
    pub digest: String,
    /// `aggregate` or `activation`.
    pub class: String,
    /// The datasets that it reads.
    pub datasets: Vec<String>,
    /// Who receives its results.
    pub received_by: Vec<String>,
    /// The columns that leave, in order.
    pub output: Vec<Output>,
    /// What every row that leaves is backed by.
    pub thresholds: Vec<Threshold>,
    /// What a reader should look at.
    pub warnings: Vec<String>,
}

/// A column that leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Its name.
    pub column: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
}

/// Every row that leaves is backed by so many distinct entities of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// Whose entities are counted.
    pub dataset: String,
    /// So many.
    pub entities_min: u64,
    /// The member whose rule asks for it.
    pub rule_of: String,
}

/// How a room holds an agreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assessed {
    /// Its platform.
    pub room: String,
    /// Term by term.
    pub terms: Vec<Term>,
}

/// How a room holds one term.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// Which term.
    pub term: String,
    /// Where it stands in the agreement.
    #[schema(example = "datasets.sales.rule.entities_min")]
    pub at: String,
    /// What the platform does with it: `exact`, `narrower`, `wider` or `unsupported`.
    pub fidelity: String,
    /// Who closes the gap: `gateway`, `template`, `waived` or `none`.
    pub residual: String,
    /// Why it is so.
    pub reason: String,
}
