//! The agreement itself: one document, one digest, every platform.

use super::dataset::Dataset;
use super::digest::Digest;
use super::ids::{CollaborationId, DatasetName, MemberId, PlatformId, Region, TemplateName};
use super::member::Member;
use super::template::Template;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A place where the collaboration is held.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Room {
    /// Which platform.
    pub platform: PlatformId,
    /// Where on it, when the platform has regions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
}

/// Caps held by the gateway across all rooms, counting attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Runs in any window.
    pub runs_max: u32,
    /// The window, in seconds.
    pub within_s: u64,
}

impl Default for Limits {
    /// 100 runs in any 24 hours (the published default of Salesforce Data 360 Clean Rooms).
    fn default() -> Self {
        Self { runs_max: 100, within_s: 86_400 }
    }
}

/// What the parties agreed. Canonical JSON of this struct is what gets a digest and goes into the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    /// The format's version, `v1`.
    pub agreement: String,
    /// Its name.
    pub collaboration: CollaborationId,
    /// What it is for, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Where data, runs and results may be. Empty means nowhere is excluded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub residency: Vec<Region>,
    /// The parties.
    pub members: BTreeMap<MemberId, Member>,
    /// Where it is held.
    pub rooms: Vec<Room>,
    /// What is contributed.
    pub datasets: BTreeMap<DatasetName, Dataset>,
    /// What may run.
    pub templates: BTreeMap<TemplateName, Template>,
    /// The caps.
    #[serde(default)]
    pub limits: Limits,
    /// Where each receiver's results go, as a URL: registered once, a run never names a path.
    pub destinations: BTreeMap<MemberId, String>,
}

impl Agreement {
    /// Canonical bytes: RFC 8785 JSON.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        crate::agreement::canonical(&serde_json::json!(self))
    }

    /// The digest of the canonical bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.canonical())
    }

    /// Whether one of its rooms is on this platform.
    #[must_use]
    pub fn is_held_in(&self, platform: &PlatformId) -> bool {
        self.rooms.iter().any(|room| room.platform == *platform)
    }
}
