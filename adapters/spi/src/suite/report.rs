//! What the suite saw, as text that is kept beside the code and compared. Must not know any platform.

use crate::{Capabilities, Standing};
use mappings::model::PlatformId;
use std::fmt;

/// The checks that an adapter held, and what it said that it can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub(super) platform: PlatformId,
    pub(super) capabilities: Capabilities,
    pub(super) held: Vec<(&'static str, &'static str)>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let says = [
            (self.capabilities.runs_queries, "runs queries"),
            (self.capabilities.activation, "activation"),
            (self.capabilities.cancels, "cancels"),
        ];
        writeln!(f, "{}", self.platform)?;
        for (can, what) in says {
            writeln!(f, "  {} {what}", if can { "can " } else { "can't" })?;
        }
        for one in &self.capabilities.behaviours {
            let standing = match one.standing {
                // By whoever set the adapter up: the suite saw nothing of it.
                Standing::Verified => "set as verified",
                Standing::Unverified => one.standing.words(),
            };
            writeln!(f, "  {standing}: {} ({})", one.code, one.otherwise.words())?;
        }
        for (check, promise) in &self.held {
            writeln!(f, "  held  {check}: {promise}")?;
        }
        Ok(())
    }
}
