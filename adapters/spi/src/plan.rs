//! Steps from seen to desired, most restrictive first, each with the whole value and the version it was planned on.

use crate::{Observation, Resource, ResourceKind};
use mappings::model::{CollaborationId, Digest, MemberId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What a step does to access, in the order in which steps run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Takes access away.
    Revoke,
    /// Narrows it.
    Restrict,
    /// Changes nothing that anybody may do.
    Neutral,
    /// Gives access.
    Grant,
}

impl Effect {
    /// Whether it takes away or narrows: what goes first, and waits for nobody.
    #[must_use]
    pub const fn takes_away(self) -> bool {
        matches!(self, Self::Revoke | Self::Restrict)
    }
}

/// One native call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Names the step: the digest of the rest of it. Applying it twice is applying it once.
    pub id: Digest,
    /// Of which collaboration.
    pub collaboration: CollaborationId,
    /// What it does to access.
    pub effect: Effect,
    /// The whole value to set (or to take away, for `Revoke`).
    pub resource: Resource,
    /// The native version it was planned on. A `Revoke` is applied whatever the version.
    pub requires: u64,
    /// What of the agreement it is about; everything when it names nothing.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub touches: BTreeSet<ResourceKind>,
    /// What else of the agreement the value that it sets leaves open. A call that lands late opens that again, though it gives
    /// nothing, or something else.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub leaves: BTreeSet<ResourceKind>,
    /// The native call with its whole input, where the platform has calls.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub call: serde_json::Value,
}

impl Step {
    /// A step, named by its content.
    #[must_use]
    pub fn new(
        collaboration: CollaborationId,
        effect: Effect,
        resource: Resource,
        requires: u64,
    ) -> Self {
        let id = Digest::of(&mappings::agreement::canonical(&serde_json::json!([
            collaboration,
            effect,
            resource,
            requires
        ])));
        let native = matches!(resource.kind, ResourceKind::Native(_));
        let touches = Some(&resource.kind).filter(|_| !native).cloned().into_iter().collect();
        let (leaves, call) = (BTreeSet::new(), serde_json::Value::Null);
        Self { id, collaboration, effect, resource, requires, touches, leaves, call }
    }

    /// Names what it does, whatever version it was planned on: of a call that takes away the call, of one that gives what is
    /// written, whatever else is written there. Planned again, it has the same.
    #[must_use]
    pub fn key(&self) -> Digest {
        let Resource { kind, digest } = &self.resource;
        let version = (!matches!(kind, ResourceKind::Native(_))).then_some(digest);
        let named = if self.effect.takes_away() {
            serde_json::json!([self.collaboration, self.effect, self.resource, self.call])
        } else {
            serde_json::json!([self.collaboration, self.effect, kind, version])
        };
        Digest::of(&mappings::agreement::canonical(&named))
    }

    /// The same step, said to be about these alone.
    #[must_use]
    pub fn touching(self, kinds: impl IntoIterator<Item = ResourceKind>) -> Self {
        Self { touches: kinds.into_iter().collect(), ..self }
    }

    /// The same step, whose value leaves these open.
    #[must_use]
    pub fn leaving(self, kinds: impl IntoIterator<Item = ResourceKind>) -> Self {
        Self { leaves: kinds.into_iter().collect(), ..self }
    }

    /// The same step as a native call, named by that as well.
    #[must_use]
    pub fn calling(self, call: serde_json::Value) -> Self {
        let id = Digest::of(&mappings::agreement::canonical(&serde_json::json!([self.id, call])));
        Self { id, call, ..self }
    }
}

/// Something that a member does whom this gateway does not operate: waited for, never impersonated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeedsCounterparty {
    /// Who.
    pub member: MemberId,
    /// What it is about.
    pub what: String,
    /// The act that would do it, as a command line that the member can run.
    pub act: String,
}

/// Steps in order. What can't be done before something else is there comes in a later plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
    /// What others have to do first.
    pub waiting: Vec<NeedsCounterparty>,
    /// Whether something desired is not seen yet and nothing can be done for it now: what was done shows itself late.
    pub pending: bool,
    /// What stands in the way of giving anything, if something does. It never stands in the way of taking away: the steps are
    /// then those that do.
    pub refused: Option<PlanRefused>,
}

impl Plan {
    /// The difference between what is desired and what was seen, as whole-value steps: revocations, then grants.
    /// A changed value is revoked first and granted after.
    #[must_use]
    pub fn between(desired: &[Resource], seen: &Observation) -> Self {
        let step = |effect, resource: &Resource| {
            Step::new(seen.scope.collaboration.clone(), effect, resource.clone(), seen.version)
        };
        let gone = seen.resources.iter().filter(|r| !desired.contains(r));
        let new = desired.iter().filter(|r| !seen.resources.contains(r));
        let steps = gone
            .map(|r| step(Effect::Revoke, r))
            .chain(new.map(|r| step(Effect::Grant, r)))
            .collect();
        Self { steps, waiting: Vec::new(), pending: false, refused: None }
    }

    /// Whether the platform holds what is desired.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.steps.is_empty() && self.waiting.is_empty() && !self.pending && self.refused.is_none()
    }
}

/// Why a plan was refused. A value, not an error: it is shown to members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct PlanRefused {
    /// Stable code.
    pub code: String,
    /// What was refused and what would pass.
    pub message: String,
}

/// What applying a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// The platform changed; it has this version now.
    Changed {
        /// The native version after.
        version: u64,
        /// Whether its answer shows that it holds the value now. What was shown once and is gone somebody took away; what only was
        /// said to be done may not have been.
        shown: bool,
    },
    /// It held the value already.
    Already,
}

impl Applied {
    /// Whether its answer shows that it holds the value by this call.
    #[must_use]
    pub const fn is_shown(self) -> bool {
        matches!(self, Self::Changed { shown: true, .. })
    }
}
