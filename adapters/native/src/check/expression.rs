//! What an expression of a plan is made of, by a closed list of node kinds and functions.

use super::flow::Flow;
use super::{Checked, wrong};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::Expr;
use mappings::model::{Aggregate, ColumnName, DatasetName};
use std::collections::BTreeSet;

/// What a value is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Constants and parameters only.
    Constant,
    /// A token; the scans whose entity it is.
    Token(BTreeSet<usize>),
    /// Dimensions; the one it is, when it is one as it stands.
    Dimension(Option<(DatasetName, ColumnName)>),
    /// At least one filter column.
    Filter,
    /// Measures, with the aggregates allowed on all of them.
    Measure(BTreeSet<Aggregate>),
    /// A per-entity value, with the aggregates it may go into.
    Derived(BTreeSet<Aggregate>),
    /// The number of distinct tokens of these scans, in a group that nothing has released.
    Distinct(BTreeSet<usize>),
    /// Released.
    Free,
}

impl Kind {
    /// A token of a scan.
    pub(super) fn token(id: usize, entity: bool) -> Self {
        Self::Token(entity.then_some(id).into_iter().collect())
    }
}

const FUNCTIONS: [&str; 22] = [
    "lower",
    "upper",
    "trim",
    "btrim",
    "ltrim",
    "rtrim",
    "substr",
    "substring",
    "character_length",
    "concat",
    "coalesce",
    "nullif",
    "abs",
    "round",
    "floor",
    "ceil",
    "greatest",
    "least",
    "date_trunc",
    "date_part",
    "to_date",
    "concat_ws",
];

/// What this expression over a flow is made of.
pub(super) fn kind(expr: &Expr, flow: &Flow, schema: &DFSchema) -> Checked<Kind> {
    if let Expr::Column(column) = expr {
        let index =
            schema.index_of_column(column).map_err(|_| "a column from nowhere".to_owned())?;
        return flow.kinds.get(index).cloned().ok_or_else(|| "a column from nowhere".to_owned());
    }
    if let Expr::Alias(alias) = expr {
        return kind(&alias.expr, flow, schema);
    }
    allowed(expr)?;
    let mut parts = Vec::new();
    let mut refused = None;
    let walked = expr.apply_children(|child| {
        match kind(child, flow, schema) {
            Ok(part) => parts.push(part),
            Err(reason) => refused = Some(reason),
        }
        Ok(TreeNodeRecursion::Continue)
    });
    if let Some(reason) = refused {
        return Err(reason);
    }
    walked.map_err(|_| "an expression that can't be walked".to_owned())?;
    composed(expr, parts)
}

fn composed(expr: &Expr, parts: Vec<Kind>) -> Checked<Kind> {
    if let (Expr::IsNotNull(_), [Kind::Token(_)]) = (expr, parts.as_slice()) {
        return Ok(Kind::Dimension(None));
    }
    let named = |name: &str| matches!(expr, Expr::ScalarFunction(call) if call.name() == name);
    if named("coalesce") && parts.iter().all(|part| matches!(part, Kind::Token(_))) {
        let all = parts
            .into_iter()
            .filter_map(|part| if let Kind::Token(of) = part { Some(of) } else { None });
        return Ok(Kind::Token(all.flatten().collect()));
    }
    if let (Expr::Cast(_), [Kind::Derived(may)]) = (expr, parts.as_slice()) {
        return Ok(Kind::Derived(may.clone()));
    }
    let measured = parts.iter().any(|part| matches!(part, Kind::Measure(_)));
    if measured {
        return product(expr, &parts);
    }
    let mut all = Kind::Constant;
    for part in parts {
        all = match (all, part) {
            (_, Kind::Token(_)) => return wrong("a token inside an expression"),
            (_, Kind::Measure(_)) => return wrong("a measure inside an expression"),
            (_, Kind::Distinct(_) | Kind::Derived(_))
            | (Kind::Derived(_) | Kind::Distinct(_), _) => Kind::Derived(BTreeSet::new()),
            (Kind::Filter, _) | (_, Kind::Filter) => Kind::Filter,
            (all, Kind::Constant) => all,
            (_, Kind::Dimension(_)) => Kind::Dimension(None),
            (_, Kind::Free) => Kind::Free,
        };
    }
    Ok(all)
}

