//! One writer's rows, scattered over partitions by the top bits of their tokens; rows are fixed runs of words.

use crate::filter::{Filter, may_hold};
use crate::token::{Token, TokenColumn};

/// A block starts small and doubles, so that few rows take little and many rows waste little.
const BLOCK_WORDS_MIN: usize = 128;
const BLOCK_WORDS_MAX: usize = 2048;
/// Looks into the filter that are under way together.
const LOOK_ROWS: usize = 64;

/// Rows of one partition: whole blocks, each a run of rows.
pub(crate) type Blocks = Vec<Vec<u64>>;

/// One writer's partitions.
#[derive(Debug)]
pub(crate) struct Partitions {
    width: usize,
    shift: u32,
    tails: Blocks,
    full: Vec<Blocks>,
    bytes: usize,
    /// Rows that passed the filter; kept from batch to batch.
    picked: Vec<(usize, Token)>,
}

/// What a row carries beside its token.
pub(crate) trait Load {
    /// Fills the words behind the token for row `row`.
    fn fill(&self, row: usize, words: &mut [u64]);
}

/// Nothing beside the token.
pub(crate) struct Bare;

impl Load for Bare {
    #[inline]
    fn fill(&self, _: usize, _: &mut [u64]) {}
}

impl Partitions {
    pub(crate) fn new(width: usize, bits: u32) -> Self {
        let count = 1_usize << bits;
        Self {
            width,
            shift: 64 - bits,
            tails: (0..count).map(|_| Vec::new()).collect(),
            full: (0..count).map(|_| Blocks::new()).collect(),
            bytes: 0,
            picked: Vec::new(),
        }
    }

    /// Bytes held by blocks.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds the rows `from..to` of a batch whose key is not NULL and, with a filter, may be on the left side.
    pub(crate) fn scatter(
        &mut self,
        column: &TokenColumn,
        load: &impl Load,
        rows: (usize, usize),
        filter: Option<&Filter>,
    ) {
        let Some(filter) = filter else {
            self.scatter_rows(present(column, rows), load);
            return;
        };
        let mut picked = std::mem::take(&mut self.picked);
        picked.clear();
        let tokens = column.tokens.get(rows.0..rows.1).unwrap_or_default();
        for (n, group) in tokens.chunks(LOOK_ROWS).enumerate() {
            pick(filter, group, rows.0 + n * LOOK_ROWS, &mut picked);
        }
        if let Some(nulls) = &column.nulls {
            picked.retain(|(row, _)| nulls.is_valid(*row));
        }
        self.scatter_rows(picked.iter().copied(), load);
        self.picked = picked;
    }

    fn scatter_rows(&mut self, rows: impl Iterator<Item = (usize, Token)>, load: &impl Load) {
        match self.width {
            2 => self.scatter_fixed::<2>(rows, load),
            3 => self.scatter_fixed::<3>(rows, load),
            4 => self.scatter_fixed::<4>(rows, load),
            5 => self.scatter_fixed::<5>(rows, load),
            6 => self.scatter_fixed::<6>(rows, load),
            _ => self.scatter_any(rows, load),
        }
    }

    /// The width is known at compile time: a row is moved by a few instructions.
    fn scatter_fixed<const W: usize>(
        &mut self,
        rows: impl Iterator<Item = (usize, Token)>,
        load: &impl Load,
    ) {
        let mut words = [0_u64; W];
        for (row, token) in rows {
            put(&mut words, token, row, load);
            let part = self.part(token);
            if let Some(tail) = self.tails.get_mut(part) {
                if tail.capacity() - tail.len() < W {
                    self.bytes += turn(tail, self.full.get_mut(part), W);
                }
                tail.extend_from_slice(&words);
            }
        }
    }

    fn scatter_any(&mut self, rows: impl Iterator<Item = (usize, Token)>, load: &impl Load) {
        let mut words = vec![0_u64; self.width];
        for (row, token) in rows {
            put(&mut words, token, row, load);
            let part = self.part(token);
            if let Some(tail) = self.tails.get_mut(part) {
                if tail.capacity() - tail.len() < self.width {
                    self.bytes += turn(tail, self.full.get_mut(part), self.width);
                }
                tail.extend_from_slice(&words);
            }
        }
    }

    /// The blocks of one partition.
    pub(crate) fn blocks(&self, part: usize) -> impl Iterator<Item = &[u64]> {
        let full = self.full.get(part).into_iter().flatten();
        full.chain(self.tails.get(part)).map(Vec::as_slice)
    }

    #[inline]
    fn part(&self, token: Token) -> usize {
        usize::try_from(token.high >> self.shift).unwrap_or(0)
    }

    /// All rows, by partition.
    pub(crate) fn into_blocks(self) -> impl Iterator<Item = Blocks> {
        self.full.into_iter().zip(self.tails).map(|(mut full, tail)| {
            if !tail.is_empty() {
                full.push(tail);
            }
            full
        })
    }
}

/// Appends the rows that pass the filter. Its words are fetched first and judged then, without a branch,
/// so that many looks into memory overlap.
fn pick(filter: &Filter, tokens: &[Token], first: usize, picked: &mut Vec<(usize, Token)>) {
    let mut words = [0_u64; LOOK_ROWS];
    for (word, token) in words.iter_mut().zip(tokens) {
        *word = filter.word(*token);
    }
    let begin = picked.len();
    picked.resize(begin + tokens.len(), (0, Token::default()));
    let mut end = begin;
    for (n, (word, token)) in words.iter().zip(tokens).enumerate() {
        if let Some(place) = picked.get_mut(end) {
            *place = (first + n, *token);
        }
        end += usize::from(may_hold(*word, *token));
    }
    picked.truncate(end);
}

#[inline]
fn present(
    column: &TokenColumn,
    (from, to): (usize, usize),
) -> impl Iterator<Item = (usize, Token)> {
    let rows = column.tokens.iter().copied().enumerate();
    let rows = rows.take(to).skip(from);
    let nulls = column.nulls.as_ref();
    rows.filter(move |(row, _)| nulls.is_none_or(|n| n.is_valid(*row)))
}

#[inline]
fn put(words: &mut [u64], token: Token, row: usize, load: &impl Load) {
    if let [high, low, rest @ ..] = words {
        *high = token.high;
        *low = token.low;
        load.fill(row, rest);
    }
}

/// Sets a full tail aside and opens the next block; the bytes it takes.
#[cold]
fn turn(tail: &mut Vec<u64>, full: Option<&mut Blocks>, width: usize) -> usize {
    let words = (tail.capacity() * 2).clamp(BLOCK_WORDS_MIN, BLOCK_WORDS_MAX);
    let words = (words / width).max(1) * width;
    let done = std::mem::replace(tail, Vec::with_capacity(words));
    if let Some(full) = full
        && !done.is_empty()
    {
        full.push(done);
    }
    words * 8
}
