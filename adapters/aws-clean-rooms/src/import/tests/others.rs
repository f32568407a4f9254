//! Collaborations that Airlock did not make: by hand, in a console, by somebody else's pipeline.

use super::super::found::Aggregation;
use super::*;
use crate::rule::Rule;
use mappings::model::TemplateName;

const OWNER: &str = "111111111111";
const RUNNER: &str = "222222222222";
const ROOM: &str = "0a1b2c3d-0000-4000-8000-0123456789ab";

fn set(all: &[&str]) -> BTreeSet<String> {
    all.iter().map(ToString::to_string).collect()
}

fn entry(account: &str, display: &str, runs: bool) -> Entry {
    let (account, display, status) = (account.to_owned(), display.to_owned(), "ACTIVE".to_owned());
    let further = BTreeSet::new();
    Entry { account, display, status, queries: runs, receives: runs, pays: runs, further }
}

fn custom(arns: &[&str], further: &[&str]) -> TableRule {
    let rule = Rule { analyses: set(arns), ..Rule::default() };
    TableRule::Custom(Custom { rule, compares: false, further: set(further) })
}

fn text(name: &str, sql: &str) -> Text {
    let (name, arn, creator) = (name.to_owned(), format!("arn:{name}"), RUNNER.to_owned());
    Text { name, arn, creator, sql: Some(sql.to_owned()), ..Text::default() }
}

/// A collaboration of two with these tables, each with its owner and rule, and these templates.
fn room(tables: &[(&str, &str, TableRule)], templates: Vec<Text>) -> Found {
    let mut found = Found { region: "eu-central-1".to_owned(), ..Found::default() };
    let columns = [
        ("id", "string"),
        ("city", "string"),
        ("amount", "double"),
        ("visits", "int"),
        ("tags", "array<string>"),
    ];
    let named = |all: &[(&str, &str)]| {
        all.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    };
    for account in [OWNER, RUNNER] {
        found.own.insert(account.to_owned(), Own::default());
    }
    let shared = tables.iter().map(|(name, owner, rule)| {
        let place = Place {
            table: format!("table-{name}"),
            named: format!("{name} of ours"),
            glue: Some(("shop".to_owned(), "t".to_owned() + &name.replace([' ', '-'], "_"))),
            kind: "glue".to_owned(),
            columns: columns.iter().map(|(column, _)| (*column).to_owned()).collect(),
            ..Place::default()
        };
        let own = found.own.get_mut(*owner).unwrap();
        own.places.insert((ROOM.to_owned(), (*name).to_owned()), place);
        Shared {
            name: (*name).to_owned(),
            creator: (*owner).to_owned(),
            kind: "TABLE".to_owned(),
            columns: named(&columns),
            rule: Some(rule.clone()),
            receivers: None,
            further: BTreeSet::new(),
        }
    });
    let tables = shared.collect();
    found.collaborations.push(Collaboration {
        id: ROOM.to_owned(),
        name: "Spring 2026: \"reach\"".to_owned(),
        description: String::new(),
        creator: RUNNER.to_owned(),
        members: vec![entry(OWNER, "Shop & Söhne", false), entry(RUNNER, "Brand", true)],
        result_regions: Vec::new(),
        tables,
        templates,
        further: BTreeSet::new(),
    });
    found
}

fn both() -> Import {
    let accounts = [("shop", OWNER), ("brand", RUNNER)];
    let accounts = accounts.map(|(name, account)| (name.parse().unwrap(), account.to_owned()));
    Import { accounts: accounts.into(), ..Import::default() }
}

fn column<'a>(imported: &'a Imported, dataset: &str, name: &str) -> Option<&'a ColumnUse> {
    let dataset = imported.agreement.datasets.get(&dataset.parse().unwrap())?;
    dataset.columns.get(&name.parse().unwrap()).map(|column| &column.r#use)
}

const REACH: &str = "SELECT s.city, SUM(s.amount) AS spent, COUNT(DISTINCT s.id) AS n FROM sales s JOIN seen e ON s.id = e.id WHERE e.visits > 3 GROUP BY s.city";

