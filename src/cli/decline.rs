//! `airlock decline`: a member's own refusal of the agreement that waits.

use super::screen::Screen;
use crate::app::{App, Tied};
use crate::error::Result;
use mappings::model::{CollaborationId, MemberId};
use std::path::Path;

/// Arguments of `decline`.
#[derive(Debug, clap::Args)]
pub(super) struct Decline {
    /// The collaboration.
    pub(super) collaboration: CollaborationId,
    /// The member who declines.
    #[arg(long = "as")]
    pub(super) member: MemberId,
}

impl Decline {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let app = App::existing(home).await?;
        let (agreement, recorded) =
            app.decline(&self.collaboration, &self.member, None, &Tied::default()).await?;
        screen.say(format!(
            "{} declined agreement {agreement} of {}, leaf {}; what was in force stays so",
            self.member, self.collaboration, recorded.index
        ));
        screen.object(&serde_json::json!({
            "collaboration": self.collaboration, "member": self.member, "agreement": agreement,
            "receipt": recorded,
        }));
        Ok(())
    }
}
