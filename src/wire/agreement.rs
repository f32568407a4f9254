//! Versions of an agreement.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The versions that count now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Agreements {
    /// The one in force first, then the one that waits.
    pub agreements: Vec<AgreementVersion>,
}

/// A version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgreementVersion {
    /// Its digest.
    pub digest: String,
    /// `in-force` or `waiting`.
    pub state: String,
    /// The position of the leaf that proposed it.
    pub index: u64,
    /// Who accepted it.
    pub accepted: Vec<String>,
    /// Who declined it, finally.
    pub declined: Vec<String>,
    /// The document itself, as `airlock schema` describes it.
    #[schema(value_type = Object)]
    pub document: serde_json::Value,
}
