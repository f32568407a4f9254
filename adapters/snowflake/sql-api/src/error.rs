//! What can go wrong, as a closed list, and what is known of the statement then. Holds codes and numbers only: no text of
//! Snowflake's, of a statement or of a token. Must not know any connection.

use crate::handle::Handle;
use std::fmt;
use std::time::Duration;

/// The result of whatever asks Snowflake.
pub type Result<T> = std::result::Result<T, Error>;

/// What a caller asked that cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Invalid {
    /// Neither `ORG-ACCOUNT` nor a locator.
    Account,
    /// No https address, and no loopback one.
    Address,
    /// A value that its type cannot have.
    Binding,
    /// No handle of a statement.
    Handle,
    /// No name: empty, too long, or with NUL in it.
    Identifier,
    /// A parameter that changes how results are spelled, or is set elsewhere, or is none.
    Parameter,
    /// A partition that the result does not have.
    Partition,
    /// No proxy address.
    Proxy,
    /// Several statements in one request take no bindings.
    SeveralWithBindings,
    /// Empty, or longer than a request may be.
    StatementSize,
    /// A text with NUL in it.
    Text,
    /// A time-out of no or too many seconds.
    Timeout,
    /// No name of a client.
    UserAgent,
    /// No name of a user.
    User,
}

/// What of an answer is not as it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// It ends before its end.
    Cut,
    /// It is none of the API's documents.
    Document,
    /// It is packed in a way that cannot be undone.
    Packing,
    /// It sends elsewhere.
    Redirect,
    /// It has a status that the API does not have.
    Status,
    /// It is about another statement, or about none.
    Handle,
    /// Its result is of a format that is not read here.
    Format,
    /// A column's type has sizes that cannot be.
    RowType,
    /// A row has more or fewer cells than there are columns.
    RowWidth,
    /// There are more or fewer rows than was said.
    RowCount,
    /// A cell is no value of its column's type.
    Value,
}

/// What is known of a statement after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It never ran.
    NotStarted,
    /// It ended with an error. One statement of SQL left nothing behind; a procedure, an unload or several statements may have.
    Failed,
    /// It ended well; only its result is lost.
    Succeeded,
    /// It may have run, or run still.
    Unknown,
}

/// The kinds of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller asked for something that cannot be sent.
    Invalid(Invalid),
    /// The key, user or token is not known.
    CredentialsRefused,
    /// The token's time is over.
    CredentialsExpired,
    /// This machine's clock and Snowflake's are too far apart for signed tokens.
    ClockSkewed,
    /// No token could be had.
    TokenUnavailable,
    /// The caller is known and may not come in: a network policy, a disabled user.
    AccessRefused,
    /// An object, role or warehouse does not exist, or is not shown to this role.
    MissingOrHidden,
    /// The role lacks a privilege.
    PrivilegeMissing,
    /// An object of that name exists.
    AlreadyExists,
    /// The statement cannot be read.
    Syntax,
    /// A name in the statement is of nothing.
    NameUnknown,
    /// A value does not fit its type.
    ValueRefused,
    /// A policy refuses the query.
    PolicyRefused,
    /// Snowflake, or that account's edition, does not have this.
    Unsupported,
    /// No warehouse is chosen or runs.
    WarehouseMissing,
    /// The statement failed for another reason.
    StatementFailed,
    /// The statement's own time was over.
    StatementTimeout,
    /// The statement was cancelled.
    Canceled,
    /// What the caller waits for took longer than it waits.
    DeadlinePassed,
    /// Snowflake does not know the handle, or does not any more.
    StatementUnknown,
    /// The request as such was refused.
    RequestRefused,
    /// Too many requests.
    Throttled,
    /// Snowflake has no answer for now.
    Unavailable,
    /// No connection.
    Unreachable,
    /// No answer in time.
    NoAnswer,
    /// An answer, or a result, is larger than is taken.
    TooLarge,
    /// A column's type, or a value, has no place in Arrow.
    NotRepresentable,
    /// The answer is not as it must be.
    Protocol(Fault),
    /// A mistake of this package, or no randomness.
    Internal,
}

