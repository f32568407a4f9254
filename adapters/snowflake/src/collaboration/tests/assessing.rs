//! What the room holds of an agreement, and what it does not.

use super::agreement;
use crate::collaboration::assess;
use adapter_spi::{Fidelity, Residual, Verdict};
use mappings::model::Agreement;
use mappings::table::Term;

fn changed(from: &str, to: &str) -> Vec<Verdict> {
    let document = serde_json::to_string(&*agreement("suite-terms", 1)).unwrap();
    assert!(document.contains(from), "{from}: {document}");
    let agreement: Agreement = serde_json::from_str(&document.replace(from, to)).unwrap();
    assess(&agreement).unwrap().verdicts
}

fn said(verdicts: &[Verdict], term: Term, at: &str) -> (Fidelity, Residual) {
    let found = verdicts.iter().find(|one| one.term == term && one.at == at);
    let found = found.unwrap_or_else(|| panic!("{term} at {at}"));
    (found.fidelity, found.residual)
}

fn refused(verdicts: &[Verdict]) -> Vec<(Term, String)> {
    let wrong = verdicts.iter().filter(|one| !one.is_held() && !one.is_wider());
    wrong.map(|one| (one.term, one.at.clone())).collect()
}

#[test]
fn every_term_has_one_verdict_and_what_a_runner_may_do_alone_is_wider() {
    let agreement = agreement("suite-terms", 1);
    let all = assess(&agreement).unwrap();
    assert_eq!(refused(&all.verdicts), []);
    for term in Term::ALL {
        for at in term.places(&agreement) {
            let found = all.verdicts.iter().filter(|one| one.term == *term && one.at == at);
            assert_eq!(found.count(), 1, "{term} at {at}");
        }
    }
    let mut wider: Vec<Term> = all.wider().map(|one| one.term).collect();
    wider.sort();
    assert_eq!(wider, [Term::Limits, Term::Destinations]);
    let exact = (Fidelity::Exact, Residual::None);
    assert_eq!(said(&all.verdicts, Term::ReceivedBy, "templates.overlap.received_by"), exact);
}

#[test]
fn a_runner_who_does_not_receive_has_the_rows_all_the_same() {
    let all = changed("\"received_by\":[\"analyst\"]", "\"received_by\":[\"provider\"]");
    let wider = (Fidelity::Wider, Residual::None);
    assert_eq!(said(&all, Term::ReceivedBy, "templates.overlap.received_by"), wider);
    assert_eq!(said(&all, Term::Receive, "abilities.receive"), wider);
}

#[test]
fn an_account_is_named_by_its_organisation_and_of_one_member() {
    let member = vec![(Term::Members, "members.provider".to_owned())];
    assert_eq!(refused(&changed("ACME.PROVIDER", "XY12345")), member);
    assert_eq!(refused(&changed("ACME.PROVIDER", "no account")), member);
    assert_eq!(refused(&changed("ACME.CONSUMER", "ACME.PROVIDER")), member);
}

#[test]
fn what_has_no_words_there_runs_elsewhere() {
    let narrower = (Fidelity::Narrower, Residual::None);
    let raw = changed("\"hashed\":\"sha256-hex\"", "\"hashed\":null");
    assert_eq!(said(&raw, Term::TemplateText, "templates.overlap.sql"), narrower);
    let away = changed(
        "\"snowflake-dcr\":\"SUITE.PUBLIC.ORDERS\"",
        "\"native-2\":\"SUITE.PUBLIC.ORDERS\"",
    );
    assert_eq!(said(&away, Term::Location, "datasets.orders.at"), narrower);
    assert_eq!(said(&away, Term::TemplateText, "templates.overlap.sql"), narrower);
    assert_eq!(refused(&away), []);
}
