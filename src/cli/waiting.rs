//! `airlock waiting`: what of a member's waits for a second person; and the end of such waiting.

use super::screen::Screen;
use super::status::at;
use crate::app::App;
use crate::error::Result;
use crate::wire::{ForTwo, Waits};
use mappings::model::{CollaborationId, MemberId};
use std::path::Path;

/// Arguments of `waiting`.
#[derive(Debug, clap::Args)]
pub(super) struct Waiting {
    /// The collaboration.
    pub(super) collaboration: CollaborationId,
    /// Whose decisions.
    #[arg(long = "as")]
    pub(super) member: MemberId,
    /// End the waiting of one, by its id: nobody can second it then.
    #[arg(long, value_name = "ID")]
    pub(super) take_back: Option<String>,
}

impl Waiting {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let app = App::existing(home).await?;
        if let Some(id) = &self.take_back {
            app.take_back(&self.collaboration, &self.member, id).await?;
            self.taken(id, screen);
        } else {
            self.show(&app.waiting(&self.collaboration, &self.member).await?, screen);
        }
        Ok(())
    }

    /// What waits.
    pub(super) fn show(&self, all: &[Waits], screen: Screen) {
        let about = |what: &ForTwo| match what {
            ForTwo::Approval { template, digest } => format!("approval of {template} {digest}"),
            ForTwo::Waiver { room, at } => format!("waiver of {at} in {room}"),
        };
        let stands = |one: &Waits| match (one.stands, one.yours) {
            (false, _) => "not any more: another agreement counts",
            (true, true) => "another person",
            (true, false) => "a second person",
        };
        screen.table(
            &["id", "what", "asked by", "since", "until", "waits for"],
            all.iter().map(|one| {
                let times = [at(one.at_ms), at(one.until_ms)];
                let [since, until] = times;
                let (id, by) = (one.id.clone(), one.asked_by.clone());
                vec![id, about(&one.what), by, since, until, stands(one).to_owned()]
            }),
        );
        if all.is_empty() {
            screen.say(format!("nothing of {} waits for a second person", self.member));
        }
        screen.object(&serde_json::json!({
            "collaboration": self.collaboration, "member": self.member, "waiting": all,
        }));
    }

    /// That one waits no more.
    pub(super) fn taken(&self, id: &str, screen: Screen) {
        screen.say(format!("it waits no more: {id}"));
        screen.object(&serde_json::json!({
            "collaboration": self.collaboration, "member": self.member, "taken_back": id,
        }));
    }
}
