//! What can be asked: run a statement, submit it, look after it, wait for it, cancel it. Must not know what statements are for.

use crate::address::Address;
use crate::answer::{self, Answer, Done, Reply};
use crate::backoff::Backoff;
use crate::call::Call;
use crate::error::{Error, Fate, Result};
use crate::guard::{self, Guard};
use crate::handle::Handle;
use crate::result_set::ResultSet;
use crate::settings::Settings;
use crate::statement::Statement;
use crate::submit::Submission;
use crate::tokens::{Clock, Tokens};
use crate::transport::{Ask, Transport};
use std::fmt;
use std::sync::Arc;

/// So many looks in a row may fail for now before a statement is no longer followed.
const LOST_MAX: u32 = 20;

/// A client of one account for one user. Clones share their connections.
#[derive(Clone)]
pub struct Client(Arc<Transport>);

/// How far a statement is.
#[derive(Debug)]
pub enum Progress {
    /// It runs.
    Running(Handle),
    /// It ended well.
    Done(Box<ResultSet>),
}

/// What a cancellation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Canceled {
    /// The statement was cancelled.
    Now,
    /// It had ended before.
    NotRunning,
}

impl Client {
    /// A client. Nothing is asked yet.
    pub fn new(
        address: Address,
        tokens: Arc<dyn Tokens>,
        clock: Clock,
        settings: Settings,
    ) -> Result<Self> {
        Transport::new(address, tokens, clock, settings).map(|transport| Self(Arc::new(transport)))
    }

    /// Runs a statement and waits until it ends. When the call ends before, or this is dropped, it is cancelled as well as that can be done.
    pub async fn execute(&self, statement: &Statement, call: Call) -> Result<ResultSet> {
        match self.begun(statement, &call).await? {
            (Answer::Done(done), guard) => {
                guard.release();
                Ok(self.result(*done))
            }
            (Answer::Running(handle), guard) => self.minded(&handle, guard, &call).await,
        }
    }

    /// Submits a statement and waits no longer than until it is taken. It runs on whatever becomes of the caller.
    pub async fn submit(&self, statement: &Statement, call: Call) -> Result<Progress> {
        let (answer, guard) = self.begun(statement, &call).await?;
        guard.release();
        Ok(self.progress(answer))
    }

    /// Looks once how far a statement is.
    pub async fn look(&self, handle: &Handle) -> Result<Progress> {
        let answer = self.0.asked(&Ask::Poll(handle.clone()), self.reading(handle)).await;
        answer.map(|answer| self.progress(answer)).map_err(|error| about(error, handle))
    }

    /// Waits for a statement that was submitted. As `execute`, cancels it when it is given up, unless the call leaves it.
    pub async fn wait(&self, handle: &Handle, call: Call) -> Result<ResultSet> {
        let guard = Guard::running(&self.0, handle.clone(), call.leave);
        self.minded(handle, guard, &call).await
    }

    /// Cancels a statement.
    pub async fn cancel(&self, handle: &Handle) -> Result<Canceled> {
        let canceled = guard::canceled(&self.0, handle).await;
        let canceled = canceled.map_err(|error| about(error, handle))?;
        Ok(if canceled { Canceled::Now } else { Canceled::NotRunning })
    }

    async fn begun(&self, statement: &Statement, call: &Call) -> Result<(Answer, Guard)> {
        let submission = Submission::new(statement, call)?;
        if call.is_over() {
            let fate = if call.resent { Fate::Unknown } else { Fate::NotStarted };
            return Err(call.ended().await.with_fate(fate));
        }
        let mut guard = Guard::submitting(&self.0, submission, call.leave);
        tokio::select! {
            biased;
            answer = guard.submitted() => Ok((answer?, guard)),
            error = call.ended() => Err(guard.stopped(error).await),
        }
    }

    async fn minded(&self, handle: &Handle, guard: Guard, call: &Call) -> Result<ResultSet> {
        let done = tokio::select! {
            biased;
            done = self.followed(handle) => done,
            error = call.ended() => return Err(guard.stopped(error).await),
        };
        // What ended needs no cancelling; of what is not known, it does no harm.
        if done.as_ref().err().is_none_or(|error| error.fate() != Fate::Unknown) {
            guard.release();
        }
        done.map(|done| self.result(done)).map_err(|error| about(error, handle))
    }

    /// Looks again and again until a statement ended.
    async fn followed(&self, handle: &Handle) -> Result<Done> {
        let settings = &self.0.settings;
        let (mut polling, mut retrying) =
            (Backoff::new(settings.polling), Backoff::new(settings.retrying));
        let (ask, mut lost) = (Ask::Poll(handle.clone()), 0);
        loop {
            let wait = match self.0.told(&ask, self.reading(handle)).await {
                Ok(Answer::Done(done)) => return Ok(*done),
                Ok(Answer::Running(_)) => {
                    (lost, retrying) = (0, Backoff::new(settings.retrying));
                    polling.wait()
                }
                Err(error) if error.is_passing() && lost < LOST_MAX => {
                    lost += 1;
                    retrying.wait().max(error.retry_after().unwrap_or_default())
                }
                Err(error) => return Err(error),
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// What is made of an answer about this statement.
    fn reading(&self, handle: &Handle) -> impl Fn(&Reply) -> Result<Answer> + Clone + use<> {
        let (limits, handle) = (self.0.settings.limits, handle.clone());
        move |reply| answer::of_statement(reply, Some(&handle), limits)
    }

    fn progress(&self, answer: Answer) -> Progress {
        match answer {
            Answer::Running(handle) => Progress::Running(handle),
            Answer::Done(done) => Progress::Done(Box::new(self.result(*done))),
        }
    }

    fn result(&self, done: Done) -> ResultSet {
        ResultSet::new(Arc::clone(&self.0), done)
    }
}

/// An error of a look at a statement that was taken: that the look failed says nothing about it.
fn about(error: Error, handle: &Handle) -> Error {
    let fate = match error.fate() {
        Fate::NotStarted => Fate::Unknown,
        fate @ (Fate::Failed | Fate::Succeeded | Fate::Unknown) => fate,
    };
    error.with_fate(fate).with_handle(Some(handle))
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("address", &self.0.address)
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}
