//! How fast what a platform landed becomes a delivered result, with the peak of memory. `benches/results/README.md` has figures.
//!
//! - `cargo bench --bench results [-- ROWS]`: a CSV staged, beside reading the same bytes and no more.
//! - `… -- parquet [ROWS]`: Parquet as Snowflake unloads it, from landing to delivered in a folder, beside `DuckDB` copying the same files
//!   from Parquet to Parquet in the same run. `AIRLOCK_VENV` names the environment whose Python has `duckdb`.

#[path = "results/parquet.rs"]
mod parquet;

use airlock::results::{Expected, stage};
use mappings::model::ColumnType;
use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Read as _, Write as _};
use std::path::Path;
use std::time::Instant;

type Fallible<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

const ROUNDS: usize = 3;

fn main() -> Fallible {
    let rows: u64 = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(10_000_000);
    if std::env::args().any(|word| word == "parquet") {
        return parquet::measured(rows);
    }
    let folder = tempfile::tempdir()?;
    let landed = folder.path().join("landed.csv");
    let bytes = write(&landed, rows)?;
    let expected = expected(rows);
    let (mut staged, mut read) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let begun = Instant::now();
        drain(&landed)?;
        read.push(begun.elapsed().as_secs_f64());
        let staging = folder.path().join(format!("staging-{round}"));
        std::fs::create_dir(&staging)?;
        let begun = Instant::now();
        let files = stage(std::slice::from_ref(&landed), &expected, &staging)?.files.len();
        staged.push(begun.elapsed().as_secs_f64());
        if files == 0 {
            return Err("nothing was staged".into());
        }
        std::fs::remove_dir_all(&staging)?;
    }
    let (staged, read) = (median(&mut staged), median(&mut read));
    let mb = f64::from(u32::try_from(bytes / 1_000_000)?);
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{rows} rows, {mb:.0} MB of CSV: staged in {staged:.2} s, {:.0} MB/s",
        mb / staged
    )?;
    writeln!(
        out,
        "read and no more: {read:.2} s, {:.0} MB/s; ratio {:.1}",
        mb / read,
        staged / read
    )?;
    writeln!(out, "peak memory: {}", peak_memory())?;
    Ok(())
}

fn expected(rows: u64) -> Expected {
    Expected {
        columns: vec![
            ("segment".to_owned(), ColumnType::Utf8),
            ("week".to_owned(), ColumnType::Date),
            ("people".to_owned(), ColumnType::Int64),
            ("spent".to_owned(), ColumnType::Float64),
            ("note".to_owned(), ColumnType::Utf8),
        ],
        rows: Some(rows),
        rows_max: rows,
    }
}

/// Aggregates as a platform lands them, with quotes, line ends and missing values in a text.
fn write(path: &Path, rows: u64) -> Fallible<u64> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create_new(path)?);
    writeln!(out, "segment,week,people,spent,note")?;
    for n in 0..rows {
        let (segment, day, cents) = (n % 601, n % 28 + 1, n % 97);
        let note = match n % 5 {
            0 => "",
            1 => "\"quoted, \"\"twice\"\"\"",
            2 => "\"two\nlines\"",
            _ => "a plain note of the platform",
        };
        writeln!(
            out,
            "segment {segment},2026-03-{day:02},{},{}.{cents:02},{note}",
            n % 100_000,
            n % 9_999_991
        )?;
    }
    out.into_inner()?.sync_all()?;
    Ok(path.metadata()?.len())
}

fn drain(path: &Path) -> Fallible {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 20];
    while file.read(&mut buffer)? > 0 {}
    Ok(())
}

fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}

fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |found| found.trim().to_owned())
}
