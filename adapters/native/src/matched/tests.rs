//! The operator against the stock plan: the same rows for the same question, or the stock plan itself.

use super::{Bounds, with_matching};
use crate::failure::{GAVE_WAY, engine};
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, FixedSizeBinaryArray, Float64Array, Int64Array,
    RecordBatch, StringArray,
};
use arrow::util::display::array_value_to_string;
use datafusion::datasource::MemTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_plan::displayable;
use datafusion::prelude::{SessionConfig, SessionContext};
use proptest::prelude::*;
use std::sync::Arc;

type Row = (Option<u8>, Option<u8>, Option<i8>, Option<bool>, Option<i16>, Option<i16>);

/// What the operator answers.
const TAKEN: &[&str] = &[
    "SELECT COUNT(DISTINCT a.key) AS n FROM a JOIN b ON a.key = b.key",
    "SELECT COUNT(DISTINCT b.key) AS n, COUNT(DISTINCT a.key) AS m FROM a JOIN b ON a.key = b.key",
    "SELECT COUNT(*) AS n FROM a JOIN b ON a.key = b.key",
    "SELECT COUNT(*) AS n, SUM(a.whole) AS s, AVG(b.half) AS m FROM a JOIN b ON a.key = b.key",
    "SELECT a.name, COUNT(DISTINCT a.key) AS n FROM a JOIN b ON a.key = b.key GROUP BY a.name",
    "SELECT b.day, a.name, COUNT(*) AS n, COUNT(DISTINCT b.key) AS k, SUM(a.half) AS s, SUM(b.whole) AS t
     FROM a JOIN b ON a.key = b.key GROUP BY b.day, a.name",
    "SELECT a.name, b.yes, a.day, AVG(a.whole) AS m, COUNT(b.half) AS h, COUNT(a.key) AS k
     FROM a JOIN b ON b.key = a.key GROUP BY a.name, b.yes, a.day",
    "SELECT a.name, SUM(a.whole) AS s FROM a JOIN b ON a.key = b.key WHERE a.whole > 0 AND b.yes GROUP BY a.name",
    "SELECT a.name, COUNT(DISTINCT b.key) AS n FROM a JOIN b ON a.key = b.key GROUP BY a.name
     HAVING COUNT(DISTINCT a.key) >= 2 ORDER BY n LIMIT 100",
    "SELECT CASE WHEN a.whole > 0 THEN 'up' ELSE a.name END AS kind, SUM(a.whole * 2) AS s
     FROM a JOIN b ON a.key = b.key GROUP BY CASE WHEN a.whole > 0 THEN 'up' ELSE a.name END",
    "WITH m AS (SELECT a.key, b.name AS title, a.whole + 1 AS more FROM a JOIN b ON a.key = b.key)
     SELECT x.title, COUNT(DISTINCT x.key) AS n, SUM(x.more) AS s FROM m AS x GROUP BY x.title",
    "SELECT a.name, COUNT(DISTINCT CASE WHEN a.whole IS NOT NULL THEN b.key END) AS n, AVG(a.whole) AS m,
            CASE WHEN COUNT(DISTINCT CASE WHEN b.half IS NOT NULL THEN a.key END) >= 2 THEN SUM(b.half) END AS s
     FROM a JOIN b ON a.key = b.key GROUP BY a.name",
    "SELECT COUNT(DISTINCT CASE WHEN a.whole IS NOT NULL THEN a.key END) AS n FROM a JOIN b ON a.key = b.key",
    "SELECT b.name, COUNT(DISTINCT a.key) AS n FROM a JOIN b ON a.key = b.key JOIN c ON a.key = c.key GROUP BY b.name",
];

