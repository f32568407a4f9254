//! What Snowflake is told, and what it can't be told.

use super::*;
use crate::agreement::read;
use crate::guard::guard;
use crate::model::{MemberId, TemplateName};

const AGREEMENT: &str = include_str!("../../tests/corpus/agreement.yaml");
const JOINED: &str = "FROM sales t JOIN exposures e ON t.household = e.household";
const ROOMS: [Room; 2] = [Room::Shares, Room::Collaboration];

/// The corpus's agreement with keys that their owners hashed.
fn hashed() -> String {
    ["email", "mail", "phone", "tel"].iter().fold(AGREEMENT.to_owned(), |text, from| {
        text.replace(
            &format!("from: {from}, type: utf8"),
            &format!("from: {from}, type: utf8, hashed: sha256-hex"),
        )
    })
}

fn of(agreement: &str, sql: &str, class: ResultClass, room: Room) -> Result<SnowflakeText, Unsaid> {
    let mut agreement = read(agreement).unwrap();
    let name = TemplateName::new("subject").unwrap();
    let template = agreement.templates.get_mut(&name).unwrap();
    sql.clone_into(&mut template.sql);
    template.class = class;
    if class == ResultClass::Activation {
        template.received_by = [MemberId::new("press").unwrap()].into();
    }
    let guarded = guard(&agreement, &name).unwrap();
    snowflake(&agreement, &guarded, room)
}

fn said(room: Room, sql: &str) -> Said {
    of(&hashed(), sql, ResultClass::Aggregate, room).map(|text| text.sql)
}

/// The last SELECT of a template over a join, with this in its list.
fn last(room: Room, item: &str) -> Said {
    let said = said(room, &format!("SELECT {item} AS x, COUNT(*) AS n {JOINED} GROUP BY x"))?;
    Ok(said[said.rfind("\nSELECT").unwrap() + 1..].to_owned())
}

#[test]
fn a_template_reads_as_its_partner_would_write_it() {
    let sql = format!(
        "SELECT e.campaign, COUNT(DISTINCT t.household) AS households {JOINED} WHERE t.week BETWEEN :from_week AND 53 GROUP BY e.campaign ORDER BY households DESC LIMIT 3"
    );
    let text = of(&hashed(), &sql, ResultClass::Aggregate, Room::Shares).unwrap();
    assert_eq!(
        text.sql,
        r#"WITH "airlock_exposures" AS (
  SELECT "campaign",
         "household"
  FROM "exposures"
  WHERE ? /* from_week */ >= 1
    AND ? /* from_week */ <= 53
    AND ? /* to_week */ >= 1
    AND ? /* to_week */ <= 53
), "airlock_sales" AS (
  SELECT "household",
         "week"
  FROM "sales"
  WHERE ? /* from_week */ >= 1
    AND ? /* from_week */ <= 53
    AND ? /* to_week */ >= 1
    AND ? /* to_week */ <= 53
)
SELECT "e"."campaign" AS "campaign",
       COUNT(DISTINCT "t"."household") AS "households"
FROM "airlock_sales" AS "t"
JOIN "airlock_exposures" AS "e" ON "t"."household" = "e"."household"
WHERE "t"."week" BETWEEN ? /* from_week */ AND 53
GROUP BY "e"."campaign"
HAVING COUNT(DISTINCT "t"."household") >= 100
ORDER BY "households" DESC NULLS LAST
LIMIT 3"#
    );
    let binds: Vec<&str> = text.binds.iter().map(ParameterName::as_str).collect();
    let bounds = ["from_week", "from_week", "to_week", "to_week"];
    assert_eq!(binds, [&bounds[..], &bounds[..], &["from_week"]].concat());
    assert_eq!(text.digest, Digest::of(text.sql.as_bytes()));
    assert_eq!(
        of(&hashed(), &sql, ResultClass::Aggregate, Room::Shares),
        Ok(text),
        "the same each time"
    );
}

#[test]
fn a_template_of_the_collaboration_api_names_its_tables_and_types_its_parameters() {
    let sql = format!(
        "SELECT e.campaign, COUNT(*) AS n {JOINED} WHERE t.week = :from_week GROUP BY e.campaign"
    );
    let text = of(&hashed(), &sql, ResultClass::Aggregate, Room::Collaboration).unwrap();
    for part in [
        "FROM IDENTIFIER({{ preset_tables['sales'] }})\n",
        "WHERE CAST({{ from_week }} AS NUMBER(38, 0)) >= 1\n",
        "WHERE \"t\".\"week\" = CAST({{ from_week }} AS NUMBER(38, 0))\n",
        "HAVING COUNT(DISTINCT \"t\".\"household\") >= 100",
    ] {
        assert!(text.sql.contains(part), "{part}: {}", text.sql);
    }
    assert!(text.binds.is_empty());
    let named = hashed().replace("to_week:", "range:");
    let refused = of(&named, &sql, ResultClass::Aggregate, Room::Collaboration).unwrap_err();
    assert!(refused.message.contains("parameter range"), "{refused}");
    assert!(of(&named, &sql, ResultClass::Aggregate, Room::Shares).is_ok());
}

