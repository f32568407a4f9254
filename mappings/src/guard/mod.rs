//! What the template guard says of a template: the words that rooms, adapters and the command line share.
//! Knows nothing of engines or I/O.

use crate::model::{
    ColumnName, ColumnType, DatasetName, Digest, MemberId, ResultClass, TemplateName,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A template that passed, with the text that may run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guarded {
    /// The template.
    pub template: TemplateName,
    /// Its version.
    pub digest: Digest,
    /// What kind of result leaves.
    pub class: ResultClass,
    /// The datasets it touches.
    pub datasets: BTreeMap<DatasetName, DatasetUse>,
    /// The thresholds compiled into the text.
    pub thresholds: Vec<Threshold>,
    /// What leaves, in order.
    pub output: Vec<OutputColumn>,
    /// Readable, deterministic SQL for the native room.
    pub datafusion: String,
    /// The digest of that text.
    pub text_digest: Digest,
}

/// How a template uses one dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetUse {
    /// Who decides over it.
    pub owner: MemberId,
    /// The columns that the text reads, by their canonical names.
    pub columns: BTreeSet<ColumnName>,
}

/// One threshold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threshold {
    /// Whose entities are counted.
    pub dataset: DatasetName,
    /// Distinct entities behind every row that leaves.
    pub entities_min: u64,
    /// Whose rule asks for it.
    pub rule_of: MemberId,
}

/// One column that leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    pub r#type: ColumnType,
    /// What it is made of.
    pub origin: OutputOrigin,
}

/// What a column that leaves is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputOrigin {
    /// A dimension as it is.
    Dimension(DatasetName, ColumnName),
    /// An aggregate.
    Aggregate,
    /// Something computed from these.
    Expression,
}

/// A place in the template's text, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First line.
    pub line: u32,
    /// First column.
    pub column: u32,
    /// Last line.
    pub end_line: u32,
    /// Last column.
    pub end_column: u32,
}

/// Why a template doesn't pass, and the smallest change that would. Names only, never literals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Stable code.
    pub code: &'static str,
    /// Where in the text.
    pub span: Option<Span>,
    /// Whose rule, on which dataset.
    pub rule_of: Option<(MemberId, DatasetName)>,
    /// What was refused.
    pub message: String,
    /// What would pass.
    pub change: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(span) = &self.span {
            write!(f, "{}:{}: ", span.line, span.column)?;
        }
        write!(f, "{}: {}", self.code, self.message)?;
        if let Some((member, dataset)) = &self.rule_of {
            write!(f, " (rule of {member} on {dataset})")?;
        }
        write!(f, "; would pass: {}", self.change)
    }
}
