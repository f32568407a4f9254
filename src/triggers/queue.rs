//! Reads a queue for as long as the worker runs, in a task of its own: what is understood goes into the inbox, all that was taken is deleted.
//! A queue that fails is told once and tried again, less and less often. Must not know whose queue it is.

use super::message::{NotATrigger, triggers};
use crate::app::{Full, Inbox};
use async_trait::async_trait;
use futures::FutureExt as _;
use std::fmt::Debug;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::time::Instant;

/// Between two questions where there is much to read: no flood takes more of the machine than this leaves it.
const PAUSE: Duration = Duration::from_millis(20);
/// Between two where there was nothing: a queue that doesn't hold the question is not asked without end.
const EMPTY_PAUSE: Duration = Duration::from_millis(500);
/// After the first failure; twice as long after each further one.
const RETRY: Duration = Duration::from_secs(1);
const DOUBLINGS_MAX: u32 = 6;
/// What was not understood is told this often.
const TOLD_EVERY: Duration = Duration::from_mins(1);

/// What was in a queue: what a message says, and by what it is deleted.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) body: String,
    pub(crate) receipt: String,
}

/// Where messages come from. An error is a stable code.
#[async_trait]
pub(crate) trait Queue: Debug + Send + Sync {
    /// What it is called where something is told of it.
    fn name(&self) -> &str;
    /// Waits for messages; after a while there are none.
    async fn receive(&self) -> Result<Vec<Message>, &'static str>;
    /// Deletes what was taken, by receipts.
    async fn delete(&self, receipts: Vec<String>) -> Result<(), &'static str>;
}

/// What a reader said, so that it says it once.
#[derive(Debug, Default)]
struct Said {
    down: Option<&'static str>,
    failures: u32,
    nonsense: u64,
    nonsense_at: Option<Instant>,
}

/// Reads until it is dropped.
pub(super) async fn read(queue: &dyn Queue, inbox: &Inbox) {
    let mut said = Said::default();
    loop {
        let once = AssertUnwindSafe(once(queue, inbox)).catch_unwind().await;
        let pause = match once.unwrap_or(Err("bug")) {
            Ok(read) => said.well(queue, &read),
            Err(code) => said.failed(queue, code),
        };
        tokio::time::sleep(pause).await;
    }
}

/// What one question brought.
#[derive(Debug, Default, PartialEq, Eq)]
struct Read {
    taken: usize,
    nonsense: u64,
    /// Messages that nobody had room for; they come again.
    left: usize,
}

async fn once(queue: &dyn Queue, inbox: &Inbox) -> Result<Read, &'static str> {
    let (mut read, mut done) = (Read::default(), Vec::new());
    for Message { body, receipt } in queue.receive().await? {
        match triggers(body.as_bytes()).map(|triggers| inbox.take_in(triggers)) {
            Ok(Ok(())) => read.taken += 1,
            Ok(Err(Full)) => {
                read.left += 1;
                continue;
            }
            Err(NotATrigger) => read.nonsense += 1,
        }
        done.push(receipt);
    }
    if !done.is_empty() {
        queue.delete(done).await?;
    }
    Ok(read)
}

impl Said {
    fn well(&mut self, queue: &dyn Queue, read: &Read) -> Duration {
        self.failures = 0;
        if self.down.take().is_some() {
            tracing::warn!(queue = queue.name(), "over: a queue of triggers is not read");
        }
        self.nonsense = self.nonsense.saturating_add(read.nonsense);
        let is_told = self.nonsense_at.is_some_and(|at| at.elapsed() < TOLD_EVERY);
        if self.nonsense > 0 && !is_told {
            let count = std::mem::take(&mut self.nonsense);
            self.nonsense_at = Some(Instant::now());
            tracing::warn!(
                code = "trigger-invalid",
                queue = queue.name(),
                count,
                "messages that say nothing known were taken from a queue and deleted"
            );
        }
        match read {
            Read { left, .. } if *left > 0 => RETRY,
            Read { taken: 0, nonsense: 0, .. } => EMPTY_PAUSE,
            Read { .. } => PAUSE,
        }
    }

