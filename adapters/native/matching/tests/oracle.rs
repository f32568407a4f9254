//! The operator against a nested loop over the same rows: any spread of keys, NULLs, groups, threads and memory.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::format_collect,
    clippy::from_iter_instead_of_collect,
    reason = "a test may end by panicking, and reads better so; clippy knows that only inside test functions"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, DictionaryArray, FixedSizeBinaryArray,
    Float64Array, Int64Array, StringArray, StringViewArray,
};
use arrow::datatypes::{DataType, Int32Type};
use matching::{
    GroupKeys, MatchAggregate, MatchedGroup, MeasureColumn, MeasureKind, MemoryLimit, Overlap,
    Settings, Shape, Side, TokenColumn, Total,
};
use proptest::prelude::*;

/// key, group, whole measure, real measure
type Row = (Option<u16>, u32, Option<i64>, Option<i32>);

/// A uniform-looking key; `clumped` puts all keys into one partition with equal low halves.
fn key(n: u16, clumped: bool) -> [u8; 32] {
    let mut state = u64::from(n).wrapping_add(1);
    let mut bytes = [0_u8; 32];
    for chunk in bytes.chunks_exact_mut(8) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        chunk.copy_from_slice(&(z ^ z >> 31).to_be_bytes());
    }
    if clumped {
        bytes[..2].fill(0);
        bytes[8..16].fill(7);
    }
    bytes
}

fn hex(bytes: [u8; 32]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn tokens(rows: &[Row], clumped: bool, as_hex: bool) -> TokenColumn {
    let keys = rows.iter().map(|r| r.0.map(|n| key(n, clumped)));
    let array: ArrayRef = if as_hex {
        Arc::new(keys.map(|k| k.map(hex)).collect::<StringViewArray>())
    } else {
        Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(keys, 32).unwrap())
    };
    TokenColumn::decode(&array).unwrap()
}

#[derive(Debug, Clone)]
struct Case {
    left: Vec<Row>,
    right: Vec<Row>,
    threads: usize,
    bytes_max: usize,
    bits: u32,
    batch: usize,
    clumped: bool,
    as_hex: bool,
    /// The left side is declared complete before the right one is pushed.
    completes: bool,
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    // Three spreads: mostly distinct, many duplicates, one heavy key.
    let spread = prop_oneof![Just(3000_u16), Just(40), Just(1)];
    let groups = prop_oneof![Just(1_u32), Just(3), Just(60)];
    (spread, groups, 0_usize..400).prop_flat_map(|(keys, groups, count)| {
        let key = prop_oneof![1 => Just(None), 12 => (0..keys).prop_map(Some)];
        let whole = prop::option::weighted(0.8, -1000_i64..1000);
        let real = prop::option::weighted(0.8, -1000..1000);
        prop::collection::vec((key, 0..groups, whole, real), count)
    })
}

fn case() -> impl Strategy<Value = Case> {
    let memory = prop_oneof![Just(1 << 30), Just(1 << 16), Just(0)];
    let how =
        (1_usize..5, memory, 1_u32..8, 20_usize..200, any::<bool>(), any::<bool>(), any::<bool>());
    (rows(), rows(), how).prop_map(|(left, right, how)| Case {
        left,
        right,
        threads: how.0,
        bytes_max: how.1,
        bits: how.2,
        batch: how.3,
        clumped: how.4,
        as_hex: how.5,
        completes: how.6,
    })
}

fn settings(case: &Case, folder: &tempfile::TempDir) -> Settings {
    let memory = MemoryLimit {
        bytes_max: case.bytes_max,
        spill_folder: Some(folder.path().to_owned()),
        spill_bytes_max: u64::MAX,
    };
    let mut settings = Settings::new(memory).with_threads(case.threads);
    settings.partition_bits = case.bits;
    settings
}

fn sides(case: &Case) -> [(Side, &[Row]); 2] {
    [(Side::Left, &case.left), (Side::Right, &case.right)]
}

fn distinct_both(case: &Case) -> u64 {
    let keys = |rows: &[Row]| rows.iter().filter_map(|r| r.0).collect::<BTreeSet<u16>>();
    keys(&case.left).intersection(&keys(&case.right)).count() as u64
}

/// Rows of each side are dealt to several writers, on threads of their own.
fn in_writers(rows: &[Row], case: &Case, write: impl Fn(Vec<&[Row]>) + Sync) {
    let batches: Vec<&[Row]> = rows.chunks(case.batch).collect();
    std::thread::scope(|scope| {
        for n in 0..case.threads {
            let mine: Vec<&[Row]> = batches.iter().skip(n).step_by(case.threads).copied().collect();
            let write = &write;
            scope.spawn(move || write(mine));
        }
    });
}

