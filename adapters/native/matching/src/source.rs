//! Reads the projected columns of one Parquet file, row groups in parallel; knows nothing of what they mean.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};

use crate::store::in_threads;
use crate::{MatchError, OverlapWriter, Settings, TokenColumn};

const BATCH_ROWS: usize = 1 << 13;

/// The columns to read, by name.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    /// The match key.
    pub key: String,
    /// Dimensions; text among them is read as dictionaries.
    pub dimensions: Vec<String>,
    /// Measures.
    pub measures: Vec<String>,
}

/// One batch, its columns in the order in which they were asked for.
#[derive(Debug)]
pub struct Batch {
    /// The match key.
    pub key: ArrayRef,
    /// Dimensions.
    pub dimensions: Vec<ArrayRef>,
    /// Measures.
    pub measures: Vec<ArrayRef>,
}

fn failed(while_doing: &'static str) -> MatchError {
    MatchError::Source { while_doing }
}

/// The types of the given columns, in order.
pub fn types(path: &Path, names: &[String]) -> Result<Vec<DataType>, MatchError> {
    let (_, metadata) = open(path, ArrowReaderOptions::new())?;
    let schema = metadata.schema();
    let types = names.iter().map(|name| Ok(schema.field_with_name(name)?.data_type().clone()));
    types.collect::<Result<_, arrow::error::ArrowError>>().map_err(|_| failed("finding a column"))
}

fn open(
    path: &Path,
    options: ArrowReaderOptions,
) -> Result<(File, ArrowReaderMetadata), MatchError> {
    let file = File::open(path).map_err(|_| failed("opening the file"))?;
    let metadata = ArrowReaderMetadata::load(&file, options);
    Ok((file, metadata.map_err(|_| failed("reading the footer"))?))
}

/// The file's schema with keys as views (no copy of each value) and text dimensions as dictionaries.
fn read_as(schema: &Schema, columns: &Columns) -> Schema {
    let fields = schema.fields().iter().map(|field| {
        let text =
            matches!(field.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        let bytes = matches!(field.data_type(), DataType::Binary | DataType::LargeBinary);
        let is_key = *field.name() == columns.key;
        let wanted = if text && is_key {
            DataType::Utf8View
        } else if bytes && is_key {
            DataType::BinaryView
        } else if text && columns.dimensions.contains(field.name()) {
            DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
        } else {
            field.data_type().clone()
        };
        Field::new(field.name(), wanted, field.is_nullable())
    });
    Schema::new(fields.collect::<Vec<_>>())
}

/// Gives every batch of the file to `each`, with the state that `make` made for the thread; the states at the end.
pub fn scan<S: Send>(
    path: &Path,
    columns: &Columns,
    settings: &Settings,
    make: impl Fn() -> S + Sync,
    each: impl Fn(&mut S, &Batch) -> Result<(), MatchError> + Sync,
) -> Result<Vec<S>, MatchError> {
    let (_, plain) = open(path, ArrowReaderOptions::new())?;
    let schema = Arc::new(read_as(plain.schema(), columns));
    let options = ArrowReaderOptions::new().with_schema(schema);
    let (_, metadata) = open(path, options)?;
    let next = AtomicUsize::new(0);
    let run = || -> Result<S, MatchError> {
        let mut state = make();
        loop {
            let group = next.fetch_add(1, Ordering::Relaxed);
            if group >= metadata.metadata().num_row_groups() {
                return Ok(state);
            }
            let done = row_group(path, &metadata, columns, group, &mut |batch| {
                settings.go_on()?;
                each(&mut state, batch)
            });
            if done.is_err() {
                next.store(usize::MAX / 2, Ordering::Relaxed);
            }
            done?;
        }
    };
    in_threads(settings.workers(), &run)
}

fn row_group(
    path: &Path,
    metadata: &ArrowReaderMetadata,
    columns: &Columns,
    group: usize,
    each: &mut dyn FnMut(&Batch) -> Result<(), MatchError>,
) -> Result<(), MatchError> {
    // A file of its own: threads must not share one position.
    let file = File::open(path).map_err(|_| failed("opening the file"))?;
    let names = std::iter::once(&columns.key).chain(&columns.dimensions).chain(&columns.measures);
    let names: Vec<&str> = names.map(String::as_str).collect();
    let mask = ProjectionMask::columns(metadata.parquet_schema(), names.iter().copied());
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.clone())
        .with_row_groups(vec![group])
        .with_projection(mask)
        .with_batch_size(BATCH_ROWS)
        .build()
        .map_err(|_| failed("opening a row group"))?;
    for batch in reader {
        let batch = batch.map_err(|_| failed("decoding"))?;
        let column = |name: &String| {
            let found = batch.column_by_name(name).map(Arc::clone);
            found.ok_or(failed("finding a column"))
        };
        each(&Batch {
            key: column(&columns.key)?,
            dimensions: columns.dimensions.iter().map(column).collect::<Result<_, _>>()?,
            measures: columns.measures.iter().map(column).collect::<Result<_, _>>()?,
        })?;
    }
    Ok(())
}

/// Reads a file's keys into an overlap, with a writer for each thread.
pub fn tokens(
    path: &Path,
    key: &str,
    settings: &Settings,
    writer: impl Fn() -> OverlapWriter + Sync,
) -> Result<(), MatchError> {
    let columns = Columns { key: key.to_owned(), ..Columns::default() };
    let writers = scan(path, &columns, settings, writer, |writer, batch| {
        writer.push(&TokenColumn::decode(&batch.key)?)
    })?;
    writers.into_iter().for_each(OverlapWriter::seal);
    Ok(())
}