    fn failed(&mut self, queue: &dyn Queue, code: &'static str) -> Duration {
        if self.down.replace(code) != Some(code) {
            tracing::warn!(
                code,
                queue = queue.name(),
                "a queue of triggers is not read; polling goes on"
            );
        }
        let pause = RETRY * 2_u32.pow(self.failures.min(DOUBLINGS_MAX));
        self.failures = self.failures.saturating_add(1);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::sync::Mutex;

    type Answer = Result<Vec<Message>, &'static str>;

    /// Answers in order, then never.
    #[derive(Debug, Default)]
    struct Played {
        answers: Mutex<VecDeque<Answer>>,
        deleted: Mutex<Vec<String>>,
    }

    #[async_trait]
    impl Queue for Played {
        fn name(&self) -> &'static str {
            "played"
        }

        async fn receive(&self) -> Answer {
            let answer = self.answers.lock().unwrap().pop_front();
            assert!(!matches!(answer, Some(Err("panic"))), "as told");
            match answer {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        }

        async fn delete(&self, receipts: Vec<String>) -> Result<(), &'static str> {
            self.deleted.lock().unwrap().extend(receipts);
            Ok(())
        }
    }

    fn messages(bodies: impl IntoIterator<Item = String>) -> Vec<Message> {
        let numbered = bodies.into_iter().enumerate();
        numbered.map(|(n, body)| Message { body, receipt: n.to_string() }).collect()
    }

    fn named(name: &str) -> String {
        format!("{{\"collaboration\":\"{name}\"}}")
    }

    #[tokio::test]
    async fn all_that_was_taken_is_deleted_understood_or_not() {
        let queue = Played::default();
        let bodies = [named("spring"), "nonsense".to_owned(), "x".repeat(300_000), named("spring")];
        queue.answers.lock().unwrap().push_back(Ok(messages(bodies)));
        let inbox = Inbox::default();
        let read = once(&queue, &inbox).await;
        assert_eq!(read, Ok(Read { taken: 2, nonsense: 2, left: 0 }));
        assert_eq!(*queue.deleted.lock().unwrap(), ["0", "1", "2", "3"]);
    }

    #[tokio::test]
    async fn what_nobody_has_room_for_is_left_in_the_queue() {
        let queue = Played::default();
        let inbox = Inbox::default();
        let mut n = 0;
        while inbox.take_in(triggers(named(&format!("deal-{n}")).as_bytes()).unwrap()).is_ok() {
            n += 1;
        }
        let bodies = [named("one-more"), named("deal-0")];
        queue.answers.lock().unwrap().push_back(Ok(messages(bodies)));
        let read = once(&queue, &inbox).await;
        assert_eq!(read, Ok(Read { taken: 1, nonsense: 0, left: 1 }));
        assert_eq!(*queue.deleted.lock().unwrap(), ["1"]);
    }

    #[test]
    fn a_queue_that_fails_is_tried_less_and_less_often_and_then_as_before() {
        let (queue, mut said) = (Played::default(), Said::default());
        let pauses: Vec<u64> =
            (0..9).map(|_| said.failed(&queue, "access-denied").as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 64, 64]);
        assert_eq!(said.well(&queue, &Read::default()), EMPTY_PAUSE);
        assert_eq!(
            (said.failed(&queue, "access-denied"), said.down),
            (RETRY, Some("access-denied"))
        );
    }

    #[tokio::test]
    async fn whatever_befalls_a_question_there_is_another() {
        let queue = Played::default();
        queue.answers.lock().unwrap().extend([Err("panic"), Ok(messages([named("spring")]))]);
        let inbox = Inbox::default();
        let deleted = async {
            while *queue.deleted.lock().unwrap() != ["0"] {
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::select! {
            () = read(&queue, &inbox) => panic!("it ended"),
            deleted = tokio::time::timeout(Duration::from_secs(30), deleted) => deleted.unwrap(),
        }
    }
}
