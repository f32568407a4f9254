//! An owner's own hashing, in its own domain: Parquet in, Parquet out with tokens in place of identifiers (decision 0002).
//! Streamed, in the order of the rows. Must not know agreements, logs or where the key came from.

use crate::dataset::listed;
use crate::failure::{failure, storage};
use crate::footer::{Reader, footer};
use crate::storage::Place;
use crate::token::Tokens;
use adapter_spi::Failure;
use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use futures::{StreamExt, TryStreamExt};
use mappings::agreement::usual_normaliser;
use mappings::model::{ColumnType, KeyName, Normaliser};
use object_store::buffered::BufWriter;
use object_store::{ObjectMeta, ObjectStoreExt};
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use parquet::arrow::{AsyncArrowWriter, ProjectionMask};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::AsyncWrite;

/// Row groups of this many rows are read by several threads, and pruned, at little cost of their own.
const ROW_GROUP_ROWS: usize = 131_072;
const BATCH_ROWS: usize = 32_768;
/// Batches that are hashed at once.
const BATCHES_AT_ONCE: usize = 4;

/// One identifier to hash.
#[derive(Debug, Clone)]
pub struct PreparedKey {
    /// The key's name in the agreement; it is hashed with the value, so both must agree.
    pub key: KeyName,
    /// The column that holds it.
    pub from: String,
    /// How it is normalised first; by the key's name, as in an agreement, when it is not said.
    pub normalise: Option<Normaliser>,
}

impl PreparedKey {
    /// The column that holds its tokens.
    #[must_use]
    pub fn column(&self) -> String {
        format!("{}_token", self.key.as_str().replace('-', "_"))
    }
}

/// What to prepare.
#[derive(Debug, Clone)]
pub struct Preparation {
    /// A file, or a folder or prefix of files of one schema: `file://` or `s3://`.
    pub from: String,
    /// The file to make. It must not be there.
    pub to: String,
    /// The identifiers to hash.
    pub keys: Vec<PreparedKey>,
    /// The columns to keep as they are. No others leave.
    pub keep: Vec<String>,
}

/// What was prepared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// Rows written: as many as were read.
    pub rows: u64,
    /// For each key the rows that have none: NULL, or nothing left by normalising.
    pub without: Vec<(KeyName, u64)>,
}

/// Hashes and writes. On any failure nothing is left at `to`.
pub async fn prepare(
    preparation: &Preparation,
    key: &[u8; 32],
    tell: &mut (dyn FnMut(u64) + Send),
) -> Result<Prepared, Failure> {
    let open = |at: &str| {
        Place::open(at)
            .map_err(|_| failure("location", "a location must be a path, file:// or s3://"))
    };
    let (from, to) = (open(&preparation.from)?, open(&preparation.to)?);
    let single = from.store.head(&from.path).await.is_ok();
    let metas = listed(&from, single).await.map_err(|error| storage(&error))?;
    if metas.is_empty() {
        return Err(failure("source-missing", "there is no Parquet file to prepare"));
    }
    if metas.iter().any(|meta| from.root() == to.root() && meta.location == to.path) {
        return Err(failure("same-file", "a file can't be prepared onto itself"));
    }
    let work =
        Work { preparation, from, tokens: Tokens::new(key), target: Target::open(to).await? };
    let prepared = work.written(&metas, tell).await?;
    work.target.keep().map(|()| prepared)
}

struct Work<'p> {
    preparation: &'p Preparation,
    from: Place,
    tokens: Tokens,
    target: Target,
}

type Writer = AsyncArrowWriter<Box<dyn AsyncWrite + Unpin + Send>>;

