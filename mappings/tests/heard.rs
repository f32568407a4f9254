//! Airlock's own texts read back: for every legitimate template of the corpus the Spark text is heard, and what is heard is guarded and
//! said again, byte for byte as before. Through the public API only.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may end by panicking; clippy knows that only inside test functions"
)]

use mappings::agreement::read;
use mappings::guard::guard;
use mappings::heard::{Catalog, Heard, Way, hear};
use mappings::model::{Agreement, ColumnType, ColumnUse, MemberId, ResultClass, TemplateName};
use mappings::spark::spark;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const JOINED: &str = "FROM sales t JOIN exposures e ON t.household = e.household";

/// Expressions whose form there is not that of their template, bracket by bracket.
const FURTHER: [&str; 14] = [
    "(t.week + 1) * 2",
    "t.week - (e.campaign - 3)",
    "((t.week)) + (((e.campaign * 2)))",
    "t.week / (e.campaign % 7)",
    "CASE WHEN NOT (t.week = 1 AND (e.campaign = 2 OR t.week > 3)) THEN -t.week ELSE - (t.week + 1) END",
    "CASE WHEN NOT t.week = 1 OR NOT (NOT (t.week < 4)) THEN 'it''s' WHEN t.week IS NULL THEN 'b' END",
    "COALESCE(NULLIF(t.week, 4), ABS(e.campaign - 9), GREATEST(t.week, 2))",
    "ROUND(t.week * 1.25, 1) + FLOOR(t.week / 2.5) - CEIL(e.campaign)",
    "CAST(t.week AS VARCHAR) || CAST(CAST(e.campaign AS DOUBLE) AS VARCHAR)",
    "LENGTH(TRIM(LOWER(CONCAT(CAST(t.week AS VARCHAR), 'x')))) + EXTRACT(DOW FROM t.sold_on)",
    "DATE_TRUNC('month', t.sold_on)",
    "CASE WHEN t.sold_on BETWEEN DATE '2026-01-01' AND '2026-02-01' THEN EXTRACT(YEAR FROM t.sold_on) END",
    "SUBSTR(UPPER(CAST(t.week AS VARCHAR)), 2, e.campaign)",
    "t.week NOT IN (:from_week, 5) AND CAST(t.week AS VARCHAR) NOT LIKE '1%'",
];

#[derive(Debug, Deserialize)]
struct Family {
    case: Vec<Case>,
}

#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    #[serde(default = "aggregate")]
    class: ResultClass,
    twin: String,
}

const fn aggregate() -> ResultClass {
    ResultClass::Aggregate
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|kind| kind == "toml"));
    files.sort();
    let further = FURTHER.iter().map(|sql| Case {
        name: (*sql).to_owned(),
        class: ResultClass::Aggregate,
        twin: format!("SELECT {sql} AS x, COUNT(*) AS n {JOINED} GROUP BY x"),
    });
    files
        .iter()
        .flat_map(|path| toml::from_str::<Family>(&fs::read_to_string(path).unwrap()).unwrap().case)
        .chain(further)
        .collect()
}

/// The corpus's agreement with keys that Spark can take as they are.
fn agreement(case: &Case) -> Agreement {
    let mut text = include_str!("corpus/agreement.yaml").to_owned();
    for from in ["email", "mail", "phone", "tel"] {
        text = text.replace(
            &format!("from: {from}, type: utf8"),
            &format!("from: {from}, type: utf8, hashed: sha256-hex"),
        );
    }
    let mut agreement = read(&text).unwrap();
    let template = agreement.templates.values_mut().next().unwrap();
    template.sql = case.twin.replace("JOINED", JOINED);
    template.class = case.class;
    let receiver = if case.class == ResultClass::Activation { "press" } else { "brand" };
    template.received_by = [MemberId::new(receiver).unwrap()].into();
    agreement
}

fn subject() -> TemplateName {
    TemplateName::new("subject").unwrap()
}

