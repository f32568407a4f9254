//! What reading an agreement promises. Every refusal has a legitimate twin that passes.

mod binding;
mod columns;
mod formats;
mod places;
mod refusals;
mod source;

use super::{Diagnostic, read};

/// A small agreement that passes; tests change one thing in it.
const BASE: &str = r"agreement: v1
collaboration: spring
residency: [local]
members:
  grocer: { name: Grocer, abilities: [contribute] }
  brand: { name: Brand, abilities: [contribute, run, receive] }
rooms: [native]
datasets:
  shoppers:
    owner: grocer
    at: { native: file:///data/shoppers.parquet }
    entity: person
    columns:
      person: { from: mail, type: utf8, use: match, key: email }
      age: { type: utf8, use: dimension }
      sales: { type: float64, use: measure, aggregates: [sum] }
    rule: { entities_min: 50, join: required }
templates:
  ages:
    class: aggregate
    sql: SELECT age, COUNT(DISTINCT person) AS people FROM shoppers GROUP BY age
    parameters:
      week: { type: int64, min: 1, max: 53 }
    run_by: [brand]
    received_by: [brand]
destinations:
  brand: file:///results/brand
";

/// The base with one text replaced, which must be in it once.
fn with(from: &str, to: &str) -> String {
    assert_eq!(BASE.matches(from).count(), 1, "{from}");
    BASE.replace(from, to)
}

fn refused(text: &str) -> Vec<Diagnostic> {
    read(text).expect_err("this must be refused")
}

fn codes(text: &str) -> Vec<&'static str> {
    refused(text).iter().map(|d| d.code).collect()
}

/// Refused for exactly one reason at this path; the twin passes.
fn one(code: &str, path: &str, bad: &str, twin: &str) -> Diagnostic {
    let found = refused(bad);
    let [only] = found.as_slice() else { panic!("wanted only {code}, got {found:#?}") };
    assert_eq!((only.code, only.path.as_str()), (code, path), "{only}");
    assert!(!only.help.is_empty() && only.line > 0 && only.column > 0, "{only:?}");
    if let Err(found) = read(twin) {
        panic!("the twin of {code} must pass: {found:#?}");
    }
    only.clone()
}
