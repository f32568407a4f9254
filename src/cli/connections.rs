//! `airlock connections`: how the members whom this gateway operates are reached on platforms.

use super::screen::Screen;
use crate::app::{App, ConnectionLine};
use crate::error::{Error, Result};
use mappings::model::{CollaborationId, MemberId};
use std::path::Path;

/// Arguments of `connections`.
#[derive(Debug, clap::Args)]
pub(super) struct Connections {
    #[command(subcommand)]
    pub(super) act: Act,
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum Act {
    /// Try every connection of a collaboration: the account behind it, and each permission by name.
    Test {
        /// The collaboration.
        collaboration: CollaborationId,
    },
    /// Try in a member's own account what no document says of a platform. The answers name nobody: please send them to us.
    Verify {
        /// The platform.
        platform: Unverified,
        /// The collaboration whose agreement pins the account.
        collaboration: CollaborationId,
        /// Whose account.
        #[arg(long = "as", value_name = "MEMBER")]
        member: MemberId,
        /// Make a throwaway collaboration there, over rows made up here, and take it down again.
        #[arg(long)]
        trial: bool,
    },
}

/// Platforms of which something is unverified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Unverified {
    /// Snowflake's Collaboration API.
    Snowflake,
}

impl Connections {
    /// Whether it needs the gateway's own folder.
    pub(super) const fn is_verify(&self) -> bool {
        matches!(self.act, Act::Verify { .. })
    }

    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let collaboration = match self.act {
            Act::Test { collaboration } => collaboration,
            Act::Verify { platform: Unverified::Snowflake, collaboration, member, trial } => {
                return verify(home, screen, (&collaboration, &member), trial).await;
            }
        };
        let tried = App::existing(home).await?.test_connections(&collaboration).await?;
        screen.table(
            &["room", "member", "permission", "works"],
            tried.iter().map(|one| {
                let works = one.error.clone().unwrap_or_else(|| "yes".to_owned());
                vec![one.room.clone(), one.member.to_string(), one.permission.clone(), works]
            }),
        );
        let broken = tried.iter().filter(|one| one.error.is_some()).count();
        if broken == 0 {
            screen.object(
                &serde_json::json!({ "collaboration": collaboration, "connections": tried }),
            );
            return Ok(());
        }
        let problems = tried.iter().filter_map(ConnectionLine::problem).collect();
        Err(Error::failed("connection-broken", format!("{broken} of {} don't work", tried.len()))
            .problems(problems))
    }
}

async fn verify(
    home: &Path,
    screen: Screen,
    (collaboration, member): (&CollaborationId, &MemberId),
    trial: bool,
) -> Result<()> {
    let app = App::existing(home).await?;
    let found = Box::pin(app.verify_snowflake(collaboration, member, trial)).await?;
    screen.table(
        &["question", "asks", "answer", "codes"],
        found.iter().map(|one| {
            let cells = [one.question, one.asks, one.answer, one.detail.as_str()];
            cells.map(str::to_owned).to_vec()
        }),
    );
    let version = env!("CARGO_PKG_VERSION");
    screen.object(
        &serde_json::json!({ "airlock": version, "platform": "snowflake-dcr", "found": found }),
    );
    Ok(())
}
