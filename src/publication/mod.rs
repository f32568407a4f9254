//! Logs as static tiles in a place of their members: written by a gateway (`put`), read back by anybody with the gateway's public key (`read`), and
//! held by witnesses to what they saw (`witness`). Knows nothing of settings, rooms or who may read the place.

mod due;
mod put;
mod read;
mod witness;

pub(crate) use due::Due;
pub use put::{Published, publish};
pub use read::{fetch, head, leaf_hashes, opened, witnessed};
pub use witness::{Cosigned, Cosigner, cosign};

use crate::log::checkpoint::CheckpointError;
use crate::log::{BundleError, LogError};
use crate::results::ResultsError;

/// No note is longer.
const NOTE_BYTES_MAX: usize = 16_384;
const CHECKPOINT: &str = "checkpoint";

/// Why a log could not be published, read back or cosigned.
#[derive(Debug, thiserror::Error)]
pub enum PublicationError {
    /// The place.
    #[error(transparent)]
    Place(#[from] ResultsError),
    /// The published checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The log of this gateway.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The folder that it is read into.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// Something else lies where a tile or leaf is to go.
    #[error("something else lies at {path}")]
    Conflict {
        /// Where.
        path: String,
    },
    /// Others replace the checkpoint again and again.
    #[error("the published checkpoint is replaced by others again and again")]
    Busy,
    /// Nothing is published there.
    #[error("no checkpoint is published there")]
    Missing,
    /// A tile that the checkpoint needs isn't there.
    #[error("{path} is missing")]
    TileMissing {
        /// Which.
        path: String,
    },
    /// A tile is not what the leaves make, or the tiles don't make the signed root.
    #[error("{path} is not what the signed root is made of")]
    TileDiffers {
        /// Which, or the checkpoint that they all belong to.
        path: String,
    },
    /// A leaf isn't there.
    #[error("leaf {index} is missing")]
    LeafMissing {
        /// Which, from 0.
        index: u64,
    },
    /// A leaf is not the one that the tiles have.
    #[error("leaf {index} is not the one that was signed")]
    LeafDiffers {
        /// Which, from 0.
        index: u64,
    },
    /// The log was longer.
    #[error("the log has {has} leaves, and {had} were published or cosigned")]
    RolledBack {
        /// Leaves that were seen.
        had: u64,
        /// Leaves that there are.
        has: u64,
    },
    /// The log is not the one that was seen.
    #[error("the log does not begin with the {had} leaves that were published or cosigned")]
    Forked {
        /// Leaves that were seen.
        had: u64,
    },
    /// What a witness cosigned can't be kept.
    #[error("the witness's folder cannot be used: {0}")]
    State(std::io::ErrorKind),
    /// A mistake of this program.
    #[error("this gateway failed at it")]
    Bug,
    /// Another process of the same witness is at it.
    #[error("another process of this witness is at this log")]
    WitnessBusy,
}

impl PublicationError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Place(error) => error.code(),
            Self::Checkpoint(error) => error.code(),
            Self::Log(error) => error.code(),
            Self::Bundle(error) => error.code(),
            Self::Conflict { .. } => "publication-conflict",
            Self::Busy => "publication-busy",
            Self::Missing => "checkpoint-missing",
            Self::TileMissing { .. } => "tile-missing",
            Self::TileDiffers { .. } => "tile-differs",
            Self::LeafMissing { .. } => "leaf-missing",
            Self::LeafDiffers { .. } => "leaf-differs",
            Self::RolledBack { .. } => "log-rolled-back",
            Self::Forked { .. } => "log-forked",
            Self::State(_) => "witness-state-unusable",
            Self::Bug => "bug",
            Self::WitnessBusy => "witness-busy",
        }
    }
}

#[cfg(test)]
mod tests;
