//! The operator at work: both inputs read by a task a partition, matched on threads of their own, answered as batches.

use super::Bounds;
use super::answer;
use super::node::{Answer, Given, Matched};
use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
};
use futures::{StreamExt, TryStreamExt};
use matching::{
    GroupEncoder, GroupKeys, MatchAggregate, MatchError, MatchWriter, MeasureColumn, Overlap,
    OverlapWriter, Settings, Shape, Side, TokenColumn,
};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::JoinSet;

/// What the operator gets of the engine's memory where that is bounded: a part of what is free, and no less than this.
const MEMORY_PART: usize = 2;
const MEMORY_BYTES_MIN: usize = 1 << 20;
const MEMORY_BYTES_UNBOUNDED: usize = 1 << 30;

/// The types that a side gives.
#[derive(Debug, Clone)]
pub(super) struct Types {
    pub(super) dimensions: Vec<DataType>,
    pub(super) measures: Vec<DataType>,
}

/// The operator in a physical plan. Its inputs are read in this order: the smaller first, since it is the one held in tables.
#[derive(Debug, Clone)]
pub(crate) struct Match {
    inputs: [Arc<dyn ExecutionPlan>; 2],
    given: [Given; 2],
    pub(super) types: [Types; 2],
    pub(super) answers: Vec<Answer>,
    overlap: bool,
    bounds: Bounds,
    properties: Arc<PlanProperties>,
}

impl Match {
    pub(crate) fn new(node: &Matched, inputs: [Arc<dyn ExecutionPlan>; 2], bounds: Bounds) -> Self {
        let schema = Arc::new(node.schema.as_arrow().clone());
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        let types = |side| Types {
            dimensions: node.dimension_types(side),
            measures: node.measure_types(side),
        };
        let plain = Self {
            inputs,
            given: node.given,
            types: [types(0), types(1)],
            answers: node.answers.clone(),
            overlap: node.is_overlap(),
            bounds,
            properties: Arc::new(properties),
        };
        plain.smaller_first()
    }

    /// The same with the side first that has fewer rows, as far as that is known.
    fn smaller_first(mut self) -> Self {
        let [left, right] = &self.inputs;
        if rows_of(left).zip(rows_of(right)).is_some_and(|(left, right)| right < left) {
            self.inputs.reverse();
            self.given.reverse();
            self.types.reverse();
            self.answers = self.answers.into_iter().map(other_side).collect();
        }
        self
    }

    fn job(&self, context: &Arc<TaskContext>) -> Result<Job> {
        let threads = context.session_config().target_partitions();
        let (reservation, bytes_max) = reserved(context)?;
        let cancelled = Arc::new(AtomicBool::new(false));
        let memory = matching::MemoryLimit {
            bytes_max,
            spill_folder: Some(self.bounds.folder.path().to_path_buf()),
            spill_bytes_max: self.bounds.spill_bytes_max,
        };
        let mut settings = Settings::new(memory).with_threads(threads);
        settings.cancelled = Arc::clone(&cancelled);
        Ok(Job {
            of: self.clone(),
            context: Arc::clone(context),
            settings,
            _reservation: reservation,
            _stop: Stop(cancelled),
        })
    }
}

fn rows_of(input: &Arc<dyn ExecutionPlan>) -> Option<usize> {
    let statistics = StatisticsContext::new().compute(input.as_ref(), &StatisticsArgs::new());
    statistics.ok()?.num_rows.get_value().copied()
}

fn other_side(answer: Answer) -> Answer {
    match answer {
        Answer::Dimension { side, number } => Answer::Dimension { side: 1 - side, number },
        Answer::Sum { side, number } => Answer::Sum { side: 1 - side, number },
        Answer::Mean { side, number } => Answer::Mean { side: 1 - side, number },
        Answer::NotNull { side, number } => Answer::NotNull { side: 1 - side, number },
        Answer::Backed { side, number } => Answer::Backed { side: 1 - side, number },
        Answer::Rows | Answer::Distinct => answer,
    }
}

/// A part of the engine's free memory, taken for as long as the operator works.
fn reserved(context: &TaskContext) -> Result<(MemoryReservation, usize)> {
    let pool = context.memory_pool();
    let bytes = match pool.memory_limit() {
        MemoryLimit::Finite(limit) => limit.saturating_sub(pool.reserved()) / MEMORY_PART,
        MemoryLimit::Infinite | MemoryLimit::Unknown => MEMORY_BYTES_UNBOUNDED,
    };
    let bytes = bytes.max(MEMORY_BYTES_MIN);
    let reservation = MemoryConsumer::new("match").register(pool);
    reservation.try_grow(bytes)?;
    Ok((reservation, bytes))
}

impl DisplayAs for Match {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Match: {:?}", self.answers)
    }
}

impl ExecutionPlan for Match {
    fn name(&self) -> &'static str {
        "Match"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.inputs.iter().collect()
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false; 2]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let inputs = <[Arc<dyn ExecutionPlan>; 2]>::try_from(children);
        let inputs = inputs.map_err(|_| failed(MatchError::Shape))?;
        Ok(Arc::new(Self { inputs, ..self.as_ref().clone() }))
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let schema = self.schema();
        let rows_max = context.session_config().batch_size();
        let answered = self.job(&context)?.answered(Arc::clone(&schema));
        let batches = futures::stream::once(answered).map_ok(move |batch| {
            let pieces = (0..batch.num_rows())
                .step_by(rows_max)
                .map(move |from| Ok(batch.slice(from, rows_max.min(batch.num_rows() - from))));
            futures::stream::iter(pieces)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches.try_flatten())))
    }
}

