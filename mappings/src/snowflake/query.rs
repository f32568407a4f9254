//! Queries: SELECT with its clauses, FROM with its joins, written anew in one layout. Knows no function.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's enums grow; whatever is not named here is refused"
)]

use super::expression::{Spoken, listed};
use super::{Room, word};
use crate::guard::is_plain;
use crate::model::{ColumnType, Parameter, ParameterName};
use crate::unsaid::{Said, unsaid};
use sqlparser::ast::{
    Distinct, Expr, GroupByExpr, JoinConstraint, JoinOperator, LimitClause, ObjectNamePart,
    OrderByExpr, OrderByKind, Query, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr,
    TableFactor, Value, Visit, Visitor,
};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// What is known of a column: its type, unless it is of a physical table or NULL, and the most that a whole number in it is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kind {
    pub(super) of: Option<ColumnType>,
    pub(super) most: f64,
}

/// Columns by name.
pub(super) type Columns = BTreeMap<String, Kind>;

/// A stage or dataset: how it is named in the text, and its columns.
#[derive(Debug, Clone)]
pub(super) struct Relation {
    pub(super) text: String,
    pub(super) columns: Columns,
    /// Where rows of data with a threshold have not passed it: the column of each such dataset's entities, or none that is left.
    pub(super) entities: Vec<Option<String>>,
}

/// What stands in FROM, by alias. A physical table has no columns known beforehand.
#[derive(Debug, Default)]
pub(super) struct Scope {
    pub(super) relations: Vec<(String, Relation)>,
    pub(super) physical: bool,
}

/// A query, said.
#[derive(Debug)]
pub(super) struct SpokenQuery {
    pub(super) text: String,
    pub(super) columns: Columns,
    pub(super) entities: Vec<Option<String>>,
}

/// Reads parsed queries, and says them.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) room: Room,
    pub(super) constrained: bool,
    pub(super) parameters: &'a BTreeMap<ParameterName, Parameter>,
    pub(super) stages: &'a BTreeMap<String, Relation>,
    /// The owner's table, where it is read.
    pub(super) physical: Option<String>,
}

/// A column of the SELECT list.
struct Column {
    name: String,
    text: String,
    expr: Expr,
}

