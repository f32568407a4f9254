//! What is refused, each beside the nearest thing that passes.

use super::*;

const JOIN: &str = "FROM sales t JOIN exposures e ON t.household = e.household";

fn both(code: &str, hostile: &str, twin: &str) {
    pair(code, &hostile.replace("JOINED", JOIN), &twin.replace("JOINED", JOIN));
}

const PLAIN: &str = "SELECT t.week, COUNT(*) AS n JOINED GROUP BY t.week";

#[test]
fn match_keys_stay_inside() {
    both(
        "match-key",
        "SELECT t.household, COUNT(*) AS n JOINED GROUP BY t.week",
        "SELECT COUNT(DISTINCT t.household) AS n JOINED GROUP BY t.week",
    );
    both(
        "unreleased-output",
        "SELECT t.household, COUNT(*) AS n JOINED GROUP BY t.household",
        PLAIN,
    );
    both(
        "match-key",
        "SELECT COUNT(*) AS n JOINED WHERE t.household = 7",
        "SELECT COUNT(*) AS n JOINED WHERE t.household IS NOT NULL",
    );
    both(
        "match-key",
        "SELECT COUNT(*) AS n JOINED WHERE t.household IN (1, 2)",
        "SELECT COUNT(*) AS n JOINED WHERE t.week IN (1, 2)",
    );
    both(
        "match-key",
        "SELECT COUNT(t.household) AS n JOINED",
        "SELECT COUNT(DISTINCT t.household) AS n JOINED",
    );
    both("match-key", "SELECT MAX(t.household) AS n JOINED", "SELECT MAX(t.price) AS n JOINED");
    both(
        "conditional-aggregate",
        "SELECT COUNT(DISTINCT CASE WHEN t.week = 1 THEN t.household END) AS n JOINED",
        "SELECT COUNT(DISTINCT t.household) AS n JOINED WHERE t.week = 1",
    );
    both(
        "match-key",
        "SELECT t.household + 1 AS h, COUNT(*) AS n JOINED GROUP BY t.household + 1",
        "SELECT t.week + 1 AS h, COUNT(*) AS n JOINED GROUP BY t.week + 1",
    );
}

#[test]
fn measures_stay_in_their_aggregates() {
    both(
        "measure-outside-aggregate",
        "SELECT t.amount, COUNT(*) AS n JOINED GROUP BY t.amount",
        PLAIN,
    );
    both(
        "measure-outside-aggregate",
        "SELECT COUNT(*) AS n JOINED WHERE t.amount > 5",
        "SELECT COUNT(*) AS n JOINED WHERE t.week > 5",
    );
    both(
        "aggregate-not-allowed",
        "SELECT MIN(t.amount) AS n JOINED",
        "SELECT AVG(t.amount) AS n JOINED",
    );
    both(
        "aggregate-not-allowed",
        "SELECT AVG(t.price) AS n JOINED",
        "SELECT MAX(t.price) AS n JOINED",
    );
    both(
        "conditional-aggregate",
        "SELECT SUM(CASE WHEN t.week = 1 THEN t.amount ELSE 0 END) AS n JOINED",
        "SELECT SUM(t.amount) AS n JOINED WHERE t.week = 1",
    );
    both(
        "conditional-aggregate",
        "SELECT SUM(t.amount * :from_week) AS n JOINED",
        "SELECT SUM(t.amount * t.quantity) AS n JOINED",
    );
    both(
        "aggregate-not-allowed",
        "SELECT SUM(t.week) AS n JOINED",
        "SELECT SUM(t.quantity) AS n JOINED",
    );
}

#[test]
fn what_is_not_listed_does_not_exist() {
    both("column-unknown", "SELECT t.country, COUNT(*) AS n JOINED GROUP BY t.country", PLAIN);
    both("column-unknown", "SELECT t.household_id, COUNT(*) AS n JOINED GROUP BY 1", PLAIN);
    both("star", "SELECT * JOINED", PLAIN);
    both("star", "SELECT t.* JOINED", PLAIN);
    both(
        "column-unknown",
        "SELECT x.ads_ok, COUNT(*) AS n FROM (SELECT t.ads_ok JOINED) x GROUP BY x.ads_ok",
        PLAIN,
    );
    both(
        "dataset-unknown",
        "SELECT COUNT(*) AS n FROM secrets",
        "SELECT COUNT(*) AS n FROM exposures",
    );
    both(
        "dataset-unknown",
        "SELECT COUNT(*) AS n FROM room.exposures",
        "SELECT COUNT(*) AS n FROM exposures",
    );
    both(
        "dataset-unknown",
        "SELECT COUNT(*) AS n FROM information_schema.tables",
        "SELECT COUNT(*) AS n FROM exposures",
    );
    both(
        "filter-only",
        "SELECT t.store, COUNT(*) AS n JOINED GROUP BY t.store",
        "SELECT COUNT(*) AS n JOINED WHERE t.store = 7",
    );
    both(
        "filter-only",
        "SELECT COUNT(DISTINCT t.store) AS n JOINED",
        "SELECT COUNT(DISTINCT t.week) AS n JOINED",
    );
}

