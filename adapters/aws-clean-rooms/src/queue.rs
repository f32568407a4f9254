//! A queue of the platform's vendor, from which events are taken. Must not know what they say.

use crate::connection::{Reach, config};
use crate::error::{Act, told};
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use std::time::Duration;

/// How long the queue holds a question that it has nothing to answer to.
const WAIT_S: i32 = 20;
/// A question and its answer.
const ATTEMPT_MAX: Duration = Duration::from_secs(30);
/// What one answer holds at most.
const MESSAGES_MAX: i32 = 10;

/// One queue.
#[derive(Debug, Clone)]
pub struct Queue {
    client: aws_sdk_sqs::Client,
    url: String,
}

/// What was in it: what a message says, and by what it is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The text.
    pub body: String,
    /// Of this taking alone.
    pub receipt: String,
}

impl Queue {
    /// A queue by its address, under a profile and perhaps a role. Asks nobody anything yet.
    pub async fn open(
        url: &str,
        region: &str,
        profile: Option<&str>,
        assume_role: Option<&str>,
    ) -> Self {
        let reach = Reach { profile, assume_role: assume_role.map(|role| (role, None)) };
        let config = config(reach, region, ATTEMPT_MAX).await;
        Self { client: aws_sdk_sqs::Client::new(&config), url: url.to_owned() }
    }

    /// The Region that a queue's own address names.
    #[must_use]
    pub fn region(url: &str) -> Option<&str> {
        let host = url.strip_prefix("https://")?.split('/').next()?;
        let region = host.strip_prefix("sqs.")?;
        region.strip_suffix(".amazonaws.com").or_else(|| region.strip_suffix(".amazonaws.com.cn"))
    }

    /// Waits for messages; after a while there are none. Whoever takes one deletes it, or it comes again. An error is a stable code.
    pub async fn receive(&self) -> Result<Vec<Message>, &'static str> {
        let request = self.client.receive_message().queue_url(&self.url);
        let asked = request.max_number_of_messages(MESSAGES_MAX).wait_time_seconds(WAIT_S);
        let answer = asked.send().await.map_err(|error| code("ReceiveMessage", &error))?;
        let message = |one: aws_sdk_sqs::types::Message| {
            let receipt = one.receipt_handle?;
            Some(Message { body: one.body.unwrap_or_default(), receipt })
        };
        Ok(answer.messages.unwrap_or_default().into_iter().filter_map(message).collect())
    }

    /// Deletes what was taken.
    pub async fn delete(&self, receipts: Vec<String>) -> Result<(), &'static str> {
        let mut request = self.client.delete_message_batch().queue_url(&self.url);
        for (n, receipt) in receipts.into_iter().enumerate() {
            let entry = DeleteMessageBatchRequestEntry::builder().id(n.to_string());
            let entry = entry.receipt_handle(receipt).build();
            request = request.entries(entry.map_err(|_| "bug")?);
        }
        let answer = request.send().await.map_err(|error| code("DeleteMessageBatch", &error))?;
        if answer.failed.is_empty() { Ok(()) } else { Err("message-not-deleted") }
    }
}

fn code<E>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> &'static str
where
    E: ProvideErrorMetadata,
{
    // Which of the two names depends on the protocol.
    let is_missing =
        |code: &str| code.ends_with("QueueDoesNotExist") || code.ends_with("NonExistentQueue");
    let answered = error.as_service_error().and_then(ProvideErrorMetadata::code);
    if answered.is_some_and(is_missing) {
        return "queue-not-found";
    }
    told(operation, Act::Read, error).code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queues_own_address_names_its_region() {
        let region = |url| Queue::region(url);
        assert_eq!(region("https://sqs.eu-central-1.amazonaws.com/1/q"), Some("eu-central-1"));
        assert_eq!(region("https://sqs.cn-north-1.amazonaws.com.cn/1/q"), Some("cn-north-1"));
        assert_eq!(region("http://127.0.0.1:5000/123456789012/q"), None);
        assert_eq!(region("https://sqs.example/1/q"), None);
    }
}
