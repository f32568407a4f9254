//! `airlock audit`: show the agreement log, export it, or verify an export with nothing but a public key.

use super::screen::Screen;
use crate::app::{App, audit};
use crate::error::Result;
use mappings::model::CollaborationId;
use std::path::{Path, PathBuf};

/// Arguments of `audit`.
#[derive(Debug, clap::Args)]
pub(super) struct Audit {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    /// List the leaves.
    Show {
        /// The collaboration.
        collaboration: CollaborationId,
    },
    /// Write the whole log and its signed checkpoint to a folder.
    Export {
        /// The collaboration.
        collaboration: CollaborationId,
        /// The folder, which must not exist.
        #[arg(long)]
        to: PathBuf,
    },
    /// Verify an exported folder offline.
    Verify {
        /// The folder.
        folder: PathBuf,
        /// The gateway's public key, `ed25519:…`; without it the key in the log's first leaf is shown, not trusted.
        #[arg(long)]
        key: Option<String>,
    },
}

impl Audit {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        match self.act {
            Act::Show { collaboration } => {
                let lines = App::open(home).await?.leaves(&collaboration).await?;
                screen.table(
                    &["leaf", "at (UTC)", "by", "what"],
                    lines.iter().map(|l| {
                        vec![l.index.to_string(), l.at.clone(), l.by.clone(), l.what.clone()]
                    }),
                );
                screen.object(
                    &serde_json::json!({ "collaboration": collaboration, "leaves": lines }),
                );
            }
            Act::Export { collaboration, to } => {
                let exported = App::open(home).await?.export(&collaboration, &to).await?;
                screen.say(format!("{} leaves → {}", exported.leaves, to.display()));
                screen.say(format!(
                    "verify: airlock audit verify {} --key {}",
                    to.display(),
                    exported.key
                ));
                screen.object(&serde_json::json!({ "collaboration": collaboration, "leaves": exported.leaves, "key": exported.key }));
            }
            Act::Verify { folder, key } => {
                let verified = audit::verify(&folder, key.as_deref())?;
                screen.say(format!(
                    "{} leaves verified: every hash, every signature, every decision legal",
                    verified.leaves
                ));
                screen.say(format!(
                    "signed by {}{}",
                    verified.key,
                    if key.is_some() { "" } else { " (not pinned: compare it)" }
                ));
                screen.object(&serde_json::json!({ "verified": true, "leaves": verified.leaves, "key": verified.key, "pinned": key.is_some() }));
            }
        }
        Ok(())
    }
}
