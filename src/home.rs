//! Where one gateway keeps its own things on disk: its log, unless a shared store has it, the members' keys it acts with,
//! the rooms' keys.
//! Never data, never results. Knows nothing of what the files mean.

mod heads;
mod looks;
mod notices;
mod reserve;
mod schedules;
mod worker;

pub use looks::KeptLook;
pub use notices::Told;
pub use schedules::{Kept, KeptSchedule};
pub use worker::Working;

use crate::error::{Error, Result};
use mappings::model::{CollaborationId, MemberId, RunId};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const CLAIM_TRIES: usize = 4;
const CLAIM_WAIT: Duration = Duration::from_millis(5);
/// Whoever holds a file of the folder does so for a moment.
const LOCK_MAX: Duration = Duration::from_secs(5);
const LOCK_EVERY: Duration = Duration::from_millis(5);

/// A gateway's folder.
#[derive(Debug, Clone)]
pub struct Home {
    root: PathBuf,
    heads: Arc<heads::Queue>,
}

impl Home {
    /// Opens a gateway's folder that is there already: looking must not make one. It has a log, or the key for one elsewhere.
    pub fn existing(root: &Path) -> Result<Self> {
        let there = |name: &str| root.join(name).is_file();
        if there("airlock.db") || there("gateway.toml") && there("keys/gateway.key") {
            return Self::open(root);
        }
        let message = format!("{} holds no gateway's log", root.display());
        Err(Error::invalid("home-missing", message)
            .help("--home FOLDER, or AIRLOCK_HOME; airlock apply makes one"))
    }

