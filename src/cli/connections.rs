//! `airlock connections`: how the members whom this gateway operates are reached on platforms.

use super::screen::Screen;
use crate::app::{App, ConnectionLine};
use crate::error::{Error, Result};
use mappings::model::{CollaborationId, MemberId, PlatformId};
use std::io::Write as _;
use std::path::{Path, PathBuf};

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
    /// Try in a member's own account what no document says of a platform. The report names nobody and holds no row: please send it to us.
    Verify {
        /// The platform.
        platform: Unverified,
        /// The collaboration whose agreement pins the account.
        collaboration: CollaborationId,
        /// Whose account.
        #[arg(long = "as", value_name = "MEMBER")]
        member: MemberId,
        /// One room of the agreement; without it each of that platform's.
        #[arg(long)]
        room: Option<PlatformId>,
        /// Make throwaway things there, over rows made up here, and take them away again.
        #[arg(long)]
        trial: bool,
        /// Write the report into a file that is not there yet.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// Platforms of which something is unverified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Unverified {
    /// Snowflake's shares, and its Collaboration API.
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
            Act::Verify {
                platform: Unverified::Snowflake,
                collaboration,
                member,
                room,
                trial,
                out,
            } => {
                let of = (&collaboration, &member);
                return verify(home, screen, of, (room.as_ref(), trial), out.as_deref()).await;
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
    what: (Option<&PlatformId>, bool),
    out: Option<&Path>,
) -> Result<()> {
    let mut file = out.map(fresh).transpose()?;
    let app = App::existing(home).await?;
    let found = Box::pin(app.verify_connections(collaboration, member, what)).await;
    if found.is_err()
        && let Some(path) = out
    {
        let _never_written = std::fs::remove_file(path);
    }
    let found = found?;
    for room in &found {
        screen.heading(room.room.as_str());
        screen.table(
            &["question", "asks", "answer", "ms", "codes"],
            room.lines.iter().map(|one| {
                let took = one.took_ms.to_string();
                let cells = [one.question, one.asks, one.answer, took.as_str(), &one.detail];
                cells.map(str::to_owned).to_vec()
            }),
        );
    }
    let reports: Vec<_> = found.into_iter().map(|room| room.report).collect();
    let whole = serde_json::json!({ "airlock": env!("CARGO_PKG_VERSION"), "rooms": reports });
    if let (Some(path), Some(file)) = (out, &mut file) {
        let text = serde_json::to_string_pretty(&whole).unwrap_or_default();
        writeln!(file, "{text}").map_err(|error| Error::io("write", path, &error))?;
        screen.say(format!("the report is in {}", path.display()));
    }
    screen.object(&whole);
    Ok(())
}

/// A file that nobody made before.
fn fresh(path: &Path) -> Result<std::fs::File> {
    let made = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    made.map_err(|error| Error::io("make", path, &error))
}
