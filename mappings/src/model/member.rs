//! Members: parties with abilities. Knows nothing of how they prove who they are.

use super::ids::PlatformId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a member may do in a collaboration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ability {
    /// Contribute datasets.
    Contribute,
    /// Start runs of approved templates.
    Run,
    /// Receive results at its own registered destination.
    Receive,
    /// Pay for runs on platforms that charge.
    Pay,
}

/// One party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// A name for people.
    pub name: String,
    /// What it may do.
    pub abilities: BTreeSet<Ability>,
    /// Its account on each platform, pinned: a changed identity stops everything.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub identity: BTreeMap<PlatformId, String>,
    /// Its Ed25519 public key as `ed25519:` and 64 hex digits, when the agreement pins it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}
