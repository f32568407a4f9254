//! Templates, their approvals, and what each room runs for them.

use super::{Place, Threshold};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The templates of an agreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Templates {
    /// In order of name.
    pub templates: Vec<Template>,
    /// Where the next page begins; none where this is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A template version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Its name.
    pub template: String,
    /// The digest that names this version: what an approval approves.
    pub digest: String,
    /// Its text.
    pub sql: String,
    /// Its typed parameters.
    pub parameters: Vec<TemplateParameter>,
    /// Who may run it.
    pub run_by: Vec<String>,
    /// Who receives its results.
    pub received_by: Vec<String>,
    /// Owners who approved this version; where the guard refuses it, whoever did and did not take it back.
    pub approved_by: Vec<String>,
    /// Owners whose approval is missing; nobody where the guard refuses it.
    pub waits_for: Vec<String>,
    /// Why today's guard refuses it, place by place, and what would pass: it does not run, whoever approved it. None of one that passes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<Place>,
}

/// A page of the versions of an agreement that have a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateVersions {
    /// In the order in which they were proposed. A page may hold fewer than were asked for, or none, and still have a next one.
    pub versions: Vec<TemplateVersion>,
    /// Where the next page begins; none where this is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A template as one version of the agreement has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateVersion {
    /// The digest of the version of the agreement.
    pub agreement: String,
    /// The how manieth of the collaboration that is, from 1.
    pub number: u64,
    /// How that stands: `in-force`, `waiting`, `superseded` or `declined`.
    pub state: String,
    /// The position of the leaf that proposed it.
    pub index: u64,
    /// When.
    pub at_ms: i64,
    /// The digest that names the template's version there. The same digest is the same template, and its approvals hold of both.
    pub digest: String,
}

/// A parameter of a template. A run names its value as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateParameter {
    /// Its name.
    pub name: String,
    /// Its type: `int64`, `float64`, `utf8`, `boolean`, `date` or `timestamp`.
    #[serde(rename = "type")]
    pub of: String,
    /// The smallest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<serde_json::Value>,
    /// The largest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<serde_json::Value>,
    /// The only values; where there are none, all within the bounds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<serde_json::Value>,
    /// What is taken where a run names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<serde_json::Value>,
}

/// What the guard makes of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Explanation {
    /// Its name.
    pub template: String,
    /// The digest that names this version.
    pub digest: String,
    /// Its text as it was agreed; beside it, under `texts`, what each room runs.
    pub sql: String,
    /// Whether the guard passes it.
    pub passes: bool,
    /// Why the guard refuses it, place by place, and what would pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<Place>,
    /// What every row that leaves is backed by, and whose rule asks for it.
    pub thresholds: Vec<Threshold>,
    /// Each row is backed by so many distinct entities, dataset by dataset.
    pub entities_min: BTreeMap<String, u64>,
    /// What a reader should look at.
    pub warnings: Vec<String>,
    /// What each room runs.
    pub texts: BTreeMap<String, Text>,
}

/// The text for a room, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// SQL in the room's dialect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsaid: Option<String>,
}
