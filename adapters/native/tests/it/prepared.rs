//! What an owner prepares in its own domain meets what the room hashes itself.

use crate::meaning::{sales, seen};
use crate::world::{World, batch, subject, write};
use adapter_native::{Preparation, Prepared, PreparedKey, prepare};
use arrow::array::{Array, AsArray, Int64Array, StringArray};
use arrow::datatypes::DataType;
use mappings::guard::guard;
use mappings::model::{KeyName, Normaliser, ResultClass};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::metadata::RowGroupMetaData;
use std::path::Path;
use std::sync::Arc;

fn key(name: &str, from: &str, normalise: Option<Normaliser>) -> PreparedKey {
    PreparedKey { key: KeyName::new(name).unwrap(), from: from.to_owned(), normalise }
}

fn url(path: &Path) -> String {
    url::Url::from_file_path(path).unwrap().into()
}

async fn prepared(preparation: &Preparation) -> Result<Prepared, String> {
    prepare(preparation, &[7; 32], &mut |_| ()).await.map_err(|failure| failure.code)
}

#[tokio::test]
async fn prepared_and_raw_data_meet() {
    let people = ["a@x.io", "b@x.io", "c@x.io", "d@x.io"];
    let bought: Vec<_> = people
        .iter()
        .map(|who| (Some(*who), None, "all", 1.0, Some("yes"), "DE"))
        .chain([(None, Some("+1 202-555-0102"), "all", 1.0, Some("yes"), "DE")])
        .collect();
    let mut viewed: Vec<_> = people.iter().map(|mail| (Some(*mail), None, "summer")).collect();
    viewed.push((None, Some("+1 (202) 555-0102"), "summer"));
    viewed.push((Some("not an address"), None, "summer"));
    let world = World::new(&sales(&bought), &seen(&viewed));
    let sql = "SELECT s.segment, COUNT(DISTINCT s.person) AS n FROM sales s JOIN seen e ON s.person = e.person
               GROUP BY s.segment";
    let by_room = world.run(sql, ResultClass::Aggregate).await;
    assert_eq!(by_room, Ok((vec![vec!["all".to_owned(), "5".to_owned()]], 0)));

    let raw = world.folder.path().join("seen.parquet");
    let made = world.folder.path().join("prepared.parquet");
    let keys = vec![key("email", "mail", None), key("phone", "tel", Some(Normaliser::Phone))];
    let keep = vec!["campaign".to_owned(), "reader".to_owned()];
    let preparation = Preparation { from: url(&raw), to: url(&made), keys, keep };
    let done = prepared(&preparation).await.unwrap();
    let without: Vec<u64> = done.without.iter().map(|(_, rows)| *rows).collect();
    assert_eq!((done.rows, without), (6, vec![2, 5]));

    let declared = World::prepared(world.agreement(sql, ResultClass::Aggregate), &made);
    let guarded = guard(&declared, &subject()).unwrap();
    let by_owner = world.run_text(declared, guarded).await;
    assert_eq!(by_owner, by_room);
}

#[tokio::test]
async fn only_tokens_and_what_is_kept_leave() {
    let folder = tempfile::tempdir().unwrap();
    let (raw, made) = (folder.path().join("raw.parquet"), folder.path().join("new/made.parquet"));
    let ids = Arc::new((0..200_000).map(|n| (n % 7 != 0).then_some(n)).collect::<Int64Array>());
    let kept =
        Arc::new((0..200_000).map(|n| Some(format!("segment {}", n % 3))).collect::<StringArray>());
    write(
        &raw,
        &batch(vec![
            ("hh", ids),
            ("segment", kept),
            ("secret", Arc::new(Int64Array::from(vec![1; 200_000]))),
        ]),
    );
    let preparation = Preparation {
        from: url(&raw),
        to: url(&made),
        keys: vec![key("household-id", "hh", None)],
        keep: vec!["segment".to_owned()],
    };
    assert_eq!(prepared(&preparation).await.unwrap().rows, 200_000);
    let file = std::fs::File::open(&made).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let names: Vec<_> = reader.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["household_id_token", "segment"]);
    assert_eq!(reader.schema().field(0).data_type(), &DataType::FixedSizeBinary(32));
    let groups = reader.metadata().row_groups();
    let rows: Vec<i64> = groups.iter().map(RowGroupMetaData::num_rows).collect();
    assert_eq!(rows, [131_072, 68_928]);
    assert_eq!(groups[0].column(0).compression(), Compression::UNCOMPRESSED);
    assert!(groups[0].column(0).statistics().is_none());
    let batch = reader.build().unwrap().next().unwrap().unwrap();
    let tokens = batch.column(0).as_fixed_size_binary();
    assert!(tokens.is_null(0) && tokens.is_valid(1) && tokens.is_null(7));
    assert_ne!(tokens.value(1), tokens.value(2));

    // A second time the file is there, and stays as it is.
    let before = std::fs::read(&made).unwrap();
    assert_eq!(prepared(&preparation).await, Err("target-exists".to_owned()));
    assert!(std::fs::read(&made).unwrap() == before);
    assert_eq!(std::fs::read_dir(folder.path().join("new")).unwrap().count(), 1, "no part is left");
}

#[tokio::test]
async fn what_can_not_be_prepared_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let raw = folder.path().join("raw.parquet");
    let column = Arc::new(StringArray::from(vec![Some("a@x.io"), None]));
    write(&raw, &batch(vec![("mail", column), ("n", Arc::new(Int64Array::from(vec![1, 2])))]));
    let whole = |from: &Path, to: &str, keys, keep: &[&str]| Preparation {
        from: url(from),
        to: url(&folder.path().join(to)),
        keys,
        keep: keep.iter().map(|name| (*name).to_owned()).collect(),
    };
    let email = || vec![key("email", "mail", None)];
    let refused = [
        ("source-missing", whole(&folder.path().join("none.parquet"), "x", email(), &[])),
        ("same-file", whole(&raw, "raw.parquet", email(), &[])),
        ("column-missing", whole(&raw, "x", vec![key("email", "e", None)], &[])),
        ("column-missing", whole(&raw, "x", email(), &["e"])),
        ("key-kept", whole(&raw, "x", email(), &["mail"])),
        ("key-type", whole(&raw, "x", vec![key("email", "n", Some(Normaliser::Email))], &[])),
    ];
    for (code, preparation) in refused {
        assert_eq!(prepared(&preparation).await, Err(code.to_owned()));
    }
    let broken = folder.path().join("broken.parquet");
    let bytes = std::fs::read(&raw).unwrap();
    std::fs::write(&broken, &bytes[..bytes.len() / 2]).unwrap();
    let code = prepared(&whole(&broken, "x", email(), &[])).await;
    assert_eq!(code, Err("source-unreadable".to_owned()));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    assert_eq!(prepared(&whole(&raw, "x", email(), &["n"])).await.unwrap().rows, 2);
}
