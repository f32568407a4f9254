//! Parquet from a landing to a destination, and `DuckDB` beside it. Must not know CSV.

use super::{Fallible, ROUNDS, expected, median, peak_memory};
use airlock::log::SecretKey;
use airlock::results::{ColumnLine, Expected, FileLine, Manifest, Place, Staged};
use airlock::results::{place_files, publish, stage};
use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Float64Array, RecordBatch, StringArray,
};
use arrow::datatypes::{DataType, Field, Schema};
use mappings::model::{Digest, PlatformId, ResultClass};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

/// Rows of a landed file, as a platform of several machines leaves several.
const FILE_ROWS: u64 = 1_250_000;
const BATCH_ROWS: u64 = 65_536;
/// What is asked: this part of the speed of a plain copy, and less memory than this.
const ASKED: f64 = 0.5;
const MEMORY: &str = "512 MiB";

/// Copies what lies in a folder, as often as it is told, and prints how long each time took. The first is the version.
const COPY: &str = "
import sys, time, duckdb, os
landed, out, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
print(duckdb.__version__)
for _ in range(rounds):
    con = duckdb.connect()
    begun = time.perf_counter()
    con.execute(f\"COPY (SELECT * FROM read_parquet('{landed}/*.parquet')) TO '{out}' (FORMAT parquet)\")
    print(time.perf_counter() - begun)
    os.unlink(out)
";

pub(super) fn measured(rows: u64) -> Fallible {
    let folder = tempfile::tempdir()?;
    let landing = folder.path().join("landing");
    std::fs::create_dir(&landing)?;
    let files = land(&landing, rows)?;
    let bytes: u64 = files.iter().map(|file| file.metadata().map_or(0, |of| of.len())).sum();
    let expected = expected(rows);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    // What wrote the landing is no part of it.
    std::fs::write("/proc/self/clear_refs", "5")?;
    let (mut ours, mut theirs, mut version) = (Vec::new(), Vec::new(), None);
    for round in 0..ROUNDS {
        // In turns, so that whatever else the machine does meets both.
        if let Some((found, took)) = copied(&landing, &folder.path().join("copy.parquet"))? {
            version = Some(found);
            theirs.push(took);
        }
        let (staging, to) = (format!("staging-{round}"), format!("delivered-{round}"));
        let (staging, to) = (folder.path().join(staging), folder.path().join(to));
        std::fs::create_dir(&staging)?;
        let begun = Instant::now();
        let staged = stage(&files, &expected, &staging)?;
        let verified = begun.elapsed().as_secs_f64();
        runtime.block_on(delivered(&staged, &expected, &to))?;
        ours.push((begun.elapsed().as_secs_f64(), verified));
        std::fs::remove_dir_all(&staging)?;
        std::fs::remove_dir_all(&to)?;
    }
    let mut all: Vec<f64> = ours.iter().map(|(all, _)| *all).collect();
    let mut verified: Vec<f64> = ours.iter().map(|(_, verified)| *verified).collect();
    let (all, verified) = (median(&mut all), median(&mut verified));
    let mb = f64::from(u32::try_from(bytes / 1_000_000)?);
    let mut out = std::io::stdout().lock();
    writeln!(out, "{rows} rows, {mb:.0} MB of Parquet in {} files", files.len())?;
    writeln!(out, "landed to delivered: {all:.2} s, of which {verified:.2} s to verified files")?;
    match version {
        Some(version) => {
            let copy = median(&mut theirs);
            let part = copy / all;
            let holds = if part >= ASKED { "holds" } else { "MISSES" };
            writeln!(out, "DuckDB {version}, Parquet to Parquet: {copy:.2} s")?;
            writeln!(out, "speed of that: {part:.2}, at least {ASKED} asked: {holds}")?;
        }
        None => writeln!(
            out,
            "NOT RUN: DuckDB beside it: AIRLOCK_VENV names no environment with duckdb"
        )?,
    }
    writeln!(out, "peak memory: {}, less than {MEMORY} asked", peak_memory())?;
    Ok(())
}

/// Files as a platform unloads them: whole numbers as decimals, texts with missing values, compressed by Snappy.
fn land(landing: &Path, rows: u64) -> Fallible<Vec<PathBuf>> {
    let field = |name: &str, of| Field::new(name, of, true);
    let schema = Arc::new(Schema::new(vec![
        field("segment", DataType::Utf8),
        field("week", DataType::Date32),
        field("people", DataType::Decimal128(18, 0)),
        field("spent", DataType::Float64),
        field("note", DataType::Utf8),
    ]));
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut files = Vec::new();
    for first in (0..rows).step_by(usize::try_from(FILE_ROWS)?) {
        let path = landing.join(format!("data_{}.snappy.parquet", files.len()));
        let file = File::create_new(&path)?;
        let mut writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties.clone()))?;
        let end = rows.min(first + FILE_ROWS);
        for from in (first..end).step_by(usize::try_from(BATCH_ROWS)?) {
            let columns = columns(from..end.min(from + BATCH_ROWS))?;
            writer.write(&RecordBatch::try_new(Arc::clone(&schema), columns)?)?;
        }
        writer.close()?;
        files.push(path);
    }
    Ok(files)
}

