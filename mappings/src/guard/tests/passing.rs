//! What passes, and the text that it becomes.

use super::*;

#[test]
fn a_join_is_tokenised_filtered_and_thresholded() {
    let guarded = judged(
        "SELECT e.campaign, COUNT(DISTINCT t.household) AS households, SUM(t.amount) AS sales
         FROM sales t JOIN exposures e ON t.household = e.household
         WHERE t.week BETWEEN :from_week AND :to_week AND t.store <> 7
         GROUP BY e.campaign",
    )
    .unwrap();
    let want = r#"WITH "exposures" AS (
  SELECT CAST("campaign" AS BIGINT) AS "campaign",
         airlock_token('household-id:none', "household_id") AS "household"
  FROM "room"."exposures"
), "sales" AS (
  SELECT CAST("amount" AS DOUBLE) AS "amount",
         airlock_token('household-id:none', "household_id") AS "household",
         CAST("store" AS BIGINT) AS "store",
         CAST("week" AS BIGINT) AS "week"
  FROM "room"."sales"
  WHERE CAST("ads_ok" AS VARCHAR) IN ('yes')
    AND CAST("country" AS VARCHAR) IN ('DE', 'FR')
)
SELECT "e"."campaign" AS "campaign",
       COUNT(DISTINCT "t"."household") AS "households",
       CASE WHEN COUNT(DISTINCT CASE WHEN "t"."amount" IS NOT NULL THEN "t"."household" END) >= 100 THEN SUM("t"."amount") END AS "sales"
FROM "sales" AS "t"
JOIN "exposures" AS "e" ON "t"."household" = "e"."household"
WHERE ("t"."week" BETWEEN $from_week AND $to_week AND "t"."store" <> 7)
GROUP BY "e"."campaign"
HAVING airlock_at_least(COUNT(DISTINCT "t"."household"), 100)"#;
    assert_eq!(guarded.datafusion, want);
    assert_eq!(guarded.thresholds.len(), 1);
    assert_eq!(guarded.datasets.len(), 2);
}

#[test]
fn a_frequency_histogram_counts_entities_at_its_last_stage() {
    let guarded = judged(
        "WITH per AS (
           SELECT t.household, COUNT(*) AS visits
           FROM sales t JOIN exposures e ON t.household = e.household GROUP BY t.household)
         SELECT CASE WHEN visits >= 3 THEN '3+' WHEN visits = 2 THEN '2' ELSE '1' END AS frequency,
                COUNT(DISTINCT household) AS people, AVG(visits) AS mean
         FROM per GROUP BY frequency ORDER BY frequency",
    )
    .unwrap();
    assert!(
        guarded
            .datafusion
            .contains("HAVING airlock_at_least(COUNT(DISTINCT \"per\".\"household\"), 100)")
    );
    assert!(guarded.datafusion.ends_with("ORDER BY \"frequency\" ASC NULLS LAST"));
}

#[test]
fn three_datasets_are_held_to_the_strictest_of_equal_entities() {
    let guarded = judged(
        "SELECT s.age, COUNT(DISTINCT t.household) AS n FROM sales t
         JOIN exposures e ON t.household = e.household
         JOIN shoppers s ON s.household = t.household GROUP BY s.age",
    )
    .unwrap();
    assert!(
        guarded
            .datafusion
            .ends_with("HAVING airlock_at_least(COUNT(DISTINCT \"t\".\"household\"), 100)")
    );
    assert_eq!(guarded.thresholds.len(), 2);
}

#[test]
fn the_optional_side_of_a_join_is_counted_by_itself() {
    let guarded = judged(
        "SELECT e.campaign, COUNT(*) AS n FROM exposures e
         LEFT JOIN sales t ON t.household = e.household GROUP BY e.campaign",
    )
    .unwrap();
    assert!(
        guarded.datafusion.contains("airlock_at_least(COUNT(DISTINCT \"t\".\"household\"), 100)")
    );
}

