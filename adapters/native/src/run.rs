//! One run: datasets opened, the text planned and checked, executed within its limits, its output landed. Whatever ends
//! it early removes everything it made.

use crate::check;
use crate::dataset::{self, Opened};
use crate::failure::{self, GAVE_WAY, engine, failure};
use crate::landing;
use crate::matched::{Bounds, with_matching};
use crate::storage::Place;
use crate::threshold::AtLeast;
use crate::token::{Form, TokenFunction, Tokens};
use crate::values::bounded;
use adapter_spi::{Failure, ProtectedQuery, RunOutput, RunProgress};
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::ScalarUDF;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};
use mappings::model::{ColumnType, Literal, Parameter, ResultClass};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

/// What may be asked of a run while it works.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    pub(crate) cancel: CancellationToken,
    plan: Mutex<Option<Arc<dyn ExecutionPlan>>>,
}

impl Watch {
    /// Rows and bytes read so far.
    pub(crate) fn progress(&self) -> RunProgress {
        let plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        plan.as_ref().map(read_by).unwrap_or_default()
    }

    fn follow(&self, plan: Option<Arc<dyn ExecutionPlan>>) {
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = plan;
    }
}

/// Distinct groups of one side that the match operator numbers; a run with more takes the stock plan, which can spill them.
const GROUPS_MAX: usize = 1 << 20;
const SPILL_WAIT: Duration = Duration::from_millis(5);
const SPILL_WAITS_MAX: usize = 2_000;

/// Whose plan a run takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engine {
    /// With the match operator wherever it serves.
    Matching,
    /// As the engine plans it.
    Stock,
}

/// Carries a run out. On any failure nothing of it is left at its landing or on disk.
pub(crate) async fn carry_out(
    query: &ProtectedQuery,
    tokens: Tokens,
    scratch: &Path,
    watch: &Watch,
) -> Result<RunOutput, Failure> {
    let spill = tempfile::Builder::new()
        .prefix(&format!("spill-{}-", query.run))
        .tempdir_in(scratch)
        .map(Arc::new)
        .map_err(|_| failure("scratch", "the folder for spilled data can't be made"))?;
    let place = Place::open(query.landing.url.as_str())
        .map_err(|_| failure("landing-failed", "the landing can't be opened"))?;
    let limit = Duration::from_millis(query.limits.duration_ms_max);
    let bounds = Bounds {
        folder: Arc::clone(&spill),
        spill_bytes_max: query.limits.spill_bytes_max,
        groups_max: GROUPS_MAX,
    };
    let planning = Arc::new(());
    let run = Run { query, tokens, bounds, place: &place, watch, planning: Arc::clone(&planning) };
    let work = Box::pin(run.matched_or_not());
    let ended = tokio::select! {
        biased;
        () = watch.cancel.cancelled() => Err(failure("cancelled", "the run was cancelled")),
        () = tokio::time::sleep(limit) => Err(failure("time-limit", "the run took longer than it may")),
        ended = work => ended,
    };
    if ended.is_err() {
        clear(&place).await;
    }
    watch.follow(None);
    // A thread that still plans has spilled nothing; it removes the folder when it is through.
    if Arc::strong_count(&planning) == 1 {
        removed(spill).await;
    }
    ended
}

/// Removes the folder once no thread writes to it any more; those of a cancelled run stop at their next batch.
async fn removed(mut folder: Arc<TempDir>) {
    for _ in 0..SPILL_WAITS_MAX {
        match Arc::try_unwrap(folder) {
            Ok(folder) => return drop(folder.close()),
            Err(held) => folder = held,
        }
        tokio::time::sleep(SPILL_WAIT).await;
    }
}

async fn clear(place: &Place) {
    use futures::TryStreamExt;
    use object_store::ObjectStoreExt;
    let listed: Result<Vec<_>, _> = place.store.list(Some(&place.path)).try_collect().await;
    for meta in listed.unwrap_or_default() {
        // What can't be removed is below a landing that the gateway removes whole.
        let _ = place.store.delete(&meta.location).await;
    }
}

