//! Stored agreements of v1 stay readable, mean what they meant, and fit the schema.

use super::super::tree::{Node, Value, parse};
use super::super::{json_schema, read};
use crate::model::Agreement;
use serde_json::json;
use std::fs;
use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/formats")
}

/// Every stored agreement as a person wrote it, with its file's stem.
fn stored() -> Vec<(String, String)> {
    let mut out = Vec::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let stem = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".json"));
        if let Some(stem) =
            stem.filter(|s| s.starts_with("agreement-v1-") && !s.ends_with(".canonical"))
        {
            out.push((stem.to_owned(), fs::read_to_string(&path).unwrap()));
        }
    }
    assert!(out.len() >= 2, "the stored agreements are gone");
    out
}

fn value(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Null | Value::Refused => json!(null),
        Value::Boolean(b) => json!(b),
        Value::Integer(n) => json!(n),
        Value::Float(n) => json!(n),
        Value::Text(text) => json!(text),
        Value::List(items) => items.iter().map(value).collect(),
        Value::Map(entries) => entries.iter().map(|e| (e.name.clone(), value(&e.node))).collect(),
    }
}

#[test]
fn a_stored_agreement_keeps_its_canonical_bytes() {
    for (stem, text) in stored() {
        let agreement = read(&text).unwrap_or_else(|found| panic!("{stem}: {found:#?}"));
        let bytes =
            fs::read(folder().join(format!("{stem}.canonical.json"))).unwrap_or_else(|_| {
                panic!("{stem}: store {}", String::from_utf8_lossy(&agreement.canonical()))
            });
        assert_eq!(
            String::from_utf8_lossy(&agreement.canonical()),
            String::from_utf8_lossy(&bytes),
            "{stem}"
        );
    }
}

#[test]
fn canonical_bytes_read_back_keep_their_digest() {
    for (stem, text) in stored() {
        let agreement = read(&text).unwrap();
        let back: Agreement = serde_json::from_slice(&agreement.canonical()).unwrap();
        assert_eq!(back.digest(), agreement.digest(), "{stem}");
    }
}

#[test]
fn stored_agreements_fit_the_schema() {
    let validator = jsonschema::validator_for(&json_schema()).unwrap();
    for (stem, text) in stored() {
        let instance = value(&parse(&text).0.unwrap());
        let errors: Vec<_> = validator
            .iter_errors(&instance)
            .map(|e| format!("{} {e}", e.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{stem}: {errors:#?}");
    }
}

#[test]
fn the_base_fits_the_schema_and_its_broken_twins_do_not() {
    let validator = jsonschema::validator_for(&json_schema()).unwrap();
    let fits = |text: &str| validator.is_valid(&value(&parse(text).0.unwrap()));
    assert!(fits(super::BASE));
    for (from, to) in [
        ("entities_min: 50", "entities_min: 0"),
        ("entities_min: 50", "entitys_min: 50"),
        ("use: measure", "use: filter"),
        ("aggregates: [sum]", "aggregates: []"),
        ("class: aggregate", "class: rows"),
        ("collaboration: spring", "collaboration: Spring"),
        ("brand: file:///results/brand", "brand: ftp://results"),
        ("agreement: v1", "agreement: v2"),
        ("rooms: [native]", "rooms: [azure]"),
    ] {
        let text = super::with(from, to);
        assert!(!fits(&text), "the schema admits {to}");
        assert!(read(&text).is_err(), "reading admits {to}");
    }
}

/// Words of the schema that the reader must know, each tried for real.
#[test]
fn every_word_of_the_schema_is_read() {
    let schema = json_schema();
    let words = |path: &str| -> Vec<String> {
        let list =
            schema.pointer(path).and_then(|v| v.as_array()).unwrap_or_else(|| panic!("{path}"));
        list.iter().map(|w| w.as_str().unwrap().to_owned()).collect()
    };
    for platform in words("/$defs/platform/enum") {
        let text = super::with(
            "rooms: [native]",
            &format!("rooms: [native, {{ platform: {platform}, region: local }}]"),
        );
        assert!(read(&text).is_ok(), "{platform}");
    }
    for kind in words("/$defs/parameter/properties/type/enum") {
        let text = super::with("type: int64, min: 1, max: 53", &format!("type: {kind}"));
        assert!(read(&text).is_ok(), "{kind}");
    }
    for ability in words("/$defs/member/properties/abilities/items/enum") {
        let text = super::with(
            "members:\n",
            &format!("members:\n  other: {{ name: O, abilities: [{ability}] }}\n"),
        );
        assert!(read(&text).is_ok(), "{ability}");
    }
    for normaliser in words("/$defs/column/oneOf/0/properties/normalise/enum") {
        let text = super::with("key: email }", &format!("normalise: {normaliser} }}"));
        assert!(read(&text).is_ok(), "{normaliser}");
    }
}
