//! What a room whose state lives in this process holds for one collaboration, and how a step changes it.
//! Two adapters build on it; it knows neither.

use crate::{Applied, Effect, Resource, Step};
use std::collections::BTreeSet;

/// The resources held, and a version that grows with every withdrawal.
#[derive(Debug, Default, Clone)]
pub struct Held {
    /// Grows whenever access is taken away, which makes older plans stale.
    pub version: u64,
    /// What is granted.
    pub resources: BTreeSet<Resource>,
}

/// A grant planned on a state that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stale;

impl Held {
    /// Applies a step. Withdrawals always apply; grants of one plan don't make each other stale.
    ///
    /// # Errors
    /// `Stale` when access was taken away since the step was planned.
    pub fn apply(&mut self, step: &Step) -> Result<Applied, Stale> {
        let changed = match step.effect {
            Effect::Revoke | Effect::Restrict => self.resources.remove(&step.resource),
            Effect::Neutral => false,
            Effect::Grant if self.resources.contains(&step.resource) => false,
            Effect::Grant if step.requires != self.version => return Err(Stale),
            Effect::Grant => self.resources.insert(step.resource.clone()),
        };
        if !changed {
            return Ok(Applied::Already);
        }
        if step.effect != Effect::Grant {
            self.version += 1;
        }
        Ok(Applied::Changed { version: self.version, shown: true })
    }
}
