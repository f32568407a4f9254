//! How a dataset enters one of Airlock's texts: a stage `airlock_NAME` over the table of that name, with its columns, its row
//! filters and what is asked of parameters. Knows only the form that `spark` writes.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's enums grow; whatever is not named here is no form of ours"
)]

use super::{Unheard, select_of, unheard};
use crate::model::{ColumnType, Literal};
use sqlparser::ast::{
    BinaryOperator, DataType, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
    ObjectNamePart, Query, Select, SelectItem, TableFactor, UnaryOperator, Value,
};
use std::collections::BTreeMap;

/// A dataset as a text has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scan {
    /// Each column by the name that templates have for it.
    pub columns: BTreeMap<String, Source>,
    /// Row filters in their order, consent first where there is one: the physical column, its type, and what passes.
    pub rows: Vec<(String, ColumnType, Within)>,
}

/// Where a column comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A physical column as a type.
    Column(String, ColumnType),
    /// A physical column as the key of an entity.
    Key(String, KeyForm),
}

/// How a key lies in its column, as far as a text tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyForm {
    /// As it is.
    Raw,
    /// Hashed, as 64 hexadecimal digits.
    Hex,
    /// Hashed, as 32 bytes.
    Bytes,
}

/// What values pass.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Within {
    /// One of these; without any, all.
    pub any_of: Vec<Literal>,
    /// At least this.
    pub min: Option<Literal>,
    /// At most this.
    pub max: Option<Literal>,
}

/// The datasets, and what is asked of parameters.
pub(super) type Scans = (BTreeMap<String, Scan>, BTreeMap<String, Within>);

/// Takes the stages of datasets out of a query. A text that has none is none of Airlock's.
pub(super) fn take(query: &mut Query) -> Result<Scans, Unheard> {
    let mut scans = Scans::default();
    let Some(with) = &mut query.with else { return Ok(scans) };
    for cte in &with.cte_tables {
        let name = cte.alias.name.value.as_str();
        let Some(dataset) = name.strip_prefix("airlock_") else { continue };
        if ["audience", "size"].contains(&dataset) {
            continue;
        }
        let found = select_of(&cte.query).and_then(|select| scan(select, dataset, &mut scans.1));
        let Some(found) = found else {
            return unheard(
                format!("the stage {name}, in a form that is not read back"),
                "datasets with one key an entity",
            );
        };
        scans.0.insert(dataset.to_owned(), found);
    }
    with.cte_tables.retain(|cte| {
        let dataset = cte.alias.name.value.strip_prefix("airlock_");
        dataset.is_none_or(|dataset| !scans.0.contains_key(dataset))
    });
    if with.cte_tables.is_empty() {
        query.with = None;
    }
    Ok(scans)
}

fn scan(select: &Select, dataset: &str, bounds: &mut BTreeMap<String, Within>) -> Option<Scan> {
    let [from] = select.from.as_slice() else { return None };
    let TableFactor::Table { name, alias: None, .. } = &from.relation else { return None };
    let [ObjectNamePart::Identifier(table)] = name.0.as_slice() else { return None };
    if table.value != dataset || !from.joins.is_empty() {
        return None;
    }
    let mut scan = Scan::default();
    for item in &select.projection {
        let SelectItem::ExprWithAlias { expr, alias } = item else { return None };
        scan.columns.insert(alias.value.clone(), source(expr)?);
    }
    let mut conditions = Vec::new();
    if let Some(selection) = &select.selection {
        conjuncts(selection, &mut conditions);
    }
    for condition in conditions {
        let (of, kind, asked) = asked(condition)?;
        match of {
            Asked::Column(from) => {
                let last =
                    scan.rows.last_mut().filter(|(of, same, _)| (of, *same) == (&from, kind));
                match last {
                    Some((_, _, within)) if within.takes(&asked) => within.take(asked),
                    Some(_) | None => scan.rows.push((from, kind, asked)),
                }
            }
            Asked::Parameter(name) => bounds.entry(name).or_default().take(asked),
        }
    }
    Some(scan)
}

impl Within {
    /// Whether one more condition goes into the same declaration: they are written in this order.
    pub(super) fn takes(&self, more: &Self) -> bool {
        match (more.any_of.is_empty(), &more.min, &more.max) {
            (false, _, _) => false,
            (true, Some(_), _) => self.min.is_none() && self.max.is_none(),
            (true, None, _) => self.max.is_none(),
        }
    }

    pub(super) fn take(&mut self, more: Self) {
        if !more.any_of.is_empty() {
            self.any_of = more.any_of;
        }
        self.min = more.min.or_else(|| self.min.take());
        self.max = more.max.or_else(|| self.max.take());
    }
}

