//! Rows set aside in plain files, one sequential file a spill with each partition's place in it kept in memory.
//!
//! A file is created for its owner only and unlinked at once: it lives as long as it is open, so a killed
//! process leaves nothing behind. Rows hold tokens (keyed hashes), group numbers and measures.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::partitions::Blocks;

const READ_WORDS: usize = 1 << 13;

/// One spilled set of partitions.
#[derive(Debug)]
pub(crate) struct Run {
    file: File,
    /// For each partition: where it begins, in words; and at the end, where the last one ends.
    begins: Vec<u64>,
}

impl Run {
    /// Writes partitions in order.
    pub(crate) fn write(folder: &Path, parts: impl Iterator<Item = Blocks>) -> io::Result<Self> {
        let file = private_file(folder)?;
        let mut out = BufWriter::with_capacity(1 << 18, file);
        let mut begins = vec![0];
        let mut words = 0_u64;
        for blocks in parts {
            for block in &blocks {
                for word in block {
                    out.write_all(&word.to_le_bytes())?;
                }
                words += block.len() as u64;
            }
            begins.push(words);
        }
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Self { file, begins })
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.begins.last().copied().unwrap_or(0) * 8
    }

    /// Words of one partition.
    fn extent(&self, part: usize) -> (u64, u64) {
        let begin = self.begins.get(part).copied().unwrap_or(0);
        let end = self.begins.get(part + 1).copied().unwrap_or(begin);
        (begin, end)
    }

    pub(crate) fn words(&self, part: usize) -> usize {
        let (begin, end) = self.extent(part);
        usize::try_from(end - begin).unwrap_or(usize::MAX)
    }

    /// Reads one partition in pieces of whole rows.
    pub(crate) fn read<E: From<io::Error>>(
        &self,
        part: usize,
        width: usize,
        mut each: impl FnMut(&[u64]) -> Result<(), E>,
    ) -> Result<(), E> {
        let (mut begin, end) = self.extent(part);
        let piece = (READ_WORDS / width).max(1) * width;
        let mut bytes = vec![0_u8; piece.min(self.words(part)) * 8];
        let mut words = Vec::with_capacity(bytes.len() / 8);
        while begin < end {
            let count = piece.min(usize::try_from(end - begin).unwrap_or(piece));
            bytes.truncate(count * 8);
            self.file.read_exact_at(&mut bytes, begin * 8)?;
            words.clear();
            let chunks = bytes.as_chunks::<8>().0.iter();
            words.extend(chunks.map(|c| u64::from_le_bytes(*c)));
            each(&words)?;
            begin += count as u64;
        }
        Ok(())
    }
}

fn private_file(folder: &Path) -> io::Result<File> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("match-{}-{number}.spill", std::process::id()));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        match options.open(&path) {
            Ok(file) => {
                std::fs::remove_file(&path)?;
                return Ok(file);
            }
            Err(taken) if taken.kind() == io::ErrorKind::AlreadyExists => {}
            Err(other) => return Err(other),
        }
    }
}
