//! What Spark is told, and what it can't be told.

use super::*;
use crate::guard::guard;
use crate::model::TemplateName;

const AGREEMENT: &str = include_str!("../../tests/corpus/agreement.yaml");

fn said(sql: &str) -> Result<String, Unsaid> {
    let hashed =
        ["email", "mail", "phone", "tel"].iter().fold(AGREEMENT.to_owned(), |text, from| {
            text.replace(
                &format!("from: {from}, type: utf8"),
                &format!("from: {from}, type: utf8, hashed: sha256-hex"),
            )
        });
    in_spark(&hashed, sql)
}

fn in_spark(agreement: &str, sql: &str) -> Result<String, Unsaid> {
    let mut agreement = crate::agreement::read(agreement).unwrap();
    let name = TemplateName::new("subject").unwrap();
    sql.clone_into(&mut agreement.templates.get_mut(&name).unwrap().sql);
    let guarded = guard(&agreement, &name).unwrap();
    spark(&guarded).map(|text| text.sql)
}

const JOINED: &str = "FROM sales t JOIN exposures e ON t.household = e.household";

/// The last SELECT of a template over a join, with this in its list and this after it.
fn last(item: &str, rest: &str) -> String {
    let sql = format!("SELECT {item} AS x, COUNT(*) AS n {JOINED} {rest} GROUP BY x");
    let said = said(&sql).unwrap();
    said[said.rfind("\nSELECT").unwrap() + 1..].to_owned()
}

#[test]
fn a_template_reads_as_its_partner_would_write_it() {
    let sql = format!(
        "SELECT e.campaign, COUNT(DISTINCT t.household) AS households {JOINED} WHERE t.week BETWEEN :from_week AND 53 GROUP BY e.campaign ORDER BY households DESC LIMIT 3"
    );
    let text = said(&sql).unwrap();
    assert_eq!(
        text,
        "WITH `airlock_exposures` AS (
  SELECT CAST(`campaign` AS BIGINT) AS `campaign`,
         SHA2(REGEXP_SUBSTR(CAST(`household_id` AS STRING), '(?s)^.+$'), 256) AS `household`
  FROM `exposures`
  WHERE :from_week >= 1
    AND :from_week <= 53
    AND :to_week >= 1
    AND :to_week <= 53
), `airlock_sales` AS (
  SELECT SHA2(REGEXP_SUBSTR(CAST(`household_id` AS STRING), '(?s)^.+$'), 256) AS `household`,
         CAST(`week` AS BIGINT) AS `week`
  FROM `sales`
  WHERE CAST(`ads_ok` AS STRING) IN ('yes')
    AND CAST(`country` AS STRING) IN ('DE', 'FR')
    AND :from_week >= 1
    AND :from_week <= 53
    AND :to_week >= 1
    AND :to_week <= 53
)
SELECT `e`.`campaign` AS `campaign`,
       COUNT(DISTINCT `t`.`household`) AS `households`
FROM `airlock_sales` AS `t`
JOIN `airlock_exposures` AS `e` ON `t`.`household` = `e`.`household`
WHERE `t`.`week` BETWEEN :from_week AND 53
GROUP BY `e`.`campaign`
HAVING COUNT(DISTINCT `t`.`household`) >= 100
ORDER BY `households` DESC NULLS LAST
LIMIT 3"
    );
    assert_eq!(said(&sql), Ok(text), "the same each time");
}

#[test]
fn a_relation_named_like_its_dataset_is_told_from_its_columns() {
    let text = said("SELECT exposures.campaign, COUNT(DISTINCT exposures.household) AS n FROM exposures GROUP BY exposures.campaign").unwrap();
    assert!(text.contains("FROM `airlock_exposures` AS `exposures`"), "{text}");
    assert!(text.contains("GROUP BY `exposures`.`campaign`"), "{text}");
}

