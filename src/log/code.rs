//! Short texts of leaves, bounded so that neither prose nor values fit in. Must not know what they are said of.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A short machine-readable word: `[a-z][a-z0-9-]*`, at most 64 characters. The only free text in a leaf.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Code(String);

impl Code {
    /// Reads a code, refusing anything that could carry prose or values.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        let shaped = text.len() <= 64
            && text.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if shaped {
            Ok(Self(text.to_owned()))
        } else {
            Err("a code is `[a-z][a-z0-9-]*`, at most 64 characters")
        }
    }

    /// The code of a run whose process died before its end.
    #[must_use]
    pub fn interrupted() -> Self {
        Self("interrupted".to_owned())
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Code {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<Code> for String {
    fn from(code: Code) -> Self {
        code.0
    }
}

/// Where a term stands in an agreement, such as `templates.overlap.received_by`: names and dots, at most 256 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TermPath(String);

impl TermPath {
    /// Reads a place, refusing anything that could carry prose or values.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        let name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-.".contains(&b);
        if !text.is_empty() && text.len() <= 256 && text.bytes().all(name) {
            Ok(Self(text.to_owned()))
        } else {
            Err("a term's place is names and dots, at most 256 characters")
        }
    }

    /// The place as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TermPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for TermPath {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl TryFrom<String> for TermPath {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<TermPath> for String {
    fn from(path: TermPath) -> Self {
        path.0
    }
}
