//! `airlock audit`: show the agreement log, export it, or verify an export with nothing but a public key.

use super::screen::Screen;
use crate::app::audit::{Checks, Report};
use crate::app::{App, LeafLine, audit};
use crate::error::Result;
use crate::wiring::location;
use mappings::model::CollaborationId;
use std::path::{Path, PathBuf};

/// Arguments of `audit`.
#[derive(Debug, clap::Args)]
pub(super) struct Audit {
    #[command(subcommand)]
    pub(super) act: Act,
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum Act {
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
    /// Verify an exported folder offline, or a published log where it lies.
    Verify {
        /// An exported folder; or a published log: a folder with its tiles, `file://…/COLLABORATION`, `s3://…/COLLABORATION`.
        at: String,
        /// The gateway's public key, `ed25519:…`; without it the key in the log's first leaf is shown, not trusted.
        #[arg(long)]
        key: Option<String>,
        /// A folder exported or published earlier, or a checkpoint of then: nothing of it may have changed since.
        #[arg(long)]
        older: Option<PathBuf>,
        /// A witness that has to have cosigned this head, `NAME+HASH+KEY`; may be given again.
        #[arg(long, value_name = "WITNESS")]
        witness: Vec<String>,
        /// How many of them; all unless it is said.
        #[arg(long, value_name = "N", requires = "witness")]
        quorum: Option<usize>,
    },
    /// Verify a delivered result: manifest, files and, with an exported log, its place on the record.
    Result {
        /// The folder or `s3://` prefix where the manifest lies.
        at: String,
        /// The gateway's public key, `ed25519:…`.
        #[arg(long)]
        key: String,
        /// An exported log, verified as well.
        #[arg(long)]
        log: Option<PathBuf>,
    },
}

impl Audit {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        match self.act {
            Act::Show { collaboration } => {
                let lines = App::existing(home).await?.leaves(&collaboration).await?;
                listed(&collaboration, &lines, screen);
            }
            Act::Export { collaboration, to } => {
                let exported = App::existing(home).await?.export(&collaboration, &to).await?;
                self::exported(&collaboration, (exported.leaves, &exported.key), &to, screen);
            }
            Act::Verify { at, key, older, witness, quorum } => {
                let pinned = key.is_some();
                let checks = Checks { key, older, witnesses: witness, quorum };
                let report = audit::verify_at(&at, &checks).await?;
                shown(&report, pinned, screen);
            }
            Act::Result { at, key, log } => {
                let at = location(&at)?;
                let manifest = audit::verify_result(&at, &key, log.as_deref()).await?;
                screen.say(format!(
                    "run {} of {}: {} rows for {}, {} files as signed{}",
                    manifest.run,
                    manifest.template,
                    manifest.rows,
                    manifest.receiver,
                    manifest.files.len(),
                    if log.is_some() { ", on record in the log" } else { "" }
                ));
                screen.object(&serde_json::json!({ "verified": true, "on_record": log.is_some(), "manifest": manifest }));
            }
        }
        Ok(())
    }
}

/// The leaves.
pub(super) fn listed(collaboration: &CollaborationId, lines: &[LeafLine], screen: Screen) {
    screen.table(
        &["leaf", "at (UTC)", "by", "what"],
        lines.iter().map(|l| vec![l.index.to_string(), l.at.clone(), l.by.clone(), l.what.clone()]),
    );
    screen.object(&serde_json::json!({ "collaboration": collaboration, "leaves": lines }));
}

/// That a log was exported, and under which key it verifies.
pub(super) fn exported(
    collaboration: &CollaborationId,
    (leaves, key): (u64, &str),
    to: &Path,
    screen: Screen,
) {
    let to = to.display();
    screen.say(format!("{leaves} leaves → {to}"));
    screen.say(format!("verify: airlock audit verify {to} --key {key}"));
    screen.object(
        &serde_json::json!({ "collaboration": collaboration, "leaves": leaves, "key": key }),
    );
}

fn shown(report: &Report, pinned: bool, screen: Screen) {
    screen.say(format!(
        "{} leaves verified: every hash, {} members' signatures, every decision legal",
        report.leaves, report.signatures
    ));
    let compare = if pinned { "" } else { " (not pinned: compare it, or give --key)" };
    screen.say(format!("signed by {}{compare}", report.key));
    screen.table(
        &["member", "decides under"],
        report.members.iter().map(|(member, key)| vec![member.to_string(), key.clone()]),
    );
    for (witness, at) in &report.cosigned {
        screen.say(format!("cosigned by {witness} at {at}"));
    }
    if !report.open.is_empty() {
        screen.say(format!("without an outcome: {}", report.open.join(", ")));
    }
    if !report.other_texts.is_empty() {
        screen.say(format!(
            "compiled otherwise than this version would: {}",
            super::check::join(report.other_texts.iter())
        ));
    }
    screen.object(
        &serde_json::json!({ "verified": true, "pinned": pinned, "key": report.key, "leaves": report.leaves, "log": report }),
    );
}