impl ErrorKind {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.told().0
    }

    const fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::Invalid(what) => ("request-invalid", what.sentence()),
            Self::CredentialsRefused => (
                "credentials-refused",
                "the user, key or token is not known; what would pass: a key that the user has",
            ),
            Self::CredentialsExpired => ("credentials-expired", "the token's time is over"),
            Self::ClockSkewed => (
                "clock-skewed",
                "this machine's clock is more than a minute off; what would pass: a clock that is kept",
            ),
            Self::TokenUnavailable => ("token-unavailable", "no token could be had"),
            Self::AccessRefused => ("access-refused", "the user may not come in from here"),
            Self::MissingOrHidden => (
                "missing-or-hidden",
                "an object, role or warehouse does not exist or is not shown to the role",
            ),
            Self::PrivilegeMissing => ("privilege-missing", "the role lacks a privilege"),
            Self::AlreadyExists => ("already-exists", "an object of that name exists"),
            Self::Syntax => ("statement-syntax", "the statement cannot be read"),
            Self::NameUnknown => ("name-unknown", "a name in the statement is of nothing"),
            Self::ValueRefused => ("value-refused", "a value does not fit its type"),
            Self::PolicyRefused => ("policy-refused", "a policy refuses the query"),
            Self::Unsupported => ("unsupported", "the account does not have this"),
            Self::WarehouseMissing => ("warehouse-missing", "no warehouse is chosen or runs"),
            Self::StatementFailed => ("statement-failed", "the statement failed"),
            Self::StatementTimeout => ("statement-timeout", "the statement's time was over"),
            Self::Canceled => ("canceled", "the statement was cancelled"),
            Self::DeadlinePassed => ("deadline-passed", "it took longer than is waited for"),
            Self::StatementUnknown => ("statement-unknown", "no statement of that handle"),
            Self::RequestRefused => ("request-refused", "the request was refused"),
            Self::Throttled => ("throttled", "too many requests"),
            Self::Unavailable => ("unavailable", "Snowflake has no answer for now"),
            Self::Unreachable => ("unreachable", "the connection failed"),
            Self::NoAnswer => ("no-answer-in-time", "no answer in time"),
            Self::TooLarge => ("answer-too-large", "the answer is larger than is taken"),
            Self::NotRepresentable => (
                "not-representable",
                "a column's type or value has no place in Arrow; what would pass: a CAST",
            ),
            Self::Protocol(fault) => ("answer-unreadable", fault.sentence()),
            Self::Internal => ("internal", "a mistake of the client"),
        }
    }
}

impl Invalid {
    const fn sentence(self) -> &'static str {
        match self {
            Self::Account => "no account; what would pass: ORG-ACCOUNT, or a locator",
            Self::Address => "no address; what would pass: https, or http on loopback",
            Self::Binding => "a bound value that its type cannot have",
            Self::Handle => "no handle of a statement",
            Self::Identifier => "no name; what would pass: 1 to 255 signs without NUL",
            Self::Parameter => "a parameter that may not be set",
            Self::Partition => "the result has no such partition",
            Self::Proxy => "no address of a proxy",
            Self::SeveralWithBindings => "several statements in one request take no bindings",
            Self::StatementSize => "a statement is not empty, and of a million bytes at most",
            Self::Text => "a text with NUL in it",
            Self::Timeout => "a time-out is of 1 to 604800 seconds",
            Self::UserAgent => "no name of a client; what would pass: name/version",
            Self::User => "no name of a user",
        }
    }
}

impl Fault {
    const fn sentence(self) -> &'static str {
        match self {
            Self::Cut => "the answer was cut",
            Self::Document => "the answer is no document of the API",
            Self::Packing => "the answer cannot be unpacked",
            Self::Redirect => "the answer sends elsewhere, which is not followed",
            Self::Status => "the answer's status is none of the API's",
            Self::Handle => "the answer is not about the statement that was asked for",
            Self::Format => "the result's format is not read here",
            Self::RowType => "a column's type has sizes that cannot be",
            Self::RowWidth => "a row has not as many cells as there are columns",
            Self::RowCount => "there are not as many rows as was said",
            Self::Value => "a cell is no value of its column's type",
        }
    }
}

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
