//! `airlock join`: a member's own acceptance of the agreement as it stands.

use super::screen::Screen;
use crate::app::App;
use crate::error::Result;
use mappings::model::{CollaborationId, MemberId};
use std::path::Path;

/// Arguments of `join`.
#[derive(Debug, clap::Args)]
pub(super) struct Join {
    /// The collaboration.
    collaboration: CollaborationId,
    /// The member who joins.
    #[arg(long = "as")]
    member: MemberId,
}

impl Join {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let app = App::open(home).await?;
        let recorded = app.join(&self.collaboration, &self.member).await?;
        screen
            .say(format!("{} joined {}, leaf {}", self.member, self.collaboration, recorded.index));
        screen.object(&serde_json::json!({
            "collaboration": self.collaboration, "member": self.member, "receipt": recorded,
        }));
        Ok(())
    }
}
