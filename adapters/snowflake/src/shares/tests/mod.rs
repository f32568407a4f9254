//! The room of shares: what it holds of an agreement, and everything that it does against the twin.

mod brought;
mod calls;
mod drift;
mod faults;
mod hostile;
mod moved;
mod privileges;
mod runs;
mod stale;
mod suite;
mod verdicts;
mod verifying;

use crate::shares::SnowflakeShares;
use crate::twin::{Twin, clock};
use adapter_spi::{Adapter as _, Cx, Desired, Observation, Plan, Scope, Step};
use mappings::model::{Agreement, PlatformId};
use std::sync::Arc;

/// The suite's agreement under a name.
pub(super) fn agreement(name: &str) -> Arc<Agreement> {
    let document = adapter_spi::suite::agreement(&PlatformId::snowflake(), name, 1);
    Arc::new(serde_json::from_value(document).unwrap())
}

/// The room over a furnished twin.
pub(super) async fn room() -> Option<(Twin, SnowflakeShares)> {
    let twin = Twin::fresh().await?;
    twin.furnish().await;
    let room = SnowflakeShares::new(twin.connections(), clock());
    Some((twin, room))
}

pub(super) async fn seen(room: &SnowflakeShares, scope: &Scope) -> Observation {
    room.observe(scope, &Cx::default()).await.unwrap()
}

pub(super) async fn planned(room: &SnowflakeShares, desired: &Desired, scope: &Scope) -> Plan {
    room.plan(desired, &seen(room, scope).await).unwrap()
}

/// Passes until nothing is left to do; the steps that were applied.
pub(super) async fn settle(room: &SnowflakeShares, desired: &Desired, scope: &Scope) -> Vec<Step> {
    let mut applied = Vec::new();
    for _ in 0..12 {
        let plan = planned(room, desired, scope).await;
        assert_eq!(plan.refused, None);
        if plan.is_settled() {
            return applied;
        }
        for step in plan.steps {
            if room.apply(&step, &Cx::default()).await.is_err() {
                break;
            }
            applied.push(step);
        }
    }
    panic!("it does not settle");
}

/// Everything open, and what it took.
pub(super) async fn opened(room: &SnowflakeShares, name: &str) -> (Desired, Scope) {
    let agreement = agreement(name);
    let (desired, scope) = (Desired::whole(Arc::clone(&agreement)), Scope::of(&agreement));
    assert!(!settle(room, &desired, &scope).await.is_empty());
    (desired, scope)
}

/// The names of what is held: datasets and templates.
pub(super) fn held(seen: &Observation) -> Vec<String> {
    seen.resources.iter().map(|resource| resource.kind.to_string()).collect()
}
