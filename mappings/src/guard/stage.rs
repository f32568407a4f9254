//! One SELECT: rows, per-entity rows, or rows released by a threshold. The threshold is put here, and only here.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's enums grow; whatever is not named here is refused"
)]

use super::code;
use super::expression::{Group, Scope};
use super::from::{Source, scope};
use super::refuse::{Resolved, refuse};
use super::relation::{Field, Instance, Mark, Relation, Typed, own_name, quoted};
use super::threshold::Backing;
use super::typing::{filter_refusal, folded, type_refusal};
use super::{Depth, Resolver};
use sqlparser::ast::{
    Expr, GroupByExpr, LimitClause, OrderBy, OrderByExpr, OrderByKind, Query, Select, SelectFlavor,
    SelectItem, SetExpr, Spanned, Value, Visit, Visitor, visit_expressions_mut,
};
use sqlparser::tokenizer::Span;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// The most times that HAVING names a column of the SELECT list.
const ALIASES_MAX: usize = 32;

/// A column of the SELECT list.
pub(super) struct Item {
    pub(super) name: String,
    pub(super) typed: Typed,
    pub(super) at: Span,
}

impl Resolver<'_> {
    /// A query without WITH: its rows, and its text.
    pub(super) fn query(&mut self, query: &Query, top: bool) -> Resolved<(Relation, String)> {
        if query.with.is_some() && !top {
            return Err(refuse(
                code::CLAUSE,
                query.span(),
                "WITH stands only at the top",
                "move the CTE to the top",
            ));
        }
        let select = Self::plain(query)?;
        let (relation, sql) = self.select(select)?;
        let (order, limit) =
            (self.order(query.order_by.as_ref(), &relation)?, limit(query.limit_clause.as_ref())?);
        let acts = !order.is_empty() || !limit.is_empty();
        if acts && !relation.released() {
            return Err(refuse(
                code::ORACLE,
                query.span(),
                "ORDER BY and LIMIT may act only on rows that passed a threshold",
                "move them to the stage that aggregates",
            ));
        }
        Ok((relation, format!("{sql}{order}{limit}")))
    }

    /// The one SELECT of a query that has no clause outside the language.
    pub(super) fn plain(query: &Query) -> Resolved<&Select> {
        let Query {
            body, fetch, locks, for_clause, settings, format_clause, pipe_operators, ..
        } = query;
        let bare = fetch.is_none()
            && locks.is_empty()
            && for_clause.is_none()
            && settings.is_none()
            && format_clause.is_none()
            && pipe_operators.is_empty();
        let select = match &**body {
            SetExpr::Select(select) => select,
            SetExpr::SetOperation { .. } | SetExpr::Values(_) => {
                let change = "one SELECT; stage several with CTEs and joins";
                return Err(refuse(
                    code::SET_OPERATION,
                    query.span(),
                    "UNION, INTERSECT, EXCEPT and VALUES are outside the language",
                    change,
                ));
            }
            SetExpr::Query(_)
            | SetExpr::Insert(_)
            | SetExpr::Update(_)
            | SetExpr::Delete(_)
            | SetExpr::Merge(_)
            | SetExpr::Table(_) => {
                return Err(refuse(
                    code::STATEMENT,
                    query.span(),
                    "only a SELECT may run",
                    "SELECT … FROM …",
                ));
            }
        };
        if select.distinct.is_some() {
            return Err(refuse(
                code::DISTINCT,
                select.span(),
                "SELECT DISTINCT would skip the threshold",
                "GROUP BY the columns",
            ));
        }
        if bare && is_plain(select) {
            return Ok(select);
        }
        Err(refuse(
            code::CLAUSE,
            query.span(),
            "a clause outside the language of templates",
            "SELECT, FROM, JOIN, WHERE, GROUP BY, HAVING, ORDER BY, LIMIT",
        ))
    }

    fn select(&mut self, select: &Select) -> Resolved<(Relation, String)> {
        let mut source = self.from(&select.from, select.span())?;
        let filter = self.filter(&source.relation, select.selection.as_ref())?;
        source.relation.narrowed.extend(Some(filter.clone()).filter(|filter| !filter.is_empty()));
        let keys = group_keys(select)?;
        let grouped =
            !keys.is_empty() || select.having.is_some() || select.projection.iter().any(aggregates);
        if grouped {
            self.grouped(select, &keys, source, &filter)
        } else {
            self.projected(select, source, &filter)
        }
    }

    /// WHERE: dimensions and filters before a threshold, anything after it.
    pub(super) fn filter(&self, relation: &Relation, selection: Option<&Expr>) -> Resolved<String> {
        let Some(selection) = selection else {
            return Ok(String::new());
        };
        let names = self.names();
        let condition = scope(&names, relation).condition(selection)?;
        match condition.mark {
            Mark::Constant | Mark::Dimension(_) | Mark::Filter | Mark::Released(_) => {
                Ok(format!("\nWHERE {}", condition.sql))
            }
            Mark::Derived(_) => Err(refuse(
                code::DERIVED_FILTER,
                selection.span(),
                "a condition on a per-entity value before the threshold",
                "make it a CASE bucket and GROUP BY that",
            )),
            Mark::Measure(_) | Mark::Key(_) | Mark::Aggregated(_) => {
                Err(type_refusal(selection, "a condition on dimensions and filters"))
            }
        }
    }

    /// A SELECT that neither groups nor aggregates: its rows are as private as what it reads.
    fn projected(
        &self,
        select: &Select,
        source: Source,
        filter: &str,
    ) -> Resolved<(Relation, String)> {
        let names = self.names();
        let items = items(&scope(&names, &source.relation), &select.projection)?;
        let (carried, own) = carried(&source.relation, str::to_owned);
        let sql = list(&items, &carried, &source.sql, filter);
        let fields =
            items.into_iter().map(|item| field(item, |mark| mark)).collect::<Resolved<_>>()?;
        Ok((Relation { fields, own, ..source.relation }, sql))
    }

    fn grouped(
        &mut self,
        select: &Select,
        keys: &[&Expr],
        source: Source,
        filter: &str,
    ) -> Resolved<(Relation, String)> {
        let groups = self.groups(keys, &source.relation)?;
        let entity = groups.iter().any(|group| matches!(group.typed.mark, Mark::Key(_)));
        let releases = !entity && !source.relation.released();
        // What is wrong with the columns is said first.
        let backing = releases.then(|| self.threshold(&source.relation, select.span())).transpose();
        let backed = backing.as_ref().ok().and_then(Option::as_ref);
        let names = self.names();
        let within = Scope { groups: Some(&groups), backed, ..scope(&names, &source.relation) };
        let items = items(&within, &select.projection)?;
        let having = having(select, &source.relation)?;
        let having = having.map(|having| within.condition(&having)).transpose()?;
        let by: Vec<&str> = groups.iter().map(|group| group.typed.sql.as_str()).collect();
        let by =
            if by.is_empty() { String::new() } else { format!("\nGROUP BY {}", by.join(", ")) };
        if source.relation.released() {
            let having =
                having.map_or_else(String::new, |having| format!("\nHAVING {}", having.sql));
            let sql = format!("{}{by}{having}", text(&items, &source.sql, filter));
            return Ok((released(items)?, sql));
        }
        if entity {
            return self.per_entity(select, items, source, &format!("{filter}{by}"));
        }
        let threshold = backing?.map_or_else(String::new, |backing| backing.having());
        let condition = having.map(|having| having.sql);
        let sql = release(&items, condition, &source.sql, &format!("{filter}{by}{threshold}"));
        Ok((released(items)?, sql))
    }

    fn groups(&self, keys: &[&Expr], relation: &Relation) -> Resolved<Vec<Group>> {
        let names = self.names();
        let mut groups = Vec::new();
        for key in keys {
            let typed = scope(&names, relation).resolve(key)?;
            match &typed.mark {
                Mark::Key(key) if !key.of.is_empty() => {}
                Mark::Dimension(_) | Mark::Derived(_) | Mark::Released(_) => {}
                Mark::Filter => return Err(filter_refusal(key)),
                Mark::Key(_) => {
                    return Err(refuse(
                        code::MATCH_KEY,
                        key.span(),
                        "only the dataset's entity may be grouped by",
                        "GROUP BY the entity column",
                    ));
                }
                Mark::Measure(_) => {
                    return Err(refuse(
                        code::MEASURE,
                        key.span(),
                        "a measure can't be a group",
                        "agree on it as a dimension",
                    ));
                }
                // A stage's column that says the same in every row.
                Mark::Constant if typed.bare => {}
                Mark::Constant | Mark::Aggregated(_) => {
                    return Err(refuse(
                        code::NOT_GROUPED,
                        key.span(),
                        "a group must come from a column",
                        "a dimension",
                    ));
                }
            }
            groups.push(Group { typed });
        }
        Ok(groups)
    }

    /// A stage with one row an entity: nothing passed a threshold yet.
    #[expect(clippy::unused_self, reason = "stands beside its sibling")]
    fn per_entity(
        &self,
        select: &Select,
        items: Vec<Item>,
        source: Source,
        rest: &str,
    ) -> Resolved<(Relation, String)> {
        if let Some(having) = &select.having {
            return Err(refuse(
                code::ORACLE,
                having.span(),
                "HAVING over per-entity rows that no threshold has passed",
                "make the condition a CASE bucket and GROUP BY it in the stage that releases",
            ));
        }
        // Of several entities behind one row, one stands for all: fewer are counted, never more.
        let (carried, own) = carried(&source.relation, |own| format!("MIN({own})"));
        let sql = list(&items, &carried, &source.sql, rest);
        let derive = |mark| {
            if let Mark::Aggregated(may) = mark { Mark::Derived(may) } else { mark }
        };
        let fields = items.into_iter().map(|item| field(item, derive)).collect::<Resolved<_>>()?;
        Ok((Relation { fields, own, ..source.relation }, sql))
    }

    /// The entities that must back every group over these rows.
    fn threshold(&mut self, relation: &Relation, at: Span) -> Resolved<Backing> {
        self.required_joins(relation, at)?;
        let backing = self.backing(relation, at, |dataset| {
            Ok(Some(dataset.rule.entities_min).filter(|min| *min > 1))
        })?;
        self.note_released(relation);
        Ok(backing)
    }

    #[expect(clippy::unused_self, reason = "stands beside its siblings")]
    fn order(&self, order: Option<&OrderBy>, relation: &Relation) -> Resolved<String> {
        let Some(order) = order else {
            return Ok(String::new());
        };
        let at = order.span();
        let outside =
            |change: &str| refuse(code::ORDER_BY, at, "ORDER BY takes output columns", change);
        let names = || {
            relation.fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>().join(", ")
        };
        let OrderByKind::Expressions(by) = &order.kind else {
            return Err(outside(&names()));
        };
        if order.interpolate.is_some() {
            return Err(outside(&names()));
        }
        let mut parts = Vec::new();
        for item in by {
            let found = match &item.expr {
                Expr::Identifier(name) => {
                    relation.fields.iter().find(|field| field.name == folded(name))
                }
                Expr::CompoundIdentifier(parts) => parts.last().and_then(|name| {
                    relation.fields.iter().find(|field| field.name == folded(name))
                }),
                other => number(other)
                    .and_then(|n| n.checked_sub(1))
                    .and_then(|n| relation.fields.get(n)),
            };
            let field =
                found.filter(|_| item.with_fill.is_none()).ok_or_else(|| outside(&names()))?;
            parts.push(format!("{} {}", quoted(&field.name), direction(item)));
        }
        Ok(format!("\nORDER BY {}", parts.join(", ")))
    }
}

