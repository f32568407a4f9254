//! Every type there and back by chance, hostile cells, and a batch of all types.

use super::*;
use crate::columns::schema;
use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    Date32Type, Decimal128Type, Float64Type, Int64Type, Time64NanosecondType,
    TimestampNanosecondType,
};
use proptest::prelude::*;

fn rows(cells: &[Vec<Option<String>>]) -> Rows {
    serde_json::from_str(&serde_json::to_string(cells).unwrap()).unwrap()
}

fn one(kind: ColumnType, cells: &[Option<&str>]) -> Result<RecordBatch> {
    let columns = [Column { name: "C".to_owned(), kind }];
    let cells: Vec<_> = cells.iter().map(|cell| vec![cell.map(str::to_owned)]).collect();
    batch(&Arc::new(schema(&columns).unwrap()), &columns, &rows(&cells))
}

fn error(kind: ColumnType, cell: &str) -> Option<ErrorKind> {
    one(kind, &[None, Some(cell)]).err().map(|error| error.kind())
}

#[test]
fn what_is_no_value_of_its_type() {
    let decimal = ColumnType::Decimal { precision: 5, scale: 2 };
    let wrong: [(ColumnType, &[&str]); 9] = [
        (
            ColumnType::Integer,
            &["", "-", "+1", "1e3", "1.5", " 1", "9223372036854775808", "0x1", "١"],
        ),
        (decimal, &["", ".", "1.", "1.234", "1000.00", "--1", "1.2.3", "NaN", "1e1", "-1000"]),
        (ColumnType::Real, &["", "one", "1,5", "0x10"]),
        (ColumnType::Boolean, &["", "TRUE", "1", "yes", "null"]),
        (ColumnType::Date, &["", "1.5", "2026-01-01", "2147483648", "-2147483649"]),
        (ColumnType::Time, &["", "-1.0", "86400.000000000", "12:00:00", "1.0000000000"]),
        (ColumnType::TimestampNtz, &["", "1.", ".5", "1.0000000000", "1 1440", "2026-01-01"]),
        (
            ColumnType::TimestampTz,
            &["1.000000000", "1.0 2881", "1.0 -60", "1.0  1440", "1.0 1440 1"],
        ),
        (ColumnType::Binary, &["0", "0g", "é", "000", "0x00"]),
    ];
    for (kind, cells) in wrong {
        for cell in cells {
            let found = error(kind, cell);
            assert_eq!(found, Some(ErrorKind::Protocol(Fault::Value)), "{kind:?} {cell:?}");
        }
    }
    // The last second of the year 9999, which tables like as "for ever".
    let far = "253402300799.000000000";
    assert_eq!(error(ColumnType::TimestampNtz, far), Some(ErrorKind::NotRepresentable));
    assert_eq!(
        error(ColumnType::TimestampTz, &format!("{far} 1440")),
        Some(ErrorKind::NotRepresentable)
    );
}

#[test]
fn values_worked_by_hand() {
    let decimals = one(
        ColumnType::Decimal { precision: 38, scale: 2 },
        &[Some("-0.05"), Some("7"), Some("7.5"), Some("7.5000"), Some(".5"), None],
    );
    let decimals = decimals.unwrap();
    let decimals = decimals.column(0).as_primitive::<Decimal128Type>();
    assert_eq!(&decimals.values()[..5], [-5, 700, 750, 750, 50]);
    assert!(decimals.is_null(5));
    let moments =
        one(ColumnType::TimestampNtz, &[Some("-1.500000000"), Some("-0.000000001"), Some("5")]);
    let moments = moments.unwrap();
    let moments = moments.column(0).as_primitive::<TimestampNanosecondType>();
    assert_eq!(moments.values(), &[-1_500_000_000, -1, 5_000_000_000]);
    let reals = one(ColumnType::Real, &[Some("NaN"), Some("-inf"), Some("1.5e300")]).unwrap();
    let reals = reals.column(0).as_primitive::<Float64Type>();
    assert!(reals.value(0).is_nan() && reals.value(1).is_infinite());
    let bytes = one(ColumnType::Binary, &[Some("00FFab"), Some("")]).unwrap();
    let bytes = bytes.column(0).as_binary::<i32>();
    assert_eq!((bytes.value(0), bytes.value(1)), (&[0, 255, 171][..], &[][..]));
    let json = one(ColumnType::Json, &[Some("{\"a\": [1]}")]).unwrap();
    assert_eq!(json.column(0).as_string::<i32>().value(0), "{\"a\": [1]}");
    let truths = one(ColumnType::Boolean, &[Some("true"), None, Some("false")]).unwrap();
    let truths: Vec<_> = truths.column(0).as_boolean().iter().collect();
    assert_eq!(truths, [Some(true), None, Some(false)]);
}

