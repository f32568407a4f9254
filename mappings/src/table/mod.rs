//! How a platform says each term of an agreement: one row a term, a type and a function, with its fidelity and the reason,
//! read from `tables/*.toml`. A table that leaves anything out, or says anything twice, is refused. Must not know any client.

mod term;
#[cfg(test)]
mod tests;

pub use term::Term;

use crate::model::{Aggregate, ColumnType};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a platform holds a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fidelity {
    /// As agreed.
    Exact,
    /// It admits less than agreed.
    Narrower,
    /// It admits more than agreed.
    Wider,
    /// It can't hold it at all.
    Unsupported,
}

/// Who closes the gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Residual {
    /// The gateway holds it.
    Gateway,
    /// It is compiled into the template's text.
    Template,
    /// The dataset's owner waived it, on record.
    Waived,
    /// Nobody: fine for exact and narrower, refused otherwise.
    None,
}

/// How one term is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TermRow {
    /// The term.
    pub term: Term,
    /// How the platform holds it by itself.
    pub fidelity: Fidelity,
    /// Who closes the gap.
    pub residual: Residual,
    /// The native construct; empty where there is none.
    #[serde(default)]
    pub construct: String,
    /// Why it is so, for people.
    pub reason: String,
    /// The page or paper that says so.
    pub source: String,
}

/// How one type is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeRow {
    /// The canonical type.
    pub r#type: ColumnType,
    /// How the platform holds it.
    pub fidelity: Fidelity,
    /// Its name there, as a column is declared.
    pub native: String,
    /// What differs, or why nothing does.
    pub reason: String,
    /// The page that says so.
    pub source: String,
}

/// How one function of templates is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionRow {
    /// Its name in templates.
    pub function: String,
    /// How the platform holds it.
    pub fidelity: Fidelity,
    /// How it is written there.
    pub native: String,
    /// What differs, or why nothing does.
    pub reason: String,
    /// The page that says so.
    pub source: String,
}

/// A platform's table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Every term.
    pub term: Vec<TermRow>,
    /// Every type.
    pub r#type: Vec<TypeRow>,
    /// Every function.
    pub function: Vec<FunctionRow>,
}

/// The functions and operators of templates, by the names that tables use.
pub const FUNCTIONS: [&str; 31] = [
    "count",
    "count-distinct",
    "sum",
    "avg",
    "min",
    "max",
    "lower",
    "upper",
    "trim",
    "ltrim",
    "rtrim",
    "substr",
    "length",
    "concat",
    "coalesce",
    "nullif",
    "abs",
    "round",
    "floor",
    "ceil",
    "greatest",
    "least",
    "date_trunc",
    "extract",
    "cast",
    "like",
    "case",
    "row_number",
    "rank",
    "dense_rank",
    "arithmetic",
];

const TYPES: [ColumnType; 7] = [
    ColumnType::Int64,
    ColumnType::Float64,
    ColumnType::Utf8,
    ColumnType::Boolean,
    ColumnType::Date,
    ColumnType::Timestamp,
    ColumnType::Binary,
];

/// Why a text is not a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// It is not TOML of this shape.
    #[error("not a table: {0}")]
    Shape(String),
    /// It leaves these out.
    #[error("no row for {}", .0.join(", "))]
    Missing(Vec<String>),
    /// It has more than one row for these, or a row for what is not in the language.
    #[error("more than one row, or none wanted, for {}", .0.join(", "))]
    Surplus(Vec<String>),
    /// A row without a reason, a source or a native name.
    #[error("no reason, source or native name for {}", .0.join(", "))]
    Bare(Vec<String>),
}

impl Table {
    /// Reads a table and holds it to completeness.
    pub fn read(text: &str) -> Result<Self, TableError> {
        let table: Self =
            toml::from_str(text).map_err(|error| TableError::Shape(error.message().to_owned()))?;
        table.complete()?;
        Ok(table)
    }

    fn complete(&self) -> Result<(), TableError> {
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        let types =
            |of: ColumnType| format!("type {}", serde_json::json!(of).as_str().unwrap_or_default());
        let named = self.term.iter().map(|row| row.term.to_string());
        let named = named.chain(self.r#type.iter().map(|row| types(row.r#type)));
        for name in
            named.chain(self.function.iter().map(|row| format!("function {}", row.function)))
        {
            *found.entry(name).or_default() += 1;
        }
        let wanted: Vec<String> = Term::ALL
            .iter()
            .map(ToString::to_string)
            .chain(TYPES.map(types))
            .chain(FUNCTIONS.map(|name| format!("function {name}")))
            .collect();
        let missing: Vec<String> =
            wanted.iter().filter(|name| !found.contains_key(*name)).cloned().collect();
        if !missing.is_empty() {
            return Err(TableError::Missing(missing));
        }
        let surplus = found.iter().filter(|(name, times)| **times > 1 || !wanted.contains(name));
        let surplus: Vec<String> = surplus.map(|(name, _)| name.clone()).collect();
        if !surplus.is_empty() {
            return Err(TableError::Surplus(surplus));
        }
        self.reasoned()
    }

    fn reasoned(&self) -> Result<(), TableError> {
        let empty = |parts: [&str; 2]| parts.into_iter().any(|part| part.trim().is_empty());
        let bare = self.term.iter().filter(|row| empty([&row.reason, &row.source]));
        let types = self.r#type.iter();
        let types = types.filter(|row| row.native.is_empty() || empty([&row.reason, &row.source]));
        let functions = self.function.iter();
        let functions =
            functions.filter(|row| row.native.is_empty() || empty([&row.reason, &row.source]));
        let bare: Vec<String> = bare
            .map(|row| row.term.to_string())
            .chain(types.map(|row| row.native.clone()))
            .chain(functions.map(|row| row.function.clone()))
            .collect();
        if bare.is_empty() { Ok(()) } else { Err(TableError::Bare(bare)) }
    }

    /// The row of a term.
    #[must_use]
    pub fn row(&self, term: Term) -> Option<&TermRow> {
        self.term.iter().find(|row| row.term == term)
    }

    /// The row of an aggregate.
    #[must_use]
    pub fn aggregate(&self, of: Aggregate) -> Option<&FunctionRow> {
        let name = serde_json::json!(of);
        self.function.iter().find(|row| Some(row.function.as_str()) == name.as_str())
    }
}

/// How AWS Clean Rooms says each term.
pub fn aws_clean_rooms() -> Result<Table, TableError> {
    Table::read(include_str!("../../tables/aws-clean-rooms.toml"))
}

/// How Snowflake says each term in shares of views under policies.
pub fn snowflake() -> Result<Table, TableError> {
    Table::read(include_str!("../../tables/snowflake.toml"))
}

/// How Snowflake says each term in a data clean room of its Collaboration API.
pub fn snowflake_dcr() -> Result<Table, TableError> {
    Table::read(include_str!("../../tables/snowflake-dcr.toml"))
}
