//! `airlock plan`: what it would take to make a room as agreed; and `airlock apply --room`, which does it.

use super::check::{held, join};
use super::screen::Screen;
use crate::app::{App, RoomPlan};
use crate::error::Result;
use adapter_spi::NeedsCounterparty;
use mappings::model::{CollaborationId, PlatformId};
use std::path::Path;

/// Arguments of `plan`.
#[derive(Debug, clap::Args)]
pub(super) struct PlanRoom {
    /// The collaboration.
    collaboration: CollaborationId,
    /// The room, one of the agreement's.
    #[arg(long)]
    room: PlatformId,
}

impl PlanRoom {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let app = App::existing(home).await?;
        let plan = app.plan_room(&self.collaboration, &self.room).await?;
        screen.table(
            &["effect", "call", "what"],
            plan.steps.iter().map(|step| {
                vec![
                    format!("{:?}", step.effect).to_lowercase(),
                    step.call.clone(),
                    step.what.clone(),
                ]
            }),
        );
        if plan.pending {
            screen.say("something that was done does not show itself yet; look again");
        } else if plan.steps.is_empty() && plan.waiting.is_empty() {
            screen.say(format!("{} holds what was agreed", self.room));
        }
        waiting(&plan.waiting, screen);
        screen.say(format!("open there now: {}", or_nothing(&plan.open)));
        losses(&plan, screen);
        screen.object(&serde_json::json!({ "collaboration": self.collaboration, "plan": plan }));
        Ok(())
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
