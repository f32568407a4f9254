//! What is wrong with a text, where, and what would pass. Never holds a value from the text, only names.

use serde::Serialize;
use std::fmt;

/// The most diagnostics one reading reports.
pub(super) const DIAGNOSTICS_MAX: usize = 100;

/// One reason why a text is not an agreement, or a value not a parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// A stable code, such as `unknown-field`.
    pub code: &'static str,
    /// Where in the document: `datasets.shoppers.rule.entities_min`; entries of lists by number from 0.
    pub path: String,
    /// The line, from 1; 0 when the value did not come from a document.
    pub line: u32,
    /// The column, from 1; 0 when the value did not come from a document.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What would pass.
    pub help: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "{}:{}: ", self.line, self.column)?;
        }
        write!(f, "{}: {}", self.code, self.message)?;
        if self.help.is_empty() { Ok(()) } else { write!(f, " ({})", self.help) }
    }
}

impl std::error::Error for Diagnostic {}

/// A name from the text as a message may show it: only when it is short and of harmless characters.
pub(super) fn shown(name: &str) -> String {
    let harmless = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    if !name.is_empty() && name.len() <= 63 && name.bytes().all(harmless) {
        format!("`{name}`")
    } else {
        "this name".to_owned()
    }
}

/// The same as a segment of a path.
pub(super) fn segment(name: &str) -> String {
    let quoted = shown(name);
    quoted.strip_prefix('`').and_then(|s| s.strip_suffix('`')).unwrap_or("?").to_owned()
}

/// The known name that the writer probably meant.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name: String = name.chars().take(64).collect();
    known
        .into_iter()
        .map(|k| (strsim::damerau_levenshtein(&name, k), k))
        .filter(|(distance, k)| *distance <= 1 + k.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| k)
}

/// Help that names the nearest known name, or all of them.
pub(super) fn suggestion(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "there is nothing to name here".to_owned(),
        None => format!("one of: {}", listed(known)),
    }
}

/// Names for people, shortened when there are many.
pub(super) fn listed(names: &[&str]) -> String {
    let first: Vec<_> = names.iter().take(20).copied().collect();
    let more = if names.len() > 20 { ", …" } else { "" };
    format!("{}{more}", first.join(", "))
}
