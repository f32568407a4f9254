//! From landing to staged files: verified against what the guard said, rewritten as canonical Parquet in a stream, digested.

use super::columns::Columns;
use super::{ResultsError, landed};
use arrow::array::{Array, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use mappings::model::{ColumnType, Digest};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

const ROW_GROUP_ROWS_MAX: usize = 131_072;
/// Rows of one delivered file, so that a file is small enough for one conditional write.
const FILE_ROWS_MAX: u64 = 1_000_000;
/// A column of more different values than fit is written plain: a dictionary of nearly all values costs more time than it saves bytes.
const DICTIONARY_BYTES_MAX: usize = 64 << 10;
/// So many batches may wait to be written.
const AHEAD: usize = 8;

/// What a landed output must be.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Names and types, in order.
    pub columns: Vec<(String, ColumnType)>,
    /// Rows, where the platform said how many.
    pub rows: Option<u64>,
    /// Rows that may leave at most.
    pub rows_max: u64,
}

/// One verified file, waiting for delivery.
#[derive(Debug, Clone)]
pub struct StagedFile {
    /// Where it is.
    pub path: PathBuf,
    /// The name it will have.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
    /// Its digest.
    pub sha256: Digest,
}

/// A verified result.
#[derive(Debug, Clone)]
pub struct Staged {
    /// Its files.
    pub files: Vec<StagedFile>,
    /// Its rows.
    pub rows: u64,
}

/// Verifies landed files and rewrites them below `staging`, which must be empty.
pub fn stage(
    files: &[PathBuf],
    expected: &Expected,
    staging: &Path,
) -> Result<Staged, ResultsError> {
    // One thread reads while the other writes.
    let (sender, batches) = sync_channel(AHEAD);
    std::thread::scope(|scope| {
        scope.spawn(move || read(files, expected, &sender));
        written(batches, expected, staging)
    })
}

type Batch = Result<RecordBatch, ResultsError>;

/// Sends the batches of landed files, up to the first that is none, as long as anybody takes them.
fn read(files: &[PathBuf], expected: &Expected, sender: &SyncSender<Batch>) {
    for path in files {
        let batches = landed::read(path, expected)
            .unwrap_or_else(|error| Box::new(std::iter::once(Err(error))));
        for batch in batches {
            let ends = batch.is_err();
            if sender.send(batch).is_err() || ends {
                return;
            }
        }
    }
}

fn written(
    batches: Receiver<Batch>,
    expected: &Expected,
    staging: &Path,
) -> Result<Staged, ResultsError> {
    let mut writer = Writer { staging, files: Vec::new(), open: None };
    let mut rows = 0u64;
    for batch in batches {
        let batch = batch?;
        rows += batch.num_rows() as u64;
        if rows > expected.rows_max {
            return Err(ResultsError::RowsExceeded);
        }
        writer.write(&batch)?;
    }
    if expected.rows.is_some_and(|told| told != rows) {
        return Err(ResultsError::RowsMismatch);
    }
    if rows == 0 {
        writer.write(&RecordBatch::new_empty(landed::schema(expected)))?;
    }
    Ok(Staged { files: writer.finish()?, rows })
}

/// A file that knows the digest of what it was given.
struct Digested {
    file: File,
    sha256: Sha256,
    bytes: u64,
}

impl Write for Digested {
    fn write(&mut self, all: &[u8]) -> std::io::Result<usize> {
        let count = self.file.write(all)?;
        self.sha256.update(all.get(..count).unwrap_or_default());
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// Writes batches into files of bounded size.
struct Writer<'a> {
    staging: &'a Path,
    files: Vec<StagedFile>,
    open: Option<(PathBuf, Columns<Digested>, u64)>,
}

impl Writer<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ResultsError> {
        let (path, mut writer, rows) = match self.open.take() {
            Some(open) => open,
            None => self.begin(batch)?,
        };
        writer.write(batch).map_err(|_| ResultsError::DestinationFull)?;
        let rows = rows + batch.num_rows() as u64;
        self.open = Some((path, writer, rows));
        if rows >= FILE_ROWS_MAX { self.end() } else { Ok(()) }
    }

    fn begin(
        &self,
        batch: &RecordBatch,
    ) -> Result<(PathBuf, Columns<Digested>, u64), ResultsError> {
        let path = self.staging.join(format!("part-{:05}.parquet", self.files.len()));
        let file = File::create_new(&path).map_err(|error| ResultsError::io(&error))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS_MAX))
            .set_dictionary_page_size_limit(DICTIONARY_BYTES_MAX)
            .set_created_by("airlock".to_owned())
            .build();
        let file = Digested { file, sha256: Sha256::new(), bytes: 0 };
        let writer = Columns::new(file, batch.schema(), properties);
        Ok((path, writer.map_err(|_| ResultsError::DestinationFull)?, 0))
    }

    fn end(&mut self) -> Result<(), ResultsError> {
        let Some((path, writer, rows)) = self.open.take() else { return Ok(()) };
        let file = writer.into_inner().map_err(|_| ResultsError::DestinationFull)?;
        let (bytes, sha256) = (file.bytes, Digest::from_bytes(file.sha256.finalize().into()));
        let name = format!("part-{:05}-{}.parquet", self.files.len(), sha256.short());
        self.files.push(StagedFile { path, name, bytes, rows, sha256 });
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<StagedFile>, ResultsError> {
        self.end()?;
        Ok(self.files)
    }
}

/// The first rows of a staged result as text.
pub fn preview(staged: &Staged, rows_max: usize) -> Result<Vec<Vec<String>>, ResultsError> {
    let mut rows = Vec::new();
    for file in &staged.files {
        let file = File::open(&file.path).map_err(|error| ResultsError::io(&error))?;
        first_rows(file, rows_max, &mut rows)?;
    }
    Ok(rows)
}

/// The first rows of a canonical file as text, until there are so many.
pub fn first_rows(
    file: File,
    rows_max: usize,
    rows: &mut Vec<Vec<String>>,
) -> Result<(), ResultsError> {
    let unreadable = |_| ResultsError::LandingUnreadable;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .map_err(|_| ResultsError::LandingUnreadable)?;
    let options = FormatOptions::default();
    for batch in reader
        .with_batch_size(rows_max.max(1))
        .build()
        .map_err(|_| ResultsError::LandingUnreadable)?
    {
        let batch = batch.map_err(unreadable)?;
        let columns: Vec<_> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options))
            .collect::<Result<_, _>>()
            .map_err(unreadable)?;
        for row in 0..batch.num_rows() {
            if rows.len() >= rows_max {
                return Ok(());
            }
            let shown = columns.iter().zip(batch.columns());
            rows.push(shown.map(|(column, array)| self::shown(column, array, row)).collect());
        }
    }
    Ok(())
}

fn shown(column: &ArrayFormatter<'_>, array: &dyn Array, row: usize) -> String {
    match array.as_any().downcast_ref::<arrow::array::Float64Array>() {
        Some(floats) if floats.is_valid(row) => format!("{:.2}", floats.value(row)),
        Some(_) | None => column.value(row).to_string(),
    }
}
