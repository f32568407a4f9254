//! One dataset as a table of a run: only the physical columns that the agreement names, checked before anything is read.

use crate::failure::{engine, failure, storage};
use crate::footer::footer;
use crate::storage::Place;
use adapter_spi::Failure;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;
use mappings::model::{ColumnType, ColumnUse, Dataset, DatasetName, Location, PlatformId};
use object_store::{ObjectMeta, ObjectStoreExt};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The state of a dataset's files: what must not change while a run reads them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Files {
    files: Vec<(String, u64, Option<String>, i64)>,
    /// Rows in them, by their footers.
    pub(crate) rows: u64,
}

/// A dataset opened for a run.
#[derive(Debug)]
pub(crate) struct Opened {
    place: Place,
    name: DatasetName,
    pub(crate) files: Files,
}

/// Opens a dataset, checks its schema, and registers it under its name in the schema `room`.
pub(crate) async fn open(
    context: &SessionContext,
    name: &DatasetName,
    dataset: &Dataset,
) -> Result<Opened, Failure> {
    let Some(Location::Name(location)) = dataset.at.get(&PlatformId::native()) else {
        return Err(failure("dataset-missing", format!("dataset {name} has no native location")));
    };
    let mut place = Place::open(location).map_err(|_| {
        failure("dataset-location", format!("the location of dataset {name} can't be opened"))
    })?;
    let single =
        place.path.as_ref().ends_with(".parquet") && place.store.head(&place.path).await.is_ok();
    if !single && !place.url.path().ends_with('/') {
        let folder = format!("{}/", place.url.path());
        place.url.set_path(&folder);
    }
    let metas = listed(&place, single).await.map_err(|error| named(storage(&error), name))?;
    if metas.is_empty() {
        return Err(failure(
            "dataset-missing",
            format!("dataset {name} has no Parquet file where it should lie"),
        ));
    }
    let rows = rows_of(&place, &metas, name).await?;
    context.register_object_store(&place.root(), Arc::clone(&place.store));
    register(context, name, dataset, &place).await?;
    Ok(Opened {
        files: Files { files: metas.iter().map(identity).collect(), rows },
        place,
        name: name.clone(),
    })
}

impl Opened {
    /// Refuses when the files changed since they were opened.
    pub(crate) async fn unchanged(&self) -> Result<(), Failure> {
        let single = !self.place.url.path().ends_with('/');
        let now = listed(&self.place, single)
            .await
            .map_err(|error| named(storage(&error), &self.name))?;
        if now.iter().map(identity).eq(self.files.files.iter().cloned()) {
            return Ok(());
        }
        Err(failure(
            "dataset-changed",
            format!("dataset {} changed while the run read it", self.name),
        ))
    }
}

fn identity(meta: &ObjectMeta) -> (String, u64, Option<String>, i64) {
    (
        meta.location.to_string(),
        meta.size,
        meta.e_tag.clone(),
        meta.last_modified.timestamp_micros(),
    )
}

pub(crate) async fn listed(
    place: &Place,
    single: bool,
) -> Result<Vec<ObjectMeta>, object_store::Error> {
    if single {
        return Ok(vec![place.store.head(&place.path).await?]);
    }
    let mut metas: Vec<ObjectMeta> = place.store.list(Some(&place.path)).try_collect().await?;
    metas.retain(|meta| meta.location.as_ref().ends_with(".parquet"));
    metas.sort_by(|one, two| one.location.cmp(&two.location));
    Ok(metas)
}

/// Rows by the files' footers; a footer that can't be read fails here, before any row is.
async fn rows_of(place: &Place, metas: &[ObjectMeta], name: &DatasetName) -> Result<u64, Failure> {
    let mut rows = 0u64;
    for meta in metas {
        let unreadable = || {
            failure(
                "dataset-unreadable",
                format!("a file of dataset {name} is not readable Parquet"),
            )
        };
        let footer = footer(place, meta).await.ok_or_else(unreadable)?;
        let found = u64::try_from(footer.file_metadata().num_rows()).map_err(|_| unreadable())?;
        rows = rows.saturating_add(found);
    }
    Ok(rows)
}

