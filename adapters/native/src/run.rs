//! One run: datasets opened, the text planned and checked, executed within its limits, its output landed. Whatever ends
//! it early removes everything it made.

use crate::check;
use crate::dataset::{self, Opened};
use crate::failure::{engine, failure};
use crate::landing;
use crate::storage::Place;
use crate::threshold::AtLeast;
use crate::token::{Form, TokenFunction, Tokens};
use adapter_spi::{Failure, ProtectedQuery, RunOutput, RunProgress};
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::ScalarUDF;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};
use mappings::model::{ColumnType, Literal, Parameter};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

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
}

/// Carries a run out. On any failure nothing of it is left at its landing or on disk.
pub(crate) async fn carry_out(
    query: &ProtectedQuery,
    tokens: Tokens,
    scratch: &Path,
    watch: &Watch,
) -> Result<RunOutput, Failure> {
    let spill = tempfile::Builder::new()
        .prefix("spill-")
        .tempdir_in(scratch)
        .map_err(|_| failure("scratch", "the folder for spilled data can't be made"))?;
    let place = Place::open(query.landing.url.as_str())
        .map_err(|_| failure("landing-failed", "the landing can't be opened"))?;
    let limit = Duration::from_millis(query.limits.duration_ms_max);
    let work = Box::pin(work(query, tokens, spill.path(), &place, watch));
    let ended = tokio::select! {
        biased;
        () = watch.cancel.cancelled() => Err(failure("cancelled", "the run was cancelled")),
        () = tokio::time::sleep(limit) => Err(failure("time-limit", "the run took longer than it may")),
        ended = work => ended,
    };
    if ended.is_err() {
        clear(&place).await;
    }
    ended
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

async fn work(
    query: &ProtectedQuery,
    tokens: Tokens,
    spill: &Path,
    place: &Place,
    watch: &Watch,
) -> Result<RunOutput, Failure> {
    let withheld = Arc::new(AtomicU64::new(0));
    let context = context(query, &tokens, spill, &withheld)?;
    let mut opened: Vec<Opened> = Vec::new();
    let mut output = RunOutput {
        files: Vec::new(),
        rows: 0,
        withheld: 0,
        rows_read: std::collections::BTreeMap::new(),
    };
    for name in query.guarded.datasets.keys() {
        let Some(dataset) = query.agreement.datasets.get(name) else {
            return Err(failure("dataset-missing", format!("the agreement has no dataset {name}")));
        };
        let one = dataset::open(&context, name, dataset).await?;
        output.rows_read.insert(name.to_string(), one.files.rows);
        opened.push(one);
    }
    let (plan, stream) = planned(query, &context).await?;
    *watch.plan.lock().unwrap_or_else(PoisonError::into_inner) = Some(plan);
    let (file, rows) =
        landing::write(stream, &query.guarded.output, place, query.limits.rows_max).await?;
    for one in &opened {
        one.unchanged().await?;
    }
    output.files.push(file);
    output.rows = rows;
    output.withheld = withheld.load(Ordering::Relaxed);
    Ok(output)
}

/// An engine for one run: its own catalog, memory, spill folder and functions, and nothing else.
fn context(
    query: &ProtectedQuery,
    tokens: &Tokens,
    spill: &Path,
    withheld: &Arc<AtomicU64>,
) -> Result<SessionContext, Failure> {
    let config = SessionConfig::new()
        .with_information_schema(false)
        .with_default_catalog_and_schema("airlock", "room");
    let bytes = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let disk = DiskManagerBuilder::default()
        .with_mode(DiskManagerMode::Directories(vec![spill.to_path_buf()]))
        .with_max_temp_directory_size(query.limits.spill_bytes_max);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(bytes(query.limits.memory_bytes_max))))
        .with_disk_manager_builder(disk)
        .build_arc()
        .map_err(|error| engine(&error))?;
    let context = SessionContext::new_with_config_rt(config, runtime);
    for form in [Form::Raw, Form::Hashed] {
        context.register_udf(ScalarUDF::new_from_impl(TokenFunction::new(tokens.clone(), form)));
    }
    context.register_udf(ScalarUDF::new_from_impl(AtLeast::new(Arc::clone(withheld))));
    Ok(context)
}

async fn planned(
    query: &ProtectedQuery,
    context: &SessionContext,
) -> Result<(Arc<dyn ExecutionPlan>, SendableRecordBatchStream), Failure> {
    let options =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    let frame = context
        .sql_with_options(&query.guarded.datafusion, options)
        .await
        .map_err(|_| failure("plan-failed", "the engine does not understand the guarded text"))?;
    check::check(frame.logical_plan(), query)?;
    let frame = frame.with_param_values(parameters(query)?).map_err(|error| engine(&error))?;
    let plan = frame.create_physical_plan().await.map_err(|error| engine(&error))?;
    let stream =
        execute_stream(Arc::clone(&plan), context.task_ctx()).map_err(|error| engine(&error))?;
    Ok((plan, stream))
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