fn overlap(case: &Case) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let overlap = Overlap::new(settings(case, &folder));
    for (side, rows) in sides(case) {
        in_writers(rows, case, |batches| {
            let mut writer = overlap.writer(side);
            for batch in batches {
                writer.push(&tokens(batch, case.clumped, case.as_hex)).unwrap();
            }
            writer.seal();
        });
        if case.completes && side == Side::Left {
            overlap.complete_left().unwrap();
        }
    }
    let count = overlap.finish().unwrap().distinct_both;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a spill file stayed behind");
    count
}

fn shape() -> Shape {
    Shape { left: vec![MeasureKind::I64, MeasureKind::F64], right: vec![MeasureKind::F64] }
}

fn measures(side: Side, rows: &[Row]) -> Vec<MeasureColumn> {
    let whole = Int64Array::from_iter(rows.iter().map(|r| r.2));
    let real = Float64Array::from_iter(rows.iter().map(|r| r.3.map(f64::from)));
    match side {
        Side::Left => {
            vec![MeasureColumn::read(&whole).unwrap(), MeasureColumn::read(&real).unwrap()]
        }
        Side::Right => vec![MeasureColumn::read(&real).unwrap()],
    }
}

fn aggregate(case: &Case) -> (Vec<MatchedGroup>, u64) {
    let folder = tempfile::tempdir().unwrap();
    let matcher = MatchAggregate::new(settings(case, &folder), shape()).unwrap();
    for (side, rows) in sides(case) {
        in_writers(rows, case, |batches| {
            let mut writer = matcher.writer(side);
            for batch in batches {
                let groups: Vec<u32> = batch.iter().map(|r| r.1).collect();
                let tokens = tokens(batch, case.clumped, case.as_hex);
                writer.push(&tokens, &groups, &measures(side, batch)).unwrap();
            }
            writer.seal();
        });
        if case.completes && side == Side::Left {
            matcher.complete_left().unwrap();
        }
    }
    let (groups, usage) = matcher.finish().unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a spill file stayed behind");
    (groups, usage.spilled_bytes)
}

/// rows, keys, and for each measure (count of values, sum, keys with a value); measures here are small whole numbers, so
/// sums are exact.
type Expected = (u64, BTreeSet<u16>, [(u64, i64, BTreeSet<u16>); 3]);

fn nested_loop(case: &Case) -> BTreeMap<(u32, u32), Expected> {
    let mut groups: BTreeMap<(u32, u32), Expected> = BTreeMap::new();
    for l in &case.left {
        for r in &case.right {
            let (Some(key), true) = (l.0, l.0 == r.0) else {
                continue;
            };
            let group = groups.entry((l.1, r.1)).or_default();
            group.0 += 1;
            group.1.insert(key);
            let values = [l.2, l.3.map(i64::from), r.3.map(i64::from)];
            for (sum, value) in group.2.iter_mut().zip(values) {
                if let Some(value) = value {
                    sum.0 += 1;
                    sum.1 += value;
                    sum.2.insert(key);
                }
            }
        }
    }
    groups
}

/// rows, distinct keys, and for each measure (count of values, sum, distinct keys with a value)
type Found = (u64, u64, Vec<(u64, i64, u64)>);

fn as_expected(group: &MatchedGroup) -> ((u32, u32), Found) {
    let totals = group.left_totals.iter().chain(&group.right_totals);
    let totals = totals.map(|t| match t.total {
        Total::I64(value) => (t.non_null, value, t.backed),
        Total::F64(value) => {
            assert!(value.fract() == 0.0);
            (t.non_null, format!("{value:.0}").parse().unwrap(), t.backed)
        }
    });
    ((group.left, group.right), (group.rows, group.distinct, totals.collect()))
}

