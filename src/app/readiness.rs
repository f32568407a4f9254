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
    /// No log is known to be another than the one that this gateway saw.
    pub logs: bool,
}

impl Readiness {
    /// In a word: what it can do.
    #[must_use]
    pub const fn status(self) -> &'static str {
        match self {
            Self { log: true, logs: true, .. } => "ready",
            Self { log: true, logs: false, .. } => "doubting",
            Self { log: false, reserve: true, .. } => "denying",
            Self { log: false, reserve: false, .. } => "unready",
        }
    }
}

impl App {
    /// Looks.
    pub async fn readiness(&self) -> Readiness {
        // Any name will do: of a log that nobody has the length is 0.
        let log = async {
            let any = CollaborationId::new("readiness").ok()?;
            tokio::time::timeout(ANSWERS_WITHIN, self.store.size(&any)).await.ok()?.ok()
        };
        let logs = self.metrics.standings.in_doubt(1).is_empty();
        Readiness { log: log.await.is_some(), reserve: self.home.can_reserve(), logs }
    }
}