#[test]
fn a_view_has_what_the_agreement_lists_and_no_row_that_it_leaves_out() {
    let agreement = read(&hashed()).unwrap();
    let of = |name: &str| {
        let (name, dataset) =
            agreement.datasets.iter().find(|(known, _)| known.as_str() == name).unwrap();
        (view(name, dataset, &["DB", "Pub\"lic", "T"]).unwrap(), columns(dataset))
    };
    let (sales, listed) = of("sales");
    assert_eq!(
        sales,
        r#"SELECT CAST("amount" AS FLOAT) AS "amount",
       CASE WHEN OCTET_LENGTH(CAST("household_id" AS VARCHAR)) BETWEEN 1 AND 1024 THEN SHA2(CAST("household_id" AS VARCHAR), 256) END AS "household",
       CAST("price" AS FLOAT) AS "price",
       CAST("quantity" AS NUMBER(38, 0)) AS "quantity",
       CAST("sold_on" AS DATE) AS "sold_on",
       CAST("store" AS NUMBER(38, 0)) AS "store",
       CAST("week" AS NUMBER(38, 0)) AS "week"
FROM "DB"."Pub""lic"."T"
WHERE CAST("ads_ok" AS VARCHAR) IN ('yes') AND CAST("country" AS VARCHAR) IN ('DE', 'FR')"#
    );
    assert_eq!(listed.len(), 7);
    let (readers, listed) = of("readers");
    for part in [
        "SELECT \"k\".*,\n       COALESCE(\"k\".\"person__email\", \"k\".\"person__phone\") AS \"person\"",
        "CASE WHEN REGEXP_LIKE(\"mail\", '[0-9A-Fa-f]{64}') THEN LOWER(\"mail\") END AS \"person__email\"",
    ] {
        assert!(readers.contains(part), "{part}: {readers}");
    }
    assert!(listed.contains_key("person__phone") && listed.contains_key("person"));
    let raw = read(AGREEMENT).unwrap();
    let (name, dataset) = raw.datasets.iter().find(|(name, _)| name.as_str() == "readers").unwrap();
    assert!(view(name, dataset, &["T"]).unwrap_err().change.contains("airlock prepare"));
    assert!(view(name, dataset, &[]).is_err());
}

#[test]
fn what_means_something_else_there_is_written_as_it_is_meant() {
    for (item, means) in [
        ("CONCAT(CAST(t.week AS VARCHAR), 'b')", "COALESCE(TO_VARCHAR(\"t\".\"week\"), '') || 'b'"),
        ("EXTRACT(DOW FROM t.sold_on)", "DAYOFWEEKISO(\"t\".\"sold_on\") % 7"),
        ("EXTRACT(WEEK FROM t.sold_on)", "WEEKISO(\"t\".\"sold_on\")"),
        (
            "EXTRACT(HOUR FROM t.sold_on)",
            "EXTRACT(HOUR FROM CAST(\"t\".\"sold_on\" AS TIMESTAMP_NTZ(9)))",
        ),
        ("FLOOR(t.week)", "FLOOR(CAST(\"t\".\"week\" AS FLOAT))"),
        ("ROUND(t.week, 2)", "ROUND(CAST(\"t\".\"week\" AS FLOAT) * 100) / 100"),
        ("DATE_TRUNC('month', t.sold_on)", "DATE_TRUNC('month', \"t\".\"sold_on\")"),
        (
            "DATE_TRUNC('week', t.sold_on)",
            "DATEADD('day', 1 - DAYOFWEEKISO(\"t\".\"sold_on\"), \"t\".\"sold_on\")",
        ),
        (
            "SUBSTR(CAST(t.week AS VARCHAR), 2, t.week)",
            "SUBSTR(TO_VARCHAR(\"t\".\"week\"), 2, GREATEST_IGNORE_NULLS(\"t\".\"week\", 0))",
        ),
        ("SUBSTR(CAST(t.week AS VARCHAR), 2, 3)", "SUBSTR(TO_VARCHAR(\"t\".\"week\"), 2, 3)"),
        ("TRIM(CAST(t.week AS VARCHAR))", "TRIM(TO_VARCHAR(\"t\".\"week\"), ' ')"),
        ("t.week / 2", "(CAST(\"t\".\"week\" AS FLOAT) / CAST(NULLIF(2, 0) AS FLOAT))"),
        ("t.week > 1.5", "CAST(\"t\".\"week\" AS FLOAT) > CAST(1.5 AS FLOAT)"),
        ("t.week > 1e300", "> CAST('1e300' AS FLOAT)"),
        ("LEAST(t.week, 3)", "LEAST_IGNORE_NULLS(\"t\".\"week\", 3)"),
        ("t.sold_on > '2026-01-02'", "\"t\".\"sold_on\" > TO_DATE('2026-01-02', 'YYYY-MM-DD')"),
        ("(t.week > 1) IS TRUE", "COALESCE((\"t\".\"week\" > 1), FALSE)"),
        ("CAST(t.sold_on AS VARCHAR)", "TO_VARCHAR(\"t\".\"sold_on\", 'YYYY-MM-DD')"),
        ("CAST(t.week AS VARCHAR) LIKE '1\\%'", "LIKE '1\\\\%' ESCAPE '\\\\'"),
        ("-(-t.week)", "- (- \"t\".\"week\")"),
        ("t.week * t.week", "\"t\".\"week\" * \"t\".\"week\""),
        ("t.week % 100 * 7", "NULLIF(100, 0)) * 7"),
    ] {
        for room in ROOMS {
            let sql = last(room, item).unwrap();
            assert!(sql.contains(means), "{item} became {sql}");
        }
    }
}

