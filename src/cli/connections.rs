//! `airlock connections`: how the members whom this gateway operates are reached on platforms.

use super::screen::Screen;
use crate::app::{App, ConnectionLine};
use crate::error::{Error, Result};
use mappings::model::CollaborationId;
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
}

impl Connections {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let Act::Test { collaboration } = self.act;
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
