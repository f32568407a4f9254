//! What Airlock made comes back with the terms that its views and offerings hold; what others made is taken up as it lies, and
//! everything else of it is named.

use super::found::{Offered, Text};
use super::*;
use crate::collaboration::plan::view_sql;
use crate::collaboration::seen::{Runner, Spec};
use crate::collaboration::told;
use crate::collaboration::yaml::{self, Tree};
use crate::import::Object;
use crate::import::samples::{self, agreed, ask, asked, codes};
use mappings::model::{Agreement, ColumnUse};
use proptest::prelude::*;
use std::sync::Arc;

const DATABASE: &str = "AIRLOCK";

fn text() -> String {
    samples::AGREEMENT.replace("PLATFORM", "snowflake-dcr")
}

/// A template as it is listed.
fn listed(spec: &str) -> Text {
    let tree = yaml::read(spec).unwrap();
    let part = |name: &str| tree.get(name).and_then(Tree::text).unwrap_or_default().to_owned();
    let told = told::asked(&part("description"), &part("methodology"));
    Text { kind: part("type"), sql: part("template"), told }
}

/// Everything that an agreement takes, as it would lie on the platform.
fn lying(agreement: &Arc<Agreement>) -> Found {
    let all = wanted(&Desired::whole(Arc::clone(agreement)));
    let mut found = Found { region: "AWS_US_EAST_1".to_owned(), ..Found::default() };
    let schema = names::schema(&agreement.collaboration);
    for (name, offering) in &all.offerings {
        let path = [DATABASE, &schema, &offering.view].map(ToOwned::to_owned);
        let text = view_sql([DATABASE, &schema, &offering.view], &offering.entry);
        let is_key = |column: &String| {
            let of = offering.dataset.columns.iter().find(|(name, _)| name.as_str() == column);
            of.is_some_and(|(_, one)| matches!(one.r#use, ColumnUse::Match { .. }))
        };
        let category = |name: &String| if is_key(name) { "join_custom" } else { "passthrough" };
        let columns = offering.entry.columns().iter();
        let offered = Offered {
            alias: name.to_string(),
            columns: columns
                .clone()
                .map(|name| (name.clone(), category(name).to_owned()))
                .collect(),
            further: BTreeSet::new(),
            told: told::terms(&told::offering(name, &offering.dataset)),
            object: Some(Object {
                path,
                is_view: true,
                secure: true,
                text: text.as_text().unwrap().to_owned(),
                comment: String::new(),
                columns: columns.map(|name| (name.clone(), "VARCHAR".to_owned())).collect(),
                policies: Vec::new(),
            }),
        };
        let account = agreement.members[&offering.owner].identity.values().next().unwrap();
        found.offerings.insert((account.clone(), offering.id.clone()), vec![offered]);
    }
    for room in all.rooms.values() {
        let aliases = room.parties.iter();
        let aliases =
            aliases.map(|(member, account)| (names::alias(member), account.clone())).collect();
        let offered = |member: &MemberId| {
            let own = all.offerings.values().filter(|one| one.owner == *member);
            own.map(|one| one.id.clone()).collect()
        };
        let providers = room.providers.iter();
        let runner = Runner {
            providers: providers.map(|one| (names::alias(one), offered(one))).collect(),
            templates: room.templates.values().map(|said| said.id.clone()).collect(),
            receivers: BTreeSet::new(),
        };
        let owner = names::alias(&room.runner);
        let runners = [(owner.clone(), runner)].into();
        let templates = room.templates.values();
        let templates = templates.map(|said| (said.id.clone(), listed(&said.spec))).collect();
        let spec = Spec { owner, aliases, runners };
        let made = Room { spec, states: BTreeMap::new(), templates };
        found.rooms.insert(room.base.clone(), made);
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
    assert_eq!((&imported.agreement, codes(&imported)), (&*agreement, Vec::new()));
    assert!(imported.is_own);
}

#[test]
fn what_is_not_told_or_told_otherwise_is_named() {
    let agreement = agreed(&text());
    let whole = lying(&agreement);
    let with = |change: &dyn Fn(&mut Found)| {
        let mut found = whole.clone();
        change(&mut found);
        let imported = imported(&found, &ask(&agreement));
        assert!(!imported.is_own);
        (codes(&imported), imported.agreement)
    };
    let texts = |found: &mut Found, change: &dyn Fn(&mut Text)| {
        found.rooms.values_mut().flat_map(|room| room.templates.values_mut()).for_each(change);
    };
    let (codes, left) = with(&|found| texts(found, &|one| one.told = None));
    assert_eq!(codes, ["made-anew", "template-unheard"]);
    assert_eq!((left.datasets, left.templates.len()), (agreement.datasets.clone(), 0));
    let grocer: MemberId = "grocer".parse().unwrap();
    let wider = |one: &mut Text| {
        one.told.as_mut().unwrap().1.run_by.insert(grocer.clone());
    };
    let changed: [&dyn Fn(&mut Text); 3] =
        [&|one| one.sql.push(' '), &|one| one.told.as_mut().unwrap().1.sql.push(' '), &wider];
    for change in changed {
        let (codes, left) = with(&|found| texts(found, change));
        assert_eq!((codes, left.templates.len()), (vec!["made-anew", "template-differs"], 0));
        let runs = |member: &Member| member.abilities.contains(&Ability::Run);
        assert!(!runs(&left.members[&grocer]), "nobody may more by it");
    }
    // Looser terms are of another version than the one that is linked.
    let (codes, left) = with(&|found| {
        for one in found.offerings.values_mut().flatten() {
            one.told.as_mut().unwrap().rule.entities_min = 2;
        }
    });
    assert_eq!(
        codes,
        [
            "made-anew",
            "template-differs",
            "terms-missing",
            "terms-missing",
            "threshold-unread",
            "threshold-unread"
        ]
    );
    assert!(left.datasets.values().all(|one| one.rule.entities_min == 100));
}

#[test]
fn a_view_or_an_offering_that_was_changed_is_left_out_and_named() {
    let agreement = agreed(&text());
    let whole = lying(&agreement);
    let changed: [fn(&mut Offered); 6] = [
        |one| one.object.as_mut().unwrap().text.push_str(" OR TRUE"),
        |one| one.object.as_mut().unwrap().secure = false,
        |one| one.object.as_mut().unwrap().policies.push(crate::import::Policy::default()),
        |one| one.object.as_mut().unwrap().path[2].push('X'),
        |one| drop(one.columns.pop_first()),
        |one| one.alias.push('x'),
    ];
    for (n, change) in changed.iter().enumerate() {
        let mut found = whole.clone();
        change(&mut found.offerings.values_mut().next().unwrap()[0]);
        let imported = imported(&found, &ask(&agreement));
        assert_eq!(imported.agreement.datasets.len(), 1, "{n}: {imported:#?}");
        let told = codes(&imported);
        let is_named = |code: &&str| code.starts_with("view-") || code.starts_with("offering-");
        assert!(told.iter().any(is_named), "{n}: {told:?}");
    }
}

/// A collaboration that hands made, with one offering of two columns.
fn made_by_hand() -> Found {
    let object = Object {
        path: ["RETAIL", "SHARED", "BUYERS"].map(ToOwned::to_owned),
        columns: ["EMAIL", "SEGMENT", "SECRET"]
            .map(|name| (name.to_owned(), "VARCHAR(200)".to_owned()))
            .into(),
        ..Object::default()
    };
    let offered = Offered {
        alias: "buyers".to_owned(),
        columns: [("EMAIL", "join_standard"), ("SEGMENT", "passthrough")]
            .map(|(name, category)| (name.to_owned(), category.to_owned()))
            .into(),
        further: ["activation_allowed on SEGMENT".to_owned()].into(),
        told: None,
        object: Some(object),
    };
    let runner = Runner {
        providers: [("Shop_1", "buyers_v1"), ("other", "more_v1")]
            .map(|(alias, id)| (alias.to_owned(), [id.to_owned()].into()))
            .into(),
        templates: ["reach_v1".to_owned(), "gone_v1".to_owned()].into(),
        receivers: ["other".to_owned()].into(),
    };
    let aliases = [
        ("Shop_1", "ACME.PROVIDER"),
        ("media", "ACME.CONSUMER"),
        ("other", "ACME.OTHER"),
        ("left", "ACME.LEFT"),
        ("old", "XY12345"),
    ];
    let spec = Spec {
        owner: "media".to_owned(),
        aliases: aliases.map(|(alias, account)| (alias.to_owned(), account.to_owned())).into(),
        runners: [("media".to_owned(), runner)].into(),
    };
    let text = Text { kind: "sql_activation".to_owned(), sql: "BEGIN END".to_owned(), told: None };
    let room = Room {
        spec,
        states: [("left".to_owned(), State::Out)].into(),
        templates: [("reach_v1".to_owned(), text)].into(),
    };
    Found {
        region: "AWS_US_EAST_1".to_owned(),
        rooms: [("reach_2026".to_owned(), room)].into(),
        offerings: [(("ACME.PROVIDER".to_owned(), "buyers_v1".to_owned()), vec![offered])].into(),
        ..Found::default()
    }
}

#[test]
fn what_hands_made_is_the_offered_thing_itself_and_all_else_is_named() {
    let found = made_by_hand();
    let ask = asked([("shop", "ACME.PROVIDER"), ("media", "ACME.CONSUMER")]);
    let imported = imported(&found, &ask);
    let agreement = &imported.agreement;
    assert_eq!(agreement.collaboration.as_str(), "reach-2026");
    let members: Vec<(&str, &BTreeSet<Ability>)> =
        agreement.members.iter().map(|(name, one)| (name.as_str(), &one.abilities)).collect();
    let run = BTreeSet::from([Ability::Run, Ability::Receive]);
    let give = BTreeSet::from([Ability::Contribute]);
    let both = BTreeSet::from([Ability::Contribute, Ability::Receive]);
    assert_eq!(members, [("media", &run), ("other", &both), ("shop", &give)]);
    let dataset = &agreement.datasets[&"buyers".parse().unwrap()];
    assert_eq!((dataset.entity.as_str(), dataset.rule.entities_min), ("email", 100));
    let columns: Vec<&str> =
        dataset.columns.keys().map(mappings::model::ColumnName::as_str).collect();
    assert_eq!(columns, ["email", "segment"]);
    assert_eq!(
        codes(&imported),
        [
            "made-anew",
            "member-account",
            "member-gone",
            "not-operated",
            "not-seen",
            "offering-setting",
            "results-sent",
            "template-format",
            "threshold-unread"
        ]
    );
}

#[test]
fn a_collaboration_is_named_by_plain_signs() {
    assert_eq!(look::named("Reach_2026"), Some("reach_2026".to_owned()));
    for other in ["", "2026", "a b", "x'); DROP", "é", &"x".repeat(76)] {
        assert_eq!(look::named(other), None, "{other}");
    }
}

fn agreements() -> impl Strategy<Value = Arc<Agreement>> {
    let key = prop::sample::select(vec![
        "type: utf8, use: match, key: person, hashed: sha256-hex",
        "type: utf8, use: match, key: person, normalise: none",
        "type: binary, use: match, key: person, hashed: sha256-bytes",
    ]);
    let filter = prop::sample::select(vec![
        "",
        "    rows: [{ from: COUNTRY, type: utf8, any_of: ['DE', 'it''s'] }]\n",
        "    rows: [{ from: YEAR, type: int64, min: -3, max: 2020 }, { from: 'Joined on', type: date, min: '2020-01-01' }]\n",
    ]);
    (key, filter, "[a-z](-?[a-z0-9]){1,30}").prop_map(|(key, filter, name)| {
        let text = text().replace("type: utf8, use: match, key: person, hashed: sha256-hex", key);
        let text = text.replace("spring", &format!("a{name}"));
        agreed(
            &text.replace("    rows: [{ from: COUNTRY, type: utf8, any_of: [DE, FR] }]\n", filter),
        )
    })
}

proptest! {
    #[test]
    fn any_agreement_comes_back(agreement in agreements()) {
        let imported = imported(&lying(&agreement), &ask(&agreement));
        prop_assert_eq!((&imported.agreement, imported.is_own), (&*agreement, true));
    }
}
