//! The corpus of hostile templates: each is refused with its code, and its legitimate twin passes. Reads `corpus/*.toml` over
//! `corpus/agreement.yaml` through the public API only; must not know how the guard decides.

use mappings::agreement::read;
use mappings::guard::{CODES, FUNCTIONS, Guarded, Refusal, Span, guard};
use mappings::model::{MemberId, ResultClass, TemplateName};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::{fs, thread};

/// The join that most templates stand on, written `JOINED` in the corpus.
const JOINED: &str = "FROM sales t JOIN exposures e ON t.household = e.household";
const CASES_MIN: usize = 400;
/// Codes that need another agreement or a text of their own, tested beside the guard.
const ELSEWHERE: [&str; 3] = ["template-unknown", "template-too-long", "receiver-not-allowed"];
/// Codes that speak of a text as a whole, so may name no place.
const WHOLE: [&str; 3] = ["syntax", "statement", "type"];

/// One file of the corpus.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Family {
    case: Vec<Case>,
}

/// A hostile template and its legitimate twin.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    code: String,
    #[serde(default = "aggregate")]
    class: ResultClass,
    /// Who receives the hostile template's result, where that is what is hostile.
    receiver: Option<String>,
    /// Whether the parser keeps no place of what is refused.
    #[serde(default)]
    placeless: bool,
    hostile: String,
    twin: String,
}

const fn aggregate() -> ResultClass {
    ResultClass::Aggregate
}

type Judged = Result<Result<Guarded, Vec<Refusal>>, Box<dyn Error>>;

fn judged(sql: &str, class: ResultClass, receiver: Option<&str>) -> Judged {
    let mut agreement =
        read(include_str!("corpus/agreement.yaml")).map_err(|e| format!("{e:?}"))?;
    let name = TemplateName::new("subject")?;
    let template = agreement.templates.get_mut(&name).ok_or("no template `subject`")?;
    sql.clone_into(&mut template.sql);
    template.class = class;
    let usual = match class {
        ResultClass::Aggregate => "brand",
        ResultClass::Activation => "press",
    };
    template.received_by = [MemberId::new(receiver.unwrap_or(usual))?].into();
    Ok(guard(&agreement, &name))
}

fn corpus() -> Result<BTreeMap<String, Family>, Box<dyn Error>> {
    let mut families = BTreeMap::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|kind| kind == "toml") {
            let mut family: Family = toml::from_str(&fs::read_to_string(&path)?)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            for case in &mut family.case {
                case.hostile = case.hostile.replace("JOINED", JOINED);
                case.twin = case.twin.replace("JOINED", JOINED);
            }
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            families.insert(stem, family);
        }
    }
    Ok(families)
}

/// What is wrong with one case, if anything.
fn fault(case: &Case) -> Result<Option<String>, Box<dyn Error>> {
    let mut wrong = String::new();
    match judged(&case.hostile, case.class, case.receiver.as_deref())? {
        Ok(passed) => write!(
            wrong,
            "\n  wants {}, but passes:\n{}\n  becomes:\n{}",
            case.code, case.hostile, passed.datafusion
        )?,
        Err(refusals) => {
            let found: BTreeSet<&str> = refusals.iter().map(|refusal| refusal.code).collect();
            if found != BTreeSet::from([case.code.as_str()]) {
                write!(wrong, "\n  wants {}, found {found:?}:\n{}", case.code, case.hostile)?;
            }
            for refusal in &refusals {
                if let Some(flaw) = flaw(refusal, case) {
                    write!(wrong, "\n  {flaw}: {refusal} ({:?})\n{}", refusal.span, case.hostile)?;
                }
                if !wrong.is_empty() {
                    write!(wrong, "\n  refused: {refusal}")?;
                }
            }
        }
    }
    if let Err(refusals) = judged(&case.twin, case.class, None)? {
        write!(wrong, "\n  the twin is refused:\n{}", case.twin)?;
        for refusal in refusals {
            write!(wrong, "\n  {refusal}")?;
        }
    }
    Ok((!wrong.is_empty()).then_some(wrong))
}

/// What a reader of this refusal would miss.
fn flaw(refusal: &Refusal, case: &Case) -> Option<&'static str> {
    if refusal.message.trim().is_empty() {
        return Some("no reason");
    }
    if refusal.change.trim().is_empty() {
        return Some("no change that would pass");
    }
    match refusal.span {
        Some(span) if !within(span, &case.hostile) => Some("a place outside the text"),
        None if !case.placeless && !WHOLE.contains(&refusal.code) => Some("no place"),
        Some(_) | None => None,
    }
}

fn within(span: Span, sql: &str) -> bool {
    let wide = |line: u32| {
        let nth = usize::try_from(line).ok().and_then(|line| line.checked_sub(1))?;
        sql.split('\n').nth(nth).map(|text| text.chars().count())
    };
    // A span ends after its last character.
    let inside = |line, column: u32| {
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        wide(line).is_some_and(|wide| (1..=wide + 1).contains(&column))
    };
    inside(span.line, span.column)
        && inside(span.end_line, span.end_column)
        && (span.line, span.column) <= (span.end_line, span.end_column)
}

