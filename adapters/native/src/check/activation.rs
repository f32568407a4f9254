//! An activation's plan: columns that may leave, from one audience, which a second look at the same rows found large enough.

use super::expression::{Entities, Kind};
use super::flow::{Checker, Flow, asks};
use super::scan::constant;
use super::{Checked, wrong};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Aggregate, Distinct, Expr, LogicalPlan};
use std::collections::BTreeSet;

/// Accepts `SELECT DISTINCT columns FROM audience [CROSS JOIN size]`.
pub(super) fn check(checker: &mut Checker<'_>, plan: &LogicalPlan) -> Checked<()> {
    let LogicalPlan::Distinct(Distinct::All(rows)) = plan else {
        return wrong("an activation that repeats rows");
    };
    let LogicalPlan::Projection(output) = &**rows else {
        return wrong("an activation without its columns");
    };
    let (audience, size) = match &*output.input {
        LogicalPlan::Join(join) if join.on.is_empty() && join.filter.is_none() => {
            (&*join.left, Some(&*join.right))
        }
        other => (other, None),
    };
    let flow = checker.flow(audience)?;
    checker.joined(&flow)?;
    leaving(checker, &output.expr, audience, &flow)?;
    let held = size.map_or_else(|| Ok(Vec::new()), |size| minimums(checker, size, audience))?;
    let receivers = checker
        .query
        .agreement
        .templates
        .get(&checker.query.guarded.template)
        .map(|template| &template.received_by);
    let Some(receivers) = receivers else {
        return wrong("a template that the agreement does not have");
    };
    for id in &flow.open {
        let Some((name, dataset)) = checker.scan(*id) else { return wrong("a scan from nowhere") };
        let own = receivers.iter().all(|receiver| *receiver == dataset.owner);
        let least = match &dataset.rule.activation {
            None if own => continue,
            Some(rule) if own || receivers.is_subset(&rule.to) => {
                rule.audience_min.max(dataset.rule.entities_min)
            }
            Some(_) | None => return wrong(format!("{name} may not go to this receiver")),
        };
        let asked = asks(dataset, *id, least);
        if !held.iter().any(|(of, min)| asked.counted_by(of) && *min >= least) {
            return wrong(format!("no minimum audience of {least} entities of {name}"));
        }
    }
    Ok(())
}

/// Refuses an output column whose owner did not let it leave.
fn leaving(
    checker: &Checker<'_>,
    output: &[Expr],
    audience: &LogicalPlan,
    flow: &Flow,
) -> Checked<()> {
    for expr in output {
        let bare = match expr {
            Expr::Alias(alias) => &alias.expr,
            other => other,
        };
        let Expr::Column(column) = bare else {
            return wrong("an activation delivers columns as they are");
        };
        let index = audience
            .schema()
            .index_of_column(column)
            .map_err(|_| "a column from nowhere".to_owned())?;
        let Some(Kind::Dimension(Some((dataset, column)))) = flow.kinds.get(index) else {
            return wrong("a column that may not leave");
        };
        let declared = checker
            .query
            .agreement
            .datasets
            .get(dataset)
            .and_then(|known| known.columns.get(column));
        if !declared.is_some_and(|declared| declared.activate) {
            return wrong(format!("column {column} of {dataset} may not leave"));
        }
    }
    Ok(())
}

/// The minimums that hold for the audience; the rows counted must be the rows delivered.
fn minimums(
    checker: &mut Checker<'_>,
    size: &LogicalPlan,
    audience: &LogicalPlan,
) -> Checked<Vec<(Entities, u64)>> {
    let LogicalPlan::SubqueryAlias(size) = size else {
        return wrong("an audience without its size");
    };
    let LogicalPlan::Projection(size) = &*size.input else {
        return wrong("an audience without its size");
    };
    let LogicalPlan::Filter(filter) = &*size.input else {
        return wrong("an audience without its minimum");
    };
    let LogicalPlan::Aggregate(counted) = &*filter.input else {
        return wrong("an audience that is not counted");
    };
    if !counted.group_expr.is_empty() || bare(&counted.input) != bare(audience) {
        return wrong("an audience other than the one counted");
    }
    let flow = checker.flow(audience)?;
    let first = flow.open.iter().next().copied().unwrap_or_default();
    let mut held = Vec::new();
    for conjunct in split_conjunction(&filter.predicate) {
        let Expr::ScalarFunction(call) = conjunct else {
            return wrong("an audience with another condition");
        };
        for pair in call.args.chunks(2) {
            let [Expr::Column(count), min] = pair else {
                return wrong("a minimum that counts nothing");
            };
            let min = constant(min)
                .and_then(|min| min.parse().ok())
                .ok_or("a minimum without a number")?;
            let of = distinct(counted, &count.name, &flow, audience)?;
            // The second look at the audience scans the same datasets in the same order.
            let before = |ids: BTreeSet<usize>| ids.into_iter().map(|id| id - first).collect();
            let all = before(flow.class_of(&of.of));
            held.push((Entities::of(all, before(of.own)), min));
        }
    }
    Ok(held)
}

fn distinct(
    counted: &Aggregate,
    name: &str,
    flow: &Flow,
    audience: &LogicalPlan,
) -> Checked<Entities> {
    for (expr, field) in counted.aggr_expr.iter().zip(counted.schema.fields()) {
        let Expr::AggregateFunction(call) = expr else { continue };
        let ([Expr::Column(column)], true) = (call.params.args.as_slice(), call.params.distinct)
        else {
            continue;
        };
        if field.name() != name || call.func.name() != "count" || call.params.filter.is_some() {
            continue;
        }
        let index =
            audience.schema().fields().iter().position(|field| field.name() == column.name());
        if let Some(Kind::Token(of)) = index.and_then(|index| flow.kinds.get(index)) {
            return Ok(of.clone());
        }
    }
    wrong("a minimum that does not count distinct entities")
}

/// A plan without the aliases around it.
fn bare(plan: &LogicalPlan) -> &LogicalPlan {
    match plan {
        LogicalPlan::SubqueryAlias(alias) => bare(&alias.input),
        other => other,
    }
}
