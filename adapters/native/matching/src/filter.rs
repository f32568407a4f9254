//! What the left side may hold, in a few bits a token: right rows that cannot match are dropped before they take room.

use crate::token::Token;

/// Left rows to a word of 64 bits; four bits are set for each token.
const ROWS_A_WORD: usize = 12;
const WORDS_MAX: usize = 1 << 25;

/// A blocked Bloom filter. A token's word follows from its top bits, so that partitions own runs of words.
#[derive(Debug)]
pub(crate) struct Filter {
    words: Vec<u64>,
    shift: u32,
}

#[inline]
fn bits(token: Token) -> u64 {
    let low = token.low;
    1 << (low & 63) | 1 << (low >> 6 & 63) | 1 << (low >> 12 & 63) | 1 << (low >> 18 & 63)
}

impl Filter {
    /// An empty filter for so many rows, that takes at most `bytes_max`, with at least a word for each partition.
    pub(crate) fn new(rows: usize, partitions: usize, bytes_max: usize) -> Self {
        let afforded = (bytes_max / 8 + 1).next_power_of_two() / 2;
        let wanted = (rows / ROWS_A_WORD).next_power_of_two();
        let words = wanted.min(afforded).clamp(partitions, WORDS_MAX);
        Self { words: vec![0; words], shift: 64 - words.trailing_zeros() }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.words.len() * 8
    }

    /// The words of each partition, to be filled by [`Section::add`].
    pub(crate) fn sections(&mut self, partitions: usize) -> impl Iterator<Item = Section<'_>> {
        let shift = self.shift;
        let each = self.words.len() / partitions;
        let mask = each - 1;
        let sections = self.words.chunks_mut(each);
        sections.map(move |words| Section { words, shift, mask })
    }

    /// The word that tells about the token.
    #[inline]
    pub(crate) fn word(&self, token: Token) -> u64 {
        let word = usize::try_from(token.high >> self.shift).unwrap_or(0);
        self.words.get(word).copied().unwrap_or(u64::MAX)
    }
}

/// Whether the left side may hold the token, by its word; never `false` where it does.
#[inline]
pub(crate) fn may_hold(word: u64, token: Token) -> bool {
    let bits = bits(token);
    word & bits == bits
}

/// One partition's part of a filter.
pub(crate) struct Section<'f> {
    words: &'f mut [u64],
    shift: u32,
    mask: usize,
}

impl Section<'_> {
    #[inline]
    pub(crate) fn add(&mut self, token: Token) {
        let word = usize::try_from(token.high >> self.shift).unwrap_or(0) & self.mask;
        if let Some(word) = self.words.get_mut(word) {
            *word |= bits(token);
        }
    }
}
