//! Keeping rooms at what their logs say: the worker, which takes turns at the rooms of every collaboration whose lease it has for as
//! long as it runs (`run`, `worker`, `seen`, and what it is told from outside, `inbox`, `addresses`), and the same once (`once`). What a turn does is `reconcile::pass`'s. Knows no platform by name.

mod addresses;
mod first;
mod inbox;
mod memories;
mod once;
mod run;
mod seen;
#[cfg(test)]
mod tests;
mod worker;

pub use inbox::{Full, Inbox, Trigger};

use super::rooms::problem;
use super::{App, RoomReport};
use crate::error::{Error, Problem};
use crate::reconcile::schedule::Slots;
use crate::reconcile::{Drift, DriftClass, End, Memory, Report, Turn as Site, UNSURE, pass};
use crate::store::Fence;
use adapter_spi::Cx;
use mappings::model::{CollaborationId, PlatformId};
use serde::Serialize;
use std::time::{Duration, Instant};
use tracing::Instrument as _;
use tracing::field::Empty;

/// Rooms that are looked at at the same time, and so many more where something is to be closed.
const SLOTS: Slots = Slots { ordinary: 8, reserved: 4 };

/// What one turn did and found.
#[derive(Debug, Clone, Serialize)]
pub struct Pass {
    /// Which.
    pub collaboration: CollaborationId,
    /// Calls that changed something.
    pub steps: usize,
    /// The rooms as they were left.
    pub rooms: Vec<RoomReport>,
    /// What is on its way: what waits, and for what.
    pub waits: Vec<String>,
    /// What could not be closed, not be seen or not be done.
    pub problems: Vec<Problem>,
}

impl Pass {
    /// Whether there is anything to tell.
    #[must_use]
    pub fn is_news(&self) -> bool {
        let known = |drift: &Drift| match drift.class {
            DriftClass::Loosened => true,
            DriftClass::Tightened => drift.detail != UNSURE,
            DriftClass::ServerDefault | DriftClass::FormatOnly | DriftClass::Unknown => false,
        };
        let alarm = |room: &RoomReport| room.drift.iter().any(known);
        self.steps > 0 || !self.problems.is_empty() || self.rooms.iter().any(alarm)
    }

    /// What stands against a collaboration's log itself, if anything.
    fn without_rooms(collaboration: &CollaborationId, error: Option<Error>) -> Self {
        let told = |Error { code, message, help, .. }: Error| Problem {
            code,
            at: collaboration.to_string(),
            message,
            help,
        };
        let problems = error.map(told).into_iter().collect();
        let (rooms, waits) = (Vec::new(), Vec::new());
        Self { collaboration: collaboration.clone(), steps: 0, rooms, waits, problems }
    }

    fn of(collaboration: &CollaborationId, room: &PlatformId, report: Report) -> Self {
        let waits = report.waits.iter().map(|step| format!("{}: {}", step.what, step.why));
        Self {
            collaboration: collaboration.clone(),
            steps: report.steps,
            waits: waits.collect(),
            problems: problems(room, &report),
            rooms: vec![RoomReport::of(room, report)],
        }
    }

    /// The same with a later turn of the same collaboration.
    fn then(mut self, later: Self) -> Self {
        let again = |room: &RoomReport| later.rooms.iter().any(|other| other.room == room.room);
        let before: usize =
            self.rooms.iter().filter(|room| again(room)).map(|room| room.steps).sum();
        self.rooms.retain(|room| !again(room));
        self.rooms.extend(
            later.rooms.into_iter().map(|room| RoomReport { steps: room.steps + before, ..room }),
        );
        self.steps += later.steps;
        (self.waits, self.problems) = (later.waits, later.problems);
        self
    }
}

/// What went wrong in a turn.
pub(super) fn problems(room: &PlatformId, report: &Report) -> Vec<Problem> {
    let unseen = report.unseen.iter().map(|(member, code)| {
        let message = format!("what {member} has there could not be looked at");
        problem(room, code, &message, "airlock connections test COLLABORATION")
    });
    unseen.chain(beside(room, report)).collect()
}

/// What went wrong beside members' parts that were not seen.
pub(super) fn beside(room: &PlatformId, report: &Report) -> Vec<Problem> {
    let beside = report.problems.iter().map(|(code, reason)| problem(room, code, reason, ""));
    let unread = report.unread.iter().map(|code| {
        problem(
            room,
            code,
            "its log can't be used; closing goes on by what is known",
            "airlock status",
        )
    });
    let end = match &report.end {
        End::Settled | End::Waiting | End::Again => None,
        End::Refused { code, message } => Some(problem(room, code, message, "")),
        End::Undone { what, call, code, reason, .. } => {
            Some(problem(room, code, &format!("{call} of {what} was not done: {reason}"), ""))
        }
        End::Failed { code, .. } => {
            Some(problem(room, code, "it could not be looked at, or its log not be used", ""))
        }
    };
    beside.chain(unread).chain(end).collect()
}

impl App {
    /// One pass.
    async fn visit(
        &self,
        (collaboration, room, fence): (&CollaborationId, &PlatformId, Option<&Fence>),
        cx: Cx,
        memory: &mut Memory,
    ) -> Report {
        let Ok(turn) = self.turn(collaboration, room, fence) else {
            let end = End::Failed { code: "room-unreached", retry_ms: None };
            let report = Report { end, ..Report::default() };
            self.passed((collaboration, room), &report, Duration::ZERO);
            return report;
        };
        let turn = Site { cx, ..turn };
        let since = Instant::now();
        let span = tracing::info_span!("pass", platform = %room, end = Empty, code = Empty);
        let report = Box::pin(pass(&turn, memory)).instrument(span.clone()).await;
        span.in_scope(|| self.passed((collaboration, room), &report, since.elapsed()));
        self.keep_look(collaboration, room, &report);
        report
    }
}
