//! What is withdrawn here and not on record yet is put on record, as soon as the log can be written: by each command, and by the
//! worker beside its turns. A withdrawal that is on record already only frees its place.

use super::{App, members};
use crate::error::Result;
use crate::log::{Body, DecideError, Entry, LogError, Pending, ReserveError, State};
use std::time::Duration;

/// How long a command waits for a log that does not answer.
const RECORD_FOR: Duration = Duration::from_secs(10);

/// Another was faster.
struct OnRecord;

impl App {
    /// Puts on record what can be. What can't stays in force here, and is tried again.
    pub(super) async fn record_pending(&self) {
        if let Some(code) = self.recorded_pending().await {
            tracing::warn!(code, "withdrawals wait for the log");
        }
    }

    /// The same; why something still waits, if so.
    pub(super) async fn recorded_pending(&self) -> Option<String> {
        if self.home.withdrawals().is_ok_and(|pending| pending.is_empty()) {
            return None;
        }
        let Ok(_alone) = self.recording.try_lock() else { return None };
        // Nor does another process of this folder record what this one does: of what was withdrawn while the log could not be read
        // nobody can say whether it is on record already.
        let _only = match self.home.records() {
            Ok(Some(only)) => only,
            Ok(None) => return None,
            Err(_) => return Some(ReserveError.code().to_owned()),
        };
        // Read again: who had the lock may have recorded them.
        let pending = match self.home.withdrawals() {
            Ok(pending) => pending,
            Err(error) => return Some(error.code().to_owned()),
        };
        let all = async {
            let mut waits = None;
            for one in &pending {
                match self.recorded_now(one).await {
                    Ok(()) => {}
                    Err(error) if error.code.starts_with("store-") => return Some(error.code),
                    // Of this collaboration alone.
                    Err(error) => waits = waits.or(Some(error.code)),
                }
            }
            waits
        };
        let waits = tokio::time::timeout(RECORD_FOR, all).await;
        waits.unwrap_or_else(|_| Some("store-unavailable".to_owned()))
    }

    async fn recorded_now(&self, pending: &Pending) -> Result<()> {
        let collaboration = &pending.leaf.collaboration;
        let Some((by, _)) = pending.withdrawal() else { return self.home.free(pending) };
        let key = members::signing_key(&self.home, by)?;
        let state = self.load(collaboration).await?.state;
        for what in pending.due(&state) {
            let entry = |state: &State| {
                if !pending.due(state).contains(&what) {
                    return Err(OnRecord);
                }
                let body = Body::Revoked { by: by.clone(), what: what.clone() };
                Ok(vec![Entry::member(by, &key, body)])
            };
            match self.log.decide(collaboration, entry).await {
                Ok(_) | Err(DecideError::Refused(OnRecord)) => {}
                // It never can be: nothing of that kind is there to be withdrawn by this member.
                Err(DecideError::Log(LogError::Fold(error))) => {
                    tracing::warn!(%collaboration, code = error.code(), "a withdrawal is void");
                }
                Err(DecideError::Log(error)) => return Err(error.into()),
            }
        }
        self.home.free(pending)
    }
}
