//! What may tell a worker from outside that a look is worth while: queues (`queue`), a webhook (`webhook`, `visitor`, `signature`), and how
//! a message is read (`message`). Whatever fails here costs an earlier look and nothing else. Must not know what a look does.

mod message;
mod queue;
mod signature;
#[cfg(test)]
mod tests;
mod visitor;
mod webhook;

pub(crate) use queue::{Message, Queue};
pub(crate) use signature::Secret;

use crate::app::Inbox;
use crate::clock::{Clock, SystemClock};
use crate::error::Result;
use crate::home::Home;
use crate::{settings, wiring};

use std::path::Path;
use std::sync::Arc;
use tokio::task::JoinHandle;
use webhook::Webhook;

/// Everything that listens; it ends with this.
#[derive(Debug)]
pub(crate) struct Listening {
    tasks: Vec<JoinHandle<()>>,
}

impl Listening {
    /// Listens to what a gateway's folder names and puts it into the inbox; `None` where it names nothing. A place that can't be listened
    /// at is an error now; a queue that doesn't answer is tried again.
    pub(crate) async fn start(home: &Path, inbox: &Arc<Inbox>) -> Result<Option<Self>> {
        let set = settings::triggers(&Home::existing(home)?)?;
        if set.queues.is_empty() && set.webhook.is_none() {
            return Ok(None);
        }
        let mut listening = Self { tasks: Vec::new() };
        if let Some(webhook) = set.webhook {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock);
            let (secret, inbox) = (Secret::new(&webhook.secret), Arc::clone(inbox));
            let webhook = Webhook { secret, inbox, clock }.at(webhook.listen).await?;
            listening.tasks.push(tokio::spawn(webhook.serve()));
        }
        for queue in &set.queues {
            let (queue, inbox) = (wiring::queue(queue).await?, Arc::clone(inbox));
            let read = async move { queue::read(queue.as_ref(), &inbox).await };
            listening.tasks.push(tokio::spawn(read));
        }
        Ok(Some(listening))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}
