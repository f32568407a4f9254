//! Bundles: a whole log as a plain folder that anyone can carry away and verify offline, `checkpoint`,
//! `leaves.jsonl` and `README.txt`. Must not judge what it carries.

use super::LogError;
use super::checkpoint::{origin, verifier_key};
use super::keys::PublicKey;
use mappings::model::CollaborationId;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

const LEAF_BYTES_MAX: u64 = 256 << 20;
const NOTE_BYTES_MAX: u64 = 16_384;

/// Why a bundle can't be written or read.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The folder is there already and not empty.
    #[error("the folder exists already and is not empty")]
    Exists,
    /// A file can't be read or written.
    #[error("the bundle's `{file}` cannot be used: {kind}")]
    File {
        /// Which of its files.
        file: &'static str,
        /// What the system says.
        kind: std::io::ErrorKind,
    },
    /// A line is longer than any leaf.
    #[error("`leaves.jsonl` has a line that is too long for a leaf")]
    LineTooLong,
    /// The log to export.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl BundleError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Exists => "bundle-exists",
            Self::File { .. } => "bundle-file-unusable",
            Self::LineTooLong => "bundle-line-too-long",
            Self::Log(error) => error.code(),
        }
    }
}

fn failed(file: &'static str) -> impl Fn(std::io::Error) -> BundleError {
    move |error| BundleError::File { file, kind: error.kind() }
}

/// An exported log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    folder: PathBuf,
}

impl Bundle {
    /// The bundle in this folder; its files are opened when they are read.
    #[must_use]
    pub fn open(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Where it lies.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its signed note.
    pub fn checkpoint(&self) -> Result<String, BundleError> {
        let file = File::open(self.folder.join("checkpoint")).map_err(failed("checkpoint"))?;
        let mut note = String::new();
        file.take(NOTE_BYTES_MAX + 1).read_to_string(&mut note).map_err(failed("checkpoint"))?;
        Ok(note)
    }

    /// Its leaves, one after the other.
    pub fn leaves(&self) -> Result<Leaves, BundleError> {
        let file = File::open(self.folder.join("leaves.jsonl")).map_err(failed("leaves.jsonl"))?;
        Ok(Leaves { reader: BufReader::with_capacity(1 << 20, file) })
    }
}

/// A stream of leaves' bytes.
#[derive(Debug)]
pub struct Leaves {
    reader: BufReader<File>,
}

impl Iterator for Leaves {
    type Item = Result<Vec<u8>, BundleError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = Vec::new();
        let read = (&mut self.reader).take(LEAF_BYTES_MAX + 1).read_until(b'\n', &mut line);
        match read {
            Err(error) => Some(Err(failed("leaves.jsonl")(error))),
            Ok(0) => None,
            Ok(bytes) if bytes as u64 > LEAF_BYTES_MAX => Some(Err(BundleError::LineTooLong)),
            Ok(_) => {
                if line.last() == Some(&b'\n') {
                    line.pop();
                }
                Some(Ok(line))
            }
        }
    }
}

/// Writes a bundle; its checkpoint comes last, so a folder without one is not a bundle.
#[derive(Debug)]
pub struct Writer {
    folder: PathBuf,
    leaves: BufWriter<File>,
}

impl Writer {
    /// A bundle in this folder, which is new or empty.
    pub fn create(folder: &Path) -> Result<Self, BundleError> {
        std::fs::create_dir_all(folder).map_err(failed("."))?;
        if std::fs::read_dir(folder).map_err(failed("."))?.next().is_some() {
            return Err(BundleError::Exists);
        }
        let leaves = create(folder, "leaves.jsonl")?;
        Ok(Self { folder: folder.to_owned(), leaves: BufWriter::with_capacity(1 << 20, leaves) })
    }

    /// The next leaf's canonical bytes.
    pub fn leaf(&mut self, bytes: &[u8]) -> Result<(), BundleError> {
        let written = self.leaves.write_all(bytes).and_then(|()| self.leaves.write_all(b"\n"));
        written.map_err(failed("leaves.jsonl"))
    }

    /// The explanation, then the checkpoint.
    pub fn finish(
        mut self,
        checkpoint: &str,
        collaboration: &CollaborationId,
        gateway: &PublicKey,
    ) -> Result<Bundle, BundleError> {
        self.leaves.flush().map_err(failed("leaves.jsonl"))?;
        self.leaves.get_ref().sync_all().map_err(failed("leaves.jsonl"))?;
        write(&self.folder, "README.txt", &explanation(collaboration, gateway))?;
        write(&self.folder, "checkpoint", checkpoint)?;
        Ok(Bundle { folder: self.folder })
    }
}

fn create(folder: &Path, file: &'static str) -> Result<File, BundleError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).open(folder.join(file)).map_err(failed(file))
}

fn write(folder: &Path, file: &'static str, text: &str) -> Result<(), BundleError> {
    let mut opened = create(folder, file)?;
    let written = opened.write_all(text.as_bytes()).and_then(|()| opened.sync_all());
    written.map_err(failed(file))
}

fn explanation(collaboration: &CollaborationId, gateway: &PublicKey) -> String {
    let (origin, verifier) = (origin(collaboration), verifier_key(collaboration, gateway));
    format!(
        "The agreement log of collaboration `{collaboration}`, complete up to its checkpoint.\n\n\
        leaves.jsonl  one leaf a line, canonical JSON (RFC 8785); the line without its newline is what is hashed\n\
        checkpoint    the signed head (C2SP tlog-checkpoint, signed note, Ed25519), origin `{origin}`\n\n\
        Leaf hash: SHA-256 of a zero byte and the line. Node hash: SHA-256 of a one byte, left and right (RFC 6962).\n\
        A member's signature: Ed25519 over `airlock/leaf/v1`, a newline, and the leaf without `signature`.\n\n\
        To verify offline: airlock audit verify <this folder> --key <the gateway's key>\n\
        Take the key from where you know it to be right, not from this file. It says it is\n  \
        {gateway}\n  {verifier}\n"
    )
}
