//! Texts: what is read, where errors are placed, and what is never read.

use super::super::json_schema;
use super::super::tree::{DEPTH_MAX, SOURCE_BYTES_MAX, VALUES_MAX};
use super::{BASE, codes, one, read, refused, with};
use proptest::prelude::*;

#[test]
fn the_base_passes() {
    let agreement = read(BASE).unwrap();
    assert_eq!(agreement.collaboration.as_str(), "spring");
    assert_eq!((agreement.limits.runs_max, agreement.limits.within_s), (100, 86_400));
}

#[test]
fn json_says_the_same_as_yaml() {
    let yaml = "agreement: v1\ncollaboration: a\nmembers: {b: {name: B}}\nrooms: [native]\ndatasets: {}\ntemplates: {}\n";
    let json = "{\"agreement\":\"v1\",\"collaboration\":\"a\",\n\t\"members\":{\"b\":{\"name\":\"B\"}},\"rooms\":[\"native\"],\"datasets\":{},\"templates\":{}}";
    assert_eq!(read(yaml).unwrap(), read(json).unwrap());
}

#[test]
fn json_escapes_beyond_sixteen_bits_are_one_character() {
    let json = r#"{"agreement":"v1","collaboration":"a","description":"\ud83d\uDED2 \\ud83d\\uded2 \u00e9","members":{"b":{"name":"B"}},"rooms":["native"],"datasets":{},"templates":{}}"#;
    assert_eq!(read(json).unwrap().description, "\u{1f6d2} \\ud83d\\uded2 é");
    assert_eq!(codes(&json.replace(r"\uDED2", "")), ["syntax"]);
}

#[test]
fn everything_wrong_is_found_at_once_in_the_order_of_the_text() {
    let text = BASE
        .replace("name: Grocer", "nme: Grocer")
        .replace("owner: grocer", "owner: grocr")
        .replace("entities_min: 50", "entities_min: 0")
        .replace("run_by: [brand]", "run_by: [grocer]")
        .replace("brand: file:///results/brand", "brand: ftp://results/brand");
    assert_eq!(
        codes(&text),
        [
            "missing-field",
            "unknown-field",
            "unknown-reference",
            "out-of-range",
            "runner-cannot-run",
            "destination-scheme"
        ]
    );
}

#[test]
fn a_diagnostic_says_where_what_and_what_would_pass() {
    let found = refused(&with("rule: { entities_min: 50,", "rule: { entitys_min: 50,"));
    assert_eq!(
        found[0].to_string(),
        "17:13: unknown-field: `entitys_min` is not a field here (did you mean `entities_min`?)"
    );
    assert_eq!(found[0].path, "datasets.shoppers.rule.entitys_min");
    let json = serde_json::to_value(&found[0]).unwrap();
    assert_eq!((&json["line"], &json["column"]), (&17.into(), &13.into()));
}

#[test]
fn what_two_readers_would_read_differently_is_refused() {
    one(
        "anchor",
        "description",
        &format!("description: &a hello\n{BASE}"),
        &format!("description: '&a hello'\n{BASE}"),
    );
    one(
        "tag",
        "description",
        &format!("description: !!str hello\n{BASE}"),
        &format!("description: '!!str hello'\n{BASE}"),
    );
    one(
        "duplicate-key",
        "datasets.shoppers.rule.join",
        &with("join: required }", "join: required, join: optional }"),
        BASE,
    );
    one(
        "ambiguous-number",
        "datasets.shoppers.rule.entities_min",
        &with("entities_min: 50", "entities_min: 050"),
        BASE,
    );
    one("many-documents", "", &format!("{BASE}---\n{BASE}"), &format!("---\n{BASE}"));
    let alias = format!("description: *a\n{}", with("name: Grocer", "name: &a Grocer"));
    assert!(codes(&alias).contains(&"syntax") && codes(&alias).len() == 1);
    let later = with("name: Brand", "name: *a").replace("name: Grocer", "name: &a Grocer");
    assert_eq!(codes(&later), ["anchor", "alias"]);
}

