//! One native call. What a call would make is looked up first, since the platform takes no tokens; a rule is read again before
//! access is given on it.

mod rooms;
mod tables;

use crate::call::Call;
use crate::connection::Client;
use crate::error::made;
use adapter_spi::{AdapterError, Applied, Effect, ErrorKind, Result, Retry};

/// What a call did.
pub(crate) type Done = Result<Applied>;

/// It changed something, and its answer does not show what. The platform has no versions.
pub(crate) const CHANGED: Applied = Applied::Changed { version: 0, shown: false };

/// It changed something, and its answer shows it or does not.
pub(crate) const fn changed(shown: bool) -> Applied {
    Applied::Changed { version: 0, shown }
}

/// Makes the call in this member's account.
pub(crate) async fn apply(client: &Client, call: &Call, effect: Effect) -> Done {
    match call {
        Call::CreateCollaboration { .. }
        | Call::DeleteCollaboration { .. }
        | Call::DeleteMember { .. }
        | Call::CreateMembership { .. }
        | Call::DeleteMembership { .. }
        | Call::CreateAnalysisTemplate { .. }
        | Call::DeleteAnalysisTemplate { .. }
        | Call::CreatePrivacyBudgetTemplate { .. }
        | Call::UpdatePrivacyBudgetTemplate { .. }
        | Call::DeletePrivacyBudgetTemplate { .. } => rooms::apply(client, call).await,
        Call::CreateConfiguredTable { .. }
        | Call::UpdateConfiguredTable { .. }
        | Call::DeleteConfiguredTable { .. }
        | Call::CreateConfiguredTableAnalysisRule { .. }
        | Call::UpdateConfiguredTableAnalysisRule { .. }
        | Call::DeleteConfiguredTableAnalysisRule { .. }
        | Call::CreateConfiguredTableAssociation { .. }
        | Call::UpdateConfiguredTableAssociation { .. }
        | Call::DeleteConfiguredTableAssociation { .. }
        | Call::CreateConfiguredTableAssociationAnalysisRule { .. }
        | Call::UpdateConfiguredTableAssociationAnalysisRule { .. }
        | Call::DeleteConfiguredTableAssociationAnalysisRule { .. } => {
            tables::apply(client, call, effect).await
        }
    }
}

/// Deleting what is gone is done.
pub(crate) fn gone<T>(answer: Result<T>) -> Done {
    match answer {
        Ok(_) => Ok(CHANGED),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Applied::Already),
        Err(error) => Err(error),
    }
}

/// Making what is there already is done; the next look says whether it is what was wanted. Its answer is asked whether it shows what
/// was made.
pub(crate) fn there<T>(answer: Result<T>, shows: impl FnOnce(&T) -> bool) -> Done {
    match answer {
        Ok(answer) => Ok(changed(shows(&answer))),
        Err(error) if error.kind == ErrorKind::AlreadyExists => Ok(Applied::Already),
        Err(error) => Err(error),
    }
}

/// What a call was planned on is gone; another look says what to do.
pub(crate) fn stale(operation: &'static str, what: &str) -> AdapterError {
    let reason = format!("{what} changed since this step was planned");
    made(ErrorKind::StaleVersion, "stale-version", Retry::NextCycle, operation, reason)
}

/// A request that lacks something the model requires; a bug of ours.
pub(crate) fn unbuilt(operation: &'static str) -> AdapterError {
    made(ErrorKind::Bug, "request-not-built", Retry::Never, operation, "a required part is missing")
}

/// A call that came to the wrong room of this module; a bug of ours.
pub(crate) fn misplaced() -> AdapterError {
    made(ErrorKind::Bug, "call-misplaced", Retry::Never, "apply", "the call has no hand here")
}
