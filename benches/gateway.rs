//! Whole runs: what the gateway (guard, log, checker, landing, delivery) adds to a bare plan, and runs for `benches/matching`.
//!
//! - `cargo bench --bench gateway` explains an agreement of 100 datasets and 50 templates in a process of its own.
//! - `… -- overhead LEFT RIGHT [REPEATS]` runs one template through the gateway and bare in the engine, in turn.
//! - `… -- overlap|aggregate LEFT RIGHT THREADS MEMORY_MB SPILL REPEATS` prints one JSON object a run.

use adapter_spi::RunLimits;
use airlock::app::{App, RunReport, RunRequest, Tied, agreements, members};
use airlock::home::Home;
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use mappings::model::{Agreement, MemberId, TemplateName};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::json;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

type Fallible<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

const OVERLAP: &str =
    "SELECT COUNT(DISTINCT l.person) AS people FROM lefts l JOIN rights r ON l.person = r.person";
const AGGREGATE: &str = "SELECT l.d1, r.d2, COUNT(DISTINCT l.person) AS people, COUNT(*) AS n, SUM(l.m1) AS sum_m1, SUM(r.m2) AS sum_m2
      FROM lefts l JOIN rights r ON l.person = r.person GROUP BY l.d1, r.d2";
/// MAX is what the match operator leaves to the stock plan, so that both sides of the comparison have one plan.
const STOCK: &str = "SELECT l.d1, r.d2, COUNT(DISTINCT l.person) AS people, MAX(l.m1) AS top
      FROM lefts l JOIN rights r ON l.person = r.person GROUP BY l.d1, r.d2";

fn main() -> Fallible {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match words.as_slice() {
        [] => explain(),
        ["overhead", left, right, rest @ ..] => {
            let repeats = rest.first().map_or(Ok(7), |word| word.parse())?;
            runtime.block_on(Box::pin(overhead(left, right, repeats)))
        }
        [what @ ("overlap" | "aggregate"), left, right, _, _, _, repeats] => {
            runtime.block_on(Box::pin(runs(what, left, right, repeats.parse()?)))
        }
        _ => Err("see the head of benches/gateway.rs".into()),
    }
}

fn say(line: &str) -> Fallible {
    Ok(writeln!(std::io::stdout().lock(), "{line}")?)
}

/// Two members, one file each, one template.
fn agreement(left: &str, right: &str, entities_min: u64, sql: &str) -> Fallible<String> {
    let key = if left.contains("-hex-") {
        "{ from: key, type: utf8, use: match, key: person, hashed: hmac-hex }"
    } else {
        "{ from: key, type: binary, use: match, key: person, hashed: hmac-bytes }"
    };
    let (left, right) = (std::path::absolute(left)?, std::path::absolute(right)?);
    Ok(format!(
        "agreement: v1
collaboration: bench
members:
  one: {{ name: One, abilities: [contribute] }}
  two: {{ name: Two, abilities: [contribute, run, receive] }}
rooms: [native]
datasets:
  lefts:
    owner: one
    at: {{ native: '{}' }}
    entity: person
    columns:
      person: {key}
      d1: {{ type: utf8, use: dimension }}
      m1: {{ type: float64, use: measure, aggregates: [sum, max] }}
    rule: {{ entities_min: {entities_min}, join: required }}
  rights:
    owner: two
    at: {{ native: '{}' }}
    entity: person
    columns:
      person: {key}
      d2: {{ type: utf8, use: dimension }}
      m2: {{ type: int64, use: measure, aggregates: [sum] }}
    rule: {{ entities_min: 1 }}
templates:
  subject:
    class: aggregate
    sql: |
      {sql}
    run_by: [two]
    received_by: [two]
destinations: {{ two: results }}
",
        left.display(),
        right.display()
    ))
}

/// A gateway in which the template may run.
async fn gateway(folder: &Path, text: &str) -> Fallible<(App, Agreement)> {
    let file = folder.join("agreement.yaml");
    std::fs::write(&file, text)?;
    let agreement = agreements::read(&file)?;
    let home = folder.join("gateway");
    for member in agreement.members.keys() {
        members::keygen(&Home::open(&home)?, member)?;
    }
    let app = App::open(&home).await?;
    app.propose(&agreement, &MemberId::new("one")?, &Tied::default()).await?;
    for member in agreement.members.keys() {
        app.join(&agreement.collaboration, member, None, &Tied::default()).await?;
    }
    for member in agreement.members.keys() {
        app.approve(&agreement.collaboration, None, member).await?;
    }
    Ok((app, agreement))
}

