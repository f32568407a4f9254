//! A Spark SQL text that lies on a platform, read back into the language of templates: what it reads and how, and its question
//! without what Airlock wrote into it. Whoever uses what is heard has the guard judge it; of Airlock's own texts it is right when
//! the same text comes out again. Must not know rules, agreements or any platform's client.

mod dialect;
mod print;
mod scan;
#[cfg(test)]
mod tests;
mod undo;
mod uses;
mod view;
mod walk;

pub use scan::{KeyForm, Scan, Source, Within};
pub use uses::{Use, Way};
pub use view::hear_view;

use crate::model::Aggregate;
use sqlparser::ast::{Query, SetExpr};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of the tables that a text may read, by their names there.
pub type Catalog = BTreeMap<String, Table>;

/// A table's name in templates, and its columns' by their names there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// What templates call it.
    pub dataset: String,
    /// What templates call its columns.
    pub columns: BTreeMap<String, String>,
}

/// Why a text can't be read back, and what would do. Names only.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}; would pass: {change}")]
pub struct Unheard {
    /// What was met.
    pub message: String,
    /// What would pass.
    pub change: String,
}

/// A column of a table, both by their names there; in Airlock's own texts, by those of templates.
pub type Of = (String, String);

/// A text that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The question, in the language of templates.
    pub sql: String,
    /// Whether it has the form that Airlock gives its texts.
    pub is_own: bool,
    /// The tables that it reads; of Airlock's texts each with how it enters.
    pub tables: BTreeMap<String, Option<Scan>>,
    /// What it asks of the values of its parameters.
    pub bounds: BTreeMap<String, Within>,
    /// What becomes of each column.
    pub uses: BTreeMap<Of, Use>,
    /// Columns that it takes for the same in joins.
    pub equal: BTreeSet<(Of, Of)>,
    /// Of each table, how many entities back the groups with the fewest; 1 where a group asks for none. Without a group of it, none.
    pub least: BTreeMap<String, u64>,
    /// Where rows of entities leave: the smallest audience, 0 without one.
    pub audience: Option<u64>,
}

/// Reads a text. `dated` are the parameters that are dates or times.
pub fn hear(text: &str, catalog: &Catalog, dated: &BTreeSet<String>) -> Result<Heard, Unheard> {
    let mut query = dialect::parse(text)?;
    let (scans, bounds) = scan::take(&mut query)?;
    if !scans.is_empty() {
        undo::undo(&mut query, dated)?;
    }
    let mut walk = walk::Walk::new(catalog, scans);
    let audience = walk.audience(&mut query)?;
    walk.query(&mut query, audience.is_none())?;
    let sql = print::printed(&query)?;
    Ok(walk.heard(sql, bounds, audience))
}

fn unheard<T>(message: impl Into<String>, change: impl Into<String>) -> Result<T, Unheard> {
    Err(Unheard { message: message.into(), change: change.into() })
}

/// The SELECT that a query is.
fn select_of(query: &Query) -> Option<&sqlparser::ast::Select> {
    match &*query.body {
        SetExpr::Select(select) => Some(select),
        SetExpr::Query(_)
        | SetExpr::SetOperation { .. }
        | SetExpr::Values(_)
        | SetExpr::Insert(_)
        | SetExpr::Update(_)
        | SetExpr::Delete(_)
        | SetExpr::Merge(_)
        | SetExpr::Table(_) => None,
    }
}

fn select_of_mut(query: &mut Query) -> Option<&mut sqlparser::ast::Select> {
    match &mut *query.body {
        SetExpr::Select(select) => Some(select),
        SetExpr::Query(_)
        | SetExpr::SetOperation { .. }
        | SetExpr::Values(_)
        | SetExpr::Insert(_)
        | SetExpr::Update(_)
        | SetExpr::Delete(_)
        | SetExpr::Merge(_)
        | SetExpr::Table(_) => None,
    }
}

/// The aggregate of a function's name.
fn aggregate(name: &str, distinct: bool) -> Option<Aggregate> {
    Some(match (name.to_ascii_lowercase().as_str(), distinct) {
        ("count", true) => Aggregate::CountDistinct,
        ("count", false) => Aggregate::Count,
        ("sum", _) => Aggregate::Sum,
        ("avg", _) => Aggregate::Avg,
        ("min", _) => Aggregate::Min,
        ("max", _) => Aggregate::Max,
        (_, _) => return None,
    })
}
