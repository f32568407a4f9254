//! Casts, by the types that they go between. Some texts of numbers, times and flags read differently from engine to engine:
//! those casts are refused. A cast that fails there for one row would fail the query, so every one that is said has a value for all.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's enums grow; whatever is not named here is refused"
)]

use super::expression::{Spoken, text_of};
use super::query::{Reader, Scope, outside};
use super::word;
use crate::model::ColumnType;
use crate::unsaid::{Said, unsaid};
use sqlparser::ast::{DataType, Expr, UnaryOperator, Value};

impl Reader<'_> {
    pub(super) fn cast(&self, scope: &Scope, inner: &Expr, to: &DataType) -> Said<Spoken> {
        let Some(to) = type_of(to) else { return outside("a type outside the lists") };
        if let (ColumnType::Float64, Some(digits)) = (to, number_of(inner)) {
            return Ok(Spoken::whole(word::float(&digits), to));
        }
        if let (ColumnType::Date | ColumnType::Timestamp, Some(text)) = (to, text_of(inner)) {
            return Ok(Spoken::whole(word::dated(text, to)?, to));
        }
        let is_parameter =
            matches!(inner, Expr::Value(value) if matches!(value.value, Value::Placeholder(_)));
        let said = self.expression(scope, inner)?;
        if is_parameter && said.of == Some(ColumnType::Utf8) {
            match to {
                ColumnType::Date => {
                    let text = format!("TRY_TO_DATE({}, '{}')", said.text, word::DATE_FORMAT);
                    return Ok(Spoken::whole(text, to));
                }
                ColumnType::Timestamp => {
                    let text =
                        format!("TRY_TO_TIMESTAMP_NTZ({}, '{}')", said.text, word::TIME_FORMAT);
                    return Ok(Spoken::whole(text, to));
                }
                _ => {}
            }
        }
        between(said, to)
    }
}

/// A value of another type.
fn between(said: Spoken, to: ColumnType) -> Said<Spoken> {
    use ColumnType::{Boolean, Date, Float64, Int64, Timestamp, Utf8};
    let Some(from) = said.of else {
        return Ok(Spoken::whole(format!("CAST({} AS {})", said.text, word::type_name(to)), to));
    };
    let operand = said.operand();
    Ok(match (from, to) {
        (from, to) if from == to => said,
        (Int64, Float64) => said.float(),
        (Int64, Utf8) => Spoken::whole(format!("TO_VARCHAR({})", said.text), to),
        (Int64, Boolean) => Spoken::loose(format!("{operand} <> 0"), to),
        // Towards zero, and nothing where 64 bits don't hold it.
        (Float64, Int64) => Spoken::whole(
            format!(
                "CASE WHEN {operand} >= {} AND {operand} < {} THEN CAST(TRUNC({}) AS {}) END",
                word::float("-9223372036854775808"),
                word::float("9223372036854775808"),
                said.text,
                word::type_name(to)
            ),
            to,
        ),
        (Boolean, Int64 | Float64) => {
            let flag = Spoken::whole(
                format!("CASE WHEN {operand} THEN 1 WHEN NOT {operand} THEN 0 END"),
                Int64,
            );
            if to == Float64 { flag.float() } else { flag }
        }
        (Boolean, Utf8) => Spoken::whole(
            format!("CASE WHEN {operand} THEN 'true' WHEN NOT {operand} THEN 'false' END"),
            to,
        ),
        (Date, Utf8) => {
            Spoken::whole(format!("TO_VARCHAR({}, '{}')", said.text, word::DATE_FORMAT), to)
        }
        (Date, Timestamp) | (Timestamp, Date) => {
            Spoken::whole(format!("CAST({} AS {})", said.text, word::type_name(to)), to)
        }
        (_, _) => {
            return unsaid(
                "a cast between these types: texts of numbers, times and flags read differently there",
                "the column as it is, or a cast of int64, boolean or date",
            );
        }
    })
}

fn type_of(of: &DataType) -> Option<ColumnType> {
    Some(match of {
        DataType::BigInt(None) => ColumnType::Int64,
        DataType::Double(_) => ColumnType::Float64,
        DataType::Varchar(None) => ColumnType::Utf8,
        DataType::Boolean => ColumnType::Boolean,
        DataType::Date => ColumnType::Date,
        DataType::Timestamp(None, _) => ColumnType::Timestamp,
        _ => return None,
    })
}

/// The digits of a constant number.
fn number_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, false) => digits.parse::<f64>().ok().map(|_| digits.clone()),
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => {
            number_of(expr).map(|digits| format!("-{digits}"))
        }
        _ => None,
    }
}
