//! What the imports of both rooms are tried with: an agreement of each, who asks, and what an import must be whatever it found.

use super::Import;
use adapter_spi::{Imported, Unexpressed};
use mappings::agreement::{read, written};
use mappings::model::{Agreement, Member, MemberId};
use std::sync::Arc;

/// Two owners, one of whom runs; what the shares' view can't say is in it too: receivers, and a column that is for filters alone.
pub(crate) const AGREEMENT: &str = "agreement: v1
collaboration: spring
members:
  grocer: { name: grocer, abilities: [contribute], identity: { PLATFORM: ACME.PROVIDER } }
  brand-north: { name: brand-north, abilities: [contribute, run, receive], identity: { PLATFORM: ACME.CONSUMER } }
rooms: [{ platform: PLATFORM, region: aws-us-east-1 }]
datasets:
  sales:
    owner: grocer
    at: { PLATFORM: GROCER.PUBLIC.SALES }
    entity: person
    columns:
      person: { from: EMAIL_HASH, type: utf8, use: match, key: person, hashed: sha256-hex }
      segment: { from: SEGMENT, type: utf8, use: dimension }
      store: { from: STORE, type: int64, use: filter }
      amount: { from: Amount, type: float64, use: measure, aggregates: [sum] }
    rule: { entities_min: 100, join: required, receivers: [brand-north] }
    rows: [{ from: COUNTRY, type: utf8, any_of: [DE, FR] }]
  seen_there:
    owner: brand-north
    at: { PLATFORM: BRAND.PUBLIC.SEEN }
    entity: person
    columns:
      person: { from: MAIL_HASH, type: utf8, use: match, key: person, hashed: sha256-hex }
      campaign: { from: CAMPAIGN, type: utf8, use: dimension }
    rule: { entities_min: 1, join: required }
templates:
  reach:
    class: aggregate
    sql: SELECT e.campaign, s.segment, SUM(s.amount) AS amount FROM sales s JOIN seen_there e ON s.person = e.person GROUP BY e.campaign, s.segment
    run_by: [brand-north]
    received_by: [brand-north]
limits: { runs_max: 100, within: 24h }
destinations: { brand-north: 's3://brand-results/airlock' }
";

pub(crate) fn agreed(text: &str) -> Arc<Agreement> {
    Arc::new(read(text).unwrap_or_else(|wrong| panic!("{wrong:#?}\n{text}")))
}

pub(crate) fn ask(agreement: &Agreement) -> Import {
    let account = |(name, member): (&MemberId, &Member)| {
        Some((name.clone(), member.identity.values().next()?.clone()))
    };
    Import {
        accounts: agreement.members.iter().filter_map(account).collect(),
        destinations: agreement.destinations.clone(),
        ..Import::default()
    }
}

/// Somebody who asks for two members by their accounts.
pub(crate) fn asked(pairs: [(&str, &str); 2]) -> Import {
    let pairs = pairs.map(|(name, account)| (name.parse().unwrap(), account.to_owned()));
    Import { accounts: pairs.into(), ..Import::default() }
}

/// An import whose file says the same.
pub(crate) fn imported(import: impl Fn() -> Option<Imported>) -> Imported {
    let imported = import().unwrap();
    let text = written(&imported.agreement, &imported.remarks);
    let again = read(&text).unwrap_or_else(|wrong| panic!("{wrong:#?}\n{text}"));
    assert_eq!(again, imported.agreement, "{text}");
    assert_eq!(import().unwrap(), imported, "the same each time");
    imported
}

/// What was not said, each on what.
pub(crate) fn told(imported: &Imported) -> Vec<(&'static str, &str)> {
    imported.unexpressed.iter().map(|one| (one.code, one.at.as_str())).collect()
}

/// The codes of that, sorted.
pub(crate) fn codes(imported: &Imported) -> Vec<&'static str> {
    let code = |one: &Unexpressed| one.code;
    let mut all: Vec<_> = imported.unexpressed.iter().map(code).collect();
    all.sort_unstable();
    all
}