#[test]
fn a_template_that_runs_there_is_taken_up_with_the_columns_that_it_reads() {
    let tables = [
        ("sales", OWNER, custom(&["arn:Reach v1"], &[])),
        ("seen", RUNNER, custom(&["arn:Reach v1"], &[])),
    ];
    let imported = imported(&room(&tables, vec![text("Reach v1", REACH)]), &both());
    assert_eq!(imported.agreement.collaboration.as_str(), "spring-2026-reach");
    assert_eq!(
        imported.agreement.templates.keys().map(TemplateName::as_str).collect::<Vec<_>>(),
        ["reach-v1"]
    );
    let sum = ColumnUse::Measure { aggregates: [mappings::model::Aggregate::Sum].into() };
    assert_eq!(column(&imported, "sales", "amount"), Some(&sum));
    assert_eq!(column(&imported, "sales", "city"), Some(&ColumnUse::Dimension));
    assert_eq!(column(&imported, "seen", "visits"), Some(&ColumnUse::Filter));
    assert!(matches!(column(&imported, "sales", "id"), Some(ColumnUse::Match { .. })));
    assert_eq!(column(&imported, "sales", "visits"), None, "nothing reads it");
    let least: Vec<u64> =
        imported.agreement.datasets.values().map(|one| one.rule.entities_min).collect();
    assert_eq!(least, [100, 100], "no rule has a threshold there");
    assert_eq!(codes(&imported), [("made-anew", "collaboration Spring 2026: \"reach\"")]);
    assert!(!imported.is_own && imported.unexpressed[0].wider);
}

#[test]
fn a_threshold_of_the_platform_is_the_rules() {
    let mut rule = custom(&["arn:reach"], &[]);
    if let TableRule::Custom(custom) = &mut rule {
        custom.rule.threshold = Some(("id".to_owned(), 250));
        custom.rule.disallowed = set(&["visits"]);
    }
    let sql = REACH.replace("e.visits > 3", "s.visits > 3");
    let tables = [("sales", OWNER, rule), ("seen", RUNNER, custom(&["arn:reach"], &[]))];
    let imported = imported(&room(&tables, vec![text("reach", &sql)]), &both());
    assert_eq!(imported.agreement.datasets[&"sales".parse().unwrap()].rule.entities_min, 250);
    assert_eq!(column(&imported, "sales", "visits"), Some(&ColumnUse::Filter));
}

#[test]
fn what_lets_a_runner_write_its_own_text_is_named_wider_and_not_taken_up() {
    let aggregation = TableRule::Aggregation(Aggregation {
        aggregates: [("amount".to_owned(), set(&["SUM", "SUM_DISTINCT"]))].into(),
        joins: set(&["id"]),
        dimensions: set(&["city"]),
        join_required: true,
        constraints: [("id".to_owned(), 50)].into(),
        further: BTreeSet::new(),
    });
    let list = TableRule::List { joins: set(&["id"]), lists: set(&["city"]) };
    let any = custom(&[], &["ANY_QUERY", "allowedAnalysisProviders"]);
    let imported = imported(
        &room(
            &[("groups", OWNER, aggregation), ("rows", OWNER, list), ("any", RUNNER, any)],
            Vec::new(),
        ),
        &both(),
    );
    let groups = &imported.agreement.datasets[&"groups".parse().unwrap()];
    assert_eq!(groups.rule.entities_min, 50);
    assert_eq!(
        column(&imported, "groups", "amount"),
        Some(&ColumnUse::Measure { aggregates: [mappings::model::Aggregate::Sum].into() })
    );
    assert_eq!(column(&imported, "groups", "visits"), None);
    assert_eq!(imported.agreement.datasets.len(), 2, "nothing says whose rows the third has");
    let wider: Vec<&str> = imported
        .unexpressed
        .iter()
        .filter(|one| one.code == "rule-lets-queries" && one.wider)
        .map(|one| one.at.as_str())
        .collect();
    assert_eq!(wider, ["table any", "table any", "table groups", "table rows"]);
}

#[test]
fn what_an_owner_asks_for_that_no_agreement_does_is_never_loosened() {
    let strict: [(&str, TableRule); 3] = [
        ("differentialPrivacy", custom(&["arn:reach"], &["differentialPrivacy"])),
        ("additionalAnalyses REQUIRED", custom(&["arn:reach"], &["additionalAnalyses REQUIRED"])),
        (
            "outputConstraints on several columns",
            TableRule::Aggregation(Aggregation {
                constraints: [("id".to_owned(), 50), ("city".to_owned(), 3)].into(),
                ..Aggregation::default()
            }),
        ),
    ];
    for (what, rule) in strict {
        let tables = [("sales", OWNER, rule), ("seen", RUNNER, custom(&["arn:reach"], &[]))];
        let imported = imported(&room(&tables, vec![text("reach", REACH)]), &both());
        assert!(
            imported.agreement.templates.is_empty() && imported.agreement.datasets.is_empty(),
            "{what}"
        );
        let named =
            imported.unexpressed.iter().any(|one| one.code == "rule-narrower" && one.what == what);
        assert!(named, "{what}: {:?}", imported.unexpressed);
    }
}