#[test]
fn windows_are_written_out_to_their_frames() {
    let sql = |over: &str| {
        said(Room::Collaboration, &format!("WITH g AS (SELECT t.week, COUNT(*) AS n {JOINED} GROUP BY t.week) SELECT week, {over} AS x FROM g")).unwrap()
    };
    for (over, means) in [
        (
            "SUM(n) OVER (ORDER BY week)",
            "SUM(\"g\".\"n\") OVER (ORDER BY \"g\".\"week\" ASC NULLS LAST RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)",
        ),
        (
            "ROW_NUMBER() OVER (PARTITION BY n)",
            "ROW_NUMBER() OVER (PARTITION BY \"g\".\"n\" ORDER BY NULL)",
        ),
        ("AVG(n) OVER ()", "AVG(CAST(\"g\".\"n\" AS FLOAT)) OVER ()"),
    ] {
        assert!(sql(over).contains(means), "{over}: {}", sql(over));
    }
}

#[test]
fn a_mean_of_whole_numbers_is_no_decimal() {
    let sql = said(
        Room::Shares,
        "SELECT campaign, AVG(n) AS mean FROM (SELECT household, campaign, COUNT(*) AS n FROM exposures GROUP BY household, campaign) x GROUP BY campaign",
    );
    let sql = sql.unwrap();
    assert!(
        sql.contains("CAST(SUM(\"x\".\"n\") AS FLOAT) / NULLIF(COUNT(\"x\".\"n\"), 0) AS \"mean\""),
        "{sql}"
    );
}

#[test]
fn places_say_what_a_name_would_leave_open() {
    let sql = said(Room::Shares, &format!("SELECT t.week % 2 AS week, COUNT(*) AS n {JOINED} GROUP BY t.week % 2 ORDER BY week, n OFFSET 2")).unwrap();
    assert!(
        sql.ends_with("ORDER BY 1 ASC NULLS LAST, \"n\" ASC NULLS LAST\nLIMIT NULL\nOFFSET 2"),
        "{sql}"
    );
    let sql = said(
        Room::Shares,
        &format!(
            "SELECT t.week + :to_week AS w, COUNT(*) AS n {JOINED} GROUP BY t.week + :to_week"
        ),
    )
    .unwrap();
    assert!(sql.contains("\nGROUP BY 1\n"), "{sql}");
}

