//! What shares can hold of an agreement, and what they refuse.

use crate::shares::assess;
use adapter_spi::{Fidelity, Residual, Verdict};
use mappings::agreement::read;
use mappings::table::Term;

const AGREEMENT: &str = "agreement: v1
collaboration: spring
residency: [eu-central-1]
members:
  grocer: { name: Grocer, abilities: [contribute], identity: { snowflake: 'GROCERY.MAIN' } }
  brand: { name: Brand, abilities: [contribute, run, receive], identity: { snowflake: 'SPARKLING.ADS' } }
rooms: [{ platform: snowflake, region: eu-central-1 }]
datasets:
  sales:
    owner: grocer
    at: { snowflake: GROCER.CLEAN.SALES }
    entity: person
    columns:
      person: { from: email_hash, type: utf8, use: match, key: email, hashed: sha256-hex }
      segment: { type: utf8, use: dimension }
      amount: { type: float64, use: measure, aggregates: [sum] }
    rule: { entities_min: 100, join: optional }
    consent: { from: ads_ok, granted: ['yes'] }
  seen:
    owner: brand
    at: { snowflake: BRAND.ADS.SEEN }
    entity: person
    columns:
      person: { from: mail_hash, type: utf8, use: match, key: email, hashed: sha256-hex }
      campaign: { type: utf8, use: dimension }
    rule: { entities_min: 1 }
templates:
  reach:
    class: aggregate
    sql: SELECT e.campaign, COUNT(DISTINCT s.person) AS people FROM sales s JOIN seen e ON s.person = e.person GROUP BY e.campaign
    run_by: [brand]
    received_by: [brand]
destinations: { brand: 's3://brand-results/airlock' }
";

fn verdicts(changes: &[(&str, &str)]) -> Vec<Verdict> {
    let text = changes.iter().fold(AGREEMENT.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    assess(&read(&text).unwrap()).unwrap().verdicts
}

fn refused(changes: &[(&str, &str)]) -> Vec<(Term, String)> {
    let all = verdicts(changes).into_iter();
    let refused = all.filter(|verdict| !verdict.is_held() && !verdict.is_wider());
    refused.map(|verdict| (verdict.term, verdict.at)).collect()
}

fn found(verdicts: &[Verdict], term: Term, at: &str) -> (Fidelity, Residual) {
    let known = verdicts.iter().find(|known| known.term == term && known.at == at);
    let known = known.unwrap_or_else(|| panic!("{term} at {at}"));
    (known.fidelity, known.residual)
}

#[test]
fn every_term_of_an_agreement_has_one_verdict_and_what_is_wider_waits_for_waivers() {
    let agreement = read(AGREEMENT).unwrap();
    let all = assess(&agreement).unwrap();
    for term in Term::ALL {
        for at in term.places(&agreement) {
            let said = all.verdicts.iter().filter(|known| known.term == *term && known.at == at);
            assert_eq!(said.count(), 1, "{term} at {at}");
        }
    }
    assert_eq!(all.refused().count(), 0);
    let wider: Vec<Term> = all.wider().map(|verdict| verdict.term).collect();
    for term in
        [Term::TemplateText, Term::ReceivedBy, Term::Limits, Term::MatchUse, Term::EntitiesMin]
    {
        assert!(wider.contains(&term), "{term}");
    }
    for term in [Term::Consent, Term::HiddenColumns, Term::RevokeMember, Term::RevokeDataset] {
        assert!(!wider.contains(&term), "{term}");
    }
}

/// Where no policy stands, the owner is told that rows are read, and of a policy where one does.
#[test]
fn a_dataset_without_a_minimum_says_that_its_rows_are_read() {
    let all = verdicts(&[]);
    for (dataset, read) in [("seen", true), ("sales", false)] {
        for verdict in all.iter().filter(|known| {
            known.at.starts_with(&format!("datasets.{dataset}.columns.")) && known.is_wider()
        }) {
            let said = verdict.reason.contains("there is no policy on the view");
            assert_eq!(said, read, "{} at {}", verdict.term, verdict.at);
        }
    }
}

#[test]
fn a_member_is_one_account_that_can_be_shared_with() {
    let at = vec![(Term::Members, "members.grocer".to_owned())];
    assert_eq!(refused(&[(", identity: { snowflake: 'GROCERY.MAIN' }", "")]), at);
    assert_eq!(refused(&[("GROCERY.MAIN", "xy12345")]), at, "a locator");
    assert_eq!(refused(&[("GROCERY.MAIN", "sparkling-ads")]), at, "the same, spelled otherwise");
    assert!(refused(&[("GROCERY.MAIN", "grocery-main")]).is_empty(), "the host's spelling");
}

#[test]
fn keys_that_never_meet_are_refused_and_raw_ones_run_elsewhere() {
    let hashed = "from: mail_hash, type: utf8, use: match, key: email, hashed: sha256-hex";
    let hmac = "from: mail_hash, type: utf8, use: match, key: email, hashed: hmac-hex";
    let both: Vec<_> = ["sales", "seen"]
        .map(|name| (Term::HashedKey, format!("datasets.{name}.columns.person")))
        .into();
    assert_eq!(refused(&[(hashed, hmac)]), both);
    assert!(refused(&[("hashed: sha256-hex", "hashed: hmac-hex")]).is_empty(), "both are HMACs");
    let raw = verdicts(&[(hashed, "from: mail, type: utf8, use: match, key: email")]);
    let narrower = (Fidelity::Narrower, Residual::None);
    assert_eq!(found(&raw, Term::RawKey, "datasets.seen.columns.person"), narrower);
    assert_eq!(found(&raw, Term::TemplateText, "templates.reach.sql"), narrower);
}

#[test]
fn what_has_no_table_there_runs_elsewhere() {
    let elsewhere = [
        ("rooms: [", "rooms: [{ platform: native, region: eu-central-1 }, "),
        ("at: { snowflake: BRAND.ADS.SEEN }", "at: { native: /data/seen.parquet }"),
    ];
    let all = verdicts(&elsewhere);
    let narrower = (Fidelity::Narrower, Residual::None);
    assert_eq!(found(&all, Term::Location, "datasets.seen.at"), narrower);
    assert_eq!(found(&all, Term::TemplateText, "templates.reach.sql"), narrower);
    assert!(refused(&elsewhere).is_empty());
}
