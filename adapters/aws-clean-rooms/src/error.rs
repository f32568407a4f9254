//! The platform's errors in canonical words. Its texts stay outside: they may quote what was asked.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's enums grow, and each hand here takes some calls only; whatever is not named is refused or unknown"
)]

use adapter_spi::{AdapterError, ErrorKind, Outcome, Retry};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_cleanrooms::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::DispatchFailure;
use aws_smithy_types::date_time::{DateTime, Format};
use mappings::model::PlatformId;
use std::error::Error;

/// How long a role that was just made needs before the platform knows it.
const SYNCHRONIZE_MS: u64 = 5_000;
const THROTTLED_MS: u64 = 2_000;
/// The shortest and the longest wait that an answer can ask for.
const RETRY_AFTER_MS: std::ops::RangeInclusive<u64> = 1_000..=900_000;

/// What an operation does, which decides what is known after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// It changes nothing.
    Read,
    /// It may have changed something, whatever was answered.
    Write,
}

/// A modelled error, or how the call itself failed: kind, stable code, when to try again.
pub(crate) type Told = (ErrorKind, &'static str, Retry);

/// What an error code means. The codes are those of the service's API model and of the signature's check.
pub(crate) fn meaning(code: &str, reason: Option<&str>) -> Told {
    use ErrorKind as Kind;
    match (code, reason) {
        ("ValidationException", Some("IAM_SYNCHRONIZATION_DELAY")) => {
            (Kind::Unavailable, "iam-synchronization-delay", Retry::AfterMs(SYNCHRONIZE_MS))
        }
        ("ValidationException", Some("INVALID_QUERY")) => {
            (Kind::Unsupported, "query-refused", Retry::Never)
        }
        ("ValidationException", Some("INVALID_CONFIGURATION")) => {
            (Kind::Unsupported, "configuration-refused", Retry::Never)
        }
        ("ValidationException", _) => (Kind::Unsupported, "request-refused", Retry::Never),
        ("ConflictException", Some("SUBRESOURCES_EXIST")) => {
            (Kind::Conflict, "subresources-exist", Retry::NextCycle)
        }
        ("ConflictException", Some("INVALID_STATE")) => {
            (Kind::Conflict, "invalid-state", Retry::NextCycle)
        }
        ("ConflictException", _) => (Kind::AlreadyExists, "already-exists", Retry::NextCycle),
        ("ResourceNotFoundException", _) => (Kind::NotFound, "not-found", Retry::NextCycle),
        ("AccessDeniedException", _) => (Kind::PermissionDenied, "access-denied", Retry::Never),
        ("ServiceQuotaExceededException", _) => {
            (Kind::QuotaExceeded, "quota-exceeded", Retry::Never)
        }
        ("ThrottlingException", _) => (Kind::Throttled, "throttled", Retry::AfterMs(THROTTLED_MS)),
        ("InternalServerException", _) => (Kind::Unavailable, "platform-failed", Retry::NextCycle),
        (
            "ExpiredTokenException"
            | "ExpiredToken"
            | "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "MissingAuthenticationTokenException"
            | "IncompleteSignature",
            _,
        ) => (Kind::Unauthenticated, "credentials-refused", Retry::Never),
        _ => (Kind::InvalidNative, "answer-unknown", Retry::NextCycle),
    }
}

/// An error of a call in canonical words.
pub(crate) fn told<E>(
    operation: &'static str,
    act: Act,
    error: &SdkError<E, HttpResponse>,
) -> AdapterError
where
    E: ProvideErrorMetadata,
{
    use ErrorKind as Kind;
    let unknown = if act == Act::Read { Outcome::NotApplied } else { Outcome::Unknown };
    let (told, outcome, detail) = match error {
        SdkError::ServiceError(answered) => {
            let body = answered.raw().body().bytes().unwrap_or_default();
            let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
            let reason = body.get("reason").and_then(serde_json::Value::as_str);
            let code = answered.err().code().unwrap_or_default();
            let mut told = meaning(code, reason);
            let waits = retry_after_ms(|name| answered.raw().headers().get(name));
            if let Some(waits) = waits.filter(|_| told.2 != Retry::Never) {
                told.2 = Retry::AfterMs(waits);
            }
            let refused = !matches!(told.0, Kind::Unavailable | Kind::InvalidNative)
                || told.1 == "iam-synchronization-delay";
            (told, if refused { Outcome::NotApplied } else { unknown }, named(code, &body))
        }
        SdkError::TimeoutError(_) => {
            let told = (Kind::Timeout, "no-answer-in-time", Retry::NextCycle);
            (told, unknown, "no answer in time".to_owned())
        }
        SdkError::ConstructionFailure(_) => {
            let told = (Kind::Bug, "request-not-built", Retry::Never);
            (told, Outcome::NotApplied, "the request could not be built".to_owned())
        }
        SdkError::DispatchFailure(failure) if is_unsigned(failure) => {
            let told = (Kind::Unauthenticated, "credentials-missing", Retry::Never);
            (told, Outcome::NotApplied, "no credentials, or none that work".to_owned())
        }
        SdkError::DispatchFailure(_) => {
            let told = (Kind::Unavailable, "platform-unreachable", Retry::NextCycle);
            (told, unknown, "the connection failed".to_owned())
        }
        _ => {
            let told = (Kind::InvalidNative, "answer-unreadable", Retry::NextCycle);
            (told, unknown, "the answer can't be read".to_owned())
        }
    };
    let (kind, code, retry) = told;
    AdapterError { outcome, ..made(kind, code, retry, operation, detail) }
}

/// Whether a request never left, for want of credentials. A connection that was cut is named `other` as well, so that word says
/// nothing.
fn is_unsigned(failure: &DispatchFailure) -> bool {
    let cause = failure.as_connector_error().map(|error| error as &(dyn Error + 'static));
    let mut causes = std::iter::successors(cause, |&error| error.source());
    causes.any(<dyn Error>::is::<CredentialsError>)
}

/// How long an answer asks to wait: seconds, or a date beside the answer's own.
fn retry_after_ms<'a>(header: impl Fn(&'static str) -> Option<&'a str>) -> Option<u64> {
    let asked = header("retry-after")?.trim();
    let date = |text: &str| DateTime::from_str(text, Format::HttpDate).ok();
    let seconds = if let Ok(seconds) = asked.parse::<u64>() {
        seconds
    } else {
        let waits = date(asked)?.secs().saturating_sub(date(header("date")?)?.secs());
        u64::try_from(waits).unwrap_or_default()
    };
    Some(seconds.saturating_mul(1_000).clamp(*RETRY_AFTER_MS.start(), *RETRY_AFTER_MS.end()))
}

/// The parts of an answer that are names: the code, the reason, the fields, the quota, the kind of resource.
fn named(code: &str, body: &serde_json::Value) -> String {
    let word = |key: &str| body.get(key).and_then(serde_json::Value::as_str).filter(|w| is_word(w));
    let mut said = vec![if is_word(code) { code } else { "an error" }.to_owned()];
    said.extend(
        ["reason", "quotaName", "resourceType"].into_iter().filter_map(word).map(str::to_owned),
    );
    let fields = body.get("fieldList").and_then(serde_json::Value::as_array);
    let fields = fields.into_iter().flatten().filter_map(|field| field.get("name")?.as_str());
    said.extend(fields.filter(|w| is_word(w)).map(str::to_owned));
    said.join(", ")
}

/// Whether a text is one of the platform's own words, and can't be a value.
fn is_word(text: &str) -> bool {
    let sign = |c: char| c.is_ascii_alphanumeric() || "._- []".contains(c);
    (1..=80).contains(&text.len()) && text.chars().all(sign)
}

/// An error of ours about the platform; nothing changed.
pub(crate) fn made(
    kind: ErrorKind,
    code: &'static str,
    retry: Retry,
    operation: &'static str,
    reason: impl Into<String>,
) -> AdapterError {
    AdapterError {
        kind,
        code,
        outcome: Outcome::NotApplied,
        retry,
        platform: PlatformId::aws_clean_rooms(),
        operation,
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    //! Every error that the service models, and what is done about it.
    use super::*;

    #[test]
    fn every_modelled_error_has_a_meaning() {
        let sync = Retry::AfterMs(SYNCHRONIZE_MS);
        let known = [
            (
                "ValidationException",
                Some("FIELD_VALIDATION_FAILED"),
                "request-refused",
                Retry::Never,
            ),
            (
                "ValidationException",
                Some("INVALID_CONFIGURATION"),
                "configuration-refused",
                Retry::Never,
            ),
            ("ValidationException", Some("INVALID_QUERY"), "query-refused", Retry::Never),
            (
                "ValidationException",
                Some("IAM_SYNCHRONIZATION_DELAY"),
                "iam-synchronization-delay",
                sync,
            ),
            ("ServiceQuotaExceededException", None, "quota-exceeded", Retry::Never),
            (
                "AccessDeniedException",
                Some("INSUFFICIENT_PERMISSIONS"),
                "access-denied",
                Retry::Never,
            ),
            ("ResourceNotFoundException", None, "not-found", Retry::NextCycle),
            ("ConflictException", Some("ALREADY_EXISTS"), "already-exists", Retry::NextCycle),
            (
                "ConflictException",
                Some("SUBRESOURCES_EXIST"),
                "subresources-exist",
                Retry::NextCycle,
            ),
            ("ConflictException", Some("INVALID_STATE"), "invalid-state", Retry::NextCycle),
            ("ThrottlingException", None, "throttled", Retry::AfterMs(THROTTLED_MS)),
            ("InternalServerException", None, "platform-failed", Retry::NextCycle),
            ("ExpiredTokenException", None, "credentials-refused", Retry::Never),
            ("SomethingNew", None, "answer-unknown", Retry::NextCycle),
        ];
        for (code, reason, ours, retry) in known {
            let (_, named, when) = meaning(code, reason);
            assert_eq!((named, when), (ours, retry), "{code} {reason:?}");
        }
    }

    #[test]
    fn an_answer_says_how_long_to_wait() {
        let waits = |asked: &'static str, date: Option<&'static str>| {
            retry_after_ms(|name| if name == "retry-after" { Some(asked) } else { date })
        };
        assert_eq!(waits("7", None), Some(7_000));
        assert_eq!(waits("0", None), Some(1_000));
        assert_eq!(waits("86400", None), Some(900_000));
        assert_eq!(waits("soon", None), None);
        let now = Some("Fri, 31 Jul 2026 08:00:00 GMT");
        assert_eq!(waits("Fri, 31 Jul 2026 08:00:30 GMT", now), Some(30_000));
        assert_eq!(waits("Fri, 31 Jul 2026 07:00:00 GMT", now), Some(1_000), "it is past");
        assert_eq!(waits("Fri, 31 Jul 2026 08:00:30 GMT", None), None, "beside no clock");
        assert_eq!(retry_after_ms(|_| None), None);
    }

    #[test]
    fn only_words_of_the_platform_are_repeated() {
        let body = serde_json::json!({
            "message": "the value 'zqsentinel' is wrong", "reason": "FIELD_VALIDATION_FAILED",
            "quotaName": "it's zqsentinel!", "fieldList": [{ "name": "members[0].accountId", "message": "zqsentinel" }],
        });
        let said = named("ValidationException", &body);
        assert_eq!(said, "ValidationException, FIELD_VALIDATION_FAILED, members[0].accountId");
    }
}
