//! Runs one guarded query over two Parquet files and prints what it found, how long it took and what it held; for `benches/matching`.
//!
//! `match_files overlap|aggregate LEFT RIGHT [THREADS [MEMORY_MB [SPILL_FOLDER [REPEATS]]]]`

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use matching::source::{self, Columns};
use matching::{
    GroupKeys, MatchAggregate, MatchError, MatchWriter, MeasureColumn, MeasureKind, MemoryLimit,
    Overlap, Settings, Shape, Side, TokenColumn, Total, Usage,
};

const OVERLAP_MIN: u64 = 100;
const GROUP_MIN: u64 = 50;
const GROUPS_MAX: usize = 1 << 20;

type Answer = Result<(String, Usage), Box<dyn Error>>;

fn overlap(left: &Path, right: &Path, settings: &Settings) -> Answer {
    let overlap = Overlap::new(settings.clone());
    source::tokens(left, "key", settings, || overlap.writer(Side::Left))?;
    overlap.complete_left()?;
    source::tokens(right, "key", settings, || overlap.writer(Side::Right))?;
    let count = overlap.finish()?;
    let told = (count.distinct_both >= OVERLAP_MIN).then_some(count.distinct_both);
    Ok((format!("{{\"count\": {}}}", told.unwrap_or(0)), count.usage))
}

/// One side: its dimension and its measure.
fn load(
    path: &Path,
    (dimension, measure): (&str, &str),
    settings: &Settings,
    writer: impl Fn() -> MatchWriter + Sync,
) -> Result<Arc<GroupKeys>, MatchError> {
    let columns = Columns {
        key: "key".to_owned(),
        dimensions: vec![dimension.to_owned()],
        measures: vec![measure.to_owned()],
    };
    let keys = Arc::new(GroupKeys::new(&source::types(path, &columns.dimensions)?, GROUPS_MAX)?);
    let make = || (writer(), keys.encoder(), Vec::new());
    let done = source::scan(path, &columns, settings, make, |(writer, encoder, groups), batch| {
        encoder.encode(&batch.dimensions, groups)?;
        let measures: Result<Vec<_>, _> =
            batch.measures.iter().map(|m| MeasureColumn::read(m)).collect();
        writer.push(&TokenColumn::decode(&batch.key)?, groups, &measures?)
    })?;
    for (writer, ..) in done {
        writer.seal();
    }
    Ok(keys)
}

fn aggregate(left: &Path, right: &Path, settings: &Settings) -> Answer {
    let shape = Shape { left: vec![MeasureKind::F64], right: vec![MeasureKind::I64] };
    let matcher = MatchAggregate::new(settings.clone(), shape)?;
    let lefts = load(left, ("d1", "m1"), settings, || matcher.writer(Side::Left))?;
    matcher.complete_left()?;
    let rights = load(right, ("d2", "m2"), settings, || matcher.writer(Side::Right))?;
    let (mut groups, usage) = matcher.finish()?;
    groups.retain(|g| g.distinct >= GROUP_MIN);
    let names = |keys: &GroupKeys, ids: Vec<u32>| keys.arrays(&ids);
    names(&lefts, groups.iter().map(|g| g.left).collect())?;
    names(&rights, groups.iter().map(|g| g.right).collect())?;
    let (mut distinct, mut rows, mut real, mut whole) = (0, 0, 0.0, 0_i64);
    for group in &groups {
        distinct += group.distinct;
        rows += group.rows;
        for sum in group.left_totals.iter().chain(&group.right_totals) {
            match sum.total {
                Total::F64(value) => real += value,
                Total::I64(value) => whole += value,
            }
        }
    }
    let found = groups.len();
    Ok((
        format!(
            "{{\"groups\": {found}, \"distinct\": {distinct}, \"rows\": {rows}, \"sum_m1\": {real:.2}, \"sum_m2\": {whole}}}"
        ),
        usage,
    ))
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |n: usize, or: usize| words.get(n).map_or(Ok(or), |w| w.parse::<usize>());
    let (Some(what), Some(left), Some(right)) = (words.first(), words.get(1), words.get(2)) else {
        return Err("match_files overlap|aggregate LEFT RIGHT [THREADS [MEMORY_MB [SPILL_FOLDER [REPEATS]]]]".into());
    };
    let memory = MemoryLimit {
        bytes_max: number(4, 4096)? << 20,
        spill_folder: words.get(5).filter(|w| *w != "-").map(PathBuf::from),
        spill_bytes_max: u64::MAX,
    };
    let settings = Settings::new(memory).with_threads(number(3, 2)?);
    let mut out = std::io::stdout().lock();
    for _ in 0..number(6, 1)? {
        let begun = Instant::now();
        let (answer, usage) = match what.as_str() {
            "overlap" => overlap(Path::new(left), Path::new(right), &settings)?,
            _ => aggregate(Path::new(left), Path::new(right), &settings)?,
        };
        let (seconds, peak, spilled) =
            (begun.elapsed().as_secs_f64(), usage.buffer_bytes_peak, usage.spilled_bytes);
        writeln!(
            out,
            "{{\"seconds\": {seconds:.4}, \"buffer_bytes_peak\": {peak}, \"spilled_bytes\": {spilled}, \"answer\": {answer}}}"
        )?;
    }
    Ok(())
}
