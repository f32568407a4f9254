//! `airlock apply`: put an agreement before its members, on record.

use super::screen::Screen;
use crate::app::{App, agreements};
use crate::error::Result;
use mappings::model::MemberId;
use std::path::{Path, PathBuf};

/// Arguments of `apply`.
#[derive(Debug, clap::Args)]
pub(super) struct Apply {
    /// The agreement file.
    file: PathBuf,
    /// The member who proposes it.
    #[arg(long = "as")]
    member: MemberId,
}

impl Apply {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let agreement = agreements::read(&self.file)?;
        let app = App::open(home).await?;
        let recorded = app.propose(&agreement, &self.member).await?;
        screen.say(format!(
            "{}: agreement {} proposed by {}, leaf {}",
            agreement.collaboration,
            agreement.digest().short(),
            self.member,
            recorded.index
        ));
        screen.say("every member joins next: airlock join COLLABORATION --as MEMBER");
        screen.object(&serde_json::json!({
            "collaboration": agreement.collaboration, "digest": agreement.digest(), "receipt": recorded,
        }));
        Ok(())
    }
}
