//! `airlock reoffer`: what an owner was found to have taken away on a platform, offered again by that owner.

use super::screen::Screen;
use crate::app::{App, Tied, Withdrawal};
use crate::error::Result;
use mappings::model::{CollaborationId, DatasetName, MemberId};
use std::path::Path;

/// Arguments of `reoffer`.
#[derive(Debug, clap::Args)]
pub(super) struct Reoffer {
    /// The collaboration.
    pub(super) collaboration: CollaborationId,
    #[command(flatten)]
    pub(super) what: What,
    /// The member who offers it.
    #[arg(long = "as")]
    pub(super) member: MemberId,
}

/// What is offered: exactly one.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct What {
    /// The member's own membership.
    #[arg(long)]
    pub(super) membership: bool,
    /// A dataset that the member owns.
    #[arg(long)]
    pub(super) dataset: Option<DatasetName>,
    /// The whole room.
    #[arg(long)]
    pub(super) room: bool,
}

impl Reoffer {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let what = match self.what {
            What { dataset: Some(dataset), .. } => Withdrawal::Dataset(dataset),
            What { room: true, .. } => Withdrawal::Room,
            What { .. } => Withdrawal::Membership,
        };
        let app = App::existing(home).await?;
        let recorded =
            app.reoffer(&self.collaboration, &what, &self.member, &Tied::default()).await?;
        screen.say(format!(
            "{} offers {what} again, leaf {}; platforms get it once they were seen closed{}",
            self.member,
            recorded.index,
            if what == Withdrawal::Room { " and every member has said so" } else { "" }
        ));
        screen.object(&serde_json::json!({
            "collaboration": self.collaboration, "offered": what.to_string(), "receipt": recorded,
        }));
        Ok(())
    }
}
