//! The threshold: whose entities a group that leaves is counted in, and how many there must be. Knows nothing of what the
//! group shows.

use super::Resolver;
use super::code;
use super::refuse::{Resolved, refuse};
use super::relation::{Instance, Mark, Relation};
use crate::model::{ColumnUse, Dataset, DatasetName, JoinRule, ResultClass};
use sqlparser::tokenizer::Span;
use std::collections::{BTreeMap, BTreeSet};

/// What every group must be backed by: columns of entities, each with the least number of distinct ones.
#[derive(Debug, Clone, Default)]
pub(super) struct Backing {
    least: BTreeMap<String, u64>,
    /// Occurrences that are counted.
    of: BTreeSet<Instance>,
}

impl Backing {
    /// The columns and their minimums, in the order of their text.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, u64)> {
        self.least.iter().map(|(key, min)| (key.as_str(), *min))
    }

    /// The condition on a group.
    pub(super) fn having(&self) -> String {
        if self.least.is_empty() {
            return String::new();
        }
        let pairs = self.pairs().map(|(key, min)| format!("COUNT(DISTINCT {key}), {min}"));
        format!("\nHAVING airlock_at_least({})", pairs.collect::<Vec<_>>().join(", "))
    }

    /// An aggregate of a value that may be NULL: NULL itself unless enough entities have the value. A group of many may
    /// hold a value of one.
    pub(super) fn backed(&self, aggregate: String, value: &str) -> String {
        if self.least.is_empty() {
            return aggregate;
        }
        let having = self.pairs().map(|(key, min)| {
            format!("COUNT(DISTINCT CASE WHEN {value} IS NOT NULL THEN {key} END) >= {min}")
        });
        let having = having.collect::<Vec<_>>().join(" AND ");
        format!("CASE WHEN {having} THEN {aggregate} END")
    }

    /// Whether a group's threshold counts these entities: then they are enough, and not NULL.
    pub(super) fn counts(&self, of: &BTreeSet<Instance>) -> bool {
        !self.of.is_disjoint(of)
    }

    fn ask(&mut self, key: &str, min: u64) {
        let least = self.least.entry(key.to_owned()).or_default();
        *least = (*least).max(min);
    }
}

impl Resolver<'_> {
    /// The entities that must back a row over this relation, by the minimum that each dataset asks for; none for `None`.
    pub(super) fn backing(
        &mut self,
        relation: &Relation,
        at: Span,
        asks: impl Fn(&Dataset) -> Resolved<Option<u64>>,
    ) -> Resolved<Backing> {
        let mut backing = Backing::default();
        for instance in &relation.lineage {
            let Some((name, dataset)) = self.occurrence(*instance) else {
                continue;
            };
            let asked = asks(dataset).map_err(|refusal| refusal.rule_of(&dataset.owner, name))?;
            let Some(min) = asked else {
                continue;
            };
            let class = relation.class_of(&BTreeSet::from([*instance]));
            let key = relation
                .fields
                .iter()
                .find(|field| matches!(&field.mark, Mark::Key(key) if !key.of.is_disjoint(&class)));
            let key = key.ok_or_else(|| {
                let change = format!(
                    "add {} to the SELECT and GROUP BY of the stage before",
                    dataset.entity
                );
                let message =
                    format!("this counts entities of {name}, which an earlier stage dropped");
                refuse(code::ENTITY_LOST, at, message, change).rule_of(&dataset.owner, name)
            })?;
            if let Some(origin) = &key.origin {
                self.used.borrow_mut().insert(origin.clone());
            }
            backing.ask(&key.sql, min);
            backing.of.extend(&class);
            // One entity may have found several partners: those partners are not what its owner counts.
            if let Some(own) = relation.own.get(instance) {
                backing.ask(own, min);
            }
            self.thresholds.insert((name.clone(), min, dataset.owner.clone()));
        }
        Ok(backing)
    }

    /// Remembers the conditions under which groups of each protected dataset leave.
    pub(super) fn note_released(&mut self, relation: &Relation) {
        for instance in &relation.lineage {
            let protected = self.occurrence(*instance).filter(|(_, of)| of.rule.entities_min > 1);
            if let Some(name) = protected.map(|(name, _)| name.clone()) {
                self.released.entry(name).or_default().insert(relation.narrowed.clone());
            }
        }
    }

    /// What whoever approves the text should look at: no rule refuses it.
    pub(super) fn warnings(&self) -> Vec<String> {
        let differ = self.released.iter().filter(|(_, conditions)| conditions.len() > 1);
        let warning = |(name, _): (&DatasetName, _)| {
            format!(
                "stages over {name} differ in their conditions: subtracted, their figures tell about the few entities between them"
            )
        };
        differ.map(warning).collect()
    }

    /// Whether entities of this occurrence, once resolved to another dataset's, still have to be counted as their own.
    pub(super) fn counts_own(&self, instance: Instance) -> bool {
        self.dataset(instance).is_some_and(|dataset| {
            let entity = dataset.columns.get(&dataset.entity).map(|column| &column.r#use);
            let several = matches!(entity, Some(ColumnUse::Match { keys }) if keys.len() > 1);
            let activates = self.template.class == ResultClass::Activation;
            several && (dataset.rule.entities_min > 1 || activates)
        })
    }

    /// Refuses a dataset that may only be used matched with another member's data, and is not.
    pub(super) fn required_joins(&self, relation: &Relation, at: Span) -> Resolved<()> {
        for instance in relation.lineage.difference(&relation.matched) {
            let Some((name, dataset)) = self.occurrence(*instance) else {
                continue;
            };
            if dataset.rule.join == JoinRule::Required {
                let message = format!("{name} may only be used matched with another member's data");
                let change =
                    format!("inner-join {name} on its match key to another member's dataset");
                return Err(
                    refuse(code::JOIN_REQUIRED, at, message, change).rule_of(&dataset.owner, name)
                );
            }
        }
        Ok(())
    }
}
