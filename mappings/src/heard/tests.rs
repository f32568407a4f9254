//! Texts that Airlock did not write: names made those of templates, what becomes of each column, and what is not read at all.

use super::*;

fn catalog() -> Catalog {
    let table = |dataset: &str, columns: &[(&str, &str)]| Table {
        dataset: dataset.to_owned(),
        columns: columns.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
    };
    Catalog::from([
        (
            "sales-2026".to_owned(),
            table("sales_2026", &[("cust id", "cust_id"), ("amount", "amount"), ("week", "week")]),
        ),
        (
            "seen".to_owned(),
            table("seen", &[("id", "id"), ("campaign", "campaign"), ("day", "day")]),
        ),
    ])
}

fn heard(text: &str) -> Heard {
    hear(text, &catalog(), &BTreeSet::new()).unwrap_or_else(|unheard| panic!("{unheard}\n{text}"))
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn used(heard: &Heard, table: &str, column: &str) -> Use {
    heard.uses.get(&(table.to_owned(), column.to_owned())).cloned().unwrap_or_default()
}

#[test]
fn names_become_those_of_templates_and_columns_show_what_they_are_for() {
    let heard = heard(
        "select S.campaign, sum(t.Amount) as spent, count(distinct t.`cust id`) n from `Sales-2026` t inner join Seen s on t.`cust id` = s.ID where week > 4 group by s.campaign",
    );
    assert!(!heard.is_own);
    assert_eq!(heard.tables.keys().collect::<Vec<_>>(), ["sales-2026", "seen"]);
    assert_eq!(
        flat(&heard.sql),
        "SELECT S.campaign, sum(t.amount) AS spent, count(DISTINCT t.cust_id) AS n FROM sales_2026 t INNER JOIN seen s ON t.cust_id = s.id WHERE \"week\" > 4 GROUP BY s.campaign"
    );
    assert!(
        used(&heard, "sales-2026", "cust id").is(Way::Joined)
            && used(&heard, "seen", "id").is(Way::Joined)
    );
    let amount = used(&heard, "sales-2026", "amount");
    assert!(amount.aggregates.contains(&Aggregate::Sum) && !amount.is(Way::Shown));
    assert!(
        used(&heard, "sales-2026", "week").is(Way::Filtered)
            && used(&heard, "seen", "campaign").is(Way::Shown)
    );
    assert_eq!(used(&heard, "seen", "day"), Use::default());
}

#[test]
fn what_a_stage_hands_on_is_used_where_it_is_asked_for() {
    let heard = heard(
        "WITH s AS (SELECT `cust id`, amount FROM `sales-2026`) SELECT e.campaign, SUM(s.amount) AS n FROM s JOIN seen e ON s.`cust id` = e.id GROUP BY e.campaign",
    );
    let amount = used(&heard, "sales-2026", "amount");
    assert!(amount.aggregates.contains(&Aggregate::Sum) && !amount.is(Way::Shown), "{amount:?}");
    assert!(heard.equal.iter().any(|(one, two)| one.1 == "cust id" && two.1 == "id"));
}

#[test]
fn a_renamed_column_keeps_its_name_in_the_result() {
    let heard = heard("SELECT `cust id`, COUNT(*) AS n FROM `sales-2026` GROUP BY `cust id`");
    assert_eq!(
        flat(&heard.sql),
        "SELECT cust_id AS \"cust id\", COUNT(*) AS n FROM sales_2026 GROUP BY cust_id"
    );
}

#[test]
fn literals_stay_what_they_are() {
    let heard = heard(
        r"SELECT campaign, COUNT(*) AS n FROM seen WHERE campaign IN ('it\'s', 'a\\b', 'x;--`') GROUP BY campaign",
    );
    assert!(
        heard.sql.contains(r"'it''s'")
            && heard.sql.contains(r"'a\b'")
            && heard.sql.contains("'x;--`'"),
        "{}",
        heard.sql
    );
}

#[test]
fn what_is_no_single_select_or_means_something_else_there_is_not_heard() {
    for hostile in [
        "",
        "DROP TABLE seen",
        "SELECT 1; SELECT 2",
        "SELECT campaign FROM seen UNION SELECT campaign FROM seen",
        "SELECT 'a''b' FROM seen",
        r"SELECT '\x41' FROM seen",
        r"SELECT 'a\\\'' FROM seen",
        "SELECT campaign FROM db.seen",
        "SELECT campaign FROM LATERAL (SELECT 1)",
        "WITH airlock_seen AS (SELECT campaign FROM seen) SELECT campaign FROM airlock_seen",
        "WITH airlock_seen AS (SELECT CAST(campaign AS STRING) AS campaign FROM other) SELECT campaign FROM airlock_seen",
        "SELECT (((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((1)))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))",
    ] {
        assert!(hear(hostile, &catalog(), &BTreeSet::new()).is_err(), "{hostile}");
    }
}

#[test]
fn no_text_makes_it_panic() {
    use proptest::prelude::*;
    let words = [
        "SELECT",
        "FROM",
        "seen",
        "`airlock_seen`",
        "WITH",
        "AS",
        "(",
        ")",
        ",",
        "campaign",
        "COUNT(*)",
        "JOIN",
        "ON",
        "=",
        "'a'",
        ":p",
        "GROUP BY",
        "HAVING",
        ">=",
        "1",
        "CAST(",
        "NULLIF(",
        "\u{202e}",
        "\\",
        "`",
    ];
    let text = prop::collection::vec(prop::sample::select(words.to_vec()), 0..40);
    proptest!(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() }, |(words in text)| {
        let _ = hear(&words.join(" "), &catalog(), &BTreeSet::new());
    });
}
