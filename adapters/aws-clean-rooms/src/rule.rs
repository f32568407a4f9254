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
pub(crate) fn threshold(dataset: &Dataset, touching: &[&Guarded]) -> Option<(String, i32)> {
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

#[cfg(test)]
mod tests {
    //! The controls of a rule, column by column.
    use super::*;
    use mappings::agreement::read;
    use mappings::guard::guard;

    const AGREEMENT: &str = "agreement: v1
collaboration: spring
members:
  grocer: { name: Grocer, abilities: [contribute] }
  brand: { name: Brand, abilities: [contribute, run, receive] }
rooms: [native]
datasets:
  sales:
    owner: grocer
    at: { native: 's3://sales/data/' }
    entity: person
    columns:
      person: { from: Mail_Hash, type: utf8, use: match, key: email, hashed: sha256-hex }
      segment: { from: Seg, type: utf8, use: dimension, activate: true }
      amount: { from: spent, type: float64, use: measure, aggregates: [sum] }
      store: { from: store_id, type: int64, use: filter }
    rule: { entities_min: 100, join: required, activation: { to: [brand], audience_min: 100 } }
    consent: { from: ads_ok, type: utf8, granted: ['yes'] }
    rows: [{ from: country, type: utf8, any_of: ['DE'] }]
  seen:
    owner: brand
    at: { native: 's3://seen/data/' }
    entity: person
    columns:
      person: { from: hash, type: utf8, use: match, key: email, hashed: sha256-hex }
    rule: { entities_min: 1 }
templates:
  reach:
    class: aggregate
    sql: SELECT s.segment, COUNT(DISTINCT s.person) AS people FROM sales s JOIN seen e ON s.person = e.person GROUP BY s.segment
    run_by: [brand]
    received_by: [brand]
  audience:
    class: activation
    sql: SELECT s.segment FROM sales s JOIN seen e ON s.person = e.person
    run_by: [brand]
    received_by: [brand]
destinations: { brand: 's3://results/' }
";

    fn sales(template: &str, text: &str) -> Rule {
        let agreement = read(text).unwrap_or_else(|problems| panic!("{problems:?}"));
        let guarded = guard(&agreement, &template.parse().unwrap()).unwrap();
        controls(&agreement.datasets[&"sales".parse().unwrap()], &[&guarded])
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_column_has_its_controls() {
        let rule = sales("reach", AGREEMENT);
        assert_eq!(rule.disallowed, set(&["ads_ok", "country", "store_id"]));
        assert_eq!(rule.literals, set(&["ads_ok", "country", "seg", "spent", "store_id"]));
        assert_eq!(rule.columns, set(&["mail_hash", "seg", "spent", "store_id"]));
        assert_eq!(rule.threshold, Some(("mail_hash".to_owned(), 100)));
        assert!(rule.analyses.is_empty() && !rule.foreign);
    }

    #[test]
    fn the_platforms_threshold_stands_only_where_it_can() {
        assert_eq!(sales("audience", AGREEMENT).threshold, None, "rows of single entities");
        let minimum = |n: &str| {
            let text = AGREEMENT.replace("audience_min: 100 ", "audience_min: 200000 ");
            let text = text.replace("entities_min: 100, join", &format!("entities_min: {n}, join"));
            sales("reach", &text).threshold.map(|(_, minimum)| minimum)
        };
        assert_eq!((minimum("1"), minimum("2")), (None, Some(2)));
        assert_eq!((minimum("100000"), minimum("100001")), (Some(100_000), None));
    }
}