    /// Opens the folder, making it (private to its owner) when it is not there.
    pub fn open(root: &Path) -> Result<Self> {
        if root.to_str().is_none() {
            return Err(Error::invalid(
                "home-path",
                "the gateway's folder has a name that is not UTF-8",
            ));
        }
        let home = Self { root: root.to_path_buf(), heads: Arc::default() };
        for folder in [root.to_path_buf(), home.keys(), home.scratch()] {
            private_folder(&folder)?;
        }
        refuse_open(&home.keys())?;
        if let Err(error) = home.make_reserve() {
            tracing::warn!(code = error.code, "no place is kept for withdrawals on a full disk");
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

    /// The key of the development issuer, where there is one: who has it is whoever it likes to be, to this gateway.
    #[must_use]
    pub fn dev_issuer_key(&self) -> PathBuf {
        self.keys().join("dev-issuer.key")
    }

    /// The key of the tokens that this gateway gives to its clients: who has it is any of them, to this gateway.
    #[must_use]
    pub fn issuer_key(&self) -> PathBuf {
        self.keys().join("issuer.key")
    }

    /// The members that this gateway holds keys of.
    pub fn members(&self) -> Result<BTreeSet<MemberId>> {
        let folder = self.keys();
        let read = || -> std::io::Result<Vec<_>> {
            std::fs::read_dir(&folder)?.map(|entry| Ok(entry?.file_name())).collect()
        };
        let names = read().map_err(|error| Error::io("read", &folder, &error))?;
        let member = |name: &std::ffi::OsString| {
            let name = name.to_str()?.strip_prefix("member-")?.strip_suffix(".key")?;
            MemberId::new(name).ok()
        };
        Ok(names.iter().filter_map(member).collect())
    }

    /// The key under which one collaboration's match keys are hashed in the native room.
    #[must_use]
    pub fn room_key(&self, collaboration: &CollaborationId) -> PathBuf {
        self.keys().join(format!("room-{collaboration}.key"))
    }

    /// What the operator set.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.root.join("gateway.toml")
    }

    /// How members are reached on platforms.
    #[must_use]
    pub fn connections(&self) -> PathBuf {
        self.root.join("connections.toml")
    }

    /// The secret under which roles are assumed for one collaboration.
    #[must_use]
    pub fn external_id(&self, collaboration: &CollaborationId) -> PathBuf {
        self.keys().join(format!("external-{collaboration}.key"))
    }

    /// Keeps what opens a run's commitment to its parameters, readable by this gateway's owner alone. On disk when this
    /// returns. Called under the run's claim, before its request is on record; an opening of a request that never came
    /// to be is replaced.
    pub fn keep_opening(
        &self,
        collaboration: &CollaborationId,
        run: &RunId,
        salt: &[u8; 32],
        parameters: &serde_json::Value,
    ) -> Result<()> {
        let salt = salt.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let text = serde_json::json!({ "salt": salt, "parameters": parameters }).to_string();
        self.keep_private(&self.opening(collaboration, run), &text)
    }

    /// Writes a file of a folder that only this gateway's owner enters, whole or not at all.
    fn keep_private(&self, path: &Path, text: &str) -> Result<()> {
        let folder = path.parent().unwrap_or(&self.root);
        private_folder(folder)?;
        replace(folder, path, text.as_bytes())
    }

    /// Under what name this folder's processes hold leases: a new one where the folder was copied, since another may still use it.
    pub fn holder(&self) -> Result<String> {
        let path = self.root.join("holder");
        let known = || {
            // Of one file: another process may put its own in the place between two looks at the path.
            let mut file = std::fs::File::open(&path).ok()?;
            let (mut text, found) = (String::new(), file.metadata().ok()?);
            file.read_to_string(&mut text).ok()?;
            let (name, file) = text.split_once(' ')?;
            (file.parse() == Ok(found.ino())).then(|| name.to_owned())
        };
        if let Some(name) = known() {
            return Ok(name);
        }
        let mut random = [0u8; 16];
        getrandom::fill(&mut random)
            .map_err(|_| Error::failed("random", "no randomness to be had"))?;
        let name = random.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let write = || -> std::io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.root)?;
            let text = format!("{name} {}", file.as_file().metadata()?.ino());
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            Ok(())
        };
        write().map_err(|error| Error::io("write", &path, &error))?;
        // Another process may have made one in between: what is on disk counts.
        known().ok_or_else(|| Error::failed("io", format!("{} can't be read", path.display())))
    }

    /// Keeps until when what a run started may go on at its platform, whatever becomes of this process: milliseconds since 1970. On disk when
    /// this returns.
    pub fn goes_on_until(
        &self,
        collaboration: &CollaborationId,
        run: &RunId,
        until_ms: i64,
    ) -> Result<()> {
        self.keep_private(&self.until(collaboration, run), &until_ms.to_string())
    }

    /// Nothing of a run goes on anywhere.
    pub fn goes_on_no_more(&self, collaboration: &CollaborationId, run: &RunId) {
        let _ = std::fs::remove_file(self.until(collaboration, run));
    }

    /// Runs of a collaboration that were requested from this folder and of which something may go on, and until when. What can't be read is
    /// over: it is looked for once more.
    #[must_use]
    pub fn going_on(&self, collaboration: &CollaborationId) -> BTreeMap<RunId, i64> {
        let folder = self.root.join("openings").join(collaboration.as_str());
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let runs = names.filter_map(|name| RunId::new(name.strip_suffix(".until")?).ok());
        let read = |run: &RunId| {
            std::fs::read_to_string(self.until(collaboration, run)).ok()?.parse().ok()
        };
        runs.map(|run| (run.clone(), read(&run).unwrap_or_default())).collect()
    }

    fn until(&self, collaboration: &CollaborationId, run: &RunId) -> PathBuf {
        self.opening(collaboration, run).with_extension("until")
    }

    /// Forgets a run that never came to be.
    pub fn forget_opening(&self, collaboration: &CollaborationId, run: &RunId) {
        let _ = std::fs::remove_file(self.opening(collaboration, run));
    }

    /// Runs of a collaboration that were requested from this folder and whose end is not known to be on record, or that are at work.
    #[must_use]
    pub fn unsettled(&self, collaboration: &CollaborationId) -> BTreeSet<RunId> {
        let locked = self.locks();
        locked.into_iter().filter(|run| self.requested(collaboration, run)).collect()
    }

    fn locks(&self) -> BTreeSet<RunId> {
        let entries = std::fs::read_dir(self.scratch()).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.filter_map(|name| RunId::new(name.strip_suffix(".lock")?).ok()).collect()
    }

    /// The collaborations of which runs were requested from this folder.
    fn opened(&self) -> impl Iterator<Item = CollaborationId> {
        let entries = std::fs::read_dir(self.root.join("openings")).into_iter().flatten().flatten();
        entries.filter_map(|entry| CollaborationId::new(entry.file_name().to_str()?).ok())
    }

    fn is_opened(&self, run: &RunId) -> bool {
        self.opened().any(|of| self.requested(&of, run))
    }

    /// Collaborations with a run that was requested from this folder, and whose end is not known to be on record, or that is at work, or of
    /// which something may go on.
    #[must_use]
    pub fn interrupted(&self) -> BTreeSet<CollaborationId> {
        let runs = self.locks();
        let is_left = |of: &CollaborationId| {
            runs.iter().any(|run| self.requested(of, run)) || !self.going_on(of).is_empty()
        };
        self.opened().filter(is_left).collect()
    }

    fn opening(&self, collaboration: &CollaborationId, run: &RunId) -> PathBuf {
        self.root.join("openings").join(collaboration.as_str()).join(format!("{run}.json"))
    }

    /// Whether a run was requested from this folder; of others on a shared log nothing can be told here.
    #[must_use]
    pub fn requested(&self, collaboration: &CollaborationId, run: &RunId) -> bool {
        self.opening(collaboration, run).is_file()
    }
}

