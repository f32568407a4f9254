//! Snowflake's texts from outside: golden ones of the example and of the corpus, generated templates that are read again by
//! somebody else's parser, and hostile names and constants, none of which leaves its quotes. Public API only.
//! `AIRLOCK_BLESS=1` writes the golden files.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the tokenizer's signs grow; any of them is compared as it is"
)]

use mappings::agreement::read;
use mappings::guard::{Guarded, guard};
use mappings::model::{Agreement, MemberId, ResultClass, TemplateName};
use mappings::snowflake::{Room, snowflake, view};
use proptest::prelude::*;
use serde::Deserialize;
use sqlparser::ast::Statement;
use sqlparser::dialect::SnowflakeDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

const JOINED: &str = "FROM sales t JOIN exposures e ON t.household = e.household";
const ROOMS: [Room; 2] = [Room::Shares, Room::Collaboration];
const CASES_MIN: usize = 400;
const HOSTILE_MIN: usize = 100;

type Done<T = ()> = Result<T, Box<dyn Error>>;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The corpus's agreement with keys that their owners hashed, so that every dataset has a view.
fn agreement() -> Done<Agreement> {
    let text = fs::read_to_string(folder().join("tests/corpus/agreement.yaml"))?;
    let hashed = ["email", "mail", "phone", "tel"].iter().fold(text, |text, from| {
        let raw = format!("from: {from}, type: utf8");
        text.replace(&raw, &format!("{raw}, hashed: sha256-hex"))
    });
    read(&hashed).map_err(|wrong| format!("{wrong:?}").into())
}

fn with(
    agreement: &Agreement,
    sql: &str,
    class: ResultClass,
) -> Done<(Agreement, Option<Guarded>)> {
    let mut agreement = agreement.clone();
    let name = TemplateName::new("subject")?;
    let template = agreement.templates.get_mut(&name).ok_or("no template `subject`")?;
    sql.clone_into(&mut template.sql);
    template.class = class;
    let receiver = if class == ResultClass::Activation { "press" } else { "brand" };
    template.received_by = [MemberId::new(receiver)?].into();
    let guarded = guard(&agreement, &name).ok();
    Ok((agreement, guarded))
}

/// A text as its parameters and tables leave it: read again by the parser, one query.
fn read_again(room: Room, sql: &str) -> Done {
    let mut text = sql.to_owned();
    if room == Room::Collaboration {
        text = rendered(&text)?;
        if let Some(block) = text
            .strip_prefix("BEGIN\n  CREATE OR REPLACE TABLE cleanroom.activation_data_subject AS\n")
        {
            text = block
                .strip_suffix(";\n  RETURN 'subject';\nEND")
                .ok_or("a block of another form")?
                .to_owned();
        }
    }
    let statements = Parser::parse_sql(&SnowflakeDialect {}, &text)
        .map_err(|error| format!("{error}:\n{text}"))?;
    match statements.as_slice() {
        [Statement::Query(_)] => Ok(()),
        other => Err(format!("{} statements, or no query:\n{text}", other.len()).into()),
    }
}

/// What Jinja makes of a template, where every parameter is a quoted text. Any block of it that is not ours is an error.
fn rendered(sql: &str) -> Done<String> {
    let mut text = String::new();
    let mut rest = sql;
    while let Some((before, after)) = rest.split_once("{{ ") {
        let (inside, after) = after.split_once(" }}").ok_or("a block that is not closed")?;
        let table =
            inside.strip_prefix("preset_tables['").and_then(|inside| inside.strip_suffix("']"));
        rest = after;
        match (table, before.strip_suffix("IDENTIFIER("), after.strip_prefix(")\n")) {
            // A table by its name is a table.
            (Some(table), Some(before), Some(after)) => {
                writeln!(text, "{before}\"{table}\"")?;
                rest = after;
            }
            (None, _, _) if ["from_week", "to_week"].contains(&inside) => {
                write!(text, "{before}'7'")?;
            }
            (_, _, _) => return Err(format!("a block that is not ours: {inside}").into()),
        }
    }
    text.push_str(rest);
    if ["{{", "{%", "{#"].iter().any(|opens| text.contains(opens)) {
        return Err(format!("Jinja would read more of it:\n{text}").into());
    }
    Ok(text)
}

fn golden(name: &str, found: &str) -> Done {
    let path = folder().join("tests/snowflake").join(name);
    if env::var_os("AIRLOCK_BLESS").is_some() {
        fs::write(&path, found)?;
    }
    let wanted = fs::read_to_string(&path)?;
    if wanted == found {
        return Ok(());
    }
    let at = wanted.lines().zip(found.lines()).position(|(one, other)| one != other);
    let line = |text: &str| at.and_then(|at| text.lines().nth(at)).unwrap_or_default().to_owned();
    Err(format!(
        "{name}, line {}:\n  {}\n  {}",
        at.unwrap_or_default() + 1,
        line(&wanted),
        line(found)
    )
    .into())
}