/// One run, and its wall seconds.
async fn run(app: &App, agreement: &Agreement) -> Fallible<(RunReport, f64)> {
    let request = RunRequest {
        collaboration: agreement.collaboration.clone(),
        template: TemplateName::new("subject")?,
        by: MemberId::new("two")?,
        room: mappings::model::PlatformId::native(),
        parameters: BTreeMap::new(),
        digest: None,
        run: None,
        limits: RunLimits::default(),
        salt: None,
    };
    let cancel = tokio_util::sync::CancellationToken::new();
    let begun = Instant::now();
    let report = Box::pin(app.run(request, &cancel, &mut |_| ())).await?;
    Ok((report, begun.elapsed().as_secs_f64()))
}

async fn runs(what: &str, left: &str, right: &str, repeats: usize) -> Fallible {
    let (sql, min) = if what == "overlap" { (OVERLAP, 100) } else { (AGGREGATE, 50) };
    let folder = tempfile::tempdir()?;
    let (app, agreement) = gateway(folder.path(), &agreement(left, right, min, sql)?).await?;
    for _ in 0..repeats {
        let (report, seconds) = run(&app, &agreement).await?;
        let batches = delivered(&report)?;
        let whole = |n| total(&batches, n).map(|sum| json!(sum));
        let answer = if what == "overlap" {
            json!({ "count": whole(0)? })
        } else {
            let groups: usize = batches.iter().map(RecordBatch::num_rows).sum();
            let real: f64 = batches.iter().map(|batch| reals(batch, 4)).sum();
            json!({ "groups": groups, "distinct": whole(2)?, "rows": whole(3)?, "sum_m1": real, "sum_m2": whole(5)? })
        };
        say(&json!({ "seconds": seconds, "answer": answer }).to_string())?;
    }
    Ok(())
}

fn delivered(report: &RunReport) -> Fallible<Vec<RecordBatch>> {
    let manifest = report.results.first().ok_or("nothing was delivered")?;
    let manifest = url::Url::parse(&manifest.manifest)
        .ok()
        .and_then(|url| url.to_file_path().ok())
        .unwrap_or_else(|| manifest.manifest.clone().into());
    let mut batches = Vec::new();
    for entry in std::fs::read_dir(manifest.parent().ok_or("no folder")?)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "parquet") {
            let file = std::fs::File::open(path)?;
            let reader = ParquetRecordBatchReaderBuilder::try_new(file)?.build()?;
            batches.extend(reader.collect::<Result<Vec<_>, _>>()?);
        }
    }
    Ok(batches)
}

fn total(batches: &[RecordBatch], column: usize) -> Fallible<i64> {
    let mut sum = 0;
    for batch in batches {
        let column = batch.columns().get(column).ok_or("a column is missing")?;
        sum += column.as_primitive::<Int64Type>().iter().flatten().sum::<i64>();
    }
    Ok(sum)
}

fn reals(batch: &RecordBatch, column: usize) -> f64 {
    batch
        .columns()
        .get(column)
        .map_or(f64::NAN, |column| column.as_primitive::<Float64Type>().iter().flatten().sum())
}

/// The same plan through the gateway and bare, in turn.
async fn overhead(left: &str, right: &str, repeats: usize) -> Fallible {
    let folder = tempfile::tempdir()?;
    let (app, agreement) = gateway(folder.path(), &agreement(left, right, 50, STOCK)?).await?;
    let guarded = mappings::guard::guard(&agreement, &TemplateName::new("subject")?)
        .map_err(|refusals| format!("{refusals:?}"))?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for n in 0..=repeats {
        let (report, seconds) = run(&app, &agreement).await?;
        let begun = Instant::now();
        let rows = bare(&guarded.datafusion, left, right).await?;
        let bare_seconds = begun.elapsed().as_secs_f64();
        if rows != report.rows {
            return Err(format!("{rows} rows bare, {} through the gateway", report.rows).into());
        }
        // The first of each warms up.
        if n > 0 {
            ours.push(seconds);
            theirs.push(bare_seconds);
        }
    }
    let (ours, theirs) = (median(&mut ours), median(&mut theirs));
    say(&format!(
        "gateway {:.0} ms, bare {:.0} ms: {:+.0} ms, {:.3} times (medians of {repeats})",
        ours * 1e3,
        theirs * 1e3,
        (ours - theirs) * 1e3,
        ours / theirs
    ))
}