/// A column, or a key, of a stage.
fn source(expr: &Expr) -> Option<Source> {
    if let Some((inner, kind)) = cast(expr) {
        return Some(Source::Column(plain(inner)?.to_owned(), kind));
    }
    let [inner, rest @ ..] = call(expr, "SHA2").or_else(|| call(expr, "LOWER"))? else {
        return None;
    };
    let [
        FunctionArg::Unnamed(FunctionArgExpr::Expr(column)),
        FunctionArg::Unnamed(FunctionArgExpr::Expr(shape)),
    ] = call(argument(inner)?, "REGEXP_SUBSTR")?
    else {
        return None;
    };
    let (column, shape) = (column, texted(shape)?);
    match (rest, shape) {
        ([_], "(?s)^.+$") => {
            let (inner, kind) = cast(column)?;
            (kind == ColumnType::Utf8)
                .then(|| Some(Source::Key(plain(inner)?.to_owned(), KeyForm::Raw)))?
        }
        ([], "^[0-9A-Fa-f]{64}$") => Some(Source::Key(plain(column)?.to_owned(), KeyForm::Hex)),
        ([], "^[0-9A-F]{64}$") => {
            let [inner] = call(column, "HEX")? else { return None };
            Some(Source::Key(plain(argument(inner)?)?.to_owned(), KeyForm::Bytes))
        }
        (_, _) => None,
    }
}

enum Asked {
    Column(String),
    Parameter(String),
}

/// One condition on a physical column or on a parameter.
fn asked(condition: &Expr) -> Option<(Asked, ColumnType, Within)> {
    let (subject, within) = match condition {
        Expr::InList { expr, list, negated: false } => {
            let any_of: Option<Vec<Literal>> = list.iter().map(constant).collect();
            (expr, Within { any_of: any_of?, ..Within::default() })
        }
        Expr::BinaryOp { left, op: BinaryOperator::GtEq, right } => {
            (left, Within { min: Some(constant(right)?), ..Within::default() })
        }
        Expr::BinaryOp { left, op: BinaryOperator::LtEq, right } => {
            (left, Within { max: Some(constant(right)?), ..Within::default() })
        }
        _ => return None,
    };
    if let Some(name) = parameter(subject) {
        return Some((Asked::Parameter(name), ColumnType::Utf8, within));
    }
    let (inner, kind) = cast(subject)?;
    match parameter(inner) {
        Some(name) => Some((Asked::Parameter(name), kind, within)),
        None => Some((Asked::Column(plain(inner)?.to_owned()), kind, within)),
    }
}

fn parameter(expr: &Expr) -> Option<String> {
    let Expr::Value(value) = expr else { return None };
    let Value::Placeholder(name) = &value.value else { return None };
    name.strip_prefix(':').map(str::to_owned)
}

/// A constant as `scan` writes it.
fn constant(expr: &Expr) -> Option<Literal> {
    constant_or(expr, &|other| cast(other).and_then(|(inner, _)| constant(inner)))
}

/// A constant as every text writes it; what each writes in its own way is read by `own`.
pub(super) fn constant_or(expr: &Expr, own: &impl Fn(&Expr) -> Option<Literal>) -> Option<Literal> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, false) => digits
                .parse()
                .map(Literal::Int64)
                .or_else(|_| digits.parse().map(Literal::Float64))
                .ok(),
            Value::SingleQuotedString(text) => Some(Literal::Utf8(text.clone())),
            Value::Boolean(value) => Some(Literal::Boolean(*value)),
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match constant_or(expr, own)? {
            Literal::Int64(value) => value.checked_neg().map(Literal::Int64),
            Literal::Float64(value) => Some(Literal::Float64(-value)),
            Literal::Boolean(_) | Literal::Utf8(_) => None,
        },
        other => own(other),
    }
}

pub(super) fn conjuncts<'a>(expr: &'a Expr, found: &mut Vec<&'a Expr>) {
    match expr {
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            conjuncts(left, found);
            conjuncts(right, found);
        }
        other => found.push(other),
    }
}

/// What a cast is of, and its type as an agreement has it.
pub(super) fn cast(expr: &Expr) -> Option<(&Expr, ColumnType)> {
    let Expr::Cast { expr, data_type, .. } = expr else { return None };
    Some((expr, of_type(data_type)?))
}

/// An agreement's type by its Spark name.
pub(super) const fn of_type(of: &DataType) -> Option<ColumnType> {
    Some(match of {
        DataType::BigInt(None) => ColumnType::Int64,
        DataType::Double(_) => ColumnType::Float64,
        DataType::String(None) => ColumnType::Utf8,
        DataType::Boolean => ColumnType::Boolean,
        DataType::Date => ColumnType::Date,
        DataType::Timestamp(None, _) => ColumnType::Timestamp,
        DataType::Binary(None) => ColumnType::Binary,
        _ => return None,
    })
}

/// The arguments of a plain call of this function.
pub(super) fn call<'a>(expr: &'a Expr, name: &str) -> Option<&'a [FunctionArg]> {
    let Expr::Function(function) = expr else { return None };
    let [ObjectNamePart::Identifier(named)] = function.name.0.as_slice() else { return None };
    let FunctionArguments::List(list) = &function.args else { return None };
    let is_plain = function.over.is_none() && list.duplicate_treatment.is_none();
    (is_plain && named.value.eq_ignore_ascii_case(name)).then_some(list.args.as_slice())
}

/// An argument that is an expression.
pub(super) const fn argument(argument: &FunctionArg) -> Option<&Expr> {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    }
}

fn plain(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Identifier(Ident { value, .. }) => Some(value),
        _ => None,
    }
}

pub(super) fn texted(expr: &Expr) -> Option<&str> {
    let Expr::Value(value) = expr else { return None };
    match &value.value {
        Value::SingleQuotedString(text) => Some(text),
        _ => None,
    }
}
