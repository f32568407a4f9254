//! Schedules: what is asked, and where one stands.

use super::RunLimits;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Runs that somebody asks for at times to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleAsked {
    /// Its name, never used in this collaboration before; its runs are called after it.
    #[schema(example = "nightly")]
    pub schedule: String,
    /// The template.
    pub template: String,
    /// The digest of the version that was looked at.
    #[schema(example = "sha256:3f6c…")]
    pub digest: String,
    /// The room that it runs in; `native` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
    /// When, in UTC: minute, hour, day, month, weekday; a second before them where there are six.
    #[schema(example = "0 6 * * *")]
    pub cron: String,
    /// Parameters by name, as text, the same for each run.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// What each run may take; never more than usual.
    #[serde(default)]
    pub limits: RunLimits,
}

/// What became of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SlotState {
    /// A rule refused it; nothing was spent.
    Refused,
    /// Its run has no end yet.
    UnderWay,
    /// Its run's receivers have the whole result.
    Succeeded,
    /// Its run ended without a result.
    Failed,
    /// Its run was stopped, or its result withheld.
    Cancelled,
}

/// One time at which a run was due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleSlot {
    /// The time.
    pub at_ms: i64,
    /// Its run, where one was requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// What became of it.
    pub state: SlotState,
    /// Why there is no result, by code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// A schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Its name.
    pub schedule: String,
    /// The position of its leaf.
    pub index: u64,
    /// The template.
    pub template: String,
    /// Its version.
    pub digest: String,
    /// The room.
    pub room: String,
    /// Who made it, and runs.
    pub by: String,
    /// When, in UTC.
    pub cron: String,
    /// When the next run is due; none while nothing comes of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_ms: Option<i64>,
    /// Why nothing comes of it as things are agreed, by code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended: Option<String>,
    /// Whether it has ended.
    pub ended: bool,
    /// The newest slot that was told. A rule that goes on refusing is told once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<ScheduleSlot>,
    /// Whether this gateway has the values of its parameters, and so carries it out.
    pub values_here: bool,
}

/// The schedules of a collaboration that have not ended, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedules {
    /// The schedules.
    pub schedules: Vec<Schedule>,
}
