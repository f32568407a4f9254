//! Names, constants and types as Snowflake spells them. Knows no expression.

use crate::model::ColumnType;
use crate::unsaid::{Said, unsaid};
use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};

/// The longest identifier there, in characters.
const NAME_MAX: usize = 255;
/// The most digits of a decimal constant whose conversion to a float is exact whoever does it.
const DIGITS_MAX: usize = 15;
/// Dates that a template may name.
const YEARS: std::ops::Range<i32> = 1900..2200;

/// An identifier in quotation marks: its case is kept, and no word of it is read.
pub(super) fn quoted(name: &str) -> Said {
    if name.is_empty() || name.chars().count() > NAME_MAX || name.chars().any(char::is_control) {
        return unsaid(
            "a column or table whose name is empty, longer than 255 characters or has control characters",
            "another name, in a view",
        );
    }
    Ok(format!("\"{}\"", name.replace('"', "\"\"")))
}

/// A text constant. A backslash escapes there as well; breaks and tabs are written as escapes, other control characters not at all.
pub(super) fn literal(value: &str) -> Said {
    let mut text = String::with_capacity(value.len() + 2);
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '\'' => text.push_str("''"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c if c.is_control() => {
                return unsaid(
                    "a text constant with a control character",
                    "a text without control characters",
                );
            }
            c => text.push(c),
        }
    }
    Ok(format!("'{text}'"))
}

/// The same where Jinja reads the text first: what would open one of its blocks is written in two pieces.
pub(super) fn jinja_literal(value: &str) -> Said {
    let whole = literal(value)?;
    let mut text = String::with_capacity(whole.len());
    let mut before = ' ';
    for c in whole.chars() {
        if before == '{' && matches!(c, '{' | '%' | '#') {
            text.push_str("' || '");
        }
        text.push(c);
        before = c;
    }
    Ok(if text == whole { whole } else { format!("({text})") })
}

/// A float constant. Where its digits are many or it has an exponent, the text is converted and not a decimal.
pub(super) fn float(digits: &str) -> String {
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
    let count = digits.bytes().filter(u8::is_ascii_digit).count();
    if plain && count <= DIGITS_MAX {
        return format!("CAST({digits} AS FLOAT)");
    }
    format!("CAST('{digits}' AS FLOAT)")
}

/// A date or time that a text constant names, under a format of its own: no session's format decides what it means.
pub(super) fn dated(value: &str, to: ColumnType) -> Said {
    let forms = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.fZ"];
    let date = NaiveDate::parse_from_str(value, "%Y-%m-%d").ok();
    let midnight = date.and_then(|date| date.and_hms_opt(0, 0, 0));
    let mut found = forms.iter().map(|form| NaiveDateTime::parse_from_str(value, form));
    let time = midnight.or_else(|| found.find_map(Result::ok));
    let known = time.filter(|time| YEARS.contains(&time.year()) && time.nanosecond() % 1000 == 0);
    let Some(time) = known else {
        return unsaid(
            "a date or time of another form",
            "a date 'YYYY-MM-DD' or a time 'YYYY-MM-DD HH:MM:SS' between 1900 and 2199, to the microsecond",
        );
    };
    Ok(match (to, time.nanosecond()) {
        (ColumnType::Date, _) => {
            format!("TO_DATE('{}', '{DATE_FORMAT}')", time.format("%Y-%m-%d"))
        }
        (_, 0) => format!(
            "TO_TIMESTAMP_NTZ('{}', 'YYYY-MM-DD HH24:MI:SS')",
            time.format("%Y-%m-%d %H:%M:%S")
        ),
        (_, _) => {
            format!("TO_TIMESTAMP_NTZ('{}', '{TIME_FORMAT}')", time.format("%Y-%m-%d %H:%M:%S%.6f"))
        }
    })
}

/// How a date is bound as text.
pub(super) const DATE_FORMAT: &str = "YYYY-MM-DD";
/// How a time is bound as text.
pub(super) const TIME_FORMAT: &str = "YYYY-MM-DD HH24:MI:SS.FF6";

/// A type by its name there.
pub(super) const fn type_name(of: ColumnType) -> &'static str {
    match of {
        ColumnType::Int64 => "NUMBER(38, 0)",
        ColumnType::Float64 => "FLOAT",
        ColumnType::Utf8 => "VARCHAR",
        ColumnType::Boolean => "BOOLEAN",
        ColumnType::Date => "DATE",
        ColumnType::Timestamp => "TIMESTAMP_NTZ(9)",
        ColumnType::Binary => "BINARY",
    }
}
