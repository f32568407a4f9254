//! What a run may choose.

use super::super::bind;
use super::{Diagnostic, read, with};
use crate::model::{Literal, Template};
use std::collections::BTreeMap;

fn template(parameters: &str) -> Template {
    let text = with("week: { type: int64, min: 1, max: 53 }", parameters);
    read(&text).unwrap().templates.into_values().next().unwrap()
}

fn give(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn bound(parameters: &str, text: &str) -> Result<Literal, &'static str> {
    let found = bind(&template(&format!("p: {parameters}")), &give(&[("p", text)]));
    found.map(|b| b.into_values().next().unwrap()).map_err(|d| d[0].code)
}

#[test]
fn texts_become_typed_values() {
    assert_eq!(bound("{ type: int64 }", "-7"), Ok(Literal::Int64(-7)));
    assert_eq!(bound("{ type: float64 }", "1"), Ok(Literal::Float64(1.0)));
    assert_eq!(bound("{ type: boolean }", "true"), Ok(Literal::Boolean(true)));
    assert_eq!(bound("{ type: utf8 }", " a'; DROP "), Ok(Literal::Utf8(" a'; DROP ".to_owned())));
    assert_eq!(bound("{ type: date }", "2024-02-29"), Ok(Literal::Utf8("2024-02-29".to_owned())));
    let noon = bound("{ type: timestamp }", "2024-01-01T13:00:00+01:00");
    assert_eq!(noon, Ok(Literal::Utf8("2024-01-01T12:00:00Z".to_owned())));
}

#[test]
fn what_is_not_of_the_type_is_refused() {
    for (kind, text) in [
        ("int64", "1.5"),
        ("int64", "9223372036854775808"),
        ("float64", "NaN"),
        ("float64", "inf"),
        ("float64", "1e999"),
        ("boolean", "yes"),
        ("date", "2023-02-29"),
        ("date", "2024-2-9"),
        ("date", "24-02-2024"),
        ("timestamp", "2024-01-01"),
        ("timestamp", "2024-01-01T00:00:00.0000001Z"),
        ("timestamp", "2016-12-31T23:59:60Z"),
        ("timestamp", "9999-12-31T23:59:59-01:00"),
        ("utf8", "a\0b"),
    ] {
        assert_eq!(
            bound(&format!("{{ type: {kind} }}"), text),
            Err("parameter-type"),
            "{kind} {text}"
        );
    }
}

#[test]
fn bounds_hold_at_their_edges() {
    for (kind, min, max, inside, outside) in [
        ("int64", "1", "53", ["1", "53"], ["0", "54"]),
        ("float64", "0", "0.5", ["0", "0.5"], ["-0.1", "0.6"]),
        (
            "date",
            "2024-01-01",
            "2024-12-31",
            ["2024-01-01", "2024-12-31"],
            ["2023-12-31", "2025-01-01"],
        ),
        (
            "timestamp",
            "2024-01-01T00:00:00Z",
            "2024-01-02T00:00:00Z",
            ["2024-01-01T01:00:00+01:00", "2024-01-02T00:00:00Z"],
            ["2024-01-01T00:59:59+01:00", "2024-01-02T00:00:00.000001Z"],
        ),
    ] {
        let parameter = format!("{{ type: {kind}, min: {min}, max: {max} }}");
        for text in inside {
            assert!(bound(&parameter, text).is_ok(), "{kind} {text}");
        }
        for text in outside {
            assert_eq!(bound(&parameter, text), Err("parameter-bounds"), "{kind} {text}");
        }
    }
}

#[test]
fn only_listed_values_pass() {
    assert!(bound("{ type: utf8, values: [gold, silver] }", "gold").is_ok());
    assert_eq!(bound("{ type: utf8, values: [gold, silver] }", "Gold"), Err("parameter-values"));
    assert!(bound("{ type: float64, values: [1, 2] }", "2.0").is_ok());
}

#[test]
fn a_default_fills_in_and_nothing_else_does() {
    let template = template("a: { type: int64, default: 3 }\n      b: { type: int64 }");
    let found = bind(&template, &give(&[("b", "4")])).unwrap();
    assert_eq!(found.into_values().collect::<Vec<_>>(), [Literal::Int64(3), Literal::Int64(4)]);
    let found = bind(&template, &give(&[])).unwrap_err();
    assert_eq!(
        (found[0].code, found[0].path.as_str(), found.len()),
        ("missing-parameter", "parameters.b", 1)
    );
}

#[test]
fn unknown_names_are_refused_with_the_nearest_and_without_the_value() {
    let template = template("from_week: { type: int64 }");
    let given = give(&[("from_weak", "123456"), ("from_week", "x123456"), ("a b", "1")]);
    let found: Vec<Diagnostic> = bind(&template, &given).unwrap_err();
    assert_eq!(
        found.iter().map(|d| d.code).collect::<Vec<_>>(),
        ["unknown-parameter", "unknown-parameter", "parameter-type"]
    );
    assert_eq!(
        found[1].to_string(),
        "unknown-parameter: `from_weak` is not a parameter of this template (did you mean `from_week`?)"
    );
    assert!(!format!("{found:?}").contains("123456") && !format!("{found:?}").contains("a b"));
}

#[test]
fn a_template_read_back_from_canonical_bytes_binds_the_same() {
    let before = template("p: { type: float64, min: 0, max: 2, default: 1 }");
    let bytes = super::super::canonical(&serde_json::to_value(&before).unwrap());
    let after: Template = serde_json::from_slice(&bytes).unwrap();
    for given in [give(&[]), give(&[("p", "2")]), give(&[("p", "0.5")])] {
        assert_eq!(bind(&before, &given), bind(&after, &given));
    }
    assert!(bind(&after, &give(&[("p", "2.1")])).is_err());
}
