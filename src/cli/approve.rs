//! `airlock approve`: an owner's decision on template versions that touch its datasets.

use super::screen::Screen;
use crate::app::App;
use crate::error::{Error, Result};
use mappings::model::{CollaborationId, MemberId, TemplateName};
use std::path::Path;

/// Arguments of `approve`.
#[derive(Debug, clap::Args)]
pub(super) struct Approve {
    /// The collaboration.
    pub(super) collaboration: CollaborationId,
    /// The templates.
    pub(super) templates: Vec<TemplateName>,
    /// Every template that touches one of the member's datasets.
    #[arg(long, conflicts_with = "templates")]
    pub(super) all: bool,
    /// The owner who approves.
    #[arg(long = "as")]
    pub(super) member: MemberId,
}

impl Approve {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        if !self.all && self.templates.is_empty() {
            return Err(Error::invalid("template-missing", "name templates, or say --all"));
        }
        let names = (!self.all).then_some(self.templates.as_slice());
        let app = App::existing(home).await?;
        let approved = app.approve(&self.collaboration, names, &self.member).await?;
        for (name, digest) in &approved {
            screen.say(format!("{} approved {name} {digest}", self.member));
        }
        if approved.is_empty() {
            screen.say(format!("no template waits for {}", self.member));
        }
        screen.object(&serde_json::json!({
            "collaboration": self.collaboration, "member": self.member, "approved": approved,
            "waiting": [],
        }));
        Ok(())
    }
}