/// The direction of an order, with the place of NULLs said: engines differ in what they take for granted.
pub(super) fn direction(item: &OrderByExpr) -> String {
    let down = if item.options.asc == Some(false) { "DESC" } else { "ASC" };
    let nulls = if item.options.nulls_first == Some(true) { "FIRST" } else { "LAST" };
    format!("{down} NULLS {nulls}")
}

/// The stage's text with its threshold; the template's own HAVING acts on what passed.
fn release(items: &[Item], having: Option<String>, from: &str, rest: &str) -> String {
    let Some(having) = having else {
        return text(items, from, rest);
    };
    let listed: Vec<String> = items.iter().map(|item| quoted(&item.name)).collect();
    let inner = list(items, &format!(",\n       {having} AS \"airlock_having\""), from, rest);
    format!(
        "SELECT {}\nFROM (\n{inner}\n) AS \"airlock_stage\"\nWHERE \"airlock_having\"",
        listed.join(", ")
    )
}

/// The columns of own entities that a stage passes on unseen, and where they stand after it.
fn carried(
    relation: &Relation,
    each: impl Fn(&str) -> String,
) -> (String, BTreeMap<Instance, String>) {
    let (mut sql, mut after) = (String::new(), BTreeMap::new());
    for (instance, own) in &relation.own {
        let name = quoted(&own_name(*instance));
        sql = format!("{sql},\n       {} AS {name}", each(own));
        after.insert(*instance, name);
    }
    (sql, after)
}