impl Reader<'_> {
    /// A query without WITH.
    pub(super) fn query(&self, query: &Query) -> Said<SpokenQuery> {
        let select = plain(query)?;
        let (from, scope) = self.from(select)?;
        let (listed, columns, types) = self.list(&scope, select)?;
        let distinct = match &select.distinct {
            None => "",
            Some(Distinct::Distinct) => "DISTINCT ",
            Some(_) => return outside("DISTINCT ON"),
        };
        let mut text = format!("SELECT {distinct}{}\nFROM {from}", listed.join(",\n       "));
        if let Some(condition) = &select.selection {
            text = format!("{text}\nWHERE {}", self.expression(&scope, condition)?.text);
        }
        text.push_str(&self.groups(&scope, select, &columns)?);
        if let Some(condition) = &select.having {
            text = format!("{text}\nHAVING {}", self.expression(&scope, condition)?.text);
        }
        text.push_str(&order(query, &scope, &columns)?);
        text.push_str(&limit(query.limit_clause.as_ref())?);
        let entities = self.entities(&scope, select, &columns)?;
        Ok(SpokenQuery { text, columns: types, entities })
    }

    /// The entities of rows that have not passed a threshold. A policy holds back the enforcement of a stage only where that groups
    /// by the very key of its view: any other stage of single entities would be merged into a remainder, and nothing would say so.
    fn entities(
        &self,
        scope: &Scope,
        select: &Select,
        columns: &[Column],
    ) -> Said<Vec<Option<String>>> {
        let passed = select.having.as_ref().is_some_and(is_threshold);
        if passed || !self.constrained {
            return Ok(Vec::new());
        }
        let keys = match &select.group_by {
            GroupByExpr::Expressions(keys, _) => keys.as_slice(),
            GroupByExpr::All(_) => &[],
        };
        let keys = keys.iter().map(|key| Ok(self.expression(scope, key)?.text));
        let keys = keys.collect::<Said<Vec<_>>>()?;
        let mut left = Vec::new();
        for (_, relation) in &scope.relations {
            for entity in &relation.entities {
                let text = match entity {
                    Some(entity) => Some(format!("{}.{}", relation.text, word::quoted(entity)?)),
                    None => None,
                };
                if !keys.is_empty() && !text.as_ref().is_some_and(|text| keys.contains(text)) {
                    return unsaid(
                        "a stage of single entities of another dataset than one with a threshold: the share's aggregation policy would merge its rows",
                        "the room `snowflake-dcr`, or GROUP BY that dataset's own entity, alone with data without a threshold",
                    );
                }
                let column = columns.iter().find(|column| Some(&column.text) == text.as_ref());
                left.push(column.map(|column| column.name.clone()));
            }
        }
        Ok(left)
    }

    fn list(&self, scope: &Scope, select: &Select) -> Said<(Vec<String>, Vec<Column>, Columns)> {
        let (mut texts, mut columns, mut types) = (Vec::new(), Vec::new(), Columns::new());
        for item in &select.projection {
            let (expr, name) = match item {
                SelectItem::ExprWithAlias { expr, alias } => (expr, &alias.value),
                SelectItem::UnnamedExpr(expr @ Expr::Identifier(name)) => (expr, &name.value),
                SelectItem::UnnamedExpr(expr @ Expr::CompoundIdentifier(parts)) => {
                    match parts.as_slice() {
                        [_, name] => (expr, &name.value),
                        _ => return outside("a column of this form"),
                    }
                }
                SelectItem::QualifiedWildcard(
                    SelectItemQualifiedWildcardKind::ObjectName(of),
                    _,
                ) => {
                    let [ObjectNamePart::Identifier(alias)] = of.0.as_slice() else {
                        return outside("a star of this form");
                    };
                    let Some((_, relation)) =
                        scope.relations.iter().find(|(known, _)| *known == alias.value)
                    else {
                        return outside("a star of this form");
                    };
                    types.extend(relation.columns.clone());
                    texts.push(format!("{}.*", word::quoted(&alias.value)?));
                    continue;
                }
                _ => return outside("an item of SELECT of this form"),
            };
            let said = self.expression(scope, expr)?;
            types.insert(name.clone(), Kind { of: said.of, most: said.most });
            let as_ = word::quoted(name)?;
            texts.push(if said.text == as_ { as_ } else { format!("{} AS {as_}", said.text) });
            columns.push(Column { name: name.clone(), text: said.text, expr: expr.clone() });
        }
        Ok((texts, columns, types))
    }

    fn groups(&self, scope: &Scope, select: &Select, columns: &[Column]) -> Said {
        let GroupByExpr::Expressions(keys, modifiers) = &select.group_by else {
            return outside("GROUP BY ALL");
        };
        if !modifiers.is_empty() {
            return outside("ROLLUP and CUBE");
        }
        let mut texts = Vec::new();
        for key in keys {
            let said = self.expression(scope, key)?;
            // Two parameters in two places may be two values to the platform: the key is the column itself.
            let place = columns.iter().position(|column| column.expr == *key);
            texts.push(match place {
                Some(n) if has_parameter(key) => (n + 1).to_string(),
                Some(_) | None => said.text,
            });
        }
        Ok(if texts.is_empty() {
            String::new()
        } else {
            format!("\nGROUP BY {}", texts.join(", "))
        })
    }

    fn from(&self, select: &Select) -> Said<(String, Scope)> {
        let [one] = select.from.as_slice() else { return outside("FROM of this form") };
        let mut scope = Scope::default();
        let mut text = self.factor(&one.relation, &mut scope)?;
        for join in &one.joins {
            if join.global {
                return outside("a join of this form");
            }
            let (verb, on) = match &join.join_operator {
                JoinOperator::Join(JoinConstraint::On(on)) => ("JOIN", Some(on)),
                JoinOperator::Left(JoinConstraint::On(on)) => ("LEFT JOIN", Some(on)),
                JoinOperator::CrossJoin(JoinConstraint::None) => ("CROSS JOIN", None),
                _ => return outside("a join of this form"),
            };
            let right = self.factor(&join.relation, &mut scope)?;
            text = format!("{text}\n{verb} {right}");
            if let Some(on) = on {
                text = format!("{text} ON {}", self.expression(&scope, on)?.text);
            }
        }
        Ok((text, scope))
    }

    fn factor(&self, factor: &TableFactor, scope: &mut Scope) -> Said {
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
                let parts: Vec<&str> = name
                    .0
                    .iter()
                    .filter_map(|part| match part {
                        ObjectNamePart::Identifier(part) if part.quote_style == Some('"') => {
                            Some(part.value.as_str())
                        }
                        _ => None,
                    })
                    .collect();
                let known = match (parts.as_slice(), &self.physical) {
                    (["room", _], Some(table)) => {
                        scope.physical = true;
                        return Ok(table.clone());
                    }
                    ([stage], _) if name.0.len() == 1 => {
                        self.stages.get(*stage).map(|known| (*stage, known))
                    }
                    _ => None,
                };
                let Some((stage, relation)) = known else {
                    return outside("a relation that is neither dataset nor stage");
                };
                let Some(alias) = alias else {
                    scope.relations.push((stage.to_owned(), relation.clone()));
                    // Its columns are told from others by the name that it has in the text.
                    return Ok(relation.text.clone());
                };
                let as_ = word::quoted(&alias.name.value)?;
                let text = format!("{} AS {as_}", relation.text);
                let relation = Relation { text: as_, ..relation.clone() };
                scope.relations.push((alias.name.value.clone(), relation));
                Ok(text)
            }
            TableFactor::Derived { lateral: false, subquery, alias: Some(alias), sample: None } => {
                let said = self.query(subquery)?;
                let as_ = word::quoted(&alias.name.value)?;
                let SpokenQuery { columns, entities, .. } = said;
                let relation = Relation { text: as_.clone(), columns, entities };
                scope.relations.push((alias.name.value.clone(), relation));
                Ok(format!("(\n{}\n) AS {as_}", indented(&said.text)))
            }
            _ => outside("a relation of this form"),
        }
    }

    /// The direction of a window's order.
    pub(super) fn direction(&self, scope: &Scope, item: &OrderByExpr) -> Said {
        Ok(format!("{} {}", self.expression(scope, &item.expr)?.text, towards(item)?))
    }
}

