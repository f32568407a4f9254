//! The client's errors in canonical words, with what is known of the platform after them. Snowflake's texts never come this far;
//! its codes do. Must not know what was asked.

use adapter_spi::{AdapterError, ErrorKind, Outcome, Retry};
use mappings::model::PlatformId;
use snowflake_sql_api as api;
use std::time::Duration;

/// How long to wait where the platform throttles and does not say.
const THROTTLED_MS: u64 = 2_000;
/// The shortest and the longest wait that an answer can ask for.
const RETRY_AFTER_MS: std::ops::RangeInclusive<u64> = 1_000..=900_000;

/// What a statement does, which decides what is known after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// It changes nothing.
    Read,
    /// It may have changed something, whatever was answered.
    Write,
}

/// Kind, stable code, when to try again.
pub(crate) type Told = (ErrorKind, &'static str, Retry);

/// What an error of the client means.
pub(crate) fn meaning(kind: api::ErrorKind) -> Told {
    use ErrorKind as Kind;
    use api::ErrorKind as Theirs;
    let code = kind.code();
    match kind {
        Theirs::CredentialsRefused | Theirs::CredentialsExpired | Theirs::ClockSkewed => {
            (Kind::Unauthenticated, code, Retry::Never)
        }
        Theirs::TokenUnavailable => (Kind::Unauthenticated, code, Retry::NextCycle),
        Theirs::AccessRefused | Theirs::PrivilegeMissing => {
            (Kind::PermissionDenied, code, Retry::Never)
        }
        Theirs::MissingOrHidden | Theirs::NameUnknown => (Kind::NotFound, code, Retry::NextCycle),
        Theirs::AlreadyExists => (Kind::AlreadyExists, code, Retry::NextCycle),
        Theirs::ValueRefused | Theirs::PolicyRefused | Theirs::Unsupported | Theirs::TooLarge => {
            (Kind::Unsupported, code, Retry::Never)
        }
        Theirs::StatementFailed => (Kind::Conflict, code, Retry::NextCycle),
        Theirs::Canceled | Theirs::DeadlinePassed | Theirs::NoAnswer | Theirs::StatementTimeout => {
            (Kind::Timeout, code, Retry::NextCycle)
        }
        Theirs::WarehouseMissing | Theirs::StatementUnknown => (Kind::NotFound, code, Retry::Never),
        Theirs::Throttled => (Kind::Throttled, code, Retry::AfterMs(THROTTLED_MS)),
        Theirs::Unavailable | Theirs::Unreachable => (Kind::Unavailable, code, Retry::NextCycle),
        Theirs::Protocol(_) | Theirs::NotRepresentable => {
            (Kind::InvalidNative, code, Retry::NextCycle)
        }
        Theirs::Invalid(_) | Theirs::Syntax | Theirs::RequestRefused | Theirs::Internal => {
            (Kind::Bug, code, Retry::Never)
        }
    }
}

/// An error of a statement in canonical words.
pub(crate) fn told(
    platform: &PlatformId,
    operation: &'static str,
    act: Act,
    error: &api::Error,
) -> AdapterError {
    let known = error.snowflake_code().and_then(by_code);
    let (kind, code, mut retry) = known.unwrap_or_else(|| meaning(error.kind()));
    if let Some(wait) = error.retry_after().filter(|_| retry != Retry::Never) {
        retry = Retry::AfterMs(waits_ms(wait));
    }
    let outcome = match (act, error.fate()) {
        (Act::Read, _) | (Act::Write, api::Fate::NotStarted | api::Fate::Failed) => {
            Outcome::NotApplied
        }
        (Act::Write, api::Fate::Succeeded) => Outcome::Applied,
        (Act::Write, api::Fate::Unknown) => Outcome::Unknown,
    };
    let made = made(platform, (kind, code, retry), operation, codes(error));
    AdapterError { outcome, ..made }
}

/// Refusals of sharing that the client has no kind for. The codes are those that the twin guesses; whatever has another one is told
/// by its kind.
fn by_code(code: &str) -> Option<Told> {
    let known = match code {
        "003019" => "account-out-of-reach",
        "003020" => "share-restrictions",
        "003030" => "share-gone",
        _ => return None,
    };
    let kind = if code == "003030" { ErrorKind::NotFound } else { ErrorKind::Unsupported };
    Some((kind, known, Retry::Never))
}

fn waits_ms(wait: Duration) -> u64 {
    let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    ms.clamp(*RETRY_AFTER_MS.start(), *RETRY_AFTER_MS.end())
}

/// The platform's codes: digits, and a state of five signs.
fn codes(error: &api::Error) -> String {
    let code = error.snowflake_code().map(|code| format!("Snowflake {code}"));
    let state = error.sql_state().map(|state| format!("SQL state {state}"));
    let said: Vec<String> = code.into_iter().chain(state).collect();
    if said.is_empty() { "no code of the platform's".to_owned() } else { said.join(", ") }
}

/// An error of ours about the platform; nothing changed.
pub(crate) fn made(
    platform: &PlatformId,
    (kind, code, retry): Told,
    operation: &'static str,
    reason: impl Into<String>,
) -> AdapterError {
    AdapterError {
        kind,
        code,
        outcome: Outcome::NotApplied,
        retry,
        platform: platform.clone(),
        operation,
        reason: reason.into(),
    }
}
