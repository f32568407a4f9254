//! What a platform holds, as an agreement, and what no agreement can say of it.

use mappings::agreement::Remarks;
use mappings::model::Agreement;
use serde::Serialize;

/// Something that is on the platform and not in the agreement, or that was not seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unexpressed {
    /// Stable code.
    pub code: &'static str,
    /// On what: a noun of the platform's and a name, or a member.
    pub at: String,
    /// What is there, or was not seen. Names and codes, never a value.
    pub what: String,
    /// Why the agreement does not say it.
    pub why: String,
    /// What would do.
    pub change: String,
    /// Whether the platform lets more happen by it than the agreement would.
    pub wider: bool,
}

/// An agreement that describes what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// What could be said.
    pub agreement: Agreement,
    /// Choices that were made, each above the field that it is about.
    pub remarks: Remarks,
    /// What could not, sorted.
    pub unexpressed: Vec<Unexpressed>,
    /// What is there is Airlock's already, and what the agreement takes has the same names: nothing is made anew.
    pub is_own: bool,
}
