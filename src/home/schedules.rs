//! What opens a schedule's commitment to its parameters: values that the log must not have, readable by this gateway's owner alone. Without them a
//! gateway can't carry the schedule out. Must not know when a schedule is due.

use super::{Home, private_folder, replace};
use crate::error::{Error, Result};
use adapter_spi::RunLimits;
use mappings::model::{CollaborationId, Digest, ScheduleId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// More than parameters can be.
const BYTES_MAX: u64 = 1 << 20;
/// A request that is not on record after so long never came to be.
const REQUESTED_WITHIN: Duration = Duration::from_mins(15);

/// The same.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptSchedule {
    salt: String,
    /// Parameters by name, as text.
    pub parameters: BTreeMap<String, String>,
    /// What each of its runs may take.
    pub limits: RunLimits,
}

impl std::fmt::Debug for KeptSchedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeptSchedule")
    }
}

impl KeptSchedule {
    /// The values of a schedule, and the salt of its commitment to them.
    #[must_use]
    pub fn new(salt: &[u8; 32], parameters: BTreeMap<String, String>, limits: RunLimits) -> Self {
        let salt = salt.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        Self { salt, parameters, limits }
    }

    /// The salt; none of a file that was meddled with.
    #[must_use]
    pub fn salt(&self) -> Option<[u8; 32]> {
        let mut salt = [0; 32];
        for (n, byte) in salt.iter_mut().enumerate() {
            *byte = u8::from_str_radix(self.salt.get(n * 2..n * 2 + 2)?, 16).ok()?;
        }
        (self.salt.len() == 64).then_some(salt)
    }
}

/// One that is kept: whose, and of which commitment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kept {
    /// The collaboration.
    pub collaboration: CollaborationId,
    /// The schedule.
    pub schedule: ScheduleId,
    /// The first digits of its commitment: a name that was asked for twice has two.
    commitment: String,
}

impl Kept {
    /// What is kept for a commitment.
    #[must_use]
    pub fn of(collaboration: &CollaborationId, schedule: &ScheduleId, commitment: &Digest) -> Self {
        let digits = commitment.to_string().chars().rev().take(16).collect();
        Self {
            collaboration: collaboration.clone(),
            schedule: schedule.clone(),
            commitment: digits,
        }
    }
}

impl Home {
    /// Keeps what opens a schedule's commitment, before the schedule is on record. On disk when this returns.
    pub fn keep_schedule(&self, of: &Kept, values: &KeptSchedule) -> Result<()> {
        let path = self.schedule_file(of);
        let folder = path.parent().unwrap_or(&self.root);
        private_folder(folder)?;
        replace(folder, &path, serde_json::json!(values).to_string().as_bytes())
    }

    /// What is kept of one.
    pub fn kept_schedule(&self, of: &Kept) -> Result<KeptSchedule> {
        let path = self.schedule_file(of);
        let missing = || {
            let message = format!("the values of schedule {} are not in this gateway", of.schedule);
            Error::refused("schedule-values-missing", message)
                .help("the gateway at which it was made; or a new schedule here")
        };
        let found = std::fs::metadata(&path).map_err(|_| missing())?;
        let text = std::fs::read(&path).map_err(|error| Error::io("read", &path, &error))?;
        let read = serde_json::from_slice(&text).ok().filter(|_| found.len() <= BYTES_MAX);
        read.ok_or_else(missing)
    }

    /// Whether its values are here.
    #[must_use]
    pub fn has_schedule(&self, of: &Kept) -> bool {
        self.schedule_file(of).is_file()
    }

    /// Forgets the values of one.
    pub fn forget_schedule(&self, of: &Kept) {
        let _ = std::fs::remove_file(self.schedule_file(of));
    }

    /// Whether a request for it would be on record by now.
    #[must_use]
    pub fn is_settled_schedule(&self, of: &Kept) -> bool {
        let written = std::fs::metadata(self.schedule_file(of)).and_then(|it| it.modified());
        written.is_ok_and(|at| at.elapsed().is_ok_and(|since| since > REQUESTED_WITHIN))
    }

    /// All that are kept here.
    #[must_use]
    pub fn kept_schedules(&self) -> Vec<Kept> {
        let names = |folder: PathBuf| {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            entries.filter_map(|entry| entry.file_name().into_string().ok())
        };
        let mut all = Vec::new();
        for folder in names(self.root.join("schedules")) {
            let Ok(collaboration) = CollaborationId::new(&folder) else { continue };
            let of = |name: String| {
                let (schedule, commitment) = name.strip_suffix(".json")?.split_once('.')?;
                Some(Kept {
                    collaboration: collaboration.clone(),
                    schedule: ScheduleId::new(schedule).ok()?,
                    commitment: commitment.to_owned(),
                })
            };
            all.extend(names(self.root.join("schedules").join(&folder)).filter_map(of));
        }
        all
    }

    fn schedule_file(&self, of: &Kept) -> PathBuf {
        let folder = self.root.join("schedules").join(of.collaboration.as_str());
        folder.join(format!("{}.{}.json", of.schedule, of.commitment))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn values_are_kept_for_the_owner_alone_until_they_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let (spring, nightly) = ("spring".parse().unwrap(), "nightly".parse().unwrap());
        let one = Kept::of(&spring, &nightly, &Digest::of(b"1"));
        let other = Kept::of(&spring, &nightly, &Digest::of(b"2"));
        let values = BTreeMap::from([("segment".to_owned(), "zqvalue".to_owned())]);
        let kept = KeptSchedule::new(&[7; 32], values.clone(), RunLimits::default());
        assert!(!format!("{kept:?}").contains("zqvalue"));
        home.keep_schedule(&one, &kept).unwrap();
        home.keep_schedule(&other, &kept).unwrap();
        let read = home.kept_schedule(&one).unwrap();
        assert_eq!((read.salt(), read.parameters), (Some([7; 32]), values));
        let mode = std::fs::metadata(home.schedule_file(&one)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!home.is_settled_schedule(&one));
        home.forget_schedule(&one);
        assert_eq!(home.kept_schedules(), std::slice::from_ref(&other));
        assert!(home.has_schedule(&other) && !home.has_schedule(&one));
        assert_eq!(home.kept_schedule(&one).unwrap_err().code, "schedule-values-missing");
    }
}
