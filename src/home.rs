//! Where one gateway keeps its own things on disk: its log, the members' keys it acts with, the rooms' keys.
//! Never data, never results. Knows nothing of what the files mean.

use crate::error::{Error, Result};
use mappings::model::{CollaborationId, MemberId};
use std::path::{Path, PathBuf};

/// A gateway's folder.
#[derive(Debug, Clone)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// Opens the folder, making it (private to its owner) when it is not there.
    pub fn open(root: &Path) -> Result<Self> {
        let home = Self { root: root.to_path_buf() };
        for folder in [root.to_path_buf(), home.keys(), home.scratch()] {
            private_folder(&folder)?;
        }
        Ok(home)
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The database of the agreement log.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.root.join("airlock.db")
    }

    fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// Where runs land and spill; emptied after each.
    #[must_use]
    pub fn scratch(&self) -> PathBuf {
        self.root.join("scratch")
    }

    /// The signing key of a member that this gateway acts for.
    #[must_use]
    pub fn member_key(&self, member: &MemberId) -> PathBuf {
        self.keys().join(format!("member-{member}.key"))
    }

    /// The gateway's own key, which signs checkpoints and manifests.
    #[must_use]
    pub fn gateway_key(&self) -> PathBuf {
        self.keys().join("gateway.key")
    }

    /// The key under which one collaboration's match keys are hashed in the native room.
    #[must_use]
    pub fn room_key(&self, collaboration: &CollaborationId) -> PathBuf {
        self.keys().join(format!("room-{collaboration}.key"))
    }
}

fn private_folder(folder: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| Error::io("make the folder", folder, &error))
}
