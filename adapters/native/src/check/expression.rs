//! What an expression of a plan is made of, by a closed list of node kinds and functions.

use super::flow::Flow;
use super::scan::constant;
use super::{Checked, wrong};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, Operator};
use mappings::model::{Aggregate, ColumnName, DatasetName, MemberId};
use std::collections::BTreeSet;

/// What a value is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Constants and parameters only.
    Constant,
    /// A token; the scans whose entity it is.
    Token(Entities),
    /// Dimensions; the one it is, when it is one as it stands.
    Dimension(Option<(DatasetName, ColumnName)>),
    /// At least one filter column.
    Filter,
    /// Computed from measures.
    Measure(Measure),
    /// A per-entity value, with the aggregates it may go into.
    Derived(BTreeSet<Aggregate>),
    /// The number of distinct tokens of these scans, in a group that nothing has released.
    Distinct(Entities),
    /// An aggregate of a value that may be NULL: it may be of fewer entities than the group has.
    Partial(Partial),
    /// The number of distinct tokens among rows where a value is not NULL.
    Backing(Expr, Entities),
    /// Released.
    Free,
}

/// An aggregate of a value that may be NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Partial {
    /// The value, without casts.
    value: Expr,
    /// The aggregates that it may go into, where it does not leave.
    pub(super) may: BTreeSet<Aggregate>,
    /// What must back it to leave.
    pub(super) asked: Vec<Asked>,
}

/// The entities that a scan's rule asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) scan: usize,
    pub(super) min: u64,
    /// Whether its entity has several keys: one of them may have found several partners, so only the scan's own identity
    /// counts.
    pub(super) several: bool,
}

impl Asked {
    /// Whether distinct ones of these are no more than the scan's own entities.
    pub(super) fn counted_by(&self, of: &Entities) -> bool {
        if self.several { of.own.contains(&self.scan) } else { of.of.contains(&self.scan) }
    }
}

/// Whose entities a token or a count is of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Entities {
    /// The scans.
    pub(super) of: BTreeSet<usize>,
    /// Scans that have at least as many entities as there are of these: whose own identity this is, before anything
    /// resolved it to another scan's.
    pub(super) own: BTreeSet<usize>,
    /// Which of several keys of a scan it is: not an identity by itself.
    part: Option<Part>,
    /// Whether they are only those that an optional side matched, of whom no threshold may see enough: no count of them leaves.
    pub(super) thin: bool,
}

/// One of several keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    scan: usize,
    /// Its place among them, and how many they are.
    place: usize,
    of: usize,
}

/// A measure, or a sum or product of measures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Measure {
    /// The aggregates allowed on all of them.
    pub(super) may: BTreeSet<Aggregate>,
    /// Whose they are.
    pub(super) owners: BTreeSet<MemberId>,
    /// How many stand in the longest product.
    pub(super) factors: usize,
}

/// The most measures in one product, and occurrences of a dataset in one join (decision 0003).
pub(super) const FACTORS_MAX: usize = 3;

impl Entities {
    /// Those of these scans, and no fewer than those of the scans in `own`.
    pub(super) const fn of(of: BTreeSet<usize>, own: BTreeSet<usize>) -> Self {
        Self { of, own, part: None, thin: false }
    }
}

impl Kind {
    /// A token of a scan: the key at this place among so many.
    pub(super) fn token(scan: usize, entity: bool, (place, of): (usize, usize)) -> Self {
        let set = |is: bool| is.then_some(scan).into_iter().collect();
        let part = (entity && of > 1).then_some(Part { scan, place, of });
        Self::Token(Entities { of: set(entity), own: set(entity && of == 1), part, thin: false })
    }

    /// A measure as it was declared.
    pub(super) fn measure(may: &BTreeSet<Aggregate>, owner: &MemberId) -> Self {
        let owners = BTreeSet::from([owner.clone()]);
        Self::Measure(Measure { may: may.clone(), owners, factors: 1 })
    }

