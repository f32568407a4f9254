//! House rules as a test: sizes, module docs, words, dependency direction. Reads the tree; knows no product code.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may end by panicking; clippy knows that only inside test functions"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

const LINES_MAX: usize = 600;
const TOP: [&str; 13] = [
    "Cargo.toml",
    "Cargo.lock",
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "adapters",
    "benches",
    "examples",
    "localstack",
    "mappings",
    "rust-toolchain.toml",
    "src",
    "tests",
];
const ROOTS: [&str; 5] = ["src", "mappings", "adapters", "tests", "benches"];
/// File stems that say nothing about what is inside.
const BANNED_NAMES: [&str; 6] = ["manager", "util", "utils", "common", "helper", "helpers"];
/// Marks of unfinished work, split so that this file does not find itself.
const UNFINISHED: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("#[ign", "ore")];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for path in entries.map(|e| e.unwrap().path()) {
        if path.is_dir() && !path.ends_with("target") && !path.ends_with(".venv") {
            walk(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn sources() -> BTreeMap<String, String> {
    let mut found = Vec::new();
    for folder in ROOTS {
        walk(&root().join(folder), &mut found);
    }
    assert!(
        found.len() > 40,
        "the walk found {} files: it is looking at the wrong tree",
        found.len()
    );
    found
        .into_iter()
        .map(|p| {
            let name = p.strip_prefix(root()).unwrap().display().to_string();
            (name, std::fs::read_to_string(&p).unwrap())
        })
        .collect()
}

fn none(broken: impl IntoIterator<Item = String>, rule: &str) {
    let broken: Vec<String> = broken.into_iter().collect();
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

#[test]
fn every_file_opens_with_what_it_is() {
    let broken = sources().into_iter().filter(|(_, t)| !t.starts_with("//!")).map(|(f, _)| f);
    none(broken, "each file opens with `//!`");
}

/// What lies beside the code may hold a gateway's keys, so that nothing but these is ever committed.
#[test]
fn nothing_lies_at_the_top_but_what_belongs_there() {
    let listed = Command::new("git").args(["ls-files"]).current_dir(root()).output().unwrap();
    assert!(listed.status.success(), "git lists what is committed");
    let listed = String::from_utf8(listed.stdout).unwrap();
    let top: BTreeSet<&str> = listed.lines().filter_map(|path| path.split('/').next()).collect();
    assert!(top.contains("src"), "git listed {} entries", top.len());
    let broken = top.into_iter().filter(|name| !name.starts_with('.') && !TOP.contains(name));
    none(broken.map(str::to_owned), "the top level is settled");
    let kept =
        |path: &&str| Path::new(path).extension().is_some_and(|e| e == "key" || e == "db-wal");
    none(listed.lines().filter(kept).map(str::to_owned), "no gateway's folder is committed");
}

#[test]
fn no_file_is_over_its_size() {
    let long = |t: &str| t.lines().count() > LINES_MAX;
    let broken = sources()
        .into_iter()
        .filter(|(_, t)| long(t))
        .map(|(f, t)| format!("{f}: {}", t.lines().count()));
    none(broken, "no file over 600 lines");
}

#[test]
fn no_banned_names_and_nothing_unfinished() {
    let mut broken = Vec::new();
    for (file, text) in sources() {
        let stem = Path::new(&file).file_stem().unwrap().to_string_lossy().to_string();
        if BANNED_NAMES.contains(&stem.as_str()) {
            broken.push(format!("{file}: name"));
        }
        for (n, line) in text.lines().enumerate() {
            if UNFINISHED.iter().any(|mark| line.contains(mark)) {
                broken.push(format!("{file}:{}: unfinished or skipped", n + 1));
            }
        }
    }
    none(broken, "names say what is inside, and nothing is left unfinished");
}

#[test]
fn vendor_nouns_stay_in_their_adapters() {
    let nouns =
        ["configured_table", "ConfiguredTable", "SecureView", "secure_view", "DataOffering"];
    let outside = |f: &str| !f.starts_with("adapters/") && f != "tests/tidy.rs";
    let broken = sources()
        .into_iter()
        .filter(|(f, t)| outside(f) && nouns.iter().any(|n| t.contains(n)))
        .map(|(f, _)| f);
    none(broken, "a vendor's noun appears only inside that vendor's adapter");
}

#[test]
fn only_the_clock_asks_the_time_and_only_wiring_names_an_adapter() {
    let mut broken = Vec::new();
    let (now, utc) = (concat!("System", "Time::now"), concat!("Utc::", "now"));
    for (file, text) in sources() {
        if file.starts_with("src/")
            && file != "src/clock.rs"
            && (text.contains(now) || text.contains(utc))
        {
            broken.push(format!("{file}: asks the time"));
        }
        let adapters =
            ["adapter_native", "adapter_memory", "adapter_aws_clean_rooms", "adapter_snowflake"];
        let names = adapters.iter().any(|name| text.contains(name));
        if file.starts_with("src/") && file != "src/wiring.rs" && names {
            broken.push(format!("{file}: names a concrete adapter"));
        }
    }
    none(broken, "the clock and the adapters are injected");
}

#[test]
fn who_calls_is_said_without_http() {
    let inside = |f: &str| ["src/access/", "src/tokens/"].iter().any(|room| f.starts_with(room));
    let all: Vec<_> = sources().into_iter().filter(|(f, _)| inside(f)).collect();
    assert!(all.len() > 10, "the rooms have {} files: it is looking at the wrong ones", all.len());
    // How somebody is known must not know what it may do; what it may do must not know how it is known.
    let broken = all.iter().filter(|(file, text)| {
        let is_access = file.starts_with("src/access/");
        text.contains("axum") || (is_access && text.contains("crate::tokens"))
    });
    none(
        broken.map(|(file, _)| file.clone()),
        "src/access and src/tokens know no HTTP, and access no tokens",
    );
}

#[test]
fn nothing_that_is_shown_goes_around_the_escape() {
    let raw = concat!("Pre", "Escaped");
    let all = sources();
    let pages = all.keys().filter(|file| file.starts_with("src/http/console/")).count();
    assert!(pages > 20, "the console has {pages} files: it is looking at the wrong tree");
    let broken = all.iter().filter(|(_, text)| text.contains(raw)).map(|(file, _)| file.clone());
    none(broken, "every text of a page is escaped");
    // A page knows the desk, and what it answers; what stands behind it is not for pages.
    let behind = ["crate::app::App", "crate::store::Store", "crate::log", "crate::wiring"];
    let is_page = |file: &str| file.starts_with("src/http/console/") && !file.contains("/tests");
    let broken = all
        .iter()
        .filter(|(file, text)| is_page(file) && behind.iter().any(|name| text.contains(name)));
    none(broken.map(|(file, _)| file.clone()), "pages use the desk only");
}

/// Hyphenated words of the rooms whose errors reach an answer that are no codes of it: platforms, kinds of leaves and drift, conditions, terms of an
/// agreement, a thread, what a metric counts, and what is only said where a gateway starts.
const WORDS: [&str; 53] = [
    "airlock-runs",
    "airlock-signature",
    "aws-clean-rooms",
    "cap-nearly-spent",
    "closed-first",
    "connections-invalid",
    "count-distinct",
    "delivery-intended",
    "device-id",
    "drift-found",
    "effect-intended",
    "effect-outcome",
    "final-on-platform",
    "format-only",
    "found-withdrawn",
    "given-up",
    "hmac-bytes",
    "hmac-hex",
    "in-force",
    "kebab-case",
    "kept-here",
    "lower-trim",
    "member-admin",
    "missing-repeatedly",
    "never-seen",
    "not-certain-yet",
    "not-possible",
    "open-not-wanted",
    "phone-us",
    "privacy-officer",
    "recipient-keyed",
    "result-shared",
    "revocation-closed",
    "revocation-confirmed",
    "revocation-open",
    "room-observed",
    "run-cancelled",
    "run-failed",
    "run-requested",
    "run-succeeded",
    "schedule-refused",
    "schedule-suspended",
    "server-default",
    "settings-invalid",
    "sha256-bytes",
    "sha256-hex",
    "share-ended",
    "share-read",
    "slot-refused",
    "snowflake-dcr",
    "unsettled-calls",
    "waiver-given",
    "webhook-id",
];

/// What an answer's code may come from, without tests.
fn answering() -> impl Iterator<Item = (String, String)> {
    const ROOMS: [&str; 13] = [
        "src/app/",
        "src/client/",
        "src/egress/",
        "src/error",
        "src/home",
        "src/log/",
        "src/publication/",
        "src/reconcile/",
        "src/results/",
        "src/sharing/",
        "src/store/",
        "src/wiring.rs",
        "mappings/src/agreement/",
    ];
    let is_test = |f: &str| ["/tests", "/cases", "/suite", "_tests"].iter().any(|t| f.contains(t));
    let inside = move |f: &str| ROOMS.iter().any(|room| f.starts_with(room));
    let all = sources()
        .into_iter()
        .filter(move |(f, _)| inside(f) && !is_test(f) && !f.starts_with("src/error/codes"));
    all.map(|(f, text)| {
        let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        (f, product.to_owned())
    })
}

fn is_code(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// Everything between two quotation marks that is written as codes of several words are.
fn hyphenated(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(|line| line.split('"')).filter(|part| is_code(part) && part.contains('-'))
}

#[test]
fn every_code_that_an_answer_may_have_is_explained() {
    let of = |f: &str| std::fs::read_to_string(root().join(f)).unwrap();
    let tables = ["agreement", "client", "egress", "gateway", "guard", "log", "platform"];
    let mut explained = BTreeSet::new();
    for table in tables {
        let text = of(&format!("src/error/codes/{table}.rs"));
        let rows = text.lines().filter_map(|line| line.strip_prefix("    (\""));
        explained.extend(rows.filter_map(|row| row.split('"').next().map(str::to_owned)));
    }
    assert!(explained.len() > 200, "{}", explained.len());
    // Those of a request carry their own words: `Name, STATUS, "code", "what it means", "what would pass";`.
    let problem = of("src/http/problem.rs");
    let own = problem.lines().filter(|line| line.starts_with("    ") && line.ends_with("\";"));
    let own: BTreeSet<String> =
        own.filter_map(|line| line.split('"').nth(1).map(str::to_owned)).collect();
    assert!(own.len() > 15, "{own:?}");
    explained.extend(own);
    let (mut broken, mut seen) = (Vec::new(), BTreeSet::new());
    for (file, text) in answering() {
        // On one line, so that a code stands right after what makes it one.
        let joined = text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
        let makers = [
            "Error::invalid(",
            "Error::refused(",
            "Error::failed(",
            "Self::failed(",
            "Denied::new(",
            "code: ",
        ];
        for maker in makers {
            for rest in joined.split(maker).skip(1) {
                let Some(rest) = rest.trim_start().strip_prefix('"') else { continue };
                let code = rest.split('"').next().unwrap_or_default();
                if is_code(code) && !explained.contains(code) && !WORDS.contains(&code) {
                    broken.push(format!("{file}: {code}"));
                }
            }
        }
        // `Name, "code", "what it means";`
        let rows = text.lines().filter(|line| line.ends_with("\";"));
        let rows = rows.filter(|line| line.split('"').count() == 5 && line.contains(", \""));
        for code in rows.filter_map(|line| line.split('"').nth(1)) {
            if is_code(code) && !explained.contains(code) {
                broken.push(format!("{file}: {code}"));
            }
        }
        // Whatever is written as codes are is one, or is said to be none.
        for literal in hyphenated(&text) {
            seen.insert(literal.to_owned());
            if !explained.contains(literal) && !WORDS.contains(&literal) {
                broken.push(format!("{file}: {literal}"));
            }
        }
    }
    let idle = WORDS.iter().filter(|word| !seen.contains(**word));
    broken.extend(idle.map(|word| format!("{word}: no word that is there")));
    broken.sort();
    broken.dedup();
    none(broken, "a code is in src/error/codes, a word that is none in WORDS");
}

fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let out = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo metadata starts");
    assert!(out.status.success(), "cargo metadata failed");
    let metadata: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let normal = |d: &&serde_json::Value| d["kind"].is_null();
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| {
            let names = p["dependencies"].as_array().unwrap().iter().filter(normal);
            let names = names.map(|d| d["name"].as_str().unwrap().to_owned()).collect();
            (p["name"].as_str().unwrap().to_owned(), names)
        })
        .collect()
}

#[test]
fn dependencies_point_one_way() {
    let all = dependencies();
    let ours: BTreeSet<&String> = all.keys().collect();
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("mappings", &[][..]),
        ("matching", &[]),
        ("adapter-native", &["adapter-spi", "mappings", "matching"]),
        ("adapter-spi", &["mappings"]),
        ("adapter-memory", &["adapter-spi", "mappings"]),
        ("adapter-aws-clean-rooms", &["adapter-spi", "mappings"]),
        ("adapter-snowflake", &["adapter-spi", "mappings", "snowflake-sql-api"]),
        ("snowflake-sql-api", &[]),
        ("simulate", &["adapter-memory", "adapter-spi", "airlock", "mappings"]),
        (
            "airlock",
            &[
                "adapter-aws-clean-rooms",
                "adapter-memory",
                "adapter-native",
                "adapter-snowflake",
                "adapter-spi",
                "mappings",
            ],
        ),
        ("revocation-model", &["airlock"]),
    ]);
    let mut broken = Vec::new();
    for (package, names) in &all {
        let Some(may) = allowed.get(package.as_str()) else {
            broken.push(format!("{package}: a package that this test does not know"));
            continue;
        };
        for name in names.iter().filter(|n| ours.contains(n) && !may.contains(&n.as_str())) {
            broken.push(format!("{package} -> {name}"));
        }
    }
    let banned = [
        ("mappings", &["tokio", "datafusion", "arrow", "object_store", "sqlx", "axum"][..]),
        ("adapter-spi", &["tokio", "datafusion", "arrow", "sqlx", "axum"]),
        ("adapter-memory", &["sqlx", "axum"]),
        ("adapter-native", &["sqlx", "axum"]),
        ("adapter-aws-clean-rooms", &["datafusion", "sqlx", "axum"]),
        ("matching", &["datafusion", "tokio"]),
        ("adapter-snowflake", &["datafusion", "sqlx", "axum"]),
        ("snowflake-sql-api", &["datafusion", "sqlx", "axum", "object_store"]),
        ("simulate", &["sqlx", "datafusion", "axum", "arrow", "tokio"]),
        ("revocation-model", &["tokio", "futures", "async-trait"]),
    ];
    for (package, names) in banned {
        let has = &all[package];
        broken.extend(
            names.iter().filter(|n| has.contains(**n)).map(|n| format!("{package} -> {n}")),
        );
    }
    none(broken, "dependencies point from gateway to adapters to spi to mappings");
}

#[test]
fn every_decision_is_linked_from_the_map() {
    let map = std::fs::read_to_string(root().join("src/ARCHITECTURE.md")).unwrap();
    let broken = std::fs::read_dir(root().join("src/decisions"))
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().to_string())
        .filter(|f| !map.contains(f.as_str()))
        .collect::<Vec<_>>();
    none(broken, "src/ARCHITECTURE.md links every decision");
}
