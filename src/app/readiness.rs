//! Whether this gateway can work: whether its log answers, and whether a withdrawal could be kept here if it did not.

use super::App;
use mappings::model::CollaborationId;
use std::time::Duration;

/// The log answers within so long, or not.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// The same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readiness {
    /// The log can be read.
    pub log: bool,
    /// A withdrawal can be kept here.
    pub reserve: bool,
}

impl App {
    /// Looks.
    pub async fn readiness(&self) -> Readiness {
        // Any name will do: of a log that nobody has the length is 0.
        let log = async {
            let any = CollaborationId::new("readiness").ok()?;
            tokio::time::timeout(ANSWERS_WITHIN, self.store.size(&any)).await.ok()?.ok()
        };
        Readiness { log: log.await.is_some(), reserve: self.home.can_reserve() }
    }
}