#[test]
fn a_figure_is_null_unless_enough_entities_have_a_value() {
    let guarded = judged(
        "SELECT e.campaign, COUNT(*) AS n, COUNT(DISTINCT e.household) AS people, COUNT(t.week) AS weeks, AVG(t.amount) AS mean
         FROM sales t JOIN exposures e ON t.household = e.household GROUP BY e.campaign HAVING SUM(t.quantity) > 10",
    )
    .unwrap();
    let backed = |value: &str, then: &str| {
        format!(
            "CASE WHEN COUNT(DISTINCT CASE WHEN \"t\".\"{value}\" IS NOT NULL THEN \"t\".\"household\" END) >= 100 THEN {then} END"
        )
    };
    for part in [
        "COUNT(*) AS \"n\",\n       COUNT(DISTINCT \"e\".\"household\") AS \"people\"".to_owned(),
        backed("week", "COUNT(\"t\".\"week\")"),
        backed("amount", "AVG(CAST(\"t\".\"amount\" AS DOUBLE))"),
        format!("{} > 10 AS \"airlock_having\"", backed("quantity", "SUM(\"t\".\"quantity\")")),
    ] {
        assert!(guarded.datafusion.contains(&part), "{part}\n{}", guarded.datafusion);
    }
    // Where no rule asks for a threshold there is none to thin.
    let free =
        judged("SELECT campaign, SUM(cost) AS cost FROM exposures GROUP BY campaign").unwrap();
    assert!(!free.datafusion.contains("CASE"), "{}", free.datafusion);
}

#[test]
fn having_acts_on_what_passed() {
    let guarded = judged(
        "SELECT t.week, SUM(t.amount) AS sales FROM sales t JOIN exposures e ON t.household = e.household
         GROUP BY t.week HAVING COUNT(*) > 10 ORDER BY sales DESC LIMIT 3",
    )
    .unwrap();
    let inside = guarded.datafusion.find("airlock_at_least").unwrap();
    assert!(inside < guarded.datafusion.find("WHERE \"airlock_having\"").unwrap());
    assert!(guarded.datafusion.ends_with("LIMIT 3"));
}

#[test]
fn several_keys_are_resolved_to_the_first_dataset() {
    let guarded = judged(
        "SELECT c.segment, COUNT(DISTINCT c.person) AS people
         FROM customers c JOIN readers r ON c.person = r.person GROUP BY c.segment",
    )
    .unwrap();
    assert!(guarded.datafusion.contains(
        "COALESCE(\"m0\".\"id\", \"m1\".\"id\", \"r\".\"person\") AS \"airlock_person\""
    ));
    assert!(guarded.datafusion.contains("ON \"c\".\"person\" = \"r\".\"airlock_person\""));
    assert_eq!(guarded.thresholds.len(), 2);
}

#[test]
fn entities_of_several_keys_are_counted_as_their_own_and_as_their_partners() {
    let guarded = judged(
        "SELECT v.page, COUNT(DISTINCT v.person) AS people
         FROM visits v JOIN customers c ON v.person = c.person GROUP BY v.page",
    )
    .unwrap();
    assert!(guarded.datafusion.ends_with(
        "HAVING airlock_at_least(COUNT(DISTINCT \"c\".\"person\"), 100, COUNT(DISTINCT \"v\".\"person\"), 100)"
    ), "{}", guarded.datafusion);
}

#[test]
fn a_stage_carries_one_own_entity_for_each_of_its_rows() {
    let guarded = judged(
        "WITH per AS (
           SELECT c.person, COUNT(*) AS pages FROM visits v JOIN customers c ON v.person = c.person GROUP BY c.person)
         SELECT CASE WHEN pages > 3 THEN 'many' ELSE 'few' END AS much, COUNT(DISTINCT person) AS people
         FROM per GROUP BY much",
    )
    .unwrap();
    for part in [
        "MIN(\"c\".\"person\") AS \"airlock_own_1\"\nFROM \"visits\" AS \"v\"",
        "airlock_at_least(COUNT(DISTINCT \"per\".\"airlock_own_1\"), 100, COUNT(DISTINCT \"per\".\"person\"), 100)",
    ] {
        assert!(guarded.datafusion.contains(part), "{}", guarded.datafusion);
    }
}