#[test]
fn every_hostile_template_is_refused_and_every_twin_passes() -> Result<(), Box<dyn Error>> {
    let mut faults = Vec::new();
    let mut cases = 0;
    for (family, Family { case }) in corpus()? {
        for case in case {
            cases += 1;
            if let Some(wrong) = fault(&case)? {
                faults.push(format!("{family}: {}{wrong}", case.name));
            }
        }
    }
    assert!(faults.is_empty(), "{} of {cases} cases:\n\n{}", faults.len(), faults.join("\n\n"));
    assert!(cases >= CASES_MIN, "only {cases} cases");
    Ok(())
}

/// Every twin has a text for Spark as well, but for what the lists of `mappings::spark` leave out by name.
#[test]
fn every_twin_is_said_in_spark_or_refused_by_name() -> Result<(), Box<dyn Error>> {
    let (mut said, mut refused) = (0, BTreeMap::new());
    for Case { name, class, twin, .. } in corpus()?.into_values().flat_map(|family| family.case) {
        let Ok(guarded) = judged(&twin, class, None)? else { continue };
        match mappings::spark::spark(&guarded) {
            Ok(text) => {
                // Shapes of keys end in a sign that nothing else has.
                let rest = text.sql.replace("$'", "'");
                assert!(!rest.contains(['"', '$']), "{name}: {}", text.sql);
                said += 1;
            }
            Err(why) => *refused.entry(why.change).or_insert(0) += 1,
        }
    }
    let known = [
        "a whole number from 1",
        "`airlock prepare` in the owner's domain, and `hashed:` on the key",
    ];
    assert!(refused.keys().all(|change| known.contains(&change.as_str())), "{refused:?}");
    assert!(said > CASES_MIN / 2, "{said} said, {refused:?}");
    Ok(())
}

/// The README lists what the guard allows, and each of it stands in a template that passes.
#[test]
fn the_readme_lists_every_function_and_each_is_met() -> Result<(), Box<dyn Error>> {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md"))?;
    let readme = readme.split_whitespace().collect::<Vec<_>>().join(" ");
    let listed = FUNCTIONS.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(readme.contains(&listed), "the README does not say: {listed}");
    let mut texts = String::new();
    for Case { twin, .. } in corpus()?.into_values().flat_map(|family| family.case) {
        texts = format!("{texts}\n{}", twin.to_ascii_lowercase());
    }
    let unmet: Vec<&str> = FUNCTIONS
        .split([',', ';'])
        .map(str::trim)
        .filter(|name| {
            !texts.contains(&format!("{name}(")) && !texts.contains(&format!("{name} ("))
        })
        .collect();
    assert!(unmet.is_empty(), "no twin has {unmet:?}");
    Ok(())
}

#[test]
fn no_text_or_name_stands_twice() -> Result<(), Box<dyn Error>> {
    let (mut texts, mut twice) = (BTreeMap::new(), Vec::new());
    for (family, Family { case }) in corpus()? {
        let mut names = BTreeSet::new();
        for Case { name, hostile, twin, class, .. } in case {
            if !names.insert(name.clone()) {
                twice.push(format!("{family}: two cases are named {name}"));
            }
            for text in [hostile, twin] {
                let alike = text.split_whitespace().collect::<Vec<_>>().join(" ");
                if let Some(other) = texts.insert(alike, format!("{family}: {name}")) {
                    twice.push(format!("{family}: {name} ({class:?}) repeats {other}:\n  {text}"));
                }
            }
        }
    }
    assert!(twice.is_empty(), "{}", twice.join("\n"));
    Ok(())
}

#[test]
fn every_code_is_met() -> Result<(), Box<dyn Error>> {
    let corpus = corpus()?;
    let met: BTreeSet<&str> =
        corpus.values().flat_map(|family| &family.case).map(|case| case.code.as_str()).collect();
    let unmet: Vec<&str> = CODES
        .iter()
        .map(|(code, _)| *code)
        .filter(|code| !met.contains(code) && !ELSEWHERE.contains(code))
        .collect();
    assert!(unmet.is_empty(), "no case has {unmet:?}");
    Ok(())
}

#[test]
fn texts_built_to_exhaust_are_refused_on_a_small_stack() -> Result<(), Box<dyn Error>> {
    let long = [
        format!("SELECT COUNT(*) AS n FROM exposures WHERE campaign = {}1", "1+".repeat(30_000)),
        format!("SELECT COUNT(*) AS n FROM exposures WHERE campaign = {}1", "- ".repeat(30_000)),
        format!("SELECT {}1{} AS x", "(".repeat(10_000), ")".repeat(10_000)),
        format!("SELECT COUNT(*) AS n FROM exposures WHERE campaign{}", " IS NULL".repeat(8_000)),
        format!("SELECT 1{}", " UNION SELECT 1".repeat(2_700)),
        format!("SELECT 1{}", " UNION SELECT 1".repeat(4_000)),
        format!(
            "SELECT COUNT(*) AS n FROM {}exposures{}",
            "(SELECT household FROM ".repeat(60),
            ") x".repeat(60)
        ),
        " ".repeat(500_000),
    ];
    for text in long {
        let start: String = text.chars().take(60).collect();
        let stack = thread::Builder::new().stack_size(1 << 20);
        let refused = stack
            .spawn(move || {
                judged(&text, ResultClass::Aggregate, None).is_ok_and(|judged| judged.is_err())
            })?
            .join();
        assert!(matches!(refused, Ok(true)), "{start}…");
    }
    Ok(())
}
