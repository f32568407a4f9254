//! Collaborations as they lie on the platform, whoever made them, as plain values. Must not know clients, nor what of it an
//! agreement can say.

use crate::rule::Rule;
use mappings::model::MemberId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Found {
    pub(crate) region: String,
    pub(crate) collaborations: Vec<Collaboration>,
    /// By account: what the operated members see of their own.
    pub(crate) own: BTreeMap<String, Own>,
    /// What could not be seen: on what, and the code of the error.
    pub(crate) unseen: Vec<(String, String)>,
    /// Collaborations that Airlock made for the same agreement and that were not named: their names.
    pub(crate) beside: BTreeSet<String>,
}

/// One collaboration, as its members see it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Collaboration {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) creator: String,
    pub(crate) members: Vec<Entry>,
    pub(crate) result_regions: Vec<String>,
    pub(crate) tables: Vec<Shared>,
    pub(crate) templates: Vec<Text>,
    /// What it has that agreements have no word for: fields, each with what it is set to.
    pub(crate) further: BTreeSet<String>,
}

/// A member's entry.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) account: String,
    pub(crate) display: String,
    /// `INVITED`, `ACTIVE`, `LEFT` or `REMOVED`.
    pub(crate) status: String,
    pub(crate) queries: bool,
    pub(crate) receives: bool,
    pub(crate) pays: bool,
    /// Abilities and payments that agreements have no word for.
    pub(crate) further: BTreeSet<String>,
}

/// A table as partners see it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Shared {
    pub(crate) name: String,
    pub(crate) creator: String,
    /// `TABLE`, or what else it is.
    pub(crate) kind: String,
    /// Columns with their types there, in lower case.
    pub(crate) columns: Vec<(String, String)>,
    pub(crate) rule: Option<TableRule>,
    /// Who may receive what is computed from it; `None` where nobody is named.
    pub(crate) receivers: Option<BTreeSet<String>>,
    /// What it has that agreements have no word for.
    pub(crate) further: BTreeSet<String>,
}

/// A rule of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TableRule {
    /// Templates, or whose every query.
    Custom(Custom),
    /// Groups that a runner asks for.
    Aggregation(Aggregation),
    /// Rows that a runner asks for.
    List { joins: BTreeSet<String>, lists: BTreeSet<String> },
    /// Of another type.
    Unknown(String),
}

/// A CUSTOM rule.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Custom {
    pub(crate) rule: Rule,
    /// Whether columns are allowed to be compared one by one; else all are.
    pub(crate) compares: bool,
    /// What it has that ours never have, such as providers whose every query is allowed.
    pub(crate) further: BTreeSet<String>,
}

/// An AGGREGATION rule.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Aggregation {
    /// Functions by the column that they may be used on.
    pub(crate) aggregates: BTreeMap<String, BTreeSet<String>>,
    pub(crate) joins: BTreeSet<String>,
    pub(crate) dimensions: BTreeSet<String>,
    pub(crate) join_required: bool,
    /// Columns of which there must be so many distinct values.
    pub(crate) constraints: BTreeMap<String, i32>,
    pub(crate) further: BTreeSet<String>,
}

/// A template.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Text {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) creator: String,
    /// Its SQL; `None` of one that is none.
    pub(crate) sql: Option<String>,
    pub(crate) parameters: Vec<Asked>,
    pub(crate) further: BTreeSet<String>,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) name: String,
    pub(crate) r#type: String,
    pub(crate) default: Option<String>,
}

/// What an operated member sees of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Own {
    pub(crate) member: Option<MemberId>,
    /// By collaboration and the table's name there.
    pub(crate) places: BTreeMap<(String, String), Place>,
}

/// A table of one's own in a collaboration.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) table: String,
    /// The configured table's name.
    pub(crate) named: String,
    /// Database and table, where it is a Glue table of the collaboration's Region.
    pub(crate) glue: Option<(String, String)>,
    /// What it is otherwise, such as `snowflake`.
    pub(crate) kind: String,
    pub(crate) columns: BTreeSet<String>,
    /// Caps: the period, how many uses, and whether it begins anew by itself.
    pub(crate) caps: Vec<(String, i32, bool)>,
    pub(crate) further: BTreeSet<String>,
}
