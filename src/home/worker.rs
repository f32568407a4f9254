//! Who works on rooms from this folder: one process at a time, by a lock that is gone with it, under a name that stays. Whoever
//! comes after a process that died works under the same name at once. Must not know leases.

use super::{Home, locked, replace};
use crate::error::{Error, Result};
use std::io::Read as _;

/// A name is this many random bytes, in hex.
const NAME_BYTES: usize = 8;

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
        Ok(Some(Working { _file: file, name: self.worker()? }))
    }

    /// The folder's name among workers, made at first use; and the machine's, so that a copy of the folder elsewhere is another.
    fn worker(&self) -> Result<String> {
        let path = self.root.join("worker");
        let known = std::fs::File::open(&path).and_then(|file| {
            let mut text = String::new();
            file.take(64).read_to_string(&mut text).map(|_| text)
        });
        let is_name = |text: &String| {
            text.len() == NAME_BYTES * 2 && text.bytes().all(|digit| digit.is_ascii_hexdigit())
        };
        let name = if let Some(name) = known.ok().filter(is_name) {
            name
        } else {
            let mut bytes = [0u8; NAME_BYTES];
            getrandom::fill(&mut bytes)
                .map_err(|_| Error::failed("random", "no randomness to be had"))?;
            let name = bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
            replace(&self.root, &path, name.as_bytes())?;
            name
        };
        let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Ok(format!("{}/{name}", machine.trim()))
    }
}