/// Whether a condition on groups is the guard's own.
fn is_threshold(having: &Expr) -> bool {
    let Expr::Function(function) = having else { return false };
    matches!(function.name.0.as_slice(), [ObjectNamePart::Identifier(name)] if name.value == "airlock_at_least")
}

/// ORDER BY output columns. Where a relation has another column of that name, the place says which is meant.
fn order(query: &Query, scope: &Scope, columns: &[Column]) -> Said {
    let Some(order) = &query.order_by else { return Ok(String::new()) };
    let OrderByKind::Expressions(items) = &order.kind else { return outside("ORDER BY ALL") };
    let mut texts = Vec::new();
    for item in items {
        let Expr::Identifier(name) = &item.expr else { return outside("ORDER BY of this form") };
        let found = columns.iter().enumerate().find(|(_, column)| column.name == name.value);
        let Some((n, column)) = found else { return outside("ORDER BY of this form") };
        let as_ = word::quoted(&name.value)?;
        let shadowed =
            scope.relations.iter().any(|(_, relation)| relation.columns.contains_key(&name.value));
        let itself = column.text == as_ || column.text.ends_with(&format!(".{as_}"));
        let by = if shadowed && !itself { (n + 1).to_string() } else { as_ };
        texts.push(format!("{by} {}", towards(item)?));
    }
    Ok(format!("\nORDER BY {}", texts.join(", ")))
}