fn text(items: &[Item], from: &str, rest: &str) -> String {
    list(items, "", from, rest)
}

fn list(items: &[Item], further: &str, from: &str, rest: &str) -> String {
    let listed: Vec<String> =
        items.iter().map(|item| format!("{} AS {}", item.typed.sql, quoted(&item.name))).collect();
    format!("SELECT {}{further}\nFROM {from}{rest}", listed.join(",\n       "))
}

fn released(items: Vec<Item>) -> Resolved<Relation> {
    let release = |mark| match mark {
        Mark::Dimension(origin) | Mark::Released(origin) => Mark::Released(origin),
        Mark::Constant
        | Mark::Aggregated(_)
        | Mark::Derived(_)
        | Mark::Filter
        | Mark::Measure(_)
        | Mark::Key(_) => Mark::Released(None),
    };
    let fields = items.into_iter().map(|item| field(item, release)).collect::<Resolved<_>>()?;
    Ok(Relation { fields, ..Relation::default() })
}

fn field(item: Item, mark: impl Fn(Mark) -> Mark) -> Resolved<Field> {
    let untyped = || {
        refuse(
            code::TYPE,
            Span::empty(),
            format!("output column {} has no type", item.name),
            "CAST(NULL AS …)",
        )
    };
    let of = item.typed.r#type.ok_or_else(untyped)?;
    Ok(Field {
        alias: String::new(),
        sql: quoted(&item.name),
        r#type: of,
        weight: item.typed.weight,
        mark: mark(item.typed.mark),
        origin: None,
        name: item.name,
    })
}