#[test]
fn an_audience_is_counted_by_own_entities_as_well() {
    let guarded = activated(
        "WITH matched AS (SELECT c.person, c.segment, r.reader FROM readers r JOIN customers c ON r.person = c.person)
         SELECT m.segment FROM matched m WHERE m.segment <> 'x'",
    )
    .unwrap();
    for part in [
        "\"c\".\"person\" AS \"airlock_own_1\"",
        "\"m\".\"airlock_own_1\" AS \"airlock_entity_0\"",
        "COUNT(DISTINCT \"airlock_entity_0\"), 1000, COUNT(DISTINCT \"airlock_entity_1\"), 1000",
    ] {
        assert!(guarded.datafusion.contains(part), "{}", guarded.datafusion);
    }
}

#[test]
fn an_activation_is_one_large_audience_or_nothing() {
    let guarded = activated(
        "SELECT r.reader, c.segment FROM customers c JOIN readers r ON c.person = r.person WHERE r.section = 'sport'",
    )
    .unwrap();
    assert!(
        guarded
            .datafusion
            .contains("HAVING airlock_at_least(COUNT(DISTINCT \"airlock_entity_0\"), 1000)")
    );
    assert!(guarded.datafusion.contains("SELECT DISTINCT \"a\".\"reader\", \"a\".\"segment\""));
}

#[test]
fn the_same_template_gives_the_same_text() {
    let sql = "SELECT t.week, COUNT(DISTINCT t.household) AS n FROM sales t
               JOIN exposures e ON t.household = e.household GROUP BY t.week";
    assert_eq!(judged(sql).unwrap(), judged(sql).unwrap());
}

#[test]
fn a_parameter_is_never_text() {
    let parameter: ParameterName = ParameterName::new("from_week").unwrap();
    let agreement = agreement("SELECT 1", ResultClass::Aggregate, "brand");
    let declared: Option<&Parameter> = agreement.templates[&subject()].parameters.get(&parameter);
    assert!(declared.is_some());
    let guarded = judged(
        "SELECT t.week, COUNT(*) AS n FROM sales t JOIN exposures e ON t.household = e.household
         WHERE t.week = :from_week GROUP BY t.week",
    )
    .unwrap();
    assert!(guarded.datafusion.contains("\"t\".\"week\" = $from_week"));
}

#[test]
fn no_value_makes_a_function_fail() {
    let guarded = judged(
        "SELECT abs(t.week) AS w, substr(s.age, t.week, t.week) AS a, COUNT(*) AS n FROM sales t
         JOIN exposures e ON t.household = e.household JOIN shoppers s ON s.household = t.household
         WHERE t.week % 2 = 1 GROUP BY 1, 2",
    )
    .unwrap();
    for total in [
        r#"abs(greatest("t"."week", -9223372036854775807))"#,
        r#"substr("s"."age", greatest("t"."week", -9223372036854775807), greatest("t"."week", 0))"#,
        r#""t"."week" % NULLIF(2, 0)"#,
    ] {
        assert!(guarded.datafusion.contains(total), "{}", guarded.datafusion);
    }
}

#[test]
fn stages_that_can_be_subtracted_are_pointed_out() {
    let two = |condition: &str| {
        format!(
            "WITH a AS (SELECT t.week, SUM(t.amount) AS x FROM sales t JOIN exposures e ON t.household = e.household GROUP BY t.week),
                  b AS (SELECT t.week, SUM(t.amount) AS y FROM sales t JOIN exposures e ON t.household = e.household {condition} GROUP BY t.week)
             SELECT a.week, a.x - b.y AS rest FROM a JOIN b ON a.week = b.week"
        )
    };
    let warnings = judged(&two("WHERE t.store <> 7")).unwrap().warnings;
    assert!(
        matches!(warnings.as_slice(), [one] if one.contains("stages over sales differ")),
        "{warnings:?}"
    );
    assert!(judged(&two("")).unwrap().warnings.is_empty());
}
