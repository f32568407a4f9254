//! Columns of a result, and their places in Arrow. Must not know any value.

use crate::error::{Error, ErrorKind, Fate, Fault, Result};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use serde::Deserialize;

/// Moments are kept as such; the zone that they are shown in is a reader's.
pub(crate) const UTC: &str = "+00:00";
const PRECISION_MAX: u8 = 38;
/// The most digits that every number of fits 64 bits.
const INT64_DIGITS: u8 = 18;

/// What a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// A whole number of up to 18 digits: `Int64`.
    Integer,
    /// Any other number with a fixed point: `Decimal128`.
    Decimal {
        /// Digits.
        precision: u8,
        /// Those behind the point.
        scale: i8,
    },
    /// `Float64`.
    Real,
    /// `Utf8`; GEOGRAPHY, VECTOR and DECFLOAT as Snowflake spells them.
    Text,
    /// `Boolean`.
    Boolean,
    /// `Date32`.
    Date,
    /// `Time64` in nanoseconds.
    Time,
    /// `Timestamp` in nanoseconds, without a zone.
    TimestampNtz,
    /// `Timestamp` in nanoseconds, UTC.
    TimestampLtz,
    /// `Timestamp` in nanoseconds, UTC: the moment, without the offset that it was written with.
    TimestampTz,
    /// `Binary`.
    Binary,
    /// VARIANT, OBJECT, ARRAY, MAP: `Utf8`, JSON.
    Json,
    /// A type that has no place in Arrow here. Its cells can be read as text.
    Unknown,
}

/// A column of a result. Its name may be a part of the statement's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// As the result names it: in lower case for SHOW and DESC.
    pub name: String,
    /// What it is.
    pub kind: ColumnType,
}

/// As an answer says it.
#[derive(Deserialize)]
pub(crate) struct RowType {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    precision: Option<i64>,
    scale: Option<i64>,
}

impl RowType {
    pub(crate) fn column(self) -> Result<Column> {
        let kind = match self.kind.to_ascii_lowercase().as_str() {
            "fixed" => fixed(self.precision, self.scale)
                .ok_or_else(|| Error::protocol(Fault::RowType, Fate::Succeeded))?,
            "real" => ColumnType::Real,
            "text" | "geography" | "geometry" | "vector" | "decfloat" => ColumnType::Text,
            "boolean" => ColumnType::Boolean,
            "date" => ColumnType::Date,
            "time" => ColumnType::Time,
            "timestamp_ntz" => ColumnType::TimestampNtz,
            "timestamp_ltz" => ColumnType::TimestampLtz,
            "timestamp_tz" => ColumnType::TimestampTz,
            "binary" => ColumnType::Binary,
            "variant" | "object" | "array" | "map" => ColumnType::Json,
            _ => ColumnType::Unknown,
        };
        Ok(Column { name: self.name, kind })
    }
}

fn fixed(precision: Option<i64>, scale: Option<i64>) -> Option<ColumnType> {
    let precision = u8::try_from(precision.unwrap_or(i64::from(PRECISION_MAX))).ok()?;
    let scale = u8::try_from(scale.unwrap_or(0)).ok()?;
    if !(1..=PRECISION_MAX).contains(&precision) || scale > precision {
        return None;
    }
    if scale == 0 && precision <= INT64_DIGITS {
        return Some(ColumnType::Integer);
    }
    Some(ColumnType::Decimal { precision, scale: i8::try_from(scale).ok()? })
}

impl ColumnType {
    /// Its type in Arrow, if it has one.
    #[must_use]
    pub fn arrow(self) -> Option<DataType> {
        let moment =
            |zone: Option<&str>| DataType::Timestamp(TimeUnit::Nanosecond, zone.map(Into::into));
        Some(match self {
            Self::Integer => DataType::Int64,
            Self::Decimal { precision, scale } => DataType::Decimal128(precision, scale),
            Self::Real => DataType::Float64,
            Self::Text | Self::Json => DataType::Utf8,
            Self::Boolean => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::Time => DataType::Time64(TimeUnit::Nanosecond),
            Self::TimestampNtz => moment(None),
            Self::TimestampLtz | Self::TimestampTz => moment(Some(UTC)),
            Self::Binary => DataType::Binary,
            Self::Unknown => return None,
        })
    }
}

/// The schema of columns. Every one may be NULL, whatever was said.
pub(crate) fn schema(columns: &[Column]) -> Result<Schema> {
    let fields = columns.iter().enumerate().map(|(at, column)| {
        let kind = column.kind.arrow().ok_or_else(|| {
            Error::new(ErrorKind::NotRepresentable, Fate::Succeeded).in_column(at)
        })?;
        Ok(Field::new(&column.name, kind, true))
    });
    Ok(Schema::new(fields.collect::<Result<Vec<_>>>()?))
}

#[cfg(test)]
mod tests {
    //! Every type in both spellings, and sizes that cannot be.
    use super::*;

    fn read(kind: &str, precision: Option<i64>, scale: Option<i64>) -> Result<ColumnType> {
        let row_type = RowType { name: "C".to_owned(), kind: kind.to_owned(), precision, scale };
        row_type.column().map(|column| column.kind)
    }

    #[test]
    fn types() {
        let known = [
            ("real", ColumnType::Real),
            ("text", ColumnType::Text),
            ("boolean", ColumnType::Boolean),
            ("date", ColumnType::Date),
            ("time", ColumnType::Time),
            ("timestamp_ntz", ColumnType::TimestampNtz),
            ("timestamp_ltz", ColumnType::TimestampLtz),
            ("timestamp_tz", ColumnType::TimestampTz),
            ("binary", ColumnType::Binary),
            ("variant", ColumnType::Json),
            ("object", ColumnType::Json),
            ("array", ColumnType::Json),
            ("file", ColumnType::Unknown),
        ];
        for (name, kind) in known {
            assert_eq!(read(name, None, None).unwrap(), kind);
            assert_eq!(read(&name.to_ascii_uppercase(), None, None).unwrap(), kind);
        }
    }

    #[test]
    fn numbers() {
        let decimal = |precision, scale| ColumnType::Decimal { precision, scale };
        let of = |p, s| read("FIXED", Some(p), Some(s)).ok();
        assert_eq!(of(18, 0), Some(ColumnType::Integer));
        assert_eq!(of(19, 0), Some(decimal(19, 0)));
        assert_eq!(of(18, 2), Some(decimal(18, 2)));
        assert_eq!(of(37, 37), Some(decimal(37, 37)));
        assert_eq!(read("fixed", None, None).unwrap(), decimal(38, 0));
        for (p, s) in [(0, 0), (39, 0), (-1, 0), (5, 6), (38, -1), (i64::MAX, i64::MIN)] {
            assert_eq!(of(p, s), None, "{p} {s}");
        }
    }

    #[test]
    fn what_has_no_place_in_arrow() {
        let column = |kind| Column { name: "C".to_owned(), kind };
        let error = schema(&[column(ColumnType::Text), column(ColumnType::Unknown)]).unwrap_err();
        assert_eq!((error.kind(), error.column()), (ErrorKind::NotRepresentable, Some(1)));
        assert!(schema(&[column(ColumnType::Text), column(ColumnType::Text)]).is_ok());
    }
}
