//! Whether members can be reached where a platform has their things. Must not know how.

use crate::{AdapterError, Result};
use async_trait::async_trait;
use mappings::model::{Agreement, MemberId};

/// One thing that was tried with a member's connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The permission, in the platform's words.
    pub permission: String,
    /// Why it does not work.
    pub error: Option<AdapterError>,
}

impl Tried {
    /// What came of trying it.
    pub fn new<T>(permission: impl Into<String>, answer: Result<T>) -> Self {
        Self { permission: permission.into(), error: answer.err() }
    }
}

/// The power to try the connections of the members whom this gateway operates.
#[async_trait]
pub trait TestsConnections: Send + Sync {
    /// Those members.
    fn operated(&self) -> Vec<MemberId>;

    /// Tries what a member of an agreement needs there, each permission by its name. Reads only.
    async fn test(&self, agreement: &Agreement, member: &MemberId) -> Vec<Tried>;
}