/// The SELECT list, each column named and resolved.
pub(super) fn items(scope: &Scope<'_>, projection: &[SelectItem]) -> Resolved<Vec<Item>> {
    let mut items: Vec<Item> = Vec::new();
    for item in projection {
        let (expr, name) = match item {
            SelectItem::ExprWithAlias { expr, alias } => (expr, Some(folded(alias))),
            SelectItem::UnnamedExpr(expr) => (expr, bare_name(expr)),
            SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => {
                return Err(refuse(
                    code::STAR,
                    item.span(),
                    "a star names columns without naming them",
                    "list the columns",
                ));
            }
            SelectItem::ExprWithAliases { .. } => {
                return Err(refuse(
                    code::OUTPUT,
                    item.span(),
                    "one column has one name",
                    "AS name",
                ));
            }
        };
        let name = name.ok_or_else(|| {
            refuse(code::OUTPUT, expr.span(), "an expression without a name", "AS name")
        })?;
        super::plain_name(&name, expr.span())?;
        if items.iter().any(|item| item.name == name) {
            return Err(refuse(
                code::OUTPUT,
                expr.span(),
                "two output columns have one name",
                "AS another_name",
            ));
        }
        items.push(Item { name, typed: scope.resolve(expr)?, at: expr.span() });
    }
    Ok(items)
}

fn bare_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(name) => Some(folded(name)),
        Expr::CompoundIdentifier(parts) => parts.last().map(folded),
        _ => None,
    }
}

