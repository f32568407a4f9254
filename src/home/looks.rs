//! What the last look at a room said, kept for people: who has to do what, what waits, what differs. Nothing is decided by it; a
//! lost one costs nothing. Must not know how a look is made.

use super::{Home, private_folder, replace};
use crate::error::{Error, Result};
use adapter_spi::NeedsCounterparty;
use mappings::model::{CollaborationId, PlatformId};
use serde::{Deserialize, Serialize};
use std::fs::OpenOptions;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

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
    /// Keeps what a look said; of one that says what the one before did, only when it was.
    pub fn keep_look(
        &self,
        collaboration: &CollaborationId,
        room: &PlatformId,
        look: &KeptLook,
    ) -> Result<()> {
        let since_ms = look.since_ms;
        let before = self.look(collaboration, room);
        let path = self.look_file(collaboration, room);
        if before.is_none_or(|before| KeptLook { since_ms, ..before } != *look) {
            let folder = self.root.join("looks");
            private_folder(&folder)?;
            replace(&folder, &path, serde_json::json!(look).to_string().as_bytes())?;
        }
        let looked = UNIX_EPOCH + Duration::from_millis(u64::try_from(since_ms).unwrap_or(0));
        let file = OpenOptions::new().write(true).open(&path);
        let marked = file.and_then(|file| file.set_modified(looked));
        marked.map_err(|error| Error::io("mark", &path, &error))
    }

    /// When the last look was made, in milliseconds since 1970.
    #[must_use]
    pub fn looked_ms(&self, collaboration: &CollaborationId, room: &PlatformId) -> Option<i64> {
        let found = std::fs::metadata(self.look_file(collaboration, room)).ok()?;
        let since = found.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        i64::try_from(since.as_millis()).ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_that_says_the_same_is_known_to_have_been_made() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let (spring, room) = ("spring".parse().unwrap(), PlatformId::aws_clean_rooms());
        assert_eq!(home.looked_ms(&spring, &room), None);
        for (now_ms, open, since_ms) in
            [(1_000, "a", 1_000), (9_000, "a", 1_000), (20_000, "b", 20_000)]
        {
            let open = vec![open.to_owned()];
            let look = KeptLook { since_ms: now_ms, open, ..KeptLook::default() };
            home.keep_look(&spring, &room, &look).unwrap();
            assert_eq!(home.looked_ms(&spring, &room), Some(now_ms));
            assert_eq!(home.look(&spring, &room).unwrap().since_ms, since_ms);
        }
    }
}
