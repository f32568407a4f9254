//! Values of a statement, typed, as the API spells them. Must not know any statement.

use crate::error::{Error, Invalid, Result};
use serde::Serialize;
use std::fmt;

/// What of Snowflake's a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BindingType {
    /// A number with a fixed point.
    Fixed,
    /// A floating-point number.
    Real,
    /// Text.
    Text,
    /// Bytes.
    Binary,
    /// True or false.
    Boolean,
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// A moment without a zone.
    TimestampNtz,
    /// A moment, shown in the session's zone.
    TimestampLtz,
    /// A moment with its offset.
    TimestampTz,
}

/// A value that is bound in the place of a `?`, in their order. Its `Debug` shows the type alone.
#[derive(Clone, PartialEq)]
pub enum Binding {
    /// A whole number.
    Fixed(i128),
    /// A number with a fixed point: unscaled value, and how many of its digits stand behind the point (37 at most).
    Decimal(i128, u8),
    /// A finite number.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// True or false.
    Boolean(bool),
    /// Days since 1970.
    Date(i32),
    /// Nanoseconds since midnight.
    Time(u64),
    /// Nanoseconds since 1970 on a clock without a zone.
    TimestampNtz(i128),
    /// Nanoseconds since 1970 UTC.
    TimestampLtz(i128),
    /// Nanoseconds since 1970 UTC, and the offset in minutes.
    TimestampTz(i128, i16),
    /// NULL of a type.
    Null(BindingType),
}

const DAY_MS: i64 = 86_400_000;
const DAY_NS: u64 = 86_400_000_000_000;
/// Offsets are said in minutes above this, so that none is negative.
const OFFSET_BASE: i16 = 1_440;
const SCALE_MAX: u8 = 37;
/// 38 digits.
const FIXED_MAX: u128 = 10_u128.pow(38) - 1;

/// As it is sent.
#[derive(Serialize)]
pub(crate) struct Sent {
    #[serde(rename = "type")]
    kind: BindingType,
    value: Option<String>,
}

impl Binding {
    /// Text, the most common.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Its type.
    #[must_use]
    pub fn kind(&self) -> BindingType {
        match self {
            Self::Fixed(_) | Self::Decimal(..) => BindingType::Fixed,
            Self::Real(_) => BindingType::Real,
            Self::Text(_) => BindingType::Text,
            Self::Binary(_) => BindingType::Binary,
            Self::Boolean(_) => BindingType::Boolean,
            Self::Date(_) => BindingType::Date,
            Self::Time(_) => BindingType::Time,
            Self::TimestampNtz(_) => BindingType::TimestampNtz,
            Self::TimestampLtz(_) => BindingType::TimestampLtz,
            Self::TimestampTz(..) => BindingType::TimestampTz,
            Self::Null(kind) => *kind,
        }
    }

    /// The value as the API spells it; what cannot be one of its type is refused here.
    pub(crate) fn sent(&self) -> Result<Sent> {
        let wrong = || Error::invalid(Invalid::Binding);
        let value = match self {
            Self::Fixed(number) => decimal(*number, 0).ok_or_else(wrong)?,
            Self::Decimal(number, scale) => decimal(*number, *scale).ok_or_else(wrong)?,
            Self::Real(number) if number.is_finite() => format!("{number:?}"),
            Self::Text(text) => text.clone(),
            Self::Binary(bytes) => hex(bytes),
            Self::Boolean(truth) => truth.to_string(),
            Self::Date(days) => (i64::from(*days) * DAY_MS).to_string(),
            Self::Time(nanos) if *nanos < DAY_NS => nanos.to_string(),
            Self::TimestampNtz(nanos) | Self::TimestampLtz(nanos) => nanos.to_string(),
            Self::TimestampTz(nanos, offset)
                if offset.unsigned_abs() <= OFFSET_BASE.unsigned_abs() =>
            {
                format!("{nanos} {}", offset + OFFSET_BASE)
            }
            Self::Real(_) | Self::Time(_) | Self::TimestampTz(..) => return Err(wrong()),
            Self::Null(kind) => return Ok(Sent { kind: *kind, value: None }),
        };
        Ok(Sent { kind: self.kind(), value: Some(value) })
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let digits = [byte >> 4, byte & 0xf];
        text.extend(digits.iter().filter_map(|digit| char::from_digit(u32::from(*digit), 16)));
    }
    text
}

fn decimal(number: i128, scale: u8) -> Option<String> {
    if number.unsigned_abs() > FIXED_MAX || scale > SCALE_MAX {
        return None;
    }
    let (sign, scale) = (if number < 0 { "-" } else { "" }, usize::from(scale));
    let digits = format!("{:0>1$}", number.unsigned_abs(), scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let point = if scale == 0 { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Binding({:?})", self.kind())
    }
}

#[cfg(test)]
mod tests {
    //! How each is spelled, and what cannot be.
    use super::*;

    fn spelled(binding: &Binding) -> String {
        serde_json::to_string(&binding.sent().unwrap()).unwrap()
    }

    #[test]
    fn spellings() {
        let known = [
            (Binding::Fixed(-7), r#"{"type":"FIXED","value":"-7"}"#),
            (Binding::Decimal(-5, 2), r#"{"type":"FIXED","value":"-0.05"}"#),
            (Binding::Decimal(12_345, 2), r#"{"type":"FIXED","value":"123.45"}"#),
            (Binding::Real(0.5), r#"{"type":"REAL","value":"0.5"}"#),
            (Binding::text("it's"), r#"{"type":"TEXT","value":"it's"}"#),
            (Binding::Binary(vec![0, 255]), r#"{"type":"BINARY","value":"00ff"}"#),
            (Binding::Boolean(true), r#"{"type":"BOOLEAN","value":"true"}"#),
            (Binding::Date(-1), r#"{"type":"DATE","value":"-86400000"}"#),
            (Binding::Time(1), r#"{"type":"TIME","value":"1"}"#),
            (Binding::TimestampNtz(-1), r#"{"type":"TIMESTAMP_NTZ","value":"-1"}"#),
            (Binding::TimestampLtz(2), r#"{"type":"TIMESTAMP_LTZ","value":"2"}"#),
            (Binding::TimestampTz(3, -480), r#"{"type":"TIMESTAMP_TZ","value":"3 960"}"#),
            (Binding::Null(BindingType::Date), r#"{"type":"DATE","value":null}"#),
        ];
        for (binding, text) in known {
            assert_eq!(spelled(&binding), text);
        }
    }

    #[test]
    fn what_cannot_be_a_value() {
        let limit = i128::try_from(FIXED_MAX).unwrap();
        assert!(Binding::Fixed(limit).sent().is_ok());
        let wrong = [
            Binding::Fixed(limit + 1),
            Binding::Fixed(i128::MIN),
            Binding::Decimal(1, 38),
            Binding::Real(f64::NAN),
            Binding::Real(f64::INFINITY),
            Binding::Time(DAY_NS),
            Binding::TimestampTz(0, 1_441),
            Binding::TimestampTz(0, i16::MIN),
        ];
        for binding in wrong {
            assert!(binding.sent().is_err(), "{binding:?}");
        }
        assert_eq!(format!("{:?}", Binding::text("zqsentinel")), "Binding(Text)");
    }
}