/// What it leaves alone, since it would answer something else.
const LEFT: &[&str] = &[
    "SELECT COUNT(DISTINCT a.key) AS n FROM a LEFT JOIN b ON a.key = b.key",
    "SELECT COUNT(DISTINCT a.whole) AS n FROM a JOIN b ON a.key = b.key",
    "SELECT MIN(a.whole) AS n, COUNT(DISTINCT a.key) AS k FROM a JOIN b ON a.key = b.key",
    "SELECT COUNT(DISTINCT CASE WHEN a.whole > 0 THEN a.key END) AS n, SUM(a.whole) AS s FROM a JOIN b ON a.key = b.key",
    "SELECT COUNT(DISTINCT CASE WHEN a.whole IS NOT NULL THEN a.key ELSE b.key END) AS n FROM a JOIN b ON a.key = b.key",
    "SELECT SUM(DISTINCT a.whole) AS n FROM a JOIN b ON a.key = b.key",
    "SELECT COUNT(*) AS n FROM a JOIN b ON a.whole = b.whole",
    "SELECT COUNT(*) AS n FROM a JOIN b ON a.key = b.key AND a.whole = b.whole",
    "SELECT COUNT(*) AS n FROM a JOIN b ON a.key = b.key WHERE a.whole < b.whole",
    "SELECT SUM(a.whole + b.whole) AS n FROM a JOIN b ON a.key = b.key",
    "SELECT COUNT(*) FILTER (WHERE a.whole > 0) AS n FROM a JOIN b ON a.key = b.key",
    "SELECT a.half, COUNT(*) AS n FROM a JOIN b ON a.key = b.key GROUP BY a.half",
    "SELECT a.key, COUNT(*) AS n FROM a JOIN b ON a.key = b.key GROUP BY a.key",
    "SELECT a.name, a.day, COUNT(*) AS n FROM a JOIN b ON a.key = b.key GROUP BY ROLLUP (a.name, a.day)",
    "SELECT COUNT(a.name) AS n FROM a JOIN b ON a.key = b.key",
];

fn table(rows: &[Row]) -> RecordBatch {
    let keys = rows.iter().map(|row| row.0.map(|key| [key.wrapping_mul(151); 32]));
    let column = |name, column: ArrayRef| (name, column, true);
    RecordBatch::try_from_iter_with_nullable([
        column(
            "key",
            Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(keys, 32).unwrap()),
        ),
        column(
            "name",
            Arc::new(
                rows.iter().map(|row| row.1.map(|n| format!("name {n}"))).collect::<StringArray>(),
            ),
        ),
        column(
            "day",
            Arc::new(rows.iter().map(|row| row.2.map(i32::from)).collect::<Date32Array>()),
        ),
        column("yes", Arc::new(rows.iter().map(|row| row.3).collect::<BooleanArray>())),
        column(
            "whole",
            Arc::new(rows.iter().map(|row| row.4.map(i64::from)).collect::<Int64Array>()),
        ),
        column(
            "half",
            Arc::new(
                rows.iter().map(|row| row.5.map(|n| f64::from(n) / 2.0)).collect::<Float64Array>(),
            ),
        ),
    ])
    .unwrap()
}

/// A context over these tables, with the operator or without.
fn context(tables: &[RecordBatch], memory: usize, bounds: Option<Bounds>) -> SessionContext {
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(FairSpillPool::new(memory)));
    let builder = SessionStateBuilder::new()
        .with_config(SessionConfig::new().with_target_partitions(2).with_batch_size(7))
        .with_runtime_env(runtime.build_arc().unwrap())
        .with_default_features();
    let context = match bounds {
        Some(bounds) => with_matching(builder, bounds),
        None => SessionContext::new_with_state(builder.build()),
    };
    for (name, batch) in ["a", "b", "c"].into_iter().zip(tables) {
        let half = batch.num_rows() / 2;
        let parts =
            vec![vec![batch.slice(0, half)], vec![batch.slice(half, batch.num_rows() - half)]];
        let table = MemTable::try_new(batch.schema(), parts).unwrap();
        context.register_table(name, Arc::new(table)).unwrap();
    }
    context
}

fn bounds(groups_max: usize) -> Bounds {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    Bounds { folder, spill_bytes_max: u64::MAX, groups_max }
}

