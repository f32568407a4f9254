//! What the platform holds of an agreement, and what it refuses.

use crate::assess;
use adapter_spi::{Fidelity, Residual, Verdict};
use mappings::agreement::read;
use mappings::table::Term;

const AGREEMENT: &str = "agreement: v1
collaboration: spring
residency: [eu-central-1]
members:
  grocer: { name: Grocer, abilities: [contribute], identity: { aws-clean-rooms: '111111111111' } }
  brand: { name: Brand, abilities: [contribute, run, receive], identity: { aws-clean-rooms: '222222222222' } }
rooms: [{ platform: aws-clean-rooms, region: eu-central-1 }]
datasets:
  sales:
    owner: grocer
    at: { aws-clean-rooms: { glue: { database: grocer, table: sales } } }
    entity: person
    columns:
      person: { from: email_hash, type: utf8, use: match, key: email, hashed: sha256-hex }
      segment: { type: utf8, use: dimension }
      amount: { type: float64, use: measure, aggregates: [sum] }
    rule: { entities_min: 100, join: required }
    consent: { from: ads_ok, granted: ['yes'] }
  seen:
    owner: brand
    at: { aws-clean-rooms: { glue: { database: brand, table: seen } } }
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

/// The verdicts on a text after a change.
fn verdicts(from: &str, to: &str) -> Vec<Verdict> {
    assert!(AGREEMENT.contains(from), "{from}");
    let agreement = read(&AGREEMENT.replace(from, to)).unwrap();
    assess(&agreement).unwrap().verdicts
}

fn refused(from: &str, to: &str) -> Vec<(Term, String)> {
    let all = verdicts(from, to).into_iter();
    all.filter(|verdict| !verdict.is_held()).map(|verdict| (verdict.term, verdict.at)).collect()
}

fn found(verdicts: &[Verdict], term: Term, at: &str) -> (Fidelity, Residual) {
    let known = verdicts.iter().find(|known| known.term == term && known.at == at).unwrap();
    (known.fidelity, known.residual)
}

#[test]
fn every_term_of_an_agreement_has_one_verdict() {
    let agreement = read(AGREEMENT).unwrap();
    let all = assess(&agreement).unwrap();
    assert_eq!(all.refused().count(), 0);
    for term in Term::ALL {
        for at in term.places(&agreement) {
            let said = all.verdicts.iter().filter(|known| known.term == *term && known.at == at);
            assert_eq!(said.count(), 1, "{term} at {at}");
        }
    }
    let held = |term, at| found(&all.verdicts, term, at);
    assert_eq!(
        held(Term::Consent, "datasets.sales.consent"),
        (Fidelity::Unsupported, Residual::Template)
    );
    assert_eq!(
        held(Term::HashedKey, "datasets.sales.columns.person"),
        (Fidelity::Exact, Residual::Template)
    );
    assert_eq!(held(Term::Limits, "limits"), (Fidelity::Wider, Residual::Gateway));
}

#[test]
fn what_would_be_another_collaboration_there_is_refused() {
    let pinned = ", identity: { aws-clean-rooms: '111111111111' }";
    let member = vec![(Term::Members, "members.grocer".to_owned())];
    assert_eq!(refused(pinned, ""), member);
    assert_eq!(refused("111111111111", "1111-1111-11"), member);
    assert_eq!(refused("222222222222", "111111111111"), member, "one account for two members");
    let region = vec![(Term::Residency, "rooms.aws-clean-rooms".to_owned())];
    let nowhere =
        AGREEMENT.replace("residency: [eu-central-1]\n", "").replace(", region: eu-central-1", "");
    let all = assess(&read(&nowhere).unwrap()).unwrap();
    let refused: Vec<_> = all.refused().map(|verdict| (verdict.term, verdict.at.clone())).collect();
    assert_eq!(refused, region);
}

#[test]
fn keys_that_never_meet_are_refused_on_both_sides() {
    let both: Vec<_> = ["sales", "seen"]
        .map(|name| (Term::HashedKey, format!("datasets.{name}.columns.person")))
        .into();
    assert_eq!(
        refused(
            "from: mail_hash, type: utf8, use: match, key: email, hashed: sha256-hex",
            "from: mail_hash, type: utf8, use: match, key: email, hashed: hmac-hex"
        ),
        both
    );
    assert!(refused("hashed: sha256-hex", "hashed: hmac-hex").is_empty(), "both are HMACs");
}

#[test]
fn names_that_the_platform_can_not_spell_are_refused() {
    let columns = vec![(Term::HiddenColumns, "datasets.sales.columns".to_owned())];
    assert_eq!(refused("segment: {", "segment: { from: 'Größe',"), columns);
    assert_eq!(refused("segment: {", "segment: { from: AMOUNT,"), columns, "two columns in one");
    assert!(refused("segment: {", "segment: { from: Segment,").is_empty(), "folded");
}

