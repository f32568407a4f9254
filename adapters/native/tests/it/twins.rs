//! What `explain` promises: every legitimate template of the guard's corpus is planned, checked and run by the room, over
//! files without rows.

use crate::world::{World, subject, write};
use adapter_spi::{Cx, RunStatus, RunsQueries};
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use mappings::agreement::read;
use mappings::guard::guard;
use mappings::model::{
    Agreement, ColumnType, ColumnUse, Dataset, Literal, Location, MemberId, ParameterName,
    PlatformId, ResultClass, RunId,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const JOINED: &str = "FROM sales t JOIN exposures e ON t.household = e.household";
const TWINS_MIN: usize = 400;

fn corpus() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../mappings/tests/corpus")
}

/// Texts with their class and where they stand.
fn twins() -> Vec<(String, ResultClass, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(corpus()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|kind| kind != "toml") {
            continue;
        }
        let family: toml::Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        for case in family["case"].as_array().unwrap() {
            let text = |key: &str| case.get(key).and_then(toml::Value::as_str);
            let class = match text("class") {
                Some("activation") => ResultClass::Activation,
                _ => ResultClass::Aggregate,
            };
            let name = format!("{}: {}", path.display(), text("name").unwrap());
            found.push((name, class, text("twin").unwrap().replace("JOINED", JOINED)));
        }
    }
    found
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

/// A dataset's file without rows.
fn empty(dataset: &Dataset) -> RecordBatch {
    let mut columns = BTreeMap::new();
    for column in dataset.columns.values() {
        match &column.r#use {
            ColumnUse::Match { keys } => {
                columns.extend(keys.iter().map(|key| (key.from.clone(), key.r#type)));
            }
            ColumnUse::Dimension | ColumnUse::Measure { .. } | ColumnUse::Filter => {
                columns.insert(column.from.clone(), column.r#type);
            }
        }
    }
    columns.extend(dataset.consent.iter().map(|consent| (consent.from.clone(), consent.r#type)));
    columns.extend(dataset.rows.iter().map(|filter| (filter.from.clone(), filter.r#type)));
    let fields = columns.into_iter().map(|(name, of)| Field::new(name, arrow_type(of), true));
    RecordBatch::new_empty(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
}

fn agreement(world: &World) -> Agreement {
    let text = std::fs::read_to_string(corpus().join("agreement.yaml")).unwrap();
    let mut agreement = read(&text).unwrap();
    for (name, dataset) in &mut agreement.datasets {
        let file = world.folder.path().join(format!("{name}.parquet"));
        write(&file, &empty(dataset));
        let place = Location::Name(format!("file://{}", file.display()));
        dataset.at.insert(PlatformId::native(), place);
    }
    agreement
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_twin_is_planned_and_run() {
    let world = World::empty();
    let ground = agreement(&world);
    let twins = twins();
    assert!(twins.len() >= TWINS_MIN);
    let mut faults = Vec::new();
    let mut runs = Vec::new();
    for (number, (name, class, sql)) in twins.into_iter().enumerate() {
        let mut agreement = ground.clone();
        let template = agreement.templates.get_mut(&subject()).unwrap();
        sql.clone_into(&mut template.sql);
        template.class = class;
        let receiver = if class == ResultClass::Activation { "press" } else { "brand" };
        template.received_by = [MemberId::new(receiver).unwrap()].into();
        let guarded = guard(&agreement, &subject()).unwrap();
        let run = RunId::new(&format!("run-{number:04}")).unwrap();
        let mut query = world.query(agreement, guarded, run);
        for bound in ["from_week", "to_week"] {
            query.parameters.insert(ParameterName::new(bound).unwrap(), Literal::Int64(1));
        }
        world.grant(&query).await;
        world.room.submit(&query, &Cx::default()).await.unwrap();
        runs.push((query.run, name, sql));
        // A few at a time: each holds an engine.
        if runs.len() == 4 {
            faults.extend(ended(&world, std::mem::take(&mut runs)).await);
        }
    }
    faults.extend(ended(&world, runs).await);
    assert!(faults.is_empty(), "{} twins:\n{}", faults.len(), faults.join("\n"));
}

async fn ended(world: &World, runs: Vec<(RunId, String, String)>) -> Vec<String> {
    let mut faults = Vec::new();
    for (run, name, sql) in runs {
        if let RunStatus::Failed(failure) = world.end_of(&run).await {
            faults.push(format!("{name}\n  {}: {}\n  {sql}", failure.code, failure.reason));
        }
    }
    faults
}
