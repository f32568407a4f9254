//! One side's rows of a partition, collapsed: for each token a chain of its groups with counts and sums.

use std::collections::HashMap;

use crate::measure::{MeasureKind, Sum};

/// Groups of one token that are looked through one by one; beyond these, an index finds them.
const WALK_MAX: usize = 16;

/// The rows of one token in one group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) group: u32,
    /// The next entry's number plus one; zero ends the chain.
    next: u32,
    pub(super) rows: u64,
}

/// Chains of entries by the token's number in the table.
pub(super) struct Chains<'s> {
    kinds: &'s [MeasureKind],
    /// The first entry's number plus one; zero is no chain.
    heads: Vec<u32>,
    entries: Vec<Entry>,
    sums: Vec<Sum>,
    /// Entries of long chains by token number and group.
    long: HashMap<(usize, u32), u32>,
}

impl<'s> Chains<'s> {
    pub(super) fn new(kinds: &'s [MeasureKind]) -> Self {
        Self {
            kinds,
            heads: Vec::new(),
            entries: Vec::new(),
            sums: Vec::new(),
            long: HashMap::new(),
        }
    }

    pub(super) fn kinds(&self) -> &'s [MeasureKind] {
        self.kinds
    }

    pub(super) fn clear(&mut self) {
        self.heads.clear();
        self.entries.clear();
        self.sums.clear();
        self.long.clear();
    }

    /// Words of a row.
    pub(super) fn width(&self) -> usize {
        3 + self.kinds.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.heads.len() * 4 + self.entries.len() * 16 + self.sums.len() * 16 + self.long.len() * 32
    }

    /// Adds a row to its token's chain.
    #[inline]
    pub(super) fn add(&mut self, token: usize, row: &[u64]) {
        let [head, values @ ..] = row else { return };
        let group = u32::try_from(head & 0xffff_ffff).unwrap_or(0);
        let entry = self.entry(token, group);
        if let Some(entry) = self.entries.get_mut(entry) {
            entry.rows += 1;
        }
        let count = self.kinds.len();
        let sums = self.sums.get_mut(entry * count..).unwrap_or_default();
        for (n, ((sum, value), kind)) in sums.iter_mut().zip(values).zip(self.kinds).enumerate() {
            if head >> (32 + n) & 1 == 1 {
                sum.add(*kind, *value);
            }
        }
    }

    /// The number of the token's entry for the group, made where there is none.
    #[inline]
    fn entry(&mut self, token: usize, group: u32) -> usize {
        if token >= self.heads.len() {
            self.heads.resize(token + 1, 0);
        }
        let mut last = None;
        let mut at = self.heads.get(token).copied().unwrap_or(0);
        let mut walked = 0;
        while let Some(number) = number(at)
            && let Some(entry) = self.entries.get(number)
        {
            if entry.group == group {
                return number;
            }
            walked += 1;
            last = Some(number);
            if walked == WALK_MAX {
                if let Some(found) = self.long.get(&(token, group)) {
                    return *found as usize;
                }
                break;
            }
            at = entry.next;
        }
        self.append(token, group, last, walked == WALK_MAX)
    }

    /// Puts a new entry behind `last`, the last one that was looked at.
    #[inline]
    fn append(&mut self, token: usize, group: u32, last: Option<usize>, long: bool) -> usize {
        let new = self.entries.len();
        let link = u32::try_from(new + 1).unwrap_or(0);
        if long {
            self.long.insert((token, group), link - 1);
        }
        let before = match last {
            Some(last) => self.entries.get_mut(last).map(|e| &mut e.next),
            None => self.heads.get_mut(token),
        };
        let next = before.map_or(0, |before| std::mem::replace(before, link));
        self.entries.push(Entry { group, next, rows: 0 });
        let sums = self.sums.len() + self.kinds.len();
        self.sums.resize(sums, Sum::default());
        new
    }

    /// The numbers of tokens that have a chain.
    pub(super) fn tokens(&self) -> impl Iterator<Item = usize> {
        let heads = self.heads.iter().enumerate();
        heads.filter(|(_, head)| **head != 0).map(|(token, _)| token)
    }

    /// A token's entries with their sums.
    #[inline]
    pub(super) fn of(&self, token: usize) -> impl Iterator<Item = (&Entry, &[Sum])> {
        let mut at = self.heads.get(token).copied().unwrap_or(0);
        std::iter::from_fn(move || {
            let number = number(at)?;
            let entry = self.entries.get(number)?;
            at = entry.next;
            let count = self.kinds.len();
            let sums = self.sums.get(number * count..(number + 1) * count)?;
            Some((entry, sums))
        })
    }
}

#[inline]
fn number(link: u32) -> Option<usize> {
    link.checked_sub(1).map(|n| n as usize)
}
