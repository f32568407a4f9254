//! What a platform can hold of an agreement, in which direction it errs, and who closes the gap.

use mappings::model::PlatformId;
use serde::{Deserialize, Serialize};

/// How a platform holds a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fidelity {
    /// As agreed.
    Exact,
    /// It admits less than agreed.
    Narrower,
    /// It admits more than agreed.
    Wider,
    /// It can't hold it at all.
    Unsupported,
}

/// Who closes the gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Residual {
    /// The gateway holds it.
    Gateway,
    /// It is compiled into the template's text.
    Template,
    /// The dataset's owner waived it, on record.
    Waived,
    /// Nobody: fine for exact and narrower, refused otherwise.
    None,
}

/// The verdict on one term.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The term's path in the agreement, such as `datasets.transactions.rule.entities_min`.
    pub term: String,
    /// How it is held.
    pub fidelity: Fidelity,
    /// Who closes the gap.
    pub residual: Residual,
    /// The native construct, or why there is none.
    pub reason: String,
}

/// All verdicts for one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// The platform.
    pub platform: PlatformId,
    /// One a term.
    pub verdicts: Vec<Verdict>,
}

impl Assessment {
    /// The terms that nobody holds: an agreement with any of these is refused on this platform.
    pub fn refused(&self) -> impl Iterator<Item = &Verdict> {
        self.verdicts.iter().filter(|v| match v.fidelity {
            Fidelity::Exact | Fidelity::Narrower => false,
            Fidelity::Wider | Fidelity::Unsupported => v.residual == Residual::None,
        })
    }
}
