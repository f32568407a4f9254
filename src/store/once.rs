//! A key that is spent once: by an append, in its own transaction, so that whoever lost the answer finds the append by it and makes
//! no second one. Must not know what a key stands for.

use mappings::model::CollaborationId;

/// How long a key stays spent, by the clock of the store.
pub(super) const KEPT_MS: i64 = 24 * 60 * 60 * 1000;
/// Whoever spends a key removes so many that are over, at most.
pub(super) const SWEPT_MAX: i64 = 256;

/// A key that an append spends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Once {
    /// The key, of whoever may use it for whatever it may be used: two that are equal are one.
    pub scope: [u8; 32],
    /// What was asked for under it. Not compared by the store: it is kept with the key.
    pub fingerprint: [u8; 32],
}

/// What a key was spent on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spent {
    /// The log that was appended to.
    pub collaboration: CollaborationId,
    /// The position of the append's first leaf.
    pub index: u64,
    /// How many leaves it had.
    pub count: u64,
    /// What was asked for.
    pub fingerprint: [u8; 32],
}
