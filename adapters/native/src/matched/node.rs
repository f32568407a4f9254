//! The operator as a node of a logical plan: two inputs of key, dimensions and measures, and what comes out of them.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DFSchemaRef, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};
use std::cmp::Ordering;
use std::fmt;

/// What one side gives: first its key, then so many dimensions, then so many measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Given {
    pub(crate) dimensions: usize,
    pub(crate) measures: usize,
}

/// One column of the answer. A side is 0 (left) or 1 (right).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Answer {
    /// A dimension.
    Dimension { side: usize, number: usize },
    /// Pairs of rows.
    Rows,
    /// Distinct keys.
    Distinct,
    /// A measure's sum over the pairs.
    Sum { side: usize, number: usize },
    /// A measure's mean over the pairs where it is not NULL.
    Mean { side: usize, number: usize },
    /// Pairs where a measure is not NULL.
    NotNull { side: usize, number: usize },
    /// Distinct keys with a pair where a measure is not NULL.
    Backed { side: usize, number: usize },
}

/// `SELECT answers FROM left JOIN right ON left.key = right.key GROUP BY dimensions`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Matched {
    pub(crate) inputs: [LogicalPlan; 2],
    pub(crate) given: [Given; 2],
    pub(crate) answers: Vec<Answer>,
    pub(crate) schema: DFSchemaRef,
}

impl Matched {
    /// Whether only distinct keys are asked for, of everything.
    pub(crate) fn is_overlap(&self) -> bool {
        self.answers.iter().all(|answer| *answer == Answer::Distinct)
    }

    /// The types of a side's dimensions.
    pub(crate) fn dimension_types(&self, side: usize) -> Vec<DataType> {
        let (Some(input), Some(given)) = (self.inputs.get(side), self.given.get(side)) else {
            return Vec::new();
        };
        let fields = input.schema().fields().iter().skip(1).take(given.dimensions);
        fields.map(|field| field.data_type().clone()).collect()
    }

    /// The types of a side's measures.
    pub(crate) fn measure_types(&self, side: usize) -> Vec<DataType> {
        let (Some(input), Some(given)) = (self.inputs.get(side), self.given.get(side)) else {
            return Vec::new();
        };
        let fields = input.schema().fields().iter().skip(1 + given.dimensions);
        fields.map(|field| field.data_type().clone()).collect()
    }
}

impl PartialOrd for Matched {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let order = (&self.given, &self.answers).partial_cmp(&(&other.given, &other.answers))?;
        if order == Ordering::Equal {
            return (self == other).then_some(order);
        }
        Some(order)
    }
}

impl UserDefinedLogicalNodeCore for Matched {
    fn name(&self) -> &'static str {
        "Match"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        self.inputs.iter().collect()
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Match: {:?}", self.answers)
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let Ok(inputs) = <[LogicalPlan; 2]>::try_from(inputs) else {
            return plan_err!("the match operator has two inputs");
        };
        Ok(Self { inputs, ..self.clone() })
    }

    fn necessary_children_exprs(&self, _: &[usize]) -> Option<Vec<Vec<usize>>> {
        let all = |input: &LogicalPlan| (0..input.schema().fields().len()).collect();
        Some(self.inputs.iter().map(all).collect())
    }
}
