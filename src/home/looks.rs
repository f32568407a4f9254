//! What the last look at a room said, kept for people: who has to do what, what waits, what differs. Nothing is decided by it; a
//! lost one costs nothing. Must not know how a look is made.

use super::{Home, private_folder, replace};
use crate::error::Result;
use adapter_spi::NeedsCounterparty;
use mappings::model::{CollaborationId, PlatformId};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// More than any look says.
const BYTES_MAX: u64 = 1 << 20;

/// What a look said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptLook {
    /// Since when it says so, in milliseconds since 1970.
    pub since_ms: i64,
    /// What runs can use there.
    pub open: Vec<String>,
    /// What others have to do.
    pub needs: Vec<NeedsCounterparty>,
    /// Steps that wait, and for what.
    pub waits: Vec<String>,
    /// How what was seen differs from what is wanted: class, on what, what is known.
    pub drift: Vec<(String, String, String)>,
    /// What went wrong.
    pub problems: Vec<String>,
}

impl Home {
    /// Keeps what a look said, unless it says what the one before did.
    pub fn keep_look(
        &self,
        collaboration: &CollaborationId,
        room: &PlatformId,
        look: &KeptLook,
    ) -> Result<()> {
        let since_ms = look.since_ms;
        let before = self.look(collaboration, room);
        if before.is_some_and(|before| KeptLook { since_ms, ..before } == *look) {
            return Ok(());
        }
        let path = self.look_file(collaboration, room);
        let folder = self.root.join("looks");
        private_folder(&folder)?;
        replace(&folder, &path, serde_json::json!(look).to_string().as_bytes())
    }

    /// What the last look said.
    #[must_use]
    pub fn look(&self, collaboration: &CollaborationId, room: &PlatformId) -> Option<KeptLook> {
        let path = self.look_file(collaboration, room);
        let size = std::fs::metadata(&path).ok()?.len();
        let text = std::fs::read(&path).ok().filter(|_| size <= BYTES_MAX)?;
        serde_json::from_slice(&text).ok()
    }

    fn look_file(&self, collaboration: &CollaborationId, room: &PlatformId) -> PathBuf {
        self.root.join("looks").join(format!("{collaboration}.{room}.json"))
    }
}
