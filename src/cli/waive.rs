//! `airlock waive`: an owner's consent to a room's holding a term more loosely than agreed.

use super::screen::Screen;
use crate::app::{App, Tied};
use crate::error::Result;
use crate::log::TermPath;
use mappings::model::{CollaborationId, MemberId, PlatformId};
use std::path::Path;

/// Arguments of `waive`.
#[derive(Debug, clap::Args)]
pub(super) struct Waive {
    /// The collaboration.
    pub(super) collaboration: CollaborationId,
    /// The room.
    #[arg(long)]
    pub(super) room: PlatformId,
    /// The term, as `airlock plan` names it, such as `templates.overlap.received_by`.
    #[arg(long)]
    pub(super) at: TermPath,
    /// The owner who consents.
    #[arg(long = "as")]
    pub(super) member: MemberId,
}

impl Waive {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let app = App::existing(home).await?;
        let (verdict, recorded) = app
            .waive(
                &self.collaboration,
                (&self.room, &self.at),
                &self.member,
                (None, &Tied::default()),
            )
            .await?;
        screen.say(format!(
            "{} waived {} in {}, leaf {}, for this agreement alone: {}",
            self.member, self.at, self.room, recorded.index, verdict.reason
        ));
        screen.object(&serde_json::json!({
            "collaboration": self.collaboration, "member": self.member, "room": self.room, "waived": verdict,
            "receipt": recorded,
        }));
        Ok(())
    }
}