#[test]
fn what_does_not_run_there_is_narrower() {
    let raw = verdicts(
        "from: mail_hash, type: utf8, use: match, key: email, hashed: sha256-hex",
        "from: mail, type: utf8, use: match, key: email",
    );
    assert_eq!(
        found(&raw, Term::RawKey, "datasets.seen.columns.person"),
        (Fidelity::Narrower, Residual::None)
    );
    assert_eq!(
        found(&raw, Term::TemplateText, "templates.reach.sql"),
        (Fidelity::Narrower, Residual::None)
    );
    let elsewhere = AGREEMENT
        .replace("rooms: [", "rooms: [{ platform: snowflake, region: eu-central-1 }, ")
        .replace(
            "at: { aws-clean-rooms: { glue: { database: brand, table: seen } } }",
            "at: { snowflake: A.B.C }",
        );
    let away = assess(&read(&elsewhere).unwrap()).unwrap().verdicts;
    assert_eq!(
        found(&away, Term::Location, "datasets.seen.at"),
        (Fidelity::Narrower, Residual::None)
    );
    assert_eq!(
        found(&away, Term::TemplateText, "templates.reach.sql"),
        (Fidelity::Narrower, Residual::None)
    );
    assert!(raw.iter().chain(&away).all(Verdict::is_held));
}

#[test]
fn a_receiver_whom_only_another_template_names_is_wider_until_waived() {
    let other = "  press-reach:
    class: aggregate
    sql: SELECT s.segment, COUNT(DISTINCT s.person) AS people FROM sales s JOIN seen e ON s.person = e.person GROUP BY s.segment
    run_by: [brand]
    received_by: [brand, press]
destinations: { press: 's3://press-results/airlock', ";
    let press = "members:
  press: { name: Press, abilities: [receive], identity: { aws-clean-rooms: '333333333333' } }
";
    let wider = |text: &str| -> Vec<String> {
        let all = assess(&read(text).unwrap()).unwrap();
        assert_eq!(all.refused().count(), 0);
        all.wider().map(|verdict| verdict.at.clone()).collect()
    };
    let two = AGREEMENT.replace("members:\n", press).replace("destinations: { ", other);
    assert_eq!(wider(&two), ["templates.reach.received_by"], "press-reach names all there are");
    assert!(wider(&two.replace("received_by: [brand]", "received_by: [brand, press]")).is_empty());
    assert!(wider(AGREEMENT).is_empty());
    let apart = two
        .replace(
            "FROM sales s JOIN seen e ON s.person = e.person GROUP BY s.segment",
            "FROM sales s GROUP BY s.segment",
        )
        .replace("join: required", "join: optional");
    assert!(wider(&apart).is_empty(), "its other table lets only brand receive");
}

#[test]
fn a_left_join_under_different_minima_is_narrower_as_its_minimum_is() {
    let class = |text: &str| {
        let all = assess(&read(text).unwrap()).unwrap();
        assert_eq!((all.refused().count(), all.wider().count()), (0, 0));
        let at = "templates.reach.class";
        let said = all.verdicts.into_iter().find(|one| one.at == at).unwrap();
        (said.term, said.fidelity, said.reason)
    };
    let left = AGREEMENT
        .replace("COUNT(DISTINCT s.person)", "COUNT(DISTINCT e.person)")
        .replace("FROM sales s JOIN seen e", "FROM seen e LEFT JOIN sales s")
        .replace("join: required", "join: optional")
        .replace("entities_min: 1 }", "entities_min: 1, join: optional }");
    let (term, fidelity, reason) = class(&left);
    assert_eq!((term, fidelity), (Term::Aggregate, Fidelity::Narrower));
    assert!(reason.contains("LEFT JOIN") && reason.contains("100"), "{reason}");
    let all = assess(&read(&left).unwrap()).unwrap().verdicts;
    let own = found(&all, Term::EntitiesMin, "datasets.sales.rule.entities_min");
    assert_eq!(own.0, Fidelity::Narrower, "both rows say the same");
    // An INNER JOIN has the same people on both sides; equal minima ask for no more than the text does; no minimum asks for nothing.
    let inner = left.replace("LEFT JOIN", "INNER JOIN");
    let equal = left.replace("entities_min: 1,", "entities_min: 100,");
    let none = left.replace("entities_min: 100", "entities_min: 1");
    for text in [AGREEMENT, &inner, &equal, &none] {
        assert_eq!(class(text).1, Fidelity::Exact, "{text}");
    }
}
