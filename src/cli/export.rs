//! `airlock export`: what a member would make on a platform, for teams that apply by their own pipeline.

use super::screen::{Screen, put};
use crate::app::App;
use crate::error::Result;
use crate::wire::ExportForm;
use mappings::model::{CollaborationId, MemberId, PlatformId};
use std::path::Path;

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
pub(super) struct Export {
    /// The form: a script of AWS CLI commands, a `CloudFormation` template, or Terraform in JSON.
    pub(super) form: ExportForm,
    /// The collaboration.
    pub(super) collaboration: CollaborationId,
    /// Whose part.
    #[arg(long)]
    pub(super) member: MemberId,
    /// The room.
    #[arg(long, default_value = "aws-clean-rooms")]
    pub(super) room: PlatformId,
}

impl Export {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let app = App::existing(home).await?;
        let (form, room) = (self.form, &self.room);
        let text = app.export_room(&self.collaboration, room, &self.member, form).await?;
        self.shown(&text, screen);
        Ok(())
    }

    /// The document, which is the whole output where no machine asks.
    pub(super) fn shown(&self, text: &str, screen: Screen) {
        screen.object(&serde_json::json!({
            "collaboration": self.collaboration, "member": self.member, "document": text,
        }));
        if !screen.is_json() {
            put(text);
        }
    }
}
