//! What went wrong, and what is known of the statement then. Holds codes and numbers only: no text of Snowflake's, of a
//! statement or of a token. Must not know any connection.

pub use crate::error_kind::{ErrorKind, Fate, Fault, Invalid};
use crate::handle::Handle;
use std::fmt;
use std::time::Duration;

/// The result of whatever asks Snowflake.
pub type Result<T> = std::result::Result<T, Error>;

/// An error, with Snowflake's own codes as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(Box<Told>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    kind: ErrorKind,
    fate: Fate,
    status: Option<u16>,
    code: Option<String>,
    sql_state: Option<String>,
    retry_after: Option<Duration>,
    handle: Option<Handle>,
    column: Option<usize>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, fate: Fate) -> Self {
        let (status, code, sql_state, retry_after, handle, column) = Default::default();
        Self(Box::new(Told { kind, fate, status, code, sql_state, retry_after, handle, column }))
    }

    pub(crate) fn invalid(what: Invalid) -> Self {
        Self::new(ErrorKind::Invalid(what), Fate::NotStarted)
    }

    pub(crate) fn protocol(fault: Fault, fate: Fate) -> Self {
        Self::new(ErrorKind::Protocol(fault), fate)
    }

    pub(crate) fn with_fate(mut self, fate: Fate) -> Self {
        self.0.fate = fate;
        self
    }

    pub(crate) fn with_handle(mut self, handle: Option<&Handle>) -> Self {
        self.0.handle = handle.cloned().or(self.0.handle);
        self
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Keeps Snowflake's codes, if they have the form of codes.
    pub(crate) fn with_codes(mut self, code: Option<&str>, sql_state: Option<&str>) -> Self {
        let digits = |c: &&str| (1..=8).contains(&c.len()) && c.chars().all(|c| c.is_ascii_digit());
        let state = |s: &&str| s.len() == 5 && s.chars().all(|c| c.is_ascii_alphanumeric());
        self.0.code = code.filter(digits).map(str::to_owned);
        self.0.sql_state = sql_state.filter(state).map(str::to_owned);
        self
    }

    pub(crate) fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.0.retry_after = wait;
        self
    }

    pub(crate) fn in_column(mut self, column: usize) -> Self {
        self.0.column = Some(column);
        self
    }

    /// What kind it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The stable code of the kind.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.kind.code()
    }

    /// What is known of the statement.
    #[must_use]
    pub fn fate(&self) -> Fate {
        self.0.fate
    }

    /// Snowflake's code, of digits.
    #[must_use]
    pub fn snowflake_code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The SQL state, of five signs.
    #[must_use]
    pub fn sql_state(&self) -> Option<&str> {
        self.0.sql_state.as_deref()
    }

    /// The status of HTTP, where there was an answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// How long Snowflake asks to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The statement, where it has a handle.
    #[must_use]
    pub fn handle(&self) -> Option<&Handle> {
        self.0.handle.as_ref()
    }

    /// The column of a value that cannot be read, counted from 0. Its name may be of the statement's text.
    #[must_use]
    pub fn column(&self) -> Option<usize> {
        self.0.column
    }

    /// Whether the same may pass a moment later, and an answer to it may have been lost.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        use ErrorKind as Kind;
        let lost = [Fault::Cut, Fault::Document, Fault::Packing].map(Kind::Protocol);
        let down = [Kind::Throttled, Kind::Unavailable, Kind::Unreachable, Kind::NoAnswer];
        lost.contains(&self.0.kind) || down.contains(&self.0.kind)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, sentence) = self.0.kind.told();
        write!(f, "{code}: {sentence}")?;
        if let Some(column) = self.0.column {
            write!(f, ", column {column}")?;
        }
        if let Some(code) = &self.0.code {
            write!(f, ", Snowflake {code}")?;
        }
        if let Some(state) = &self.0.sql_state {
            write!(f, ", SQL state {state}")?;
        }
        if let Some(status) = self.0.status {
            write!(f, ", HTTP {status}")?;
        }
        if let Some(handle) = &self.0.handle {
            write!(f, ", statement {handle}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
