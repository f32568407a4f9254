//! Results that are open to recipients outside: what is asked, and what stands.

use super::Receipt;
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// A result that somebody would open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareAsked {
    /// The run; it delivered to the caller's member.
    pub run: String,
    /// To whom, in the member's own words: an organisation, and no person.
    #[schema(example = "agency")]
    pub recipient: String,
    /// Until when: within ninety days.
    pub until_ms: i64,
    /// Whether files are handed out as URLs of the storage itself, which live for five minutes whatever is decided meanwhile.
    #[serde(default)]
    pub presigned: bool,
    /// Whether the recipient gets another token, also where it has a good one.
    #[serde(default)]
    pub new_token: bool,
}

/// Another token for a recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareTokenAsked {
    /// The recipient.
    pub recipient: String,
    /// Until when: within ninety days.
    pub until_ms: i64,
    /// Whether older tokens end now; else the newest two are good.
    #[serde(default)]
    pub alone: bool,
}

/// What is taken away from a recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareEnd {
    /// The recipient.
    pub recipient: String,
    /// Which result; without it all of them, and every token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

/// What a recipient works with: a profile file of Delta Sharing. Its token is shown once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShareProfile {
    /// The version of such files.
    pub share_credentials_version: u32,
    /// Where it asks.
    pub endpoint: String,
    /// The token.
    pub bearer_token: String,
    /// Until when it is good, as ISO 8601 has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration_time: Option<String>,
}

impl fmt::Debug for ShareProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShareProfile").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// A share that is on record, and the profile of its recipient where that has a new token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareGiven {
    /// The proof that it is on record.
    pub receipt: Receipt,
    /// The leaf itself, in base64.
    pub leaf_bytes: String,
    /// The profile; none where the recipient goes on with the one it has, or it was shown before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ShareProfile>,
}

/// A result that was opened to a recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SharedResult {
    /// The run.
    pub run: String,
    /// Its template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// The position of the leaf that opened it.
    pub index: u64,
    /// Until when.
    pub until_ms: i64,
    /// Whether files are handed out as URLs of the storage itself.
    pub presigned: bool,
    /// When it was last put on record that the recipient reads it; the same within five minutes is one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_ms: Option<i64>,
    /// Why nothing is read of it as things are agreed, by code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<String>,
}

/// A recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// Its name, in its member's words.
    pub recipient: String,
    /// Whose it is.
    pub by: String,
    /// Until when each of its tokens is good; of none there is more to be said.
    pub tokens_until_ms: Vec<i64>,
    /// What was opened to it and not taken away.
    pub results: Vec<SharedResult>,
}

/// A page of recipients, by member and name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Shares {
    /// The recipients.
    pub recipients: Vec<Recipient>,
    /// Where the next page begins: `after` of the request for it. None on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "brand/agency")]
    pub next: Option<String>,
}
