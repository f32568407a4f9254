//! Templates: SQL with typed parameters, immutable, named by digest.

use super::dataset::ColumnType;
use super::digest::Digest;
use super::ids::{MemberId, ParameterName, TemplateName};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A constant written in an agreement or bound to a parameter. It has no `Display` and its `Debug` hides the
/// value, so that it can't reach an error or a log by accident.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Literal {
    /// True or false.
    Boolean(bool),
    /// An integer.
    Int64(i64),
    /// A float; never NaN or infinite.
    Float64(f64),
    /// Text; dates as `YYYY-MM-DD`, timestamps as RFC 3339.
    Utf8(String),
}

impl Eq for Literal {}

impl fmt::Debug for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Boolean(_) => "Boolean(…)",
            Self::Int64(_) => "Int64(…)",
            Self::Float64(_) => "Float64(…)",
            Self::Utf8(_) => "Utf8(…)",
        })
    }
}

/// A typed parameter and its bounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its type.
    pub r#type: ColumnType,
    /// Smallest accepted value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Literal>,
    /// Largest accepted value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Literal>,
    /// The only accepted values; empty accepts all within the bounds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Literal>,
    /// Bound when a run names no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Literal>,
}

/// What kind of result leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResultClass {
    /// Groups, each backed by enough entities.
    Aggregate,
    /// Rows of matched entities, to declared receivers only; the runner sees a count.
    Activation,
}

/// An analysis template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// What leaves.
    pub class: ResultClass,
    /// The text, over the agreement's dataset and column names, parameters as `:name`.
    pub sql: String,
    /// Its parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<ParameterName, Parameter>,
    /// Who may run it.
    pub run_by: BTreeSet<MemberId>,
    /// Who receives its results.
    pub received_by: BTreeSet<MemberId>,
}

impl Template {
    /// The digest that names this version: over its name and canonical JSON.
    #[must_use]
    pub fn digest(&self, name: &TemplateName) -> Digest {
        Digest::of(&crate::agreement::canonical(
            &serde_json::json!({ "template": name, "version": self }),
        ))
    }
}
