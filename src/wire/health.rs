//! Whether a gateway is there and can work.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether this gateway can do its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// `ready`; `denying` where nothing can be granted now and withdrawals are still taken; or `unready`.
    #[schema(example = "ready")]
    pub status: String,
    /// What that rests on.
    pub checks: Vec<Check>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Which: `log`, `reserve` or `worker`.
    #[schema(example = "log")]
    pub of: String,
    /// Whether it is as it should be.
    pub good: bool,
}