fn columns(rows: std::ops::Range<u64>) -> Fallible<Vec<ArrayRef>> {
    let segments = rows.clone().map(|n| format!("segment {}", n % 601));
    let weeks = rows.clone().map(|n| i32::try_from(20_500 + n % 28).unwrap_or_default());
    let people = rows.clone().map(|n| i128::from(n % 100_000));
    let spent = rows.clone().map(|n| {
        let cents = u32::try_from(n.wrapping_mul(2_654_435_761) % 1_000_000_000);
        f64::from(cents.unwrap_or_default()) / 100.0
    });
    let notes = rows.map(|n| match n % 5 {
        0 => None,
        1 => Some(format!("told twice, the last time in {}", n % 9_999_991)),
        _ => Some("a plain note of the platform".to_owned()),
    });
    let people = Decimal128Array::from_iter_values(people).with_precision_and_scale(18, 0)?;
    Ok(vec![
        Arc::new(StringArray::from_iter_values(segments)),
        Arc::new(Date32Array::from_iter_values(weeks)),
        Arc::new(people),
        Arc::new(Float64Array::from_iter_values(spent)),
        Arc::new(notes.collect::<StringArray>()),
    ])
}

async fn delivered(staged: &Staged, expected: &Expected, to: &Path) -> Fallible {
    let place = Place::open(&format!("file://{}", to.display()))?;
    let digest = Digest::of(b"bench");
    let file = |one: &airlock::results::StagedFile| FileLine {
        name: one.name.clone(),
        bytes: one.bytes,
        rows: one.rows,
        sha256: one.sha256,
    };
    let column = |(name, of): &(String, _)| ColumnLine { name: name.clone(), r#type: *of };
    let manifest = Manifest {
        format: "airlock-result/v1".to_owned(),
        collaboration: "bench".parse()?,
        run: "run-bench".parse()?,
        template: "bench".parse()?,
        template_digest: digest,
        text_digest: digest,
        agreement_digest: digest,
        class: ResultClass::Aggregate,
        platform: PlatformId::snowflake(),
        receiver: "analyst".parse()?,
        columns: expected.columns.iter().map(column).collect(),
        files: staged.files.iter().map(file).collect(),
        rows: staged.rows,
        withheld: None,
        suppression: "dropped".to_owned(),
        rules: Vec::new(),
        log_index: 0,
        signature: None,
    };
    let manifest = manifest.signed(&SecretKey::from_seed([3; 32]));
    place_files(&place, &staged.files, &manifest).await?;
    publish(&place, &manifest).await?;
    Ok(())
}

/// `DuckDB`'s version, and how long it takes to copy what lies in a folder; nothing where there is none.
fn copied(landing: &Path, out: &Path) -> Fallible<Option<(String, f64)>> {
    let Ok(environment) = std::env::var("AIRLOCK_VENV") else { return Ok(None) };
    let mut python = Command::new(Path::new(&environment).join("bin/python"));
    python.args(["-c", COPY]).arg(landing).arg(out).arg("1");
    let Ok(done) = python.output() else { return Ok(None) };
    if !done.status.success() {
        return Ok(None);
    }
    let said = String::from_utf8(done.stdout)?;
    let mut lines = said.lines();
    let (Some(version), Some(took)) = (lines.next(), lines.next()) else { return Ok(None) };
    Ok(Some((version.to_owned(), took.parse()?)))
}
