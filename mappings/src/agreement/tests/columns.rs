//! Columns, keys and what is dropped at the scan: one reason each, beside what would have passed.

use super::{BASE, one, read, with};
use crate::model::{ColumnUse, Hashed, MatchKey, Normaliser};

fn keys(text: &str) -> Vec<MatchKey> {
    let agreement = read(text).unwrap();
    let dataset = agreement.datasets.values().next().unwrap();
    let ColumnUse::Match { keys } = &dataset.columns[&dataset.entity].r#use else {
        panic!("a match column")
    };
    keys.clone()
}

#[test]
fn a_key_defaults_to_its_column_and_its_own_normaliser() {
    let person = |text: &str| {
        with("person: { from: mail, type: utf8, use: match, key: email }", text)
            .replace("entity: person", "entity: device_id")
    };
    let key = &keys(&person("device_id: { type: utf8, use: match }"))[0];
    assert_eq!(
        (key.key.as_str(), key.from.as_str(), key.normalise),
        ("device-id", "device_id", Normaliser::DeviceId)
    );
    let key = &keys(&person("device_id: { type: int64, use: match, key: household-id }"))[0];
    assert_eq!(key.normalise, Normaliser::None);
    let key = &keys(&person("device_id: { type: utf8, use: match, key: card }"))[0];
    assert_eq!(key.normalise, Normaliser::LowerTrim);
    let key =
        &keys(&person("device_id: { type: utf8, use: match, key: email, hashed: sha256-hex }"))[0];
    assert_eq!((key.normalise, key.hashed), (Normaliser::None, Some(Hashed::Sha256Hex)));
}

#[test]
fn keys_and_hashes_fit_their_types() {
    let person = |text: &str| with("from: mail, type: utf8, use: match, key: email", text);
    let path = "datasets.shoppers.columns.person";
    let good = person("type: binary, use: match, hashed: hmac-bytes");
    one(
        "hashed-type",
        &format!("{path}.hashed"),
        &person("type: utf8, use: match, hashed: hmac-bytes"),
        &good,
    );
    one(
        "hashed-type",
        &format!("{path}.hashed"),
        &person("type: binary, use: match, hashed: sha256-hex"),
        &good,
    );
    one("hashed-type", &format!("{path}.type"), &person("type: binary, use: match"), &good);
    one(
        "hashed-normalise",
        &format!("{path}.normalise"),
        &person("type: utf8, use: match, hashed: sha256-hex, normalise: email"),
        &person("type: utf8, use: match, hashed: sha256-hex, normalise: none"),
    );
    one(
        "normalise-type",
        &format!("{path}.normalise"),
        &person("type: int64, use: match, normalise: email"),
        &person("type: int64, use: match, normalise: none"),
    );
    one(
        "key-type",
        &format!("{path}.type"),
        &person("type: float64, use: match"),
        &person("type: int64, use: match"),
    );
}

#[test]
fn a_column_takes_several_keys_in_order() {
    let person = |text: &str| with("from: mail, type: utf8, use: match, key: email", text);
    let path = "datasets.shoppers.columns.person";
    one(
        "field-not-for-use",
        &format!("{path}.activate"),
        &person("type: utf8, use: match, activate: true"),
        BASE,
    );
    let several = person(
        "use: match, type: utf8, keys: [{ key: email, from: a }, { key: card, from: b, type: int64 }]",
    );
    assert_eq!(keys(&several).iter().map(|k| k.from.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    one(
        "conflicting-fields",
        &format!("{path}.from"),
        &several.replace("use: match, type", "use: match, from: x, type"),
        &several,
    );
    one(
        "duplicate-value",
        &format!("{path}.keys.1"),
        &several.replace("key: card", "key: email"),
        &several,
    );
    one("keys-count", &format!("{path}.keys"), &person("use: match, keys: []"), &several);
}

#[test]
fn measures_have_aggregates_that_mean_something() {
    let sales = |text: &str| with("type: float64, use: measure, aggregates: [sum]", text);
    let path = "datasets.shoppers.columns.sales";
    one(
        "aggregate-type",
        &format!("{path}.aggregates.1"),
        &sales("type: utf8, use: measure, aggregates: [count, sum]"),
        &sales("type: utf8, use: measure, aggregates: [count, count-distinct]"),
    );
    one(
        "aggregate-type",
        &format!("{path}.aggregates.0"),
        &sales("type: date, use: measure, aggregates: [avg]"),
        &sales("type: date, use: measure, aggregates: [max]"),
    );
    one(
        "empty-list",
        &format!("{path}.aggregates"),
        &sales("type: int64, use: measure, aggregates: []"),
        BASE,
    );
    one("missing-field", path, &sales("type: int64, use: measure"), BASE);
    one(
        "field-not-for-use",
        &format!("{path}.aggregates"),
        &sales("type: int64, use: filter, aggregates: [sum]"),
        &sales("type: int64, use: filter"),
    );
    one(
        "binary-column",
        &format!("{path}.type"),
        &sales("type: binary, use: dimension"),
        &sales("type: boolean, use: dimension"),
    );
    one(
        "bad-column-source",
        &format!("{path}.from"),
        &sales("from: 'a\"b', type: utf8, use: dimension"),
        &sales("from: 'Total Sales', type: utf8, use: dimension"),
    );
}

#[test]
fn constants_have_the_type_of_their_column() {
    let scan = |text: &str| with("    rule: {", &format!("    {text}\n    rule: {{"));
    let path = "datasets.shoppers";
    one(
        "literal-type",
        &format!("{path}.consent.granted.0"),
        &scan("consent: { from: c, granted: [1] }"),
        &scan("consent: { from: c, granted: ['1'] }"),
    );
    one(
        "literal-type",
        &format!("{path}.consent.granted.0"),
        &scan("consent: { from: c, type: boolean, granted: [yes] }"),
        &scan("consent: { from: c, granted: [yes] }"),
    );
    one(
        "empty-list",
        &format!("{path}.consent.granted"),
        &scan("consent: { from: c, granted: [] }"),
        &scan("consent: { from: c, granted: [a] }"),
    );
    let rows = |text: &str| scan(&format!("rows: [{{ from: r, {text} }}]"));
    one(
        "literal-type",
        &format!("{path}.rows.0.min"),
        &rows("type: date, min: '2023-02-29'"),
        &rows("type: date, min: 2024-02-29"),
    );
    one(
        "literal-type",
        &format!("{path}.rows.0.min"),
        &rows("type: timestamp, min: '2024-01-01'"),
        &rows("type: timestamp, min: 2024-01-01T00:00:00+01:00"),
    );
    one(
        "literal-type",
        &format!("{path}.rows.0.any_of.1"),
        &rows("type: int64, any_of: [1, 1.5]"),
        &rows("type: float64, any_of: [1, 1.5]"),
    );
    one(
        "parameter-bounds",
        &format!("{path}.rows.0.max"),
        &rows("type: int64, min: 2, max: 1"),
        &rows("type: int64, min: 2, max: 2"),
    );
    one(
        "unordered-bound",
        &format!("{path}.rows.0.min"),
        &rows("type: utf8, min: a"),
        &rows("type: utf8, any_of: [a]"),
    );
    one(
        "empty-filter",
        &format!("{path}.rows.0"),
        &rows("type: utf8"),
        &rows("type: utf8, any_of: [NO]"),
    );
}