/// Held by the process that works on a run: a lock on a file, gone with the process. The file itself stays until the run's end is on record:
/// by it a later process finds what is to be settled.
#[derive(Debug)]
pub struct Claim {
    _file: std::fs::File,
    path: PathBuf,
    is_over: AtomicBool,
}

impl Claim {
    /// Nothing is left to be settled.
    pub fn is_over(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.is_over.load(Ordering::Relaxed) {
            // Removed while the lock is still held: whoever comes later makes a new one.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Home {
    /// Claims a run for this process; `None` when a living process has it.
    pub fn claim(&self, run: &RunId) -> Result<Option<Claim>> {
        for _ in 0..CLAIM_TRIES {
            if let Some(claim) = self.claim_now(run)? {
                return Ok(Some(claim));
            }
            // Held by the run's process, or for an instant by one that sweeps.
            std::thread::sleep(CLAIM_WAIT);
        }
        Ok(None)
    }

    fn claim_now(&self, run: &RunId) -> Result<Option<Claim>> {
        let path = self.scratch().join(format!("{run}.lock"));
        let locked = locked(&path).map_err(|error| Error::io("claim", &path, &error))?;
        Ok(locked.map(|file| Claim { _file: file, path, is_over: AtomicBool::new(false) }))
    }
}

/// The lock file at this path, locked; `None` when another has it or has just removed it.
fn locked(path: &Path) -> std::io::Result<Option<std::fs::File>> {
    let file = std::fs::OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    match file.try_lock() {
        Ok(()) => {
            let held = file.metadata()?.ino();
            let named = std::fs::metadata(path).map(|it| it.ino());
            Ok(named.is_ok_and(|named| named == held).then_some(file))
        }
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(error)) => Err(error),
    }
}

/// Locks a file, or says that it is not to be had in time.
fn locked_soon(file: &std::fs::File) -> std::io::Result<()> {
    let since = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(std::fs::TryLockError::WouldBlock) if since.elapsed() < LOCK_MAX => {
                std::thread::sleep(LOCK_EVERY);
            }
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(std::io::ErrorKind::TimedOut.into());
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(error),
        }
    }
}

impl Home {
    /// Removes from scratch what runs of dead processes left there; a living process holds its run's claim.
    pub fn sweep(&self) {
        let Ok(entries) = std::fs::read_dir(self.scratch()) else { return };
        let mut alive = BTreeSet::new();
        for entry in entries.flatten() {
            let name = entry.file_name();
            let run = name.to_str().and_then(run_of);
            let Some(run) = run.filter(|run| !alive.contains(run)) else { continue };
            // Whoever is at work is not waited for: a thousand runs would hold up the next one for a minute.
            let Ok(Some(claim)) = self.claim_now(&run) else {
                alive.insert(run);
                continue;
            };
            if entry.path() != claim.path {
                // What can't be removed now is tried again by the next command.
                let _ = std::fs::remove_dir_all(entry.path());
            }
            if !self.is_opened(&run) {
                claim.is_over();
            }
        }
    }
}

/// The run that something in scratch belongs to: `landing-RUN`, `spill-RUN-RANDOM` or `RUN.lock`.
fn run_of(name: &str) -> Option<RunId> {
    let landing = name.strip_prefix("landing-");
    let spill = || name.strip_prefix("spill-").and_then(|rest| rest.rsplit_once('-'));
    let run =
        landing.or_else(|| spill().map(|(run, _)| run)).or_else(|| name.strip_suffix(".lock"));
    RunId::new(run?).ok()
}

/// Writes a file of mode 0600, whole or not at all, on disk when this returns.
fn replace(folder: &Path, path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> std::io::Result<()> {
        written(folder, bytes)?.persist(path)?;
        std::fs::File::open(folder)?.sync_all()
    };
    write().map_err(|error| Error::io("write", path, &error))
}

