//! Shares as they lie on the platform, whoever made them, as plain values. Must not know clients, nor what of it an agreement can
//! say.

use crate::import::{Object, Tables};
use crate::shares::mark::Mark;
use mappings::model::MemberId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Found {
    /// As `CURRENT_REGION()` says it.
    pub(crate) region: String,
    pub(crate) shares: Vec<Share>,
    /// By account: what a runner's schema of Airlock's holds.
    pub(crate) runs: BTreeMap<String, Runs>,
    /// What could not be seen: on what, and the code of the error.
    pub(crate) unseen: Vec<(String, String)>,
    /// Shares that Airlock made for the same agreement and that were not named.
    pub(crate) beside: BTreeSet<String>,
    /// Columns with their types of the tables under Airlock's views.
    pub(crate) tables: Tables,
}

/// One share that goes out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Share {
    /// The account whose it is.
    pub(crate) owner: String,
    pub(crate) name: String,
    /// Airlock's mark.
    pub(crate) mark: Option<Mark>,
    /// The accounts that it lets in.
    pub(crate) to: BTreeSet<String>,
    pub(crate) objects: Vec<Object>,
    /// Grants that have no word here, and, behind `to `, those whom it lets in and no statement can name.
    pub(crate) further: BTreeSet<String>,
}

/// What a runner's schema of Airlock's holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Runs {
    pub(crate) member: Option<MemberId>,
    pub(crate) mark: Option<Mark>,
    /// Its views over the runner's own tables and over mounts.
    pub(crate) objects: Vec<Object>,
}
