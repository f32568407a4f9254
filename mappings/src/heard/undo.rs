//! Expressions of Airlock's texts as their templates had them: without the casts, brackets and conditions that the guard and the
//! Spark text put around them. What is not known here stays, and the text that comes of it is another.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's enums grow; whatever is not named here stays as it is"
)]

use super::scan::{argument, call, cast, conjuncts, texted};
use super::{Unheard, aggregate, unheard};
use crate::model::ColumnType;
use sqlparser::ast::{
    BinaryOperator, CaseWhen, CastKind, DataType, DateTimeField, DuplicateTreatment, Expr,
    ExtractSyntax, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments,
    Ident, ObjectName, ObjectNamePart, Query, TypedString, UnaryOperator, Value, VisitMut,
    VisitorMut, visit_expressions_mut,
};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// Every expression of a query. `dated` are the parameters that are dates or times: they come as text and are cast.
pub(super) fn undo(query: &mut Query, dated: &BTreeSet<String>) -> Result<(), Unheard> {
    let bare = query.visit(&mut Brackets);
    let done = visit_expressions_mut(query, |expr| {
        if let Some(plain) = undone(expr, dated) {
            *expr = plain;
        }
        ControlFlow::<()>::Continue(())
    });
    if bare.is_break() || done.is_break() {
        return unheard("an expression that is not read back", "the language of templates");
    }
    Ok(())
}

/// Takes away the brackets that are put around every operation, from the outside in: those of the template are inside them.
struct Brackets;

impl VisitorMut for Brackets {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let plain = match expr {
            Expr::Nested(inner) => bare(inner),
            Expr::UnaryOp { op: UnaryOperator::Not, expr: inner } => match &**inner {
                Expr::Nested(inner) => {
                    Some(Expr::UnaryOp { op: UnaryOperator::Not, expr: inner.clone() })
                }
                _ => None,
            },
            _ => None,
        };
        if let Some(plain) = plain {
            *expr = plain;
        }
        ControlFlow::Continue(())
    }
}

/// An expression whose parts are undone already.
fn undone(expr: &Expr, dated: &BTreeSet<String>) -> Option<Expr> {
    match expr {
        Expr::BinaryOp { left, op, right } => divided(left, op, right),
        Expr::Case { operand: None, conditions, else_result: None, .. } => backed(conditions),
        Expr::Cast { kind, expr: inner, data_type, .. } => recast(kind, inner, data_type, dated),
        Expr::Substring { substring_for: Some(length), .. } => shortened(expr, length),
        Expr::Function(function) => called(expr, function),
        _ => None,
    }
}

/// A part of a text whose length is never negative.
fn shortened(expr: &Expr, length: &Expr) -> Option<Expr> {
    let [inner, least] = call(length, "GREATEST")? else { return None };
    let plain = argument(inner)?.clone();
    let mut whole = expr.clone();
    if let Expr::Substring { substring_for, .. } = &mut whole {
        *substring_for = Some(Box::new(plain));
    }
    is_number(argument(least)?, "0", false).then_some(whole)
}

/// Brackets that are put around every operation.
fn bare(inner: &Expr) -> Option<Expr> {
    let own = match inner {
        Expr::BinaryOp { op, .. } => matches!(
            op,
            BinaryOperator::And
                | BinaryOperator::Or
                | BinaryOperator::Plus
                | BinaryOperator::Minus
                | BinaryOperator::Multiply
                | BinaryOperator::Divide
                | BinaryOperator::Modulo
                | BinaryOperator::StringConcat
        ),
        Expr::UnaryOp { op: UnaryOperator::Minus, .. } => true,
        _ => false,
    };
    own.then(|| inner.clone())
}

