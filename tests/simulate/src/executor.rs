//! One thread, tasks by number, polled in the order in which they were woken. A task is killed by dropping it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Locks what nobody else holds: there is one thread.
pub(crate) fn lock<T: ?Sized>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;
type Ready = Arc<Mutex<VecDeque<u64>>>;

struct TaskWaker {
    task: u64,
    ready: Ready,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        lock(&self.ready).push_back(self.task);
    }
}

struct Task {
    worker: usize,
    work: Work,
    waker: Waker,
}

/// The tasks of a world.
#[derive(Default)]
pub(crate) struct Executor {
    tasks: BTreeMap<u64, Task>,
    ready: Ready,
    made: u64,
}

impl Executor {
    /// A task of a worker, to be polled in its turn.
    pub(crate) fn spawn(
        &mut self,
        worker: usize,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> u64 {
        self.made += 1;
        let task = self.made;
        let waker = Waker::from(Arc::new(TaskWaker { task, ready: Arc::clone(&self.ready) }));
        self.tasks.insert(task, Task { worker, work: Box::pin(work), waker });
        lock(&self.ready).push_back(task);
        task
    }

    /// Polls what is ready until nothing is; tasks of workers that stand still wait for their turn. The task polled last,
    /// after each poll, is told to `after`.
    pub(crate) fn run(&mut self, still: &BTreeSet<usize>) {
        let mut later = Vec::new();
        loop {
            let next = lock(&self.ready).pop_front();
            let Some(number) = next else { break };
            let Some(task) = self.tasks.get_mut(&number) else { continue };
            if still.contains(&task.worker) {
                later.push(number);
                continue;
            }
            let mut cx = Context::from_waker(&task.waker);
            if matches!(task.work.as_mut().poll(&mut cx), Poll::Ready(())) {
                self.tasks.remove(&number);
            }
        }
        lock(&self.ready).extend(later);
    }

    /// Drops every task of a worker, wherever it waits.
    pub(crate) fn kill(&mut self, worker: usize) {
        self.tasks.retain(|_, task| task.worker != worker);
    }
}