pub(super) fn failed(error: MatchError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// Raised when whoever waits for the answer is gone.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One execution.
struct Job {
    of: Match,
    context: Arc<TaskContext>,
    settings: Settings,
    _reservation: MemoryReservation,
    _stop: Stop,
}

/// What takes a batch of one side.
trait Takes: Send + 'static {
    fn take(&mut self, batch: &RecordBatch) -> std::result::Result<(), MatchError>;
    fn seal(self);
}

impl Takes for OverlapWriter {
    fn take(&mut self, batch: &RecordBatch) -> std::result::Result<(), MatchError> {
        self.push(&TokenColumn::decode(batch.columns().first().ok_or(MatchError::Shape)?)?)
    }

    fn seal(self) {
        Self::seal(self);
    }
}

struct Grouped {
    writer: MatchWriter,
    encoder: GroupEncoder,
    given: Given,
    groups: Vec<u32>,
}

impl Takes for Grouped {
    fn take(&mut self, batch: &RecordBatch) -> std::result::Result<(), MatchError> {
        let (key, rest) = batch.columns().split_first().ok_or(MatchError::Shape)?;
        let (dimensions, measures) =
            rest.split_at_checked(self.given.dimensions).ok_or(MatchError::Shape)?;
        self.encoder.encode(dimensions, &mut self.groups)?;
        let measures: std::result::Result<Vec<_>, _> =
            measures.iter().map(|measure| MeasureColumn::read(measure)).collect();
        self.writer.push(&TokenColumn::decode(key)?, &self.groups, &measures?)
    }

    fn seal(self) {
        self.writer.seal();
    }
}

impl Job {
    async fn answered(self, schema: SchemaRef) -> Result<RecordBatch> {
        if self.of.overlap { self.overlap(schema).await } else { self.groups(schema).await }
    }

    async fn overlap(self, schema: SchemaRef) -> Result<RecordBatch> {
        let overlap = Overlap::new(self.settings.clone());
        self.feed(0, || overlap.writer(Side::Left)).await?;
        overlap.complete_left().map_err(failed)?;
        self.feed(1, || overlap.writer(Side::Right)).await?;
        let bounds = self.of.bounds.clone();
        let counted = on_threads(bounds, move || overlap.finish()).await?;
        let count = i64::try_from(counted.distinct_both);
        let count = count.map_err(|_| failed(MatchError::OutOfRange))?;
        let column = || Arc::new(Int64Array::from(vec![count])) as ArrayRef;
        let columns = self.of.answers.iter().map(|_| column()).collect();
        Ok(RecordBatch::try_new(schema, columns)?)
    }

    async fn groups(self, schema: SchemaRef) -> Result<RecordBatch> {
        let [left, right] = &self.of.types;
        let kinds = |of: &Types| of.measures.iter().filter_map(MeasureColumn::kind_of).collect();
        let shape = Shape { left: kinds(left), right: kinds(right) };
        let groups_max = self.of.bounds.groups_max;
        let keys = |of: &Types| GroupKeys::new(&of.dimensions, groups_max).map(Arc::new);
        let keys = [keys(left).map_err(failed)?, keys(right).map_err(failed)?];
        let matcher = MatchAggregate::new(self.settings.clone(), shape).map_err(failed)?;
        let [left_given, right_given] = self.of.given;
        let [left_keys, right_keys] = &keys;
        let grouped = |side, keys: &Arc<GroupKeys>, given| Grouped {
            writer: matcher.writer(side),
            encoder: keys.encoder(),
            given,
            groups: Vec::new(),
        };
        self.feed(0, || grouped(Side::Left, left_keys, left_given)).await?;
        matcher.complete_left().map_err(failed)?;
        self.feed(1, || grouped(Side::Right, right_keys, right_given)).await?;
        let bounds = self.of.bounds.clone();
        let (groups, _) = on_threads(bounds, move || matcher.finish()).await?;
        answer::batch(&self.of, groups, &keys, schema)
    }

    /// Reads an input to its end, a task and a writer for each of its partitions.
    async fn feed<W: Takes>(&self, side: usize, writer: impl Fn() -> W) -> Result<()> {
        let Some(input) = self.of.inputs.get(side) else { return Err(failed(MatchError::Shape)) };
        let mut tasks = JoinSet::new();
        for partition in 0..input.properties().partitioning.partition_count() {
            let mut stream = input.execute(partition, Arc::clone(&self.context))?;
            let mut writer = writer();
            let bounds = self.of.bounds.clone();
            tasks.spawn(async move {
                while let Some(batch) = stream.next().await {
                    writer.take(&batch?).map_err(failed)?;
                }
                writer.seal();
                drop(bounds);
                Ok::<(), DataFusionError>(())
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended.map_err(|_| failed(MatchError::Worker))??;
        }
        Ok(())
    }
}

/// Matches outside the engine's own threads. The spill folder outlives the work, whoever stops waiting for it.
async fn on_threads<T: Send + 'static>(
    bounds: Bounds,
    work: impl FnOnce() -> std::result::Result<T, MatchError> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(move || {
        let done = work();
        drop(bounds);
        done
    });
    done.await.map_err(|_| failed(MatchError::Worker))?.map_err(failed)
}
