//! Reading what a platform left at a landing: Parquet, or CSV with a header, brought to the canonical types that the guard
//! said. Streams. Must not know platforms.

use super::ResultsError;
use super::stage::Expected;
use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::csv::ReaderBuilder;
use arrow::csv::reader::Format;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use mappings::model::ColumnType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Arc;

type Batches<'a> = Box<dyn Iterator<Item = Result<RecordBatch, ResultsError>> + 'a>;

const ROWS: usize = 8192;

/// The canonical schema of a result.
pub(super) fn schema(expected: &Expected) -> SchemaRef {
    let field = |(name, of): &(String, ColumnType)| Field::new(name, arrow_type(*of), true);
    Arc::new(Schema::new(expected.columns.iter().map(field).collect::<Vec<_>>()))
}

/// The batches of a landed file in the canonical schema. In CSV an empty field is no value.
pub(super) fn read<'a>(path: &Path, expected: &'a Expected) -> Result<Batches<'a>, ResultsError> {
    if path.extension().is_some_and(|ending| ending == "csv") {
        return csv(path, expected);
    }
    let unreadable = |_| ResultsError::LandingUnreadable;
    let file = File::open(path).map_err(|_| ResultsError::LandingUnreadable)?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(unreadable)?;
    fits(builder.schema(), expected)?;
    let batches = builder.with_batch_size(ROWS).build().map_err(unreadable)?;
    let schema = schema(expected);
    Ok(Box::new(
        batches.map(move |batch| {
            conform(&batch.map_err(|_| ResultsError::LandingUnreadable)?, &schema)
        }),
    ))
}

fn csv<'a>(path: &Path, expected: &'a Expected) -> Result<Batches<'a>, ResultsError> {
    let open = || File::open(path).map_err(|_| ResultsError::LandingUnreadable);
    if !is_whole(open()?).map_err(|_| ResultsError::LandingUnreadable)? {
        return Err(ResultsError::LandingUnreadable);
    }
    let (header, _) = Format::default()
        .with_header(true)
        .infer_schema(open()?, Some(0))
        .map_err(|_| ResultsError::LandingUnreadable)?;
    let found = header.fields().iter().map(|field| field.name());
    if !found.eq(expected.columns.iter().map(|(name, _)| name)) {
        return Err(ResultsError::SchemaMismatch);
    }
    let batches = ReaderBuilder::new(schema(expected))
        .with_header(true)
        .with_batch_size(ROWS)
        .build(open()?)
        .map_err(|_| ResultsError::LandingUnreadable)?;
    Ok(Box::new(batches.map(|batch| batch.map_err(|_| ResultsError::LandingUnreadable))))
}

/// Whether the last line has its end: a number that was cut reads as another number.
fn is_whole(mut file: File) -> std::io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// Names in order, and types that hold the canonical ones without loss.
fn fits(found: &SchemaRef, expected: &Expected) -> Result<(), ResultsError> {
    let fits = found.fields().len() == expected.columns.len()
        && found.fields().iter().zip(&expected.columns).all(|(field, (name, of))| {
            field.name() == name && maps(field.data_type(), &arrow_type(*of))
        });
    if fits { Ok(()) } else { Err(ResultsError::SchemaMismatch) }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a type that is not named here maps to nothing")]
/// Whether a platform's type says the canonical one; a value that doesn't fit then is an error, never changed.
fn maps(found: &DataType, wanted: &DataType) -> bool {
    use DataType as T;
    if found == wanted {
        return true;
    }
    match wanted {
        T::Int64 => matches!(
            found,
            T::Int8
                | T::Int16
                | T::Int32
                | T::UInt8
                | T::UInt16
                | T::UInt32
                | T::UInt64
                | T::Decimal128(_, 0)
        ),
        T::Float64 => matches!(found, T::Float32 | T::Decimal128(..) | T::Int32 | T::Int64),
        T::Utf8 => matches!(found, T::LargeUtf8 | T::Utf8View),
        T::Binary => matches!(found, T::LargeBinary | T::BinaryView),
        T::Timestamp(TimeUnit::Microsecond, None) => matches!(found, T::Timestamp(..)),
        _ => false,
    }
}

fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ResultsError> {
    let exactly = CastOptions { safe: false, ..CastOptions::default() };
    let column = |(array, field): (&ArrayRef, &Arc<Field>)| {
        if array.data_type() == field.data_type() {
            return Ok(Arc::clone(array));
        }
        cast_with_options(array, field.data_type(), &exactly)
            .map_err(|_| ResultsError::SchemaMismatch)
    };
    let columns: Result<Vec<ArrayRef>, ResultsError> =
        batch.columns().iter().zip(schema.fields()).map(column).collect();
    RecordBatch::try_new(Arc::clone(schema), columns?).map_err(|_| ResultsError::SchemaMismatch)
}

const fn arrow_type(of: ColumnType) -> DataType {
    match of {
        ColumnType::Int64 => DataType::Int64,
        ColumnType::Float64 => DataType::Float64,
        ColumnType::Utf8 => DataType::Utf8,
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Date => DataType::Date32,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        ColumnType::Binary => DataType::Binary,
    }
}
