//! What is remembered of gateways: the key that each is known by (`gateways.toml`), and the newest head that was seen of each log
//! (`heads/DIGEST`, the signed note itself). Must not know how a gateway is asked.

use crate::error::{Error, Result};
use crate::log::tree::Hash;
use crate::log::{Checkpoint, PublicKey};
use mappings::model::CollaborationId;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// No list of gateways and no note is longer.
const FILE_BYTES_MAX: u64 = 1 << 20;
const GATEWAYS: &str = "gateways.toml";

/// What is remembered of gateways, and where.
#[derive(Debug, Clone)]
pub struct Known {
    config: PathBuf,
    state: PathBuf,
    key: Option<PublicKey>,
}

/// A gateway in the list.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Gateway {
    key: PublicKey,
}

type Gateways = BTreeMap<String, Gateway>;

impl Known {
    /// Gateways in `config/gateways.toml`, heads in `state/heads`.
    #[must_use]
    pub fn in_folders(config: &Path, state: &Path) -> Self {
        Self { config: config.to_owned(), state: state.to_owned(), key: None }
    }

    /// What this user remembers: `airlock` in `$XDG_CONFIG_HOME` and `$XDG_STATE_HOME`, or where these usually are.
    pub fn of_user() -> Result<Self> {
        let folder = |variable: &str, usual: &str| {
            let whole = |name: &str| {
                let path = std::env::var_os(name).map(PathBuf::from);
                path.filter(|path| path.is_absolute())
            };
            let at = whole(variable).or_else(|| whole("HOME").map(|home| home.join(usual)));
            at.map(|at| at.join("airlock")).ok_or_else(|| {
                let message = "there is no folder to remember gateways in";
                Error::invalid("known-homeless", message).help(format!("HOME, or {variable}"))
            })
        };
        let config = folder("XDG_CONFIG_HOME", ".config")?;
        Ok(Self { config, state: folder("XDG_STATE_HOME", ".local/state")?, key: None })
    }

    /// The same with the gateway's key told by whoever asks: none is taken on the gateway's word, or from the list.
    #[must_use]
    pub fn with_key(self, key: Option<PublicKey>) -> Self {
        Self { key, ..self }
    }

    /// Holds a gateway to the key that it is known by. Whether it was not known before: then it is from now on.
    pub(super) fn hold(&self, gateway: &str, shown: &PublicKey) -> Result<bool> {
        if let Some(told) = self.key {
            return same(&told, shown).map(|()| false);
        }
        let _lock = locked(&self.config)?;
        let mut all = self.gateways()?;
        if let Some(known) = all.get(gateway) {
            return same(&known.key, shown).map(|()| false);
        }
        all.insert(gateway.to_owned(), Gateway { key: *shown });
        let text = toml::to_string(&all);
        let text = text.map_err(|_| Error::failed("bug", "a list of gateways can't be written"))?;
        replace(&self.config.join(GATEWAYS), &text)?;
        Ok(true)
    }

    fn gateways(&self) -> Result<Gateways> {
        let path = self.config.join(GATEWAYS);
        let text = text_of(&path)?.unwrap_or_default();
        toml::from_str(&text).map_err(|_| unreadable(&path))
    }

    /// The newest head that was seen of a log under a key.
    pub(super) fn head(&self, key: &PublicKey, of: &CollaborationId) -> Result<Option<Checkpoint>> {
        let path = self.head_of(key, of);
        let note = text_of(&path)?;
        let head = note.map(|note| Checkpoint::verify(&note, key, of));
        head.transpose().map_err(|_| unreadable(&path))
    }

    /// Keeps a head, unless one that is as long is kept.
    pub(super) fn keep(&self, key: &PublicKey, head: &Checkpoint, note: &str) -> Result<()> {
        let folder = self.state.join("heads");
        let _lock = locked(&folder)?;
        let kept = self.head(key, &head.collaboration)?;
        if kept.is_some_and(|kept| kept.size >= head.size) {
            return Ok(());
        }
        replace(&self.head_of(key, &head.collaboration), note)
    }

    fn head_of(&self, key: &PublicKey, of: &CollaborationId) -> PathBuf {
        let digest = Sha256::digest(format!("airlock/head/v1\n{key}\n{of}\n"));
        self.state.join("heads").join(Hash::from_bytes(digest.into()).to_string())
    }
}

