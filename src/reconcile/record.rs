//! How a pass writes: intents under names that nobody else has, and what it saw. Everything that gives is written under the
//! lease's fence. Must not know what is decided.

use super::pass::Work;
use super::report::End;
use super::things::effect;
use crate::log::{Body, Code, DecideError, Entry, LogError, Revocable, State};
use crate::store::StoreError;
use adapter_spi::Step;
use std::sync::{Mutex, PoisonError};

/// Why something was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The log has moved on, or the lease has: what was planned is planned again.
    Stale,
    /// The log can't be written.
    Failed(&'static str),
}

/// A code of ours.
pub(super) fn code(text: &str) -> Result<Code, End> {
    Code::new(text).map_err(|_| End::Failed { code: "bug", retry_ms: None })
}

impl Work<'_> {
    /// Puts an intent on record under a name that no other step has. It says on how long a log it was planned.
    pub(super) async fn intend(
        &self,
        step: &Step,
        (of, leaves): (&[Revocable], &[Revocable]),
        basis: u64,
    ) -> Result<Code, Refused> {
        let (name, gives) = (Mutex::new(None), !step.effect.takes_away());
        let entry = |state: &State| {
            // A withdrawal that is in force and not on record counts as one that is. Taking away rests on nothing.
            if gives && basis < state.decided() {
                return Err(Refused::Stale);
            }
            let made = state.next_step(&step.key());
            let made = made.map_err(|_| Refused::Failed("bug"))?;
            *name.lock().unwrap_or_else(PoisonError::into_inner) = Some(made.clone());
            let intent = Body::EffectIntended {
                step: made,
                platform: self.turn.adapter.platform().clone(),
                effect: effect(step.effect),
                of: of.to_vec(),
                leaves: leaves.to_vec(),
                basis: Some(basis),
            };
            Ok(vec![Entry::gateway(intent)])
        };
        self.decided(gives, entry).await?;
        let name = name.into_inner().unwrap_or_else(PoisonError::into_inner);
        name.ok_or(Refused::Failed("bug"))
    }

    /// Writes down what was done or seen.
    pub(super) async fn record(&self, bodies: Vec<Body>) -> Result<(), Refused> {
        self.written(false, bodies).await
    }

    /// The same, by whoever has the lease alone: what was seen is no older than what is on record.
    pub(super) async fn record_under_lease(&self, bodies: Vec<Body>) -> Result<(), Refused> {
        self.written(true, bodies).await
    }

    async fn written(&self, fenced: bool, bodies: Vec<Body>) -> Result<(), Refused> {
        let entries = |_: &State| Ok(bodies.iter().cloned().map(Entry::gateway).collect());
        self.decided(fenced, entries).await
    }

    async fn decided<F>(&self, fenced: bool, decision: F) -> Result<(), Refused>
    where
        F: Fn(&State) -> Result<Vec<Entry>, Refused> + Send + Sync,
    {
        let fence = self.turn.fence.filter(|_| fenced);
        let decided = self.turn.log.decide_under(self.turn.collaboration, fence, decision).await;
        match decided {
            Ok(_) => Ok(()),
            Err(DecideError::Refused(refused)) => Err(refused),
            Err(DecideError::Log(LogError::Fold(_))) => Err(Refused::Stale),
            Err(DecideError::Log(LogError::Store(StoreError::Fenced { .. }))) => {
                Err(Refused::Failed("lease-lost"))
            }
            Err(DecideError::Log(error)) => Err(Refused::Failed(error.code())),
        }
    }
}
