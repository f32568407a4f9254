//! A small open-addressing table from tokens to dense numbers, made to stay in one core's cache.

use std::hash::{BuildHasher, RandomState};

use crate::token::Token;

const SLOTS_MIN: usize = 1 << 8;
/// The first size is bounded: a partition of many equal tokens needs few slots.
const SLOTS_FIRST_MAX: usize = 1 << 18;

/// Tokens in order of arrival, found by value.
pub(crate) struct TokenTable {
    /// High half: the token's low 32 bits. Low half: its number plus one; zero is free.
    slots: Vec<u64>,
    tokens: Vec<Token>,
    shift: u32,
    /// Random and odd, so that nobody can prepare keys that meet in one slot.
    factor: u64,
}

impl TokenTable {
    pub(crate) fn new() -> Self {
        Self {
            slots: Vec::new(),
            tokens: Vec::new(),
            shift: 63,
            factor: RandomState::new().hash_one(0_u8) | 1,
        }
    }

    /// Empties the table, and makes room for about `rows` tokens.
    pub(crate) fn reset(&mut self, rows: usize) {
        let slots = rows.saturating_mul(3) / 2;
        let slots = slots.clamp(SLOTS_MIN, SLOTS_FIRST_MAX).next_power_of_two();
        self.tokens.clear();
        self.resize(slots);
    }

    fn resize(&mut self, slots: usize) {
        self.slots.clear();
        self.slots.resize(slots, 0);
        self.shift = 64 - slots.trailing_zeros();
    }

    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.slots.len() * 8 + self.tokens.len() * 16
    }

    #[inline]
    fn start(&self, token: Token) -> usize {
        let mixed = (token.low ^ token.high.rotate_left(31)).wrapping_mul(self.factor);
        usize::try_from(mixed >> self.shift).unwrap_or(0)
    }

    /// Walks from the token's first slot to where it is (its number) or belongs (the slot).
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "the slot is bounded by the mask")]
    fn walk(&self, token: Token) -> Result<usize, usize> {
        let slots = self.slots.as_slice();
        let mask = slots.len() - 1;
        let tag = token.low << 32;
        let mut at = self.start(token);
        loop {
            let slot = slots[at & mask];
            if slot == 0 {
                return Err(at & mask);
            }
            if (slot ^ tag) >> 32 == 0 {
                let number = usize::try_from((slot & 0xffff_ffff) - 1).unwrap_or(0);
                if self.tokens.get(number) == Some(&token) {
                    return Ok(number);
                }
            }
            at += 1;
        }
    }

    /// The token's number, where it is in the table.
    #[inline]
    pub(crate) fn find(&self, token: Token) -> Option<usize> {
        self.walk(token).ok()
    }

    /// The token's number; `true` where it is new.
    #[inline]
    pub(crate) fn insert(&mut self, token: Token) -> (usize, bool) {
        match self.walk(token) {
            Ok(number) => (number, false),
            Err(free) => {
                let number = self.tokens.len();
                self.tokens.push(token);
                if let Some(slot) = self.slots.get_mut(free) {
                    *slot = token.low << 32 | (number as u64 + 1);
                }
                if self.tokens.len() * 3 > self.slots.len() * 2 {
                    self.grow();
                }
                (number, true)
            }
        }
    }

    fn grow(&mut self) {
        self.resize(self.slots.len() * 2);
        let tokens = std::mem::take(&mut self.tokens);
        for (number, token) in tokens.iter().enumerate() {
            // All tokens differ, and those not yet put back are not looked at.
            let mask = self.slots.len() - 1;
            let mut at = self.start(*token) & mask;
            while self.slots.get(at).is_some_and(|s| *s != 0) {
                at = (at + 1) & mask;
            }
            if let Some(slot) = self.slots.get_mut(at) {
                *slot = token.low << 32 | (number as u64 + 1);
            }
        }
        self.tokens = tokens;
    }
}
