//! A text from its first stage to its last SELECT: names made those of templates, thresholds taken out of Airlock's own texts, and
//! what becomes of each column. Must not know expressions' forms but `undo`'s.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's enums grow; whatever is not named here is left to the guard, which refuses it"
)]

use super::scan::{Scan, Source, Within, conjuncts};
use super::undo::{counted, name_of};
use super::uses::{Classes, Node, Use, Way};
use super::{Catalog, Heard, Of, Unheard, aggregate, select_of, select_of_mut, unheard};
use crate::model::Aggregate;
use sqlparser::ast::{
    BinaryOperator, DuplicateTreatment, Expr, Function, FunctionArguments, GroupByExpr, Ident,
    JoinConstraint, JoinOperator, ObjectNamePart, Query, Select, SelectItem, TableAlias,
    TableFactor, VisitMut, VisitorMut,
};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// A stage that was walked through.
#[derive(Debug, Clone, Default)]
struct Stage {
    columns: BTreeMap<String, Node>,
    /// Whether a group released its rows.
    released: bool,
    tables: BTreeSet<String>,
}

/// A relation of FROM.
#[derive(Debug, Clone)]
struct Relation {
    alias: String,
    /// The table that it is, by its name there.
    table: Option<String>,
    stage: Stage,
}

/// What is known so far.
pub(super) struct Walk<'a> {
    catalog: &'a Catalog,
    scans: BTreeMap<String, Scan>,
    tables: BTreeSet<String>,
    stages: BTreeMap<String, Stage>,
    classes: Classes,
    uses: BTreeMap<Of, Use>,
    equal: BTreeSet<(Of, Of)>,
    least: BTreeMap<String, u64>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(catalog: &'a Catalog, scans: BTreeMap<String, Scan>) -> Self {
        Self {
            catalog,
            scans,
            tables: BTreeSet::new(),
            stages: BTreeMap::new(),
            classes: Classes::default(),
            uses: BTreeMap::new(),
            equal: BTreeSet::new(),
            least: BTreeMap::new(),
        }
    }

    fn is_own(&self) -> bool {
        !self.scans.is_empty()
    }

    pub(super) fn heard(
        self,
        sql: String,
        bounds: BTreeMap<String, Within>,
        audience: Option<u64>,
    ) -> Heard {
        let is_own = self.is_own();
        let Self { mut scans, tables, uses, equal, least, .. } = self;
        let tables = tables.into_iter().map(|name| {
            let scan = scans.remove(&name);
            (name, scan)
        });
        let tables = tables.collect();
        Heard { sql, is_own, tables, bounds, uses, equal, least, audience }
    }

    /// Of a text that hands out rows of entities: the SELECT of them becomes the last one, without what counts the audience. Answers
    /// how many there must be; 0 where none are counted.
    pub(super) fn audience(&self, query: &mut Query) -> Result<Option<u64>, Unheard> {
        let taken = |query: &mut Query, name: &str| {
            let with = query.with.as_mut()?;
            let at = with.cte_tables.iter().position(|cte| cte.alias.name.value == name)?;
            Some(with.cte_tables.remove(at).query)
        };
        if !self.is_own() {
            return Ok(None);
        }
        let size = taken(query, "airlock_size");
        let Some(mut rows) = taken(query, "airlock_audience") else { return Ok(None) };
        let misshapen = || unheard("an audience of another form", "the form of Airlock's texts");
        let Some(select) = select_of_mut(&mut rows) else { return misshapen() };
        select.projection.retain(|item| {
            !matches!(item, SelectItem::ExprWithAlias { alias, .. }
                if alias.value.starts_with("airlock_entity_"))
        });
        query.body = rows.body;
        if query.with.as_ref().is_some_and(|with| with.cte_tables.is_empty()) {
            query.with = None;
        }
        let Some(having) = size.as_deref().and_then(select_of).and_then(|one| one.having.clone())
        else {
            return Ok(Some(0));
        };
        let mut pairs = Vec::new();
        conjuncts(&having, &mut pairs);
        let sizes: Option<Vec<u64>> =
            pairs.into_iter().map(|pair| Some(counted(pair)?.1)).collect();
        sizes.map_or_else(misshapen, |sizes| Ok(sizes.into_iter().max()))
    }

    /// A query with its stages; the last one lets `is_last` rows go.
    pub(super) fn query(&mut self, query: &mut Query, is_aggregate: bool) -> Result<(), Unheard> {
        if let Some(with) = &mut query.with {
            for cte in &mut with.cte_tables {
                let name = folded(&cte.alias.name);
                let stage = self.stage(&mut cte.query, false)?;
                self.stages.insert(name, stage);
            }
        }
        let stage = self.stage(query, true)?;
        if !is_aggregate {
            let leaving: Vec<Of> =
                stage.columns.values().filter_map(|n| self.classes.origin(*n).cloned()).collect();
            for of in leaving {
                self.uses.entry(of).or_default().ways.insert(Way::Leaves);
            }
        }
        Ok(())
    }

    fn stage(&mut self, query: &mut Query, is_last: bool) -> Result<Stage, Unheard> {
        let Some(select) = select_of_mut(query) else {
            return unheard(
                "UNION, VALUES or another query than a SELECT",
                "one SELECT; stage several with CTEs and joins",
            );
        };
        let own = if self.is_own() { unwrapped(select) } else { None };
        self.select(select, own, is_last)
    }

    /// One SELECT; `own` is the HAVING that its template had.
    fn select(
        &mut self,
        select: &mut Select,
        own: Option<Expr>,
        is_last: bool,
    ) -> Result<Stage, Unheard> {
        let mut scope = Vec::new();
        for from in &mut select.from {
            scope.push(self.relation(&mut from.relation)?);
            for join in &mut from.joins {
                let relation = self.relation(&mut join.relation)?;
                scope.push(relation);
                let outer =
                    !matches!(join.join_operator, JoinOperator::Join(_) | JoinOperator::Inner(_));
                if let Some(on) = on(&mut join.join_operator) {
                    self.joined(&scope, on, outer);
                }
            }
        }
        let unreleased = scope.iter().any(|one| !one.stage.released);
        if let Some(selection) = &mut select.selection {
            self.seen(&scope, selection, Place::Where);
        }
        let entity = self.grouped(&scope, select);
        let is_grouped = entity.is_some() || aggregates(select);
        let threshold = self.threshold(&scope, select, unreleased && entity != Some(true));
        let mut stage = Stage {
            released: !unreleased || (is_grouped && entity != Some(true)),
            ..Stage::default()
        };
        stage.tables = scope.iter().flat_map(|one| one.stage.tables.iter().cloned()).collect();
        for item in &mut select.projection {
            stage.columns.extend(self.item(&scope, item, is_last || is_grouped));
        }
        if own.is_some() {
            select.having = own;
        }
        if let Some(having) = &mut select.having {
            self.seen(&scope, having, Place::Shown);
        }
        if unreleased && is_grouped && entity != Some(true) {
            self.note(&stage.tables, &threshold);
        }
        Ok(stage)
    }

    /// A column of the SELECT list. What a stage only hands on is used where it is asked for.
    fn item(
        &mut self,
        scope: &[Relation],
        item: &mut SelectItem,
        is_shown: bool,
    ) -> Option<(String, Node)> {
        let (expr, name) = match item {
            SelectItem::ExprWithAlias { expr, alias } => (expr, Some(folded(alias))),
            SelectItem::UnnamedExpr(expr) => (expr, None),
            _ => return None,
        };
        let (found, before) = (node(scope, expr), bare(expr));
        let handed = found.is_some() && !is_shown;
        self.seen(scope, expr, if handed { Place::Handed } else { Place::Shown });
        let named = name.clone().or_else(|| before.clone())?;
        if name.is_none() && before != bare(expr) {
            // It keeps the name that it had.
            let (expr, alias) = (expr.clone(), Ident::with_quote('`', named.clone()));
            *item = SelectItem::ExprWithAlias { expr, alias };
        }
        Some((named, found.unwrap_or_else(|| self.classes.add(None))))
    }

    /// How many entities back each group, of every table in it.
    fn note(&mut self, tables: &BTreeSet<String>, threshold: &[(BTreeSet<Of>, u64)]) {
        for table in tables {
            let of = threshold.iter().filter(|(class, _)| class.iter().any(|(of, _)| of == table));
            let least = of.map(|(_, least)| *least).max().unwrap_or(1);
            let known = self.least.entry(table.clone()).or_insert(least);
            *known = least.min(*known);
        }
    }

    /// Takes the threshold out of a stage that lets groups go: what is counted, and how many there must be.
    fn threshold(
        &self,
        scope: &[Relation],
        select: &mut Select,
        releases: bool,
    ) -> Vec<(BTreeSet<Of>, u64)> {
        let Some(having) = select.having.as_ref().filter(|_| releases && self.is_own()) else {
            return Vec::new();
        };
        let mut pairs = Vec::new();
        conjuncts(having, &mut pairs);
        let found: Option<Vec<_>> = pairs
            .into_iter()
            .map(|pair| {
                let (of, least) = counted(pair)?;
                Some((self.classes.class(node(scope, of)?), least))
            })
            .collect();
        if found.is_some() {
            select.having = None;
        }
        found.unwrap_or_default()
    }

    /// Whether the groups are of an entity; `None` where nothing is grouped by.
    fn grouped(&mut self, scope: &[Relation], select: &mut Select) -> Option<bool> {
        let GroupByExpr::Expressions(keys, _) = &mut select.group_by else { return Some(false) };
        let mut entity = false;
        for key in &mut *keys {
            let found = node(scope, key);
            let of = found.map(|node| self.classes.class(node)).unwrap_or_default();
            entity |= of.iter().any(|of| self.is_key(of));
            self.seen(scope, key, Place::Shown);
        }
        (!keys.is_empty()).then_some(entity)
    }

    fn is_key(&self, (table, column): &Of) -> bool {
        let source = self.scans.get(table).and_then(|scan| scan.columns.get(column));
        matches!(source, Some(Source::Key(..)))
    }

    fn relation(&mut self, factor: &mut TableFactor) -> Result<Relation, Unheard> {
        match factor {
            TableFactor::Table { name, alias, .. } => {
                let [ObjectNamePart::Identifier(ident)] = name.0.as_mut_slice() else {
                    return unheard("a table named with its schema", "the table's own name");
                };
                let known = folded(ident);
                if let Some(stage) = self.stages.get(&known).cloned() {
                    return Ok(Relation {
                        alias: aliased(alias.as_ref(), &known),
                        table: None,
                        stage,
                    });
                }
                let table = known.strip_prefix("airlock_").filter(|_| self.is_own());
                let table = table.unwrap_or(&known).to_owned();
                Ok(self.table(&table, ident, alias))
            }
            TableFactor::Derived { subquery, alias: Some(alias), .. } => {
                let stage = self.stage(subquery, false)?;
                Ok(Relation { alias: folded(&alias.name), table: None, stage })
            }
            _ => unheard(
                "a relation that is no table and no SELECT",
                "a table, or (SELECT …) AS name",
            ),
        }
    }

    fn table(
        &mut self,
        table: &str,
        ident: &mut Ident,
        alias: &mut Option<TableAlias>,
    ) -> Relation {
        self.tables.insert(table.to_owned());
        let mut stage = Stage { tables: [table.to_owned()].into(), ..Stage::default() };
        let columns: Vec<String> = match (self.scans.get(table), self.catalog.get(table)) {
            (Some(scan), _) => scan.columns.keys().cloned().collect(),
            (None, Some(known)) => known.columns.keys().cloned().collect(),
            (None, None) => Vec::new(),
        };
        for column in columns {
            let node = self.classes.add(Some((table.to_owned(), column.clone())));
            stage.columns.insert(column, node);
        }
        let dataset = self.catalog.get(table).map_or(table, |known| known.dataset.as_str());
        let named = aliased(alias.as_ref(), &folded(ident));
        if alias.as_ref().is_some_and(|alias| folded(&alias.name) == dataset) {
            *alias = None;
        }
        *ident = Ident::with_quote('`', dataset);
        Relation { alias: named, table: Some(table.to_owned()), stage }
    }

    /// The equalities of a join. Of a hand-made text only the first pair is one of keys.
    fn joined(&mut self, scope: &[Relation], on: &mut Expr, outer: bool) {
        let mut pairs = Vec::new();
        let plain = on.clone();
        conjuncts(&plain, &mut pairs);
        let mut keyed = false;
        for pair in pairs {
            let Expr::BinaryOp { left, op: BinaryOperator::Eq, right } = pair else { continue };
            let (Some(one), Some(two)) = (node(scope, left), node(scope, right)) else {
                continue;
            };
            let (first, second) = (self.classes.origin(one), self.classes.origin(two));
            let (Some(first), Some(second)) = (first.cloned(), second.cloned()) else { continue };
            let keys = self.is_key(&first) && self.is_key(&second);
            if keys || (!self.is_own() && !keyed) {
                keyed = true;
                for of in [&first, &second] {
                    self.uses.entry(of.clone()).or_default().ways.insert(Way::Joined);
                }
                self.equal.insert((first, second));
                if !outer {
                    self.classes.equate(one, two);
                }
            } else {
                for of in [first, second] {
                    self.uses.entry(of).or_default().ways.insert(Way::Shown);
                }
            }
        }
        self.seen(scope, on, Place::On);
    }

    /// Notes every column of an expression, and gives it the name that templates have for it.
    fn seen(&mut self, scope: &[Relation], expr: &mut Expr, place: Place) {
        let mut seeing = Seeing { walk: self, scope, place, within: Vec::new() };
        let _ = expr.visit(&mut seeing);
    }
}

