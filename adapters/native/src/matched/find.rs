//! Finds the aggregates that the match operator answers: an inner join on one token, grouped by dimensions of either side,
//! with counts, distinct keys, sums and means. Everything else is left as it is.

use super::node::{Answer, Given, Matched};
use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, NullEquality, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{AggregateFunction, AggregateFunctionParams};
use datafusion::logical_expr::{
    Aggregate, Expr, ExprSchemable, Extension, Join, JoinType, LogicalPlan, LogicalPlanBuilder,
};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};
use matching::{GroupKeys, MeasureColumn};
use std::sync::Arc;

/// A row can carry so many measures (`matching` refuses more).
const MEASURES_MAX: usize = 32;
/// Expressions seen through projections may repeat themselves; larger ones keep the stock plan.
const NODES_MAX: usize = 1 << 16;
/// A token: what `airlock_token` and `airlock_hashed` make.
const TOKEN: DataType = DataType::FixedSizeBinary(32);

/// The rule.
#[derive(Debug)]
pub(crate) struct UseMatching;

impl OptimizerRule for UseMatching {
    fn name(&self) -> &'static str {
        "use_matching"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Aggregate(aggregate) = &plan else {
            return Ok(Transformed::no(plan));
        };
        match found(aggregate)? {
            Some(node) => {
                let node = LogicalPlan::Extension(Extension { node: Arc::new(node) });
                Ok(Transformed::yes(node))
            }
            None => Ok(Transformed::no(plan)),
        }
    }
}

/// The operator's node for this aggregate, where it answers it.
fn found(aggregate: &Aggregate) -> Result<Option<Matched>> {
    let asked: Vec<Expr> =
        aggregate.group_expr.iter().chain(&aggregate.aggr_expr).map(bare).collect();
    let Some((join, asked)) = over_join(&aggregate.input, asked)? else { return Ok(None) };
    let Some(mut sides) = Sides::of(join)? else { return Ok(None) };
    let (groups, aggregates) =
        asked.split_at_checked(aggregate.group_expr.len()).unwrap_or_default();
    let mut answers = Vec::with_capacity(asked.len());
    answers.extend(groups.iter().map(|expr| sides.dimension(expr)).collect::<Result<Vec<_>>>()?);
    let mut found =
        aggregates.iter().map(|expr| sides.aggregated(expr)).collect::<Result<Vec<_>>>()?;
    // Counts of keys with a value come last: a measure is carried once, in the form that is summed.
    for (answer, expr) in found.iter_mut().zip(aggregates).filter(|(answer, _)| answer.is_none()) {
        *answer = sides.backed(expr)?;
    }
    answers.extend(found);
    match answers.into_iter().collect() {
        Some(answers) => sides.node(join, answers, aggregate).map(Some),
        None => Ok(None),
    }
}

fn bare(expr: &Expr) -> Expr {
    expr.clone().unalias()
}

/// The join below, and the expressions in its columns: names of subqueries and plain projections are seen through.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else lies between keeps the stock plan"
)]
fn over_join(input: &LogicalPlan, mut exprs: Vec<Expr>) -> Result<Option<(&Join, Vec<Expr>)>> {
    let mut plan = input;
    loop {
        let (below, values): (&LogicalPlan, Vec<Expr>) = match plan {
            LogicalPlan::Join(join) => return Ok(Some((join, exprs))),
            LogicalPlan::SubqueryAlias(alias) => {
                let columns = alias.input.schema().columns();
                (&alias.input, columns.into_iter().map(Expr::Column).collect())
            }
            LogicalPlan::Projection(projection) => {
                if projection.expr.iter().any(Expr::is_volatile) {
                    return Ok(None);
                }
                (&projection.input, projection.expr.iter().map(bare).collect())
            }
            _ => return Ok(None),
        };
        let names = plan.schema().columns();
        if size(&exprs).saturating_mul(values.iter().map(nodes).max().unwrap_or(1)) > NODES_MAX {
            return Ok(None);
        }
        let rewritten = exprs.into_iter().map(|expr| replaced(expr, &names, &values));
        exprs = rewritten.collect::<Result<_>>()?;
        plan = below;
    }
}

