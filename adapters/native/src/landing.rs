//! A run's output as Parquet at its landing: streamed, in canonical types, removed whole when the run does not end well.

use crate::failure::{engine, failure};
use crate::storage::Place;
use adapter_spi::Failure;
use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use mappings::guard::OutputColumn;
use mappings::model::ColumnType;
use object_store::buffered::BufWriter;
use parquet::arrow::AsyncArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use std::sync::Arc;

const FILE: &str = "part-00000.parquet";
const ROW_GROUP_ROWS_MAX: usize = 131_072;

/// Writes the stream to the landing. Answers the file's name and its rows.
pub(crate) async fn write(
    mut stream: SendableRecordBatchStream,
    columns: &[OutputColumn],
    place: &Place,
    rows_max: u64,
) -> Result<(String, u64), Failure> {
    let schema = schema(columns);
    let path = place.path.clone().join(FILE);
    let output = BufWriter::new(Arc::clone(&place.store), path);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS_MAX))
        .build();
    let broken = |_| failure("landing-failed", "the output can't be written to its landing");
    let mut writer =
        AsyncArrowWriter::try_new(output, Arc::clone(&schema), Some(properties)).map_err(broken)?;
    let mut rows = 0u64;
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(|error| engine(&error))?;
        rows += batch.num_rows() as u64;
        if rows > rows_max {
            return Err(failure("row-limit", "the output has more rows than a run may give"));
        }
        writer.write(&canonical(&batch, &schema)?).await.map_err(broken)?;
    }
    writer.close().await.map_err(broken)?;
    Ok((FILE.to_owned(), rows))
}

fn schema(columns: &[OutputColumn]) -> SchemaRef {
    let fields: Vec<Field> = columns
        .iter()
        .map(|column| Field::new(&column.name, arrow_type(column.r#type), true))
        .collect();
    Arc::new(Schema::new(fields))
}

fn canonical(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, Failure> {
    let differs =
        || failure("output-mismatch", "the output has not the columns that the guard said");
    if batch.num_columns() != schema.fields().len() {
        return Err(differs());
    }
    let columns: Vec<ArrayRef> = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| cast(column, field.data_type()).map_err(|_| differs()))
        .collect::<Result<_, _>>()?;
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(|_| differs())
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