/// Where a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Where,
    Shown,
    /// Joined on, or handed on by a stage.
    On,
    Handed,
}

struct Seeing<'w, 'a> {
    walk: &'w mut Walk<'a>,
    scope: &'w [Relation],
    place: Place,
    /// The aggregates around.
    within: Vec<Aggregate>,
}

impl VisitorMut for Seeing<'_, '_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expr {
            self.within.extend(aggregate_of(function));
        }
        let Some(node) = node(self.scope, expr) else { return ControlFlow::Continue(()) };
        if let Some(of) = self.walk.classes.origin(node).cloned() {
            let used = self.walk.uses.entry(of.clone()).or_default();
            match (self.within.last(), self.place) {
                (Some(aggregate), _) => drop(used.aggregates.insert(*aggregate)),
                (None, Place::Where) => drop(used.ways.insert(Way::Filtered)),
                (None, Place::Shown) => drop(used.ways.insert(Way::Shown)),
                (None, Place::On | Place::Handed) => {}
            }
            self.walk.renamed(self.scope, &of, expr);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expr
            && aggregate_of(function).is_some()
        {
            self.within.pop();
        }
        ControlFlow::Continue(())
    }
}

impl Walk<'_> {
    /// A column of a table under the name that templates have for it, where it stands beside its table.
    fn renamed(&self, scope: &[Relation], (table, column): &Of, expr: &mut Expr) {
        let direct = scope.iter().any(|one| one.table.as_ref() == Some(table));
        let (true, false, Some(known)) = (direct, self.is_own(), self.catalog.get(table)) else {
            return;
        };
        let Some(name) = known.columns.get(column) else { return };
        let ident = Ident::with_quote('`', name.clone());
        match expr {
            Expr::Identifier(old) => *old = ident,
            Expr::CompoundIdentifier(parts) => {
                let is_table = |part: &Ident| folded(part) == *table;
                let unnamed = scope.iter().any(|one| one.alias == *table);
                if let Some(first) = parts.first_mut().filter(|part| unnamed && is_table(part)) {
                    *first = Ident::with_quote('`', known.dataset.clone());
                }
                if let Some(last) = parts.last_mut() {
                    *last = ident;
                }
            }
            _ => {}
        }
    }
}

