//! What can go wrong while matching; carries codes, types and limits, never a value of a row.

use std::io;

/// Why matching stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MatchError {
    /// A key that is neither a 16- or 32-byte value nor 64 hexadecimal digits.
    #[error("malformed token: a key must be 32 bytes or 64 hexadecimal digits")]
    MalformedToken,
    /// A column of a type that this place cannot take.
    #[error("unsupported column type {found} for {place}")]
    UnsupportedType {
        /// What the column was meant for: token, group or measure.
        place: &'static str,
        /// The arrow type that was met.
        found: String,
    },
    /// Columns of one batch differ in length, or do not follow the declared shape.
    #[error("columns do not follow the declared shape")]
    Shape,
    /// More measures on one side than a row can carry.
    #[error("at most {max} measures a side")]
    TooManyMeasures {
        /// The most that one side may have.
        max: usize,
    },
    /// More distinct groups than permitted.
    #[error("more than {max} groups on one side")]
    TooManyGroups {
        /// The most that one side may have.
        max: usize,
    },
    /// More groups than there are numbers for.
    #[error("the number of groups is out of range")]
    OutOfRange,
    /// The cancellation flag was raised.
    #[error("cancelled")]
    Cancelled,
    /// The memory limit was reached and no spill folder was given.
    #[error("the memory limit of {bytes_max} bytes is reached and there is nowhere to spill")]
    OutOfMemory {
        /// The limit.
        bytes_max: usize,
    },
    /// Spill files would take more than they may.
    #[error("the spill limit of {bytes_max} bytes is reached")]
    SpillLimit {
        /// The limit.
        bytes_max: u64,
    },
    /// A spill file could not be written or read.
    #[error("spill failed")]
    Spill(#[source] io::Error),
    /// A Parquet source could not be opened or decoded; what it said is withheld, since it may hold values.
    #[error("source unreadable while {while_doing}")]
    Source {
        /// The step that failed.
        while_doing: &'static str,
    },
    /// A writer is still open, or wrote to a left side that was declared complete.
    #[error("a writer is used out of turn")]
    OutOfTurn,
    /// A worker thread ended without an answer.
    #[error("a worker thread failed")]
    Worker,
}

impl MatchError {
    /// A stable code, for machines.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::MalformedToken => "malformed-token",
            Self::UnsupportedType { .. } => "unsupported-type",
            Self::Shape => "shape",
            Self::TooManyMeasures { .. } => "too-many-measures",
            Self::TooManyGroups { .. } => "too-many-groups",
            Self::OutOfRange => "out-of-range",
            Self::Cancelled => "cancelled",
            Self::OutOfMemory { .. } => "out-of-memory",
            Self::SpillLimit { .. } => "spill-limit",
            Self::Spill(_) => "spill",
            Self::Source { .. } => "source",
            Self::OutOfTurn => "out-of-turn",
            Self::Worker => "worker",
        }
    }
}