#[test]
fn characters_that_nobody_sees_are_refused() {
    one("hidden-character", "", &with("FROM shoppers", "FROM \u{202e}shoppers"), BASE);
    one("hidden-character", "", &with("FROM shoppers", "FROM shoppers\0"), BASE);
    one(
        "bad-text",
        "templates.ages.sql",
        &with(
            "sql: SELECT age, COUNT(DISTINCT person) AS people FROM shoppers GROUP BY age",
            r#"sql: "SELECT\0 1""#,
        ),
        BASE,
    );
}

#[test]
fn size_depth_and_number_are_bounded() {
    let padding = |n: usize| format!("{BASE}#{}", "x".repeat(n));
    let room = SOURCE_BYTES_MAX - BASE.len() - 1;
    one("source-too-long", "", &padding(room + 1), &padding(room));
    let nested = |n: usize| format!("{BASE}x: {}{}\n", "[".repeat(n), "]".repeat(n));
    assert_eq!(codes(&nested(DEPTH_MAX)), ["too-deep"]);
    assert_eq!(codes(&nested(DEPTH_MAX - 1)), ["unknown-field"]);
    assert_eq!(codes(&format!("{BASE}x: [{}]", "1,".repeat(VALUES_MAX))), ["too-many-values"]);
    for number in ["9007199254740992", "99999999999999999999", "1e999", ".inf", ".nan"] {
        let text = with("min: 1, max: 53", &format!("min: 1, max: {number}"));
        one("number-overflow", "templates.ages.parameters.week.max", &text, BASE);
    }
}

#[test]
fn no_more_than_a_hundred_reasons_are_given() {
    let noise = (0..500).map(|n| format!("noise{n}: 1")).collect::<Vec<_>>().join("\n");
    assert_eq!(codes(&format!("{BASE}{noise}")).len(), 100);
}

#[test]
fn another_version_is_not_guessed_at() {
    for text in ["agreement: v2\nwhat: ever\n", "agreement: 1\n"] {
        assert_eq!(codes(text), ["unknown-version"]);
    }
    assert_eq!(codes("collaboration: a\n"), ["missing-field"]);
    assert_eq!(codes(""), ["empty-document"]);
    assert_eq!(codes("hello"), ["not-an-agreement"]);
    assert_eq!(codes("agreement: [v1\n"), ["syntax"]);
}

#[test]
fn no_message_shows_a_value_or_sql() {
    let secret = "hunter2-AKIA";
    for text in [
        with("entities_min: 50", &format!("entities_min: {secret}")),
        with("min: 1, max: 53", &format!("min: {secret}, values: [{secret}], default: {secret}")),
        with("SELECT age,", &format!("\"\\0{secret}\" #")),
        with("file:///results/brand", &format!("https://{secret}@host/")),
        with("file:///data/shoppers.parquet", &format!("s3://{secret}@bucket/x")),
        with("from: mail", &format!("from: '{secret}\"'")),
        with("name: Grocer", &format!("name: [{secret}]")),
        with("name: Grocer", &format!("name: G, key: {secret}")),
        with("name: Grocer", &format!("name: G, \"{secret} {secret}\": 1")),
        with("residency: [local]", &format!("residency: [local]\nlimits: {{ within: {secret} }}")),
    ] {
        for found in refused(&text) {
            let whole = format!("{found} {found:?}");
            assert!(!whole.contains("hunter2"), "{whole}");
        }
    }
}

#[test]
fn the_schema_is_a_schema() {
    assert_eq!(json_schema()["$schema"], "https://json-schema.org/draft/2020-12/schema");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused_with_a_reason(text in "[ -~\n\t]{0,80}") {
        prop_assert!(read(&text).is_err_and(|found| !found.is_empty()));
    }

    #[test]
    fn any_cut_or_scar_of_an_agreement_is_read_or_refused_with_a_reason(
        at in 0..BASE.len(), scar in "[{}\\[\\]:,&*!|>'\"%@`#\n -]{0,3}", cut in any::<bool>(),
    ) {
        let (head, tail) = BASE.split_at(at);
        let text = if cut { format!("{head}{scar}") } else { format!("{head}{scar}{tail}") };
        if let Err(found) = read(&text) {
            prop_assert!(!found.is_empty());
        }
    }
}