fn towards(item: &OrderByExpr) -> Said {
    let (Some(up), Some(first), None) =
        (item.options.asc, item.options.nulls_first, &item.with_fill)
    else {
        return outside("an order without its direction and the place of NULLs");
    };
    let (way, nulls) = (if up { "ASC" } else { "DESC" }, if first { "FIRST" } else { "LAST" });
    Ok(format!("{way} NULLS {nulls}"))
}

fn limit(limit: Option<&LimitClause>) -> Said {
    let Some(limit) = limit else { return Ok(String::new()) };
    let LimitClause::LimitOffset { limit: most, offset, limit_by } = limit else {
        return outside("LIMIT of this form");
    };
    if !limit_by.is_empty() {
        return outside("LIMIT BY");
    }
    // An offset stands only after a limit there.
    let most = most.as_ref().map_or_else(|| Ok("NULL".to_owned()), whole)?;
    let offset = offset.as_ref().map(|offset| whole(&offset.value)).transpose()?;
    let offset = offset.map_or_else(String::new, |offset| format!("\nOFFSET {offset}"));
    Ok(format!("\nLIMIT {most}{offset}"))
}

fn whole(expr: &Expr) -> Said {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, false) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                Ok(digits.clone())
            }
            _ => outside("LIMIT of this form"),
        },
        _ => outside("LIMIT of this form"),
    }
}

/// The one SELECT of a query that has no clause outside the lists.
fn plain(query: &Query) -> Said<&Select> {
    let Query {
        with, body, fetch, locks, for_clause, settings, format_clause, pipe_operators, ..
    } = query;
    let SetExpr::Select(select) = &**body else { return outside("a query that is no SELECT") };
    let bare = with.is_none()
        && fetch.is_none()
        && locks.is_empty()
        && for_clause.is_none()
        && settings.is_none()
        && format_clause.is_none()
        && pipe_operators.is_empty();
    if bare && is_plain(select) { Ok(select) } else { outside("a clause outside the lists") }
}

/// A text two places further to the right. No constant and no name has a line break in it.
pub(super) fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

/// What the lists don't have.
pub(super) fn outside<T>(what: &str) -> Said<T> {
    unsaid(what, "a guarded text")
}

/// Whether an expression has a parameter in it.
fn has_parameter(expr: &Expr) -> bool {
    struct Finder;
    impl Visitor for Finder {
        type Break = ();
        fn pre_visit_value(&mut self, value: &sqlparser::ast::ValueWithSpan) -> ControlFlow<()> {
            if matches!(value.value, Value::Placeholder(_)) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        }
    }
    expr.visit(&mut Finder).is_break()
}

impl Reader<'_> {
    /// A window, written out to its frame: engines differ in what they take for granted.
    pub(super) fn over(
        &self,
        scope: &Scope,
        spec: &sqlparser::ast::WindowSpec,
        framed: bool,
    ) -> Said {
        if spec.window_name.is_some() || spec.window_frame.is_some() {
            return outside("a window of this form");
        }
        let mut parts = Vec::new();
        if !spec.partition_by.is_empty() {
            let by = spec
                .partition_by
                .iter()
                .map(|expr| self.expression(scope, expr))
                .collect::<Said<Vec<Spoken>>>()?;
            parts.push(format!("PARTITION BY {}", listed(&by)));
        }
        let by = spec
            .order_by
            .iter()
            .map(|item| self.direction(scope, item))
            .collect::<Said<Vec<_>>>()?;
        match (by.is_empty(), framed) {
            (false, true) => parts.push(format!(
                "ORDER BY {} RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
                by.join(", ")
            )),
            (false, false) => parts.push(format!("ORDER BY {}", by.join(", "))),
            // Ranks want an order there; without one every row is the first.
            (true, false) => parts.push("ORDER BY NULL".to_owned()),
            (true, true) => {}
        }
        Ok(format!("OVER ({})", parts.join(" ")))
    }
}
