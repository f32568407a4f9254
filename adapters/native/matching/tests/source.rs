//! Reading from Parquet files: what is in the file is what is matched, and a broken file is an error.

#![expect(
    clippy::unwrap_used,
    reason = "a test may end by panicking; clippy knows that only inside test functions"
)]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeBinaryArray, Int32Array, RecordBatch, StringArray};
use matching::source::{self, Columns};
use matching::{
    GroupKeys, MatchAggregate, MeasureColumn, MeasureKind, MemoryLimit, Overlap, Settings, Shape,
    Side, TokenColumn, Total,
};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

fn write(path: &Path, keys: std::ops::Range<u16>, as_hex: bool) {
    let bytes = |n: u16| -> [u8; 32] {
        let [a, b] = n.wrapping_mul(40_503).to_be_bytes();
        std::array::from_fn(|i| if i % 2 == 0 { a } else { b })
    };
    let text = |n: u16| -> String {
        let [a, b] = n.wrapping_mul(40_503).to_be_bytes();
        format!("{a:02x}{b:02X}").repeat(16)
    };
    let key: ArrayRef = if as_hex {
        Arc::new(StringArray::from_iter_values(keys.clone().map(text)))
    } else {
        Arc::new(FixedSizeBinaryArray::try_from_iter(keys.clone().map(bytes)).unwrap())
    };
    let name = |n: u16| if n.is_multiple_of(3) { "third" } else { "other" };
    let dimension: ArrayRef = Arc::new(StringArray::from_iter_values(keys.clone().map(name)));
    let measure: ArrayRef = Arc::new(Int32Array::from_iter_values(keys.map(i32::from)));
    // The columns lie in another order than the one they are asked for in.
    let columns = [("spent", measure), ("key", key), ("kind", dimension)];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(100)).build();
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn settings() -> Settings {
    let memory = MemoryLimit { bytes_max: 1 << 26, spill_folder: None, spill_bytes_max: 0 };
    Settings::new(memory).with_threads(3)
}

fn sides(folder: &Path) -> [(Side, PathBuf); 2] {
    let (left, right) = (folder.join("left.parquet"), folder.join("right.parquet"));
    write(&left, 0..1000, true);
    write(&right, 700..2000, false);
    [(Side::Left, left), (Side::Right, right)]
}

#[test]
fn text_and_binary_keys_of_two_files_meet() {
    let folder = tempfile::tempdir().unwrap();
    let overlap = Overlap::new(settings());
    for (side, path) in sides(folder.path()) {
        source::tokens(&path, "key", &settings(), || overlap.writer(side)).unwrap();
    }
    assert_eq!(overlap.finish().unwrap().distinct_both, 300);
}

#[test]
fn dimensions_and_measures_come_with_their_keys() {
    let folder = tempfile::tempdir().unwrap();
    let shape = Shape { left: vec![MeasureKind::I64], right: vec![] };
    let matcher = MatchAggregate::new(settings(), shape).unwrap();
    let [(_, left), (_, right)] = sides(folder.path());
    let columns = Columns {
        key: "key".to_owned(),
        dimensions: vec!["kind".to_owned()],
        measures: vec!["spent".to_owned()],
    };
    let types = source::types(&left, &columns.dimensions).unwrap();
    let keys = Arc::new(GroupKeys::new(&types, 10).unwrap());
    let make = || (matcher.writer(Side::Left), keys.encoder(), Vec::new());
    let lefts =
        source::scan(&left, &columns, &settings(), make, |(writer, encoder, groups), batch| {
            encoder.encode(&batch.dimensions, groups)?;
            let spent = MeasureColumn::read(batch.measures.first().unwrap())?;
            writer.push(&TokenColumn::decode(&batch.key)?, groups, &[spent])
        });
    lefts.unwrap().into_iter().for_each(|(writer, ..)| writer.seal());
    let columns = Columns { key: "key".to_owned(), ..Columns::default() };
    let make = || matcher.writer(Side::Right);
    let rights = source::scan(&right, &columns, &settings(), make, |writer, batch| {
        writer.push(&TokenColumn::decode(&batch.key)?, &[], &[])
    });
    rights.unwrap().into_iter().for_each(matching::MatchWriter::seal);
    let (groups, _) = matcher.finish().unwrap();
    let names = keys.arrays(&groups.iter().map(|g| g.left).collect::<Vec<_>>()).unwrap();
    let names = names.first().unwrap().as_any().downcast_ref::<StringArray>().unwrap().clone();
    let mut found: Vec<_> = names
        .iter()
        .flatten()
        .zip(&groups)
        .map(|(name, g)| (name, g.distinct, g.left_totals.first().unwrap().total))
        .collect();
    found.sort_by_key(|f| f.0);
    let sum = |third: bool| Total::I64((700..1000).filter(|n| (n % 3 == 0) == third).sum());
    assert_eq!(found, [("other", 200, sum(false)), ("third", 100, sum(true))]);
}

#[test]
fn a_missing_truncated_or_foreign_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let [(_, whole), _] = sides(folder.path());
    let bytes = std::fs::read(&whole).unwrap();
    let cut = folder.path().join("cut.parquet");
    let read = |path: &Path, key: &str| {
        let overlap = Overlap::new(settings());
        source::tokens(path, key, &settings(), || overlap.writer(Side::Left)).map_err(|e| e.code())
    };
    assert_eq!(read(&whole, "key"), Ok(()));
    assert_eq!(read(&whole, "no such column"), Err("source"));
    assert_eq!(read(&whole, "spent"), Err("unsupported-type"));
    assert_eq!(read(&whole, "kind"), Err("malformed-token"));
    assert_eq!(read(&folder.path().join("missing"), "key"), Err("source"));
    for kept in [0, 10, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&cut, bytes.iter().take(kept).copied().collect::<Vec<_>>()).unwrap();
        assert_eq!(read(&cut, "key"), Err("source"));
    }
}
