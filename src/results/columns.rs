//! Parquet whose columns are encoded side by side: byte for byte what the library writes one after the other, in the time of the slowest
//! ones. Must not know what is written.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use std::io::Write;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// So many threads encode at most: columns are dealt out to them in turn.
const LANES_MAX: usize = 8;
/// So many batches may wait for one of them.
const AHEAD: usize = 4;

/// Writes batches of plain columns.
pub(super) struct Columns<W: Write + Send> {
    file: SerializedFileWriter<W>,
    groups: ArrowRowGroupWriterFactory,
    group: Option<Group>,
    group_rows_max: usize,
}

impl<W: Write + Send> Columns<W> {
    /// A file that nothing is in yet.
    pub(super) fn new(to: W, schema: SchemaRef, properties: WriterProperties) -> Result<Self> {
        let group_rows_max = properties.max_row_group_row_count().unwrap_or(usize::MAX).max(1);
        let writer = ArrowWriter::try_new(to, schema, Some(properties))?;
        let (file, groups) = writer.into_serialized_writer()?;
        Ok(Self { file, groups, group: None, group_rows_max })
    }

    /// Adds rows.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut from = 0;
        while from < batch.num_rows() {
            let mut group = if let Some(group) = self.group.take() {
                group
            } else {
                let number = self.file.flushed_row_groups().len();
                Group::new(self.groups.create_column_writers(number)?)
            };
            let count = (self.group_rows_max - group.rows).min(batch.num_rows() - from);
            group.write(&batch.slice(from, count));
            from += count;
            self.group = Some(group);
            if self.group.as_ref().is_some_and(|group| group.rows == self.group_rows_max) {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let Some(group) = self.group.take() else { return Ok(()) };
        let mut rows = self.file.next_row_group()?;
        for chunk in group.end()? {
            chunk.append_to_row_group(&mut rows)?;
        }
        rows.close().map(drop)
    }

    /// Ends the file, and gives back what it was written to.
    pub(super) fn into_inner(mut self) -> Result<W> {
        self.flush()?;
        self.file.into_inner()
    }
}

/// Columns by number, each with what it was encoded into.
type Encoded = Vec<(usize, ArrowColumnChunk)>;

/// A row group on its way.
struct Group {
    lanes: Vec<(SyncSender<RecordBatch>, JoinHandle<Result<Encoded>>)>,
    rows: usize,
}

impl Group {
    fn new(writers: Vec<ArrowColumnWriter>) -> Self {
        let many = writers.len().clamp(1, LANES_MAX);
        let mut dealt: Vec<Vec<(usize, ArrowColumnWriter)>> = Vec::new();
        dealt.resize_with(many, Vec::new);
        for (at, writer) in writers.into_iter().enumerate() {
            if let Some(lane) = dealt.get_mut(at % many) {
                lane.push((at, writer));
            }
        }
        let lanes = dealt.into_iter().map(|writers| {
            let (sender, batches) = sync_channel(AHEAD);
            (sender, std::thread::spawn(move || encode(writers, &batches)))
        });
        Self { lanes: lanes.collect(), rows: 0 }
    }

    fn write(&mut self, batch: &RecordBatch) {
        self.rows += batch.num_rows();
        for (sender, _) in &self.lanes {
            // A lane that takes no more says why at the end.
            let _taken = sender.send(batch.clone());
        }
    }

    fn end(self) -> Result<Vec<ArrowColumnChunk>> {
        let (senders, lanes): (Vec<_>, Vec<_>) = self.lanes.into_iter().unzip();
        drop(senders);
        let mut all = Encoded::new();
        for lane in lanes {
            let gone = |_| ParquetError::General("a column was given up".to_owned());
            all.extend(lane.join().map_err(gone)??);
        }
        all.sort_by_key(|(at, _)| *at);
        Ok(all.into_iter().map(|(_, chunk)| chunk).collect())
    }
}

fn encode(
    mut writers: Vec<(usize, ArrowColumnWriter)>,
    batches: &Receiver<RecordBatch>,
) -> Result<Encoded> {
    for batch in batches {
        let schema = batch.schema();
        for (at, writer) in &mut writers {
            for leaf in compute_leaves(schema.field(*at), batch.column(*at))? {
                writer.write(&leaf)?;
            }
        }
    }
    writers.into_iter().map(|(at, writer)| Ok((at, writer.close()?))).collect()
}

#[cfg(test)]
mod tests {
    //! The library's own writer is the judge: the same bytes.
    use super::*;
    use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};
    use parquet::basic::{Compression, ZstdLevel};
    use proptest::prelude::*;
    use std::sync::Arc;

    fn properties(rows: usize) -> WriterProperties {
        let zstd = Compression::ZSTD(ZstdLevel::default());
        let properties = WriterProperties::builder().set_compression(zstd);
        properties.set_max_row_group_row_count(Some(rows)).build()
    }

    fn batches(columns: usize, counts: &[usize]) -> (SchemaRef, Vec<RecordBatch>) {
        let field = |at: usize| {
            let of = [DataType::Utf8, DataType::Int64, DataType::Float64][at % 3].clone();
            Field::new(format!("c{at}"), of, true)
        };
        let schema = Arc::new(Schema::new((0..columns).map(field).collect::<Vec<_>>()));
        let batch = |count: usize| {
            let rows = || 0..i32::try_from(count).unwrap();
            let column = |at: usize| -> ArrayRef {
                let some = move |n: &i32| n % 7 != 0;
                match at % 3 {
                    0 => Arc::new(
                        rows()
                            .map(|n| some(&n).then(|| format!("s{}", n % 50)))
                            .collect::<StringArray>(),
                    ),
                    1 => Arc::new(
                        rows().map(|n| some(&n).then_some(i64::from(n))).collect::<Int64Array>(),
                    ),
                    _ => Arc::new(Float64Array::from_iter_values(rows().map(f64::from))),
                }
            };
            let columns = (0..columns).map(column).collect();
            RecordBatch::try_new(Arc::clone(&schema), columns).unwrap()
        };
        (Arc::clone(&schema), counts.iter().map(|count| batch(*count)).collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        #[test]
        fn side_by_side_is_one_after_the_other(
            columns in 1..20_usize, counts in prop::collection::vec(0..300_usize, 0..6), rows in 1..200_usize,
        ) {
            let (schema, batches) = batches(columns, &counts);
            let mut ours = Columns::new(Vec::new(), Arc::clone(&schema), properties(rows)).unwrap();
            let mut theirs = ArrowWriter::try_new(Vec::new(), schema, Some(properties(rows))).unwrap();
            for batch in &batches {
                ours.write(batch).unwrap();
                theirs.write(batch).unwrap();
            }
            prop_assert_eq!(ours.into_inner().unwrap(), theirs.into_inner().unwrap());
        }
    }
}
