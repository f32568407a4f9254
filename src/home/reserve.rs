//! The reserve of withdrawals: a file whose bytes were written in advance, so that a withdrawal finds a place on a full disk. A slot
//! is written in place: first what it holds, then, once that is on disk, its head, which says that it holds something.
//! Knows nothing of what is withdrawn.

use super::{Home, locked_soon, replace_new};
use crate::error::{Error, Result};
use crate::log::{Pending, Reserve, ReserveError};
use mappings::model::CollaborationId;
use sha2::{Digest as _, Sha256};
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

const SLOT: usize = 2048;
/// State, three bytes of nothing, length, digest.
const HEAD: usize = 40;
const SLOTS: u64 = 512;
/// Never used: no slot after it was used either.
const UNUSED: u8 = 0;
const HOLDS: u8 = 1;
const FREED: u8 = 2;

/// What a slot says of itself.
enum Slot {
    Unused,
    Freed,
    Holds(Box<Pending>),
}

impl Home {
    fn reserve_file(&self) -> PathBuf {
        self.root.join("denials.reserve")
    }

    /// Makes the reserve when there is none, in bytes that are really on disk.
    pub(super) fn make_reserve(&self) -> Result<()> {
        let path = self.reserve_file();
        if path.exists() {
            return Ok(());
        }
        let bytes = vec![UNUSED; SLOT * usize::try_from(SLOTS).unwrap_or_default()];
        replace_new(&self.root, &path, &bytes)
    }

    /// Every withdrawal that waits for its record.
    pub fn withdrawals(&self) -> Result<Vec<Pending>, ReserveError> {
        let file = match File::open(self.reserve_file()) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(_) => return Err(ReserveError),
        };
        let found = held(&file).or_else(|_| held(&file)).map_err(|_| ReserveError)?;
        Ok(found.into_iter().map(|(_, pending)| pending).collect())
    }

    /// Whether the reserve would take one more withdrawal, as far as can be told without putting one in.
    #[must_use]
    pub fn can_reserve(&self) -> bool {
        let file = OpenOptions::new().read(true).write(true).open(self.reserve_file());
        let held = file.and_then(|file| held(&file));
        held.is_ok_and(|held| (held.len() as u64) < SLOTS)
    }

    /// Puts a withdrawal into the reserve; on disk when this returns.
    pub fn reserve(&self, pending: &Pending) -> Result<()> {
        let path = self.reserve_file();
        let put = || -> std::io::Result<()> {
            let file = self.locked_reserve()?;
            let mut free = None;
            for n in 0..SLOTS {
                let slot = read(&file, n)?;
                if !matches!(slot, Slot::Holds(_)) {
                    free = Some(n);
                    break;
                }
            }
            let n = free.ok_or(ErrorKind::StorageFull)?;
            let bytes = serde_json::to_vec(pending)?;
            let length = u32::try_from(bytes.len()).map_err(|_| ErrorKind::InvalidInput)?;
            if bytes.len() > SLOT - HEAD {
                return Err(ErrorKind::InvalidInput.into());
            }
            file.write_all_at(&bytes, at(n) + HEAD as u64)?;
            file.sync_data()?;
            let digest = Sha256::digest(&bytes);
            let head = [&[HOLDS, 0, 0, 0][..], &length.to_be_bytes(), digest.as_slice()].concat();
            file.write_all_at(&head, at(n))?;
            file.sync_data()
        };
        put().map_err(|error| Error::io("write into", &path, &error))
    }

    /// Frees every slot of a withdrawal that is on record.
    pub fn free(&self, pending: &Pending) -> Result<()> {
        let path = self.reserve_file();
        let free = || -> std::io::Result<()> {
            let file = self.locked_reserve()?;
            for (n, _) in held(&file)?.into_iter().filter(|(_, held)| held == pending) {
                file.write_all_at(&[FREED], at(n))?;
            }
            file.sync_data()
        };
        free().map_err(|error| Error::io("write into", &path, &error))
    }

    /// Leave to put on record what the reserve holds; `None` while another process does.
    pub fn records(&self) -> std::io::Result<Option<File>> {
        super::locked(&self.root.join("recording.lock"))
    }

    fn locked_reserve(&self) -> std::io::Result<File> {
        let file = OpenOptions::new().read(true).write(true).open(self.reserve_file())?;
        locked_soon(&file)?;
        Ok(file)
    }
}

impl Reserve for Home {
    fn pending(&self, collaboration: &CollaborationId) -> Result<Vec<Pending>, ReserveError> {
        let mut all = self.withdrawals()?;
        all.retain(|pending| pending.leaf.collaboration == *collaboration);
        Ok(all)
    }
}

const fn at(n: u64) -> u64 {
    n * SLOT as u64
}

/// The slots that hold something.
fn held(file: &File) -> std::io::Result<Vec<(u64, Pending)>> {
    let mut all = Vec::new();
    for n in 0..SLOTS {
        match read(file, n)? {
            Slot::Unused => break,
            Slot::Freed => {}
            Slot::Holds(pending) => all.push((n, *pending)),
        }
    }
    Ok(all)
}