/// One run's means.
struct Run<'r> {
    query: &'r ProtectedQuery,
    tokens: Tokens,
    bounds: Bounds,
    place: &'r Place,
    watch: &'r Watch,
    /// Held by a thread that plans.
    planning: Arc<()>,
}

impl Run<'_> {
    /// With the match operator; where it gives way, once more with the stock plan.
    async fn matched_or_not(self) -> Result<RunOutput, Failure> {
        match Box::pin(self.output(Engine::Matching)).await {
            Err(failure) if failure.code == GAVE_WAY => {
                clear(self.place).await;
                Box::pin(self.output(Engine::Stock)).await
            }
            ended => ended,
        }
    }

    async fn output(&self, engine: Engine) -> Result<RunOutput, Failure> {
        let query = self.query;
        let withheld = Arc::new(AtomicU64::new(0));
        let context = self.context(engine, &withheld)?;
        let mut opened: Vec<Opened> = Vec::new();
        let mut output = RunOutput {
            files: Vec::new(),
            rows: None,
            withheld: None,
            rows_read: std::collections::BTreeMap::new(),
        };
        for name in query.guarded.datasets.keys() {
            let Some(dataset) = query.agreement.datasets.get(name) else {
                let missing = format!("the agreement has no dataset {name}");
                return Err(failure("dataset-missing", missing));
            };
            let one = dataset::open(&context, name, dataset);
            let one = one.instrument(tracing::info_span!("open")).await?;
            output.rows_read.insert(name.to_string(), one.files.rows);
            opened.push(one);
        }
        let plan = self.planned(&context).instrument(tracing::info_span!("plan")).await?;
        let stream = execute_stream(Arc::clone(&plan), context.task_ctx())
            .map_err(|error| failure::engine(&error))?;
        self.watch.follow(Some(plan));
        let rows_max = query.limits.rows_max;
        let written = landing::write(stream, &query.guarded.output, self.place, rows_max);
        let (file, rows) = written.instrument(tracing::info_span!("execute")).await?;
        for one in &opened {
            one.unchanged().await?;
        }
        output.files.push(file);
        output.rows = Some(rows);
        let held = match query.guarded.class {
            ResultClass::Aggregate => withheld.load(Ordering::Relaxed),
            // An audience leaves whole or not at all, whether the engine had to look at it or not.
            ResultClass::Activation => u64::from(rows == 0),
        };
        output.withheld = Some(held);
        Ok(output)
    }

    /// The plan, made on a thread where nothing else waits: a limit, a withdrawal or a cancellation ends the run at once,
    /// while that thread works on to the end of its plan.
    async fn planned(&self, context: &SessionContext) -> Result<Arc<dyn ExecutionPlan>, Failure> {
        let (query, context) = (self.query.clone(), context.clone());
        let (runtime, at_work) = (Handle::current(), Arc::clone(&self.planning));
        let work = tokio::task::spawn_blocking(move || {
            let planned = runtime.block_on(planned(&query, &context));
            drop(context);
            drop(at_work);
            planned
        });
        work.await.map_err(|_| failure("engine-panicked", "the engine gave up"))?
    }

    /// An engine for one run: its own catalog, memory, spill folder and functions, and nothing else.
    fn context(
        &self,
        engine: Engine,
        withheld: &Arc<AtomicU64>,
    ) -> Result<SessionContext, Failure> {
        let limits = &self.query.limits;
        let config = SessionConfig::new()
            .with_information_schema(false)
            .with_default_catalog_and_schema("airlock", "room");
        let memory = usize::try_from(limits.memory_bytes_max).unwrap_or(usize::MAX);
        let folder = self.bounds.folder.path().to_path_buf();
        let disk = DiskManagerBuilder::default()
            .with_mode(DiskManagerMode::Directories(vec![folder]))
            .with_max_temp_directory_size(limits.spill_bytes_max);
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(memory)))
            .with_disk_manager_builder(disk)
            .build_arc()
            .map_err(|error| failure::engine(&error))?;
        let builder = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(runtime)
            .with_default_features();
        let builder = bounded(builder);
        let context = match engine {
            Engine::Matching => with_matching(builder, self.bounds.clone()),
            Engine::Stock => SessionContext::new_with_state(builder.build()),
        };
        for form in [Form::Raw, Form::Hashed] {
            let function = TokenFunction::new(self.tokens.clone(), form);
            context.register_udf(ScalarUDF::new_from_impl(function));
        }
        context.register_udf(ScalarUDF::new_from_impl(AtLeast::new(Arc::clone(withheld))));
        Ok(context)
    }
}