#[test]
fn the_example_reads_as_it_did() -> Done {
    let text = fs::read_to_string(folder().join("../examples/grocery/agreement.yaml"))?;
    let agreement = read(&text).map_err(|wrong| format!("{wrong:?}"))?;
    let mut found = String::new();
    for (name, dataset) in &agreement.datasets {
        writeln!(
            found,
            "-- view {name}\n{}\n",
            view(name, dataset, &["SHARED", "PUBLIC", name.as_str()])?
        )?;
    }
    for name in agreement.templates.keys() {
        let guarded = guard(&agreement, name).map_err(|refusals| format!("{refusals:?}"))?;
        for room in ROOMS {
            let text = snowflake(&agreement, &guarded, room)?;
            writeln!(found, "-- {name}, {room:?}\n{}\n", text.sql)?;
        }
    }
    golden("grocery.sql", &found)
}

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

fn corpus() -> Done<BTreeMap<String, Family>> {
    let mut families = BTreeMap::new();
    for entry in fs::read_dir(folder().join("tests/corpus"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|kind| kind == "toml") {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            families.insert(stem, toml::from_str(&fs::read_to_string(&path)?)?);
        }
    }
    Ok(families)
}

/// Every twin has a text in the Collaboration API and, but for what a policy refuses, in a share; texts are kept from the stages of
/// the datasets on, which all templates over the same columns share.
#[test]
fn every_twin_is_said_or_refused_by_name() -> Done {
    let agreement = agreement()?;
    let (mut found, mut refused, mut cases) = (String::new(), BTreeMap::new(), 0);
    let mut said = BTreeMap::from([("Shares", 0), ("Collaboration", 0)]);
    for (family, Family { case }) in corpus()? {
        for Case { name, class, twin } in case {
            cases += 1;
            let (agreement, guarded) = with(&agreement, &twin.replace("JOINED", JOINED), class)?;
            let guarded = guarded.ok_or_else(|| format!("{family}: {name} is refused"))?;
            writeln!(found, "-- {family}: {name}")?;
            for room in ROOMS {
                match snowflake(&agreement, &guarded, room) {
                    Ok(text) => {
                        read_again(room, &text.sql)?;
                        *said
                            .entry(if room == Room::Shares { "Shares" } else { "Collaboration" })
                            .or_default() += 1;
                        let own = own(&text.sql);
                        match room {
                            Room::Collaboration => writeln!(found, "{own}")?,
                            Room::Shares => writeln!(found, "-- in a share: {}", text.digest)?,
                        }
                    }
                    Err(why) => {
                        writeln!(found, "-- {room:?}: {}", why.message)?;
                        *refused.entry((format!("{room:?}"), why.change)).or_insert(0) += 1;
                    }
                }
            }
            found.push('\n');
        }
    }
    let known = [
        "the room `snowflake-dcr`, or another one",
        "the room `snowflake-dcr`, or GROUP BY that dataset's own entity, alone with data without a threshold",
        "the room `snowflake-dcr`, or COUNT, SUM and AVG",
    ];
    assert!(
        refused.keys().all(|(room, change)| room == "Shares" && known.contains(&change.as_str())),
        "{refused:?}"
    );
    assert!(
        cases >= CASES_MIN && said.values().all(|said| *said >= CASES_MIN - 60),
        "{cases} cases, {said:?}, {refused:?}"
    );
    golden("corpus.sql", &found)
}

/// A text without the stages by which datasets enter.
fn own(sql: &str) -> String {
    let mut lines = sql.lines().peekable();
    let mut kept = Vec::new();
    let mut inside = false;
    while let Some(line) = lines.next() {
        let enters = lines.peek().is_some_and(|next| next.trim_start().starts_with("SELECT \""))
            && line.ends_with(" AS (")
            && line.contains("\"airlock_")
            && !line.contains("\"airlock_audience\"");
        if enters {
            inside = true;
        }
        if !inside {
            kept.push(line);
        }
        if inside && line.trim_start().starts_with(')') && !enters {
            inside = false;
            kept.push(line);
        }
    }
    kept.join("\n")
}

