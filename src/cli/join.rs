//! `airlock join`: a member's own acceptance of the agreement as it stands.

use super::screen::Screen;
use crate::app::{App, Tied};
use crate::error::Result;
use mappings::model::{CollaborationId, Digest, MemberId};
use std::path::Path;

/// Arguments of `join`.
#[derive(Debug, clap::Args)]
pub(super) struct Join {
    /// The collaboration.
    pub(super) collaboration: CollaborationId,
    /// The member who joins.
    #[arg(long = "as")]
    pub(super) member: MemberId,
    /// Join only this agreement: the digest that `airlock check` prints for the file that was agreed.
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    pub(super) agreement: Option<Digest>,
}

fn digest(text: &str) -> std::result::Result<Digest, String> {
    Digest::try_from(text.to_owned())
}

impl Join {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let app = App::existing(home).await?;
        let joined =
            app.join(&self.collaboration, &self.member, self.agreement, &Tied::default()).await?;
        let (agreement, recorded) = joined;
        screen.say(format!(
            "{} joined {} under agreement {agreement}, leaf {}",
            self.member, self.collaboration, recorded.index
        ));
        screen.object(&serde_json::json!({
            "collaboration": self.collaboration, "member": self.member, "agreement": agreement,
            "receipt": recorded,
        }));
        Ok(())
    }
}