/// A template's own HAVING, which acts on what passed a threshold: `SELECT … FROM (… AS airlock_having …) WHERE airlock_having`.
fn unwrapped(select: &mut Select) -> Option<Expr> {
    let [from] = select.from.as_mut_slice() else { return None };
    let TableFactor::Derived { subquery, alias: Some(alias), .. } = &mut from.relation else {
        return None;
    };
    if alias.name.value != "airlock_stage" {
        return None;
    }
    let inner = select_of_mut(subquery)?;
    let mut own = None;
    inner.projection.retain(|item| match item {
        SelectItem::ExprWithAlias { expr, alias } if alias.value == "airlock_having" => {
            own = Some(expr.clone());
            false
        }
        _ => true,
    });
    let plain = inner.clone();
    *select = plain;
    own
}

/// The column that a plain name is.
fn node(scope: &[Relation], expr: &Expr) -> Option<Node> {
    let (alias, name) = match expr {
        Expr::Identifier(name) => (None, folded(name)),
        Expr::CompoundIdentifier(parts) => match parts.as_slice() {
            [alias, name] => (Some(folded(alias)), folded(name)),
            _ => return None,
        },
        _ => return None,
    };
    let mut of = scope.iter().filter(|one| alias.as_ref().is_none_or(|a| *a == one.alias));
    of.find_map(|one| one.stage.columns.get(&name).copied())
}

