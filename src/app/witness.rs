//! A member's own witness over a published log: needs no gateway and no folder of one. Must not know how a head is judged.

use super::audit::{no_web, public_key};
use crate::clock::{Clock as _, SystemClock};
use crate::error::{Error, Result};
use crate::log::{SecretKey, Witness};
use crate::publication::{Cosigned, Cosigner, cosign};
use crate::results::Place;
use crate::wiring::location;
use mappings::model::CollaborationId;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What a witness is told.
#[derive(Debug)]
pub struct Watch {
    /// The gateway's public key.
    pub key: String,
    /// The witness's name.
    pub name: String,
    /// Its key.
    pub key_file: PathBuf,
    /// Whether that is to be made.
    pub new_key: bool,
    /// Where it keeps what it cosigned.
    pub state: PathBuf,
    /// A file for the cosigned checkpoint, in place of the published place.
    pub out: Option<PathBuf>,
}

/// What it did.
#[derive(Debug, Serialize)]
pub struct Watched {
    /// Whose log.
    pub collaboration: CollaborationId,
    /// Leaves under the head that it cosigned.
    pub leaves: u64,
    /// Leaves under the one before.
    pub before: u64,
    /// The root.
    pub root: String,
    /// The witness, as others name it.
    pub witness: String,
    /// The signed note with the cosignature.
    pub checkpoint: String,
}

/// Looks at a published log once and cosigns its head, or refuses to.
pub async fn witness(at: &str, watch: &Watch) -> Result<Watched> {
    let gateway = public_key(&watch.key)?;
    let url = location(at)?;
    no_web(&url)?;
    let named = url.trim_end_matches('/').rsplit('/').next().and_then(|name| name.parse().ok());
    let of: CollaborationId = named.ok_or_else(|| {
        Error::invalid("collaboration-name", "the place does not end with a collaboration's name")
            .help("PLACE/COLLABORATION, where the gateway's [publish] puts it")
    })?;
    let key = own_key(&watch.key_file, watch.new_key)?;
    let witness = Witness::new(&watch.name, key.public())
        .map_err(|what| Error::invalid("witness-name-malformed", what))?;
    let text = witness.to_string();
    let own = Cosigner { witness, key, state: watch.state.clone() };
    let at_s = u64::try_from(SystemClock.now_ms() / 1_000).unwrap_or(0);
    let place = Place::look(&url)?;
    let cosigned = cosign(&place, &gateway, &of, &own, at_s).await?;
    match &watch.out {
        Some(file) => std::fs::write(file, &cosigned.note)
            .map_err(|error| Error::io("write", file, &error))?,
        None => cosigned.publish(&place, &own.witness).await?,
    }
    let Cosigned { head, note, before } = cosigned;
    Ok(Watched {
        collaboration: of,
        leaves: head.size,
        before,
        root: head.root.to_string(),
        witness: text,
        checkpoint: note,
    })
}

fn own_key(file: &Path, new: bool) -> Result<SecretKey> {
    let failed = |error: crate::log::KeyError| {
        Error::failed(error.code(), format!("{}: {error}", file.display()))
            .help("--key-file FILE; --new-key makes one")
    };
    if new {
        let key = SecretKey::generate().map_err(failed)?;
        key.save(file).map_err(failed)?;
    }
    SecretKey::load(file).map_err(failed)
}