impl Work<'_> {
    async fn written(
        &self,
        metas: &[ObjectMeta],
        tell: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Prepared, Failure> {
        let mut open: Option<(SchemaRef, Writer)> = None;
        let mut rows = 0u64;
        let mut without = vec![0u64; self.preparation.keys.len()];
        for meta in metas {
            let (schema, mut batches) =
                hashed(self.preparation, &self.from, meta, &self.tokens).await?;
            let mut writer = match open.take() {
                Some((first, writer)) if first == schema => writer,
                Some(_) => {
                    return Err(failure("schema-mismatch", "the files don't share one schema"));
                }
                None => self.writer(Arc::clone(&schema)).await?,
            };
            while let Some(batch) = batches.try_next().await? {
                for (count, column) in without.iter_mut().zip(batch.columns()) {
                    *count += column.null_count() as u64;
                }
                writer.write(&batch).await.map_err(broken)?;
                rows += batch.num_rows() as u64;
                tell(rows);
            }
            open = Some((schema, writer));
        }
        if let Some((_, writer)) = open {
            writer.close().await.map_err(broken)?;
        }
        let keys = self.preparation.keys.iter().map(|key| key.key.clone());
        Ok(Prepared { rows, without: keys.zip(without).collect() })
    }

    async fn writer(&self, schema: SchemaRef) -> Result<Writer, Failure> {
        let output = self.target.output().await?;
        let properties = properties(&self.preparation.keys);
        AsyncArrowWriter::try_new(output, schema, Some(properties)).map_err(broken)
    }
}

fn broken(_: ParquetError) -> Failure {
    failure("target-failed", "the file can't be written there")
}

type Batches = futures::stream::BoxStream<'static, Result<RecordBatch, Failure>>;

/// One file's batches with tokens first, then what is kept, hashed on threads of their own, in order.
async fn hashed(
    preparation: &Preparation,
    from: &Place,
    meta: &ObjectMeta,
    tokens: &Tokens,
) -> Result<(SchemaRef, Batches), Failure> {
    let unreadable = || failure("source-unreadable", "a file is not readable Parquet");
    let footer = footer(from, meta).await.ok_or_else(unreadable)?;
    let reader = Reader::new(from, meta, footer);
    let builder = ParquetRecordBatchStreamBuilder::new(reader).await.map_err(|_| unreadable())?;
    let plan = Arc::new(Columns::of(preparation, builder.schema())?);
    let mask = ProjectionMask::roots(builder.parquet_schema(), plan.read.iter().copied());
    let stream = builder
        .with_projection(mask)
        .with_batch_size(BATCH_ROWS)
        .build()
        .map_err(|_| unreadable())?;
    let (schema, tokens) = (Arc::clone(&plan.schema), tokens.clone());
    let batches = stream
        .map(move |batch| {
            let (plan, tokens) = (Arc::clone(&plan), tokens.clone());
            async move {
                let batch = batch.map_err(|_| failure("source-unreadable", "a file is damaged"))?;
                let made = tokio::task::spawn_blocking(move || plan.made(&batch, &tokens));
                made.await.map_err(|_| failure("bug", "hashing gave up"))?
            }
        })
        .buffered(BATCHES_AT_ONCE);
    Ok((schema, batches.boxed()))
}

/// Which columns of a file are read, and what they become.
#[derive(Debug)]
struct Columns {
    read: Vec<usize>,
    keys: Vec<PreparedKey>,
    keep: Vec<String>,
    schema: SchemaRef,
}

impl Columns {
    fn of(preparation: &Preparation, found: &Schema) -> Result<Self, Failure> {
        let mut read = Vec::new();
        let mut fields = Vec::new();
        let mut find = |name: &str| {
            let missing = || failure("column-missing", format!("the source has no column {name}"));
            let (at, field) = found.column_with_name(name).ok_or_else(missing)?;
            read.push(at);
            Ok::<Field, Failure>(field.clone())
        };
        for key in &preparation.keys {
            let field = find(&key.from)?;
            if !hashable(field.data_type(), key.normalise) {
                let reason = format!("column {} is {}, no identifier", key.from, field.data_type());
                return Err(failure("key-type", reason));
            }
            fields.push(Field::new(key.column(), DataType::FixedSizeBinary(32), true));
        }
        for name in &preparation.keep {
            if preparation.keys.iter().any(|key| key.from == *name) {
                let reason = format!("column {name} is hashed, so it can't be kept as well");
                return Err(failure("key-kept", reason));
            }
            fields.push(find(name)?);
        }
        Ok(Self {
            read,
            keys: preparation.keys.clone(),
            keep: preparation.keep.clone(),
            schema: Arc::new(Schema::new(fields)),
        })
    }

