//! Join pairs, distinct tokens and sums for each pair of groups; sees group numbers, not what they stand for.

mod chains;
mod totals;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arrow::buffer::NullBuffer;

use crate::MatchError;
use crate::measure::{MeasureColumn, MeasureKind, MeasureTotal};
use crate::partitions::Load;
use crate::settings::{Settings, Side};
use crate::store::{Partition, Slice, Stop, Store, Usage, Writer};
use crate::table::TokenTable;
use crate::token::{Token, TokenColumn};
use chains::Chains;
use totals::Totals;

/// Validity takes the upper half of the word that holds the group.
const MEASURES_MAX: usize = 32;

/// The measures of both sides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape {
    /// Kinds of the left side's measures, in order.
    pub left: Vec<MeasureKind>,
    /// Kinds of the right side's measures, in order.
    pub right: Vec<MeasureKind>,
}

/// What matched for one pair of groups, as `JOIN .. GROUP BY left group, right group` has it.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchedGroup {
    /// The left rows' group.
    pub left: u32,
    /// The right rows' group.
    pub right: u32,
    /// Pairs of rows with equal tokens.
    pub rows: u64,
    /// Distinct tokens among those pairs.
    pub distinct: u64,
    /// The left side's measures over the pairs.
    pub left_totals: Vec<MeasureTotal>,
    /// The right side's measures over the pairs.
    pub right_totals: Vec<MeasureTotal>,
}

/// Joins two sides on their tokens and aggregates the pairs by group.
///
/// Each thread takes a writer of its own, pushes batches and seals it; `finish` then matches.
/// Rows without dimensions on a side all take group 0.
#[derive(Debug)]
pub struct MatchAggregate {
    store: Arc<Store>,
    shape: Arc<Shape>,
    tops: Arc<Tops>,
}

impl MatchAggregate {
    /// An aggregate with nothing on either side.
    pub fn new(settings: Settings, shape: Shape) -> Result<Self, MatchError> {
        if shape.left.len().max(shape.right.len()) > MEASURES_MAX {
            return Err(MatchError::TooManyMeasures { max: MEASURES_MAX });
        }
        let widths = (3 + shape.left.len(), 3 + shape.right.len());
        Ok(Self {
            store: Arc::new(Store::new(settings, widths)),
            shape: Arc::new(shape),
            tops: Arc::default(),
        })
    }

    /// A way in for one thread.
    #[must_use]
    pub fn writer(&self, side: Side) -> MatchWriter {
        MatchWriter {
            writer: self.store.writer(side),
            side,
            shape: Arc::clone(&self.shape),
            tops: Arc::clone(&self.tops),
        }
    }

    /// Declares the left side complete, once all its writers are sealed and before the right side is pushed:
    /// right rows that cannot match then take no room. May be left out.
    pub fn complete_left(&self) -> Result<(), MatchError> {
        self.store.complete_left()
    }

    /// Matches what was sealed; the groups that have pairs, in order of group numbers.
    /// Every writer must be sealed or dropped.
    pub fn finish(self) -> Result<(Vec<MatchedGroup>, Usage), MatchError> {
        let closed = self.store.close()?;
        let bytes_max = closed.settings.table_bytes_max();
        let left_top = self.tops.left.load(Ordering::Relaxed);
        let right_top = self.tops.right.load(Ordering::Relaxed);
        let shape = &*self.shape;
        let worker = || Matcher {
            table: TokenTable::new(),
            left: Chains::new(&shape.left),
            right: Chains::new(&shape.right),
            totals: Totals::new(shape, (left_top, right_top)),
        };
        let done = closed.each_partition(worker, |matcher, partition| {
            partition.split_until_it_fits(|slice| matcher.take(partition, slice, bytes_max))
        })?;
        let mut totals = Totals::new(shape, (left_top, right_top));
        for matcher in done {
            totals.merge(&matcher.totals)?;
        }
        Ok((totals.end()?, closed.usage))
    }
}

/// One thread's way into a [`MatchAggregate`].
#[derive(Debug)]
pub struct MatchWriter {
    writer: Writer,
    side: Side,
    shape: Arc<Shape>,
    tops: Arc<Tops>,
}

/// The highest group of each side so far.
#[derive(Debug, Default)]
struct Tops {
    left: AtomicU32,
    right: AtomicU32,
}

