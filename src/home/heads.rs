//! The newest signed head of each log that this gateway saw, in its folder: `heads/COLLABORATION` is the note itself. Earlier versions
//! kept a length in `sizes/`; it counts until a head that long takes its place.

use super::{Home, locked_soon, private_folder, replace};
use crate::log::{Checkpoint, PinError, Pinned, Pins};
use mappings::model::CollaborationId;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// No note is longer; what is, is none.
const NOTE_BYTES_MAX: u64 = 16_384;

impl Home {
    fn head(&self, collaboration: &CollaborationId) -> PathBuf {
        self.root.join("heads").join(collaboration.as_str())
    }

    fn size(&self, collaboration: &CollaborationId) -> PathBuf {
        self.root.join("sizes").join(collaboration.as_str())
    }

    fn kept(&self, collaboration: &CollaborationId) -> std::io::Result<Pinned> {
        let size = text_of(&self.size(collaboration))?.map(|text| text.trim().parse());
        let at_least = size.transpose().map_err(|_| ErrorKind::InvalidData)?.unwrap_or(0);
        Ok(Pinned { note: text_of(&self.head(collaboration))?, at_least })
    }

    fn keep(&self, head: &Checkpoint, note: &str) -> std::io::Result<()> {
        let failed = |_| std::io::Error::from(ErrorKind::Other);
        let folder = self.root.join("heads");
        private_folder(&folder).map_err(failed)?;
        // Two processes that saw different lengths must not leave the shorter one.
        let lock = File::create(self.root.join("heads.lock"))?;
        locked_soon(&lock)?;
        let kept = self.kept(&head.collaboration)?;
        let size = kept.note.as_deref().map(Checkpoint::parse);
        let size = size.transpose().map_err(|_| ErrorKind::InvalidData)?.map_or(0, |at| at.size);
        if size < head.size {
            replace(&folder, &self.head(&head.collaboration), note.as_bytes()).map_err(failed)?;
        }
        if kept.at_least > 0 && kept.at_least <= head.size {
            std::fs::remove_file(self.size(&head.collaboration))?;
        }
        Ok(())
    }
}

impl Pins for Home {
    fn pinned(&self, collaboration: &CollaborationId) -> Result<Pinned, PinError> {
        self.kept(collaboration).map_err(|_| PinError::Unreadable)
    }

    fn named(&self) -> Vec<CollaborationId> {
        let folders = ["heads", "sizes"].map(|folder| std::fs::read_dir(self.root.join(folder)));
        let files = folders.into_iter().flatten().flatten().flatten();
        // Whatever else lies there has no name of a log.
        let named = files.filter_map(|file| CollaborationId::new(file.file_name().to_str()?).ok());
        let named: BTreeSet<_> = named.collect();
        named.into_iter().collect()
    }

    fn pin(&self, head: &Checkpoint, note: &str) -> Result<(), PinError> {
        self.keep(head, note).map_err(|_| PinError::NotKept)
    }
}

/// `None` of a file that is not there.
fn text_of(path: &Path) -> std::io::Result<Option<String>> {
    let mut text = String::new();
    match File::open(path) {
        Ok(file) => file.take(NOTE_BYTES_MAX).read_to_string(&mut text).map(|_| Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{SecretKey, tree::leaf_hash};

    fn head(size: u64) -> (Checkpoint, String) {
        let collaboration = CollaborationId::new("spring").unwrap();
        let head = Checkpoint { collaboration, size, root: leaf_hash(&size.to_be_bytes()) };
        let note = head.sign(&SecretKey::from_seed([3; 32]));
        (head, note)
    }

    fn noted(home: &Home) -> Option<u64> {
        let pinned = home.pinned(&CollaborationId::new("spring").unwrap()).unwrap();
        pinned.note.map(|note| Checkpoint::parse(&note).unwrap().size)
    }

    #[test]
    fn only_a_longer_head_takes_the_place_of_one() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        assert_eq!(noted(&home), None);
        for (size, kept) in [(5, 5), (4, 5), (7, 7), (1, 7)] {
            let (head, note) = head(size);
            home.pin(&head, &note).unwrap();
            assert_eq!(noted(&home), Some(kept));
        }
        let (seven, _) = head(7);
        home.pin(&seven, "another of that length").unwrap();
        assert_eq!(noted(&home), Some(7));
    }

    #[test]
    fn many_at_once_leave_the_longest() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        std::thread::scope(|scope| {
            for n in 0..4u64 {
                let home = &home;
                scope.spawn(move || {
                    for size in (1..42).step_by(2).map(|m| (m * 7 + n * 11) % 41 + 1) {
                        let (head, note) = head(size);
                        home.pin(&head, &note).unwrap();
                        assert!(noted(home).unwrap() >= size);
                    }
                });
            }
        });
        assert_eq!(noted(&home), Some(41));
    }

    #[test]
    fn what_an_earlier_version_kept_counts_until_a_head_is_as_long() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let spring = CollaborationId::new("spring").unwrap();
        std::fs::create_dir(folder.path().join("sizes")).unwrap();
        std::fs::write(folder.path().join("sizes/spring"), "9").unwrap();
        let (shorter, note) = head(8);
        home.pin(&shorter, &note).unwrap();
        assert_eq!(home.pinned(&spring).unwrap().at_least, 9);
        let (as_long, note) = head(9);
        home.pin(&as_long, &note).unwrap();
        assert_eq!(home.pinned(&spring).unwrap(), Pinned { note: Some(note), at_least: 0 });
        assert!(!folder.path().join("sizes/spring").exists());
    }

    #[test]
    fn what_is_no_head_is_told_and_left_there() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let spring = CollaborationId::new("spring").unwrap();
        std::fs::create_dir(folder.path().join("heads")).unwrap();
        std::fs::write(folder.path().join("heads/spring"), "no note").unwrap();
        let (head, note) = head(9);
        assert_eq!(home.pin(&head, &note), Err(PinError::NotKept));
        assert_eq!(home.pinned(&spring).unwrap().note.as_deref(), Some("no note"));
        std::fs::create_dir(folder.path().join("sizes")).unwrap();
        std::fs::write(folder.path().join("sizes/spring"), "many").unwrap();
        assert_eq!(home.pinned(&spring), Err(PinError::Unreadable));
    }

    #[test]
    fn whoever_holds_the_lock_for_ever_stops_nobody_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let other = File::create(folder.path().join("heads.lock")).unwrap();
        other.lock().unwrap();
        let (head, note) = head(5);
        assert_eq!(home.pin(&head, &note), Err(PinError::NotKept));
        drop(other);
        home.pin(&head, &note).unwrap();
        assert_eq!(home.named(), [CollaborationId::new("spring").unwrap()]);
    }
}
