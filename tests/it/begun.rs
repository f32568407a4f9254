//! A run that is met at work by whoever typed it: its process stands still from when it is seen there until its end is waited for, so that what
//! is done meanwhile is done meanwhile on a busy machine too.

use crate::world::{Answer, World};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// One that is over before it was seen makes place for another, so often.
const TRIES: usize = 5;
const SOON: Duration = Duration::from_millis(2);
const NEVER: Duration = Duration::from_mins(1);

/// A run under way.
pub(crate) struct Begun {
    /// What it is called.
    pub(crate) id: String,
    child: Option<Child>,
}

impl World {
    /// A run under way: begun, and seen at work. It has this id, or one that begins so.
    pub(crate) fn begun(&self, id: &str) -> Begun {
        for number in 0..TRIES {
            let id = if number == 0 { id.to_owned() } else { format!("{id}-{number}") };
            let arguments = ["run", "spring", "reach", "--as", "brand", "--run-id", &id];
            let child = Some(self.command(&arguments).spawn().unwrap());
            let mut begun = Begun { id, child };
            if begun.is_met(self) {
                return begun;
            }
            begun.ended().done();
            self.taken_back();
        }
        panic!("no run was met at work");
    }
}

impl Begun {
    /// Sends a signal; it is heard once the run goes on.
    pub(crate) fn signal(&mut self, name: &str) {
        let child = self.child.as_mut().unwrap();
        // One that is over has no number of its own any more.
        if child.try_wait().unwrap().is_none() {
            let told = Command::new("kill").args([name, &child.id().to_string()]).status();
            assert!(told.unwrap().success());
        }
    }

    /// It goes on, to its end.
    pub(crate) fn ended(mut self) -> Answer {
        self.signal("-CONT");
        Answer::of(self.child.take().unwrap().wait_with_output().unwrap())
    }

    /// Its process is gone where it stands.
    pub(crate) fn killed(mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn is_over(&mut self) -> bool {
        self.child.as_mut().unwrap().try_wait().unwrap().is_some()
    }

    /// Stops it at work, where nobody has to wait for it.
    fn is_met(&mut self, world: &World) -> bool {
        let of = |name: String| world.path("home/scratch").join(name);
        let (landing, claim) =
            (of(format!("landing-{}", self.id)), of(format!("{}.lock", self.id)));
        let since = Instant::now();
        while !landing.exists() {
            if self.is_over() {
                return false;
            }
            assert!(since.elapsed() < NEVER, "the run did not begin");
            std::thread::sleep(SOON);
        }
        while self.stands_still() && landing.exists() && !landing.join("staged").exists() {
            if !self.locks_out(&claim) {
                return true;
            }
            assert!(since.elapsed() < NEVER, "the run never stood where nobody waits for it");
            self.signal("-CONT");
            std::thread::sleep(SOON);
        }
        false
    }

    /// Stops it; whether it is there to stand still.
    fn stands_still(&mut self) -> bool {
        self.signal("-STOP");
        let threads = format!("/proc/{}/task", self.child.as_ref().unwrap().id());
        let is_stopped = |stat: String| stat.rsplit(')').next().unwrap().starts_with(" T");
        let since = Instant::now();
        while !self.is_over() {
            assert!(since.elapsed() < NEVER, "it never stood still");
            let mut all = std::fs::read_dir(&threads).unwrap().map(|thread| {
                std::fs::read_to_string(thread.unwrap().path().join("stat")).is_ok_and(is_stopped)
            });
            if all.all(|stopped| stopped) {
                return true;
            }
            std::thread::sleep(SOON);
        }
        false
    }

    /// Whether it has a lock for itself that others may wait for, as any but its claim on the run.
    fn locks_out(&self, claim: &Path) -> bool {
        let id = self.child.as_ref().unwrap().id().to_string();
        let claim = format!(":{}", std::fs::metadata(claim).unwrap().ino());
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        locks.lines().any(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            words[3..5] == ["WRITE", &id] && !words[5].ends_with(&claim)
        })
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
