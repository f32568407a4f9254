//! Results: landing → verify → canonical Parquet → deliver → manifest last. A receiver gets what the run produced or
//! nothing: a reader takes only what a manifest names, and a manifest is written when everything it names is there.
//! Knows nothing of platforms, the log or who may receive.

mod check;
mod columns;
mod deliver;
mod fetch;
mod landed;
mod manifest;
mod opened;
mod place;
mod replace;
mod stage;
mod within;

pub use check::check;
pub use deliver::{Delivery, place_files, publish, state, withdraw};
pub use fetch::{fetch, manifest_of};
pub use manifest::{ColumnLine, FileLine, Manifest, RuleLine};
pub(crate) use opened::{Opened, Verified};
pub use place::Place;
pub(crate) use replace::Found;
pub use stage::{Expected, Staged, StagedFile, first_rows, preview, stage};
pub use within::{lies_in, overlaps};

/// Why a result could not be staged or delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResultsError {
    /// The destination's URL is none that is supported.
    #[error("the destination is not a file:// or s3:// URL")]
    DestinationScheme,
    /// The destination's settings are missing or wrong.
    #[error("the destination's storage settings are missing or wrong")]
    DestinationSettings,
    /// The destination can't be written to.
    #[error("the destination can't be written to")]
    DestinationReadOnly,
    /// The destination has no space left.
    #[error("the destination, or the folder for staging, is full")]
    DestinationFull,
    /// The storage can't be reached.
    #[error("the destination's storage can't be reached")]
    StorageUnavailable,
    /// What lies there is longer than it can be.
    #[error("what lies there is longer than it can be")]
    TooLarge,
    /// Something else is there under a name that is ours.
    #[error("another content is at the destination under this run's name")]
    DeliveryConflict,
    /// There is no manifest.
    #[error("no manifest is there: it is no result")]
    ManifestMissing,
    /// The manifest is not one, or not in canonical bytes.
    #[error("the manifest is not readable")]
    ManifestUnreadable,
    /// The manifest is not the one that is on record.
    #[error("the manifest that lies there is not the one on record")]
    ManifestDiffers,
    /// The manifest is not signed by the expected gateway.
    #[error("the manifest is not signed by this gateway's key")]
    ManifestSignature,
    /// A file is missing or is not the one that was signed.
    #[error("a file that the manifest names is missing or has other content")]
    FileDiffers,
    /// The landed output is not readable.
    #[error("the landed output is not readable")]
    LandingUnreadable,
    /// The landed output has other columns than the guard said.
    #[error("the landed output has other columns than the guard said")]
    SchemaMismatch,
    /// More rows than the run may give.
    #[error("the output has more rows than the run's limit")]
    RowsExceeded,
    /// The landed output has other rows than the run reported.
    #[error("the landed output has not as many rows as the run reported")]
    RowsMismatch,
}

impl ResultsError {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::DestinationScheme => "destination-scheme",
            Self::DestinationSettings => "destination-settings",
            Self::DestinationReadOnly => "destination-read-only",
            Self::DestinationFull => "destination-full",
            Self::StorageUnavailable => "storage-unavailable",
            Self::TooLarge => "object-too-large",
            Self::DeliveryConflict => "delivery-conflict",
            Self::ManifestMissing => "manifest-missing",
            Self::ManifestUnreadable => "manifest-unreadable",
            Self::ManifestDiffers => "manifest-differs",
            Self::ManifestSignature => "manifest-signature-wrong",
            Self::FileDiffers => "file-differs",
            Self::LandingUnreadable => "landing-unreadable",
            Self::SchemaMismatch => "schema-mismatch",
            Self::RowsExceeded => "rows-exceeded",
            Self::RowsMismatch => "rows-mismatch",
        }
    }

    fn io(error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::StorageFull {
            Self::DestinationFull
        } else {
            Self::DestinationReadOnly
        }
    }
}

#[cfg(test)]
mod tests;
