//! What Airlock made comes back with the terms that its views and policies hold; what others made is taken up as it lies, and
//! everything else of it is named.

use super::found::{Found, Share};
use super::*;
use crate::entry::spelled;
use crate::import::samples::{self, agreed, ask, asked, codes, told};
use crate::import::{Object, Policy};
use crate::names;
use crate::shares::call::Guarded;
use crate::shares::mark::Mark;
use crate::shares::wanted::Wanted;
use mappings::agreement::written;
use mappings::model::{Ability, Agreement, ColumnUse, Digest};
use proptest::prelude::*;
use std::sync::Arc;

const DATABASE: &str = "AIRLOCK";

fn text() -> String {
    samples::AGREEMENT.replace("PLATFORM", "snowflake")
}

/// The view of an offer, as the platform shows it.
fn object(offer: &Offer) -> Object {
    let put = offer.put(DATABASE);
    let policies = put.guarded.iter().map(|Guarded { entities_min, key }| Policy {
        kind: "AGGREGATION".to_owned(),
        path: [put.path[0].clone(), put.path[1].clone(), names::minimum(*entities_min)],
        column: None,
        takes: vec![key.clone()],
        body: format!("AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => {entities_min})"),
    });
    Object {
        policies: policies.collect(),
        path: put.path.clone(),
        is_view: true,
        secure: true,
        text: put.sql().as_text().unwrap().to_owned(),
        comment: put.comment.clone(),
        columns: offer.view.columns().iter().map(|c| (c.clone(), "VARCHAR".to_owned())).collect(),
    }
}

/// Everything that an agreement takes, as it would lie on the platform.
fn lying(agreement: &Arc<Agreement>) -> Found {
    lies(agreement, &wanted(&Desired::whole(Arc::clone(agreement))))
}

