//! What may be computed on a dataset. One rule a dataset, written by its owner.

use super::ids::MemberId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Whether a dataset may be used alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JoinRule {
    /// Only inner-joined on a match key to another member's dataset.
    Required,
    /// Alone as well.
    Optional,
}

/// Leave for rows (not aggregates) of matched entities to go to declared receivers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivationRule {
    /// The only members who may receive such rows.
    pub to: BTreeSet<MemberId>,
    /// The smallest audience that may leave, in distinct entities of this dataset.
    pub audience_min: u64,
}

/// The rule of one dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalysisRule {
    /// Distinct entities of this dataset behind every row that leaves. 1 asks for nothing.
    pub entities_min: u64,
    /// Whether it may be used alone.
    pub join: JoinRule,
    /// Who may receive results computed from it; `None` leaves it to the template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receivers: Option<BTreeSet<MemberId>>,
    /// Leave for activation; `None` refuses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<ActivationRule>,
}