async fn planned(
    query: &ProtectedQuery,
    context: &SessionContext,
) -> Result<Arc<dyn ExecutionPlan>, Failure> {
    let options =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    let frame = context
        .sql_with_options(&query.guarded.datafusion, options)
        .await
        .map_err(|_| failure("plan-failed", "the engine does not understand the guarded text"))?;
    check::check(frame.logical_plan(), query)?;
    let frame = frame.with_param_values(parameters(query)?).map_err(|error| engine(&error))?;
    frame.create_physical_plan().await.map_err(|error| engine(&error))
}

fn parameters(query: &ProtectedQuery) -> Result<ParamValues, Failure> {
    let declared =
        query.agreement.templates.get(&query.guarded.template).map(|template| &template.parameters);
    let mut bound: HashMap<String, ScalarValue> = HashMap::new();
    for (name, parameter) in declared.into_iter().flatten() {
        let value = query.parameters.get(name).and_then(|value| scalar(value, parameter));
        let value = value.ok_or_else(|| {
            failure("parameter", format!("parameter {name} has no value of its type"))
        })?;
        bound.insert(name.to_string(), value);
    }
    Ok(ParamValues::from(bound))
}

/// A bound value as the engine's. Dates and timestamps stay text: the guarded text casts them.
#[expect(clippy::cast_precision_loss, reason = "a float parameter written as a whole number")]
fn scalar(value: &Literal, parameter: &Parameter) -> Option<ScalarValue> {
    Some(match (parameter.r#type, value) {
        (ColumnType::Int64, Literal::Int64(value)) => ScalarValue::Int64(Some(*value)),
        (ColumnType::Float64, Literal::Float64(value)) => ScalarValue::Float64(Some(*value)),
        (ColumnType::Float64, Literal::Int64(value)) => ScalarValue::Float64(Some(*value as f64)),
        (ColumnType::Boolean, Literal::Boolean(value)) => ScalarValue::Boolean(Some(*value)),
        (ColumnType::Utf8 | ColumnType::Date | ColumnType::Timestamp, Literal::Utf8(value)) => {
            ScalarValue::Utf8(Some(value.clone()))
        }
        (_, _) => return None,
    })
}

fn read_by(plan: &Arc<dyn ExecutionPlan>) -> RunProgress {
    if plan.children().is_empty() {
        let metrics = plan.metrics();
        let sum = |name: &str| {
            let found = metrics.as_ref().and_then(|metrics| metrics.sum_by_name(name));
            found.and_then(|value| u64::try_from(value.as_usize()).ok()).unwrap_or_default()
        };
        let rows =
            metrics.as_ref().and_then(datafusion::physical_plan::metrics::MetricsSet::output_rows);
        return RunProgress {
            rows_read: rows.unwrap_or_default() as u64,
            bytes_read: sum("bytes_scanned"),
        };
    }
    plan.children().into_iter().map(read_by).fold(RunProgress::default(), |all, one| RunProgress {
        rows_read: all.rows_read + one.rows_read,
        bytes_read: all.bytes_read + one.bytes_read,
    })
}