#[test]
fn each_text_that_can_not_be_taken_up_is_named_with_why() {
    let unapproved =
        "SELECT s.city, COUNT(*) AS n FROM sales s JOIN seen e ON s.id = e.id GROUP BY s.city";
    let mut python = text("python", "");
    (python.sql, python.further) = (None, set(&["format PYSPARK_1_0"]));
    let mut asked = text("asked", REACH);
    asked.parameters =
        vec![Asked { name: "From".to_owned(), r#type: "VARBYTE".to_owned(), default: None }];
    let texts = vec![
        text("good", REACH),
        text("rows", "SELECT s.city, s.amount FROM sales s JOIN seen e ON s.id = e.id"),
        text("union", "SELECT city FROM sales UNION SELECT city FROM seen"),
        text("other", "SELECT COUNT(*) AS n FROM elsewhere"),
        text("unapproved", unapproved),
        python,
        asked,
    ];
    let arns: Vec<String> =
        texts.iter().filter(|one| one.name != "unapproved").map(|one| one.arn.clone()).collect();
    let arns: Vec<&str> = arns.iter().map(String::as_str).collect();
    let tables = [("sales", OWNER, custom(&arns, &[])), ("seen", RUNNER, custom(&arns, &[]))];
    let imported = imported(&room(&tables, texts), &both());
    let names: Vec<&str> = imported.agreement.templates.keys().map(TemplateName::as_str).collect();
    assert_eq!(names, ["good"], "what the others would need loosens nothing of it");
    let known = codes(&imported);
    for one in [
        ("template-refused", "template rows"),
        ("template-unheard", "template union"),
        ("template-table", "template other"),
        ("template-unapproved", "template unapproved"),
        ("template-format", "template python"),
        ("template-setting", "template python"),
        ("template-parameter", "template asked"),
    ] {
        assert!(known.contains(&one), "{one:?}: {known:?}");
    }
}

#[test]
fn hostile_names_become_plain_ones_and_hide_nothing() {
    let hostile = "\u{202e}x\n# agreement: v2\u{1b}[31m";
    let name = "Sales of 2026-q1";
    let sql = REACH.replace("sales s", "`sales of 2026-q1` s");
    let arn = format!("arn:{hostile}");
    let tables = [(name, OWNER, custom(&[&arn], &[])), ("seen", RUNNER, custom(&[&arn], &[]))];
    let mut found = room(&tables, vec![text(hostile, &sql)]);
    found.collaborations[0].name = hostile.to_owned();
    found.collaborations[0].members[0].display = hostile.to_owned();
    found.collaborations[0].further =
        set(&["autoApprovedChangeTypes ADD_MEMBER", "dataEncryptionMetadata"]);
    found.collaborations[0]
        .members
        .push(Entry { status: "LEFT".to_owned(), ..entry("333333333333", hostile, false) });
    let imported = imported(
        &found,
        &Import {
            accounts: [
                ("brand".parse().unwrap(), RUNNER.to_owned()),
                ("shop".parse().unwrap(), OWNER.to_owned()),
            ]
            .into(),
            ..Import::default()
        },
    );
    assert_eq!(
        imported.agreement.datasets.keys().map(DatasetName::as_str).collect::<Vec<_>>(),
        ["sales_of_2026_q1", "seen"]
    );
    assert_eq!(imported.agreement.templates.len(), 1);
    let text = written(&imported.agreement, &imported.remarks);
    let plain = |c: char| c == '\n' || !c.is_control() && c != '\u{202e}';
    assert!(text.chars().all(plain) && !text.contains("\n# agreement: v2"), "{text}");
    for one in &imported.unexpressed {
        assert!(
            [&one.at, &one.what]
                .into_iter()
                .all(|said| said.chars().all(|c| plain(c) && c != '\n')),
            "{one:?}"
        );
    }
    let known = codes(&imported);
    assert!(
        known.iter().filter(|(code, _)| *code == "collaboration-setting").count() == 2,
        "{known:?}"
    );
    assert!(known.iter().any(|(code, _)| *code == "member-gone"));
}

#[test]
fn caps_that_differ_are_the_fewest_uses_over_the_longest_period() {
    let tables = [
        ("sales", OWNER, custom(&["arn:reach"], &[])),
        ("seen", RUNNER, custom(&["arn:reach"], &[])),
    ];
    let mut found = room(&tables, vec![text("reach", REACH)]);
    let mut caps = [("CALENDAR_DAY", 9), ("CALENDAR_WEEK", 30)].into_iter();
    for place in found.own.values_mut().flat_map(|own| own.places.values_mut()) {
        let (period, uses) = caps.next().unwrap();
        place.caps = vec![(period.to_owned(), uses, true)];
    }
    let imported = imported(&found, &both());
    assert_eq!(
        (imported.agreement.limits.runs_max, imported.agreement.limits.within_s),
        (9, 7 * 86_400)
    );
    assert!(imported.remarks.contains_key("limits"));
}