#[test]
fn nothing_is_learnt_before_the_threshold() {
    let per = "WITH per AS (SELECT t.household, COUNT(*) AS n JOINED GROUP BY t.household";
    let rest = "SELECT n, COUNT(DISTINCT household) AS people FROM per GROUP BY n";
    let good = format!("{per}) {rest}");
    both("oracle-before-threshold", &format!("{per} HAVING COUNT(*) > 3) {rest}"), &good);
    both("oracle-before-threshold", &format!("{per} ORDER BY n) {rest}"), &good);
    both("oracle-before-threshold", &format!("{per} LIMIT 99) {rest}"), &good);
    both(
        "derived-filter",
        &format!("{per}) SELECT COUNT(DISTINCT household) AS people FROM per WHERE n > 3"),
        &good,
    );
    both(
        "oracle-before-threshold",
        "WITH w AS (SELECT t.week, ROW_NUMBER() OVER (ORDER BY t.week) AS r JOINED) SELECT r, COUNT(*) AS n FROM w GROUP BY r",
        PLAIN,
    );
    both(
        "aggregate-not-allowed",
        &format!("{per}) SELECT MAX(n) AS m FROM per"),
        &format!("{per}) SELECT AVG(n) AS m FROM per"),
    );
    both(
        "entity-lost",
        "WITH w AS (SELECT t.week, t.amount JOINED) SELECT week, SUM(amount) AS s FROM w GROUP BY week",
        "WITH w AS (SELECT t.household, t.week, t.amount JOINED) SELECT week, SUM(amount) AS s FROM w GROUP BY week",
    );
    both("distinct", "SELECT DISTINCT t.week JOINED", PLAIN);
    both("unreleased-output", "SELECT t.week JOINED", PLAIN);
    both(
        "mixed-stages",
        "WITH w AS (SELECT t.week, COUNT(*) AS n JOINED GROUP BY t.week) SELECT COUNT(*) AS m FROM w JOIN exposures e ON w.week = e.campaign",
        "WITH w AS (SELECT t.week, COUNT(*) AS n JOINED GROUP BY t.week) SELECT week, n, SUM(n) OVER () AS m FROM w",
    );
    both("not-grouped", "SELECT t.week, COUNT(*) AS n JOINED GROUP BY e.campaign", PLAIN);
    both(
        "order-by-output",
        "SELECT t.week, COUNT(*) AS n JOINED GROUP BY t.week ORDER BY e.campaign",
        "SELECT t.week, COUNT(*) AS n JOINED GROUP BY t.week ORDER BY n DESC",
    );
}

#[test]
fn joins_are_on_match_keys() {
    both("join-required", "SELECT t.week, COUNT(*) AS n FROM sales t GROUP BY t.week", PLAIN);
    both(
        "join-required",
        "SELECT s.age, COUNT(*) AS n FROM sales t JOIN shoppers s ON s.household = t.household GROUP BY s.age",
        "SELECT s.age, COUNT(*) AS n FROM sales t JOIN shoppers s ON s.household = t.household JOIN exposures e ON e.household = s.household GROUP BY s.age",
    );
    both(
        "join-required",
        "SELECT t.week, COUNT(*) AS n FROM sales t LEFT JOIN exposures e ON t.household = e.household GROUP BY t.week",
        PLAIN,
    );
    both(
        "join-key",
        "SELECT COUNT(*) AS n FROM sales t JOIN exposures e ON t.week = e.campaign",
        PLAIN,
    );
    both(
        "join-key",
        "SELECT COUNT(*) AS n FROM sales t JOIN exposures e ON t.household = e.household OR t.week = e.campaign",
        PLAIN,
    );
    both(
        "join-key",
        "SELECT COUNT(*) AS n FROM sales t JOIN exposures e ON t.household = 7",
        PLAIN,
    );
    both(
        "join-key",
        "SELECT COUNT(*) AS n FROM sales t JOIN readers r ON t.household = r.person",
        PLAIN,
    );
    both("join-kind", "SELECT COUNT(*) AS n FROM sales t, exposures e", PLAIN);
    both("join-kind", "SELECT COUNT(*) AS n FROM sales t CROSS JOIN exposures e", PLAIN);
    both(
        "join-kind",
        "SELECT COUNT(*) AS n FROM sales t RIGHT JOIN exposures e ON t.household = e.household",
        PLAIN,
    );
    both(
        "join-kind",
        "SELECT COUNT(*) AS n FROM sales t JOIN exposures e USING (household)",
        PLAIN,
    );
    both("join-kind", "SELECT COUNT(*) AS n FROM sales t NATURAL JOIN exposures e", PLAIN);
}

