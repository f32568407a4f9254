//! How engine and storage errors become codes. Their own text never leaves this file: it may hold row values.

use crate::values::ValueTooLarge;
use adapter_spi::Failure;
use datafusion::error::DataFusionError;
use matching::MatchError;

/// A failure with a code and a sentence of names.
pub(crate) fn failure(code: &str, reason: impl Into<String>) -> Failure {
    Failure { code: code.to_owned(), reason: reason.into() }
}

/// What an engine's error is called.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the engine's errors grow; unknown ones are engine-failed"
)]
pub(crate) fn engine(error: &DataFusionError) -> Failure {
    match error.find_root() {
        DataFusionError::ResourcesExhausted(text)
            if text.contains("disk") || text.contains("spill") =>
        {
            failure("spill-limit", "the run needs more space on disk than it may have")
        }
        DataFusionError::ResourcesExhausted(_) => {
            failure("memory-limit", "the run needs more memory than it may have")
        }
        DataFusionError::ParquetError(_) => {
            failure("dataset-unreadable", "a dataset's file is not readable Parquet")
        }
        DataFusionError::ObjectStore(error) => storage(error),
        DataFusionError::IoError(error) if error.kind() == std::io::ErrorKind::StorageFull => {
            failure("disk-full", "no space is left on the disk")
        }
        DataFusionError::ArrowError(error, _) => match &**error {
            arrow::error::ArrowError::ParquetError(_) => {
                failure("dataset-unreadable", "a dataset's file is not readable Parquet")
            }
            arrow::error::ArrowError::IoError(text, _) if text.contains("disk space") => {
                failure("spill-limit", "the run needs more space on disk than it may have")
            }
            arrow::error::ArrowError::IoError(_, error)
                if error.kind() == std::io::ErrorKind::StorageFull =>
            {
                failure("disk-full", "no space is left on the disk")
            }
            _ => failure("engine-failed", "the engine could not finish the run"),
        },
        DataFusionError::External(error) if error.is::<crate::token::MalformedKey>() => {
            failure("malformed-key", "a key declared as hashed is not 32 bytes or 64 hex digits")
        }
        DataFusionError::External(error) if error.is::<ValueTooLarge>() => {
            failure("value-too-large", error.to_string())
        }
        DataFusionError::External(error) => match error.downcast_ref::<MatchError>() {
            Some(error) => matching(error),
            None => failure("engine-failed", "the engine could not finish the run"),
        },
        _ => failure("engine-failed", "the engine could not finish the run"),
    }
}

/// The code under which the operator leaves a run to the stock plan; no user sees it.
pub(crate) const GAVE_WAY: &str = "match-gave-way";

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the operator's errors grow; unknown ones are engine-failed"
)]
fn matching(error: &MatchError) -> Failure {
    match error {
        MatchError::TooManyGroups { .. } => failure(GAVE_WAY, "more groups than can be numbered"),
        MatchError::OutOfMemory { .. } => {
            failure("memory-limit", "the run needs more memory than it may have")
        }
        MatchError::SpillLimit { .. } => {
            failure("spill-limit", "the run needs more space on disk than it may have")
        }
        MatchError::Spill(error) if error.kind() == std::io::ErrorKind::StorageFull => {
            failure("disk-full", "no space is left on the disk")
        }
        _ => failure("engine-failed", "the engine could not finish the run"),
    }
}

/// What a storage error is called.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's errors grow; unknown ones are storage-unavailable"
)]
pub(crate) fn storage(error: &object_store::Error) -> Failure {
    match error {
        object_store::Error::NotFound { .. } => failure("dataset-missing", "a file is not there"),
        object_store::Error::PermissionDenied { .. }
        | object_store::Error::Unauthenticated { .. } => {
            failure("storage-denied", "the storage does not let us in")
        }
        _ => failure("storage-unavailable", "the storage can't be read"),
    }
}
