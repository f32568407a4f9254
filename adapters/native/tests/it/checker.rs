//! The checker refuses what no honest guard would write, and accepts what it does.

use crate::meaning::{sales, seen};
use crate::world::{World, subject};
use mappings::guard::guard;
use mappings::model::{Digest, ResultClass};

const HONEST: &str = "SELECT s.segment, COUNT(DISTINCT s.person) AS people, SUM(s.amount) AS amount
                      FROM sales s JOIN seen e ON s.person = e.person WHERE e.campaign = 'summer' GROUP BY s.segment";
const ACTIVATION: &str =
    "SELECT e.reader, s.segment FROM sales s JOIN seen e ON s.person = e.person";

fn world() -> World {
    let bought: Vec<_> = ["a@x.io", "b@x.io", "c@x.io", "d@x.io"]
        .into_iter()
        .map(|who| (Some(who), None, "all", 1.0, Some("yes"), "DE"))
        .collect();
    let viewers: Vec<_> = ["a@x.io", "b@x.io", "c@x.io", "d@x.io"]
        .into_iter()
        .map(|who| (Some(who), None, "summer"))
        .collect();
    World::new(&sales(&bought), &seen(&viewers))
}

/// Runs the guarded text of a template after replacing something in it.
async fn tampered(sql: &str, class: ResultClass, from: &str, to: &str) -> Result<(), String> {
    let world = world();
    let agreement = world.agreement(sql, class);
    let mut guarded = guard(&agreement, &subject()).unwrap();
    assert!(guarded.datafusion.contains(from), "{from} is not in\n{}", guarded.datafusion);
    guarded.datafusion = guarded.datafusion.replace(from, to);
    guarded.text_digest = Digest::of(guarded.datafusion.as_bytes());
    world.run_text(agreement, guarded).await.map(drop)
}

#[tokio::test]
async fn what_the_guard_writes_is_accepted() {
    tampered(HONEST, ResultClass::Aggregate, "HAVING", "HAVING").await.unwrap();
    tampered(ACTIVATION, ResultClass::Activation, "HAVING", "HAVING").await.unwrap();
    let staged = "WITH per AS (SELECT s.person, COUNT(*) AS n FROM sales s JOIN seen e ON s.person = e.person GROUP BY s.person)
                  SELECT CASE WHEN n > 1 THEN 'more' ELSE 'one' END AS often, COUNT(DISTINCT person) AS people, AVG(n) AS mean
                  FROM per GROUP BY often HAVING COUNT(*) > 0 ORDER BY often LIMIT 3";
    tampered(staged, ResultClass::Aggregate, "HAVING", "HAVING").await.unwrap();
    let optional = "SELECT s.segment, COUNT(*) AS n FROM seen e LEFT JOIN sales s ON s.person = e.person GROUP BY s.segment";
    tampered(optional, ResultClass::Aggregate, "HAVING", "HAVING").await.unwrap();
}

#[tokio::test]
async fn what_it_would_not_write_is_refused() {
    let threshold = "airlock_at_least(COUNT(DISTINCT \"s\".\"person\"), 3)";
    let consent = "CAST(\"ads_ok\" AS VARCHAR) IN ('yes')";
    let cases = [
        (threshold.to_owned(), "true".to_owned()),
        (threshold.to_owned(), "airlock_at_least(COUNT(DISTINCT \"s\".\"person\"), 2)".to_owned()),
        (threshold.to_owned(), format!("({threshold} OR true)")),
        (threshold.to_owned(), format!("NOT {threshold}")),
        (threshold.to_owned(), "airlock_at_least(COUNT(\"s\".\"person\"), 3)".to_owned()),
        (threshold.to_owned(), "airlock_at_least(COUNT(*), 3)".to_owned()),
        (threshold.to_owned(), "airlock_at_least(1000, 3)".to_owned()),
        (threshold.to_owned(), "airlock_at_least(COUNT(DISTINCT \"s\".\"segment\"), 3)".to_owned()),
        (threshold.to_owned(), "COUNT(DISTINCT \"s\".\"person\") >= 3".to_owned()),
        (format!("HAVING {threshold}"), String::new()),
        (consent.to_owned(), "true".to_owned()),
        (consent.to_owned(), "CAST(\"ads_ok\" AS VARCHAR) IN ('yes', 'no')".to_owned()),
        (consent.to_owned(), format!("({consent} OR true)")),
        (" AND CAST(\"country\" AS VARCHAR) IN ('DE', 'FR')".to_owned(), String::new()),
        (
            "\"s\".\"segment\" AS \"segment\"".to_owned(),
            "\"s\".\"person\" AS \"segment\"".to_owned(),
        ),
        ("SUM(\"s\".\"amount\") END".to_owned(), "MAX(\"s\".\"amount\") END".to_owned()),
        (
            "\"s\".\"amount\"".to_owned(),
            "CASE WHEN \"s\".\"segment\" = 'x' THEN 1.0 ELSE 0.0 END".to_owned(),
        ),
        ("airlock_token('email:email', \"email\")".to_owned(), "\"email\"".to_owned()),
        (
            "airlock_token('email:email', \"email\")".to_owned(),
            "airlock_token('email:none', \"email\")".to_owned(),
        ),
        (
            "CAST(\"segment\" AS VARCHAR) AS \"segment\"".to_owned(),
            "CAST(\"hidden\" AS VARCHAR) AS \"segment\"".to_owned(),
        ),
        (
            "CAST(\"segment\" AS VARCHAR) AS \"segment\"".to_owned(),
            "CAST(\"email\" AS VARCHAR) AS \"segment\"".to_owned(),
        ),
        ("\nJOIN (".to_owned(), "\nLEFT JOIN (".to_owned()),
        ("\"e\".\"campaign\" = 'summer'".to_owned(), "\"s\".\"amount\" > 0".to_owned()),
        ("\"e\".\"campaign\" = 'summer'".to_owned(), "random() < 2".to_owned()),
    ];
    for (from, to) in cases {
        let broken = match from.as_str() {
            // The row filter's line break.
            text if text.starts_with(" AND CAST") => {
                tampered(HONEST, ResultClass::Aggregate, &format!("\n   {from}"), &to).await
            }
            _ => tampered(HONEST, ResultClass::Aggregate, &from, &to).await,
        };
        assert!(broken.is_err(), "accepted {from} → {to}");
    }
}

