//! The room as a whole: plans over a model of the platform, and the adapter against the twin.

mod assessing;
mod calls;
mod cuts;
mod hostile;
mod imported;
mod moved;
mod planning;
mod refused;
mod twin;
mod wording;
mod world;

use adapter_spi::suite;
use mappings::model::{Agreement, MemberId, PlatformId};
use std::sync::Arc;

/// The suite's agreement on this platform.
pub(super) fn agreement(name: &str, seed: u8) -> Arc<Agreement> {
    let document = suite::agreement(&PlatformId::snowflake_dcr(), name, seed);
    Arc::new(serde_json::from_value(document).unwrap())
}

pub(super) fn member(name: &str) -> MemberId {
    name.parse().unwrap()
}
