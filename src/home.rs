//! Where one gateway keeps its own things on disk: its log, the members' keys it acts with, the rooms' keys.
//! Never data, never results. Knows nothing of what the files mean.

use crate::error::{Error, Result};
use mappings::model::{CollaborationId, MemberId, RunId};
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

    /// Keeps what opens a run's commitment to its parameters, readable by this gateway's owner alone.
    pub fn keep_opening(
        &self,
        collaboration: &CollaborationId,
        run: &RunId,
        salt: &[u8; 32],
        parameters: &serde_json::Value,
    ) -> Result<()> {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let folder = self.root.join("openings").join(collaboration.as_str());
        private_folder(&folder)?;
        let path = folder.join(format!("{run}.json"));
        let salt = salt.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let text = serde_json::json!({ "salt": salt, "parameters": parameters }).to_string();
        let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        match file {
            Ok(mut file) => {
                file.write_all(text.as_bytes()).map_err(|error| Error::io("write", &path, &error))
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(Error::refused("run-id-used", format!("run {run} was requested before"))
                    .help("another run id, or none"))
            }
            Err(error) => Err(Error::io("write", &path, &error)),
        }
    }
}

/// Held by the process that works on a run: a lock on a file, gone with the process.
#[derive(Debug)]
pub struct Claim {
    _file: std::fs::File,
    path: PathBuf,
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Removed while the lock is still held: whoever comes later makes a new one.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Home {
    /// Claims a run for this process; `None` when a living process has it.
    pub fn claim(&self, run: &RunId) -> Result<Option<Claim>> {
        let path = self.scratch().join(format!("{run}.lock"));
        let failed = |error: std::io::Error| Error::io("claim", &path, &error);
        let file = std::fs::OpenOptions::new().write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Claim { _file: file, path })),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(error)) => Err(failed(error)),
        }
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