    /// The same on the optional side of a join whose threshold asks for less than the other's: it may be a group, and
    /// not be counted or summed.
    pub(super) fn thin(self) -> Self {
        match self {
            Self::Token(all) => Self::Token(Entities { thin: true, ..all }),
            Self::Measure(one) => Self::Measure(Measure { may: BTreeSet::new(), ..one }),
            Self::Derived(_) => Self::Derived(BTreeSet::new()),
            Self::Dimension(_) => Self::Dimension(None),
            Self::Constant
            | Self::Filter
            | Self::Distinct(_)
            | Self::Partial(_)
            | Self::Backing(..)
            | Self::Free => self,
        }
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
        let found = flow.kinds.get(index).cloned();
        if !flow.pending && matches!(&found, Some(Kind::Distinct(all)) if all.thin) {
            return wrong("a count of matched entities alone");
        }
        if matches!(&found, Some(Kind::Partial(_) | Kind::Backing(..))) {
            return wrong("an aggregate that too few entities may have a value for");
        }
        return found.ok_or_else(|| "a column from nowhere".to_owned());
    }
    if backed(expr, flow, schema) {
        return Ok(if flow.open.is_empty() { Kind::Free } else { Kind::Derived(BTreeSet::new()) });
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

/// Whether this is `CASE WHEN backing >= min AND … THEN partial END` with all that must back it.
fn backed(expr: &Expr, flow: &Flow, schema: &DFSchema) -> bool {
    let at = |expr: &Expr| match expr {
        Expr::Column(column) => flow.kinds.get(schema.index_of_column(column).ok()?),
        _ => None,
    };
    let Some((condition, then)) = only_when(expr) else { return false };
    let Some(Kind::Partial(partial)) = at(then) else { return false };
    let mut held = Vec::new();
    for conjunct in split_conjunction(condition) {
        let Expr::BinaryExpr(binary) = conjunct else { return false };
        let min = constant(&binary.right).and_then(|min| min.parse::<u64>().ok());
        match (at(&binary.left), binary.op, min) {
            (Some(Kind::Backing(value, of)), Operator::GtEq, Some(min))
                if *value == partial.value =>
            {
                held.push((of, min));
            }
            (_, _, _) => return false,
        }
    }
    let holds =
        |asked: &Asked| held.iter().any(|(of, min)| *min >= asked.min && asked.counted_by(of));
    !partial.asked.is_empty() && partial.asked.iter().all(holds)
}

/// The condition and the value of `CASE WHEN condition THEN value END`.
fn only_when(expr: &Expr) -> Option<(&Expr, &Expr)> {
    let Expr::Case(case) = expr else { return None };
    match (case.expr.as_ref(), case.when_then_expr.as_slice(), case.else_expr.as_ref()) {
        (None, [(when, then)], None) => Some((when, then)),
        (_, _, _) => None,
    }
}

/// A value without the casts around it, none of which makes a value NULL or not.
fn uncast(expr: &Expr) -> &Expr {
    match expr {
        Expr::Cast(cast) => uncast(&cast.expr),
        other => other,
    }
}

fn composed(expr: &Expr, parts: Vec<Kind>) -> Checked<Kind> {
    if let (Expr::IsNull(_) | Expr::IsNotNull(_), [Kind::Token(_)]) = (expr, parts.as_slice()) {
        return Ok(Kind::Dimension(None));
    }
    let named = |name: &str| matches!(expr, Expr::ScalarFunction(call) if call.name() == name);
    if named("coalesce") && parts.iter().all(|part| matches!(part, Kind::Token(_))) {
        let tokens: Vec<Entities> = parts
            .into_iter()
            .filter_map(|part| if let Kind::Token(one) = part { Some(one) } else { None })
            .collect();
        return Ok(Kind::Token(Entities {
            own: identity(&tokens).into_iter().collect(),
            of: tokens.iter().flat_map(|one| &one.of).copied().collect(),
            part: None,
            thin: tokens.iter().any(|one| one.thin),
        }));
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
            (_, Kind::Partial(_) | Kind::Backing(..))
            | (Kind::Token(_) | Kind::Measure(_) | Kind::Partial(_) | Kind::Backing(..), _) => {
                return wrong("an expression of what can't be in one");
            }
            (Kind::Filter, Kind::Distinct(_) | Kind::Derived(_))
            | (Kind::Derived(_) | Kind::Distinct(_), Kind::Filter) => {
                return wrong("a filter column inside a value that may leave");
            }
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

/// The scan whose identity the first of these tokens is: all of its keys, in the agreement's order, and nothing else.
fn identity(tokens: &[Entities]) -> Option<usize> {
    let first = tokens.first()?.part?;
    let whole = first.of == tokens.len()
        && tokens.iter().enumerate().all(|(place, one)| {
            one.part.is_some_and(|part| part.scan == first.scan && part.place == place)
        });
    whole.then_some(first.scan)
}

/// Sums and products of measures, which may only go into SUM and AVG.
fn product(expr: &Expr, parts: &[Kind]) -> Checked<Kind> {
    use datafusion::logical_expr::Operator::{Minus, Multiply, Plus};
    let cast = matches!(expr, Expr::Cast(_));
    let linear =
        matches!(expr, Expr::BinaryExpr(binary) if matches!(binary.op, Plus | Minus | Multiply));
    let negative = matches!(expr, Expr::Negative(_));
    if !cast && !linear && !negative {
        return wrong("a measure inside an expression");
    }
    if let (true, [part @ Kind::Measure(_)]) = (cast, parts) {
        return Ok(part.clone());
    }
    let multiplied = matches!(expr, Expr::BinaryExpr(binary) if binary.op == Multiply);
    let may = BTreeSet::from([Aggregate::Sum, Aggregate::Avg]);
    let mut all = Measure { may, owners: BTreeSet::new(), factors: 0 };
    for part in parts {
        match part {
            Kind::Measure(one) => {
                all.may = &all.may & &one.may;
                all.owners.extend(one.owners.iter().cloned());
                let both = all.factors + one.factors;
                all.factors = if multiplied { both } else { all.factors.max(one.factors) };
            }
            Kind::Constant
            | Kind::Token(_)
            | Kind::Dimension(_)
            | Kind::Filter
            | Kind::Derived(_)
            | Kind::Distinct(_)
            | Kind::Partial(_)
            | Kind::Backing(..)
            | Kind::Free => {
                return wrong("a measure mixed with something else");
            }
        }
    }
    if all.owners.len() > 1 || all.factors > FACTORS_MAX {
        return wrong("a combination that may single out one entity's value");
    }
    Ok(Kind::Measure(all))
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
    let [argument] = params.args.as_slice() else {
        return wrong("an aggregate of several columns");
    };
    if flow.open.is_empty() {
        return kind(argument, flow, schema).map(|_| Kind::Free);
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
    if let (Aggregate::CountDistinct, Some((Expr::IsNotNull(value), then))) =
        (wanted, only_when(argument))
        && let Kind::Token(of) = kind(then, flow, schema)?
    {
        return Ok(Kind::Backing(uncast(value).clone(), of));
    }
    let partial = |may| {
        let value = uncast(argument).clone();
        Ok(Kind::Partial(Partial { value, may, asked: Vec::new() }))
    };
    match (kind(argument, flow, schema)?, wanted) {
        (Kind::Token(of), Aggregate::CountDistinct) => Ok(Kind::Distinct(of)),
        (Kind::Token(of), Aggregate::Min) => Ok(Kind::Token(of)),
        (Kind::Constant, Aggregate::Count | Aggregate::CountDistinct) => {
            Ok(Kind::Derived(counted()))
        }
        (Kind::Dimension(Some(_)), Aggregate::Count | Aggregate::CountDistinct) => {
            partial(counted())
        }
        (Kind::Measure(Measure { may, .. }) | Kind::Derived(may), wanted)
            if may.contains(&wanted) =>
        {
            match wanted {
                Aggregate::Count | Aggregate::CountDistinct => partial(counted()),
                Aggregate::Sum | Aggregate::Avg | Aggregate::Min | Aggregate::Max => partial(may),
            }
        }
        (_, _) => wrong("an aggregate that the owner does not allow"),
    }
}

/// What a count may go into.
pub(super) fn counted() -> BTreeSet<Aggregate> {
    BTreeSet::from([Aggregate::Count, Aggregate::Sum, Aggregate::Avg])
}

/// A count of tokens whom no rule counts: like any other value that may be NULL.
pub(super) fn uncounted(expr: &Expr, asked: &[Asked]) -> Checked<Kind> {
    let call = match expr {
        Expr::Alias(alias) => return uncounted(&alias.expr, asked),
        Expr::AggregateFunction(call) => call,
        _ => return wrong("an aggregate outside the list"),
    };
    let [value] = call.params.args.as_slice() else {
        return wrong("an aggregate of several columns");
    };
    let (value, may) = (uncast(value).clone(), BTreeSet::new());
    Ok(Kind::Partial(Partial { value, may, asked: asked.to_vec() }))
}