#[test]
fn what_a_policy_refuses_is_not_asked_of_a_share() {
    let several = "SELECT c.segment, COUNT(DISTINCT c.person) AS n FROM customers c JOIN readers r ON c.person = r.person GROUP BY c.segment";
    let largest = format!("SELECT t.week, MAX(t.price) AS p {JOINED} GROUP BY t.week");
    let window = format!(
        "WITH g AS (SELECT t.week, COUNT(*) AS n {JOINED} GROUP BY t.week) SELECT week, RANK() OVER (ORDER BY n) AS r FROM g"
    );
    for sql in [several, &largest, &window] {
        assert!(
            said(Room::Shares, sql).unwrap_err().message.contains("aggregation policy"),
            "{sql}"
        );
        assert!(said(Room::Collaboration, sql).is_ok(), "{sql}");
    }
    // Without a threshold there is no policy.
    assert!(said(Room::Shares, "WITH g AS (SELECT campaign, COUNT(*) AS n FROM exposures GROUP BY campaign) SELECT campaign, RANK() OVER (ORDER BY n) AS r FROM g").is_ok());
}

/// A policy counts entities of each view by itself: a stage of single entities is left to the outer query where it groups by the
/// view's own key, and merged away elsewhere.
#[test]
fn a_stage_of_single_entities_groups_by_the_key_of_the_one_policy() {
    let stage = |key: &str, also: &str| {
        format!(
            "WITH per AS (SELECT {key} AS who, COUNT(*) AS times {JOINED} {also} GROUP BY {key}) SELECT times, COUNT(DISTINCT who) AS people FROM per GROUP BY times"
        )
    };
    let passed = stage("t.household", "");
    assert!(said(Room::Shares, &passed).is_ok());
    let two = "JOIN shoppers s ON s.household = t.household";
    let projected = format!(
        "WITH a AS (SELECT t.household, e.campaign {JOINED}), per AS (SELECT household AS who, campaign, COUNT(*) AS times FROM a GROUP BY household, campaign) SELECT times, COUNT(DISTINCT who) AS people FROM per GROUP BY times"
    );
    assert!(said(Room::Shares, &projected).is_ok());
    for sql in [stage("e.household", ""), stage("t.household", two)] {
        let refused = said(Room::Shares, &sql).unwrap_err();
        assert!(refused.message.contains("single entities"), "{sql}: {refused}");
        assert!(said(Room::Collaboration, &sql).is_ok(), "{sql}");
    }
}

#[test]
fn an_activation_is_a_block_of_the_collaboration_api_and_nothing_of_a_share() {
    let sql = "SELECT r.reader, c.segment FROM customers c JOIN readers r ON c.person = r.person WHERE r.section = 'sport'";
    let of = |room| of(&hashed(), sql, ResultClass::Activation, room);
    let text = of(Room::Collaboration).unwrap().sql;
    assert!(text.starts_with("BEGIN\n  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS\n  WITH \"airlock_customers\" AS (\n"), "{text}");
    assert!(text.ends_with("\n  CROSS JOIN \"airlock_size\";\n  RETURN 'subject';\nEND"), "{text}");
    assert!(
        text.contains("HAVING COUNT(DISTINCT \"airlock_audience\".\"airlock_entity_0\") >= 1000"),
        "{text}"
    );
    assert!(of(Room::Shares).unwrap_err().change.contains("snowflake-dcr"));
}

#[test]
fn what_it_means_otherwise_and_can_not_be_made_to_is_refused() {
    for item in [
        "SUBSTR('abc', t.week)",
        "SUBSTR(CAST(t.week AS VARCHAR), 0)",
        "t.week > CAST('1' AS BIGINT)",
        "CAST(CAST(t.week AS VARCHAR) AS BIGINT)",
        "CAST(CAST(t.week AS DOUBLE) AS VARCHAR)",
        "CAST(CAST(t.sold_on AS TIMESTAMP) AS VARCHAR)",
        "t.sold_on > CAST('01/02/2026' AS DATE)",
        "CAST(t.week AS VARCHAR) LIKE 'a\\b'",
        "GREATEST(t.week > 1, FALSE)",
        "t.week * t.week * t.week",
        "t.week * :from_week * (:to_week + 1)",
    ] {
        for room in ROOMS {
            assert!(last(room, item).is_err(), "{item}");
        }
    }
    // Another version's text is not said under this agreement.
    let mut agreement = read(&hashed()).unwrap();
    let name = TemplateName::new("subject").unwrap();
    "SELECT campaign, COUNT(*) AS n FROM exposures GROUP BY campaign"
        .clone_into(&mut agreement.templates.get_mut(&name).unwrap().sql);
    let guarded = guard(&agreement, &name).unwrap();
    assert!(snowflake(&agreement, &guarded, Room::Shares).is_ok());
    agreement.templates.get_mut(&name).unwrap().sql.push(' ');
    assert!(snowflake(&agreement, &guarded, Room::Shares).is_err());
}

