//! Rows through a plan, from scans to the output: nothing leaves that no threshold has passed.

use super::expression::{Asked, Entities, FACTORS_MAX, Kind, aggregate, counted, kind, uncounted};
use super::scan::{columns, constant, scanned};
use super::{Checked, wrong};
use adapter_spi::ProtectedQuery;
use datafusion::common::{DFSchema, JoinType};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Aggregate, Expr, Filter, Join, LogicalPlan, Operator, Projection};
use mappings::model::{ColumnUse, Dataset, DatasetName, JoinRule};
use std::collections::BTreeSet;

/// Rows at one point of a plan.
#[derive(Debug, Clone, Default)]
pub(super) struct Flow {
    /// What each column is.
    pub(super) kinds: Vec<Kind>,
    /// Scans whose rows no threshold has passed.
    pub(super) open: BTreeSet<usize>,
    /// Scans matched with another owner's data.
    pub(super) matched: BTreeSet<usize>,
    /// Scans whose entities are equal in every row.
    classes: Vec<BTreeSet<usize>>,
    /// Grouped, and waiting for the threshold right above.
    pub(super) pending: bool,
}

impl Flow {
    /// Whether this may leave as an aggregate.
    pub(super) fn is_released(&self) -> Checked<()> {
        if self.open.is_empty() && !self.pending {
            Ok(())
        } else {
            wrong("rows that no threshold has passed would leave")
        }
    }

    /// The scans whose entity equals one of these in every row.
    pub(super) fn class_of(&self, of: &BTreeSet<usize>) -> BTreeSet<usize> {
        let touching = self.classes.iter().filter(|class| !class.is_disjoint(of));
        touching.flatten().chain(of).copied().collect()
    }

    /// Notes that two columns are equal in every row: whose own entities one holds, the other holds too.
    fn same(&mut self, schema: &DFSchema, columns: [&Expr; 2]) {
        let at = |expr: &Expr| match expr {
            Expr::Column(column) => schema.index_of_column(column).ok(),
            _ => None,
        };
        let places: Vec<usize> = columns.into_iter().filter_map(at).collect();
        let mut own = BTreeSet::new();
        for place in &places {
            if let Some(Kind::Token(one)) = self.kinds.get(*place) {
                own.extend(one.own.iter().copied());
            }
        }
        for (place, kind) in self.kinds.iter_mut().enumerate() {
            if let Kind::Token(one) = kind
                && (places.contains(&place) || !one.own.is_disjoint(&own))
            {
                one.own.extend(own.iter().copied());
            }
        }
    }

    fn equate(&mut self, mut merged: BTreeSet<usize>) {
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

/// One check of one plan.
pub(super) struct Checker<'a> {
    pub(super) query: &'a ProtectedQuery,
    scans: Vec<(&'a DatasetName, &'a Dataset)>,
}

impl<'a> Checker<'a> {
    pub(super) fn new(query: &'a ProtectedQuery) -> Self {
        Self { query, scans: Vec::new() }
    }

    pub(super) fn scan(&self, id: usize) -> Option<(&'a DatasetName, &'a Dataset)> {
        self.scans.get(id).copied()
    }

    /// The rows that a plan gives.
    pub(super) fn flow(&mut self, plan: &LogicalPlan) -> Checked<Flow> {
        match plan {
            LogicalPlan::SubqueryAlias(alias) => self.flow(&alias.input),
            LogicalPlan::Projection(projection) => self.projection(projection),
            LogicalPlan::Filter(filter) => self.filter(filter),
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate),
            LogicalPlan::Join(join) => self.join(join),
            LogicalPlan::Sort(sort) => self.released(&sort.input),
            LogicalPlan::Limit(limit) => self.released(&limit.input),
            LogicalPlan::Window(window) => {
                let mut flow = self.released(&window.input)?;
                flow.kinds.extend(window.window_expr.iter().map(|_| Kind::Free));
                Ok(flow)
            }
            _ => wrong("a plan node outside the list"),
        }
    }

    /// Rows that must have passed their threshold.
    fn released(&mut self, plan: &LogicalPlan) -> Checked<Flow> {
        let flow = self.flow(plan)?;
        flow.is_released()?;
        Ok(flow)
    }

