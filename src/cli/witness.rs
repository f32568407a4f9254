//! `airlock witness`: a member's own witness over a published log. Decides nothing.

use super::screen::Screen;
use crate::app::witness::{Watch, witness};
use crate::error::Result;
use std::path::PathBuf;

/// Arguments of `witness`.
#[derive(Debug, clap::Args)]
pub(super) struct Witnessing {
    /// Where the collaboration's log is published: a folder, `file://` or `s3://`, with the collaboration's name at the end.
    at: String,
    /// The gateway's public key, `ed25519:…`.
    #[arg(long)]
    key: String,
    /// This witness's name, such as brand.example/witness.
    #[arg(long)]
    name: String,
    /// This witness's key, which signs nothing else.
    #[arg(long)]
    key_file: PathBuf,
    /// Make that key first; there must be none.
    #[arg(long)]
    new_key: bool,
    /// Where this witness keeps the last head that it cosigned of each log: never put back, never shared.
    #[arg(long)]
    state: PathBuf,
    /// Write the cosigned checkpoint to a file, where the published place can't be written to.
    #[arg(long)]
    out: Option<PathBuf>,
}

impl Witnessing {
    pub(super) async fn run(self, screen: Screen) -> Result<()> {
        let Self { at, key, name, key_file, new_key, state, out } = self;
        let watched = witness(&at, &Watch { key, name, key_file, new_key, state, out }).await?;
        screen.say(format!(
            "{}: cosigned at {} leaves, which continue the {} cosigned before",
            watched.collaboration, watched.leaves, watched.before
        ));
        screen.say(format!("others name this witness {}", watched.witness));
        screen.object(&serde_json::json!({ "cosigned": watched }));
        Ok(())
    }
}
