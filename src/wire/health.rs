//! Whether a gateway is there and can work.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether this gateway can do its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// `ready`; `doubting` where some log is not the one that this gateway saw, and nothing is granted on it; `denying` where nothing can be granted now and withdrawals are still taken; or `unready`.
    #[schema(example = "ready")]
    pub status: String,
    /// What that rests on.
    pub checks: Vec<Check>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Which: `log`, `reserve` or `logs`.
    #[schema(example = "log")]
    pub of: String,
    /// Whether it is as it should be.
    pub good: bool,
}

/// What is well here and what isn't, for the operator: nothing in it is a name of a collaboration or a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthDetail {
    /// As at `/readyz`.
    #[schema(example = "ready")]
    pub status: String,
    /// Of this program.
    pub version: String,
    /// Where the logs are kept.
    pub store: StoreHealth,
    /// Where withdrawals are kept that can't be put on record.
    pub reserve: ReserveHealth,
    /// Who keeps the rooms.
    pub worker: WorkerHealth,
    /// Logs of which this process knows where they stand.
    pub logs: u64,
    /// Those that are not what this gateway saw, or can't be read; 200 at most.
    pub logs_in_doubt: Vec<LogInDoubt>,
    /// What was taken away and not seen closed on every platform.
    pub revocations_open: u64,
    /// When the oldest of it was taken away, in the reserve or on record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_open_ms: Option<i64>,
    /// Rooms that are not as agreed, those that are open first; 200 at most.
    pub rooms_behind: Vec<RoomBehind>,
}

/// Where the logs are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreHealth {
    /// Whether it answers.
    pub reachable: bool,
    /// Whether the last write went through.
    pub writable: bool,
}

/// Where withdrawals are kept that can't be put on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReserveHealth {
    /// Whether it can be read; where not, everything is withdrawn.
    pub readable: bool,
    /// Whether one more has a place.
    pub free: bool,
    /// How many wait for their record.
    pub pending: u64,
}

/// Who keeps the rooms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkerHealth {
    /// How long ago this process's was at work; absent where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beat_age_ms: Option<u64>,
    /// Whether any is there, this one or another; absent where that can't be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anywhere: Option<bool>,
}

/// A log that nothing is granted on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogInDoubt {
    /// A name that stands for the collaboration, on this gateway alone.
    #[schema(example = "5c1d0e9b7a3f2468")]
    pub collaboration: String,
    /// Why, as a stable code.
    #[schema(example = "log-rolled-back")]
    pub code: String,
}

/// A room that is not as agreed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomBehind {
    /// A name that stands for the collaboration, on this gateway alone.
    #[schema(example = "5c1d0e9b7a3f2468")]
    pub collaboration: String,
    /// The platform.
    #[schema(example = "aws-clean-rooms")]
    pub room: String,
    /// `wider` where more was found open than agreed, `closing` where something is still to be seen closed, or the code of what goes wrong.
    #[schema(example = "closing")]
    pub why: String,
}