#[test]
fn a_text_with_anything_outside_the_lists_is_not_said() {
    let (parameters, mut stages) = (BTreeMap::new(), BTreeMap::new());
    let columns =
        Columns::from([("a".to_owned(), query::Kind { of: Some(ColumnType::Int64), most: 9.0 })]);
    stages.insert(
        "b".to_owned(),
        Relation { text: "\"airlock_b\"".to_owned(), columns, entities: Vec::new() },
    );
    let speak = |sql: &str| {
        let reader = query::Reader {
            room: Room::Shares,
            constrained: false,
            parameters: &parameters,
            stages: &stages,
            physical: None,
        };
        reader.query(&*parsed(sql)?).map(|said| said.text)
    };
    assert_eq!(
        speak("SELECT \"a\" AS \"a\" FROM \"b\" -- c").unwrap(),
        "SELECT \"airlock_b\".\"a\" AS \"a\"\nFROM \"airlock_b\""
    );
    for hostile in [
        "DROP TABLE x",
        "SELECT 1; SELECT 2",
        "SELECT system$whitelist() AS \"a\" FROM \"b\"",
        "SELECT current_account() AS \"a\" FROM \"b\"",
        "SELECT \"a\" FROM b",
        "SELECT a AS \"a\" FROM \"b\"",
        "SELECT \"c\" FROM \"b\"",
        "SELECT \"a\" FROM \"c\"",
        "SELECT \"a\" FROM \"room\".\"b\"",
        "SELECT \"a\" FROM \"x\".\"y\".\"b\"",
        "SELECT \"a\" FROM \"b\", \"b\"",
        "SELECT \"a\" FROM \"b\" SAMPLE (1)",
        "SELECT \"a\" FROM \"b\" UNION SELECT \"a\" FROM \"b\"",
        "SELECT * FROM \"b\"",
        "SELECT \"a\" AS \"a\" FROM \"b\" QUALIFY 1 = 1",
        "SELECT (SELECT 1) AS \"a\" FROM \"b\"",
        "SELECT $1 AS \"a\" FROM \"b\"",
        "SELECT $x AS \"a\" FROM \"b\"",
        "SELECT x'00' AS \"a\" FROM \"b\"",
        "SELECT CAST(\"a\" AS VARIANT) AS \"a\" FROM \"b\"",
        "SELECT \"a\"::BIGINT::JSON AS \"a\" FROM \"b\"",
        "SELECT \"a\" FROM \"b\" ORDER BY \"a\"",
        "SELECT \"a\" FROM \"b\" GROUP BY ALL",
        "SELECT \"a\" FROM \"b\" GROUP BY ROLLUP (\"a\")",
        "SELECT SUM(\"a\") FILTER (WHERE \"a\" > 1) AS \"a\" FROM \"b\"",
        "SELECT \"a\" FROM \"b\" LIMIT 1 + 1",
        "SELECT \"a\" FROM LATERAL (SELECT 1) AS \"x\"",
        "SELECT \"a\" FROM \"b\" RIGHT JOIN \"b\" AS \"c\" ON TRUE",
        "SELECT 'a",
    ] {
        assert!(speak(hostile).is_err(), "{hostile} became {:?}", speak(hostile));
    }
}

#[test]
fn values_are_bound_as_the_text_reads_them() {
    let bound = |value, of| bound(&value, of).map(|bound| (bound.r#type, bound.value));
    let text = |text: &str| Literal::Utf8(text.to_owned());
    assert_eq!(bound(Literal::Int64(-7), ColumnType::Int64), Some(("FIXED", "-7".to_owned())));
    assert_eq!(bound(Literal::Float64(0.1), ColumnType::Float64), Some(("REAL", "0.1".to_owned())));
    assert_eq!(bound(Literal::Int64(3), ColumnType::Float64), Some(("REAL", "3".to_owned())));
    assert_eq!(
        bound(Literal::Boolean(true), ColumnType::Boolean),
        Some(("BOOLEAN", "true".to_owned()))
    );
    assert_eq!(
        bound(text("2026-01-02"), ColumnType::Date),
        Some(("TEXT", "2026-01-02".to_owned()))
    );
    let time = bound(text("2026-01-02T03:04:05+01:00"), ColumnType::Timestamp);
    assert_eq!(time, Some(("TEXT", "2026-01-02 02:04:05.000000".to_owned())));
    assert_eq!(bound(text("noon"), ColumnType::Timestamp), None);
    assert_eq!(bound(text("1"), ColumnType::Int64), None);
    let shown = format!("{:?}", super::bound(&text("secret"), ColumnType::Utf8));
    assert!(!shown.contains("secret"), "{shown}");
}