/// Sums and products of measures, which may only go into SUM and AVG.
fn product(expr: &Expr, parts: &[Kind]) -> Checked<Kind> {
    use datafusion::logical_expr::Operator::{Minus, Multiply, Plus};
    let cast = matches!(expr, Expr::Cast(_));
    let linear =
        matches!(expr, Expr::BinaryExpr(binary) if matches!(binary.op, Plus | Minus | Multiply));
    if !cast && !linear {
        return wrong("a measure inside an expression");
    }
    let mut may = BTreeSet::from([Aggregate::Sum, Aggregate::Avg]);
    for part in parts {
        match part {
            Kind::Measure(one) if cast => may.clone_from(one),
            Kind::Measure(one) => may = &may & one,
            Kind::Constant => {}
            Kind::Token(_)
            | Kind::Dimension(_)
            | Kind::Filter
            | Kind::Derived(_)
            | Kind::Distinct(_)
            | Kind::Free => {
                return wrong("a measure mixed with something else");
            }
        }
    }
    Ok(Kind::Measure(may))
}

fn allowed(expr: &Expr) -> Checked<()> {
    match expr {
        Expr::Literal(..)
        | Expr::Placeholder(_)
        | Expr::BinaryExpr(_)
        | Expr::Not(_)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsTrue(_)
        | Expr::IsFalse(_)
        | Expr::Negative(_)
        | Expr::Between(_)
        | Expr::Case(_)
        | Expr::Cast(_)
        | Expr::TryCast(_)
        | Expr::InList(_)
        | Expr::Like(_) => Ok(()),
        Expr::ScalarFunction(call) if FUNCTIONS.contains(&call.name()) => Ok(()),
        Expr::ScalarFunction(_) => wrong("a function outside the list"),
        _ => wrong("an expression outside the list"),
    }
}

/// An aggregate of a plan: what it gives, or why it may not be taken.
pub(super) fn aggregate(expr: &Expr, flow: &Flow, schema: &DFSchema) -> Checked<Kind> {
    let call = match expr {
        Expr::Alias(alias) => return aggregate(&alias.expr, flow, schema),
        Expr::AggregateFunction(call) => call,
        _ => return wrong("an aggregate outside the list"),
    };
    let params = &call.params;
    if params.filter.is_some() || !params.order_by.is_empty() || params.null_treatment.is_some() {
        return wrong("an aggregate with a clause");
    }
    let counts = BTreeSet::from([Aggregate::Count, Aggregate::Sum, Aggregate::Avg]);
    let [argument] = params.args.as_slice() else {
        return wrong("an aggregate of several columns");
    };
    let of = kind(argument, flow, schema)?;
    if flow.open.is_empty() {
        return Ok(Kind::Free);
    }
    let wanted = match (call.func.name(), params.distinct) {
        ("count", true) => Aggregate::CountDistinct,
        ("count", false) => Aggregate::Count,
        ("sum", false) => Aggregate::Sum,
        ("avg", false) => Aggregate::Avg,
        ("min", false) => Aggregate::Min,
        ("max", false) => Aggregate::Max,
        (_, _) => return wrong("an aggregate outside the list"),
    };
    match (of, wanted) {
        (Kind::Token(of), Aggregate::CountDistinct) => Ok(Kind::Distinct(of)),
        (Kind::Token(of), Aggregate::Min) => Ok(Kind::Token(of)),
        (
            Kind::Constant | Kind::Dimension(Some(_)),
            Aggregate::Count | Aggregate::CountDistinct,
        ) => Ok(Kind::Derived(counts)),
        (Kind::Measure(may) | Kind::Derived(may), wanted) if may.contains(&wanted) => {
            match wanted {
                Aggregate::Count | Aggregate::CountDistinct => Ok(Kind::Derived(counts)),
                Aggregate::Sum | Aggregate::Avg | Aggregate::Min | Aggregate::Max => {
                    Ok(Kind::Derived(may))
                }
            }
        }
        (_, _) => wrong("an aggregate that the owner does not allow"),
    }
}
