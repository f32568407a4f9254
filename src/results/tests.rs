//! What results promise: whole or nothing, verified, never overwritten.

use super::*;
use crate::log::SecretKey;
use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use mappings::model::{
    CollaborationId, ColumnType, Digest, MemberId, PlatformId, ResultClass, RunId, TemplateName,
};
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ArrowWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn landed(folder: &Path, rows: i64) -> PathBuf {
    let schema = Arc::new(Schema::new(vec![
        Field::new("segment", DataType::Utf8, true),
        Field::new("people", DataType::Int64, true),
    ]));
    let names: Vec<String> = (0..rows).map(|n| format!("s{n}")).collect();
    let batch = RecordBatch::try_new(
        Arc::clone(&schema),
        vec![Arc::new(StringArray::from(names)), Arc::new(Int64Array::from_iter_values(0..rows))],
    )
    .unwrap();
    let path = folder.join("landed.parquet");
    let mut writer =
        ArrowWriter::try_new(std::fs::File::create(&path).unwrap(), schema, None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path
}

fn expected(rows: u64) -> Expected {
    Expected {
        columns: vec![
            ("segment".to_owned(), ColumnType::Utf8),
            ("people".to_owned(), ColumnType::Int64),
        ],
        rows: Some(rows),
        rows_max: 1_000_000,
    }
}

fn staged(folder: &Path, rows: i64) -> Staged {
    let staging = folder.join("staging");
    std::fs::create_dir(&staging).unwrap();
    stage(&[landed(folder, rows)], &expected(u64::try_from(rows).unwrap()), &staging).unwrap()
}

fn manifest(staged: &Staged) -> Manifest {
    let digest = Digest::of(b"x");
    Manifest {
        format: "airlock-result/v1".to_owned(),
        collaboration: CollaborationId::new("spring").unwrap(),
        run: RunId::new("run-one").unwrap(),
        template: TemplateName::new("weekly").unwrap(),
        template_digest: digest,
        text_digest: digest,
        agreement_digest: digest,
        class: ResultClass::Aggregate,
        platform: PlatformId::native(),
        receiver: MemberId::new("brand").unwrap(),
        columns: Vec::new(),
        files: staged
            .files
            .iter()
            .map(|file| FileLine {
                name: file.name.clone(),
                bytes: file.bytes,
                rows: file.rows,
                sha256: file.sha256,
            })
            .collect(),
        rows: staged.rows,
        withheld: Some(0),
        suppression: "dropped".to_owned(),
        rules: Vec::new(),
        log_index: 7,
        signature: None,
    }
}

#[tokio::test]
async fn a_result_is_whole_once_its_manifest_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let staged = staged(folder.path(), 5);
    let manifest = manifest(&staged).signed(&SecretKey::from_seed([3; 32]));
    let place = Place::over(Arc::new(InMemory::new()));
    let (collaboration, run) = (&manifest.collaboration, &manifest.run);
    assert_eq!(state(&place, collaboration, run).await, Ok(Delivery::Absent));
    for _ in 0..2 {
        place_files(&place, &staged.files, &manifest).await.unwrap();
        assert_eq!(state(&place, collaboration, run).await, Ok(Delivery::Absent));
    }
    for _ in 0..2 {
        publish(&place, &manifest).await.unwrap();
    }
    let digest = Digest::of(&manifest.canonical());
    assert_eq!(state(&place, collaboration, run).await, Ok(Delivery::Complete(digest)));
    let other = Manifest { rows: 9, ..manifest.clone() };
    assert_eq!(publish(&place, &other).await, Err(ResultsError::DeliveryConflict));
}

#[tokio::test]
async fn an_unfinished_delivery_can_be_taken_back_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let staged = staged(folder.path(), 5);
    let manifest = manifest(&staged);
    let store = Arc::new(InMemory::new());
    let place = Place::over(Arc::clone(&store) as Arc<dyn ObjectStore>);
    let theirs = ["spring/run-one/notes.txt", "spring/run-one/part-of-mine.parquet"];
    for name in theirs {
        store.put(&name.into(), vec![1].into()).await.unwrap();
    }
    store.put(&"spring/run-one/part-00000-abc.parquet".into(), vec![1].into()).await.unwrap();
    assert_eq!(state(&place, &manifest.collaboration, &manifest.run).await, Ok(Delivery::Absent));
    let files = ["part-00000-abc.parquet".to_owned(), "part-00001-never.parquet".to_owned()];
    withdraw(&place, &manifest.collaboration, &manifest.run, &files).await.unwrap();
    for name in theirs {
        assert!(store.head(&name.into()).await.is_ok());
    }
    assert!(store.head(&"spring/run-one/part-00000-abc.parquet".into()).await.is_err());
}

#[test]
fn a_landing_that_is_not_what_was_said_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = landed(folder.path(), 5);
    let try_stage = |expected: &Expected, path: &Path| {
        let staging = tempfile::tempdir().unwrap();
        stage(&[path.to_path_buf()], expected, staging.path()).map(|staged| staged.rows)
    };
    assert_eq!(try_stage(&expected(5), &path), Ok(5));
    assert_eq!(try_stage(&expected(4), &path), Err(ResultsError::RowsMismatch));
    let mut wrong = expected(5);
    wrong.columns.reverse();
    assert_eq!(try_stage(&wrong, &path), Err(ResultsError::SchemaMismatch));
    let cut = folder.path().join("cut.parquet");
    std::fs::write(&cut, &std::fs::read(&path).unwrap()[..100]).unwrap();
    assert_eq!(try_stage(&expected(5), &cut), Err(ResultsError::LandingUnreadable));
}

#[test]
fn a_manifest_can_not_be_changed() {
    let folder = tempfile::tempdir().unwrap();
    let key = SecretKey::from_seed([3; 32]);
    let manifest = manifest(&staged(folder.path(), 2)).signed(&key);
    assert!(manifest.verifies(&key.public()));
    assert!(!Manifest { rows: 3, ..manifest.clone() }.verifies(&key.public()));
    assert!(!manifest.verifies(&SecretKey::from_seed([4; 32]).public()));
}

#[test]
fn places_that_lie_in_each_other_are_seen() {
    assert!(overlaps("file:///data/x", "file:///data"));
    assert!(!overlaps("file:///data/x", "file:///data/xy"));
    assert!(overlaps("s3://bucket/a", "s3://bucket/a/b"));
    assert!(!overlaps("s3://bucket/a", "s3://bucket/ab"));
}
