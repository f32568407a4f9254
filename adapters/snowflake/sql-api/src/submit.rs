//! A submission until it is answered, the same statement once: whatever may have run is sent again as a repetition only.
//! Must not know who waits for it.

use crate::answer::{self, Answer, Reply};
use crate::backoff::Backoff;
use crate::call::Call;
use crate::error::{Error, Fate, Result};
use crate::statement::Statement;
use crate::transport::{Ask, Document, Transport};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// A statement, ready to be sent.
#[derive(Debug)]
pub(crate) struct Submission {
    document: Document,
    call: Call,
    asynchronous: bool,
}

impl Submission {
    pub(crate) fn new(statement: &Statement, call: &Call) -> Result<Self> {
        let document = Document(statement.document()?);
        Ok(Self { document, call: call.clone(), asynchronous: statement.is_asynchronous() })
    }

    fn ask(&self, retry: bool) -> Ask {
        Ask::Submit {
            request: self.call.request,
            asynchronous: self.asynchronous,
            retry,
            document: self.document.clone(),
        }
    }

    /// Sends it. Once it is abandoned nothing is sent any more: a repetition could start what nobody waits for.
    pub(crate) async fn send(
        self,
        transport: Arc<Transport>,
        abandoned: CancellationToken,
    ) -> Result<Answer> {
        let mut backoff = Backoff::new(transport.settings.retrying);
        let (mut may_run, mut tries) = (self.call.resent, 1);
        loop {
            let error = match self.once(&transport, may_run).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let ran_before = may_run;
            may_run |= error.fate() == Fate::Unknown;
            let error = known(error, ran_before);
            let Some(wait) = transport.again(&error, tries, &mut backoff) else {
                return Err(error);
            };
            tokio::select! {
                () = abandoned.cancelled() => return Err(error),
                () = tokio::time::sleep(wait) => tries += 1,
            }
        }
    }

    async fn once(&self, transport: &Transport, retry: bool) -> Result<Answer> {
        let limits = transport.settings.limits;
        let read = move |reply: &Reply| answer::of_statement(reply, None, limits);
        transport.told(&self.ask(retry), read).await
    }
}

/// What was refused or failed now may have run before, and may run still.
fn known(error: Error, ran_before: bool) -> Error {
    if ran_before && error.fate() != Fate::Succeeded {
        error.with_fate(Fate::Unknown)
    } else {
        error
    }
}
