//! What matched so far for each pair of groups; each worker has its own, merged at the end.

use std::collections::HashMap;

use super::chains::Chains;
use super::{MatchedGroup, Shape};
use crate::MatchError;
use crate::measure::{MeasureKind, Sum};

/// Pairs of groups up to which a flat index is kept.
const FLAT_MAX: u64 = 1 << 20;

struct Group {
    left: u32,
    right: u32,
    rows: u64,
    distinct: u64,
}

enum Index {
    /// At left × rights + right: the group's number plus one; zero is none.
    Flat {
        places: Vec<u32>,
        rights: usize,
    },
    Sparse(HashMap<(u32, u32), u32>),
}

pub(super) struct Totals<'s> {
    shape: &'s Shape,
    index: Index,
    groups: Vec<Group>,
    /// For each group the left side's sums, then the right side's.
    sums: Vec<Measured>,
}

/// A measure's sum in a group, and how many distinct tokens have a value of it there.
#[derive(Debug, Clone, Copy, Default)]
struct Measured {
    sum: Sum,
    backed: u64,
}

impl<'s> Totals<'s> {
    /// Totals for groups up to the given numbers.
    pub(super) fn new(shape: &'s Shape, tops: (u32, u32)) -> Self {
        let (lefts, rights) = (u64::from(tops.0) + 1, u64::from(tops.1) + 1);
        let flat = lefts.checked_mul(rights).filter(|pairs| *pairs <= FLAT_MAX);
        let index = match flat.map(usize::try_from) {
            Some(Ok(pairs)) => Index::Flat { places: vec![0; pairs], rights: tops.1 as usize + 1 },
            _ => Index::Sparse(HashMap::new()),
        };
        Self { shape, index, groups: Vec::new(), sums: Vec::new() }
    }

    fn width(&self) -> usize {
        self.shape.left.len() + self.shape.right.len()
    }

    /// The group's number, made where there is none.
    #[inline]
    fn place(&mut self, left: u32, right: u32) -> Option<usize> {
        let next = u32::try_from(self.groups.len() + 1).ok()?;
        let place = match &mut self.index {
            Index::Flat { places, rights } => {
                places.get_mut(left as usize * *rights + right as usize)?
            }
            Index::Sparse(places) => places.entry((left, right)).or_insert(0),
        };
        if *place == 0 {
            *place = next;
            self.groups.push(Group { left, right, rows: 0, distinct: 0 });
            let sums = self.sums.len() + self.width();
            self.sums.resize(sums, Measured::default());
            return Some(next as usize - 1);
        }
        Some(*place as usize - 1)
    }

    /// Counts every pair of a token's left and right entries; nothing if there are more groups than numbers for them.
    pub(super) fn pair(&mut self, left: &Chains<'_>, right: &Chains<'_>) -> Option<()> {
        for token in right.tokens() {
            for (one, left_sums) in left.of(token) {
                for (other, right_sums) in right.of(token) {
                    let place = self.place(one.group, other.group)?;
                    let group = self.groups.get_mut(place)?;
                    group.rows = group.rows.wrapping_add(one.rows.wrapping_mul(other.rows));
                    group.distinct += 1;
                    let (lefts, rights) = self.sums_of(place)?;
                    add(lefts, left_sums, left.kinds(), other.rows);
                    add(rights, right_sums, right.kinds(), one.rows);
                }
            }
        }
        Some(())
    }

    #[inline]
    fn sums_of(&mut self, place: usize) -> Option<(&mut [Measured], &mut [Measured])> {
        let width = self.width();
        let sums = self.sums.get_mut(place * width..(place + 1) * width)?;
        sums.split_at_mut_checked(self.shape.left.len())
    }

    pub(super) fn merge(&mut self, other: &Self) -> Result<(), MatchError> {
        self.merged(other).ok_or(MatchError::OutOfRange)
    }

    fn merged(&mut self, other: &Self) -> Option<()> {
        let width = self.width();
        for (n, theirs) in other.groups.iter().enumerate() {
            let place = self.place(theirs.left, theirs.right)?;
            let ours = self.groups.get_mut(place)?;
            ours.rows = ours.rows.wrapping_add(theirs.rows);
            ours.distinct += theirs.distinct;
            let more = other.sums.get(n * width..(n + 1) * width)?;
            let ours = self.sums.get_mut(place * width..(place + 1) * width)?;
            let kinds = self.shape.left.iter().chain(&self.shape.right);
            for ((ours, more), kind) in ours.iter_mut().zip(more).zip(kinds) {
                ours.sum.add_times(*kind, &more.sum, 1);
                ours.backed += more.backed;
            }
        }
        Some(())
    }

    /// The groups in order.
    pub(super) fn end(mut self) -> Result<Vec<MatchedGroup>, MatchError> {
        let mut ended = Vec::with_capacity(self.groups.len());
        for (n, group) in std::mem::take(&mut self.groups).into_iter().enumerate() {
            let shape = self.shape;
            let (lefts, rights) = self.sums_of(n).ok_or(MatchError::OutOfRange)?;
            let close = |sums: &[Measured], kinds: &[MeasureKind]| {
                let sums = sums.iter().zip(kinds);
                sums.map(|(one, kind)| one.sum.end(*kind, one.backed)).collect::<Vec<_>>()
            };
            ended.push(MatchedGroup {
                left: group.left,
                right: group.right,
                rows: group.rows,
                distinct: group.distinct,
                left_totals: close(lefts, &shape.left),
                right_totals: close(rights, &shape.right),
            });
        }
        ended.sort_unstable_by_key(|g| (g.left, g.right));
        Ok(ended)
    }
}

/// Adds what one token gives to a pair of groups; called once for each.
#[inline]
fn add(all: &mut [Measured], more: &[Sum], kinds: &[MeasureKind], times: u64) {
    for ((one, more), kind) in all.iter_mut().zip(more).zip(kinds) {
        one.sum.add_times(*kind, more, times);
        one.backed += u64::from(more.has_value());
    }
}