fn same(known: &PublicKey, shown: &PublicKey) -> Result<()> {
    if known == shown {
        return Ok(());
    }
    let message = format!("the gateway shows the key {shown} and is known by {known}");
    Err(Error::refused("gateway-key-changed", message).help(
        "the gateway that was meant; where its key was changed on purpose, its operator's word for the new one, and --gateway-key",
    ))
}

fn unreadable(path: &Path) -> Error {
    Error::failed("known-unreadable", format!("{} can't be read", path.display()))
        .help("the file as it was; without it, what it remembers is taken on the gateway's word")
}

/// `None` of a file that is not there.
fn text_of(path: &Path) -> Result<Option<String>> {
    let failed = |error: std::io::Error| Error::io("read", path, &error);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if is_others(&file).map_err(failed)? {
        let message = format!("others can write {}", path.display());
        return Err(
            Error::refused("known-exposed", message).help("chmod 600, and a look at what is in it")
        );
    }
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    Ok(Some(text))
}

#[cfg(unix)]
fn is_others(file: &File) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(file.metadata()?.mode() & 0o022 != 0)
}

#[cfg(not(unix))]
fn is_others(_: &File) -> std::io::Result<bool> {
    Ok(false)
}

/// A folder that is there, and nobody else's for as long as the file lives: two that remember at once lose nothing.
fn locked(folder: &Path) -> Result<File> {
    let path = folder.join(".lock");
    let opened = private(folder).and_then(|()| {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).open(&path)
    });
    let locked = opened.and_then(|file| file.lock().map(|()| file));
    locked.map_err(|error| Error::io("lock", &path, &error))
}

#[cfg(unix)]
fn private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn private(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)
}

/// The old text or the new one, whatever happens.
fn replace(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = tempfile::NamedTempFile::new_in(folder).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)
    });
    written.map(drop).map_err(|error| Error::io("write", path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::SecretKey;
    use crate::log::tree::leaf_hash;

    fn key(seed: u8) -> SecretKey {
        SecretKey::from_seed([seed; 32])
    }

    #[test]
    fn a_gateway_is_held_to_the_key_that_it_is_known_by() {
        let folder = tempfile::tempdir().unwrap();
        let known = Known::in_folders(&folder.path().join("c"), &folder.path().join("s"));
        let (one, other) = (key(1).public(), key(2).public());
        assert!(known.hold("https://a.example", &one).unwrap());
        assert!(!known.hold("https://a.example", &one).unwrap());
        assert!(known.hold("https://b.example", &other).unwrap());
        for (known, shown) in [(known.clone(), other), (known.clone().with_key(Some(other)), one)] {
            let error = known.hold("https://a.example", &shown).unwrap_err();
            assert_eq!(error.code, "gateway-key-changed");
        }
        // A key that was told goes before the list, and into no list.
        let told = known.clone().with_key(Some(other));
        assert!(!told.hold("https://c.example", &other).unwrap());
        assert!(known.hold("https://c.example", &one).unwrap());
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
            let list = folder.path().join("c/gateways.toml");
            assert_eq!(std::fs::metadata(&list).unwrap().mode() & 0o777, 0o600);
            std::fs::set_permissions(&list, std::fs::Permissions::from_mode(0o666)).unwrap();
            let error = known.hold("https://a.example", &one).unwrap_err();
            assert_eq!(error.code, "known-exposed");
            std::fs::set_permissions(&list, std::fs::Permissions::from_mode(0o600)).unwrap();
            std::fs::write(&list, "no list").unwrap();
            assert_eq!(known.hold("https://a.example", &one).unwrap_err().code, "known-unreadable");
        }
    }

    #[test]
    fn only_a_longer_head_takes_the_place_of_one() {
        let folder = tempfile::tempdir().unwrap();
        let known = Known::in_folders(&folder.path().join("c"), &folder.path().join("s"));
        let (gateway, of) = (key(1), CollaborationId::new("spring").unwrap());
        let head = |size: u64| Checkpoint {
            collaboration: of.clone(),
            size,
            root: leaf_hash(&size.to_be_bytes()),
        };
        for (size, kept) in [(5, 5), (4, 5), (7, 7), (1, 7)] {
            let head = head(size);
            known.keep(&gateway.public(), &head, &head.sign(&gateway)).unwrap();
            assert_eq!(known.head(&gateway.public(), &of).unwrap().unwrap().size, kept);
        }
        // Another gateway's log of that name is another log.
        assert_eq!(known.head(&key(2).public(), &of).unwrap(), None);
    }
}
