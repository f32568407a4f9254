//! `airlock plan`: what it would take to make a room as agreed; and `airlock apply --room`, which does it.

use super::screen::Screen;
use crate::app::App;
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
        screen.object(&serde_json::json!({ "collaboration": self.collaboration, "plan": plan }));
        Ok(())
    }
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

fn waiting(waiting: &[NeedsCounterparty], screen: Screen) {
    for one in waiting {
        screen.say(format!("waits for {}: {}\n    {}", one.member, one.what, one.act));
    }
}
