//! How one statement is waited for. Must not know the statement.

use crate::error::{Error, ErrorKind, Fate, Result};
use crate::request_id::RequestId;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const WITHIN: Duration = Duration::from_mins(5);

/// One call: under which id, for how long, and what ends it early.
#[derive(Debug, Clone)]
pub struct Call {
    pub(crate) request: RequestId,
    pub(crate) resent: bool,
    pub(crate) leave: bool,
    deadline: Instant,
    stop: CancellationToken,
}

impl Call {
    /// A call under an id; five minutes at most from now.
    #[must_use]
    pub fn new(request: RequestId) -> Self {
        let (deadline, stop) = (Instant::now() + WITHIN, CancellationToken::new());
        Self { request, resent: false, leave: false, deadline, stop }
    }

    /// A call under a new id.
    pub fn random() -> Result<Self> {
        RequestId::random().map(Self::new)
    }

    /// The id was sent before, by a process that may not have had its answer: it runs once all the same.
    #[must_use]
    pub fn resent(mut self) -> Self {
        self.resent = true;
        self
    }

    /// For how long it is waited for, from now.
    #[must_use]
    pub fn at_most(mut self, time: Duration) -> Self {
        let far = Instant::now() + Duration::from_hours(24 * 30);
        self.deadline = Instant::now().checked_add(time).unwrap_or(far);
        self
    }

    /// What ends it early.
    #[must_use]
    pub fn until(mut self, stop: CancellationToken) -> Self {
        self.stop = stop;
        self
    }

    /// Leaves the statement running when nobody waits for it any more. Without this it is cancelled then.
    #[must_use]
    pub fn leaving(mut self) -> Self {
        self.leave = true;
        self
    }

    /// Whether it has to end already.
    pub(crate) fn is_over(&self) -> bool {
        self.stop.is_cancelled() || Instant::now() >= self.deadline
    }

    /// Ends when the call has to: with why.
    pub(crate) async fn ended(&self) -> Error {
        let kind = tokio::select! {
            biased;
            () = self.stop.cancelled() => ErrorKind::Canceled,
            () = tokio::time::sleep_until(self.deadline) => ErrorKind::DeadlinePassed,
        };
        Error::new(kind, Fate::Unknown)
    }
}
