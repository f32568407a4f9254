//! The analysis rule of a dataset: CUSTOM, always. Agreements have templates and no analysts' own queries, so the rules that
//! admit those (AGGREGATION, LIST, and CUSTOM with any query) are never written. Pure.

use mappings::guard::Guarded;
use mappings::model::{ColumnType, ColumnUse, Dataset, ResultClass};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The platform's smallest and largest threshold.
const MINIMUM: std::ops::RangeInclusive<u64> = 2..=100_000;

/// A CUSTOM rule.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Rule {
    /// ARNs of the templates that may run.
    pub(crate) analyses: BTreeSet<String>,
    /// Distinct values of a column behind every row that leaves.
    pub(crate) threshold: Option<(String, i32)>,
    /// Columns that may be compared with constants.
    pub(crate) literals: BTreeSet<String>,
    /// Columns that may be compared with columns, joined on and grouped by.
    pub(crate) columns: BTreeSet<String>,
    /// Columns that no result is computed from.
    pub(crate) disallowed: BTreeSet<String>,
    /// Anything in it that none of ours has, such as providers whose every query is allowed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) foreign: bool,
}

impl Rule {
    /// The same controls for these templates.
    pub(crate) fn allowing(&self, analyses: BTreeSet<String>) -> Self {
        Self { analyses, ..self.clone() }
    }

    /// Whether everything but the templates is the same.
    pub(crate) fn controls_as(&self, other: &Self) -> bool {
        self.allowing(BTreeSet::new()) == other.allowing(BTreeSet::new())
    }
}

/// The rule of a dataset, before any template is allowed.
pub(crate) fn controls(dataset: &Dataset, touching: &[&Guarded]) -> Rule {
    let mut rule = Rule::default();
    let mut shown = BTreeSet::new();
    for column in dataset.columns.values() {
        let from = column.from.to_ascii_lowercase();
        match &column.r#use {
            ColumnUse::Match { keys } => {
                let keys = keys.iter().map(|key| key.from.to_ascii_lowercase());
                let keys: BTreeSet<String> = keys.collect();
                rule.columns.extend(keys.iter().cloned());
                shown.extend(keys);
            }
            // What is computed from a measure, such as a number of visits, may be compared and grouped by in a later stage.
            ColumnUse::Dimension | ColumnUse::Measure { .. } => {
                rule.literals.insert(from.clone());
                rule.columns.insert(from.clone());
                shown.insert(from);
            }
            ColumnUse::Filter => {
                rule.literals.insert(from.clone());
                rule.columns.insert(from.clone());
                rule.disallowed.insert(from);
            }
        }
    }
    let consent = dataset.consent.iter().map(|consent| &consent.from);
    for from in consent.chain(dataset.rows.iter().map(|filter| &filter.from)) {
        let from = from.to_ascii_lowercase();
        rule.literals.insert(from.clone());
        rule.disallowed.insert(from);
    }
    rule.disallowed.retain(|column| !shown.contains(column));
    rule.threshold = threshold(dataset, touching);
    rule
}

/// The platform's own threshold behind the template's: where the entity is one text column, and no template of this table
/// delivers rows of single entities.
fn threshold(dataset: &Dataset, touching: &[&Guarded]) -> Option<(String, i32)> {
    if touching.iter().any(|guarded| guarded.class == ResultClass::Activation) {
        return None;
    }
    let minimum = dataset.rule.entities_min;
    let uses = &dataset.columns.get(&dataset.entity)?.r#use;
    let ColumnUse::Match { keys } = uses else { return None };
    let [key] = keys.as_slice() else { return None };
    if key.r#type != ColumnType::Utf8 || !MINIMUM.contains(&minimum) {
        return None;
    }
    Some((key.from.to_ascii_lowercase(), i32::try_from(minimum).ok()?))
}