fn hostile() -> BTreeSet<String> {
    const WORDS: [&str; 50] = [
        "'",
        "''",
        "'''",
        "\"",
        "\"\"",
        "\\",
        "\\\\",
        "\\'",
        "\\\"",
        "' OR 1=1 --",
        "'; DROP TABLE sales; --",
        "\\'; SELECT 1; --",
        "--",
        "-- x",
        "/*",
        "*/",
        "/* x */",
        "#",
        "//",
        "$$",
        "$$ x $$",
        "$1",
        "$name",
        ":p",
        ":from_week",
        "?",
        "? /* from_week */",
        "{{",
        "}}",
        "{{ x }}",
        "{{ preset_tables['sales'] }}",
        "{{{",
        "{{{{",
        "{%",
        "{% raw %}",
        "%}",
        "{#",
        "#}",
        "{ {",
        "{x}",
        "`",
        ";",
        "&x",
        "@stage",
        "%s",
        "\\u007b\\u007b",
        "日本",
        "naïve",
        "🚆",
        "a\u{301}",
    ];
    let mut all = BTreeSet::new();
    for word in WORDS {
        all.extend([
            word.to_owned(),
            format!("a{word}"),
            format!("{word}{word}"),
            format!("{word} b"),
        ]);
    }
    all.extend([
        "x".repeat(255),
        "'".repeat(255),
        "\"".repeat(255),
        "{".repeat(255),
        "\\".repeat(254),
        "é".repeat(255),
    ]);
    all
}

fn tokens(sql: &str) -> Done<Vec<Token>> {
    let all = Tokenizer::new(&SnowflakeDialect {}, sql)
        .tokenize()
        .map_err(|error| format!("{error}:\n{sql}"))?;
    Ok(all.into_iter().filter(|token| !matches!(token, Token::Whitespace(_))).collect())
}

/// Signs and words with constants joined where they are put together, and each constant apart.
fn taken_apart(sql: &str) -> Done<(Vec<String>, Vec<String>)> {
    let (mut shape, mut constants): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let all = tokens(sql)?;
    let mut rest = all.as_slice();
    while let [first, after @ ..] = rest {
        rest = after;
        // ('a' || 'b') is one constant.
        if let (Token::LParen, [Token::SingleQuotedString(one), Token::StringConcat, ..]) =
            (first, after)
        {
            let mut whole = one.clone();
            let mut parts = after.get(1..).unwrap_or_default();
            while let [Token::StringConcat, Token::SingleQuotedString(more), others @ ..] = parts {
                whole.push_str(more);
                parts = others;
            }
            if let [Token::RParen, others @ ..] = parts {
                shape.push("constant".to_owned());
                constants.push(whole);
                rest = others;
                continue;
            }
        }
        match first {
            Token::SingleQuotedString(text) => {
                shape.push("constant".to_owned());
                constants.push(text.clone());
            }
            other => shape.push(other.to_string()),
        }
    }
    Ok((shape, constants))
}

#[test]
fn no_hostile_constant_leaves_its_quotes() -> Done {
    let agreement = agreement()?;
    let hostile = hostile();
    assert!(hostile.len() >= HOSTILE_MIN, "{}", hostile.len());
    let said = |text: &str, room| -> Done<(Vec<String>, Vec<String>)> {
        let text = text.replace('\'', "''");
        let sql = format!(
            "SELECT CASE WHEN e.campaign = 1 THEN '{text}' WHEN CAST(e.campaign AS VARCHAR) IN ('{text}', 'y') THEN 'z' END AS x, COUNT(*) AS n {JOINED} WHERE CAST(t.week AS VARCHAR) <> '{text}' GROUP BY 1"
        );
        let (agreement, guarded) = with(&agreement, &sql, ResultClass::Aggregate)?;
        let sql = snowflake(&agreement, &guarded.ok_or("refused by the guard")?, room)?.sql;
        read_again(room, &sql)?;
        taken_apart(&if room == Room::Collaboration { rendered(&sql)? } else { sql })
    };
    for room in ROOMS {
        let (shape, plain) = said("plain", room)?;
        for text in &hostile {
            let (found, constants) =
                said(text, room).map_err(|error| format!("{text}: {error}"))?;
            assert_eq!(found, shape, "{text}");
            let wanted: Vec<&str> =
                plain.iter().map(|one| if one == "plain" { text.as_str() } else { one }).collect();
            assert_eq!(constants, wanted, "{text}");
        }
    }
    Ok(())
}

#[test]
fn no_hostile_name_leaves_its_quotes() -> Done {
    let agreement = agreement()?;
    let (name, sales) =
        agreement.datasets.iter().find(|(name, _)| name.as_str() == "sales").ok_or("no sales")?;
    let said = |column: &str| -> Done<Vec<Token>> {
        let mut dataset = sales.clone();
        let week = dataset
            .columns
            .iter_mut()
            .find(|(name, _)| name.as_str() == "week")
            .ok_or("no week")?
            .1;
        column.clone_into(&mut week.from);
        let consent = dataset.consent.as_mut().ok_or("no consent")?;
        column.clone_into(&mut consent.from);
        tokens(&view(name, &dataset, &["DB", column, column])?)
    };
    let plain = said("plain")?;
    let mut count = 0;
    for text in hostile().into_iter().filter(|text| text.chars().count() <= 255) {
        let found = said(&text).map_err(|error| format!("{text}: {error}"))?;
        let wanted: Vec<Token> = plain
            .iter()
            .cloned()
            .map(|token| match token {
                Token::Word(mut word) if word.value == "plain" => {
                    word.value.clone_from(&text);
                    Token::Word(word)
                }
                other => other,
            })
            .collect();
        assert_eq!(found, wanted, "{text}");
        count += 1;
    }
    assert!(count >= HOSTILE_MIN, "{count}");
    for refused in ["", "a\nb", "a\u{0}b", "\u{1}", &"x".repeat(256)] {
        assert!(said(refused).is_err(), "{refused:?}");
    }
    Ok(())
}

