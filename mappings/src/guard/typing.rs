//! Types, names and the refusals that every kind of expression shares. Knows no expression from the inside.

use super::code;
use super::refuse::{Resolved, refuse};
use super::relation::{Mark, Measure, Typed, sql_type};
use crate::model::ColumnType;
use chrono::{Datelike, NaiveDate, NaiveDateTime};
use sqlparser::ast::{DataType, Expr, Ident, Spanned};

/// An identifier as the template's names are written: unquoted ones fold to lower case.
pub(super) fn folded(name: &Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_ascii_lowercase() }
}

/// An identifier for a message: shown when it is short and plain.
pub(super) fn shown(name: &Ident) -> String {
    let plain = name.value.len() <= 64
        && name.value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if plain { format!("`{}`", name.value) } else { "of that name".to_owned() }
}

/// A filter column where none may stand.
pub(super) fn filter_refusal(expr: &Expr) -> Box<super::Refusal> {
    refuse(
        code::FILTER_COLUMN,
        expr.span(),
        "a filter column may stand only in WHERE",
        "move it to WHERE, or agree on it as a dimension",
    )
}

pub(super) fn ungrouped(mark: &Mark, expr: &Expr) -> Box<super::Refusal> {
    match mark {
        Mark::Measure(_) => measure_refusal(expr),
        Mark::Filter => filter_refusal(expr),
        Mark::Key(_) => refuse(
            code::MATCH_KEY,
            expr.span(),
            "a match key may not leave a stage that does not group by it",
            "COUNT(DISTINCT key)",
        ),
        Mark::Constant
        | Mark::Dimension(_)
        | Mark::Derived(_)
        | Mark::Aggregated(_)
        | Mark::Released(_) => refuse(
            code::NOT_GROUPED,
            expr.span(),
            "this is neither grouped nor aggregated",
            "add it to GROUP BY",
        ),
    }
}

pub(super) fn measure_refusal(expr: &Expr) -> Box<super::Refusal> {
    refuse(
        code::MEASURE,
        expr.span(),
        "a measure may stand only inside its aggregates",
        "wrap the measure in an aggregate that its owner allows, such as SUM(…)",
    )
}

/// An expression that the language does not have.
pub(super) fn outside(expr: &Expr, change: &str) -> Box<super::Refusal> {
    refuse(code::EXPRESSION, expr.span(), "an expression outside the language of templates", change)
}

pub(super) fn type_refusal(expr: &Expr, wants: &str) -> Box<super::Refusal> {
    refuse(code::TYPE, expr.span(), "the types don't fit here", wants)
}

pub(super) fn expect(side: &Typed, any: &[ColumnType], expr: &Expr) -> Resolved<()> {
    match side.r#type {
        Some(of) if !any.contains(&of) => {
            let names: Vec<&str> = any.iter().map(|of| sql_type(*of)).collect();
            Err(type_refusal(expr, &names.join(" or ")))
        }
        Some(_) | None => Ok(()),
    }
}

pub(super) fn measures(mark: &Mark) -> Option<&Measure> {
    match mark {
        Mark::Measure(measure) => Some(measure),
        Mark::Constant
        | Mark::Key(_)
        | Mark::Dimension(_)
        | Mark::Filter
        | Mark::Derived(_)
        | Mark::Aggregated(_)
        | Mark::Released(_) => None,
    }
}

/// Two types that no value has both of.
#[derive(Debug, Clone, Copy)]
pub(super) struct NothingShared;

/// The type that two values share. NULL shares any.
pub(super) fn common(
    one: Option<ColumnType>,
    two: Option<ColumnType>,
) -> Result<Option<ColumnType>, NothingShared> {
    match (one, two) {
        (None, of) | (of, None) => Ok(of),
        (Some(one), Some(two)) if one == two => Ok(Some(one)),
        (Some(ColumnType::Int64), Some(ColumnType::Float64))
        | (Some(ColumnType::Float64), Some(ColumnType::Int64)) => Ok(Some(ColumnType::Float64)),
        (Some(_), Some(_)) => Err(NothingShared),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's types grow; unknown ones are refused"
)]
pub(super) fn cast_type(of: &DataType) -> Option<ColumnType> {
    Some(match of {
        DataType::BigInt(None)
        | DataType::Int(None)
        | DataType::Integer(None)
        | DataType::Int64 => ColumnType::Int64,
        DataType::Double(_) | DataType::DoublePrecision | DataType::Float64 => ColumnType::Float64,
        DataType::Varchar(None) | DataType::Text | DataType::String(None) => ColumnType::Utf8,
        DataType::Boolean | DataType::Bool => ColumnType::Boolean,
        DataType::Date => ColumnType::Date,
        DataType::Timestamp(None, _) => ColumnType::Timestamp,
        _ => return None,
    })
}

/// What a date or time in a template looks like.
pub(super) const DATES: &str =
    "a date 'YYYY-MM-DD' or a time 'YYYY-MM-DD HH:MM:SS' between 1900 and 2199";

/// A text constant or parameter as a date or time. A malformed one would fail at run time, and only where a row reaches
/// it: literals are read here, and parameters become NULL.
pub(super) fn dated_text(sql: &str, to: ColumnType) -> Option<String> {
    let to = sql_type(to);
    let Some(literal) = sql.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) else {
        return Some(format!("TRY_CAST({sql} AS {to})"));
    };
    let time = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.fZ"];
    let date = NaiveDate::parse_from_str(literal, "%Y-%m-%d").ok().or_else(|| {
        let mut found = time.iter().map(|form| NaiveDateTime::parse_from_str(literal, form));
        found.find_map(Result::ok).map(|time| time.date())
    })?;
    (1900..2200).contains(&date.year()).then(|| format!("CAST({sql} AS {to})"))
}

/// Operands made comparable: text constants become dates where dates are compared.
pub(super) fn alike(mut resolved: Vec<Typed>, at: Option<&Expr>) -> Resolved<Vec<Typed>> {
    let misfit = |wants: &str| at.map_or_else(nothing, |at| type_refusal(at, wants));
    let dated = resolved.iter().find_map(|side| {
        side.r#type.filter(|of| matches!(of, ColumnType::Date | ColumnType::Timestamp))
    });
    if let Some(to) = dated {
        for side in &mut resolved {
            if side.mark == Mark::Constant && side.r#type == Some(ColumnType::Utf8) {
                side.sql = dated_text(&side.sql, to).ok_or_else(|| misfit(DATES))?;
                side.r#type = Some(to);
            }
        }
    }
    let mut of = None;
    for side in &resolved {
        of = common(of, side.r#type).map_err(|_| misfit("operands of one type"))?;
    }
    Ok(resolved)
}

pub(super) fn nothing() -> Box<super::Refusal> {
    let at = sqlparser::tokenizer::Span::empty();
    refuse(code::TYPE, at, "nothing to compare", "operands")
}