fn lies(agreement: &Agreement, all: &Wanted) -> Found {
    let mut found = Found { region: "AWS_US_EAST_1".to_owned(), ..Found::default() };
    let mark = Mark::of(&agreement.collaboration);
    for offer in all.offers.values() {
        if offer.is_own() {
            let runs = found.runs.entry(offer.provider.clone()).or_default();
            runs.objects.push(object(offer));
        } else {
            found.shares.push(Share {
                owner: offer.provider.clone(),
                name: offer.share(),
                mark: Some(mark.clone()),
                to: [offer.consumer.clone()].into(),
                objects: vec![object(offer)],
                ..Share::default()
            });
            let mounted =
                offer.mounted(DATABASE, &names::mount(&agreement.collaboration, &offer.dataset));
            let runs = found.runs.entry(offer.consumer.clone()).or_default();
            runs.objects.push(Object {
                path: mounted.path.clone(),
                is_view: true,
                secure: true,
                text: mounted.sql().as_text().unwrap().to_owned(),
                comment: mounted.comment.clone(),
                ..Object::default()
            });
        }
    }
    for (runner, held) in &all.runners {
        let account = agreement.members[runner].identity.values().next().unwrap().clone();
        let mark = mark.listing(&held.templates, &held.texts);
        let runs = found.runs.entry(account).or_default();
        (runs.member, runs.mark) = (Some(runner.clone()), Some(mark));
    }
    for dataset in agreement.datasets.values() {
        let [database, schema, table] =
            crate::entry::table(&PlatformId::snowflake(), dataset).unwrap();
        let keys = dataset.columns.values().filter_map(|column| match &column.r#use {
            ColumnUse::Match { keys } => {
                Some((keys[0].from.clone(), spelled(keys[0].r#type).to_owned()))
            }
            ColumnUse::Dimension | ColumnUse::Measure { .. } | ColumnUse::Filter => None,
        });
        found.tables.insert(vec![database, schema, table], keys.collect());
    }
    found
}

/// An import whose file says the same.
fn imported(found: &Found, ask: &Import) -> Imported {
    samples::imported(|| import(found, ask))
}

#[test]
fn an_agreement_comes_back_whole() {
    let agreement = agreed(&text());
    let imported = imported(&lying(&agreement), &ask(&agreement));
    assert_eq!((&imported.agreement, told(&imported)), (&*agreement, Vec::new()));
    assert!(imported.is_own);
}

#[test]
fn what_has_no_text_or_no_terms_beside_it_is_named() {
    let agreement = agreed(&text());
    let whole = lying(&agreement);
    let share = "share ACME.PROVIDER.AIRLOCK$SPRING$SALES$BRAND_NORTH";
    let mut found = whole.clone();
    found.runs.values_mut().filter_map(|runs| runs.mark.as_mut()).for_each(|one| one.texts.clear());
    let without = imported(&found, &ask(&agreement));
    let mut same = (*agreement).clone();
    same.templates.clear();
    same.destinations.clear();
    assert_eq!((&without.agreement, without.is_own), (&same, false));
    assert_eq!(told(&without), [("made-anew", share), ("template-text-missing", "template reach")]);
    assert!(without.unexpressed.iter().all(|one| !one.wider));
    // A text that is not of the version that is listed is nobody's.
    let mut found = whole.clone();
    for mark in found.runs.values_mut().filter_map(|runs| runs.mark.as_mut()) {
        mark.texts.values_mut().for_each(|text| text.sql.push(' '));
    }
    assert_eq!(imported(&found, &ask(&agreement)), without);
    // Terms of another version than the view's are nobody's.
    let mut found = whole.clone();
    let view = &mut found.shares[0].objects[0];
    let mark = Mark { terms: Some(Digest::of(b"another")), ..Mark::whose(&view.comment).unwrap() };
    view.text = view.text.replace(&literal(&view.comment), &literal(&mark.text()));
    view.comment = mark.text();
    let other = imported(&found, &ask(&agreement));
    assert_eq!((codes(&other), other.is_own), (vec!["made-anew", "terms-missing"], false));
    // A view without terms is read as it stands: what can't be read from it is said.
    let mut found = whole;
    let view = &mut found.shares[0].objects[0];
    let mark = Mark { dataset: None, ..Mark::whose(&view.comment).unwrap() };
    view.text = view.text.replace(&literal(&view.comment), &literal(&mark.text()));
    view.comment = mark.text();
    let bare = imported(&found, &ask(&agreement));
    assert_eq!(codes(&bare), ["made-anew", "terms-missing"]);
    let sales = &bare.agreement.datasets[&"sales".parse().unwrap()];
    assert_eq!((sales.rule.entities_min, &sales.rule.receivers), (100, &None));
}

fn literal(text: &str) -> String {
    let sql = Sql::new("").text(text);
    sql.as_text().unwrap().to_owned()
}

#[test]
fn who_is_called_otherwise_is_asked_for() {
    let agreement = agreed(&text());
    let other = asked([("shop", "ACME.PROVIDER"), ("brand-north", "ACME.CONSUMER")]);
    let imported = imported(&lying(&agreement), &other);
    assert!(!imported.agreement.datasets.contains_key(&"sales".parse().unwrap()));
    let codes = codes(&imported);
    assert!(codes.contains(&"member-unnamed") && !imported.is_own, "{codes:?}");
}

#[test]
fn what_was_withdrawn_of_a_dataset_stays_withdrawn() {
    let agreement = agreed(&text());
    let mut desired = Desired::whole(Arc::clone(&agreement));
    desired.hidden.insert(("sales".parse().unwrap(), "store".parse().unwrap()));
    let imported = imported(&lies(&agreement, &wanted(&desired)), &ask(&agreement));
    let mut same = (*agreement).clone();
    let sales = same.datasets.get_mut(&"sales".parse().unwrap()).unwrap();
    sales.columns.remove(&"store".parse().unwrap());
    assert_eq!((&imported.agreement, imported.is_own), (&same, false));
}

#[test]
fn a_view_that_was_changed_is_left_out_and_named() {
    let agreement = agreed(&text());
    let whole = lying(&agreement);
    let changed: [fn(&mut Object); 8] = [
        |view| view.text = view.text.replace("'FR'", "'GB'").replace("IN (", "NOT IN ("),
        |view| view.text.push_str(" OR TRUE"),
        |view| view.policies.clear(),
        |view| view.policies[0].body = "NO_AGGREGATION_CONSTRAINT()".to_owned(),
        |view| view.secure = false,
        |view| view.comment.clear(),
        |view| view.policies.push(Policy { kind: "ROW_ACCESS".to_owned(), ..Policy::default() }),
        |view| view.text = view.text.replace("\nFROM ", "\n FROM "),
    ];
    for (n, change) in changed.iter().enumerate() {
        let mut found = whole.clone();
        change(&mut found.shares[0].objects[0]);
        let imported = imported(&found, &ask(&agreement));
        assert_eq!(imported.agreement.datasets.len(), 1, "{n}: {imported:#?}");
        let told = told(&imported);
        assert!(told.iter().any(|(code, _)| code.starts_with("view-")), "{n}: {told:?}");
    }
}

#[test]
fn a_filter_that_was_loosened_by_its_owner_is_what_is_there() {
    // The statement is Airlock's form; what it lets in is said, not what was agreed.
    let agreement = agreed(&text());
    let mut found = lying(&agreement);
    let view = &mut found.shares[0].objects[0];
    view.text = view.text.replace("'FR'", "'GB'");
    let imported = imported(&found, &ask(&agreement));
    assert!(codes(&imported).contains(&"terms-missing") && !imported.is_own);
    let text = written(&imported.agreement, &imported.remarks);
    assert!(text.contains("\"GB\"") && !text.contains("\"FR\""), "{text}");
}

/// A share that hands made.
fn by_hand() -> Found {
    let column = |name: &str, of: &str| (name.to_owned(), of.to_owned());
    let policy = |kind: &str, column: Option<&str>, takes: &[&str], body: &str| Policy {
        kind: kind.to_owned(),
        path: ["POLICIES", "P", kind].map(ToOwned::to_owned),
        column: column.map(ToOwned::to_owned),
        takes: takes.iter().map(|one| (*one).to_owned()).collect(),
        body: body.to_owned(),
    };
    let object = Object {
        path: ["RETAIL", "SHARED", "Customer$View"].map(ToOwned::to_owned),
        is_view: true,
        secure: true,
        text: "create view x as select * from t where region <> 'EU'".to_owned(),
        comment: String::new(),
        columns: vec![
            column("EMAIL", "VARCHAR(200)"),
            column("Segment Name", "VARCHAR(16777216)"),
            column("SPENT", "NUMBER(12,2)"),
            column("NOTE", "VARCHAR(9) COLLATE 'en-ci'"),
            column("AT", "TIMESTAMP_LTZ(9)"),
            column("SECRET", "VARCHAR(9)"),
            column("A\u{202e}B", "VARCHAR(9)"),
        ],
        policies: vec![
            policy("AGGREGATION", None, &["EMAIL"], "AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 25)"),
            policy("MASKING", Some("SEGMENT"), &[], ""),
            policy("PROJECTION", Some("SECRET"), &[], "PROJECTION_CONSTRAINT(ALLOW => false)"),
            policy("ROW_ACCESS", None, &["SPENT"], ""),
        ],
    };
    Found {
        region: "AWS_US_EAST_1".to_owned(),
        shares: vec![Share {
            owner: "ACME.PROVIDER".to_owned(),
            name: "Retail 2026".to_owned(),
            mark: None,
            to: ["ACME.CONSUMER", "OTHER.ONE"].map(ToOwned::to_owned).into(),
            objects: vec![object],
            further: ["USAGE ON FUNCTION".to_owned(), "to a listing".to_owned()].into(),
        }],
        ..Found::default()
    }
}

fn ask_by_hand() -> Import {
    asked([("grocer", "ACME.PROVIDER"), ("brand", "ACME.CONSUMER")])
}

#[test]
fn what_hands_made_is_the_shared_thing_itself_and_all_else_is_named() {
    let imported = imported(&by_hand(), &ask_by_hand());
    let agreement = &imported.agreement;
    assert_eq!(agreement.collaboration.as_str(), "retail-2026");
    let members: Vec<(&str, bool)> = agreement
        .members
        .iter()
        .map(|(name, one)| (name.as_str(), one.abilities.contains(&Ability::Run)))
        .collect();
    assert_eq!(members, [("brand", true), ("grocer", false), ("other-one", true)]);
    let dataset = &agreement.datasets[&"customer_view".parse().unwrap()];
    let place = mappings::model::Location::Name("RETAIL.SHARED.Customer$View".to_owned());
    assert_eq!(dataset.at.values().collect::<Vec<_>>(), [&place]);
    assert_eq!((dataset.entity.as_str(), dataset.rule.entities_min), ("email", 25));
    let uses: Vec<(&str, &ColumnUse)> =
        dataset.columns.iter().map(|(name, one)| (name.as_str(), &one.r#use)).collect();
    assert!(
        matches!(
            uses.as_slice(),
            [
                ("email", ColumnUse::Match { .. }),
                ("secret", ColumnUse::Filter),
                ("segment_name", ColumnUse::Dimension),
                ("spent", ColumnUse::Measure { .. })
            ]
        ),
        "{uses:?}"
    );
    assert_eq!(
        codes(&imported),
        [
            "column-name",
            "column-type",
            "column-type",
            "made-anew",
            "policy-stays",
            "policy-stays",
            "policy-stays",
            "share-grant",
            "share-grant",
            "share-lets-queries"
        ]
    );
    let shown = format!("{:?}", imported.unexpressed);
    assert!(!shown.contains('\u{202e}') && !shown.contains("en-ci") && !shown.contains("EU'"));
    assert!(imported.unexpressed.iter().any(|one| {
        one.change
            .ends_with("ALTER SHARE \"Retail 2026\" REMOVE ACCOUNTS = ACME.CONSUMER, OTHER.ONE;")
    }));
}

#[test]
fn what_would_be_weaker_is_left_out() {
    let with = |change: &dyn Fn(&mut Object)| {
        let mut found = by_hand();
        change(&mut found.shares[0].objects[0]);
        imported(&found, &ask_by_hand())
    };
    let is_out = |found: &Imported, code: &str| {
        assert!(found.agreement.datasets.is_empty(), "{code}: {found:#?}");
        assert!(told(found).iter().any(|(one, _)| *one == code), "{code}: {found:#?}");
        assert!(found.unexpressed.iter().filter(|one| one.code == code).all(|one| one.wider));
    };
    let private = Policy { kind: "PRIVACY".to_owned(), ..Policy::default() };
    is_out(&with(&|one| one.policies.push(private.clone())), "policy-narrower");
    is_out(&with(&|one| drop(one.policies.remove(0))), "table-no-entity");
    is_out(&with(&|one| one.policies[1].column = Some("EMAIL".to_owned())), "table-no-entity");
    is_out(&with(&|one| one.columns[0].1 = "FLOAT".to_owned()), "table-no-entity");
    for name in ["a.b", "x\"; DROP TABLE y", "it's", "", "é"] {
        is_out(&with(&|one| one.path[2] = name.to_owned()), "table-source");
    }
    // A policy that says anything but a number is no number.
    let unclear = with(&|one| {
        one.policies[0].body = "CASE WHEN TRUE THEN NO_AGGREGATION_CONSTRAINT() END".to_owned();
    });
    let dataset = unclear.agreement.datasets.values().next().unwrap();
    assert_eq!(dataset.rule.entities_min, 100);
    let count = |code| unclear.unexpressed.iter().filter(|one| one.code == code).count();
    assert_eq!((count("policy-stays"), count("threshold-unread")), (4, 1));
    // Without a policy whoever imports says whose rows they are.
    let mut found = by_hand();
    found.shares[0].objects[0].policies.clear();
    let entity = ("customer_view".parse().unwrap(), "EMAIL".to_owned());
    let said = Import { entities: [entity].into(), ..ask_by_hand() };
    let said = imported(&found, &said);
    let dataset = said.agreement.datasets.values().next().unwrap();
    assert_eq!((dataset.entity.as_str(), dataset.rule.entities_min), ("email", 100));
}

#[test]
fn what_was_not_seen_and_what_was_not_named_is_told() {
    let agreement = agreed(&text());
    let mut found = lying(&agreement);
    found.unseen.push(("member grocer".to_owned(), "access-refused".to_owned()));
    found.beside.insert("ACME.PROVIDER.AIRLOCK$SPRING$MORE$BRAND_NORTH".to_owned());
    let imported = imported(&found, &ask(&agreement));
    let told = told(&imported);
    assert!(told.contains(&("not-seen", "member grocer")), "{told:?}");
    let beside = ("beside", "share ACME.PROVIDER.AIRLOCK$SPRING$MORE$BRAND_NORTH");
    assert!(told.contains(&beside), "{told:?}");
}

#[test]
fn a_share_is_named_by_its_account_and_itself() {
    let named = look::named;
    let pair = |account: &str, name: &str| Some((account.to_owned(), name.to_owned()));
    assert_eq!(named("acme.provider.SALES"), pair("ACME.PROVIDER", "SALES"));
    assert_eq!(named("ACME.PROVIDER.\"a.b\"\"c\""), pair("ACME.PROVIDER", "a.b\"c"));
    for other in ["", "SALES", "ACME.PROVIDER", "A.B.C.D", "ACME.PROVIDER.\"x", "a b.c.d"] {
        assert_eq!(named(other), None, "{other}");
    }
}

/// One of the agreements that Airlock can hold there and read back, with what it is read back as.
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
        "    rows: [{ from: COUNTRY, type: utf8, any_of: ['DE', 'it''s', '\\'] }]\n",
        "    rows: [{ from: YEAR, type: int64, min: -3, max: 2020 }, { from: YEAR, type: int64, any_of: [7] }, { from: 'Joined on', type: date, min: '2020-01-01' }]\n",
        "    rows: [{ from: RATE, type: float64, min: 0.5, max: 12345.5 }, { from: OK, type: boolean, any_of: [true] }, { from: AT, type: timestamp, max: '2026-01-02T03:04:05Z' }]\n",
    ]);
    let segment = prop::sample::select(vec!["SEGMENT", "a b", "Größe"]);
    (key, least.clone(), least, filter, segment).prop_map(|(key, one, two, filter, segment)| {
        let mut text = text();
        text = text.replace("type: utf8, use: match, key: person, hashed: sha256-hex", key);
        text = text.replace("entities_min: 100", &format!("entities_min: {one}"));
        text = text.replace("entities_min: 1,", &format!("entities_min: {two},"));
        text =
            text.replace("    rows: [{ from: COUNTRY, type: utf8, any_of: [DE, FR] }]\n", filter);
        let from = format!("from: '{}'", segment.replace('\'', "''"));
        agreed(&text.replace("from: SEGMENT", &from))
    })
}

proptest! {
    #[test]
    fn any_agreement_comes_back(agreement in agreements()) {
        let found = imported(&lying(&agreement), &ask(&agreement));
        prop_assert_eq!((&found.agreement, found.is_own), (&*agreement, true));
    }
}
