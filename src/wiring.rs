//! The one file that names concrete adapters: which rooms there are, and where their keys come from.

use crate::app::Started;
use crate::error::{Error, Result};
use crate::home::{Home, others_may};
use crate::log::{Revocable, State};
use adapter_native::{KeySource, NativeRoom, granted};
use adapter_spi::{Adapter, Assessment, Cx, Resource, ResourceKind, RunsQueries, Scope};
use mappings::model::{Agreement, CollaborationId};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use adapter_native::{Preparation, PreparedKey, prepare};

/// A key file holds 64 digits and perhaps a line's end.
const KEY_FILE_BYTES_MAX: u64 = 128;

/// The rooms of one gateway.
#[derive(Debug)]
pub struct Rooms {
    native: NativeRoom,
}

/// The rooms, all empty.
pub fn rooms(home: &Home) -> Result<Rooms> {
    let scratch = home
        .scratch()
        .canonicalize()
        .map_err(|error| Error::io("find the folder", &home.scratch(), &error))?;
    Ok(Rooms { native: NativeRoom::new(Arc::new(KeyFiles(home.clone())), scratch) })
}

/// What each room of an agreement can hold of it, in the agreement's order. A platform that this build has no adapter for
/// holds nothing.
pub(crate) fn assess(agreement: &Agreement) -> Result<Vec<Assessment>> {
    let assessed = agreement.rooms.iter().map(|room| match room.platform.as_str() {
        "native" => Ok(adapter_native::assess(agreement)),
        "aws-clean-rooms" => adapter_aws_clean_rooms::assess(agreement)
            .map_err(|error| Error::failed("bug", error.to_string())),
        _ => Ok(Assessment::none(room.platform.clone())),
    });
    assessed.collect()
}

impl Rooms {
    /// Brings the native room to what the log says of a run's collaboration.
    pub(crate) async fn grant(&self, started: &Started, state: &State) -> Result<()> {
        let cx = Cx::default();
        let scope = Scope { collaboration: started.collaboration.clone() };
        let desired = desired(&started.agreement, state);
        for _ in 0..3 {
            let seen = self.native.observe(&scope, &cx).await?;
            let plan = self
                .native
                .plan(&desired, &seen)
                .map_err(|refused| Error::refused(&refused.code, refused.message))?;
            if plan.steps.is_empty() {
                return Ok(());
            }
            for step in &plan.steps {
                if self.native.apply(step, &cx).await.is_err() {
                    break;
                }
            }
        }
        Err(Error::failed("room-unsettled", "the native room did not settle on what the log says"))
    }

    /// The native room's power to run.
    pub(crate) fn native_runs(&self) -> Result<&dyn RunsQueries> {
        self.native
            .runs_queries()
            .ok_or_else(|| Error::failed("bug", "the native room runs nothing"))
    }
}

/// What a room must hold: every dataset and template version that nobody withdrew.
fn desired(agreement: &Agreement, state: &State) -> Vec<Resource> {
    let datasets = agreement
        .datasets
        .iter()
        .filter(|(name, _)| {
            state.revoked(&Revocable::Dataset { dataset: (*name).clone() }).is_none()
        })
        .map(|(name, dataset)| granted(name, dataset));
    let templates = agreement.templates.iter().map(|(name, template)| Resource {
        kind: ResourceKind::Template(name.clone()),
        digest: template.digest(name),
    });
    datasets.chain(templates).collect()
}

/// Room keys in the gateway's folder, read when a run needs one.
#[derive(Debug)]
struct KeyFiles(Home);

impl KeySource for KeyFiles {
    fn key(&self, collaboration: &CollaborationId) -> Option<[u8; 32]> {
        KeyFile(self.0.room_key(collaboration)).read()
    }
}

/// A key by reference: a file of 64 hex digits.
#[derive(Debug)]
pub(crate) struct KeyFile(pub(crate) PathBuf);

impl KeyFile {
    /// Its 32 bytes.
    pub(crate) fn read(&self) -> Option<[u8; 32]> {
        let mut text = String::new();
        std::fs::File::open(&self.0)
            .ok()?
            .take(KEY_FILE_BYTES_MAX)
            .read_to_string(&mut text)
            .ok()?;
        let text = text.trim();
        let mut key = [0u8; 32];
        if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        for (n, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(n * 2..n * 2 + 2)?, 16).ok()?;
        }
        Some(key)
    }
}

/// A path or URL that a user typed, as a URL.
pub(crate) fn location(text: &str) -> Result<String> {
    if text.contains("://") {
        return Ok(text.to_owned());
    }
    let path = Path::new(text);
    let whole = std::path::absolute(path).map_err(|error| Error::io("find", path, &error))?;
    let url = url::Url::from_file_path(&whole);
    url.map(String::from).map_err(|()| Error::invalid("location", "a path that has no URL"))
}

/// Makes a collaboration's room key when there is none; refuses one that others can read.
pub(crate) fn room_key(home: &Home, collaboration: &CollaborationId) -> Result<()> {
    let path = home.room_key(collaboration);
    if let Ok(found) = std::fs::metadata(&path) {
        if !others_may(&found) {
            return Ok(());
        }
        let message = format!("{} can be read by others", path.display());
        return Err(Error::refused("key-file-exposed", message)
            .help("chmod 600, and a new collaboration when others may have read it"));
    }
    let mut key = [0u8; 32];
    getrandom::fill(&mut key).map_err(|_| Error::failed("random", "no randomness to be had"))?;
    let text = key.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist_noclobber(&path).map_err(|kept| kept.error)?;
        Ok(())
    };
    match write() {
        // Another process was faster: its key counts.
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(Error::io("write", &path, &error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