#[test]
fn literals_can_not_leave_their_quotes() {
    for (written, said) in
        [("'it''s'", r"'it\'s'"), (r"'a\'", r"'a\\'"), (r"'\'' OR 1=1 --'", r"'\\\' OR 1=1 --'")]
    {
        let sql = last(&format!("CASE WHEN e.campaign = 1 THEN {written} ELSE 'b' END"), "");
        assert!(sql.contains(said), "{written} became {sql}");
    }
}

#[test]
fn what_means_something_else_there_is_written_as_it_is_meant() {
    for (item, said) in [
        (
            "CONCAT(CAST(t.week AS VARCHAR), 'b')",
            "CONCAT_WS('', TRY_CAST(`t`.`week` AS STRING), 'b')",
        ),
        ("EXTRACT(DOW FROM t.sold_on)", "CAST((DAYOFWEEK(`t`.`sold_on`) - 1) AS BIGINT)"),
        ("EXTRACT(WEEK FROM t.sold_on)", "CAST(EXTRACT(WEEK FROM `t`.`sold_on`) AS BIGINT)"),
        ("FLOOR(t.week)", "CAST(FLOOR(CAST(`t`.`week` AS DOUBLE)) AS DOUBLE)"),
        ("DATE_TRUNC('month', t.sold_on)", "CAST(DATE_TRUNC('month', `t`.`sold_on`) AS DATE)"),
        (
            "SUBSTR(CAST(t.week AS VARCHAR), 2, t.week)",
            "SUBSTR(TRY_CAST(`t`.`week` AS STRING), 2, GREATEST(`t`.`week`, 0))",
        ),
        ("CAST(t.week AS VARCHAR)", "TRY_CAST(`t`.`week` AS STRING)"),
    ] {
        let sql = last(item, "");
        assert!(sql.contains(said), "{item} became {sql}");
    }
}

#[test]
fn what_spark_means_otherwise_and_can_not_be_made_to_is_refused() {
    for (item, change) in [
        ("SUBSTR('abc', t.week)", "a whole number from 1"),
        ("SUBSTR(CAST(t.week AS VARCHAR), 0)", "a whole number from 1"),
    ] {
        let sql = format!("SELECT {item} AS x, COUNT(*) AS n {JOINED} GROUP BY x");
        assert_eq!(said(&sql).unwrap_err().change, change, "{item}");
    }
    let sql = "SELECT r.section, COUNT(DISTINCT r.person) AS n FROM readers r GROUP BY r.section";
    let refused = in_spark(AGREEMENT, sql).unwrap_err();
    assert!(
        refused.message.contains("match key email") && refused.change.contains("airlock prepare"),
        "{refused}"
    );
    assert!(said(sql).unwrap().contains("LOWER(REGEXP_SUBSTR(`mail`, '^[0-9A-Fa-f]{64}$'))"));
}

#[test]
fn a_text_with_anything_outside_the_lists_is_not_said() {
    let speak = |sql: &str| {
        let parts = tree::parts(sql)?;
        Speaker { datasets: BTreeSet::new() }.say(&parts)
    };
    assert_eq!(speak("SELECT \"a\" FROM \"b\" -- c").unwrap(), "SELECT `a` FROM `b`  ");
    for hostile in [
        "DROP TABLE x",
        "SELECT 1; SELECT 2",
        "SELECT reflect('a')",
        "SELECT java_method('a')",
        "SELECT a FROM b",
        "SELECT @x",
        "SELECT {a}",
        "SELECT ${a}",
        "SELECT (1",
        "SELECT 1)",
        "SELECT `a`",
        "`SELECT` 1",
        "SELECT \"a\"(1)",
        "SELECT CAST(1 AS x)",
        "SELECT x'00'",
        "SELECT E'\\n'",
        "SELECT 1 UNION SELECT 2",
        "SELECT $1x-y",
        "SELECT a -> b",
        "SELECT 'a",
    ] {
        assert!(speak(hostile).is_err(), "{hostile} became {:?}", speak(hostile));
    }
}
