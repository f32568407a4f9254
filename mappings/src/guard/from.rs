//! FROM: datasets and stages, joined on match keys and nothing less; entities of several keys resolved to the first dataset.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's enums grow; whatever is not named here is refused"
)]

use super::Resolver;
use super::code;
use super::expression::{Names, Scope};
use super::measure::FACTORS_MAX;
use super::refuse::{Resolved, refuse};
use super::relation::{Field, Instance, Key, Mark, Measure, Relation, Typed, own_name, quoted};
use super::scan::{keys_of, part};
use super::typing::{folded, shown};
use crate::model::{ColumnName, ColumnUse, DatasetName, KeyName};
use sqlparser::ast::{
    BinaryOperator, Expr, Ident, Join, JoinConstraint, JoinOperator, ObjectNamePart, Spanned,
    TableAlias, TableFactor, TableWithJoins,
};
use sqlparser::tokenizer::Span;
use std::collections::BTreeSet;

/// What stands in FROM so far: its rows, and its text.
pub(super) struct Source {
    pub(super) relation: Relation,
    pub(super) sql: String,
}

/// One side of a join before it is joined.
struct Side {
    relation: Relation,
    /// The text without its alias: a quoted name, or a derived table.
    body: String,
    alias: String,
    at: Span,
}

impl Resolver<'_> {
    pub(super) fn from(&mut self, from: &[TableWithJoins], at: Span) -> Resolved<Source> {
        let [one] = from else {
            let message = "FROM takes one relation and its joins";
            return Err(refuse(
                code::JOIN_KIND,
                at,
                message,
                "write JOIN … ON … instead of a comma",
            ));
        };
        let first = self.factor(&one.relation)?;
        let mut source = Source {
            sql: format!("{} AS {}", first.body, quoted(&first.alias)),
            relation: first.relation,
        };
        for join in &one.joins {
            self.join(&mut source, join)?;
        }
        Ok(source)
    }

    fn factor(&mut self, factor: &TableFactor) -> Resolved<Side> {
        let outside = || {
            refuse(
                code::CLAUSE,
                factor.span(),
                "FROM takes datasets, stages and derived tables",
                "a plain name, or (SELECT …) AS name",
            )
        };
        match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                with_hints,
                version: None,
                with_ordinality: false,
                partitions,
                json_path: None,
                sample: None,
                index_hints,
            } if with_hints.is_empty() && partitions.is_empty() && index_hints.is_empty() => {
                let [ObjectNamePart::Identifier(name)] = name.0.as_slice() else {
                    let message = "a dataset is named without a schema";
                    return Err(refuse(
                        code::DATASET_UNKNOWN,
                        factor.span(),
                        message,
                        "the dataset's own name",
                    ));
                };
                self.named(name, alias.as_ref())
            }
            TableFactor::Derived { lateral: false, subquery, alias: Some(alias), sample: None } => {
                let alias = alias_of(alias)?;
                let (relation, sql) = self.query(subquery, false)?;
                let body = format!("(\n{sql}\n)");
                Ok(Side { relation: renamed(relation, &alias), body, alias, at: factor.span() })
            }
            _ => Err(outside()),
        }
    }

    fn named(&mut self, name: &Ident, alias: Option<&TableAlias>) -> Resolved<Side> {
        let known = folded(name);
        let alias = alias.map_or_else(|| Ok(known.clone()), alias_of)?;
        let body = quoted(&known);
        if let Some(stage) = self.stages.get(&known) {
            return Ok(Side {
                relation: renamed(stage.clone(), &alias),
                body,
                alias,
                at: name.span,
            });
        }
        let dataset = DatasetName::new(&known)
            .ok()
            .filter(|known| self.agreement.datasets.contains_key(known));
        let Some(dataset) = dataset else {
            let all: Vec<&str> = self.agreement.datasets.keys().map(DatasetName::as_str).collect();
            return Err(refuse(
                code::DATASET_UNKNOWN,
                name.span,
                format!("no dataset or stage {}", shown(name)),
                all.join(", "),
            ));
        };
        Ok(Side { relation: self.scan(&dataset, &alias), body, alias, at: name.span })
    }

    /// A new occurrence of a dataset.
    fn scan(&mut self, name: &DatasetName, alias: &str) -> Relation {
        let instance = self.occurrences.len();
        self.occurrences.push(name.clone());
        let mut relation = Relation { lineage: BTreeSet::from([instance]), ..Relation::default() };
        let Some(dataset) = self.agreement.datasets.get(name) else {
            return relation;
        };
        for (column, declared) in &dataset.columns {
            let origin = Some((name.clone(), column.clone()));
            let mark = match &declared.r#use {
                ColumnUse::Dimension => Mark::Dimension(origin.clone()),
                ColumnUse::Filter => Mark::Filter,
                ColumnUse::Measure { aggregates } => Mark::Measure(Measure {
                    may: aggregates.clone(),
                    owners: BTreeSet::from([dataset.owner.clone()]),
                    factors: 1,
                }),
                ColumnUse::Match { keys } => Mark::Key(Key {
                    of: (*column == dataset.entity).then_some(instance).into_iter().collect(),
                    space: name.clone(),
                    column: column.clone(),
                    kinds: keys.iter().map(|key| key.key.clone()).collect(),
                    scan: Some(instance),
                    parts: true,
                    thin: false,
                }),
            };
            relation.fields.push(Field {
                alias: alias.to_owned(),
                name: column.to_string(),
                sql: format!("{}.{}", quoted(alias), quoted(column.as_str())),
                r#type: declared.r#type,
                mark,
                origin,
                weight: 1,
            });
        }
        relation
    }

    fn join(&mut self, source: &mut Source, join: &Join) -> Resolved<()> {
        let right = self.factor(&join.relation)?;
        if source.relation.fields.iter().any(|field| field.alias == right.alias) {
            return Err(refuse(
                code::NAME,
                right.at,
                "two relations have one alias",
                "give each its own alias",
            ));
        }
        let kind = |change: &str| {
            refuse(code::JOIN_KIND, right.at, "only INNER and LEFT joins with ON", change)
        };
        let (outer, on) = match &join.join_operator {
            JoinOperator::Join(JoinConstraint::On(on))
            | JoinOperator::Inner(JoinConstraint::On(on)) => (false, Some(on)),
            JoinOperator::Left(JoinConstraint::On(on))
            | JoinOperator::LeftOuter(JoinConstraint::On(on)) => (true, Some(on)),
            JoinOperator::CrossJoin(JoinConstraint::None) => (false, None),
            _ => {
                return Err(kind("JOIN … ON a.key = b.key, or LEFT JOIN … ON a.key = b.key"));
            }
        };
        match (source.relation.released(), right.relation.released()) {
            (true, true) => self.join_released(source, right, outer, on),
            (false, false) => match on {
                Some(on) => self.join_rows(source, right, outer, on),
                None => Err(kind("JOIN … ON a.key = b.key")),
            },
            (_, _) => Err(refuse(
                code::MIXED_STAGES,
                right.at,
                "rows that passed a threshold can't be joined with rows that did not",
                "aggregate both sides in CTEs, and join those",
            )),
        }
    }

    fn join_released(
        &self,
        source: &mut Source,
        right: Side,
        outer: bool,
        on: Option<&Expr>,
    ) -> Resolved<()> {
        source.relation.fields.extend(right.relation.fields);
        let verb = match (outer, on) {
            (true, _) => "LEFT JOIN",
            (false, Some(_)) => "JOIN",
            (false, None) => "CROSS JOIN",
        };
        source.sql = format!("{}\n{verb} {} AS {}", source.sql, right.body, quoted(&right.alias));
        if let Some(on) = on {
            let names = self.names();
            let condition = scope(&names, &source.relation).condition(on)?;
            source.sql = format!("{} ON {}", source.sql, condition.sql);
        }
        Ok(())
    }

    fn join_rows(
        &self,
        source: &mut Source,
        mut right: Side,
        outer: bool,
        on: &Expr,
    ) -> Resolved<()> {
        if !source.relation.lineage.is_disjoint(&right.relation.lineage) {
            let change = "write the stage as a second CTE";
            return Err(refuse(
                code::MIXED_STAGES,
                right.at,
                "one stage stands twice in FROM",
                change,
            ));
        }
        let mut pairs = Vec::new();
        conjuncts(on, &mut pairs);
        let mut equalities = Vec::new();
        let mut keyed = false;
        for conjunct in pairs {
            let (one, two) = self.sides(source, &right, conjunct)?;
            match (&one.mark, &two.mark) {
                (Mark::Key(left), Mark::Key(other)) => {
                    let (left, other) = (left.clone(), other.clone());
                    let resolved = self.match_keys(&left, &other, &mut right, conjunct)?;
                    equalities.push(format!("{} = {}", one.sql, resolved.unwrap_or(two.sql)));
                    self.note_match(source, &right.relation, (&left, &other), outer);
                    keyed = true;
                }
                (Mark::Dimension(_), Mark::Dimension(_)) if one.r#type == two.r#type => {
                    equalities.push(format!("{} = {}", one.sql, two.sql));
                }
                (_, _) => return Err(join_key(conjunct.span())),
            }
        }
        if !keyed {
            return Err(join_key(on.span()));
        }
        let verb = if outer { "LEFT JOIN" } else { "JOIN" };
        source.sql = format!(
            "{}\n{verb} {} AS {} ON {}",
            source.sql,
            right.body,
            quoted(&right.alias),
            equalities.join(" AND ")
        );
        self.powers(&source.relation, &right)?;
        if outer && self.entities_min(&right.relation) < self.entities_min(&source.relation) {
            right.relation.thin();
        }
        let (to, from) = (&mut source.relation, right.relation);
        to.fields.extend(from.fields);
        to.lineage.extend(from.lineage);
        to.matched.extend(from.matched);
        to.own.extend(from.own);
        to.narrowed.extend(from.narrowed);
        for class in from.classes {
            to.equate(&class.clone(), &class);
        }
        Ok(())
    }

    /// Refuses a protected dataset joined with itself too often: rows multiply by entity, and sums of high powers are the
    /// maximum.
    fn powers(&self, source: &Relation, right: &Side) -> Resolved<()> {
        let all = || source.lineage.iter().chain(&right.relation.lineage);
        for (name, dataset) in all().filter_map(|instance| self.occurrence(*instance)) {
            let times =
                all().filter(|other| self.occurrences.get(**other).is_some_and(|of| of == name));
            if dataset.rule.entities_min > 1 && times.count() > FACTORS_MAX {
                let message = format!("{name} stands more than {FACTORS_MAX} times in one join");
                let change = "one stage per entity with several aggregates in it";
                return Err(refuse(code::MIXED_STAGES, right.at, message, change)
                    .rule_of(&dataset.owner, name));
            }
        }
        Ok(())
    }

    /// The most that a threshold asks for over these rows.
    fn entities_min(&self, relation: &Relation) -> u64 {
        let datasets = relation.lineage.iter().filter_map(|instance| self.dataset(*instance));
        datasets.map(|dataset| dataset.rule.entities_min.max(1)).max().unwrap_or(1)
    }

    /// The two columns of an equality, the left relation's first.
    fn sides(&self, source: &Source, right: &Side, conjunct: &Expr) -> Resolved<(Typed, Typed)> {
        let Expr::BinaryOp { left: one, op: BinaryOperator::Eq, right: two } = conjunct else {
            let message = "ON takes equalities between the two sides, and nothing else";
            let change = "the condition in WHERE; before a LEFT JOIN, in a CTE of the optional side that keeps its entity";
            return Err(refuse(code::JOIN_KEY, conjunct.span(), message, change));
        };
        let names = self.names();
        let (before, after) = (scope(&names, &source.relation), scope(&names, &right.relation));
        let found = match (before.resolve(one), after.resolve(two)) {
            (Ok(one), Ok(two)) => (one, two),
            (first, second) => match (before.resolve(two), after.resolve(one)) {
                (Ok(one), Ok(two)) => (one, two),
                // Of the two orders, the one that finds its columns says what is wrong.
                (third, fourth) => {
                    let refused =
                        [first, second, third, fourth].into_iter().filter_map(Result::err);
                    let mut refused: Vec<_> = refused.collect();
                    refused.sort_by_key(|refusal| refusal.code == code::COLUMN_UNKNOWN);
                    let told = refused.into_iter().next();
                    return Err(told.unwrap_or_else(|| join_key(conjunct.span())));
                }
            },
        };
        if found.0.bare && found.1.bare { Ok(found) } else { Err(join_key(conjunct.span())) }
    }

    /// Makes two keys comparable. Answers the text of the right one where it had to be resolved.
    fn match_keys(
        &self,
        left: &Key,
        other: &Key,
        right: &mut Side,
        at: &Expr,
    ) -> Resolved<Option<String>> {
        let common: Vec<&KeyName> =
            left.kinds.iter().filter(|kind| other.kinds.contains(kind)).collect();
        if common.is_empty() {
            let message = "the two match keys are of different kinds";
            return Err(refuse(
                code::JOIN_KEY,
                at.span(),
                message,
                "join columns that share a `key`",
            ));
        }
        let single = left.kinds.len() == 1 && other.kinds.len() == 1;
        let same = left.space == other.space && left.column == other.column;
        if single || same {
            return Ok(None);
        }
        let Some(instance) = other.scan.filter(|_| other.parts) else {
            return Err(refuse(
                code::KEY_SPACE,
                at.span(),
                "a stage no longer holds the several keys that this join would match by",
                "put the stage first in FROM, or join the datasets before aggregating",
            ));
        };
        right.body = self.resolution(left, other, &common, &right.body);
        if self.counts_own(instance) && !other.of.is_empty() {
            let own = format!("{}.{}", quoted(&right.alias), quoted(other.column.as_str()));
            right.relation.own.insert(instance, own);
        }
        let name = format!("airlock_{}", other.column);
        let sql = format!("{}.{}", quoted(&right.alias), quoted(&name));
        for field in &mut right.relation.fields {
            if let Mark::Key(key) = &mut field.mark
                && key.scan == Some(instance)
                && key.column == other.column
            {
                field.sql.clone_from(&sql);
                *key = Key {
                    space: left.space.clone(),
                    column: left.column.clone(),
                    kinds: left.kinds.clone(),
                    scan: None,
                    parts: false,
                    of: key.of.clone(),
                    thin: key.thin,
                };
            }
        }
        Ok(Some(sql))
    }

    /// A dataset with its entity resolved to another's: by the first key that finds one, else its own.
    fn resolution(&self, anchor: &Key, own: &Key, common: &[&KeyName], body: &str) -> String {
        let mut ids = Vec::new();
        let mut joins = String::new();
        for (n, kind) in common.iter().enumerate() {
            let theirs = quoted(&self.token_column(&anchor.space, &anchor.column, kind));
            let ours = quoted(&self.token_column(&own.space, &own.column, kind));
            let id = quoted(anchor.column.as_str());
            let from = quoted(anchor.space.as_str());
            joins = format!(
                "{joins}\n  LEFT JOIN (\n    SELECT {theirs} AS \"k\", MIN({id}) AS \"id\" FROM {from} \
                 WHERE {theirs} IS NOT NULL GROUP BY {theirs}\n  ) AS \"m{n}\" ON \"r\".{ours} = \"m{n}\".\"k\""
            );
            ids.push(format!("\"m{n}\".\"id\""));
        }
        let column = quoted(own.column.as_str());
        let alias = quoted(&format!("airlock_{}", own.column));
        format!(
            "(\n  SELECT \"r\".*, COALESCE({}, \"r\".{column}) AS {alias}\n  FROM {body} AS \"r\"{joins}\n)",
            ids.join(", ")
        )
    }

    fn token_column(&self, dataset: &DatasetName, column: &ColumnName, kind: &KeyName) -> String {
        let keys =
            self.agreement.datasets.get(dataset).map_or(&[][..], |known| keys_of(known, column));
        match keys.iter().find(|key| &key.key == kind) {
            Some(key) if keys.len() > 1 => part(column, key),
            Some(_) | None => column.to_string(),
        }
    }

    /// Notes whose rows are matched with whose, and whose entities are now equal.
    fn note_match(&self, source: &mut Source, right: &Relation, keys: (&Key, &Key), outer: bool) {
        let every =
            |key: &Key| -> BTreeSet<Instance> { key.of.iter().copied().chain(key.scan).collect() };
        let before = source.relation.class_of(&every(keys.0));
        let after = right.class_of(&every(keys.1));
        let owners: BTreeSet<_> = before
            .union(&after)
            .filter_map(|instance| self.dataset(*instance))
            .map(|dataset| &dataset.owner)
            .collect();
        if owners.len() > 1 {
            source.relation.matched.extend(&after);
            if !outer {
                source.relation.matched.extend(&before);
            }
        }
        if !outer && !keys.0.of.is_empty() && !keys.1.of.is_empty() {
            source.relation.equate(&keys.0.of, &keys.1.of);
        }
    }
}