#[test]
fn only_one_select_of_the_language_runs() {
    for statement in [
        "DROP TABLE sales",
        "INSERT INTO sales VALUES (1)",
        "COPY sales TO 'x'",
        "SET a = 1",
        "CREATE TABLE x AS SELECT 1",
        "EXPLAIN SELECT 1",
        "SELECT 1; SELECT 2",
        "DELETE FROM sales",
        "UPDATE sales SET week = 1",
    ] {
        both("statement", statement, PLAIN);
    }
    both("set-operation", "SELECT campaign FROM exposures UNION SELECT week FROM sales", PLAIN);
    both("subquery", "SELECT COUNT(*) AS n JOINED WHERE EXISTS (SELECT 1 FROM exposures)", PLAIN);
    both(
        "subquery",
        "SELECT COUNT(*) AS n JOINED WHERE t.week IN (SELECT campaign FROM exposures)",
        PLAIN,
    );
    both(
        "function",
        "SELECT read_file('x') AS f, COUNT(*) AS n JOINED GROUP BY 1",
        "SELECT lower('x') AS f, t.week, COUNT(*) AS n JOINED GROUP BY t.week",
    );
    both(
        "function",
        "SELECT random() AS f, COUNT(*) AS n JOINED GROUP BY t.week",
        "SELECT round(2.5) AS f, COUNT(*) AS n JOINED GROUP BY t.week",
    );
    both("expression", "SELECT t.week, COUNT(*) AS n JOINED GROUP BY ROLLUP (t.week)", PLAIN);
    both(
        "parameter",
        "SELECT COUNT(*) AS n JOINED WHERE t.week = :secret",
        "SELECT COUNT(*) AS n JOINED WHERE t.week = :to_week",
    );
    both(
        "name",
        "WITH sales AS (SELECT campaign, COUNT(*) AS n FROM exposures GROUP BY campaign) SELECT campaign FROM sales",
        "WITH seen AS (SELECT campaign, COUNT(*) AS n FROM exposures GROUP BY campaign) SELECT campaign FROM seen",
    );
    both(
        "name",
        "SELECT t.week AS airlock_week, COUNT(*) AS n JOINED GROUP BY t.week",
        "SELECT t.week AS a_week, COUNT(*) AS n JOINED GROUP BY t.week",
    );
    both(
        "type",
        "SELECT COUNT(*) AS n JOINED WHERE t.week = 'one'",
        "SELECT COUNT(*) AS n JOINED WHERE t.sold_on >= '2026-01-01'",
    );
    let deep =
        format!("SELECT {}1{} AS x, COUNT(*) AS n JOINED", "(".repeat(10_000), ")".repeat(10_000));
    both("syntax", &deep, PLAIN);
    both("template-too-long", &" ".repeat(500_000), PLAIN);
}

#[test]
fn an_activation_delivers_only_what_owners_let_go() {
    let good = "SELECT r.reader, c.segment FROM customers c JOIN readers r ON c.person = r.person";
    activated(good).unwrap();
    for (code, sql) in [
        ("activation-column", good.replace("c.segment", "c.region")),
        ("match-key", good.replace("c.segment", "c.person")),
        ("activation-column", good.replace("c.segment", "lower(c.segment) AS s")),
        ("activation-shape", format!("{good} LIMIT 5")),
        ("join-required", "SELECT c.segment FROM customers c".to_owned()),
        ("star", good.replace("r.reader, c.segment", "*")),
    ] {
        let refusals = activated(&sql).unwrap_err();
        let expected = refusals.iter().any(|refusal| refusal.code == code);
        assert!(expected, "{sql}: {refusals:?}");
    }
    let to_brand = guard(&agreement(good, ResultClass::Activation, "brand"), &subject());
    assert_eq!(to_brand.unwrap_err()[0].code, "activation-not-allowed");
}

#[test]
fn a_refusal_names_the_place_the_rule_and_a_change_and_no_value() {
    let refusals =
        judged("SELECT t.week, COUNT(*) AS n FROM sales t WHERE t.week = 424242 GROUP BY t.week")
            .unwrap_err();
    let refusal = &refusals[0];
    assert_eq!(refusal.rule_of.as_ref().unwrap().0.as_str(), "grocer");
    assert!(!refusal.to_string().contains("424242") && !refusal.change.is_empty());
    let refusals = judged("SELECT COUNT(*) AS n FROM exposures WHERE\n  campaign = 'secret value'")
        .unwrap_err();
    assert!(refusals[0].span.is_some() && !refusals[0].to_string().contains("secret"));
}
