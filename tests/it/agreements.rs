//! Agreement files and templates that are too large, too deep or not text: a clear error, at once, and no panic.

use crate::world::{AGREEMENT, SENTINEL, World};
use std::io::Write;

fn with_template(sql: &str) -> String {
    let own = AGREEMENT.lines().find(|line| line.trim_start().starts_with("sql:")).unwrap();
    AGREEMENT.replace(own, &format!("    sql: {}", serde_json::json!(sql)))
}

#[test]
fn a_sound_agreement_passes() {
    World::of(1).airlock(&["check", "agreement.yaml"]).done();
}

#[test]
fn an_agreement_of_a_hundred_megabytes_is_refused_by_its_size() {
    let world = World::of(1);
    let mut file = std::fs::File::create(world.path("agreement.yaml")).unwrap();
    file.write_all(AGREEMENT.as_bytes()).unwrap();
    let line = format!("# {SENTINEL} {}\n", "x".repeat(1000));
    for _ in 0..100_000 {
        file.write_all(line.as_bytes()).unwrap();
    }
    drop(file);
    for arguments in [["check", "agreement.yaml"], ["explain", "agreement.yaml"]] {
        let answer = world.airlock(&arguments);
        assert!(answer.json.to_string().contains("source-too-long"), "{answer:?}");
        assert_eq!(answer.code, Some(2));
    }
}

#[test]
fn what_is_no_agreement_is_refused_where_it_stands() {
    let world = World::of(1);
    let hostile: [(&str, &[u8]); 6] = [
        ("nothing", b""),
        ("not text", b"\xff\xfe\x00zqsentinel"),
        ("a NUL", b"agreement: v1\x00\nzqsentinel: 1"),
        ("a list", b"[zqsentinel]"),
        (
            "an alias bomb",
            b"a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b]",
        ),
        ("JSON cut short", b"{\"agreement\": \"v1\", \"zqsen"),
    ];
    for (what, bytes) in hostile {
        std::fs::write(world.path("agreement.yaml"), bytes).unwrap();
        let answer = world.airlock(&["check", "agreement.yaml"]);
        assert_eq!(answer.code, Some(2), "{what}: {answer:?}");
    }
    for deep in ["[".repeat(10_000), "{\"a\":".repeat(10_000), "- ".repeat(10_000)] {
        std::fs::write(world.path("agreement.yaml"), deep).unwrap();
        assert_eq!(world.airlock(&["check", "agreement.yaml"]).code, Some(2));
    }
    world.airlock(&["check", "absent.yaml"]).is(2, "io");
}

#[test]
fn a_byte_order_mark_and_carriage_returns_change_nothing() {
    let world = World::of(1);
    world.agree(&format!("\u{feff}{}", AGREEMENT.replace('\n', "\r\n")));
    world.airlock(&["check", "agreement.yaml"]).done();
}

#[test]
fn templates_too_deep_or_too_long_are_refused() {
    let world = World::of(1);
    let chain = |n: usize| {
        (1..n)
            .fold("WITH c0 AS (SELECT s.person, s.segment FROM sales s)".to_owned(), |text, at| {
                format!("{text}, c{at} AS (SELECT person, segment FROM c{})", at - 1)
            })
    };
    let hostile = [
        ("parentheses", format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000))),
        (
            "subqueries",
            format!("{}SELECT 1{}", "SELECT * FROM (".repeat(10_000), ") t".repeat(10_000)),
        ),
        ("NOT", format!("SELECT s.segment FROM sales s WHERE {} true", "NOT ".repeat(10_000))),
        (
            "AND",
            format!(
                "SELECT COUNT(*) AS n FROM seen e WHERE {}",
                vec!["e.campaign = 'zqsentinel'"; 10_000].join(" AND ")
            ),
        ),
        (
            "CASE",
            format!("SELECT {} 1 {}", "CASE WHEN true THEN ".repeat(10_000), "END ".repeat(10_000)),
        ),
        (
            "CTEs",
            format!(
                "{} SELECT segment, COUNT(DISTINCT person) AS n FROM c9999 GROUP BY segment",
                chain(10_000)
            ),
        ),
        (
            "half a megabyte",
            format!(
                "SELECT COUNT(*) AS n FROM seen e WHERE e.campaign IN ({})",
                vec!["'zqsentinel'"; 38_000].join(", ")
            ),
        ),
    ];
    for (what, sql) in hostile {
        world.agree(&with_template(&sql));
        for command in ["check", "explain"] {
            let answer = world.airlock(&[command, "agreement.yaml"]);
            assert!(matches!(answer.code, Some(2 | 3)), "{what}: {answer:?}");
        }
    }
}

#[test]
fn a_check_says_that_nobody_was_asked_where_a_room_counts_on_what_nobody_saw() {
    let world = World::of(1);
    let journey = include_str!("../formats/agreement-v1-complete-journey.yaml");
    std::fs::write(world.path("journey.yaml"), journey).unwrap();
    for (file, counts) in [("journey.yaml", true), ("agreement.yaml", false)] {
        let told = world.airlock(&["check", file]).done();
        let rooms = told["unverified"].as_array().unwrap();
        assert!(rooms.iter().all(|room| room["asked"] == false), "{rooms:?}");
        let many = |room: &serde_json::Value| room["behaviours"].as_array().unwrap().len();
        assert_eq!(rooms.iter().any(|room| many(room) > 0), counts, "{rooms:?}");
        let check = std::process::Command::new(env!("CARGO_BIN_EXE_airlock"))
            .args(["check", file])
            .current_dir(world.path(""))
            .output()
            .unwrap();
        let text = String::from_utf8(check.stdout).unwrap();
        assert_eq!(text.contains("unverified on a real account"), counts, "{text}");
        assert_eq!(text.contains("nobody was asked: check has no account"), counts, "{text}");
    }
}
