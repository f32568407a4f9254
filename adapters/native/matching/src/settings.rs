//! What a run of the operator may use: threads, memory, a spill folder, and the flag that ends it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::MatchError;

/// Below this a split costs more than it saves, whatever the limit.
const TABLE_BYTES_MIN: usize = 1 << 12;

/// One of the two sides of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The first side; its distinct tokens are held in the table of a partition.
    Left,
    /// The second side; streamed against the table.
    Right,
}

/// How much memory the partitions may take, and where they go when that is not enough.
#[derive(Debug, Clone)]
pub struct MemoryLimit {
    /// Bytes for partition buffers and tables together.
    pub bytes_max: usize,
    /// A private folder for spill files; without one, reaching the limit is an error.
    pub spill_folder: Option<PathBuf>,
    /// Bytes that may lie in the spill folder; more is an error.
    pub spill_bytes_max: u64,
}

/// What one run may use.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The memory limit.
    pub memory: MemoryLimit,
    /// Threads that `finish` uses; at least one.
    pub threads: usize,
    /// Both sides split into 2 to the power of this many partitions, 1 to 14.
    pub partition_bits: u32,
    /// Raised by whoever wants the run to end; looked at for every batch and partition.
    pub cancelled: Arc<AtomicBool>,
}

impl Settings {
    /// Settings with a memory limit, one thread, 1,024 partitions and a flag of their own.
    #[must_use]
    pub fn new(memory: MemoryLimit) -> Self {
        Self { memory, threads: 1, partition_bits: 10, cancelled: Arc::new(AtomicBool::new(false)) }
    }

    /// The same settings with `threads` threads.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    pub(crate) fn bits(&self) -> u32 {
        self.partition_bits.clamp(1, 14)
    }

    pub(crate) fn workers(&self) -> usize {
        self.threads.clamp(1, 256)
    }

    pub(crate) fn go_on(&self) -> Result<(), MatchError> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(MatchError::Cancelled);
        }
        Ok(())
    }

    /// Buffers spill above this; the last quarter is left for tables.
    pub(crate) fn buffer_bytes_max(&self) -> usize {
        self.memory.bytes_max / 4 * 3
    }

    /// One worker's table may take this much before its partition is split further.
    pub(crate) fn table_bytes_max(&self) -> usize {
        (self.memory.bytes_max / 4 / self.workers()).max(TABLE_BYTES_MIN)
    }
}
