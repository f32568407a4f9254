//! Measures: columns that are summed, and sums that know how often each value counts.

use arrow::array::{Array, AsArray, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, UInt8Type, UInt16Type, UInt32Type,
};

use crate::MatchError;

/// How a measure is summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeasureKind {
    /// Whole numbers, exactly as far as 64 bits go.
    I64,
    /// Double precision, in no particular order.
    F64,
}

/// One measure of one batch.
#[derive(Clone)]
pub struct MeasureColumn {
    pub(crate) kind: MeasureKind,
    /// Bit patterns of `i64` or `f64`.
    pub(crate) words: Vec<u64>,
    pub(crate) nulls: Option<NullBuffer>,
}

impl std::fmt::Debug for MeasureColumn {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "MeasureColumn({:?}, {} rows)", self.kind, self.words.len())
    }
}

impl MeasureColumn {
    /// The kind that columns of this type are summed as.
    #[must_use]
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "arrow's types are many; all but these are refused"
    )]
    pub fn kind_of(data_type: &DataType) -> Option<MeasureKind> {
        match data_type {
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => {
                Some(MeasureKind::I64)
            }
            DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => Some(MeasureKind::I64),
            DataType::Float32 | DataType::Float64 => Some(MeasureKind::F64),
            _ => None,
        }
    }

    /// Reads a column of whole numbers up to 64 bits signed, or of floating-point numbers.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "arrow's types are many; all but these are refused"
    )]
    pub fn read(array: &dyn Array) -> Result<Self, MatchError> {
        match array.data_type() {
            DataType::Int8 => Ok(whole(array.as_primitive::<Int8Type>())),
            DataType::Int16 => Ok(whole(array.as_primitive::<Int16Type>())),
            DataType::Int32 => Ok(whole(array.as_primitive::<Int32Type>())),
            DataType::Int64 => Ok(whole(array.as_primitive::<Int64Type>())),
            DataType::UInt8 => Ok(whole(array.as_primitive::<UInt8Type>())),
            DataType::UInt16 => Ok(whole(array.as_primitive::<UInt16Type>())),
            DataType::UInt32 => Ok(whole(array.as_primitive::<UInt32Type>())),
            DataType::Float32 => Ok(real(array.as_primitive::<Float32Type>())),
            DataType::Float64 => Ok(real(array.as_primitive::<Float64Type>())),
            _ => Err(MatchError::UnsupportedType {
                place: "measure",
                found: array.data_type().to_string(),
            }),
        }
    }

    /// Rows, NULL ones included.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.words.len()
    }
}

fn whole<T: ArrowPrimitiveType<Native: Into<i64>>>(array: &PrimitiveArray<T>) -> MeasureColumn {
    let values = array.values().iter();
    MeasureColumn {
        kind: MeasureKind::I64,
        words: values.map(|v| Into::<i64>::into(*v).cast_unsigned()).collect(),
        nulls: array.nulls().filter(|n| n.null_count() > 0).cloned(),
    }
}

fn real<T: ArrowPrimitiveType<Native: Into<f64>>>(array: &PrimitiveArray<T>) -> MeasureColumn {
    let values = array.values().iter();
    MeasureColumn {
        kind: MeasureKind::F64,
        words: values.map(|v| Into::<f64>::into(*v).to_bits()).collect(),
        nulls: array.nulls().filter(|n| n.null_count() > 0).cloned(),
    }
}

/// A sum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Total {
    /// Of whole numbers.
    I64(i64),
    /// Of floating-point numbers.
    F64(f64),
}

/// A measure's sum over the pairs of a group, and over how many pairs it was not NULL.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeasureTotal {
    /// Pairs whose value is not NULL: what an average divides by. Where it is zero, SQL's SUM is NULL.
    pub non_null: u64,
    /// Distinct tokens with at least one such pair.
    pub backed: u64,
    /// The sum over those pairs; of whole numbers beyond 64 bits, what the engine's wrapping sum gives.
    pub total: Total,
}

/// A running sum: whole numbers wrap at 64 bits, as the engine's do, so that no value of a group that is withheld makes a
/// run fail; floating-point numbers are bit patterns.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sum {
    non_null: u64,
    word: u64,
}

impl Sum {
    /// Whether a value was added.
    #[inline]
    pub(crate) const fn has_value(&self) -> bool {
        self.non_null > 0
    }

    /// Adds one value.
    #[inline]
    pub(crate) fn add(&mut self, kind: MeasureKind, word: u64) {
        self.non_null += 1;
        self.word = match kind {
            MeasureKind::F64 => (f64::from_bits(self.word) + f64::from_bits(word)).to_bits(),
            // Two's complement: the same bits whether signed or not.
            MeasureKind::I64 => self.word.wrapping_add(word),
        };
    }

    /// Adds another sum, each value of which counts `times` times.
    #[inline]
    pub(crate) fn add_times(&mut self, kind: MeasureKind, other: &Self, times: u64) {
        self.non_null = self.non_null.wrapping_add(other.non_null.wrapping_mul(times));
        self.word = match kind {
            MeasureKind::F64 => {
                let more = f64::from_bits(other.word) * count(times);
                (f64::from_bits(self.word) + more).to_bits()
            }
            MeasureKind::I64 => self.word.wrapping_add(other.word.wrapping_mul(times)),
        };
    }

    pub(crate) const fn end(&self, kind: MeasureKind, backed: u64) -> MeasureTotal {
        let total = match kind {
            MeasureKind::I64 => Total::I64(self.word.cast_signed()),
            MeasureKind::F64 => Total::F64(f64::from_bits(self.word)),
        };
        MeasureTotal { non_null: self.non_null, backed, total }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count beyond 2^53 is beyond a double anyway")]
fn count(times: u64) -> f64 {
    times as f64
}
