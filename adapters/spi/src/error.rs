//! Errors of adapters: what failed, whether the platform changed, and when to try again.
//! No free text from a platform enters here: it may hold row values.

use mappings::model::PlatformId;

/// The result of an adapter's call.
pub type Result<T, E = AdapterError> = std::result::Result<T, E>;

/// What went wrong, in canonical words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The thing named doesn't exist.
    NotFound,
    /// It exists already.
    AlreadyExists,
    /// Something else changed it.
    Conflict,
    /// The step was planned on a state that is gone.
    StaleVersion,
    /// The platform doesn't know us.
    Unauthenticated,
    /// The platform, or our own default deny, refuses.
    PermissionDenied,
    /// A quota is spent.
    QuotaExceeded,
    /// Too many calls.
    Throttled,
    /// The platform is not reachable.
    Unavailable,
    /// The platform answered something that we can't read.
    InvalidNative,
    /// The platform can't do this.
    Unsupported,
    /// No answer in time.
    Timeout,
    /// An invariant of ours was broken.
    Bug,
}

/// What is known of the platform's state after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing changed.
    NotApplied,
    /// It changed all the same.
    Applied,
    /// Observe before the next step.
    Unknown,
}

/// When to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Never: something must change first.
    Never,
    /// At the next pass.
    NextCycle,
    /// After this many milliseconds.
    AfterMs(u64),
}

/// An adapter's error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{platform}: {operation}: {reason} ({code})")]
pub struct AdapterError {
    /// What kind.
    pub kind: ErrorKind,
    /// Stable code, kebab-case.
    pub code: &'static str,
    /// What changed.
    pub outcome: Outcome,
    /// When to try again.
    pub retry: Retry,
    /// Where.
    pub platform: PlatformId,
    /// The act that failed.
    pub operation: &'static str,
    /// A sentence built from names only: no row values, no literals, no secrets.
    pub reason: String,
}
