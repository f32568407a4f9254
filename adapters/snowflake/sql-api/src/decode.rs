//! Cells to Arrow, exactly or not at all. Must not know where they come from.

use crate::columns::{Column, ColumnType, UTC};
use crate::error::{Error, ErrorKind, Fate, Fault, Result};
use crate::rows::Rows;
use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array,
    StringArray, Time64NanosecondArray, TimestampNanosecondArray,
};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use std::sync::Arc;

const SECOND_NS: i128 = 1_000_000_000;
const DAY_NS: i64 = 86_400_000_000_000;
const FRACTION_MAX: usize = 9;
const OFFSET_MAX: u16 = 2_880;

/// Why a cell is no value here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is none of its type.
    Wrong,
    /// It is one, and has no place in Arrow.
    Beyond,
}

type Read<T> = std::result::Result<T, Unread>;

/// A batch of rows whose width was looked at.
pub(crate) fn batch(schema: &SchemaRef, columns: &[Column], rows: &Rows) -> Result<RecordBatch> {
    let arrays = columns.iter().enumerate().map(|(at, column)| {
        let cells = Cells { rows, width: columns.len(), at };
        cells.array(column.kind).map_err(|unread| {
            let kind = match unread {
                Unread::Wrong => ErrorKind::Protocol(Fault::Value),
                Unread::Beyond => ErrorKind::NotRepresentable,
            };
            Error::new(kind, Fate::Succeeded).in_column(at)
        })
    });
    let arrays = arrays.collect::<Result<Vec<ArrayRef>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    let made = RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options);
    made.map_err(|_| Error::new(ErrorKind::Internal, Fate::Succeeded))
}

/// One column's cells.
struct Cells<'a> {
    rows: &'a Rows,
    width: usize,
    at: usize,
}

impl<'a> Cells<'a> {
    fn all<T>(&self, read: impl Fn(&'a str) -> Read<T>) -> Read<Vec<Option<T>>> {
        let cells = (0..self.rows.len()).map(|row| {
            let cell = self.rows.cell(self.width, row, self.at).map_err(|_| Unread::Wrong)?;
            cell.map(&read).transpose()
        });
        cells.collect()
    }

    fn array(&self, kind: ColumnType) -> Read<ArrayRef> {
        Ok(match kind {
            ColumnType::Integer => Arc::new(Int64Array::from(self.all(integer)?)),
            ColumnType::Decimal { precision, scale } => {
                let numbers = self.all(|text| fixed_point(text, precision, scale))?;
                let numbers = Decimal128Array::from(numbers);
                let numbers = numbers.with_precision_and_scale(precision, scale);
                Arc::new(numbers.map_err(|_| Unread::Wrong)?)
            }
            ColumnType::Real => Arc::new(Float64Array::from(self.all(real)?)),
            ColumnType::Text | ColumnType::Json => Arc::new(StringArray::from(self.all(Ok)?)),
            ColumnType::Boolean => Arc::new(BooleanArray::from(self.all(boolean)?)),
            ColumnType::Date => {
                Arc::new(Date32Array::from(self.all(|t| t.parse().map_err(|_| Unread::Wrong))?))
            }
            ColumnType::Time => Arc::new(Time64NanosecondArray::from(self.all(time)?)),
            ColumnType::TimestampNtz => Arc::new(TimestampNanosecondArray::from(self.all(moment)?)),
            ColumnType::TimestampLtz => {
                let moments = TimestampNanosecondArray::from(self.all(moment)?);
                Arc::new(moments.with_timezone(UTC))
            }
            ColumnType::TimestampTz => {
                let moments = TimestampNanosecondArray::from(self.all(moment_with_offset)?);
                Arc::new(moments.with_timezone(UTC))
            }
            ColumnType::Binary => {
                let bytes = self.all(binary)?;
                Arc::new(bytes.iter().map(Option::as_deref).collect::<BinaryArray>())
            }
            ColumnType::Unknown => return Err(Unread::Beyond),
        })
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

/// Sign, digits before the point, digits after it.
fn parts(text: &str) -> Read<(bool, &str, &str)> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let leads = is_number(whole) || whole.is_empty();
    if leads && is_number(fraction) && !digits.is_empty() {
        Ok((is_negative, whole, fraction))
    } else {
        Err(Unread::Wrong)
    }
}

/// A number with so many digits behind the point, without the point.
fn unscaled(text: &str, scale: usize) -> Read<i128> {
    let (is_negative, whole, fraction) = parts(text)?;
    let (kept, beyond) = fraction.split_at(scale.min(fraction.len()));
    if beyond.chars().any(|c| c != '0') {
        return Err(Unread::Wrong);
    }
    let mut number = 0_i128;
    let zeros = std::iter::repeat_n('0', scale - kept.len());
    for digit in whole.chars().chain(kept.chars()).chain(zeros) {
        let digit = i128::from(digit.to_digit(10).ok_or(Unread::Wrong)?);
        let grown = number.checked_mul(10).and_then(|n| n.checked_add(digit));
        number = grown.ok_or(Unread::Wrong)?;
    }
    Ok(if is_negative { -number } else { number })
}

fn integer(text: &str) -> Read<i64> {
    i64::try_from(unscaled(text, 0)?).map_err(|_| Unread::Wrong)
}

fn fixed_point(text: &str, precision: u8, scale: i8) -> Read<i128> {
    let number = unscaled(text, usize::try_from(scale).map_err(|_| Unread::Wrong)?)?;
    let limit = 10_u128.checked_pow(u32::from(precision)).ok_or(Unread::Wrong)?;
    if number.unsigned_abs() < limit { Ok(number) } else { Err(Unread::Wrong) }
}

fn real(text: &str) -> Read<f64> {
    text.parse().map_err(|_| Unread::Wrong)
}

fn boolean(text: &str) -> Read<bool> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Unread::Wrong),
    }
}

fn binary(text: &str) -> Read<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? * 16 + digit(*low)?),
        _ => None,
    });
    pairs.collect::<Option<Vec<u8>>>().ok_or(Unread::Wrong)
}

/// Nanoseconds of seconds with up to nine digits of a fraction.
fn nanoseconds(text: &str) -> Read<i128> {
    let (is_negative, whole, fraction) = parts(text)?;
    if whole.is_empty() || fraction.len() > FRACTION_MAX {
        return Err(Unread::Wrong);
    }
    let seconds: i128 = whole.parse().map_err(|_| Unread::Wrong)?;
    let nanos = unscaled(&format!("0.{fraction}"), FRACTION_MAX)?;
    let sum = seconds.checked_mul(SECOND_NS).and_then(|n| n.checked_add(nanos));
    let sum = sum.ok_or(Unread::Wrong)?;
    Ok(if is_negative { -sum } else { sum })
}

fn time(text: &str) -> Read<i64> {
    let nanos = i64::try_from(nanoseconds(text)?).map_err(|_| Unread::Wrong)?;
    if (0..DAY_NS).contains(&nanos) { Ok(nanos) } else { Err(Unread::Wrong) }
}

/// Moments before 1677 and after 2262 are moments, and not in Arrow's nanoseconds.
fn moment(text: &str) -> Read<i64> {
    i64::try_from(nanoseconds(text)?).map_err(|_| Unread::Beyond)
}

fn moment_with_offset(text: &str) -> Read<i64> {
    let (seconds, offset) = text.split_once(' ').ok_or(Unread::Wrong)?;
    let is_offset = is_number(offset) && offset.parse::<u16>().is_ok_and(|o| o <= OFFSET_MAX);
    if is_offset { moment(seconds) } else { Err(Unread::Wrong) }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