/// A product of a high power, an aggregate of matched entities alone, and a dataset four times in one join.
#[tokio::test]
async fn what_singles_one_entity_out_is_refused() {
    let amount = "\"s\".\"amount\"";
    let power = |n: usize| format!("({})", vec![amount; n].join(" * "));
    tampered(HONEST, ResultClass::Aggregate, amount, &power(3)).await.unwrap();
    tampered(HONEST, ResultClass::Aggregate, amount, &power(4)).await.unwrap_err();

    let optional = "SELECT s.segment, COUNT(DISTINCT s.person) AS people
                    FROM sales s JOIN seen e ON s.person = e.person LEFT JOIN seen f ON s.person = f.person AND e.campaign = f.campaign
                    GROUP BY s.segment";
    let people = "COUNT(DISTINCT \"s\".\"person\") AS \"people\"";
    tampered(optional, ResultClass::Aggregate, people, people).await.unwrap();
    for matched in [
        "COUNT(DISTINCT \"f\".\"person\")",
        "COUNT(DISTINCT \"f\".\"person\") + 1",
        "COUNT(\"f\".\"campaign\")",
    ] {
        let matched = format!("{matched} AS \"people\"");
        let accepted = tampered(optional, ResultClass::Aggregate, people, &matched).await.is_ok();
        assert!(!accepted, "accepted {matched}");
    }

    let alias = |n: usize| format!("JOIN sales s{n} ON s.person = s{n}.person");
    let often = |times: usize| {
        let joins: Vec<String> = (1..times).map(alias).collect();
        format!(
            "SELECT s.segment, COUNT(*) AS n FROM sales s JOIN seen e ON s.person = e.person {} GROUP BY s.segment",
            joins.join(" ")
        )
    };
    tampered(&often(3), ResultClass::Aggregate, "HAVING", "HAVING").await.unwrap();
    let world = world();
    let guarded = guard(&world.agreement(&often(3), ResultClass::Aggregate), &subject()).unwrap();
    let third =
        guarded.datafusion.lines().find(|line| line.contains("AS \"s2\"")).unwrap_or_default();
    let again = format!("{third}\n{}", third.replace("\"s2\"", "\"s3\""));
    tampered(&often(3), ResultClass::Aggregate, third, &again).await.unwrap_err();
}

#[tokio::test]
async fn an_activation_that_lets_too_much_go_is_refused() {
    let size = "airlock_at_least(COUNT(DISTINCT \"airlock_entity_0\"), 4)";
    for (from, to) in [
        (size, "airlock_at_least(COUNT(DISTINCT \"airlock_entity_0\"), 1)"),
        (size, "airlock_at_least(COUNT(\"airlock_entity_0\"), 4)"),
        (size, "true"),
        ("\nCROSS JOIN \"airlock_size\"", ""),
        ("\"s\".\"segment\" AS \"segment\"", "\"e\".\"campaign\" AS \"segment\""),
        (
            "SELECT DISTINCT \"a\".\"reader\", \"a\".\"segment\"",
            "SELECT DISTINCT \"a\".\"reader\", \"a\".\"airlock_entity_0\" AS \"segment\"",
        ),
        ("SELECT DISTINCT", "SELECT"),
    ] {
        assert!(
            tampered(ACTIVATION, ResultClass::Activation, from, to).await.is_err(),
            "accepted {from} → {to}"
        );
    }
}
