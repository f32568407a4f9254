//! What matched as a batch of the plan's columns. Knows groups and totals, not how they came about.

use super::exec::{Match, failed};
use super::node::Answer;
use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::error::Result;
use matching::{GroupKeys, MatchError, MatchedGroup, MeasureTotal, Total};
use std::sync::Arc;

/// The groups in the order of the plan's columns.
pub(super) fn batch(
    of: &Match,
    mut groups: Vec<MatchedGroup>,
    keys: &[Arc<GroupKeys>; 2],
    schema: SchemaRef,
) -> Result<RecordBatch> {
    let grouped = of.answers.iter().any(|answer| matches!(answer, Answer::Dimension { .. }));
    if groups.is_empty() && !grouped {
        // Without GROUP BY there is one row, of nothing.
        groups.push(nothing(of));
    }
    let [left, right] = keys;
    let of_side = |keys: &GroupKeys, group: fn(&MatchedGroup) -> u32| {
        keys.arrays(&groups.iter().map(group).collect::<Vec<_>>()).map_err(failed)
    };
    let dimensions = [of_side(left, |group| group.left)?, of_side(right, |group| group.right)?];
    let columns = of.answers.iter().zip(schema.fields()).map(|(answer, field)| {
        let column = column(*answer, &groups, &dimensions)?;
        Ok(cast(&column, field.data_type())?)
    });
    let columns = columns.collect::<Result<_>>()?;
    Ok(RecordBatch::try_new(schema, columns)?)
}

fn nothing(of: &Match) -> MatchedGroup {
    let zero = |measure: &DataType| MeasureTotal {
        non_null: 0,
        backed: 0,
        total: if *measure == DataType::Int64 { Total::I64(0) } else { Total::F64(0.0) },
    };
    let [left, right] = &of.types;
    MatchedGroup {
        left: 0,
        right: 0,
        rows: 0,
        distinct: 0,
        left_totals: left.measures.iter().map(zero).collect(),
        right_totals: right.measures.iter().map(zero).collect(),
    }
}

fn column(
    answer: Answer,
    groups: &[MatchedGroup],
    dimensions: &[Vec<ArrayRef>; 2],
) -> Result<ArrayRef> {
    match answer {
        Answer::Dimension { side, number } => {
            let column = dimensions.get(side).and_then(|columns| columns.get(number));
            column.map(Arc::clone).ok_or_else(|| failed(MatchError::Shape))
        }
        Answer::Rows => counts(groups.iter().map(|group| group.rows)),
        Answer::Distinct => counts(groups.iter().map(|group| group.distinct)),
        Answer::NotNull { side, number } => {
            counts(totals(groups, side, number)?.into_iter().map(|total| total.non_null))
        }
        Answer::Backed { side, number } => {
            counts(totals(groups, side, number)?.into_iter().map(|total| total.backed))
        }
        Answer::Sum { side, number } => Ok(sums(&totals(groups, side, number)?)),
        Answer::Mean { side, number } => {
            let totals = totals(groups, side, number)?;
            Ok(Arc::new(totals.iter().map(mean).collect::<Float64Array>()))
        }
    }
}

fn totals(groups: &[MatchedGroup], side: usize, number: usize) -> Result<Vec<MeasureTotal>> {
    let of = |group: &MatchedGroup| {
        let totals = if side == 0 { &group.left_totals } else { &group.right_totals };
        totals.get(number).copied()
    };
    groups.iter().map(of).collect::<Option<_>>().ok_or_else(|| failed(MatchError::Shape))
}

fn counts(counts: impl Iterator<Item = u64>) -> Result<ArrayRef> {
    let whole: std::result::Result<Vec<i64>, _> = counts.map(i64::try_from).collect();
    Ok(Arc::new(Int64Array::from(whole.map_err(|_| failed(MatchError::OutOfRange))?)))
}

/// A sum over nothing is NULL.
fn sums(totals: &[MeasureTotal]) -> ArrayRef {
    let some = |total: &MeasureTotal| (total.non_null > 0).then_some(total.total);
    if totals.iter().any(|total| matches!(total.total, Total::I64(_))) {
        let whole = |total| match total {
            Total::I64(sum) => Some(sum),
            Total::F64(_) => None,
        };
        return Arc::new(
            totals.iter().map(some).map(|sum| sum.and_then(whole)).collect::<Int64Array>(),
        );
    }
    let real = |total| match total {
        Total::F64(sum) => Some(sum),
        Total::I64(_) => None,
    };
    Arc::new(totals.iter().map(some).map(|sum| sum.and_then(real)).collect::<Float64Array>())
}

#[expect(clippy::cast_precision_loss, reason = "a mean is a double")]
fn mean(total: &MeasureTotal) -> Option<f64> {
    let sum = match total.total {
        Total::F64(sum) => sum,
        Total::I64(sum) => sum as f64,
    };
    (total.non_null > 0).then(|| sum / total.non_null as f64)
}
