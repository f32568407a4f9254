//! The gateway's errors: a stable code, what was wrong, what would pass. Knows nothing of HTTP or terminals.
//! Texts are built from names only; row values, SQL literals and secrets have no way in.

pub mod codes;

use serde::Serialize;
use std::fmt;

/// What kind of failure, which decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The input can't be read or is not valid: exit 2.
    Invalid,
    /// A rule says no: exit 3.
    Refused,
    /// The act was tried and failed: exit 1.
    Failed,
    /// Somebody stopped it: exit 130.
    Cancelled,
}

/// One problem of several, where the input has a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Stable code.
    pub code: String,
    /// `file:line:column` or a path in the agreement.
    pub at: String,
    /// What was wrong.
    pub message: String,
    /// What would pass.
    pub help: String,
}

/// An error of the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Error {
    /// What kind.
    pub kind: Kind,
    /// Stable code, kebab-case.
    pub code: String,
    /// What was wrong.
    pub message: String,
    /// What would pass.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub help: String,
    /// All the problems, when there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
}

/// The result of a use case.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error with a code and a message.
    #[must_use]
    pub fn new(kind: Kind, code: &str, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: code.to_owned(),
            message: message.into(),
            help: String::new(),
            problems: Vec::new(),
        }
    }

    /// Bad input.
    #[must_use]
    pub fn invalid(code: &str, message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, code, message)
    }

    /// A rule says no.
    #[must_use]
    pub fn refused(code: &str, message: impl Into<String>) -> Self {
        Self::new(Kind::Refused, code, message)
    }

    /// An act failed.
    #[must_use]
    pub fn failed(code: &str, message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, code, message)
    }

    /// Adds what would pass.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// Adds the list of problems.
    #[must_use]
    pub fn problems(mut self, problems: Vec<Problem>) -> Self {
        self.problems = problems;
        self
    }

    /// A failed act on a file, by the operating system's kind of error.
    #[must_use]
    pub fn io(act: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::failed("io", format!("{act} {}: {}", path.display(), error.kind()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.message, self.code)?;
        if !self.help.is_empty() {
            write!(f, "\n  would pass: {}", self.help)?;
        }
        for p in &self.problems {
            write!(f, "\n  {}: {} [{}]", p.at, p.message, p.code)?;
            if !p.help.is_empty() {
                write!(f, "\n      would pass: {}", p.help)?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
