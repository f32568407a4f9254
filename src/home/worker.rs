//! Who works on rooms from this folder: one process at a time, by a lock that is gone with it, under a name that stays. Whoever
//! comes after a process that died works under the same name at once. Must not know leases.

use super::{Home, locked};
use crate::error::{Error, Result};

/// Held by the process that works on rooms; gone with it.
#[derive(Debug)]
pub struct Working {
    _file: std::fs::File,
    /// Under which name.
    pub name: String,
}

impl Home {
    /// Leave to work on rooms from this folder; `None` while another process does.
    pub fn work(&self) -> Result<Option<Working>> {
        let path = self.root.join("worker.lock");
        let file = locked(&path).map_err(|error| Error::io("lock", &path, &error))?;
        let Some(file) = file else { return Ok(None) };
        Ok(Some(Working { _file: file, name: self.holder()? }))
    }
}
