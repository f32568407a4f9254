//! The platform's errors in canonical words. Its texts stay outside: they may quote what was asked.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's enums grow, and each hand here takes some calls only; whatever is not named is refused or unknown"
)]

use adapter_spi::{AdapterError, ErrorKind, Outcome, Retry};
use aws_sdk_cleanrooms::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use mappings::model::PlatformId;

/// How long a role that was just made needs before the platform knows it.
const SYNCHRONIZE_MS: u64 = 5_000;
const THROTTLED_MS: u64 = 2_000;

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
            let told = meaning(code, reason);
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
        SdkError::DispatchFailure(failure) if failure.is_io() || failure.is_timeout() => {
            let told = (Kind::Unavailable, "platform-unreachable", Retry::NextCycle);
            (told, unknown, "the connection failed".to_owned())
        }
        SdkError::DispatchFailure(failure) if failure.is_user() || failure.is_other() => {
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
    made(kind, code, retry, operation, detail).with(outcome)
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

trait With {
    fn with(self, outcome: Outcome) -> Self;
}

impl With for AdapterError {
    fn with(self, outcome: Outcome) -> Self {
        Self { outcome, ..self }
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
    fn only_words_of_the_platform_are_repeated() {
        let body = serde_json::json!({
            "message": "the value 'zqsentinel' is wrong", "reason": "FIELD_VALIDATION_FAILED",
            "quotaName": "it's zqsentinel!", "fieldList": [{ "name": "members[0].accountId", "message": "zqsentinel" }],
        });
        let said = named("ValidationException", &body);
        assert_eq!(said, "ValidationException, FIELD_VALIDATION_FAILED, members[0].accountId");
    }
}