impl MatchWriter {
    /// Adds a batch: a group and the declared measures for each token; rows with a NULL key are dropped.
    /// An empty slice of groups puts every row into group 0.
    pub fn push(
        &mut self,
        tokens: &TokenColumn,
        groups: &[u32],
        measures: &[MeasureColumn],
    ) -> Result<(), MatchError> {
        let rows = tokens.rows();
        let (declared, top_so_far) = match self.side {
            Side::Left => (&self.shape.left, &self.tops.left),
            Side::Right => (&self.shape.right, &self.tops.right),
        };
        let fits = |m: &MeasureColumn| m.rows() == rows;
        let kinds = measures.iter().map(|m| m.kind);
        if !(groups.is_empty() || groups.len() == rows)
            || !measures.iter().all(fits)
            || !kinds.eq(declared.iter().copied())
        {
            return Err(MatchError::Shape);
        }
        let top = groups.iter().copied().max().unwrap_or(0);
        top_so_far.fetch_max(top, Ordering::Relaxed);
        let valid = valid_bits(rows, measures);
        let load = Carried { groups, valid: valid.as_deref(), measures };
        self.writer.push(tokens, &load)
    }

    /// Hands the rows over; without this they do not count.
    pub fn seal(self) {
        self.writer.seal();
    }
}

/// For each row one bit a measure that is not NULL, in the upper half of a word; nothing if nothing is NULL.
fn valid_bits(rows: usize, measures: &[MeasureColumn]) -> Option<Vec<u64>> {
    if measures.iter().all(|m| m.nulls.is_none()) {
        return None;
    }
    let mut bits = vec![0_u64; rows];
    for (n, measure) in measures.iter().enumerate() {
        let valid =
            |row| measure.nulls.as_ref().is_none_or(|nulls: &NullBuffer| nulls.is_valid(row));
        for (row, word) in bits.iter_mut().enumerate() {
            *word |= u64::from(valid(row)) << (32 + n);
        }
    }
    Some(bits)
}

struct Carried<'b> {
    groups: &'b [u32],
    valid: Option<&'b [u64]>,
    measures: &'b [MeasureColumn],
}

impl Load for Carried<'_> {
    #[inline]
    fn fill(&self, row: usize, words: &mut [u64]) {
        let [head, rest @ ..] = words else { return };
        let group = self.groups.get(row).copied().unwrap_or(0);
        let valid = match self.valid {
            Some(bits) => bits.get(row).copied().unwrap_or(0),
            None => 0xffff_ffff << 32,
        };
        *head = valid | u64::from(group);
        for (word, measure) in rest.iter_mut().zip(self.measures) {
            *word = measure.words.get(row).copied().unwrap_or(0);
        }
    }
}

/// One worker: the table of a partition and what it has counted so far.
struct Matcher<'s> {
    table: TokenTable,
    left: Chains<'s>,
    right: Chains<'s>,
    totals: Totals<'s>,
}

impl Matcher<'_> {
    fn take(&mut self, part: &Partition<'_>, slice: Slice, bytes_max: usize) -> Result<(), Stop> {
        let rows = part.rows(Side::Left);
        let expected = if slice.is_whole() { rows } else { 0 };
        self.table.reset(expected.min(bytes_max / 64));
        self.left.clear();
        self.right.clear();
        let Self { table, left, right, totals } = self;
        let full = |bytes: usize, tokens: usize| bytes > bytes_max && slice.may_split(tokens);
        part.each_piece(Side::Left, |piece| {
            for (token, row) in rows_of(piece, left.width()).filter(|(t, _)| slice.has(t.high)) {
                let (number, _) = table.insert(token);
                left.add(number, row);
            }
            if full(table.bytes() + left.bytes(), table.len()) { Err(Stop::Full) } else { Ok(()) }
        })?;
        let held = table.bytes() + left.bytes();
        part.each_piece(Side::Right, |piece| {
            for (token, row) in rows_of(piece, right.width()).filter(|(t, _)| slice.has(t.high)) {
                if let Some(number) = table.find(token) {
                    right.add(number, row);
                }
            }
            if full(held + right.bytes(), table.len()) { Err(Stop::Full) } else { Ok(()) }
        })?;
        let met = totals.pair(left, right);
        met.ok_or(Stop::Failed(MatchError::OutOfRange))
    }
}

/// The rows of a piece: token, and the words behind it.
fn rows_of(piece: &[u64], width: usize) -> impl Iterator<Item = (Token, &[u64])> {
    piece.chunks_exact(width).filter_map(|row| match row {
        [high, low, rest @ ..] => Some((Token { high: *high, low: *low }, rest)),
        _ => None,
    })
}
