//! The closed list of what can go wrong, with a code and a sentence of our own each. Must not know any answer.

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

    pub(crate) const fn told(self) -> (&'static str, &'static str) {
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