async fn register(
    context: &SessionContext,
    name: &DatasetName,
    dataset: &Dataset,
    place: &Place,
) -> Result<(), Failure> {
    let fail = |error| named(engine(&error), name);
    let url = ListingTableUrl::parse(&place.url).map_err(fail)?;
    let state = context.state();
    let options =
        ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension(".parquet");
    let partitions = options.infer_partitions(&state, &url).await.map_err(fail)?;
    let columns = partitions.into_iter().map(|column| (column, DataType::Utf8)).collect::<Vec<_>>();
    let options = options.with_table_partition_cols(columns.clone());
    let found = options.infer_schema(&state, &url).await.map_err(|error| match engine(&error) {
        failure if failure.code == "engine-failed" => self::failure(
            "schema-mismatch",
            format!("the files of dataset {name} don't share one schema"),
        ),
        other => named(other, name),
    })?;
    let mut fields: Vec<Field> = Vec::new();
    for (column, wanted) in physical(dataset) {
        if columns.iter().any(|(partition, _)| *partition == column) {
            continue;
        }
        let (_, field) = found.column_with_name(&column).ok_or_else(|| {
            failure(
                "schema-mismatch",
                format!("dataset {name} has no column {column}, which the agreement names"),
            )
        })?;
        if !readable(field.data_type(), wanted) {
            let reason = format!(
                "column {column} of dataset {name} is {}, where the agreement says {wanted:?}",
                field.data_type()
            );
            return Err(failure("schema-mismatch", reason));
        }
        fields.push(field.clone());
    }
    let config = ListingTableConfig::new(url)
        .with_listing_options(options)
        .with_schema(Arc::new(Schema::new(fields)));
    let table = ListingTable::try_new(config).map_err(fail)?;
    context
        .register_table(
            datafusion::common::TableReference::partial("room", name.as_str()),
            Arc::new(table),
        )
        .map(drop)
        .map_err(fail)
}

/// The physical columns that the agreement names, and their types.
fn physical(dataset: &Dataset) -> BTreeMap<String, ColumnType> {
    let mut wanted = BTreeMap::new();
    for column in dataset.columns.values() {
        match &column.r#use {
            ColumnUse::Match { keys } => {
                wanted.extend(keys.iter().map(|key| (key.from.clone(), key.r#type)));
            }
            ColumnUse::Dimension | ColumnUse::Measure { .. } | ColumnUse::Filter => {
                wanted.insert(column.from.clone(), column.r#type);
            }
        }
    }
    wanted.extend(dataset.consent.iter().map(|consent| (consent.from.clone(), consent.r#type)));
    wanted.extend(dataset.rows.iter().map(|filter| (filter.from.clone(), filter.r#type)));
    wanted
}

/// Whether a physical type is read as an agreed one without losing anything.
#[expect(clippy::wildcard_enum_match_arm, reason = "arrow's types are many; only these are read")]
fn readable(found: &DataType, wanted: ColumnType) -> bool {
    let found = match found {
        DataType::Dictionary(_, values) => values,
        other => other,
    };
    match wanted {
        ColumnType::Int64 => {
            found.is_signed_integer()
                || matches!(found, DataType::UInt8 | DataType::UInt16 | DataType::UInt32)
        }
        ColumnType::Float64 => {
            matches!(found, DataType::Float32 | DataType::Float64 | DataType::Decimal128(..))
                || found.is_signed_integer()
        }
        ColumnType::Utf8 => {
            matches!(found, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
        }
        ColumnType::Boolean => *found == DataType::Boolean,
        ColumnType::Date => matches!(found, DataType::Date32 | DataType::Date64),
        ColumnType::Timestamp => matches!(found, DataType::Timestamp(..)),
        ColumnType::Binary => matches!(
            found,
            DataType::Binary
                | DataType::LargeBinary
                | DataType::BinaryView
                | DataType::FixedSizeBinary(32)
        ),
    }
}

fn named(failure: Failure, name: &DatasetName) -> Failure {
    Failure { reason: format!("dataset {name}: {}", failure.reason), ..failure }
}