fn check_aggregate(case: &Case) {
    let (groups, _) = aggregate(case);
    let found: BTreeMap<_, _> = groups.iter().map(as_expected).collect();
    assert_eq!(found.len(), groups.len(), "one row a group");
    let expected: BTreeMap<_, _> = nested_loop(case)
        .into_iter()
        .map(|(g, (rows, keys, sums))| {
            let sums = sums.into_iter().map(|(n, sum, keys)| (n, sum, keys.len() as u64));
            (g, (rows, keys.len() as u64, sums.collect()))
        })
        .collect();
    assert_eq!(found, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn overlap_is_what_sets_say(case in case()) {
        prop_assert_eq!(overlap(&case), distinct_both(&case));
    }

    #[test]
    fn aggregate_is_what_a_nested_loop_says(case in case()) {
        check_aggregate(&case);
    }

    #[test]
    fn groups_come_back_as_the_values_they_were(
        rows in prop::collection::vec((prop::option::of("[a-c]{0,20}"), prop::option::of(-3_i64..3), prop::option::of(0..4), any::<Option<bool>>()), 1..200),
    ) {
        let text = StringArray::from_iter(rows.iter().map(|r| r.0.as_deref()));
        let dictionary: DictionaryArray<Int32Type> = rows.iter().map(|r| r.0.as_deref()).collect();
        let number: ArrayRef = Arc::new(Int64Array::from_iter(rows.iter().map(|r| r.1)));
        let day: ArrayRef = Arc::new(Date32Array::from_iter(rows.iter().map(|r| r.2)));
        let bit: ArrayRef = Arc::new(BooleanArray::from_iter(rows.iter().map(|r| r.3)));
        let types = [DataType::Utf8, DataType::Int64, DataType::Date32, DataType::Boolean];
        let keys = Arc::new(GroupKeys::new(&types, 1000).unwrap());
        let (mut one, mut other) = (keys.encoder(), keys.encoder());
        let (mut plain, mut coded) = (Vec::new(), Vec::new());
        let columns = |first: ArrayRef| vec![first, Arc::clone(&number), Arc::clone(&day), Arc::clone(&bit)];
        one.encode(&columns(Arc::new(text.clone())), &mut plain).unwrap();
        other.encode(&columns(Arc::new(dictionary)), &mut coded).unwrap();
        prop_assert_eq!(&plain, &coded);
        prop_assert_eq!(keys.len(), rows.iter().collect::<BTreeSet<_>>().len());
        let back = keys.arrays(&plain).unwrap();
        let expected = columns(Arc::new(text));
        prop_assert_eq!(back, expected);
    }
}

fn skewed(bytes_max: usize) -> Case {
    let row = |n: u16| {
        (
            Some(if n.is_multiple_of(4) { n } else { 9 }),
            u32::from(n % 50),
            Some(i64::from(n)),
            Some(1),
        )
    };
    Case {
        left: (0..6000).map(row).collect(),
        right: (0..1500).map(row).collect(),
        threads: 3,
        bytes_max,
        bits: 4,
        batch: 100,
        clumped: false,
        as_hex: false,
        completes: bytes_max < 1 << 20,
    }
}

#[test]
fn short_memory_spills_and_changes_nothing() {
    let (roomy, spilled) = aggregate(&skewed(1 << 30));
    assert_eq!(spilled, 0);
    let (tight, spilled) = aggregate(&skewed(1 << 15));
    assert!(spilled > 0, "a tight limit must spill");
    let as_all = |groups: &[MatchedGroup]| groups.iter().map(as_expected).collect::<Vec<_>>();
    assert_eq!(as_all(&tight), as_all(&roomy));
    check_aggregate(&skewed(1 << 15));
}

#[test]
fn without_a_spill_folder_the_limit_is_an_error_and_enough_memory_is_not() {
    let column = TokenColumn::from_tokens(vec![matching::Token::from_bytes([3; 16]); 50]);
    for (bytes_max, code) in [(100, Some("out-of-memory")), (1 << 20, None)] {
        let memory = MemoryLimit { bytes_max, spill_folder: None, spill_bytes_max: 0 };
        let overlap = Overlap::new(Settings::new(memory));
        let pushed = overlap.writer(Side::Left).push(&column);
        assert_eq!(pushed.err().map(|e| e.code()), code);
    }
}

#[test]
fn a_spill_folder_that_is_not_there_is_an_error() {
    let memory = MemoryLimit {
        bytes_max: 0,
        spill_folder: Some("/nowhere/at/all".into()),
        spill_bytes_max: u64::MAX,
    };
    let overlap = Overlap::new(Settings::new(memory));
    let column = TokenColumn::from_tokens(vec![matching::Token::default(); 5]);
    let mut writer = overlap.writer(Side::Left);
    assert_eq!(writer.push(&column).unwrap_err().code(), "spill");
}

#[test]
fn a_raised_flag_ends_pushing_and_finishing() {
    let memory = MemoryLimit { bytes_max: 1 << 20, spill_folder: None, spill_bytes_max: 0 };
    let column = TokenColumn::from_tokens(vec![matching::Token::default(); 5]);
    let settings = Settings::new(memory);
    let overlap = Overlap::new(settings.clone());
    let mut writer = overlap.writer(Side::Left);
    writer.push(&column).unwrap();
    settings.cancelled.store(true, Ordering::Relaxed);
    assert_eq!(writer.push(&column).unwrap_err().code(), "cancelled");
    writer.seal();
    assert_eq!(overlap.finish().unwrap_err().code(), "cancelled");
}

#[test]
fn sides_are_written_in_turn() {
    let memory = MemoryLimit { bytes_max: 1 << 20, spill_folder: None, spill_bytes_max: 0 };
    let column = TokenColumn::from_tokens(vec![matching::Token::default(); 5]);
    let overlap = Overlap::new(Settings::new(memory));
    let mut writer = overlap.writer(Side::Left);
    writer.push(&column).unwrap();
    assert_eq!(overlap.complete_left().unwrap_err().code(), "out-of-turn", "a writer is open");
    writer.seal();
    overlap.complete_left().unwrap();
    let late = overlap.writer(Side::Left).push(&column);
    assert_eq!(late.unwrap_err().code(), "out-of-turn", "the side is complete");
    let mut writer = overlap.writer(Side::Right);
    writer.push(&column).unwrap();
    assert_eq!(overlap.finish().unwrap_err().code(), "out-of-turn", "a writer is open");
}

#[test]
fn a_writer_that_is_not_sealed_does_not_count() {
    let memory = MemoryLimit { bytes_max: 1 << 20, spill_folder: None, spill_bytes_max: 0 };
    let column = TokenColumn::from_tokens(vec![matching::Token::default(); 5]);
    for (sealed, expected) in [(false, 0), (true, 1)] {
        let overlap = Overlap::new(Settings::new(memory.clone()));
        for side in [Side::Left, Side::Right] {
            let mut writer = overlap.writer(side);
            writer.push(&column).unwrap();
            if sealed || side == Side::Left {
                writer.seal();
            }
        }
        assert_eq!(overlap.finish().unwrap().distinct_both, expected);
    }
}

fn sum_of(values: &[i64], right_rows: usize) -> Total {
    let memory = MemoryLimit { bytes_max: 1 << 20, spill_folder: None, spill_bytes_max: 0 };
    let shape = Shape { left: vec![MeasureKind::I64], right: vec![] };
    let matcher = MatchAggregate::new(Settings::new(memory), shape).unwrap();
    let column = |rows| TokenColumn::from_tokens(vec![matching::Token::from_bytes([9; 16]); rows]);
    let mut writer = matcher.writer(Side::Left);
    let measure = MeasureColumn::read(&Int64Array::from(values.to_vec())).unwrap();
    writer.push(&column(values.len()), &[], &[measure]).unwrap();
    writer.seal();
    let mut writer = matcher.writer(Side::Right);
    writer.push(&column(right_rows), &[], &[]).unwrap();
    writer.seal();
    let (groups, _) = matcher.finish().unwrap();
    groups[0].left_totals[0].total
}

#[test]
fn whole_sums_are_exact_to_the_last_and_wrap_beyond() {
    assert_eq!(sum_of(&[i64::MAX, 1, -1], 1), Total::I64(i64::MAX));
    assert_eq!(sum_of(&[i64::MIN], 1), Total::I64(i64::MIN));
    assert_eq!(sum_of(&[i64::MAX, 1], 1), Total::I64(i64::MIN));
    assert_eq!(sum_of(&[i64::MAX / 2], 2), Total::I64(i64::MAX - 1));
    assert_eq!(sum_of(&[i64::MAX / 2 + 1], 2), Total::I64(i64::MIN));
}

#[test]
fn columns_that_do_not_follow_the_shape_are_refused() {
    let memory = MemoryLimit { bytes_max: 1 << 20, spill_folder: None, spill_bytes_max: 0 };
    let matcher = MatchAggregate::new(Settings::new(memory), shape()).unwrap();
    let column = TokenColumn::from_tokens(vec![matching::Token::default(); 2]);
    let two = Int64Array::from(vec![1, 2]);
    let real = Float64Array::from(vec![1.0, 2.0]);
    let column_of = |a: &dyn Array| MeasureColumn::read(a).unwrap();
    let mut writer = matcher.writer(Side::Left);
    assert!(writer.push(&column, &[0, 0], &[column_of(&two), column_of(&real)]).is_ok());
    for (groups, measures) in [
        (&[0][..], vec![column_of(&two), column_of(&real)]),
        (&[0, 0], vec![column_of(&real), column_of(&two)]),
        (&[0, 0], vec![column_of(&two)]),
        (&[0, 0], vec![column_of(&two), column_of(&real.slice(0, 1))]),
    ] {
        assert_eq!(writer.push(&column, groups, &measures).unwrap_err().code(), "shape");
    }
}

#[test]
fn more_groups_than_permitted_are_refused() {
    let keys = Arc::new(GroupKeys::new(&[DataType::Utf8], 2).unwrap());
    let mut groups = Vec::new();
    let column = |values: &[&str]| vec![Arc::new(StringArray::from(values.to_vec())) as ArrayRef];
    keys.encoder().encode(&column(&["a", "b", "a"]), &mut groups).unwrap();
    assert_eq!(groups, [0, 1, 0]);
    let over = keys.encoder().encode(&column(&["c"]), &mut groups).unwrap_err();
    assert_eq!(over.code(), "too-many-groups");
}
