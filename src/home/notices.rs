//! How far each tenant was told of each log, so that nothing is lost over a restart and little is told twice. Must not know what is told.

use super::{Home, locked, private_folder, replace};
use crate::error::{Error, Result};
use mappings::model::{CollaborationId, MemberId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// How far a tenant was told of one log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Of every leaf before this position.
    pub position: u64,
    /// Withdrawals of which it was told that they are still open.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub open: BTreeSet<u64>,
}

/// Held by the process that tells a tenant.
#[derive(Debug)]
pub struct Telling {
    _file: std::fs::File,
}

impl Home {
    fn notices(&self, member: &MemberId) -> PathBuf {
        self.root.join("notices").join(member.as_str())
    }

    /// Takes on to tell a tenant; `None` while another process of this folder does.
    pub fn telling(&self, member: &MemberId) -> Result<Option<Telling>> {
        let folder = self.notices(member);
        private_folder(&folder)?;
        let path = folder.join("telling.lock");
        let file = locked(&path).map_err(|error| Error::io("lock", &path, &error))?;
        Ok(file.map(|file| Telling { _file: file }))
    }

    /// Since when a tenant is told; now, where it was not before. What was earlier it is not told.
    pub fn told_since(&self, member: &MemberId, now_ms: i64) -> Result<i64> {
        let folder = self.notices(member);
        private_folder(&folder)?;
        let path = folder.join("since");
        let known = std::fs::read_to_string(&path).ok().and_then(|text| text.parse().ok());
        if let Some(since) = known {
            return Ok(since);
        }
        replace(&folder, &path, now_ms.to_string().as_bytes())?;
        Ok(now_ms)
    }

    /// How far a tenant was told of a log.
    #[must_use]
    pub fn told(&self, member: &MemberId, of: &CollaborationId) -> Told {
        let text = std::fs::read(self.notices(member).join(format!("{of}.json"))).ok();
        text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    /// Keeps that. On disk when this returns.
    pub fn keep_told(&self, member: &MemberId, of: &CollaborationId, told: &Told) -> Result<()> {
        let folder = self.notices(member);
        private_folder(&folder)?;
        let path = folder.join(format!("{of}.json"));
        replace(&folder, &path, serde_json::json!(told).to_string().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_is_told_by_one_process_and_from_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let (brand, grocer): (MemberId, MemberId) =
            ("brand".parse().unwrap(), "grocer".parse().unwrap());
        let spring: CollaborationId = "spring".parse().unwrap();
        let held = home.telling(&brand).unwrap().unwrap();
        assert!(home.telling(&brand).unwrap().is_none());
        assert!(home.telling(&grocer).unwrap().is_some());
        drop(held);
        assert!(home.telling(&brand).unwrap().is_some());
        assert_eq!(home.told_since(&brand, 7).unwrap(), 7);
        assert_eq!(home.told_since(&brand, 9).unwrap(), 7);
        assert_eq!(home.told(&brand, &spring), Told::default());
        let told = Told { position: 5, open: BTreeSet::from([3]) };
        home.keep_told(&brand, &spring, &told).unwrap();
        assert_eq!(home.told(&brand, &spring), told);
        assert_eq!(home.told(&grocer, &spring), Told::default());
    }
}
