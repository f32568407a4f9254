//! `audit show` and `audit export` at a gateway elsewhere: the whole log, held against its signed head and what was seen of it before.

use crate::app::audit::line;
use crate::cli::audit::{Act, Audit, exported, listed};
use crate::cli::screen::Screen;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::log::BundleError;
use crate::log::bundle::Writer;
use mappings::model::CollaborationId;
use std::path::Path;

pub(super) async fn audit(client: &Client, audit: Audit, screen: Screen) -> Result<()> {
    match audit.act {
        Act::Show { collaboration } => {
            let leaves = client.leaves(&collaboration).await?;
            let lines: Vec<_> = (0..).zip(&leaves).map(|(index, leaf)| line(index, leaf)).collect();
            listed(&collaboration, &lines, screen);
            Ok(())
        }
        Act::Export { collaboration, to } => {
            let leaves = export(client, &collaboration, &to).await?;
            exported(&collaboration, (leaves, &client.key().to_string()), &to, screen);
            Ok(())
        }
        Act::Verify { .. } | Act::Result { .. } => {
            Err(Error::failed("bug", "a command of this machine was sent elsewhere"))
        }
    }
}

async fn export(client: &Client, of: &CollaborationId, to: &Path) -> Result<u64> {
    let failed = |error: BundleError| Error::failed(error.code(), error.to_string());
    let mut writer = Writer::create(to).map_err(failed)?;
    let read = client.whole_log(of, |_, bytes| writer.leaf(bytes).map_err(failed)).await;
    let whole = match read {
        Ok(whole) => whole,
        Err(error) => {
            // What is not the log that was signed is nobody's evidence.
            drop(writer);
            let _ = std::fs::remove_file(to.join("leaves.jsonl"));
            let _ = std::fs::remove_dir(to);
            return Err(error);
        }
    };
    writer.finish(&whole.note, of, client.key()).map_err(failed)?;
    Ok(whole.head.size)
}
