//! `airlock plan`: what it would take to make a room as agreed; and `airlock apply --room`, which does it.

use super::check::{held, join};
use super::screen::Screen;
use crate::app::{App, RoomPlan};
use crate::error::{Error, Problem, Result};
use crate::reconcile::{Drift, DriftClass};
use adapter_spi::{Behaviour, NeedsCounterparty, Standing};
use mappings::model::{CollaborationId, PlatformId};
use std::path::Path;

/// Arguments of `plan`.
#[derive(Debug, clap::Args)]
pub(super) struct PlanRoom {
    /// The collaboration.
    pub(super) collaboration: CollaborationId,
    /// One of the agreement's rooms; without it every room but the native one.
    #[arg(long)]
    pub(super) room: Option<PlatformId>,
}

impl PlanRoom {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let app = App::existing(home).await?;
        let collaboration = &self.collaboration;
        if let Some(room) = &self.room {
            let plan = app.plan_room(collaboration, room).await?;
            show(&plan, screen);
            screen.object(&serde_json::json!({ "collaboration": collaboration, "plan": plan }));
            return Ok(());
        }
        let (plans, failed) = app.plan_rooms(collaboration).await?;
        planned(collaboration, &plans, failed, screen)
    }
}

/// What is planned in each room, and the rooms of which nothing can be said.
pub(super) fn planned(
    collaboration: &CollaborationId,
    plans: &[RoomPlan],
    mut failed: Vec<(PlatformId, Error)>,
    screen: Screen,
) -> Result<()> {
    if plans.is_empty() && failed.len() == 1 {
        return Err(failed.remove(0).1);
    }
    for plan in plans {
        screen.heading(plan.room.as_str());
        show(plan, screen);
    }
    if plans.is_empty() && failed.is_empty() {
        screen.say("the native room alone, which holds what the log says");
    }
    screen.object(&serde_json::json!({ "collaboration": collaboration, "plans": plans }));
    if failed.is_empty() {
        return Ok(());
    }
    let problem = |(room, error): (PlatformId, Error)| Problem {
        code: error.code,
        at: room.to_string(),
        message: error.message,
        help: error.help,
    };
    Err(Error::failed("room-not-planned", "nothing can be said of some rooms")
        .problems(failed.into_iter().map(problem).collect()))
}

pub(super) fn show(plan: &RoomPlan, screen: Screen) {
    let rows = plan.steps.iter().map(|step| {
        let waits = step.waits_for.clone().unwrap_or_default();
        vec![
            format!("{:?}", step.effect).to_lowercase(),
            step.call.clone(),
            step.what.clone(),
            waits,
        ]
    });
    screen.table(&["effect", "call", "what", "waits for"], rows);
    for one in &plan.closing {
        screen.say(format!("withdrawn, and not seen closed yet: {one}"));
    }
    for problem in &plan.problems {
        screen.say(format!("{}: {} [{}]", problem.at, problem.message, problem.code));
    }
    if plan.pending {
        screen.say("something that was done does not show itself yet; look again");
    } else if holds(plan) {
        screen.say(format!("{} holds what was agreed", plan.room));
    }
    waiting(&plan.waiting, screen);
    drift(&plan.drift, screen);
    screen.say(format!("open there now: {}", or_nothing(&plan.open)));
    losses(plan, screen);
    unverified(&plan.unverified, screen);
}

/// Whether nothing is left to do there, and everything was seen.
fn holds(plan: &RoomPlan) -> bool {
    let nothing = plan.steps.is_empty() && plan.waiting.is_empty() && !plan.pending;
    nothing && plan.closing.is_empty() && plan.problems.is_empty()
}

/// How what was seen differs from what is wanted.
pub(super) fn drift(drift: &[Drift], screen: Screen) {
    for Drift { class, on, detail, .. } in drift {
        let says = match class {
            DriftClass::ServerDefault => "the platform's own default",
            DriftClass::FormatOnly => "the same, written otherwise",
            DriftClass::Tightened => "taken away there by its owner",
            DriftClass::Loosened => "open there and not agreed",
            DriftClass::Unknown => "something that this version has no word for",
        };
        screen.say(format!("{on}: {says} ({detail})"));
    }
}

/// What the room does not hold exactly as agreed, and who closes the gap.
fn losses(plan: &RoomPlan, screen: Screen) {
    let terms = plan.exact + plan.losses.len();
    screen.heading(&format!("{}: {} of {terms} terms held as agreed", plan.room, plan.exact));
    if plan.losses.is_empty() {
        return;
    }
    let rows = plan.losses.iter().map(|loss| {
        let held = held(loss.residual, loss.fidelity);
        let held = match (loss.waived_by.is_empty(), loss.needs.is_empty()) {
            (_, false) => format!("{held}; needs a waiver of {}", join(loss.needs.iter())),
            (false, true) => format!("{held} {}", join(loss.waived_by.iter())),
            (true, true) => held.to_owned(),
        };
        vec![loss.at.clone(), held, loss.reason.clone()]
    });
    screen.table(&["term", "held", "why"], rows);
}

/// What a room counts on that nobody saw on its platform, and what comes of it where it is otherwise.
pub(super) fn unverified(behaviours: &[Behaviour], screen: Screen) {
    if behaviours.is_empty() {
        return;
    }
    screen.heading(&format!("{}: {}", Standing::Unverified.words(), behaviours.len()));
    let rows = behaviours.iter().map(|one| {
        let otherwise = format!("{}: {}", one.otherwise.words(), one.reason);
        vec![one.code.clone(), one.expects.clone(), otherwise]
    });
    screen.table(&["behaviour", "is counted on", "where it differs"], rows);
}

/// Makes a room as agreed.
pub(super) async fn apply(
    home: &Path,
    collaboration: &CollaborationId,
    room: &PlatformId,
    screen: Screen,
) -> Result<()> {
    let app = App::existing(home).await?;
    let report = app.apply_room(collaboration, room).await?;
    screen.say(format!("{room}: {} steps done", report.steps));
    waiting(&report.waiting, screen);
    screen.say(format!("open there now: {}", or_nothing(&report.open)));
    screen.object(&serde_json::json!({ "collaboration": collaboration, "applied": report }));
    Ok(())
}

pub(super) fn or_nothing(open: &[String]) -> String {
    if open.is_empty() { "nothing".to_owned() } else { open.join(", ") }
}

pub(super) fn waiting(waiting: &[NeedsCounterparty], screen: Screen) {
    for one in waiting {
        screen.say(format!("waits for {}: {}\n    {}", one.member, one.what, one.act));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_with_a_withdrawal_that_was_not_seen_closed_does_not_hold_what_was_agreed() {
        let plan = |closing: &[&str], problems| RoomPlan {
            room: PlatformId::aws_clean_rooms(),
            open: Vec::new(),
            steps: Vec::new(),
            waiting: Vec::new(),
            pending: false,
            closing: closing.iter().map(ToString::to_string).collect(),
            problems,
            drift: Vec::new(),
            losses: Vec::new(),
            exact: 0,
            unverified: Vec::new(),
            troubles: Vec::new(),
        };
        assert!(holds(&plan(&[], Vec::new())));
        assert!(!holds(&plan(&["dataset sales, leaf 7"], Vec::new())));
        let [code, at, message, help] = std::array::from_fn(|_| "unseen".to_owned());
        assert!(!holds(&plan(&[], vec![Problem { code, at, message, help }])));
    }
}