    /// Rows that don't wait for a threshold.
    fn settled(&mut self, plan: &LogicalPlan) -> Checked<Flow> {
        let flow = self.flow(plan)?;
        if flow.pending { wrong("groups that no threshold has passed") } else { Ok(flow) }
    }

    fn projection(&mut self, projection: &Projection) -> Checked<Flow> {
        if let Some((table, predicate)) = scanned(projection) {
            let known =
                self.query.agreement.datasets.iter().find(|(name, _)| name.as_str() == table);
            let known = known.filter(|(name, _)| self.query.guarded.datasets.contains_key(*name));
            let Some(dataset) = known else {
                return wrong("a table that the template does not touch");
            };
            let id = self.scans.len();
            self.scans.push(dataset);
            let kinds = columns(projection, predicate, dataset, id)?;
            return Ok(Flow { kinds, open: BTreeSet::from([id]), ..Flow::default() });
        }
        let mut flow = self.settled(&projection.input)?;
        let schema = projection.input.schema();
        let kinds: Checked<Vec<Kind>> =
            projection.expr.iter().map(|expr| kind(expr, &flow, schema)).collect();
        flow.kinds = kinds?;
        Ok(flow)
    }

    fn filter(&mut self, filter: &Filter) -> Checked<Flow> {
        let flow = self.flow(&filter.input)?;
        if flow.pending {
            return self.threshold(filter, flow);
        }
        match kind(&filter.predicate, &flow, filter.input.schema())? {
            Kind::Constant | Kind::Dimension(_) | Kind::Filter | Kind::Free => Ok(flow),
            Kind::Token(_)
            | Kind::Measure(_)
            | Kind::Derived(_)
            | Kind::Distinct(_)
            | Kind::Partial(_)
            | Kind::Backing(..) => {
                wrong("a condition on something else than dimensions and filters")
            }
        }
    }

    fn aggregate(&mut self, node: &Aggregate) -> Checked<Flow> {
        let mut flow = self.settled(&node.input)?;
        let schema = node.input.schema();
        let mut kinds = Vec::new();
        let mut entity = false;
        for expr in &node.group_expr {
            let group = kind(expr, &flow, schema)?;
            match &group {
                Kind::Token(_) => entity = true,
                Kind::Dimension(_) | Kind::Derived(_) | Kind::Free | Kind::Constant => {}
                Kind::Filter
                | Kind::Measure(_)
                | Kind::Distinct(_)
                | Kind::Partial(_)
                | Kind::Backing(..) => {
                    return wrong("a group that is not of dimensions");
                }
            }
            kinds.push(group);
        }
        for expr in &node.aggr_expr {
            kinds.push(aggregate(expr, &flow, schema)?);
        }
        flow.kinds = kinds;
        if entity {
            for kind in &mut flow.kinds {
                match kind {
                    Kind::Distinct(_) => *kind = Kind::Derived(counted()),
                    Kind::Partial(partial) => {
                        *kind = Kind::Derived(std::mem::take(&mut partial.may));
                    }
                    _ => {}
                }
            }
            return Ok(flow);
        }
        if flow.open.is_empty() {
            return Ok(flow);
        }
        self.joined(&flow)?;
        let asked = self.asked(&flow);
        if asked.is_empty() {
            return Ok(release(flow));
        }
        ask(&mut flow, node, &asked)?;
        Ok(Flow { pending: true, ..flow })
    }

    /// The scans whose rule asks for a threshold.
    fn asked(&self, flow: &Flow) -> Vec<Asked> {
        let asked = flow.open.iter().filter_map(|id| {
            let (_, dataset) = self.scan(*id)?;
            Some(asks(dataset, *id, dataset.rule.entities_min))
        });
        asked.filter(|asked| asked.min > 1).collect()
    }