/// A quotient or a rest, whose divisor is never 0.
fn divided(left: &Expr, op: &BinaryOperator, right: &Expr) -> Option<Expr> {
    if !matches!(op, BinaryOperator::Divide | BinaryOperator::Modulo) {
        return None;
    }
    let [divisor, zero] = call(right, "NULLIF")? else { return None };
    let (Expr::Value(zero), divisor) = (argument(zero)?, argument(divisor)?) else { return None };
    if zero.value != Value::Number("0".to_owned(), false) {
        return None;
    }
    let left = match (op, cast(left)) {
        (BinaryOperator::Divide, Some((inner, ColumnType::Float64))) => inner,
        (BinaryOperator::Divide, _) if !is_fraction(left) => return None,
        (_, _) => left,
    };
    let (left, op, right) = (Box::new(left.clone()), op.clone(), Box::new(divisor.clone()));
    Some(Expr::BinaryOp { left, op, right })
}

/// A constant with a fraction, whose cast is gone already.
fn is_fraction(expr: &Expr) -> bool {
    let Expr::Value(value) = expr else { return false };
    matches!(&value.value, Value::Number(digits, false) if digits.contains(['.', 'e', 'E']))
}

/// An aggregate that is NULL unless enough entities have a value.
fn backed(conditions: &[CaseWhen]) -> Option<Expr> {
    let [CaseWhen { condition, result }] = conditions else { return None };
    let mut all = Vec::new();
    conjuncts(condition, &mut all);
    let is_backing = |condition: &&Expr| {
        counted(condition).is_some_and(|(of, _)| {
            matches!(of, Expr::Case { operand: None, conditions, else_result: None, .. }
                if matches!(conditions.as_slice(), [when] if matches!(when.condition, Expr::IsNotNull(_))))
        })
    };
    let function = matches!(result, Expr::Function(function) if name_of(function)
        .is_some_and(|name| aggregate(name, false).is_some()));
    (function && all.iter().all(is_backing)).then(|| result.clone())
}

/// `COUNT(DISTINCT of) >= least`.
pub(super) fn counted(condition: &Expr) -> Option<(&Expr, u64)> {
    let Expr::BinaryOp { left, op: BinaryOperator::GtEq, right } = condition else { return None };
    let (Expr::Function(function), Expr::Value(least)) = (&**left, &**right) else { return None };
    let Value::Number(least, false) = &least.value else { return None };
    let FunctionArguments::List(list) = &function.args else { return None };
    let distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
    let [of] = list.args.as_slice() else { return None };
    let is_count = distinct && name_of(function).is_some_and(|n| n.eq_ignore_ascii_case("count"));
    is_count.then_some((argument(of)?, least.parse().ok()?))
}

pub(super) fn name_of(function: &Function) -> Option<&str> {
    match function.name.0.as_slice() {
        [ObjectNamePart::Identifier(name)] => Some(&name.value),
        _ => None,
    }
}

fn recast(
    kind: &CastKind,
    inner: &Expr,
    data_type: &DataType,
    dated: &BTreeSet<String>,
) -> Option<Expr> {
    let of = super::scan::of_type(data_type)?;
    let is_date = matches!(of, ColumnType::Date | ColumnType::Timestamp);
    if *kind == CastKind::TryCast {
        return Some(match inner {
            Expr::Value(value) if is_date && is_dated(&value.value, dated) => inner.clone(),
            _ => plain_cast(inner, data_type),
        });
    }
    match (of, inner) {
        (_, Expr::Value(value)) if is_date && texted(inner).is_some() => {
            let (data_type, value) = (data_type.clone(), value.clone());
            Some(Expr::TypedString(TypedString { data_type, value, uses_odbc_syntax: false }))
        }
        (ColumnType::Float64, Expr::Value(_)) => is_fraction(inner).then(|| inner.clone()),
        (ColumnType::Float64, Expr::Floor { .. } | Expr::Ceil { .. }) => floored(inner),
        (ColumnType::Int64, Expr::Extract { .. }) => Some(inner.clone()),
        (ColumnType::Int64, Expr::Function(function)) if function.over.is_some() => {
            Some(inner.clone())
        }
        (ColumnType::Int64, _) => counted_days(inner).or_else(|| length(inner)),
        (_, _) if is_date && call(inner, "DATE_TRUNC").is_some() => Some(inner.clone()),
        (_, _) => None,
    }
}

