//! What one person decided in its member's name and a second one has to decide as well before it is done. Must not know what is decided, nor who
//! a person is.

#[cfg(feature = "gateway")]
use super::StoreError;
use mappings::model::{CollaborationId, MemberId};

/// How long it waits, by the clock of the store.
pub(super) const WAITS_MS: i64 = 24 * 60 * 60 * 1000;

/// What waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// In which log it would be.
    pub collaboration: CollaborationId,
    /// In whose name.
    pub tenant: MemberId,
    /// Exactly what: two that are equal are one.
    pub fingerprint: [u8; 32],
    /// Who asked first, as a digest.
    pub by: [u8; 32],
    /// The same for whoever reads it.
    pub about: String,
}

/// What waits, and from when until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    /// What.
    pub waiting: Waiting,
    /// Since when.
    pub asked_ms: i64,
    /// From then on it does no more.
    pub until_ms: i64,
}

/// What waits, as a table has it: collaboration, fingerprint, who asked, what about, since when and until when.
#[cfg(feature = "gateway")]
pub(super) type Row = (String, Vec<u8>, Vec<u8>, String, i64, i64);

#[cfg(feature = "gateway")]
impl Waits {
    /// A row of this collaboration and this member.
    pub(super) fn read(
        collaboration: CollaborationId,
        tenant: &MemberId,
        (_, fingerprint, by, about, asked_ms, until_ms): Row,
    ) -> Result<Self, StoreError> {
        let waiting = Waiting {
            collaboration,
            tenant: tenant.clone(),
            fingerprint: fingerprint.try_into().map_err(|_| StoreError::Corrupt)?,
            by: by.try_into().map_err(|_| StoreError::Corrupt)?,
            about,
        };
        Ok(Self { waiting, asked_ms, until_ms })
    }
}

/// The second person, with whom an append uses up what waited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Second {
    /// In whose name.
    pub tenant: MemberId,
    /// What waits.
    pub fingerprint: [u8; 32],
    /// Who it is, as a digest; not who asked first.
    pub by: [u8; 32],
}