fn size(exprs: &[Expr]) -> usize {
    exprs.iter().map(nodes).sum()
}

/// How many parts an expression has.
fn nodes(expr: &Expr) -> usize {
    let mut count = 0;
    let counted = expr.apply(|_| {
        count += 1;
        Ok(TreeNodeRecursion::Continue)
    });
    if counted.is_ok() { count } else { usize::MAX }
}

/// The expression with each of these columns as its value.
fn replaced(expr: Expr, names: &[Column], values: &[Expr]) -> Result<Expr> {
    let value = |column: &Column| {
        let at = names.iter().position(|name| name == column)?;
        values.get(at).cloned()
    };
    expr.transform_up(|expr| {
        let value = if let Expr::Column(column) = &expr { value(column) } else { None };
        Ok(value.map_or_else(|| Transformed::no(expr), Transformed::yes))
    })
    .data()
}

/// What each side must give, collected while the answers are looked through.
struct Sides<'j> {
    schemas: [&'j DFSchema; 2],
    keys: [Expr; 2],
    dimensions: [Vec<Expr>; 2],
    measures: [Vec<Expr>; 2],
}

impl<'j> Sides<'j> {
    /// Both sides of a join that matches on one token and nothing else.
    fn of(join: &'j Join) -> Result<Option<Self>> {
        let [(left, right)] = join.on.as_slice() else { return Ok(None) };
        let schemas = [join.left.schema().as_ref(), join.right.schema().as_ref()];
        let plain = join.join_type == JoinType::Inner
            && join.filter.is_none()
            && join.null_equality == NullEquality::NullEqualsNothing;
        let [of_left, of_right] = schemas;
        if !plain || left.get_type(of_left)? != TOKEN || right.get_type(of_right)? != TOKEN {
            return Ok(None);
        }
        Ok(Some(Self {
            schemas,
            keys: [left.clone(), right.clone()],
            dimensions: [Vec::new(), Vec::new()],
            measures: [Vec::new(), Vec::new()],
        }))
    }

    /// The one side whose columns an expression uses, and its type there.
    fn side(&self, expr: &Expr) -> Result<Option<(usize, DataType)>> {
        let columns = expr.column_refs();
        if columns.is_empty() {
            return Ok(None);
        }
        for (side, schema) in self.schemas.iter().enumerate() {
            if columns.iter().all(|column| schema.has_column(column)) {
                return Ok(Some((side, expr.get_type(*schema)?)));
            }
        }
        Ok(None)
    }

    fn dimension(&mut self, expr: &Expr) -> Result<Option<Answer>> {
        let Some((side, found)) = self.side(expr)? else { return Ok(None) };
        let takes = GroupKeys::new(std::slice::from_ref(&found), 1).is_ok();
        let Some(dimensions) = self.dimensions.get_mut(side).filter(|_| takes) else {
            return Ok(None);
        };
        Ok(Some(Answer::Dimension { side, number: number_of(expr, dimensions) }))
    }

    fn aggregated(&mut self, expr: &Expr) -> Result<Option<Answer>> {
        let Expr::AggregateFunction(AggregateFunction { func, params }) = expr else {
            return Ok(None);
        };
        let AggregateFunctionParams { args, distinct, filter, order_by, null_treatment } = params;
        let [arg] = args.as_slice() else { return Ok(None) };
        if filter.is_some() || !order_by.is_empty() || null_treatment.is_some() {
            return Ok(None);
        }
        let key = self.keys.contains(arg);
        match (func.name(), *distinct) {
            ("count", true) if key => Ok(Some(Answer::Distinct)),
            // A key that matched is never NULL.
            ("count", false) if key || is_some(arg) => Ok(Some(Answer::Rows)),
            ("count", false) => self.measure(arg, |side, number| Answer::NotNull { side, number }),
            ("sum", false) => self.measure(arg, |side, number| Answer::Sum { side, number }),
            ("avg", false) => self.measure(arg, |side, number| Answer::Mean { side, number }),
            _ => Ok(None),
        }
    }

