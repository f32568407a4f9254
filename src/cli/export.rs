//! `airlock export`: what a member would make on a platform, for teams that apply by their own pipeline.

use super::screen::{Screen, put};
use crate::app::{App, ExportForm};
use crate::error::Result;
use mappings::model::{CollaborationId, MemberId, PlatformId};
use std::path::Path;

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
pub(super) struct Export {
    /// The form: a script of AWS CLI commands, a `CloudFormation` template, or Terraform in JSON.
    form: ExportForm,
    /// The collaboration.
    collaboration: CollaborationId,
    /// Whose part.
    #[arg(long)]
    member: MemberId,
    /// The room.
    #[arg(long, default_value = "aws-clean-rooms")]
    room: PlatformId,
}

impl Export {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let app = App::existing(home).await?;
        let (form, room) = (self.form, &self.room);
        let text = app.export_room(&self.collaboration, room, &self.member, form).await?;
        screen.object(&serde_json::json!({
            "collaboration": self.collaboration, "member": self.member, "document": text,
        }));
        if !screen.is_json() {
            put(&text);
        }
        Ok(())
    }
}