fn read(file: &File, n: u64) -> std::io::Result<Slot> {
    let mut bytes = [0; SLOT];
    file.read_exact_at(&mut bytes, at(n))?;
    let damaged = || std::io::Error::from(ErrorKind::InvalidData);
    let (head, rest) = bytes.split_first_chunk::<HEAD>().ok_or_else(damaged)?;
    let (state, length) = (head.first().copied().unwrap_or(UNUSED), head.get(4..8));
    let digest = head.get(8..).unwrap_or_default();
    match state {
        UNUSED => Ok(Slot::Unused),
        FREED => Ok(Slot::Freed),
        HOLDS => {
            let length = length.and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
            let length = length.and_then(|bytes| usize::try_from(u32::from_be_bytes(bytes)).ok());
            let found = length.and_then(|length| rest.get(..length)).ok_or_else(damaged)?;
            if Sha256::digest(found).as_slice() != digest {
                return Err(damaged());
            }
            Ok(Slot::Holds(serde_json::from_slice(found)?))
        }
        _ => Err(damaged()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Actor, Body, Leaf, Revocable, SecretKey};

    fn pending(collaboration: &str, n: u64) -> Pending {
        let by: mappings::model::MemberId = "grocer".parse().unwrap();
        let what = Revocable::Dataset { dataset: format!("data{n}").parse().unwrap() };
        let leaf = Leaf {
            actor: Actor::Member(by.clone()),
            at_ms: 7,
            body: Body::Revoked { by, what },
            collaboration: CollaborationId::new(collaboration).unwrap(),
            signature: None,
        };
        Pending { leaf: leaf.signed(&SecretKey::from_seed([1; 32])), since: Some(n) }
    }

    fn of(home: &Home, collaboration: &str) -> Vec<Pending> {
        home.pending(&CollaborationId::new(collaboration).unwrap()).unwrap()
    }

    #[test]
    fn what_is_put_in_is_there_until_it_is_freed() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let (one, two, other) = (pending("spring", 1), pending("spring", 2), pending("autumn", 3));
        for withdrawal in [&one, &two, &other] {
            home.reserve(withdrawal).unwrap();
        }
        let again = Home::open(folder.path()).unwrap();
        assert_eq!(of(&again, "spring"), [one.clone(), two.clone()]);
        assert_eq!(of(&again, "autumn"), std::slice::from_ref(&other));
        again.free(&one).unwrap();
        again.free(&one).unwrap();
        assert_eq!(of(&home, "spring"), std::slice::from_ref(&two));
        home.reserve(&one).unwrap();
        assert_eq!(home.withdrawals().unwrap(), [one, two, other], "the freed slot is taken again");
    }

    #[test]
    fn its_bytes_are_on_disk_before_they_are_needed_and_it_never_grows() {
        use std::os::unix::fs::MetadataExt as _;
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let found = || std::fs::metadata(folder.path().join("denials.reserve")).unwrap();
        let size = found().size();
        assert!(size == 1 << 20 && found().blocks() * 512 >= size, "{:?}", found());
        assert_eq!(found().mode() & 0o777, 0o600);
        for n in 0..SLOTS {
            home.reserve(&pending("spring", n)).unwrap();
        }
        assert_eq!(of(&home, "spring").len(), 512);
        assert!(home.reserve(&pending("spring", 999)).is_err(), "a full one says so");
        assert_eq!((of(&home, "spring").len(), found().size()), (512, size));
        home.free(&pending("spring", 77)).unwrap();
        home.reserve(&pending("spring", 999)).unwrap();
        assert!(of(&home, "spring").contains(&pending("spring", 999)));
    }

    #[test]
    fn many_at_once_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let home = &home;
                scope.spawn(move || {
                    for n in 0..16 {
                        home.reserve(&pending("spring", thread * 100 + n)).unwrap();
                        if n % 2 == 0 {
                            home.free(&pending("spring", thread * 100 + n)).unwrap();
                        }
                    }
                });
            }
        });
        assert_eq!(of(&home, "spring").len(), 32);
    }

    #[test]
    fn a_slot_that_was_cut_off_before_its_head_is_none_and_a_damaged_one_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        home.reserve(&pending("spring", 1)).unwrap();
        let file = OpenOptions::new().write(true).open(folder.path().join("denials.reserve"));
        let file = file.unwrap();
        // The process died after the first of its two writes.
        file.write_all_at(b"{\"leaf\":", at(1) + HEAD as u64).unwrap();
        assert_eq!(of(&home, "spring"), [pending("spring", 1)]);
        home.reserve(&pending("spring", 2)).unwrap();
        assert_eq!(of(&home, "spring"), [pending("spring", 1), pending("spring", 2)]);
        file.write_all_at(b"?", at(0) + HEAD as u64 + 9).unwrap();
        assert_eq!(home.withdrawals(), Err(ReserveError));
        file.set_len(100).unwrap();
        assert_eq!(home.withdrawals(), Err(ReserveError));
    }
}