/// The answer's rows in order, and whether the operator gave them.
async fn answer(context: &SessionContext, sql: &str) -> Result<(Vec<Vec<String>>, bool)> {
    let plan = context.sql(sql).await?.create_physical_plan().await?;
    let ours = displayable(plan.as_ref()).indent(false).to_string().contains("Match: ");
    let batches = datafusion::physical_plan::collect(plan, context.task_ctx()).await?;
    let mut rows = Vec::new();
    for batch in &batches {
        for row in 0..batch.num_rows() {
            let shown = |column: &ArrayRef| array_value_to_string(column, row).unwrap();
            rows.push(batch.columns().iter().map(shown).collect::<Vec<_>>());
        }
    }
    rows.sort();
    Ok((rows, ours))
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let small = || proptest::option::weighted(0.9, 0_u8..12);
    let row = (
        small(),
        proptest::option::of(0_u8..3),
        proptest::option::of(0_i8..3),
        proptest::option::of(any::<bool>()),
        proptest::option::weighted(0.8, -50_i16..50),
        proptest::option::weighted(0.8, -50_i16..50),
    );
    proptest::collection::vec(row, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_operator_answers_as_the_stock_plan_does(left in rows(), right in rows(), third in rows()) {
        let tables = [table(&left), table(&right), table(&third)];
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let ours = context(&tables, 1 << 27, Some(bounds(1 << 16)));
            let stock = context(&tables, 1 << 27, None);
            for (sql, taken) in TAKEN.iter().map(|sql| (sql, true)).chain(LEFT.iter().map(|sql| (sql, false))) {
                let (expected, by_stock) = answer(&stock, sql).await.unwrap();
                let (found, by_ours) = answer(&ours, sql).await.unwrap();
                assert!(!by_stock);
                assert_eq!(by_ours, taken, "{sql}");
                assert_eq!(found, expected, "{sql}");
            }
        });
    }
}

fn many(keys: impl Iterator<Item = u32>) -> RecordBatch {
    let keys: Vec<u32> = keys.collect();
    let token = |key: &u32| {
        let word = u64::from(*key).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
        let mut token = [0_u8; 32];
        token.iter_mut().zip(word.iter().cycle()).for_each(|(to, from)| *to = *from);
        token
    };
    let column = |name, column: ArrayRef| (name, column, false);
    RecordBatch::try_from_iter_with_nullable([
        column(
            "key",
            Arc::new(FixedSizeBinaryArray::try_from_iter(keys.iter().map(token)).unwrap()),
        ),
        column(
            "name",
            Arc::new(keys.iter().map(|key| Some(format!("name {key}"))).collect::<StringArray>()),
        ),
        column("whole", Arc::new(keys.iter().map(|key| i64::from(*key)).collect::<Int64Array>())),
    ])
    .unwrap()
}

const SUMS: &str =
    "SELECT COUNT(DISTINCT a.key) AS n, SUM(a.whole) AS s FROM a JOIN b ON a.key = b.key";

#[tokio::test]
async fn short_of_memory_it_spills_and_answers_the_same() {
    let tables = [many(0..200_000), many(100_000..300_000)];
    let own = bounds(1 << 16);
    let folder = Arc::clone(&own.folder);
    // Half of it is the operator's: two sides of 200,000 rows of 32 and 24 bytes are far more.
    let short = context(&tables, 4 << 20, Some(own));
    let expected = vec![vec!["100000".to_owned(), (100_000_u64..200_000).sum::<u64>().to_string()]];
    assert_eq!(answer(&short, SUMS).await.unwrap(), (expected, true));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "spill files are unlinked");
}

/// A sum beyond 64 bits may be of a group that a threshold drops: it must not make a run fail.
#[tokio::test]
async fn a_sum_beyond_64_bits_is_what_the_stock_plan_says() {
    let tables = [many(0..4), many(0..4)];
    let sql = "SELECT SUM(a.whole + 9223372036854775800) AS s FROM a JOIN b ON a.key = b.key";
    let (ours, taken) =
        answer(&context(&tables, 1 << 28, Some(bounds(1 << 10))), sql).await.unwrap();
    let (stock, _) = answer(&context(&tables, 1 << 28, None), sql).await.unwrap();
    assert_eq!((ours, taken), (stock, true));
}

#[tokio::test]
async fn beyond_its_bounds_it_ends_with_a_code() {
    let tables = [many(0..200_000), many(100_000..300_000)];
    let code = |error: &DataFusionError| engine(error).code;
    let narrow = Bounds { spill_bytes_max: 1 << 16, ..bounds(1 << 16) };
    let error = answer(&context(&tables, 4 << 20, Some(narrow)), SUMS).await.unwrap_err();
    assert_eq!(code(&error), "spill-limit");
    let grouped = "SELECT a.name, COUNT(*) AS n FROM a JOIN b ON a.key = b.key GROUP BY a.name";
    let error =
        answer(&context(&tables, 1 << 28, Some(bounds(1 << 10))), grouped).await.unwrap_err();
    assert_eq!(code(&error), GAVE_WAY);
    let wide = answer(&context(&tables, 1 << 28, Some(bounds(1 << 20))), grouped).await.unwrap();
    assert_eq!((wide.0.len(), wide.1), (100_000, true));
}