/// The same, unless the file is there already: another process was faster then.
fn replace_new(folder: &Path, path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> std::io::Result<()> {
        match written(folder, bytes)?.persist_noclobber(path) {
            Err(kept) if kept.error.kind() != std::io::ErrorKind::AlreadyExists => Err(kept.error),
            Ok(_) | Err(_) => std::fs::File::open(folder)?.sync_all(),
        }
    };
    write().map_err(|error| Error::io("write", path, &error))
}

fn written(folder: &Path, bytes: &[u8]) -> std::io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Refuses a folder for secrets that other users of the machine may enter.
fn refuse_open(folder: &Path) -> Result<()> {
    let found = std::fs::metadata(folder).map_err(|error| Error::io("look at", folder, &error))?;
    if !others_may(&found) {
        return Ok(());
    }
    let message = format!("{} can be entered by others", folder.display());
    Err(Error::refused("home-exposed", message).help(format!("chmod 700 {}", folder.display())))
}

/// Whether other users of the machine may do anything with it.
pub(crate) fn others_may(found: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    found.permissions().mode() & 0o077 != 0
}

fn private_folder(folder: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| Error::io("make the folder", folder, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_at_work_hold_up_no_sweep_and_keep_what_they_have() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let (mut claims, mut landings) = (Vec::new(), Vec::new());
        for n in 0..200 {
            let run = RunId::new(&format!("run-{n}")).unwrap();
            let landing = home.scratch().join(format!("landing-{run}"));
            std::fs::create_dir(&landing).unwrap();
            claims.push(home.claim(&run).unwrap().unwrap());
            landings.push(landing);
        }
        drop(claims.pop());
        let swept = || {
            let since = Instant::now();
            home.sweep();
            since.elapsed()
        };
        // Four waits of five milliseconds for each of 199 runs would be four seconds every time.
        let fastest = (0..5).map(|_| swept()).min().unwrap();
        assert!(fastest < Duration::from_secs(3), "{fastest:?}");
        let gone = landings.pop().unwrap();
        assert!(!gone.exists() && landings.iter().all(|landing| landing.exists()));
    }

    #[test]
    fn until_when_a_run_may_go_on_is_kept_for_its_own_collaboration() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let (spring, autumn) = ("spring".parse().unwrap(), "autumn".parse().unwrap());
        let run = RunId::new("nightly-20261127t060000z").unwrap();
        assert!(home.going_on(&spring).is_empty() && home.interrupted().is_empty());
        home.goes_on_until(&spring, &run, 1_764_000_000_000).unwrap();
        home.goes_on_until(&autumn, &run, 5).unwrap();
        home.goes_on_until(&spring, &run, 7).unwrap();
        assert_eq!(home.going_on(&spring), BTreeMap::from([(run.clone(), 7)]));
        assert_eq!(home.going_on(&autumn), BTreeMap::from([(run.clone(), 5)]));
        assert_eq!(home.interrupted(), BTreeSet::from([spring.clone(), autumn.clone()]));
        assert!(!home.requested(&spring, &run));
        home.goes_on_no_more(&autumn, &run);
        home.goes_on_no_more(&autumn, &run);
        assert_eq!(home.interrupted(), BTreeSet::from([spring.clone()]));
        std::fs::write(folder.path().join("openings/spring/x.until"), "soon").unwrap();
        assert_eq!(home.going_on(&spring)[&RunId::new("x").unwrap()], 0);
    }

    #[test]
    fn members_are_those_whose_keys_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        assert!(home.members().unwrap().is_empty());
        let keys = home.member_key(&MemberId::new("brand").unwrap());
        let keys = keys.parent().unwrap();
        for name in ["member-brand.key", "member-grocer.key", "gateway.key", "member-Bad.key"] {
            std::fs::write(keys.join(name), "").unwrap();
        }
        let members: Vec<String> =
            home.members().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(members, ["brand", "grocer"]);
    }

    #[test]
    fn a_copied_folder_holds_leases_under_a_name_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(&folder.path().join("home")).unwrap();
        let name = home.holder().unwrap();
        assert_eq!(Home::open(home.root()).unwrap().holder().unwrap(), name);
        let copy = Home::open(&folder.path().join("copy")).unwrap();
        std::fs::copy(home.root().join("holder"), copy.root().join("holder")).unwrap();
        let own = copy.holder().unwrap();
        assert_ne!(own, name);
        assert_eq!((copy.holder().unwrap(), home.holder().unwrap()), (own, name));
    }
}