fn is_dated(value: &Value, dated: &BTreeSet<String>) -> bool {
    let Value::Placeholder(name) = value else { return false };
    name.strip_prefix(':').is_some_and(|name| dated.contains(name))
}

fn plain_cast(inner: &Expr, data_type: &DataType) -> Expr {
    let of = if matches!(data_type, DataType::String(None)) {
        DataType::Varchar(None)
    } else {
        data_type.clone()
    };
    Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(inner.clone()),
        data_type: of,
        array: false,
        format: None,
    }
}

/// `FLOOR(CAST(x AS DOUBLE))`.
fn floored(inner: &Expr) -> Option<Expr> {
    let mut plain = inner.clone();
    match &mut plain {
        Expr::Floor { expr, .. } | Expr::Ceil { expr, .. } => {
            let (of, _) = cast(expr).filter(|(_, kind)| *kind == ColumnType::Float64)?;
            **expr = of.clone();
        }
        _ => return None,
    }
    Some(plain)
}

/// `DAYOFWEEK(x) - 1`, where Sunday is 0.
fn counted_days(inner: &Expr) -> Option<Expr> {
    let Expr::BinaryOp { left, op: BinaryOperator::Minus, .. } = inner else { return None };
    let [of] = call(left, "DAYOFWEEK")? else { return None };
    let (field, syntax) = (DateTimeField::Dow, ExtractSyntax::From);
    Some(Expr::Extract { field, syntax, expr: Box::new(argument(of)?.clone()) })
}

fn length(inner: &Expr) -> Option<Expr> {
    let [of] = call(inner, "CHAR_LENGTH")? else { return None };
    Some(function("length", vec![argument(of)?.clone()]))
}

/// Functions under the names that templates have for them.
fn called(expr: &Expr, of: &Function) -> Option<Expr> {
    match name_of(of)?.to_ascii_uppercase().as_str() {
        "AVG" => {
            let mut plain = of.clone();
            let FunctionArguments::List(list) = &mut plain.args else { return None };
            let [FunctionArg::Unnamed(FunctionArgExpr::Expr(item))] = list.args.as_mut_slice()
            else {
                return None;
            };
            let (inner, _) = cast(item).filter(|(_, kind)| *kind == ColumnType::Float64)?;
            *item = inner.clone();
            Some(Expr::Function(plain))
        }
        "CONCAT_WS" => {
            let [between, items @ ..] = call(expr, "CONCAT_WS")? else { return None };
            let items: Option<Vec<Expr>> = items.iter().map(|a| argument(a).cloned()).collect();
            texted(argument(between)?)?.is_empty().then_some(function("concat", items?))
        }
        "ROUND" => {
            let [first, places @ ..] = call(expr, "ROUND")? else { return None };
            let (inner, _) = cast(argument(first)?).filter(|(_, k)| *k == ColumnType::Float64)?;
            let places: Option<Vec<Expr>> = places.iter().map(|a| argument(a).cloned()).collect();
            Some(function("round", [inner.clone()].into_iter().chain(places?).collect()))
        }
        "ABS" => {
            let [one] = call(expr, "ABS")? else { return None };
            let [inner, least] = call(argument(one)?, "GREATEST")? else { return None };
            is_number(argument(least)?, "9223372036854775807", true)
                .then(|| Some(function("abs", vec![argument(inner)?.clone()])))?
        }
        _ => None,
    }
}

/// A whole number, or the negative of one.
pub(super) fn is_number(expr: &Expr, digits: &str, negative: bool) -> bool {
    match expr {
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => {
            negative && is_number(expr, digits, false)
        }
        Expr::Value(value) => !negative && value.value == Value::Number(digits.to_owned(), false),
        _ => false,
    }
}

fn function(name: &str, arguments: Vec<Expr>) -> Expr {
    let args = arguments.into_iter().map(|one| FunctionArg::Unnamed(FunctionArgExpr::Expr(one)));
    Expr::Function(Function {
        name: ObjectName(vec![ObjectNamePart::Identifier(Ident::new(name))]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: args.collect(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}
