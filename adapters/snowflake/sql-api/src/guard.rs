//! Whoever stops waiting takes its statement along: on a stop, at a deadline, and when the future is dropped, as well as it can be done.
//! Must not know what the statement is.

use crate::answer::{self, Answer};
use crate::error::{Error, ErrorKind, Fate, Result};
use crate::handle::Handle;
use crate::submit::Submission;
use crate::transport::{Ask, Transport};
use std::sync::Arc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

enum Held {
    Nothing,
    Submitting(JoinHandle<Result<Answer>>),
    Running(Handle),
}

/// What became of a statement that was given up.
struct End {
    handle: Option<Handle>,
    fate: Fate,
}

/// A statement that is cancelled unless it is let go.
pub(crate) struct Guard {
    transport: Arc<Transport>,
    abandoned: CancellationToken,
    held: Held,
    leave: bool,
}

impl Guard {
    /// Submits in a task of its own, so that a handle comes back even when nobody waits for it any more.
    pub(crate) fn submitting(
        transport: &Arc<Transport>,
        submission: Submission,
        leave: bool,
    ) -> Self {
        let abandoned = CancellationToken::new();
        let task = submission.send(Arc::clone(transport), abandoned.clone());
        let held = Held::Submitting(tokio::spawn(task));
        Self { transport: Arc::clone(transport), abandoned, held, leave }
    }

    /// Minds a statement that runs.
    pub(crate) fn running(transport: &Arc<Transport>, handle: Handle, leave: bool) -> Self {
        let (transport, abandoned) = (Arc::clone(transport), CancellationToken::new());
        Self { transport, abandoned, held: Held::Running(handle), leave }
    }

    /// The submission's answer. Can be dropped and asked again.
    pub(crate) async fn submitted(&mut self) -> Result<Answer> {
        let Held::Submitting(task) = &mut self.held else {
            return Err(Error::new(ErrorKind::Internal, Fate::Unknown));
        };
        let answer = task.await;
        self.held = Held::Nothing;
        let answer = answer.map_err(|_| Error::new(ErrorKind::Internal, Fate::Unknown))??;
        if let Answer::Running(handle) = &answer {
            self.held = Held::Running(handle.clone());
        }
        Ok(answer)
    }

    /// It needs no minding any more.
    pub(crate) fn release(mut self) {
        self.held = Held::Nothing;
    }

    /// Gives it up, and waits a moment for what comes of that.
    pub(crate) async fn stopped(mut self, error: Error) -> Error {
        let known = match &self.held {
            Held::Running(handle) => Some(handle.clone()),
            Held::Nothing | Held::Submitting(_) => None,
        };
        let error = error.with_handle(known.as_ref());
        let Some(task) = self.give_up() else { return error };
        match tokio::time::timeout(self.transport.settings.limits.cancel, task).await {
            Ok(Ok(end)) => error.with_handle(end.handle.as_ref()).with_fate(end.fate),
            Ok(Err(_)) | Err(_) => error,
        }
    }

    fn give_up(&mut self) -> Option<JoinHandle<End>> {
        let held = std::mem::replace(&mut self.held, Held::Nothing);
        if self.leave || matches!(held, Held::Nothing) {
            return None;
        }
        self.abandoned.cancel();
        let transport = Arc::clone(&self.transport);
        let runtime = tokio::runtime::Handle::try_current().ok()?;
        Some(runtime.spawn(ended(transport, held)))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.give_up();
    }
}

async fn ended(transport: Arc<Transport>, held: Held) -> End {
    let handle = match held {
        Held::Nothing => return End { handle: None, fate: Fate::Unknown },
        Held::Running(handle) => handle,
        Held::Submitting(task) => match task.await {
            Ok(Ok(Answer::Running(handle))) => handle,
            Ok(Ok(Answer::Done(done))) => {
                return End { handle: Some(done.handle), fate: Fate::Succeeded };
            }
            Ok(Err(error)) => return End { handle: error.handle().cloned(), fate: error.fate() },
            Err(_) => return End { handle: None, fate: Fate::Unknown },
        },
    };
    let canceled = canceled(&transport, &handle).await;
    let fate = if canceled == Ok(true) { Fate::Failed } else { Fate::Unknown };
    tracing::debug!(%handle, confirmed = canceled == Ok(true), "a statement was given up");
    End { handle: Some(handle), fate }
}

/// Asks for a cancellation: whether the statement was cancelled, or had ended before.
pub(crate) async fn canceled(transport: &Transport, handle: &Handle) -> Result<bool> {
    let asked = handle.clone();
    let read = move |reply: &answer::Reply| answer::of_cancel(reply, &asked);
    transport.asked(&Ask::Cancel(handle.clone()), read).await
}