pub(super) fn scope<'a>(names: &'a Names<'a>, relation: &'a Relation) -> Scope<'a> {
    Scope { names, relation, groups: None, backed: None, argument: false }
}

fn join_key(at: Span) -> Box<super::Refusal> {
    refuse(
        code::JOIN_KEY,
        at,
        "datasets join on equal match keys; further equalities of dimensions may be added with AND",
        "ON a.key = b.key",
    )
}

fn conjuncts<'a>(on: &'a Expr, found: &mut Vec<&'a Expr>) {
    match on {
        Expr::Nested(inner) => conjuncts(inner, found),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            conjuncts(left, found);
            conjuncts(right, found);
        }
        other => found.push(other),
    }
}

fn alias_of(alias: &TableAlias) -> Resolved<String> {
    let name = folded(&alias.name);
    if !alias.columns.is_empty() || alias.at.is_some() {
        return Err(refuse(
            code::CLAUSE,
            alias.name.span,
            "an alias names the relation only",
            "AS name",
        ));
    }
    super::plain_name(&name, alias.name.span).map(|()| name)
}

fn renamed(mut relation: Relation, alias: &str) -> Relation {
    for field in &mut relation.fields {
        alias.clone_into(&mut field.alias);
        field.sql = format!("{}.{}", quoted(alias), quoted(&field.name));
        field.origin = None;
        if let Mark::Key(key) = &mut field.mark {
            key.parts = false;
        }
    }
    for (instance, own) in &mut relation.own {
        *own = format!("{}.{}", quoted(alias), quoted(&own_name(*instance)));
    }
    relation
}
