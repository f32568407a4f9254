//! How long a text may be that a run reads: checked where a file's rows enter a plan, before anything is made of them. A
//! compressed file says a long text once and means it for every row; what is computed of it would be more than a run may
//! hold.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, SessionStateBuilder, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::filter_pushdown::{
    ChildPushdownResult, FilterDescription, FilterPushdownPhase, FilterPushdownPropagation,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::StreamExt;
use std::fmt;
use std::sync::Arc;

/// The longest text, in bytes.
pub(crate) const VALUE_BYTES_MAX: usize = 16 << 10;

/// A text is longer than that. Names its physical column.
#[derive(Debug)]
pub(crate) struct ValueTooLarge(pub(crate) String);

impl fmt::Display for ValueTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {} has a text of more than {VALUE_BYTES_MAX} bytes", self.0)
    }
}

impl std::error::Error for ValueTooLarge {}

/// The engine's own rules with ours among them: before projections move into the scans, after filters did.
pub(crate) fn bounded(builder: SessionStateBuilder) -> SessionStateBuilder {
    let mut rules = PhysicalOptimizer::new().rules;
    let before = rules.iter().position(|rule| rule.name() == "ProjectionPushdown");
    rules.insert(before.unwrap_or_default(), Arc::new(BoundValues));
    builder.with_physical_optimizer_rules(rules)
}

/// Puts the check above every leaf that gives texts.
#[derive(Debug)]
struct BoundValues;

impl PhysicalOptimizerRule for BoundValues {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let bound = |node: Arc<dyn ExecutionPlan>| {
            let texts = node.schema().fields().iter().any(|field| is_text(field.data_type()));
            if !node.children().is_empty() || !texts {
                return Ok(Transformed::no(node));
            }
            Ok(Transformed::yes(Arc::new(Bounded { input: node }) as Arc<dyn ExecutionPlan>))
        };
        plan.transform_up(bound).data()
    }

    fn name(&self) -> &'static str {
        "bound_values"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "arrow's types are many; only these are texts")]
fn is_text(of: &DataType) -> bool {
    match of {
        DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

/// Rows as they come, unless a text is too long.
#[derive(Debug)]
struct Bounded {
    input: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for Bounded {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bounded")
    }
}

impl ExecutionPlan for Bounded {
    fn name(&self) -> &'static str {
        "Bounded"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(input) = children.pop() else {
            return Err(DataFusionError::Internal("a check of nothing".to_owned()));
        };
        Ok(Arc::new(Self { input }))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let stream = self.input.execute(partition, context)?;
        let checked = stream.map(|batch| batch.and_then(checked));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), checked)))
    }

    fn gather_filters_for_pushdown(
        &self,
        _: FilterPushdownPhase,
        parent_filters: Vec<Arc<dyn PhysicalExpr>>,
        _: &ConfigOptions,
    ) -> Result<FilterDescription> {
        FilterDescription::from_children(parent_filters, &self.children())
    }

    fn handle_child_pushdown_result(
        &self,
        _: FilterPushdownPhase,
        result: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        Ok(FilterPushdownPropagation::if_all(result))
    }
}

fn checked(batch: RecordBatch) -> Result<RecordBatch> {
    for (column, field) in batch.columns().iter().zip(batch.schema_ref().fields()) {
        if longest(column) > VALUE_BYTES_MAX {
            let error = ValueTooLarge(field.name().clone());
            return Err(DataFusionError::External(Box::new(error)));
        }
    }
    Ok(batch)
}

/// The longest text of a column, in bytes.
#[expect(clippy::wildcard_enum_match_arm, reason = "arrow's types are many; only these are texts")]
fn longest(column: &dyn Array) -> usize {
    // The low half of a view's first word is its length.
    let views = |views: &[u128]| {
        let lengths =
            views.iter().map(|view| usize::try_from(view & 0xffff_ffff).unwrap_or(usize::MAX));
        lengths.max()
    };
    let longest = match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().offsets().lengths().max(),
        DataType::LargeUtf8 => column.as_string::<i64>().offsets().lengths().max(),
        DataType::Binary => column.as_binary::<i32>().offsets().lengths().max(),
        DataType::LargeBinary => column.as_binary::<i64>().offsets().lengths().max(),
        DataType::Utf8View => views(column.as_string_view().views()),
        DataType::BinaryView => views(column.as_binary_view().views()),
        DataType::Dictionary(_, _) => Some(longest(column.as_any_dictionary().values())),
        _ => None,
    };
    longest.unwrap_or_default()
}
