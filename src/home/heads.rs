//! The newest signed head of each log that this gateway saw, in its folder: `heads/COLLABORATION` is the note itself. Earlier versions
//! kept a length in `sizes/`; it counts until a head that long takes its place. One thread keeps what is asked meanwhile together, so that
//! a disk that is slow holds up whoever waits for it and nobody else.

use super::{Home, locked_soon, private_folder};
use crate::log::{Checkpoint, PinError, Pinned, Pins};
use async_trait::async_trait;
use mappings::model::CollaborationId;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tempfile::NamedTempFile;
use tokio::sync::oneshot;

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

    /// Keeps heads, shorter ones before longer ones, and says which it could: one lock for all of them.
    fn keep(&self, heads: &[Wanted]) -> std::io::Result<Vec<bool>> {
        let folder = self.root.join("heads");
        private_folder(&folder).map_err(|_| ErrorKind::Other)?;
        // Two processes that saw different lengths must not leave the shorter one.
        let lock = File::create(self.root.join("heads.lock"))?;
        locked_soon(&lock)?;
        let written: Vec<_> = heads.iter().map(|one| self.written(&folder, one)).collect();
        // All are on their way to the disk before the first is waited for.
        let there = written.into_iter().zip(heads).map(|(file, one)| {
            let Some(file) = file? else { return Ok(()) };
            file.as_file().sync_all()?;
            file.persist(self.head(&one.head.collaboration))?;
            Ok(())
        });
        let there: Vec<std::io::Result<()>> = there.collect();
        File::open(&folder)?.sync_all()?;
        let kept = there.into_iter().zip(heads);
        Ok(kept.map(|(there, one)| there.and_then(|()| self.outgrown(&one.head)).is_ok()).collect())
    }

    /// The note in a file of its own, where it is longer than what is kept.
    fn written(&self, folder: &Path, one: &Wanted) -> std::io::Result<Option<NamedTempFile>> {
        let kept = self.kept(&one.head.collaboration)?.note;
        let kept = kept.as_deref().map(Checkpoint::parse).transpose();
        if kept.map_err(|_| ErrorKind::InvalidData)?.is_some_and(|at| at.size >= one.head.size) {
            return Ok(None);
        }
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(one.note.as_bytes())?;
        Ok(Some(file))
    }

    /// A length that an earlier version kept is told by the head from now on.
    fn outgrown(&self, head: &Checkpoint) -> std::io::Result<()> {
        let at_least = self.kept(&head.collaboration)?.at_least;
        if at_least == 0 || at_least > head.size {
            return Ok(());
        }
        match std::fs::remove_file(self.size(&head.collaboration)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// A head that somebody waits for.
#[derive(Debug)]
struct Wanted {
    head: Checkpoint,
    note: String,
    kept: oneshot::Sender<bool>,
}

/// Heads that are to be kept, and whether somebody keeps them.
#[derive(Debug, Default)]
pub(super) struct Queue(Mutex<Line>);

#[derive(Debug, Default)]
struct Line {
    wanted: Vec<Wanted>,
    is_kept: bool,
}

impl Queue {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who asks first keeps for all who ask meanwhile.
    fn ask(self: &Arc<Self>, wanted: Wanted) -> Option<Keeper> {
        let mut line = self.line();
        line.wanted.push(wanted);
        let is_first = !std::mem::replace(&mut line.is_kept, true);
        is_first.then(|| Keeper { queue: Arc::clone(self), is_done: false })
    }
}

/// Whoever keeps heads now.
struct Keeper {
    queue: Arc<Queue>,
    is_done: bool,
}

impl Keeper {
    /// What is to be kept next; with nothing more to keep, the next who asks keeps.
    fn next(&mut self) -> Vec<Wanted> {
        let mut line = self.queue.line();
        let mut wanted = std::mem::take(&mut line.wanted);
        wanted.sort_by_key(|one| one.head.size);
        self.is_done = wanted.is_empty();
        line.is_kept = !self.is_done;
        wanted
    }

    fn keep(mut self, home: &Home) {
        loop {
            let wanted = self.next();
            if wanted.is_empty() {
                break;
            }
            let kept = home.keep(&wanted).unwrap_or_default();
            let kept = kept.into_iter().chain(std::iter::repeat(false));
            for (one, is_kept) in wanted.into_iter().zip(kept) {
                let _ = one.kept.send(is_kept);
            }
        }
    }
}

impl Drop for Keeper {
    /// One that never got to run, or not to its end, leaves nobody waiting.
    fn drop(&mut self) {
        if !self.is_done {
            let mut line = self.queue.line();
            (line.is_kept, line.wanted) = (false, Vec::new());
        }
    }
}

#[async_trait]
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

    async fn pin(&self, head: Checkpoint, note: &str) -> Result<(), PinError> {
        let (kept, is_kept) = oneshot::channel();
        if let Some(keeper) = self.heads.ask(Wanted { head, note: note.to_owned(), kept }) {
            let home = self.clone();
            tokio::task::spawn_blocking(move || keeper.keep(&home));
        }
        is_kept.await.ok().filter(|is_kept| *is_kept).map(drop).ok_or(PinError::NotKept)
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

    #[tokio::test]
    async fn only_a_longer_head_takes_the_place_of_one() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        assert_eq!(noted(&home), None);
        for (size, kept) in [(5, 5), (4, 5), (7, 7), (1, 7)] {
            let (head, note) = head(size);
            home.pin(head, &note).await.unwrap();
            assert_eq!(noted(&home), Some(kept));
        }
        let (seven, _) = head(7);
        home.pin(seven, "another of that length").await.unwrap();
        assert_eq!(noted(&home), Some(7));
    }

    #[tokio::test]
    async fn many_at_once_leave_the_longest() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..4u64 {
            // Each as another process has it.
            let home = Home::open(folder.path()).unwrap();
            for size in (1..42).step_by(2).map(|m| (m * 7 + n * 11) % 41 + 1) {
                let (home, (head, note)) = (home.clone(), head(size));
                tasks.spawn(async move {
                    home.pin(head, &note).await.unwrap();
                    assert!(noted(&home).unwrap() >= size);
                });
            }
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        assert_eq!(noted(&home), Some(41));
    }

    #[tokio::test]
    async fn one_log_that_is_not_kept_leaves_others_kept() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        std::fs::create_dir(folder.path().join("heads")).unwrap();
        std::fs::write(folder.path().join("heads/autumn"), "no note").unwrap();
        let (spring, note) = head(3);
        let autumn =
            Checkpoint { collaboration: CollaborationId::new("autumn").unwrap(), ..spring.clone() };
        let (kept, lost) = tokio::join!(home.pin(spring, &note), home.pin(autumn, &note));
        assert_eq!((kept, lost), (Ok(()), Err(PinError::NotKept)));
        assert_eq!(noted(&home), Some(3));
    }

    #[test]
    fn a_keeper_that_never_runs_leaves_nobody_waiting() {
        let queue: Arc<Queue> = Arc::default();
        let (head, note) = head(3);
        let ask = || {
            let (kept, is_kept) = oneshot::channel();
            (queue.ask(Wanted { head: head.clone(), note: note.clone(), kept }), is_kept)
        };
        let (keeper, mut first) = ask();
        let (other, mut second) = ask();
        assert!(other.is_none(), "one keeps for both");
        drop(keeper.unwrap());
        assert!(first.try_recv().is_err() && second.try_recv().is_err());
        assert!(ask().0.is_some(), "the next keeps");
    }

    #[tokio::test]
    async fn what_an_earlier_version_kept_counts_until_a_head_is_as_long() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let spring = CollaborationId::new("spring").unwrap();
        std::fs::create_dir(folder.path().join("sizes")).unwrap();
        std::fs::write(folder.path().join("sizes/spring"), "9").unwrap();
        let (shorter, note) = head(8);
        home.pin(shorter, &note).await.unwrap();
        assert_eq!(home.pinned(&spring).unwrap().at_least, 9);
        let (as_long, note) = head(9);
        home.pin(as_long, &note).await.unwrap();
        assert_eq!(home.pinned(&spring).unwrap(), Pinned { note: Some(note), at_least: 0 });
        assert!(!folder.path().join("sizes/spring").exists());
    }

    #[tokio::test]
    async fn what_is_no_head_is_told_and_left_there() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let spring = CollaborationId::new("spring").unwrap();
        std::fs::create_dir(folder.path().join("heads")).unwrap();
        std::fs::write(folder.path().join("heads/spring"), "no note").unwrap();
        let (head, note) = head(9);
        assert_eq!(home.pin(head, &note).await, Err(PinError::NotKept));
        assert_eq!(home.pinned(&spring).unwrap().note.as_deref(), Some("no note"));
        std::fs::create_dir(folder.path().join("sizes")).unwrap();
        std::fs::write(folder.path().join("sizes/spring"), "many").unwrap();
        assert_eq!(home.pinned(&spring), Err(PinError::Unreadable));
    }

    #[tokio::test]
    async fn whoever_holds_the_lock_for_ever_stops_nobody_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let other = File::create(folder.path().join("heads.lock")).unwrap();
        other.lock().unwrap();
        let (head, note) = head(5);
        assert_eq!(home.pin(head.clone(), &note).await, Err(PinError::NotKept));
        drop(other);
        home.pin(head, &note).await.unwrap();
        assert_eq!(home.named(), [CollaborationId::new("spring").unwrap()]);
    }
}
