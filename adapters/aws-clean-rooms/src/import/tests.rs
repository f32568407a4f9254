//! What Airlock made comes back as the agreement it was made of, as far as the platform says it; what others made is taken up as
//! narrowly as it runs there, and everything else of it is named.

#![expect(clippy::too_many_lines, reason = "everything that an agreement takes is one story")]

mod others;

use super::found::{Asked, Collaboration, Custom, Entry, Own, Place, Shared, TableRule, Text};
use super::*;
use crate::wanted::Wanted;
use mappings::agreement::{read, written};
use mappings::guard::guard;
use mappings::model::{ColumnType, ColumnUse, DatasetName};
use proptest::prelude::*;

/// Everything that an agreement takes, as it would lie on the platform.
fn lying(agreement: &Arc<Agreement>) -> Found {
    let all = wanted(&Desired::whole(Arc::clone(agreement)));
    let mut found = Found { region: "eu-central-1".to_owned(), ..Found::default() };
    for (n, room) in all.rooms.values().enumerate() {
        let id = format!("00000000-0000-4000-8000-{n:012}");
        let arn = |alias: &str| {
            format!("arn:aws:cleanrooms:eu-central-1:0:membership/{n}/analysistemplate/{alias}")
        };
        let creator = room.parties[&room.runner].account.clone();
        let tables = room.datasets.iter().map(|(name, receivers)| {
            let table = &all.tables[name];
            let every = all.rooms.values().enumerate().flat_map(|(n, room)| {
                let touching = room.templates.values().filter(|text| text.touches.contains(name));
                touching.map(move |text| {
                    format!(
                        "arn:aws:cleanrooms:eu-central-1:0:membership/{n}/analysistemplate/{}",
                        text.alias
                    )
                })
            });
            let rule = table.controls.allowing(every.collect());
            let owner = agreement.members[&table.owner].identity.values().next().unwrap().clone();
            let place = Place {
                table: format!("table-{name}"),
                named: table.name.clone(),
                glue: Some((table.database.clone(), table.glue.clone())),
                kind: "glue".to_owned(),
                columns: table.columns.iter().cloned().collect(),
                caps: vec![(all.budget.period.clone(), all.budget.uses, true)],
                further: BTreeSet::new(),
            };
            let own = found.own.entry(owner.clone()).or_default();
            own.places.insert((id.clone(), name.to_string()), place);
            Shared {
                name: name.to_string(),
                creator: owner,
                kind: "TABLE".to_owned(),
                columns: native(agreement, name),
                rule: Some(TableRule::Custom(Custom {
                    rule,
                    compares: true,
                    further: BTreeSet::new(),
                })),
                receivers: Some(receivers.clone()),
                further: BTreeSet::new(),
            }
        });
        let tables = tables.collect();
        let templates = room.templates.values().map(|text| Text {
            name: text.alias.clone(),
            arn: arn(&text.alias),
            creator: creator.clone(),
            sql: Some(text.sql.clone()),
            parameters: text
                .parameters
                .iter()
                .map(|p| Asked {
                    name: p.name.clone(),
                    r#type: p.r#type.clone(),
                    default: p.default.clone(),
                })
                .collect(),
            further: BTreeSet::new(),
        });
        let members = room.parties.values().map(|party| Entry {
            account: party.account.clone(),
            display: party.display.clone(),
            status: "ACTIVE".to_owned(),
            queries: party.queries,
            receives: party.receives,
            pays: party.pays,
            further: BTreeSet::new(),
        });
        found.collaborations.push(Collaboration {
            id: id.clone(),
            name: room.name.clone(),
            description: String::new(),
            members: members.collect(),
            result_regions: room.result_regions.clone(),
            tables,
            templates: templates.collect(),
            creator,
            further: BTreeSet::new(),
        });
    }
    found
}