    /// `COUNT(DISTINCT CASE WHEN measure IS NOT NULL THEN key END)`.
    fn backed(&mut self, expr: &Expr) -> Result<Option<Answer>> {
        let Some(argument) = counted_once(expr) else { return Ok(None) };
        let Expr::Case(case) = argument else { return Ok(None) };
        let (None, [(when, then)], None) =
            (&case.expr, case.when_then_expr.as_slice(), &case.else_expr)
        else {
            return Ok(None);
        };
        let Expr::IsNotNull(value) = &**when else { return Ok(None) };
        if !self.keys.contains(then) {
            return Ok(None);
        }
        for (side, measures) in self.measures.iter().enumerate() {
            let same = |measure: &Expr| uncast(measure) == uncast(value);
            if let Some(number) = measures.iter().position(same) {
                return Ok(Some(Answer::Backed { side, number }));
            }
        }
        self.measure(value, |side, number| Answer::Backed { side, number })
    }

    fn measure(
        &mut self,
        expr: &Expr,
        answer: impl Fn(usize, usize) -> Answer,
    ) -> Result<Option<Answer>> {
        let Some((side, found)) = self.side(expr)? else { return Ok(None) };
        // Only the two that the engine itself sums without widening.
        let takes = matches!(found, DataType::Int64 | DataType::Float64)
            && MeasureColumn::kind_of(&found).is_some();
        let Some(measures) = self.measures.get_mut(side).filter(|_| takes) else {
            return Ok(None);
        };
        let number = number_of(expr, measures);
        Ok((number < MEASURES_MAX).then(|| answer(side, number)))
    }

    fn node(self, join: &Join, answers: Vec<Answer>, aggregate: &Aggregate) -> Result<Matched> {
        let [left_key, right_key] = self.keys;
        let [left_dimensions, right_dimensions] = self.dimensions;
        let [left_measures, right_measures] = self.measures;
        let (left, of_left) = given(&join.left, left_key, left_dimensions, left_measures)?;
        let (right, of_right) = given(&join.right, right_key, right_dimensions, right_measures)?;
        Ok(Matched {
            inputs: [left, right],
            given: [of_left, of_right],
            answers,
            schema: Arc::clone(&aggregate.schema),
        })
    }
}

/// The argument of a plain COUNT(DISTINCT …).
fn counted_once(expr: &Expr) -> Option<&Expr> {
    let Expr::AggregateFunction(AggregateFunction { func, params }) = expr else { return None };
    let AggregateFunctionParams { args, distinct, filter, order_by, null_treatment } = params;
    let plain = filter.is_none() && order_by.is_empty() && null_treatment.is_none();
    let [argument] = args.as_slice() else { return None };
    (*distinct && plain && func.name() == "count").then_some(argument)
}

/// A value without the casts around it, which make no value NULL.
#[expect(clippy::wildcard_enum_match_arm, reason = "expressions grow; whatever is no cast stays")]
fn uncast(expr: &Expr) -> &Expr {
    match expr {
        Expr::Cast(cast) => uncast(&cast.expr),
        other => other,
    }
}

fn is_some(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(value, _) if *value != ScalarValue::Null && !value.is_null())
}

/// The expression's place in the list, where it is put if it isn't there.
fn number_of(expr: &Expr, list: &mut Vec<Expr>) -> usize {
    if let Some(number) = list.iter().position(|one| one == expr) {
        return number;
    }
    list.push(expr.clone());
    list.len() - 1
}

/// A side projected to its key, dimensions and measures, in this order.
fn given(
    input: &Arc<LogicalPlan>,
    key: Expr,
    dimensions: Vec<Expr>,
    measures: Vec<Expr>,
) -> Result<(LogicalPlan, Given)> {
    let given = Given { dimensions: dimensions.len(), measures: measures.len() };
    let all = std::iter::once(key).chain(dimensions).chain(measures);
    let named = all.enumerate().map(|(n, expr)| expr.alias(format!("given_{n}")));
    let plan = LogicalPlanBuilder::from(Arc::clone(input)).project(named)?.build()?;
    Ok((plan, given))
}