/// Conditions, group keys and figures over the corpus's join, put together at random.
fn template() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        Just("t.week".to_owned()),
        Just("e.campaign".to_owned()),
        Just(":from_week".to_owned()),
        (0..60i64).prop_map(|n| n.to_string()),
        Just("2.5".to_owned())
    ];
    let number = number.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            (inner.clone(), prop_oneof![Just("+"), Just("-"), Just("*"), Just("/")], inner.clone())
                .prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            inner.clone().prop_map(|a| format!("abs({a})")),
            inner.clone().prop_map(|a| format!("round({a}, 1)")),
            inner.clone().prop_map(|a| format!("coalesce({a}, 0)")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("greatest({a}, {b})")),
            inner.prop_map(|a| format!("-{a}")),
        ]
    });
    let text = prop_oneof![
        Just("CAST(t.week AS VARCHAR)".to_owned()),
        "[ -~äß日]{0,8}".prop_map(|text| format!("'{}'", text.replace('\'', "''")))
    ];
    let condition = prop_oneof![
        (number.clone(), prop_oneof![Just("="), Just("<>"), Just("<"), Just(">=")], number.clone())
            .prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (number.clone(), number.clone()).prop_map(|(a, b)| format!("{a} BETWEEN {b} AND 40")),
        text.clone().prop_map(|text| format!("CAST(e.campaign AS VARCHAR) <> {text}")),
        text.prop_map(|text| format!("CAST(e.campaign AS VARCHAR) IN ({text}, 'x')"))
            .prop_filter("constants", |text| !text.contains("(CAST")),
        Just("t.sold_on >= '2026-01-02'".to_owned()),
        Just("t.week IS NOT NULL".to_owned()),
    ];
    let condition = condition.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} AND {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} OR {b}")),
            inner.clone().prop_map(|a| format!("NOT ({a})")),
            inner.prop_map(|a| format!("({a}) IS TRUE")),
        ]
    });
    let key = prop_oneof![
        Just("t.week".to_owned()),
        Just("e.campaign".to_owned()),
        Just("date_trunc('week', t.sold_on)".to_owned()),
        Just("extract(dow FROM t.sold_on)".to_owned()),
        condition
            .clone()
            .prop_map(|condition| format!("CASE WHEN {condition} THEN t.week ELSE 0 END")),
    ];
    let figure = prop_oneof![
        Just("COUNT(*)"),
        Just("SUM(t.amount)"),
        Just("AVG(t.amount)"),
        Just("MAX(t.price)"),
        Just("COUNT(DISTINCT e.household)"),
        Just("SUM(t.quantity) * 2")
    ];
    (key, figure, condition, any::<bool>(), 0..4u8).prop_map(|(key, figure, condition, having, tail)| {
        let having = if having { " HAVING COUNT(*) > 5" } else { "" };
        let tail = ["", " ORDER BY k DESC", " ORDER BY f, k LIMIT 5", " OFFSET 3"].get(usize::from(tail)).copied().unwrap_or_default();
        format!("SELECT {key} AS k, {figure} AS f {JOINED} WHERE {condition} GROUP BY {key}{having}{tail}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_global_rejects: 4000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_generated_is_read_again_and_always_the_same(sql in template()) {
        let agreement = agreement().map_err(|error| TestCaseError::fail(error.to_string()))?;
        let (agreement, guarded) = with(&agreement, &sql, ResultClass::Aggregate).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let Some(guarded) = guarded else { return Err(TestCaseError::reject("the guard refuses it")) };
        for room in ROOMS {
            let text = match snowflake(&agreement, &guarded, room) {
                Ok(text) => text,
                Err(why) => {
                    let policy = room == Room::Shares && sql.contains("MAX(");
                    prop_assert!(policy || why.message.contains("38 digits"), "{sql}: {why}");
                    continue;
                }
            };
            read_again(room, &text.sql).map_err(|error| TestCaseError::fail(format!("{sql}\n{error}")))?;
            let places = text.sql.matches("? /* ").count();
            prop_assert!(room == Room::Collaboration || places >= text.binds.len());
            prop_assert_eq!(snowflake(&agreement, &guarded, room), Ok(text));
        }
    }
}
