//! How many distinct tokens both sides hold; sees tokens alone.

use std::sync::Arc;

use crate::MatchError;
use crate::partitions::Bare;
use crate::settings::{Settings, Side};
use crate::store::{Partition, Slice, Stop, Store, Usage, Writer};
use crate::table::TokenTable;
use crate::token::{Token, TokenColumn};

/// Counts the distinct tokens that both sides hold.
///
/// Each thread takes a writer of its own, pushes batches and seals it; `finish` then matches.
#[derive(Debug)]
pub struct Overlap {
    store: Arc<Store>,
}

/// The answer of an overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverlapCount {
    /// Distinct tokens that occur on both sides.
    pub distinct_both: u64,
    /// What it took.
    pub usage: Usage,
}

impl Overlap {
    /// An overlap with nothing on either side.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { store: Arc::new(Store::new(settings, (2, 2))) }
    }

    /// A way in for one thread.
    #[must_use]
    pub fn writer(&self, side: Side) -> OverlapWriter {
        OverlapWriter { writer: self.store.writer(side) }
    }

    /// Declares the left side complete, once all its writers are sealed and before the right side is pushed:
    /// right rows that cannot match then take no room. May be left out.
    pub fn complete_left(&self) -> Result<(), MatchError> {
        self.store.complete_left()
    }

    /// Matches what was sealed; every writer must be sealed or dropped.
    pub fn finish(self) -> Result<OverlapCount, MatchError> {
        let closed = self.store.close()?;
        let bytes_max = closed.settings.table_bytes_max();
        let counters = closed.each_partition(Counter::new, |counter, partition| {
            partition.split_until_it_fits(|slice| counter.count(partition, slice, bytes_max))
        })?;
        Ok(OverlapCount {
            distinct_both: counters.iter().map(|c| c.total).sum(),
            usage: closed.usage,
        })
    }
}

/// One thread's way into an [`Overlap`].
#[derive(Debug)]
pub struct OverlapWriter {
    writer: Writer,
}

impl OverlapWriter {
    /// Adds a batch; NULL keys are dropped.
    pub fn push(&mut self, column: &TokenColumn) -> Result<(), MatchError> {
        self.writer.push(column, &Bare)
    }

    /// Hands the rows over; without this they do not count.
    pub fn seal(self) {
        self.writer.seal();
    }
}

struct Counter {
    table: TokenTable,
    seen: Vec<bool>,
    total: u64,
}

impl Counter {
    fn new() -> Self {
        Self { table: TokenTable::new(), seen: Vec::new(), total: 0 }
    }

    fn count(&mut self, part: &Partition<'_>, slice: Slice, bytes_max: usize) -> Result<(), Stop> {
        let rows = part.rows(Side::Left);
        let expected = if slice.is_whole() { rows } else { 0 };
        self.table.reset(expected.min(bytes_max / 24));
        part.each_piece(Side::Left, |piece| {
            for token in tokens(piece).filter(|t| slice.has(t.high)) {
                self.table.insert(token);
            }
            if self.table.bytes() > bytes_max && slice.may_split(self.table.len()) {
                return Err(Stop::Full);
            }
            Ok(())
        })?;
        self.seen.clear();
        self.seen.resize(self.table.len(), false);
        let mut found = 0_u64;
        part.each_piece(Side::Right, |piece| {
            for token in tokens(piece).filter(|t| slice.has(t.high)) {
                if let Some(number) = self.table.find(token)
                    && let Some(seen) = self.seen.get_mut(number)
                {
                    found += u64::from(!*seen);
                    *seen = true;
                }
            }
            Ok(())
        })?;
        self.total += found;
        Ok(())
    }
}

fn tokens(piece: &[u64]) -> impl Iterator<Item = Token> {
    let pairs = piece.as_chunks::<2>().0.iter();
    pairs.map(|&[high, low]| Token { high, low })
}
