//! A result as lines of JSON, as the protocol has them: what a reader needs, what the table is, and its files. From the manifest alone. Must not
//! know where a file lies, nor who reads it.

use super::VERSION;
use super::asked::{Format, Wants};
use crate::results::{ColumnLine, FileLine, Manifest};
use mappings::model::{ColumnType, Digest};
use serde_json::{Value, json};

/// A table.
#[derive(Debug)]
pub(crate) struct Table<'m> {
    pub(crate) manifest: &'m Manifest,
    /// Of the manifest: names the table.
    pub(crate) digest: Digest,
}

/// A file with the URL by which it is read for a while.
#[derive(Debug)]
pub(crate) struct File<'m> {
    pub(crate) line: &'m FileLine,
    pub(crate) url: String,
    pub(crate) until_ms: i64,
}

/// The lines of an answer. `files` is none where the table alone was asked for; `next` is where the next page goes on.
pub(crate) fn lines(
    table: &Table<'_>,
    files: Option<&[File<'_>]>,
    next: Option<&str>,
    wants: Wants,
) -> String {
    let mut all = vec![protocol(wants.format), metadata(table, wants.format)];
    all.extend(files.into_iter().flatten().map(|one| file(one, wants.format)));
    // A page that goes on says so, whatever the client said of itself.
    if files.is_some() && (wants.end || next.is_some()) {
        all.push(end(files.unwrap_or_default(), next));
    }
    all.iter().fold(String::new(), |text, line| text + &line.to_string() + "\n")
}

fn protocol(format: Format) -> Value {
    match format {
        Format::Parquet => json!({ "protocol": { "minReaderVersion": 1 } }),
        Format::Delta => {
            json!({ "protocol": { "deltaProtocol": { "minReaderVersion": 1, "minWriterVersion": 2 } } })
        }
    }
}

fn metadata(table: &Table<'_>, format: Format) -> Value {
    let files = &table.manifest.files;
    let size: u64 = files.iter().map(|line| line.bytes).sum();
    let of = json!({
        "id": id(table.digest),
        "format": { "provider": "parquet", "options": {} },
        "schemaString": schema(&table.manifest.columns).to_string(),
        "partitionColumns": [],
        "configuration": {},
    });
    let counted = json!({ "size": size, "numFiles": files.len(), "version": VERSION });
    match format {
        Format::Parquet => json!({ "metaData": joined(of, counted) }),
        Format::Delta => {
            json!({ "metaData": joined(json!({ "deltaMetadata": of }), counted) })
        }
    }
}

fn joined(mut one: Value, other: Value) -> Value {
    if let (Value::Object(one), Value::Object(other)) = (&mut one, other) {
        one.extend(other);
    }
    one
}

fn file(File { line, url, until_ms }: &File<'_>, format: Format) -> Value {
    let id = line.sha256.to_string().replace("sha256:", "");
    let stats = json!({ "numRecords": line.rows }).to_string();
    match format {
        Format::Parquet => json!({ "file": {
            "url": url, "id": id, "partitionValues": {}, "size": line.bytes, "stats": stats,
            "version": VERSION, "expirationTimestamp": until_ms,
        } }),
        Format::Delta => json!({ "file": {
            "id": id, "size": line.bytes, "expirationTimestamp": until_ms,
            "deltaSingleAction": { "add": {
                "path": url, "partitionValues": {}, "size": line.bytes, "modificationTime": 0,
                "dataChange": true, "stats": stats,
            } },
        } }),
    }
}

fn end(files: &[File<'_>], next: Option<&str>) -> Value {
    let mut said = json!({});
    if let Some(least) = files.iter().map(|one| one.until_ms).min() {
        said = joined(said, json!({ "minUrlExpirationTimestamp": least }));
    }
    if let Some(next) = next {
        said = joined(said, json!({ "nextPageToken": next }));
    }
    json!({ "endStreamAction": said })
}

/// A UUID of a table, the same for the same.
pub(crate) fn id(digest: Digest) -> String {
    let hex: String =
        digest.as_bytes().iter().take(16).fold(String::new(), |text, b| text + &format!("{b:02x}"));
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// As Spark writes a schema.
fn schema(columns: &[ColumnLine]) -> Value {
    let of = |column: &ColumnLine| json!({ "name": column.name, "type": of_type(column.r#type), "nullable": true, "metadata": {} });
    json!({ "type": "struct", "fields": columns.iter().map(of).collect::<Vec<_>>() })
}

const fn of_type(of: ColumnType) -> &'static str {
    match of {
        ColumnType::Int64 => "long",
        ColumnType::Float64 => "double",
        ColumnType::Utf8 => "string",
        ColumnType::Boolean => "boolean",
        ColumnType::Date => "date",
        ColumnType::Timestamp => "timestamp",
        ColumnType::Binary => "binary",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let text = include_str!("../../tests/formats/result-v1/manifest.json");
        serde_json::from_str(text).unwrap()
    }

    fn read(text: &str) -> Vec<Value> {
        assert!(text.ends_with('\n'));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn told(files: Option<usize>, next: Option<&str>, wants: Wants) -> Vec<Value> {
        let manifest = manifest();
        let table = Table { manifest: &manifest, digest: Digest::of(b"m") };
        let of = |line| File { line, url: "https://here/f?sig=x".to_owned(), until_ms: 7 };
        let files: Option<Vec<File<'_>>> =
            files.map(|n| manifest.files.iter().take(n).map(of).collect());
        read(&lines(&table, files.as_deref(), next, wants))
    }

    #[test]
    fn both_formats_say_the_same_of_a_table() {
        let parquet = Wants { format: Format::Parquet, end: false };
        let delta = Wants { format: Format::Delta, end: true };
        let (plain, wrapped) = (told(Some(9), None, parquet), told(Some(9), None, delta));
        assert_eq!((plain.len(), wrapped.len()), (3, 4));
        assert_eq!(plain[0]["protocol"]["minReaderVersion"], 1);
        let (one, other) = (&plain[1]["metaData"], &wrapped[1]["metaData"]);
        for name in ["id", "format", "schemaString", "partitionColumns", "configuration"] {
            assert_eq!(one[name], other["deltaMetadata"][name], "{name}");
        }
        assert_eq!((&one["size"], &one["numFiles"]), (&other["size"], &other["numFiles"]));
        let (one, other) = (&plain[2]["file"], &wrapped[2]["file"]);
        assert_eq!(one["url"], other["deltaSingleAction"]["add"]["path"]);
        assert_eq!((&one["id"], &one["size"]), (&other["id"], &other["size"]));
        assert_eq!(wrapped[3]["endStreamAction"]["minUrlExpirationTimestamp"], 7);
        let schema: Value =
            serde_json::from_str(plain[1]["metaData"]["schemaString"].as_str().unwrap()).unwrap();
        assert_eq!(schema["fields"].as_array().unwrap().len(), manifest().columns.len());
        assert_eq!(schema["fields"][0]["name"], manifest().columns[0].name.as_str());
    }

    #[test]
    fn a_table_alone_has_no_end_and_a_page_that_goes_on_has_one() {
        let wants = Wants { format: Format::Parquet, end: true };
        assert_eq!(told(None, None, wants).len(), 2);
        let page = told(Some(1), Some("on"), Wants { end: false, ..wants });
        assert_eq!(page.last().unwrap()["endStreamAction"]["nextPageToken"], "on");
        assert_eq!(told(Some(0), None, wants)[2], json!({ "endStreamAction": {} }));
        assert_eq!(id(Digest::of(b"m")).len(), 36);
    }
}
