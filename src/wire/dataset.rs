//! Datasets of an agreement.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The datasets of an agreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Datasets {
    /// In order of name.
    pub datasets: Vec<Dataset>,
    /// Where the next page begins; none where this is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A dataset as it is offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Its name.
    pub dataset: String,
    /// Who decides over it.
    pub owner: String,
    /// `offered`; `proposed`, while its agreement waits; or `withdrawn`.
    pub state: String,
    /// The match column that names whom the thresholds count.
    pub entity: String,
    /// The keys by which it is matched.
    pub keys: Vec<DatasetKey>,
    /// The columns that exist for templates.
    pub columns: Vec<DatasetColumn>,
    /// What may be computed on it.
    pub rule: DatasetRule,
    /// Columns of it that are withdrawn.
    pub withdrawn_columns: Vec<String>,
    /// Where it lies, platform by platform; said to its owner alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<BTreeMap<String, String>>,
}

/// A key by which it is matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DatasetKey {
    /// The match column.
    pub column: String,
    /// What kind of identifier it is: only the same kinds meet.
    #[schema(example = "email")]
    pub key: String,
    /// How a raw value is brought to one form.
    pub normalise: String,
    /// The form in which its owner hashed it, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hashed: Option<String>,
}

/// A column, and what it may be used for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DatasetColumn {
    /// Its name.
    pub column: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// `match`, `dimension`, `measure` or `filter`.
    #[serde(rename = "use")]
    pub used: String,
    /// The aggregates that are allowed on a measure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aggregates: Vec<String>,
    /// Whether it may leave in the rows of an activation.
    pub activate: bool,
}

/// What may be computed on a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DatasetRule {
    /// Distinct entities behind every row that leaves.
    pub entities_min: u64,
    /// `required`, where it may only be used matched with another member's data, or `optional`.
    pub join: String,
    /// Who may receive results; none where the templates say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receivers: Option<Vec<String>>,
    /// Who may receive rows of an activation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation_to: Option<Vec<String>>,
    /// The smallest audience that may leave in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience_min: Option<u64>,
    /// Whether rows without consent are dropped where it is read.
    pub consent: bool,
    /// How many row filters apply where it is read.
    pub row_filters: u64,
}