/// HAVING, with aliases of the SELECT list looked up where FROM has no such column.
fn having(select: &Select, relation: &Relation) -> Resolved<Option<Expr>> {
    let Some(mut having) = select.having.clone() else {
        return Ok(None);
    };
    let mut times = 0;
    let looked_up = visit_expressions_mut(&mut having, |expr| {
        let Expr::Identifier(name) = &*expr else { return ControlFlow::Continue(()) };
        let name = folded(name);
        let column = relation.fields.iter().any(|field| field.name == name);
        let found = select.projection.iter().find_map(|item| match item {
            SelectItem::ExprWithAlias { expr, alias } if folded(alias) == name => Some(expr),
            _ => None,
        });
        if let (false, Some(found)) = (column, found) {
            *expr = Expr::Nested(Box::new(found.clone()));
            times += 1;
        }
        if times > ALIASES_MAX { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    if looked_up.is_break() || !Depth::fits(&having) {
        let message = "HAVING repeats the SELECT list too often, or too deeply";
        return Err(refuse(code::GROWTH, select.span(), message, "WHERE over a CTE of the groups"));
    }
    Ok(Some(having))
}

/// The expressions of GROUP BY, with ordinals and aliases of the SELECT list looked up.
fn group_keys(select: &Select) -> Resolved<Vec<&Expr>> {
    let GroupByExpr::Expressions(keys, modifiers) = &select.group_by else {
        return Err(refuse(
            code::CLAUSE,
            select.span(),
            "GROUP BY ALL is outside the language",
            "list the groups",
        ));
    };
    if !modifiers.is_empty() {
        return Err(refuse(
            code::CLAUSE,
            select.span(),
            "ROLLUP, CUBE and TOTALS are outside the language",
            "plain GROUP BY",
        ));
    }
    let listed = |item: &'_ SelectItem| match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(folded(alias)),
        _ => None,
    };
    let mut found = Vec::new();
    for key in keys {
        let key = match key {
            Expr::Nested(inner) if number(inner).is_none() => &**inner,
            key => key,
        };
        let item = match key {
            Expr::Identifier(name) => {
                select.projection.iter().find(|item| listed(item) == Some(folded(name)))
            }
            other => {
                number(other).and_then(|n| n.checked_sub(1)).and_then(|n| select.projection.get(n))
            }
        };
        found.push(match item {
            Some(SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) => expr,
            Some(_) | None => key,
        });
    }
    Ok(found)
}

pub(super) fn number(expr: &Expr) -> Option<usize> {
    let Expr::Value(value) = expr else {
        return None;
    };
    let Value::Number(digits, false) = &value.value else {
        return None;
    };
    digits.parse().ok().filter(|n| i64::try_from(*n).is_ok())
}

fn limit(limit: Option<&LimitClause>) -> Resolved<String> {
    let Some(limit) = limit else {
        return Ok(String::new());
    };
    let outside =
        || refuse(code::CLAUSE, limit.span(), "LIMIT and OFFSET take whole numbers", "LIMIT 10");
    let LimitClause::LimitOffset { limit: most, offset, limit_by } = limit else {
        return Err(outside());
    };
    if !limit_by.is_empty() {
        return Err(outside());
    }
    let mut sql = String::new();
    if let Some(most) = most {
        sql = format!("\nLIMIT {}", number(most).ok_or_else(outside)?);
    }
    if let Some(offset) = offset {
        sql = format!("{sql}\nOFFSET {}", number(&offset.value).ok_or_else(outside)?);
    }
    Ok(sql)
}

/// Whether a SELECT item holds an aggregate.
fn aggregates(item: &SelectItem) -> bool {
    struct Finder;
    impl Visitor for Finder {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            let Expr::Function(function) = expr else {
                return ControlFlow::Continue(());
            };
            let name = function.name.to_string().to_ascii_lowercase();
            let known = ["count", "sum", "avg", "min", "max"].contains(&name.as_str());
            if known && function.over.is_none() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        }
    }
    item.visit(&mut Finder).is_break()
}

/// Whether a SELECT has no clause but those that the guard knows.
pub(crate) fn is_plain(select: &Select) -> bool {
    select.optimizer_hints.is_empty()
        && select.select_modifiers.is_none()
        && select.top.is_none()
        && select.exclude.is_none()
        && select.into.is_none()
        && select.lateral_views.is_empty()
        && select.prewhere.is_none()
        && select.connect_by.is_empty()
        && select.cluster_by.is_empty()
        && select.distribute_by.is_empty()
        && select.sort_by.is_empty()
        && select.named_window.is_empty()
        && select.qualify.is_none()
        && select.value_table_mode.is_none()
        && select.flavor == SelectFlavor::Standard
}