    fn made(&self, batch: &RecordBatch, tokens: &Tokens) -> Result<RecordBatch, Failure> {
        let broken = || failure("source-unreadable", "a file is not what its footer says");
        let column = |name: &str| batch.column_by_name(name).map(Arc::clone).ok_or_else(broken);
        let hashed = self.keys.iter().map(|key| {
            let raw = column(&key.from)?;
            let normaliser = match key.normalise {
                Some(normaliser) => normaliser,
                None if raw.data_type().is_integer() => Normaliser::None,
                None => usual_normaliser(key.key.as_str(), ColumnType::Utf8),
            };
            tokens.raw(key.key.as_str(), normaliser, &raw).map_err(|_| broken())
        });
        let kept = self.keep.iter().map(|name| column(name));
        let columns: Vec<ArrayRef> = hashed.chain(kept).collect::<Result<_, _>>()?;
        RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(|_| broken())
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "arrow's types are many; only these identify")]
fn hashable(found: &DataType, normaliser: Option<Normaliser>) -> bool {
    match found {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => hashable(values, normaliser),
        DataType::UInt64 => false,
        other => other.is_integer() && normaliser.is_none_or(|it| it == Normaliser::None),
    }
}

/// Keys neither compress nor repeat: they are written plain, so that reading them is copying them.
fn properties(keys: &[PreparedKey]) -> WriterProperties {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS));
    let plain = keys.iter().fold(properties, |properties, key| {
        let column = || ColumnPath::from(key.column());
        properties
            .set_column_compression(column(), Compression::UNCOMPRESSED)
            .set_column_dictionary_enabled(column(), false)
            .set_column_encoding(column(), Encoding::PLAIN)
            .set_column_statistics_enabled(column(), EnabledStatistics::None)
    });
    plain.build()
}

/// The file being made: at its name only once it is whole.
#[derive(Debug)]
enum Target {
    /// Beside its name, under another, until it is kept.
    Local { name: PathBuf, part: PathBuf },
    /// Storage shows an upload only when it is complete.
    Store(Place),
}

impl Target {
    async fn open(place: Place) -> Result<Self, Failure> {
        let exists = || failure("target-exists", "the file to make is there already");
        if place.store.head(&place.path).await.is_ok() {
            return Err(exists());
        }
        let Ok(name) = place.url.to_file_path() else { return Ok(Self::Store(place)) };
        if name.exists() {
            return Err(exists());
        }
        let own = name.file_name().map(|own| own.to_string_lossy().into_owned());
        let own = own.ok_or_else(|| failure("location", "the file to make has no name"))?;
        let part = name.with_file_name(format!(".{own}.{}.part", std::process::id()));
        Ok(Self::Local { name, part })
    }

    async fn output(&self) -> Result<Box<dyn AsyncWrite + Unpin + Send>, Failure> {
        match self {
            Self::Local { part, .. } => {
                if let Some(folder) = part.parent() {
                    // Where it can't be made, the file can't either, and says so.
                    let _ = tokio::fs::create_dir_all(folder).await;
                }
                let file = tokio::fs::File::create_new(part).await;
                file.map(|file| Box::new(file) as _)
                    .map_err(|_| failure("target-failed", "the file can't be made there"))
            }
            Self::Store(place) => {
                Ok(Box::new(BufWriter::new(Arc::clone(&place.store), place.path.clone())))
            }
        }
    }

    /// Gives the whole file its name, unless somebody else made one of that name meanwhile.
    fn keep(&self) -> Result<(), Failure> {
        let Self::Local { name, part } = self else { return Ok(()) };
        let linked = std::fs::File::open(part)
            .and_then(|file| file.sync_all())
            .and_then(|()| std::fs::hard_link(part, name));
        linked.map_err(|_| failure("target-exists", "the file to make is there already"))
    }
}

impl Drop for Target {
    /// Whatever ended the work, only the whole file stays.
    fn drop(&mut self) {
        if let Self::Local { part, .. } = self {
            // What can't be removed has a name that nobody takes for data.
            let _ = std::fs::remove_file(part);
        }
    }
}
