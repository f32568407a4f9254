//! `airlock apply`: put an agreement before its members, on record; or make a room as agreed.

use super::screen::Screen;
use crate::app::{App, Tied, agreements};
use crate::error::{Error, Result};
use mappings::model::{CollaborationId, MemberId, PlatformId};
use std::path::Path;

/// Arguments of `apply`.
#[derive(Debug, clap::Args)]
pub(super) struct Apply {
    /// The agreement file; with --room, the collaboration.
    #[arg(value_name = "FILE|COLLABORATION")]
    pub(super) what: String,
    /// The member who proposes it.
    #[arg(long = "as", required_unless_present = "room")]
    pub(super) member: Option<MemberId>,
    /// Make this room of the collaboration as agreed.
    #[arg(long, conflicts_with = "member")]
    pub(super) room: Option<PlatformId>,
}

impl Apply {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let Some(member) = self.member else {
            let collaboration = CollaborationId::new(&self.what).map_err(|error| {
                Error::invalid("collaboration-name", error.to_string())
                    .help("airlock apply COLLABORATION --room ROOM")
            })?;
            let room = self.room.unwrap_or_else(PlatformId::native);
            return super::plan::apply(home, &collaboration, &room, screen).await;
        };
        let agreement = agreements::read(Path::new(&self.what))?;
        let app = App::open(home).await?;
        let recorded = app.propose(&agreement, &member, &Tied::default()).await?;
        screen.say(format!(
            "{}: agreement {} proposed by {}, leaf {}",
            agreement.collaboration,
            agreement.digest().short(),
            member,
            recorded.index
        ));
        screen.say("every member joins next: airlock join COLLABORATION --as MEMBER");
        screen.object(&serde_json::json!({
            "collaboration": agreement.collaboration, "digest": agreement.digest(), "receipt": recorded,
        }));
        Ok(())
    }
}