    /// The condition right above a group: enough distinct entities of every scan that asks.
    fn threshold(&self, filter: &Filter, flow: Flow) -> Checked<Flow> {
        let schema = filter.input.schema();
        let mut held: Vec<(Entities, u64)> = Vec::new();
        for conjunct in split_conjunction(&filter.predicate) {
            let Expr::ScalarFunction(call) = conjunct else { continue };
            if call.name() != "airlock_at_least" {
                continue;
            }
            for pair in call.args.chunks(2) {
                let [count, min] = pair else { return wrong("a threshold without its minimum") };
                let min = constant(min).and_then(|min| min.parse().ok());
                let (Kind::Distinct(of), Some(min)) = (kind(count, &flow, schema)?, min) else {
                    return wrong("a threshold that does not count distinct entities");
                };
                held.push((Entities::of(flow.class_of(&of.of), of.own), min));
            }
        }
        for asked in self.asked(&flow) {
            if !held.iter().any(|(of, least)| asked.counted_by(of) && *least >= asked.min) {
                let (min, name) = (asked.min, self.scan(asked.scan));
                let name = name.map_or_else(String::new, |(name, _)| name.to_string());
                return wrong(format!("no threshold of at least {min} entities of {name}"));
            }
        }
        Ok(release(flow))
    }

    /// Refuses a scan that may only be used matched, and is not.
    pub(super) fn joined(&self, flow: &Flow) -> Checked<()> {
        for id in flow.open.difference(&flow.matched) {
            if let Some((name, dataset)) = self.scan(*id)
                && dataset.rule.join == JoinRule::Required
            {
                return wrong(format!("{name} is used without a match"));
            }
        }
        Ok(())
    }

    fn join(&mut self, join: &Join) -> Checked<Flow> {
        let (left, mut right) = (self.settled(&join.left)?, self.settled(&join.right)?);
        let outer = match join.join_type {
            JoinType::Inner => false,
            JoinType::Left => true,
            _ => return wrong("a join outside the list"),
        };
        let identities = outer && only_identities(&join.right, &right);
        if outer && !identities && self.entities_min(&right) < self.entities_min(&left) {
            right.kinds = right.kinds.into_iter().map(Kind::thin).collect();
        }
        let open = if identities { left.open.clone() } else { &left.open | &right.open };
        self.powers(&open)?;
        let mut flow = Flow {
            kinds: [left.kinds.clone(), right.kinds.clone()].concat(),
            open,
            matched: &left.matched | &right.matched,
            classes: left.classes.clone(),
            pending: false,
        };
        for class in right.classes.clone() {
            flow.equate(class);
        }
        if left.open.is_empty() && right.open.is_empty() {
            return Ok(flow);
        }
        if left.open.is_empty() || right.open.is_empty() {
            return wrong("released rows joined with rows that are not");
        }
        let mut keyed = false;
        for columns @ (one, two) in equalities(join)? {
            let one = kind(one, &flow, &join.schema)?;
            let two = kind(two, &flow, &join.schema)?;
            match (one, two) {
                (Kind::Token(one), Kind::Token(two)) => {
                    if !outer {
                        flow.same(&join.schema, [columns.0, columns.1]);
                    }
                    self.note(&mut flow, (&left, &one.of), (&right, &two.of), outer);
                    keyed = true;
                }
                (Kind::Dimension(_), Kind::Dimension(_)) => {}
                (_, _) => return wrong("a join on something else than tokens and dimensions"),
            }
        }
        if keyed { Ok(flow) } else { wrong("a join without a match key") }
    }

    /// The most that a threshold asks for over these rows.
    fn entities_min(&self, flow: &Flow) -> u64 {
        let all = flow.open.iter().filter_map(|id| self.scan(*id));
        all.map(|(_, dataset)| dataset.rule.entities_min.max(1)).max().unwrap_or(1)
    }

    /// Refuses a protected dataset joined with itself too often: rows multiply by entity, and sums of high powers are
    /// the maximum.
    fn powers(&self, open: &BTreeSet<usize>) -> Checked<()> {
        let all = || open.iter().filter_map(|id| self.scan(*id));
        let often = |name| all().filter(|(other, _)| *other == name).count() > FACTORS_MAX;
        match all().find(|(name, dataset)| dataset.rule.entities_min > 1 && often(*name)) {
            Some((name, _)) => wrong(format!("{name} stands too often in one join")),
            None => Ok(()),
        }
    }

