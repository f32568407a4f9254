//! Withdrawals that are in force here and not on record yet, since the store could not be written. They are laid over every state
//! that a grant is decided on. Must not know where they are kept.

use super::leaf::{Body, Leaf, Revocable};
use super::{LogError, State};
use mappings::model::{CollaborationId, Digest, MemberId, TemplateName};
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use std::sync::Arc;

/// A withdrawal that waits for its record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// As the member signed it. What becomes its record is signed anew, at the time of that.
    pub leaf: Leaf,
    /// How long the log was at least: it is on record once it was withdrawn at this position or later. `None` where the log could not
    /// be read, or was not the one that this gateway saw.
    pub since: Option<u64>,
}

impl Pending {
    /// Who withdraws, and what. `None` of a leaf that withdraws nothing.
    #[must_use]
    pub const fn withdrawal(&self) -> Option<(&MemberId, &Revocable)> {
        let Body::Revoked { by, what } = &self.leaf.body else { return None };
        Some((by, what))
    }

    /// What of it is not on record in this state. Where the log was not known when it was made, the version of a template that it
    /// names may be an old one: those that the state knows are meant as well.
    #[must_use]
    pub fn due(&self, state: &State) -> Vec<Revocable> {
        let Some((_, what)) = self.withdrawal() else { return Vec::new() };
        let mut all = vec![what.clone()];
        if let (None, Some(name)) = (self.since, template_of(what)) {
            let versions = state.in_force().into_iter().chain(state.waiting());
            all.extend(versions.filter_map(|v| Some(of_version(what, *v.templates.get(name)?))));
            all.dedup();
        }
        all.retain(|what| !self.is_on_record(what, state));
        all
    }

    fn is_on_record(&self, what: &Revocable, state: &State) -> bool {
        let newest = state.revoked(what).filter(|at| *at < state.size());
        self.since.is_some_and(|since| newest.is_some_and(|at| at >= since))
    }
}

const fn template_of(what: &Revocable) -> Option<&TemplateName> {
    match what {
        Revocable::Template { template, .. } | Revocable::Approval { template, .. } => {
            Some(template)
        }
        Revocable::Member { .. }
        | Revocable::Dataset { .. }
        | Revocable::Column { .. }
        | Revocable::Room => None,
    }
}

fn of_version(what: &Revocable, version: Digest) -> Revocable {
    let mut what = what.clone();
    if let Revocable::Template { digest, .. } | Revocable::Approval { digest, .. } = &mut what {
        *digest = version;
    }
    what
}

/// Gives what is pending.
pub trait Reserve: Debug + Send + Sync {
    /// The withdrawals of a collaboration that are not on record, as far as is known here.
    fn pending(&self, collaboration: &CollaborationId) -> Result<Vec<Pending>, ReserveError>;
}

/// The reserve can't be read: what is withdrawn is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the reserve of withdrawals can't be read, so what is withdrawn is unknown")]
pub struct ReserveError;

impl ReserveError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "reserve-unreadable"
    }
}

/// No reserve.
#[derive(Debug)]
pub(super) struct Nothing;

impl Reserve for Nothing {
    fn pending(&self, _: &CollaborationId) -> Result<Vec<Pending>, ReserveError> {
        Ok(Vec::new())
    }
}

/// A state with what is pending laid over it.
pub(super) fn laid_over(state: &Arc<State>, pending: &[Pending]) -> Arc<State> {
    let due: Vec<Revocable> = pending.iter().flat_map(|one| one.due(state)).collect();
    if due.is_empty() { Arc::clone(state) } else { Arc::new(state.denying(due)) }
}

/// The same where that is unknown: everything is withdrawn.
pub(super) fn laid_over_or_closed(
    state: &Arc<State>,
    pending: Result<Vec<Pending>, ReserveError>,
) -> (Arc<State>, Option<LogError>) {
    match pending {
        Ok(pending) => (laid_over(state, &pending), None),
        Err(error) => (Arc::new(state.denying(vec![Revocable::Room])), Some(error.into())),
    }
}
