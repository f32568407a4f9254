//! `airlock prepare`: an owner hashes its identifiers in its own domain, before any room sees them.
//! Needs no gateway: only the collaboration's key, by reference.

use super::screen::Screen;
use crate::error::{Error, Result};
use crate::wiring::{self, KeyFile, Preparation, PreparedKey};
use mappings::model::KeyName;
use std::path::PathBuf;

const KEY_HELP: &str =
    "KEY[=COLUMN][:NORMALISER], such as email, phone=tel or household-id=hh:none";

/// Arguments of `prepare`.
#[derive(Debug, clap::Args)]
pub(super) struct Prepare {
    /// The source: a Parquet file or a folder of them, as a path or s3:// URL.
    from: String,
    /// The Parquet file to make; it must not be there.
    #[arg(long)]
    to: String,
    /// The file with the collaboration's key; an embedded gateway has it under keys/room-COLLABORATION.key.
    #[arg(long, value_name = "FILE")]
    room_key: PathBuf,
    /// An identifier to hash, as KEY[=COLUMN][:NORMALISER]: the key's name in the agreement, the column that
    /// holds it (the key's name when left out), and how it is normalised (by the key's name as in an agreement).
    #[arg(long = "key", required = true, value_name = "KEY[=COLUMN][:NORMALISER]", value_parser = key)]
    keys: Vec<PreparedKey>,
    /// Columns to keep as they are; no others leave.
    #[arg(long, value_delimiter = ',', value_name = "COLUMN,…")]
    keep: Vec<String>,
}

fn key(text: &str) -> Result<PreparedKey, String> {
    let (text, normalise) = match text.rsplit_once(':') {
        Some((rest, name)) => {
            let known = mappings::agreement::normaliser(name);
            (rest, Some(known.ok_or_else(|| KEY_HELP.to_owned())?))
        }
        None => (text, None),
    };
    let (name, from) = text.split_once('=').unwrap_or((text, text));
    let key = KeyName::new(name).map_err(|_| KEY_HELP.to_owned())?;
    Ok(PreparedKey { key, from: from.to_owned(), normalise })
}

impl Prepare {
    pub(super) async fn run(self, screen: Screen) -> Result<()> {
        let secret = KeyFile(self.room_key.clone()).read().ok_or_else(|| {
            Error::invalid("room-key", "the file with the collaboration's key can't be read")
                .help("a file of 64 hex digits")
        })?;
        let preparation = Preparation {
            from: wiring::location(&self.from)?,
            to: wiring::location(&self.to)?,
            keys: self.keys,
            keep: self.keep,
        };
        let mut progress = screen.progress("prepare");
        let mut tell = |rows| progress.tell(rows, 0);
        let work = wiring::prepare(&preparation, &secret, &mut tell);
        let prepared = tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => Err(Error::new(
                crate::error::Kind::Cancelled, "cancelled", "stopped; nothing was written")),
            prepared = work => prepared.map_err(|f| Error::failed(&f.code, f.reason)),
        }?;
        screen.say(format!("{} rows → {}", prepared.rows, self.to));
        for (key, rows) in &prepared.without {
            screen.say(format!("  {rows} rows have no {key}"));
        }
        screen.say("in the agreement:");
        for key in &preparation.keys {
            screen.say(format!("  {}", declared(key)));
        }
        let without: serde_json::Map<_, _> =
            prepared.without.iter().map(|(key, rows)| (key.to_string(), (*rows).into())).collect();
        screen.object(&serde_json::json!({
            "rows": prepared.rows, "to": self.to, "without": without,
            "columns": preparation.keys.iter().map(PreparedKey::column).collect::<Vec<_>>(),
        }));
        Ok(())
    }
}

/// How the agreement names what was prepared.
fn declared(key: &PreparedKey) -> String {
    format!("{{ key: {}, from: {}, type: binary, hashed: hmac-bytes }}", key.key, key.column())
}