/// The guarded text without our functions: keys as they are, the threshold as a comparison.
async fn bare(text: &str, left: &str, right: &str) -> Fallible<u64> {
    let text = text
        .replace("airlock_hashed('person', 'hmac-bytes', \"key\")", "\"key\"")
        .replace("airlock_hashed('person', 'hmac-hex', \"key\")", "\"key\"")
        .replace(
            "airlock_at_least(COUNT(DISTINCT \"l\".\"person\"), 50)",
            "COUNT(DISTINCT \"l\".\"person\") >= 50",
        )
        .replace("\"room\".", "");
    if text.contains("airlock_") {
        return Err(
            "the guarded text has functions of ours that this benchmark does not know".into()
        );
    }
    // The same limit as a run has: beyond it both spill.
    let limit = usize::try_from(RunLimits::default().memory_bytes_max)?;
    let pool = std::sync::Arc::new(FairSpillPool::new(limit));
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(pool).build_arc()?;
    let context = SessionContext::new_with_config_rt(SessionConfig::new(), runtime);
    context.register_parquet("lefts", left, ParquetReadOptions::default()).await?;
    context.register_parquet("rights", right, ParquetReadOptions::default()).await?;
    let batches = context.sql(&text).await?.collect().await?;
    Ok(batches.iter().map(|batch| batch.num_rows() as u64).sum())
}

fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}

/// `airlock explain` and `airlock check` of a large agreement, and `--help`, each in a process of its own.
fn explain() -> Fallible {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("agreement.yaml");
    std::fs::write(&file, large()?)?;
    let file = file.to_str().ok_or("a path that is no text")?;
    for arguments in
        [vec!["explain", file, "--json"], vec!["check", file, "--json"], vec!["--help"]]
    {
        let mut seconds = Vec::new();
        for _ in 0..9 {
            let begun = Instant::now();
            let ended = Command::new(env!("CARGO_BIN_EXE_airlock")).args(&arguments).output()?;
            seconds.push(begun.elapsed().as_secs_f64());
            if !ended.status.success() {
                return Err(String::from_utf8_lossy(&ended.stderr).into());
            }
        }
        let word = arguments.first().copied().unwrap_or_default();
        say(&format!("airlock {word}: {:.0} ms (median of 9)", median(&mut seconds) * 1e3))?;
    }
    Ok(())
}

/// 100 datasets of 10 members with 12 columns each; 50 templates over two and three of them.
fn large() -> Fallible<String> {
    let mut text = "agreement: v1\ncollaboration: large\nmembers:\n".to_owned();
    for m in 0..10 {
        writeln!(text, "  m{m}: {{ name: Member {m}, abilities: [contribute, run, receive] }}")?;
    }
    text.push_str("rooms: [native]\ndatasets:\n");
    for d in 0..100 {
        writeln!(
            text,
            "  d{d}:\n    owner: m{}\n    at: {{ native: data/d{d}.parquet }}\n    entity: person\n    columns:",
            d % 10
        )?;
        writeln!(
            text,
            "      person: {{ use: match, keys: [{{ key: email, from: email, type: utf8 }}, {{ key: phone, from: phone, type: utf8 }}] }}"
        )?;
        for c in 0..6 {
            writeln!(text, "      dim{c}: {{ type: utf8, use: dimension }}")?;
        }
        for c in 0..5 {
            writeln!(
                text,
                "      val{c}: {{ type: float64, use: measure, aggregates: [sum, avg] }}"
            )?;
        }
        writeln!(text, "    rule: {{ entities_min: 50, join: required }}")?;
        writeln!(text, "    consent: {{ from: ok, granted: ['yes'] }}")?;
    }
    text.push_str("templates:\n");
    for t in 0..50 {
        let (a, b, c) = (t, t + 17, t + 50);
        writeln!(
            text,
            "  t{t}:\n    class: aggregate\n    run_by: [m{}]\n    received_by: [m{}]\n    parameters: {{ p: {{ type: utf8 }} }}",
            t % 10,
            t % 10
        )?;
        writeln!(
            text,
            "    sql: |\n      SELECT a.dim0, b.dim1, COUNT(DISTINCT a.person) AS people, SUM(a.val0) AS total, AVG(c.val1) AS mean"
        )?;
        writeln!(
            text,
            "      FROM d{a} a JOIN d{b} b ON a.person = b.person JOIN d{c} c ON a.person = c.person"
        )?;
        writeln!(text, "      WHERE a.dim2 = :p AND b.dim3 IN ('x', 'y') GROUP BY a.dim0, b.dim1")?;
    }
    text.push_str("destinations: {");
    for m in 0..10 {
        write!(text, " m{m}: results/m{m},")?;
    }
    text.push_str(" }\n");
    Ok(text)
}