/// Physical columns with their types there.
fn native(agreement: &Agreement, name: &DatasetName) -> Vec<(String, String)> {
    let kind = |of: ColumnType| match of {
        ColumnType::Int64 => "bigint",
        ColumnType::Float64 => "double",
        ColumnType::Utf8 => "string",
        ColumnType::Boolean => "boolean",
        ColumnType::Date => "date",
        ColumnType::Timestamp => "timestamp",
        ColumnType::Binary => "binary",
    };
    let dataset = &agreement.datasets[name];
    let columns = dataset.columns.values().map(|column| match &column.r#use {
        ColumnUse::Match { keys } => (keys[0].from.clone(), keys[0].r#type),
        ColumnUse::Dimension | ColumnUse::Measure { .. } | ColumnUse::Filter => {
            (column.from.clone(), column.r#type)
        }
    });
    let rows = dataset.rows.iter().map(|row| (row.from.clone(), row.r#type));
    let consent = dataset.consent.iter().map(|consent| (consent.from.clone(), consent.r#type));
    columns
        .chain(rows)
        .chain(consent)
        .map(|(from, of)| (from.to_ascii_lowercase(), kind(of).to_owned()))
        .collect()
}

fn ask(agreement: &Agreement) -> Import {
    let account = |(name, member): (&MemberId, &mappings::model::Member)| {
        Some((name.clone(), member.identity.values().next()?.clone()))
    };
    Import {
        accounts: agreement.members.iter().filter_map(account).collect(),
        destinations: agreement.destinations.clone(),
        ..Import::default()
    }
}

/// An import whose file says the same, and whose templates all pass.
fn imported(found: &Found, ask: &Import) -> Imported {
    let imported = import(found, ask).unwrap();
    let text = written(&imported.agreement, &imported.remarks);
    let again = read(&text).unwrap_or_else(|wrong| panic!("{wrong:#?}\n{text}"));
    assert_eq!(again, imported.agreement, "{text}");
    for name in again.templates.keys() {
        guard(&again, name).unwrap_or_else(|refused| panic!("{name}: {refused:?}\n{text}"));
    }
    assert_eq!(import(found, ask).unwrap(), imported, "the same each time");
    imported
}

/// What an agreement takes there, without the digests of its templates, which are of their own words.
fn takes(agreement: &Agreement) -> Wanted {
    let mut all = wanted(&Desired::whole(Arc::new(agreement.clone())));
    for text in all.rooms.values_mut().flat_map(|room| room.templates.values_mut()) {
        text.description.clear();
    }
    all
}

fn codes(imported: &Imported) -> Vec<(&'static str, &str)> {
    imported.unexpressed.iter().map(|one| (one.code, one.at.as_str())).collect()
}

const AGREEMENT: &str = "agreement: v1
collaboration: spring
residency: [eu-central-1]
members:
  grocer: { name: grocer, abilities: [contribute], identity: { aws-clean-rooms: '111111111111' } }
  brand: { name: brand, abilities: [contribute, run, receive], identity: { aws-clean-rooms: '222222222222' } }
rooms: [{ platform: aws-clean-rooms, region: eu-central-1 }]
datasets:
  sales:
    owner: grocer
    at: { aws-clean-rooms: { glue: { database: grocer, table: sales } } }
    entity: person
    columns:
      person: { from: email_hash, type: utf8, use: match, key: person, hashed: sha256-hex }
      segment: { type: utf8, use: dimension }
      amount: { type: float64, use: measure, aggregates: [sum] }
      store: { from: store_no, type: int64, use: filter }
    rule: { entities_min: 100, join: required }
    rows: [{ from: country, type: utf8, any_of: [DE, FR] }]
  seen:
    owner: brand
    at: { aws-clean-rooms: { glue: { database: brand, table: seen } } }
    entity: person
    columns:
      person: { from: mail_hash, type: utf8, use: match, key: person, hashed: sha256-hex }
      campaign: { type: utf8, use: dimension }
    rule: { entities_min: 1 }
templates:
  reach:
    class: aggregate
    sql: |-
      SELECT e.campaign, s.segment, COUNT(DISTINCT s.person) AS people, SUM(s.amount) AS amount
      FROM sales s JOIN seen e ON s.person = e.person
      WHERE s.store = :store
      GROUP BY e.campaign, s.segment
    parameters: { store: { type: int64, min: 1, max: 99, default: 4 } }
    run_by: [brand]
    received_by: [brand]
limits: { runs_max: 7, within: 24h }
destinations: { brand: 's3://brand-results/airlock' }
";

fn of(from: &str, to: &str) -> Arc<Agreement> {
    assert!(AGREEMENT.contains(from), "{from}");
    Arc::new(read(&AGREEMENT.replace(from, to)).unwrap_or_else(|wrong| panic!("{wrong:#?}")))
}

#[test]
fn an_agreement_comes_back_as_it_was_but_for_the_words_of_its_templates() {
    let agreement = of("collaboration", "collaboration");
    let imported = imported(&lying(&agreement), &ask(&agreement));
    assert!(imported.is_own && imported.unexpressed.is_empty(), "{imported:#?}");
    let mut same = (*agreement).clone();
    for (name, template) in &mut same.templates {
        template.sql.clone_from(&imported.agreement.templates[name].sql);
    }
    assert_eq!(imported.agreement, same);
    assert_eq!(takes(&imported.agreement), takes(&agreement));
}

#[test]
fn what_the_platform_does_not_say_is_chosen_narrowly_and_remarked() {
    // Nothing reads the segment: what may be done with it is not known.
    let unread = of("e.campaign, s.segment", "e.campaign");
    let found = imported(&lying(&unread), &ask(&unread));
    let column =
        &found.agreement.datasets.values().next().unwrap().columns[&"segment".parse().unwrap()];
    assert_eq!(
        column.r#use,
        ColumnUse::Measure { aggregates: [mappings::model::Aggregate::Count].into() }
    );
    assert_eq!(takes(&found.agreement), takes(&unread));
    // Consent is a row filter there.
    let consent = of(
        "    rows: [{ from: country, type: utf8, any_of: [DE, FR] }]",
        "    consent: { from: ads_ok, granted: ['yes'] }",
    );
    let found = imported(&lying(&consent), &ask(&consent));
    assert!(found.remarks.contains_key("datasets.sales.rows"));
    assert_eq!(takes(&found.agreement), takes(&consent));
    // Without a place that was told, one is chosen.
    let agreement = of("collaboration", "collaboration");
    let untold = Import { destinations: BTreeMap::new(), ..ask(&agreement) };
    let found = imported(&lying(&agreement), &untold);
    assert_eq!(found.agreement.destinations.values().collect::<Vec<_>>(), ["results/brand"]);
    assert!(found.remarks.contains_key("destinations.brand"));
}

#[test]
fn a_text_that_was_changed_is_left_out_and_named() {
    let agreement = of("collaboration", "collaboration");
    let mut found = lying(&agreement);
    for text in found.collaborations.iter_mut().flat_map(|room| &mut room.templates) {
        // Fewer entities than the rule of a dataset asks for.
        text.sql = text.sql.take().map(|sql| sql.replace(">= 100", ">= 5"));
    }
    let imported = imported(&found, &ask(&agreement));
    assert!(imported.agreement.templates.is_empty());
    assert!(codes(&imported).iter().any(|(code, _)| *code == "template-differs"), "{imported:#?}");
}

#[test]
fn a_part_that_was_not_seen_is_named_and_nothing_of_it_is_guessed() {
    let agreement = of("collaboration", "collaboration");
    let mut found = lying(&agreement);
    found.own.remove("111111111111");
    found.unseen.push(("member grocer".to_owned(), "access-denied".to_owned()));
    let imported = imported(&found, &ask(&agreement));
    assert!(imported.agreement.datasets.is_empty() && imported.agreement.templates.is_empty());
    let known = codes(&imported);
    for code in ["not-seen", "not-operated", "template-table", "table-unread", "made-anew"] {
        assert!(known.iter().any(|(one, _)| *one == code), "{code}: {known:?}");
    }
    assert!(!imported.is_own);
}

/// One of the agreements that Airlock can hold there and read back.
fn agreements() -> impl Strategy<Value = Arc<Agreement>> {
    let key = prop::sample::select(vec![
        "type: utf8, use: match, key: person, hashed: sha256-hex",
        "type: utf8, use: match, key: person, normalise: none",
        "type: int64, use: match, key: person",
        "type: binary, use: match, key: person, hashed: sha256-bytes",
    ]);
    let least = prop::sample::select(vec!["1", "2", "100", "5000"]);
    let filter = prop::sample::select(vec![
        "",
        "    rows: [{ from: country, type: utf8, any_of: ['DE', 'it''s'] }]\n",
        "    rows: [{ from: year, type: int64, min: -3, max: 2020 }, { from: year, type: int64, any_of: [7] }, { from: joined_on, type: date, min: '2020-01-01' }]\n",
        "    consent: { from: ads_ok, type: boolean, granted: [true] }\n",
    ]);
    let sql = prop::sample::select(vec![
        "SELECT e.campaign, COUNT(DISTINCT s.person) AS people FROM sales s JOIN seen e ON s.person = e.person GROUP BY e.campaign",
        "SELECT s.segment, SUM(s.amount) AS n, AVG(s.amount) AS a FROM seen e JOIN sales s ON e.person = s.person WHERE s.store IN (1, 2) OR s.segment LIKE 'a%' GROUP BY s.segment HAVING n > 3.5 ORDER BY n DESC LIMIT 9",
        "WITH f AS (SELECT s.person, COUNT(*) AS visits FROM sales s GROUP BY s.person) SELECT CASE WHEN f.visits > 5 THEN 'many' ELSE 'few' END AS bucket, COUNT(DISTINCT e.person) AS people FROM f JOIN seen e ON f.person = e.person GROUP BY bucket",
        "WITH r AS (SELECT e.campaign, SUM(s.amount) AS n FROM sales s JOIN seen e ON s.person = e.person GROUP BY e.campaign) SELECT r.campaign, r.n / 2 AS half, ROUND(r.n * 1.5, 2) AS more, RANK() OVER (ORDER BY r.n DESC) AS place FROM r WHERE NOT (r.n < 4 AND r.campaign <> 'x')",
        "SELECT e.campaign, LENGTH(e.campaign) AS l, SUBSTR(CONCAT(e.campaign, 'x'), 1, 3) AS c, COUNT(*) AS n FROM sales s JOIN seen e ON s.person = e.person AND s.segment = e.campaign GROUP BY 1, 2, 3",
    ]);
    let caps = prop::sample::select(vec!["7, within: 24h", "1, within: 7d", "100, within: 31d"]);
    let people = prop::sample::select(vec![
        ("[brand]", "[brand]"),
        ("[brand]", "[brand, grocer]"),
        ("[brand, grocer]", "[grocer]"),
    ]);
    let pays = prop::bool::ANY;
    (key, least.clone(), least, filter, sql, caps, people, pays).prop_map(
        |(key, one, two, filter, sql, caps, (run, receive), pays)| {
            let mut text = AGREEMENT.to_owned();
            text = text.replace("type: utf8, use: match, key: person, hashed: sha256-hex", key);
            text = text.replace(
                "{ entities_min: 100, join: required }",
                &format!("{{ entities_min: {one}, join: required }}"),
            );
            text = text.replace("{ entities_min: 1 }", &format!("{{ entities_min: {two} }}"));
            text = text
                .replace("    rows: [{ from: country, type: utf8, any_of: [DE, FR] }]\n", filter);
            text = text.replace("aggregates: [sum]", "aggregates: [sum, avg]");
            let begin = text.find("    sql: ").unwrap();
            let end = text.find("    parameters:").unwrap();
            text.replace_range(begin..end, &format!("    sql: \"{sql}\"\n"));
            text = text.replace("runs_max: 7, within: 24h", &format!("runs_max: {caps}"));
            text = text.replace("run_by: [brand]", &format!("run_by: {run}"));
            text = text.replace("received_by: [brand]", &format!("received_by: {receive}"));
            let more = if pays { "run, receive, pay" } else { "run, receive" };
            text = text.replace(
                "name: grocer, abilities: [contribute]",
                &format!("name: grocer, abilities: [contribute, {more}]"),
            );
            text = text.replace(
                "destinations: {",
                "destinations: { grocer: 's3://grocer-results/airlock',",
            );
            Arc::new(read(&text).unwrap_or_else(|wrong| panic!("{wrong:#?}\n{text}")))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn what_an_agreement_takes_makes_an_agreement_that_takes_the_same(agreement in agreements()) {
        let imported = imported(&lying(&agreement), &ask(&agreement));
        prop_assert_eq!(takes(&imported.agreement), takes(&agreement));
        prop_assert!(imported.is_own && imported.unexpressed.is_empty(), "{:#?}", imported.unexpressed);
    }
}