fn dated(agreement: &Agreement) -> BTreeSet<String> {
    let all = agreement.templates[&subject()].parameters.iter();
    let dated =
        all.filter(|(_, one)| matches!(one.r#type, ColumnType::Date | ColumnType::Timestamp));
    dated.map(|(name, _)| name.to_string()).collect()
}

/// Whether an entity of any dataset that a template reads has several keys: its own identity is resolved in a form that is not read.
fn has_several_keys(agreement: &Agreement) -> bool {
    let guarded = guard(agreement, &subject()).unwrap();
    guarded.datasets.keys().any(|name| {
        agreement.datasets[name]
            .columns
            .values()
            .any(|column| matches!(&column.r#use, ColumnUse::Match { keys } if keys.len() > 1))
    })
}

fn said(agreement: &Agreement) -> Option<String> {
    let guarded = guard(agreement, &subject()).unwrap_or_else(|refused| panic!("{refused:?}"));
    spark(&guarded).ok().map(|text| text.sql)
}

fn own(text: &str, agreement: &Agreement) -> Result<Heard, String> {
    hear(text, &Catalog::new(), &dated(agreement)).map_err(|unheard| unheard.to_string())
}

#[test]
fn what_airlock_wrote_comes_out_again() {
    let (mut again, mut wrong) = (0, Vec::new());
    for case in cases() {
        let mut agreement = agreement(&case);
        let (several, Some(text)) = (has_several_keys(&agreement), said(&agreement)) else {
            continue;
        };
        let heard = own(&text, &agreement);
        if several {
            assert!(heard.is_err(), "{}: {text}", case.name);
            continue;
        }
        let heard = match heard {
            Ok(heard) => heard,
            Err(why) => {
                wrong.push(format!("{}: {why}\n{}\n{text}", case.name, case.twin));
                continue;
            }
        };
        assert!(heard.is_own);
        assert_eq!(
            heard.audience.is_some(),
            case.class == ResultClass::Activation,
            "{}",
            case.name
        );
        agreement.templates.get_mut(&subject()).unwrap().sql.clone_from(&heard.sql);
        match guard(&agreement, &subject()) {
            Err(refused) => {
                wrong.push(format!("{}: {refused:?}\n{}\n{}", case.name, case.twin, heard.sql));
            }
            Ok(guarded) => {
                let other = spark(&guarded).map(|text| text.sql).unwrap_or_default();
                if other == text {
                    again += 1;
                } else {
                    wrong.push(format!(
                        "{}:\n{}\nheard as\n{}\nwas\n{text}\nbecame\n{other}",
                        case.name, case.twin, heard.sql
                    ));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        wrong.len() + again,
        wrong.join("\n\n")
    );
    assert!(again > 250, "{again}");
}

#[test]
fn what_is_heard_is_what_the_datasets_were_agreed_as() {
    let case = Case {
        name: "one".to_owned(),
        class: ResultClass::Aggregate,
        twin: format!(
            "SELECT e.campaign, SUM(t.amount) AS amount, COUNT(DISTINCT t.household) AS n {JOINED} WHERE t.week BETWEEN :from_week AND :to_week AND t.store = 4 GROUP BY e.campaign"
        ),
    };
    let agreement = agreement(&case);
    let heard = own(&said(&agreement).unwrap(), &agreement).unwrap();
    let scan = heard.tables["sales"].as_ref().unwrap();
    let columns: Vec<&str> = scan.columns.keys().map(String::as_str).collect();
    assert_eq!(columns, ["amount", "household", "store", "week"]);
    let rows: Vec<&str> = scan.rows.iter().map(|(from, ..)| from.as_str()).collect();
    assert_eq!(rows, ["ads_ok", "country"]);
    assert_eq!(heard.least["sales"], 100);
    let bounds = &heard.bounds["from_week"];
    assert!(bounds.min.is_some() && bounds.max.is_some() && bounds.any_of.is_empty());
    let used = |column: &str| &heard.uses[&("sales".to_owned(), column.to_owned())];
    assert!(used("household").is(Way::Joined));
    assert_eq!(used("amount").aggregates.len(), 1);
    assert!(
        used("store").is(Way::Filtered)
            && !used("store").is(Way::Shown)
            && used("week").is(Way::Filtered)
    );
    assert!(heard.uses[&("exposures".to_owned(), "campaign".to_owned())].is(Way::Shown));
    assert_eq!(
        heard.sql.split_whitespace().collect::<Vec<_>>().join(" "),
        "SELECT e.campaign AS campaign, SUM(t.amount) AS amount, COUNT(DISTINCT t.household) AS n FROM sales AS t JOIN exposures AS e ON t.household = e.household WHERE t.week BETWEEN :from_week AND :to_week AND t.store = 4 GROUP BY e.campaign"
    );
}
