//! What flows between the stages of a template: columns with privacy marks, and the datasets behind them.

use crate::model::{Aggregate, ColumnName, ColumnType, DatasetName, KeyName, MemberId};
use std::collections::{BTreeMap, BTreeSet};

/// One occurrence of a dataset in a template: a position in [`super::scan::Scans`].
pub(super) type Instance = usize;

/// What may be done with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mark {
    /// A literal or parameter.
    Constant,
    /// A match key.
    Key(Key),
    /// Computed from dimensions; the column it is, when it is one as it stands.
    Dimension(Option<(DatasetName, ColumnName)>),
    /// Computed from at least one filter column.
    Filter,
    /// Computed from measures.
    Measure(Measure),
    /// A per-entity value, with the aggregates it may go into.
    Derived(BTreeSet<Aggregate>),
    /// An aggregate of the stage at hand.
    Aggregated(BTreeSet<Aggregate>),
    /// Passed a threshold; the column it was, when it was one.
    Released(Option<(DatasetName, ColumnName)>),
}

/// A measure, or a sum or product of measures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Measure {
    /// The aggregates that all their owners allow.
    pub(super) may: BTreeSet<Aggregate>,
    /// Whose they are.
    pub(super) owners: BTreeSet<MemberId>,
    /// How many stand in the longest product.
    pub(super) factors: usize,
}

/// A match key in a relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// The occurrences whose entity it is.
    pub(super) of: BTreeSet<Instance>,
    /// The dataset whose identity its values are.
    pub(super) space: DatasetName,
    /// Which of that dataset's match columns it is.
    pub(super) column: ColumnName,
    /// The kinds of key it can be matched by.
    pub(super) kinds: Vec<KeyName>,
    /// The occurrence, when it comes straight from a dataset.
    pub(super) scan: Option<Instance>,
    /// Whether its single keys stand beside it: they don't outside the dataset itself.
    pub(super) parts: bool,
    /// Whether it is NULL unless matched, and no threshold sees enough of the matched.
    pub(super) thin: bool,
}

/// A typed expression and its emitted text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Typed {
    pub(super) sql: String,
    /// `None` for NULL and for parameters before their type is known.
    pub(super) r#type: Option<ColumnType>,
    pub(super) mark: Mark,
    /// Whether it is a bare column reference.
    pub(super) bare: bool,
    /// How often columns of datasets stand in it, seen through all stages.
    pub(super) weight: u64,
}

/// A column of a relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// The relation's alias.
    pub(super) alias: String,
    /// The column's name in the template.
    pub(super) name: String,
    /// The emitted name, quoted and qualified.
    pub(super) sql: String,
    pub(super) r#type: ColumnType,
    pub(super) mark: Mark,
    /// The dataset's column it was read from, when it comes straight from a dataset.
    pub(super) origin: Option<(DatasetName, ColumnName)>,
    /// How often columns of datasets stand in it, seen through all stages.
    pub(super) weight: u64,
}

/// Rows with their columns.
#[derive(Debug, Clone, Default)]
pub(super) struct Relation {
    pub(super) fields: Vec<Field>,
    /// The occurrences whose rows have not passed a threshold. Empty: released.
    pub(super) lineage: BTreeSet<Instance>,
    /// Occurrences matched, by inner join or from the optional side, with another owner's data.
    pub(super) matched: BTreeSet<Instance>,
    /// Sets of occurrences whose entities are equal in every row.
    pub(super) classes: Vec<BTreeSet<Instance>>,
    /// The conditions that its rows passed, through all stages.
    pub(super) narrowed: BTreeSet<String>,
    /// Occurrences whose entities were resolved to another dataset's, with the column that still holds their own.
    pub(super) own: BTreeMap<Instance, String>,
}

impl Relation {
    /// Whether every row passed a threshold.
    pub(super) fn released(&self) -> bool {
        self.lineage.is_empty()
    }

    /// The occurrences whose entity equals this one's in every row.
    pub(super) fn class_of(&self, instances: &BTreeSet<Instance>) -> BTreeSet<Instance> {
        let touching = self.classes.iter().filter(|class| !class.is_disjoint(instances));
        touching.flatten().copied().chain(instances.iter().copied()).collect()
    }

    /// Takes away what may be counted or summed of rows that are NULL unless matched, where no threshold sees enough of
    /// the matched: an aggregate of those alone would be one with a condition in it. They may still be groups.
    pub(super) fn thin(&mut self) {
        for field in &mut self.fields {
            match &mut field.mark {
                Mark::Key(key) => key.thin = true,
                Mark::Measure(measure) => measure.may.clear(),
                Mark::Derived(may) => may.clear(),
                Mark::Dimension(origin) => *origin = None,
                Mark::Constant | Mark::Filter | Mark::Aggregated(_) | Mark::Released(_) => {}
            }
        }
    }

    /// Makes the entities of two sets equal.
    pub(super) fn equate(&mut self, one: &BTreeSet<Instance>, two: &BTreeSet<Instance>) {
        let mut merged: BTreeSet<Instance> = one.union(two).copied().collect();
        self.classes.retain(|class| {
            let apart = class.is_disjoint(&merged);
            if !apart {
                merged.extend(class);
            }
            apart
        });
        self.classes.push(merged);
    }
}

/// The name under which stages carry an occurrence's own entity.
pub(super) fn own_name(instance: Instance) -> String {
    format!("airlock_own_{instance}")
}

/// An identifier, quoted.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text literal, quoted.
pub(super) fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// The engine's name of a type.
pub(super) const fn sql_type(of: ColumnType) -> &'static str {
    match of {
        ColumnType::Int64 => "BIGINT",
        ColumnType::Float64 => "DOUBLE",
        ColumnType::Utf8 => "VARCHAR",
        ColumnType::Boolean => "BOOLEAN",
        ColumnType::Date => "DATE",
        ColumnType::Timestamp => "TIMESTAMP",
        ColumnType::Binary => "BYTEA",
    }
}
