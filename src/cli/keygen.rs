//! `airlock keygen`: a member's signing key, made once, never shown.

use super::screen::Screen;
use crate::app::members;
use crate::error::Result;
use crate::home::Home;
use mappings::model::MemberId;
use std::path::Path;

/// Arguments of `keygen`.
#[derive(Debug, clap::Args)]
pub(super) struct Keygen {
    /// The member whose key it is.
    #[arg(long)]
    member: MemberId,
}

impl Keygen {
    pub(super) fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let home = Home::open(home)?;
        let public = members::keygen(&home, &self.member)?;
        screen.say(format!("{}: {public}", self.member));
        screen.say(format!("the secret half stays in {}", home.member_key(&self.member).display()));
        screen.object(&serde_json::json!({ "member": self.member, "key": public }));
        Ok(())
    }
}
