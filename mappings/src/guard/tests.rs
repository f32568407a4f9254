//! What the guard promises, over one agreement of three members. Every refusal has a legitimate twin that passes.

mod passing;
mod refusing;

use super::*;
use crate::agreement::read;
use crate::model::{MemberId, Parameter, ParameterName};

const AGREEMENT: &str = r"agreement: v1
collaboration: spring
members:
  grocer: { name: Grocer, abilities: [contribute] }
  brand: { name: Brand, abilities: [contribute, run, receive] }
  press: { name: Press, abilities: [contribute, receive] }
rooms: [native]
datasets:
  sales:
    owner: grocer
    at: { native: data/sales.parquet }
    entity: household
    columns:
      household: { from: household_id, type: int64, use: match, key: household-id }
      week: { type: int64, use: dimension }
      sold_on: { type: date, use: dimension }
      store: { type: int64, use: filter }
      amount: { type: float64, use: measure, aggregates: [sum, avg] }
      price: { type: float64, use: measure, aggregates: [sum, max] }
      quantity: { type: int64, use: measure, aggregates: [sum] }
    rule: { entities_min: 100, join: required }
    consent: { from: ads_ok, granted: ['yes'] }
    rows: [{ from: country, type: utf8, any_of: [DE, FR] }]
  shoppers:
    owner: grocer
    at: { native: data/shoppers.parquet }
    entity: household
    columns:
      household: { from: household_id, type: int64, use: match, key: household-id }
      age: { type: utf8, use: dimension }
    rule: { entities_min: 50, join: required }
  exposures:
    owner: brand
    at: { native: data/exposures.parquet }
    entity: household
    columns:
      household: { from: household_id, type: int64, use: match, key: household-id }
      campaign: { type: int64, use: dimension }
    rule: { entities_min: 1, join: optional }
  customers:
    owner: grocer
    at: { native: data/customers.parquet }
    entity: person
    columns:
      person: { use: match, keys: [{ key: email, from: email, type: utf8 }, { key: phone, from: phone, type: utf8 }] }
      segment: { type: utf8, use: dimension, activate: true }
      region: { type: utf8, use: dimension }
    rule: { entities_min: 100, join: required, activation: { to: [press], audience_min: 1000 } }
  readers:
    owner: press
    at: { native: data/readers.parquet }
    entity: person
    columns:
      person: { use: match, keys: [{ key: email, from: mail, type: utf8 }, { key: phone, from: tel, type: utf8 }] }
      reader: { type: utf8, use: dimension, activate: true }
      section: { type: utf8, use: dimension }
    rule: { entities_min: 20, join: optional }
templates:
  subject:
    class: aggregate
    sql: SELECT 1
    parameters:
      from_week: { type: int64, min: 1, max: 53 }
      to_week: { type: int64, min: 1, max: 53 }
    run_by: [brand]
    received_by: [brand]
destinations: { brand: /results/brand, press: /results/press }
";

fn subject() -> TemplateName {
    TemplateName::new("subject").unwrap()
}

fn agreement(sql: &str, class: ResultClass, receiver: &str) -> Agreement {
    let mut agreement = read(AGREEMENT).unwrap();
    let template = agreement.templates.get_mut(&subject()).unwrap();
    sql.clone_into(&mut template.sql);
    template.class = class;
    template.received_by = [MemberId::new(receiver).unwrap()].into();
    agreement
}

fn judged(sql: &str) -> Result<Guarded, Vec<Refusal>> {
    guard(&agreement(sql, ResultClass::Aggregate, "brand"), &subject())
}

fn activated(sql: &str) -> Result<Guarded, Vec<Refusal>> {
    guard(&agreement(sql, ResultClass::Activation, "press"), &subject())
}

/// `hostile` is refused with this code, `twin` passes.
fn pair(code: &str, hostile: &str, twin: &str) {
    match judged(hostile) {
        Ok(passed) => assert_eq!(code, "passed", "{hostile}\n became\n{}", passed.datafusion),
        Err(refusals) => {
            let codes: Vec<&str> = refusals.iter().map(|refusal| refusal.code).collect();
            assert!(codes.contains(&code), "{hostile}\n wants {code}, has {refusals:?}");
        }
    }
    if let Err(refusals) = judged(twin) {
        assert!(refusals.is_empty(), "{twin}\n is refused: {refusals:?}");
    }
}