#[test]
fn no_columns_and_no_rows() {
    let empty: [Column; 0] = [];
    let nothing = batch(&Arc::new(schema(&empty).unwrap()), &empty, &rows(&[])).unwrap();
    assert_eq!((nothing.num_columns(), nothing.num_rows()), (0, 0));
    assert_eq!(one(ColumnType::Date, &[]).unwrap().num_rows(), 0);
}

fn seconds(nanos: i128) -> String {
    let (sign, size) = (if nanos < 0 { "-" } else { "" }, nanos.unsigned_abs());
    format!("{sign}{}.{:09}", size / 1_000_000_000, size % 1_000_000_000)
}

proptest! {
    #[test]
    fn integers(numbers in prop::collection::vec(prop::option::of(any::<i64>()), 0..20)) {
        let texts: Vec<_> = numbers.iter().map(|n| n.map(|n| n.to_string())).collect();
        let cells: Vec<_> = texts.iter().map(Option::as_deref).collect();
        let found = one(ColumnType::Integer, &cells).unwrap();
        let found: Vec<_> = found.column(0).as_primitive::<Int64Type>().iter().collect();
        prop_assert_eq!(found, numbers);
    }

    #[test]
    fn decimals(number in any::<i128>(), precision in 1_u8..=38, scale in 0_u8..=38) {
        let scale = scale.min(precision);
        let number = number % 10_i128.pow(u32::from(precision));
        let width = usize::from(scale) + 1;
        let digits = format!("{:0>width$}", number.unsigned_abs());
        let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
        let sign = if number < 0 { "-" } else { "" };
        let text = if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") };
        let kind = ColumnType::Decimal { precision, scale: i8::try_from(scale).unwrap() };
        let found = one(kind, &[Some(&text)]).unwrap();
        prop_assert_eq!(found.column(0).as_primitive::<Decimal128Type>().value(0), number);
    }

    #[test]
    fn reals(number in any::<f64>()) {
        let found = one(ColumnType::Real, &[Some(&format!("{number:?}"))]).unwrap();
        let found = found.column(0).as_primitive::<Float64Type>().value(0);
        prop_assert!(found.to_bits() == number.to_bits() || (found.is_nan() && number.is_nan()));
    }

    #[test]
    fn moments(nanos in any::<i64>(), offset in 0_u16..=2_880) {
        let plain = seconds(i128::from(nanos));
        let with_offset = format!("{plain} {offset}");
        for (kind, text) in [
            (ColumnType::TimestampNtz, &plain),
            (ColumnType::TimestampLtz, &plain),
            (ColumnType::TimestampTz, &with_offset),
        ] {
            let found = one(kind, &[Some(text)]).unwrap();
            prop_assert_eq!(found.column(0).as_primitive::<TimestampNanosecondType>().value(0), nanos);
        }
    }

    #[test]
    fn days_and_times(day in any::<i32>(), nanos in 0..DAY_NS) {
        let found = one(ColumnType::Date, &[Some(&day.to_string())]).unwrap();
        prop_assert_eq!(found.column(0).as_primitive::<Date32Type>().value(0), day);
        let found = one(ColumnType::Time, &[Some(&seconds(i128::from(nanos)))]).unwrap();
        prop_assert_eq!(found.column(0).as_primitive::<Time64NanosecondType>().value(0), nanos);
    }

    #[test]
    fn text_and_bytes(text in ".{0,20}", bytes in prop::collection::vec(any::<u8>(), 0..20)) {
        let found = one(ColumnType::Text, &[Some(&text), None]).unwrap();
        prop_assert_eq!(found.column(0).as_string::<i32>().value(0), &text);
        prop_assert!(found.column(0).is_null(1));
        let hex = bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02X}"));
        let found = one(ColumnType::Binary, &[Some(&hex)]).unwrap();
        prop_assert_eq!(found.column(0).as_binary::<i32>().value(0), &bytes[..]);
    }

    #[test]
    fn nothing_panics(text in ".{0,40}", precision in 1_u8..=38) {
        let kinds = [
            ColumnType::Integer, ColumnType::Decimal { precision, scale: 0 }, ColumnType::Real, ColumnType::Boolean,
            ColumnType::Date, ColumnType::Time, ColumnType::TimestampNtz, ColumnType::TimestampTz, ColumnType::Binary,
        ];
        for kind in kinds {
            let _ = one(kind, &[Some(&text)]);
        }
    }
}
