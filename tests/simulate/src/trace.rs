//! What happened, line by line: hashed always, kept when asked for. The same case gives the same hash.

use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// The trace of a run.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    hash: Sha256,
    kept: Option<Vec<String>>,
    pub(crate) lines: u64,
}

impl Trace {
    pub(crate) fn new(keep: bool) -> Self {
        Self { hash: Sha256::new(), kept: keep.then(Vec::new), lines: 0 }
    }

    /// Writes one line down, as JSON. `what` is plain words, numbers and names.
    pub(crate) fn line(&mut self, t: i64, who: &str, what: std::fmt::Arguments<'_>) {
        let mut line = String::with_capacity(96);
        let n = self.lines;
        let _ = write!(line, "{{\"n\":{n},\"t\":{t},\"who\":\"{who}\",\"what\":\"{what}\"}}");
        self.lines += 1;
        self.hash.update(line.as_bytes());
        self.hash.update(b"\n");
        if let Some(kept) = &mut self.kept {
            kept.push(line);
        }
    }

    /// The hash of all lines.
    pub(crate) fn hash(&self) -> String {
        let bytes = self.hash.clone().finalize();
        bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// The kept lines.
    pub(crate) fn lines(&self) -> &[String] {
        self.kept.as_deref().unwrap_or_default()
    }
}