fn aliased(alias: Option<&TableAlias>, name: &str) -> String {
    alias.map_or_else(|| name.to_owned(), |alias| folded(&alias.name))
}

/// Spark folds every name.
fn folded(name: &Ident) -> String {
    name.value.to_ascii_lowercase()
}

fn bare(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(name) => Some(folded(name)),
        Expr::CompoundIdentifier(parts) => parts.last().map(folded),
        _ => None,
    }
}

const fn on(operator: &mut JoinOperator) -> Option<&mut Expr> {
    match operator {
        JoinOperator::Join(JoinConstraint::On(on))
        | JoinOperator::Inner(JoinConstraint::On(on))
        | JoinOperator::Left(JoinConstraint::On(on))
        | JoinOperator::LeftOuter(JoinConstraint::On(on)) => Some(on),
        _ => None,
    }
}

fn aggregate_of(function: &Function) -> Option<Aggregate> {
    let FunctionArguments::List(list) = &function.args else { return None };
    let distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
    name_of(function).filter(|_| function.over.is_none()).and_then(|name| aggregate(name, distinct))
}

/// Whether a SELECT has an aggregate in its list.
fn aggregates(select: &Select) -> bool {
    let mut list = select.projection.clone();
    let found = sqlparser::ast::visit_expressions_mut(&mut list, |expr| match expr {
        Expr::Function(function) if aggregate_of(function).is_some() => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}
