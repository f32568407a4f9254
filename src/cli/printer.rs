//! Prints on a thread of its own, so that whoever doesn't read keeps nobody from working: what doesn't fit is counted and left out.
//! Must not know what is printed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The same.
#[derive(Debug)]
pub(super) struct Printer<T> {
    to: SyncSender<T>,
    missed: Arc<AtomicUsize>,
    thread: JoinHandle<()>,
}

impl<T: Send + 'static> Printer<T> {
    /// Prints with this, which is told before each how many were left out since the last; so many may wait.
    pub(super) fn new(waiting: usize, mut print: impl FnMut(usize, T) + Send + 'static) -> Self {
        let (to, from) = sync_channel::<T>(waiting);
        let missed = Arc::new(AtomicUsize::new(0));
        let left_out = Arc::clone(&missed);
        let thread = std::thread::spawn(move || {
            for one in from {
                print(left_out.swap(0, Ordering::Relaxed), one);
            }
        });
        Self { to, missed, thread }
    }

    /// Prints one soon, or counts it. Waits for nothing.
    pub(super) fn print(&self, one: T) {
        if self.to.try_send(one).is_err() {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits so long for what is to be printed still; how many were left out at the end, if that is all.
    pub(super) fn end(self, within: Duration) -> usize {
        let Self { to, missed, thread } = self;
        drop(to);
        let until = Instant::now() + within;
        while !thread.is_finished() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
        missed.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::mpsc::channel;

    #[test]
    fn who_does_not_read_holds_nobody_up_and_learns_what_it_missed() {
        let (read, reads) = channel::<()>();
        let seen = Arc::new(Mutex::new((0, 0)));
        let told = Arc::clone(&seen);
        let printer = Printer::new(4, move |missed, _: u32| {
            let _ = reads.recv();
            let mut told = told.lock().unwrap();
            *told = (told.0 + missed, told.1 + 1);
        });
        (0..100).for_each(|n| printer.print(n));
        for _ in 0..4 {
            read.send(()).unwrap();
        }
        std::thread::sleep(Duration::from_millis(100));
        printer.print(100);
        drop(read);
        assert_eq!(printer.end(Duration::from_secs(5)), 0);
        let (missed, shown) = *seen.lock().unwrap();
        assert_eq!(missed + shown, 101);
        assert!((5..=7).contains(&shown), "{shown}");
    }

    #[test]
    fn the_end_does_not_wait_for_ever() {
        let (read, reads) = channel::<()>();
        let printer = Printer::new(1, move |_, _: u32| reads.recv().unwrap_or_default());
        (0..10).for_each(|n| printer.print(n));
        let since = Instant::now();
        printer.end(Duration::from_millis(50));
        assert!(since.elapsed() < Duration::from_secs(5));
        drop(read);
    }
}
