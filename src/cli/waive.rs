//! `airlock waive`: an owner's consent to a room's holding terms more loosely than agreed, each by its name.

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
    /// The term, as `airlock plan` names it, such as `templates.overlap.received_by`; repeat for more, each on record by itself.
    #[arg(long, required = true)]
    pub(super) at: Vec<TermPath>,
    /// The owner who consents.
    #[arg(long = "as")]
    pub(super) member: MemberId,
}

impl Waive {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let app = App::existing(home).await?;
        let (tied, mut only) = (Tied::default(), None);
        for at in &self.at {
            let of = (&self.room, at);
            let (verdict, recorded, digest) =
                app.waive(&self.collaboration, of, &self.member, (only, &tied)).await?;
            only = Some(digest);
            screen.say(format!(
                "{} waived {at} in {}, leaf {}, for this agreement alone: {}",
                self.member, self.room, recorded.index, verdict.reason
            ));
            screen.object(&serde_json::json!({
                "collaboration": self.collaboration, "member": self.member, "room": self.room, "waived": verdict,
                "receipt": recorded,
            }));
        }
        Ok(())
    }
}
