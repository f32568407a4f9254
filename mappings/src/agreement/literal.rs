//! Constants by type: from a document, from a command line, and in order. Never shows one.

use super::tree::{INTEGER_MAX, Value};
use crate::model::{ColumnType, Literal, Parameter};
use chrono::{DateTime, NaiveDate, SecondsFormat, Timelike, Utc};
use std::cmp::Ordering;

/// The longest text constant, in bytes.
pub(super) const LITERAL_BYTES_MAX: usize = 1024;

/// What a constant of this type looks like, for help.
pub(super) const fn shape(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Int64 => "an integer",
        ColumnType::Float64 => "a finite number",
        ColumnType::Utf8 => "a quoted text of at most 1024 bytes without control characters",
        ColumnType::Boolean => "true or false",
        ColumnType::Date => "a calendar date, YYYY-MM-DD",
        ColumnType::Timestamp => {
            "an RFC 3339 time such as 2026-01-31T00:00:00Z, to the microsecond"
        }
        ColumnType::Binary => "nothing: there are no binary constants",
    }
}

/// A type's name in documents.
pub(super) const fn type_name(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Int64 => "int64",
        ColumnType::Float64 => "float64",
        ColumnType::Utf8 => "utf8",
        ColumnType::Boolean => "boolean",
        ColumnType::Date => "date",
        ColumnType::Timestamp => "timestamp",
        ColumnType::Binary => "binary",
    }
}

/// A constant in a document.
pub(super) fn from_value(kind: ColumnType, value: &Value) -> Option<Literal> {
    match (kind, value) {
        (ColumnType::Int64, Value::Integer(n)) => Some(Literal::Int64(*n)),
        (ColumnType::Float64, Value::Integer(n)) => float(*n),
        (ColumnType::Float64, Value::Float(n)) => Some(Literal::Float64(*n)),
        (ColumnType::Boolean, Value::Boolean(b)) => Some(Literal::Boolean(*b)),
        (ColumnType::Utf8 | ColumnType::Date | ColumnType::Timestamp, Value::Text(text)) => {
            textual(kind, text)
        }
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "documents hold no integer beyond 2^53 - 1")]
fn float(n: i64) -> Option<Literal> {
    (-INTEGER_MAX..=INTEGER_MAX).contains(&n).then_some(Literal::Float64(n as f64))
}

/// A constant on a command line.
pub(super) fn from_text(kind: ColumnType, text: &str) -> Option<Literal> {
    match kind {
        ColumnType::Int64 => text.trim().parse().ok().map(Literal::Int64),
        ColumnType::Float64 => {
            text.trim().parse().ok().filter(|n: &f64| n.is_finite()).map(Literal::Float64)
        }
        ColumnType::Boolean => text.trim().parse().ok().map(Literal::Boolean),
        ColumnType::Date | ColumnType::Timestamp => textual(kind, text.trim()),
        ColumnType::Utf8 => textual(kind, text),
        ColumnType::Binary => None,
    }
}

fn textual(kind: ColumnType, text: &str) -> Option<Literal> {
    match kind {
        ColumnType::Utf8 => {
            let fits = text.len() <= LITERAL_BYTES_MAX && !text.chars().any(char::is_control);
            fits.then(|| Literal::Utf8(text.to_owned()))
        }
        ColumnType::Date => {
            let shaped = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
            let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
            date.filter(|_| shaped).map(|_| Literal::Utf8(text.to_owned()))
        }
        ColumnType::Timestamp => {
            let time = DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc);
            let nanos = time.nanosecond();
            let year = text.get(..4).is_some_and(|y| y.bytes().all(|b| b.is_ascii_digit()));
            let exact = year && nanos < 1_000_000_000 && nanos % 1000 == 0;
            let text = exact.then(|| time.to_rfc3339_opts(SecondsFormat::AutoSi, true));
            // Moving to UTC may leave the four-digit years.
            text.filter(|t| t.starts_with(|c: char| c.is_ascii_digit())).map(Literal::Utf8)
        }
        ColumnType::Int64 | ColumnType::Float64 | ColumnType::Boolean | ColumnType::Binary => None,
    }
}

/// Which of two constants of one type comes first; `None` where the type has no order here.
pub(super) fn order(kind: ColumnType, a: &Literal, b: &Literal) -> Option<Ordering> {
    match (a, b) {
        (Literal::Int64(a), Literal::Int64(b)) => Some(a.cmp(b)),
        (Literal::Float64(a), Literal::Float64(b)) => a.partial_cmp(b),
        (Literal::Utf8(a), Literal::Utf8(b)) if kind == ColumnType::Date => Some(a.cmp(b)),
        (Literal::Utf8(a), Literal::Utf8(b)) if kind == ColumnType::Timestamp => {
            let time = |t: &str| DateTime::parse_from_rfc3339(t).ok();
            Some(time(a)?.cmp(&time(b)?))
        }
        _ => None,
    }
}

/// Whether constants of this type have an order that `min` and `max` can use.
pub(super) const fn ordered(kind: ColumnType) -> bool {
    matches!(
        kind,
        ColumnType::Int64 | ColumnType::Float64 | ColumnType::Date | ColumnType::Timestamp
    )
}

/// The constant as its type has it: canonical JSON drops a whole float's fraction, which reads back as an integer.
#[expect(clippy::cast_precision_loss, reason = "documents hold no integer beyond 2^53 - 1")]
pub(super) fn settled(kind: ColumnType, literal: &Literal) -> Literal {
    match literal {
        Literal::Int64(n) if kind == ColumnType::Float64 => Literal::Float64(*n as f64),
        Literal::Boolean(_) | Literal::Int64(_) | Literal::Float64(_) | Literal::Utf8(_) => {
            literal.clone()
        }
    }
}

/// Whether a value is between a parameter's bounds.
pub(super) fn bounded(parameter: &Parameter, value: &Literal) -> bool {
    let kind = parameter.r#type;
    let compared = |bound: &Literal| order(kind, value, &settled(kind, bound));
    let low = parameter.min.as_ref().is_none_or(|min| compared(min).is_some_and(Ordering::is_ge));
    let high = parameter.max.as_ref().is_none_or(|max| compared(max).is_some_and(Ordering::is_le));
    low && high
}

/// Whether a value is one of a parameter's listed values, where it lists some.
pub(super) fn listed(parameter: &Parameter, value: &Literal) -> bool {
    let same = |v: &Literal| settled(parameter.r#type, v) == *value;
    parameter.values.is_empty() || parameter.values.iter().any(same)
}
