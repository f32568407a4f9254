//! Why a guarded text has no equal on a platform. Knows no platform.

use serde::Serialize;

/// Why a guarded text can't be said on a platform, and what would pass. Names only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}; would pass: {change}")]
pub struct Unsaid {
    /// What has no equal there.
    pub message: String,
    /// The smallest change that would pass.
    pub change: String,
}

/// The result of saying something.
pub(crate) type Said<T = String> = Result<T, Unsaid>;

/// Nothing is said, and this is why.
pub(crate) fn unsaid<T>(message: impl Into<String>, change: impl Into<String>) -> Said<T> {
    Err(Unsaid { message: message.into(), change: change.into() })
}