    fn note(
        &self,
        flow: &mut Flow,
        one: (&Flow, &BTreeSet<usize>),
        two: (&Flow, &BTreeSet<usize>),
        outer: bool,
    ) {
        // The sides of an equality may be written in either order.
        let swapped = !one.1.is_subset(&one.0.open);
        let (before, after) = if swapped { (two.1, one.1) } else { (one.1, two.1) };
        let (before, after) = (one.0.class_of(before), two.0.class_of(after));
        let owners: BTreeSet<_> = before
            .union(&after)
            .filter_map(|id| self.scan(*id))
            .map(|(_, dataset)| &dataset.owner)
            .collect();
        if owners.len() > 1 {
            flow.matched.extend(&after);
            if !outer {
                flow.matched.extend(&before);
            }
        }
        if !outer && !one.1.is_empty() && !two.1.is_empty() {
            flow.equate(one.1 | two.1);
        }
    }
}

/// Notes what must back each aggregate of a value that may be NULL.
fn ask(flow: &mut Flow, node: &Aggregate, asked: &[Asked]) -> Checked<()> {
    let mut kinds = std::mem::take(&mut flow.kinds);
    let aggregates = kinds.iter_mut().skip(node.group_expr.len()).zip(&node.aggr_expr);
    for (kind, expr) in aggregates {
        match kind {
            Kind::Partial(partial) => partial.asked = asked.to_vec(),
            Kind::Backing(_, of) => of.of = flow.class_of(&of.of),
            Kind::Distinct(of) if !of.thin => {
                let class = flow.class_of(&of.of);
                if !asked.iter().any(|asked| class.contains(&asked.scan)) {
                    *kind = uncounted(expr, asked)?;
                }
            }
            _ => {}
        }
    }
    flow.kinds = kinds;
    Ok(())
}

/// So many entities of a scan.
pub(super) fn asks(dataset: &Dataset, scan: usize, min: u64) -> Asked {
    let entity = dataset.columns.get(&dataset.entity).map(|column| &column.r#use);
    let several = !matches!(entity, Some(ColumnUse::Match { keys }) if keys.len() == 1);
    Asked { scan, min, several }
}

fn release(flow: Flow) -> Flow {
    let kinds = flow.kinds.into_iter().map(|kind| match kind {
        Kind::Distinct(ref all) if all.thin => kind,
        Kind::Dimension(_) | Kind::Constant | Kind::Derived(_) | Kind::Distinct(_) | Kind::Free => {
            Kind::Free
        }
        // Where nothing has to back them.
        Kind::Partial(ref partial) if partial.asked.is_empty() => Kind::Free,
        // The first two wait for each other: `kind` lets neither leave alone. None of the others can be a group's output:
        // `aggregate` saw to it. Kept as they are, they can't leave either.
        Kind::Partial(_) | Kind::Backing(..) | Kind::Token(_) | Kind::Filter | Kind::Measure(_) => {
            kind
        }
    });
    Flow { kinds: kinds.collect(), ..Flow::default() }
}

/// Whether a plan is a map from tokens to tokens with one row a token: as the optional side of a join it neither adds
/// rows nor anything that could leave, so nothing of it has to pass a threshold.
fn only_identities(plan: &LogicalPlan, flow: &Flow) -> bool {
    let grouped = match plan {
        LogicalPlan::SubqueryAlias(alias) => return only_identities(&alias.input, flow),
        LogicalPlan::Projection(projection) => &*projection.input,
        other => other,
    };
    let once = matches!(grouped, LogicalPlan::Aggregate(node) if node.group_expr.len() == 1);
    once && flow.kinds.iter().all(|kind| matches!(kind, Kind::Token(_)))
}

/// The equalities of a join, wherever the planner put them; anything else is refused.
fn equalities(join: &Join) -> Checked<Vec<(&Expr, &Expr)>> {
    let mut all: Vec<(&Expr, &Expr)> = join.on.iter().map(|(one, two)| (one, two)).collect();
    for conjunct in join.filter.iter().flat_map(split_conjunction) {
        match conjunct {
            Expr::BinaryExpr(binary) if binary.op == Operator::Eq => {
                all.push((&binary.left, &binary.right));
            }
            _ => return wrong("a join on something else than equality"),
        }
    }
    Ok(all)
}
