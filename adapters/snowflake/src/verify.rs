//! What an account answered to questions that no document settles: the form of the report, for both rooms. It holds questions and
//! statements of this package's own, names of columns, codes, answers and times: no name of anybody's, no row, no text of the platform's.

use crate::reach::Reach;
use crate::session::{Rows, Session, Times, Took};
use crate::sql::Sql;
use adapter_spi::{AdapterError, CallClass, Cx, Result};
use mappings::model::{Agreement, MemberId, PlatformId};
use serde::Serialize;
use std::fmt;
use std::sync::{Arc, PoisonError};

/// A question: its stable code, and what is asked.
pub(crate) type Question = (&'static str, &'static str);

const REACHED: Question = ("account-reached", "the account answers, and is the pinned one");
const LETTERS: Question = (
    "letters",
    "LOWER and UPPER bring letters whose other case is several letters to the same as the native room",
);
const OVERFLOW: Question =
    ("float-overflow", "a float that overflows is infinite, and fails nothing");

/// So long may the name of a column be that is told.
const NAME_MAX: usize = 64;

/// An answer to one question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The question, by its stable code.
    pub question: &'static str,
    /// What is asked.
    pub asks: &'static str,
    /// `yes`, `no`, or `not-tried`.
    pub answer: &'static str,
    /// Why, where it is no: a code of ours, and the platform's codes.
    pub detail: String,
    /// The statements that it took, with their times.
    pub statements: Vec<Took>,
}

/// The columns of one statement's answer, in the platform's order and spelling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Columns {
    /// The statement's words.
    pub statement: &'static str,
    /// Their names.
    pub names: Vec<String>,
}

/// The answers of one account.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// This package's version.
    pub airlock: &'static str,
    /// Which room: `snowflake` or `snowflake-dcr`.
    pub room: PlatformId,
    /// The account's region, as `CURRENT_REGION()` says it.
    pub region: String,
    /// What is known of its edition: `enterprise-or-higher`, `lower-or-not-let` (no policy can be made), or `unknown`.
    pub edition: &'static str,
    /// In the order in which they were tried.
    pub found: Vec<Found>,
    /// What answers look like.
    pub columns: Vec<Columns>,
    #[serde(skip)]
    times: Times,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "airlock {} {} {} {}", self.airlock, self.room, self.region, self.edition)?;
        for Found { question, asks, answer, detail, statements } in &self.found {
            let detail = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
            let took_ms: u64 = statements.iter().map(|one| one.took_ms).sum();
            writeln!(f, "{answer:9} {took_ms:6} ms  {question}: {asks}{detail}")?;
        }
        for Columns { statement, names } in &self.columns {
            writeln!(f, "{statement}: {}", names.join(", "))?;
        }
        Ok(())
    }
}

impl Report {
    /// Nothing was asked yet.
    pub(crate) fn new(room: &PlatformId) -> Self {
        Self {
            airlock: env!("CARGO_PKG_VERSION"),
            room: room.clone(),
            region: String::new(),
            edition: "unknown",
            found: Vec::new(),
            columns: Vec::new(),
            times: Arc::default(),
        }
    }

    /// An account whose statements are timed for this report.
    pub(crate) fn timed(&mut self, session: &Session) -> Session {
        // Words of the platform's, of letters and digits.
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        self.region = session.region.chars().filter(|c| is_word(*c)).take(NAME_MAX).collect();
        session.timed(&self.times)
    }

    /// What a question was answered, with the statements since the one before.
    pub(crate) fn say(&mut self, (question, asks): Question, answer: &Result<bool>) -> bool {
        let (answer, detail) = match answer {
            Ok(true) => ("yes", String::new()),
            Ok(false) => ("no", String::new()),
            Err(error) => ("no", told(error)),
        };
        let statements =
            std::mem::take(&mut *self.times.lock().unwrap_or_else(PoisonError::into_inner));
        self.found.push(Found { question, asks, answer, detail, statements });
        answer == "yes"
    }

    pub(crate) fn skip(&mut self, (question, asks): Question) {
        let (answer, detail, statements) = ("not-tried", String::new(), Vec::new());
        self.found.push(Found { question, asks, answer, detail, statements });
    }

    /// Whether a question was asked.
    pub(crate) fn answers(&self, (question, _): Question) -> bool {
        self.found.iter().any(|found| found.question == question)
    }

    /// Keeps what the columns of an answer are called.
    pub(crate) fn shows(&mut self, statement: &'static str, rows: &Rows) {
        let is_plain = |name: &&String| {
            name.len() <= NAME_MAX
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_ $".contains(&b))
        };
        let names: Vec<String> = rows.names().iter().filter(is_plain).cloned().collect();
        self.columns.push(Columns { statement, names });
    }
}

/// Codes alone: the reasons of this package's own errors may name accounts.
fn told(error: &AdapterError) -> String {
    let platform = error.reason.split(", ").filter(|part| {
        let digits = part.strip_prefix("Snowflake ").or_else(|| part.strip_prefix("SQL state "));
        digits
            .is_some_and(|code| code.len() <= 8 && code.bytes().all(|b| b.is_ascii_alphanumeric()))
    });
    let codes = std::iter::once(error.code).chain(platform);
    codes.collect::<Vec<_>>().join(", ")
}

/// A session of an operated member whose statements are timed, and the gateway's database there; none where it is not reached.
pub(crate) async fn reached(
    reach: &Reach,
    (agreement, member): (&Agreement, &MemberId),
    report: &mut Report,
    cx: &Cx,
) -> Option<(Session, String)> {
    match reach.session(agreement, member, cx).await {
        Ok(session) => {
            let database = reach.connection(member)?.database().to_owned();
            let session = report.timed(&session);
            report.say(REACHED, &Ok(true));
            Some((session, database))
        }
        Err(error) => {
            report.say(REACHED, &Err(error));
            None
        }
    }
}

/// What functions make of what no document settles, in either room.
pub(crate) async fn figures(session: &Session, report: &mut Report) {
    report.say(LETTERS, &letters(session).await);
    report.say(OVERFLOW, &overflows(session).await);
}

/// One cell of one row.
pub(crate) async fn cell(
    session: &Session,
    statement: &'static str,
    sql: Sql,
) -> Result<Option<String>> {
    let rows = session.rows(statement, CallClass::Read, sql).await?.of(["n"])?;
    Ok(rows.into_iter().next().and_then(|[cell]| cell))
}

async fn letters(session: &Session) -> Result<bool> {
    for letter in ["\u{130}", "\u{df}", "\u{fb01}", "\u{3a3}"] {
        let cases = [("LOWER", letter.to_lowercase()), ("UPPER", letter.to_uppercase())];
        for (words, own) in cases {
            let sql = match words {
                "LOWER" => Sql::new("SELECT LOWER(").text(letter).word(") AS N"),
                _ => Sql::new("SELECT UPPER(").text(letter).word(") AS N"),
            };
            if cell(session, words, sql).await? != Some(own) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

async fn overflows(session: &Session) -> Result<bool> {
    let sql = Sql::new("SELECT CAST(1e308 AS FLOAT) * CAST(10 AS FLOAT) AS N");
    let found = cell(session, "SELECT", sql).await?.unwrap_or_default();
    Ok(found.parse::<f64>().is_ok_and(f64::is_infinite))
}
