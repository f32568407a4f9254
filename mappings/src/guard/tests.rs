//! What the guard promises, over the agreement of the corpus, where it needs more than a text and a code.

mod passing;
mod refusing;

use super::*;
use crate::agreement::read;
use crate::model::{MemberId, Parameter, ParameterName};

const AGREEMENT: &str = include_str!("../../tests/corpus/agreement.yaml");

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

#[test]
fn a_text_that_is_no_sql_is_refused_where_it_stops() {
    let at = |sql: &str| parse(sql).unwrap_err().span.map(|span| (span.line, span.column));
    assert_eq!(at("SELECT a\nFROM t WHERE x = = 'zq'"), Some((2, 18)));
    assert_eq!(at("SELECT 'never closed"), Some((1, 8)));
    parse("SELECT a FROM t").unwrap();
}
