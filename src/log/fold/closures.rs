//! Closures: for everything that was withdrawn or narrowed, the platforms that still have to be seen closed. Nothing of the same
//! kind is given anywhere before. Must not know how a platform is looked at.

use super::platforms::{EffectRecord, Platforms};
use super::{State, Version};
use crate::log::leaf::{Code, Effect, Revocable};
use mappings::model::{DatasetName, MemberId, PlatformId, Room};
use std::collections::{BTreeMap, BTreeSet};

/// Why something has to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A member withdrew it.
    Withdrawn,
    /// Its owner took it away on a platform.
    Found,
    /// A later version of the agreement says something else of it, or nothing, or leaves a room.
    Narrowed,
}

/// A platform that has to be seen closed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Awaited {
    /// Whether all that it holds has to go, since a later version leaves the room.
    pub left: bool,
    /// The position of the leaf after which a look can prove anything: of the withdrawal, or of the end of a call that gave the
    /// same thing there later.
    pub since: u64,
    /// When it was seen closed.
    pub confirmed: Option<Confirmed>,
}

/// A platform was seen closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed {
    /// The position of the leaf that says so.
    pub index: u64,
    /// When, in log time.
    pub at_ms: i64,
    /// Whole looks that agreed.
    pub reads: u32,
    /// What became of an attempt to use it all the same.
    pub probe: Code,
}

/// What one leaf took away, and where that was seen closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closure {
    /// Why.
    pub cause: Cause,
    /// What.
    pub what: Vec<Revocable>,
    /// When, in log time.
    pub at_ms: i64,
    /// Every platform that may have held it.
    pub platforms: BTreeMap<PlatformId, Awaited>,
}

impl Closure {
    /// Whether it was seen closed everywhere.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.platforms.values().all(|awaited| awaited.confirmed.is_some())
    }

    /// Whether this platform has not been seen closed yet.
    #[must_use]
    pub fn awaits(&self, platform: &PlatformId) -> bool {
        self.platforms.get(platform).is_some_and(|awaited| awaited.confirmed.is_none())
    }

    pub(super) fn confirm(
        &mut self,
        platform: &PlatformId,
        (index, at_ms): (u64, i64),
        reads: u32,
        probe: &Code,
    ) {
        if let Some(awaited) = self.platforms.get_mut(platform) {
            awaited.confirmed = Some(Confirmed { index, at_ms, reads, probe: probe.clone() });
        }
    }
}

impl State {
    /// Everything that was ever to be closed, by the position of what closed it.
    #[must_use]
    pub const fn closures(&self) -> &BTreeMap<u64, Closure> {
        &self.platforms.closures
    }

    /// What was not seen closed everywhere yet, oldest first.
    pub fn unconfirmed(&self) -> impl Iterator<Item = (u64, &Closure)> {
        let open = self.platforms.closures.iter().filter(|(_, closure)| !closure.is_confirmed());
        open.map(|(index, closure)| (*index, closure))
    }

    /// What a platform has still to be seen closed of.
    pub fn awaited<'a>(
        &'a self,
        platform: &'a PlatformId,
    ) -> impl Iterator<Item = (u64, &'a Closure)> {
        self.unconfirmed().filter(move |(_, closure)| closure.awaits(platform))
    }

    /// A closure that stands in the way of giving any of this on a platform: of the same thing, on whatever platform.
    #[must_use]
    pub fn in_the_way(&self, of: &[Revocable], on: &PlatformId) -> Option<(u64, &PlatformId)> {
        self.unconfirmed().find_map(|(index, closure)| {
            let meets = |what| of.iter().any(|one| self.meets(what, one));
            let concerns = closure.what.iter().any(|what| of.is_empty() || meets(what));
            let mut awaited = closure.platforms.iter();
            let unseen = awaited.find(|(platform, awaited)| {
                awaited.confirmed.is_none() && (concerns || (awaited.left && *platform == on))
            });
            unseen.map(|(platform, _)| (index, platform))
        })
    }

    /// Whether anything of this has to be seen closed on a platform for a closure: of the same thing, or all where the room was
    /// left. What names nothing is about everything.
    #[must_use]
    pub fn concerns(&self, closure: &Closure, on: &PlatformId, of: &[Revocable]) -> bool {
        let left = closure.platforms.get(on).is_some_and(|awaited| awaited.left);
        let meets = |what: &Revocable| of.iter().any(|one| self.meets(what, one));
        left || of.is_empty() || closure.what.iter().any(meets)
    }

    /// Whether a call that gives what has to be closed on a platform may still take effect there.
    #[must_use]
    pub fn is_late(&self, closure: &Closure, on: &PlatformId) -> bool {
        self.late_calls(closure, on) > 0
    }

    /// How many such calls there are.
    #[must_use]
    pub fn late_calls(&self, closure: &Closure, on: &PlatformId) -> usize {
        self.unsettled(on).filter(|(_, record)| self.reopens(closure, on, record)).count()
    }

    /// Whether a call gives anything of what has to be closed, or to whoever has to be out a place to be in, or sets a value that
    /// leaves it open.
    fn reopens(&self, closure: &Closure, on: &PlatformId, call: &EffectRecord) -> bool {
        let out = |what: &Revocable| matches!(what, Revocable::Member { .. } | Revocable::Room);
        let left = closure.platforms.get(on).is_some_and(|awaited| awaited.left);
        let gives = match call.effect {
            Effect::Grant => true,
            Effect::Neutral => left || closure.what.iter().any(out),
            Effect::Restrict | Effect::Revoke => false,
        };
        let leaves = !call.leaves.is_empty() && self.concerns(closure, on, &call.leaves);
        leaves || (gives && self.concerns(closure, on, &call.of))
    }

    /// Whether what is taken away and what is given have anything in common, by their structure alone: a room holds all, a
    /// member its datasets and approvals, a dataset its columns.
    #[must_use]
    pub fn meets(&self, one: &Revocable, other: &Revocable) -> bool {
        self.within(one, other) || self.within(other, one)
    }

    pub(super) fn within(&self, part: &Revocable, whole: &Revocable) -> bool {
        if part == whole {
            return true;
        }
        match (part, whole) {
            (_, Revocable::Room) => true,
            (
                Revocable::Dataset { dataset } | Revocable::Column { dataset, .. },
                Revocable::Member { member },
            ) => self.owned(dataset, member),
            (Revocable::Approval { of, .. }, Revocable::Member { member }) => of == member,
            (Revocable::Column { dataset, .. }, Revocable::Dataset { dataset: of }) => {
                dataset == of
            }
            (
                Revocable::Approval { template, digest, .. },
                Revocable::Template { template: name, digest: version },
            ) => template == name && digest == version,
            (
                Revocable::Room
                | Revocable::Member { .. }
                | Revocable::Dataset { .. }
                | Revocable::Column { .. }
                | Revocable::Template { .. }
                | Revocable::Approval { .. },
                _,
            ) => false,
        }
    }

    /// Whether a dataset is, or ever was, anybody's of an agreement; whatever is no dataset is.
    #[must_use]
    pub fn was_offered(&self, thing: &Revocable) -> bool {
        let Revocable::Dataset { dataset } = thing else { return true };
        self.offered.iter().any(|(name, ..)| name == dataset)
    }

    /// Whether a dataset is, or ever was, a member's.
    fn owned(&self, dataset: &DatasetName, member: &MemberId) -> bool {
        self.offered.iter().any(|(name, owner, _)| name == dataset && owner == member)
    }

    /// A call that gave something, or left it open, has ended: what was seen before that proves nothing of the same thing.
    pub(super) fn landed(&mut self, index: u64, call: &EffectRecord) {
        let on = &call.platform;
        let concerned = self.awaited(on).filter(|(_, closure)| self.reopens(closure, on, call));
        let concerned: Vec<u64> = concerned.map(|(at, _)| at).collect();
        for at in concerned {
            let closure = self.platforms.closures.get_mut(&at);
            if let Some(awaited) = closure.and_then(|closure| closure.platforms.get_mut(on)) {
                awaited.since = index;
            }
        }
    }

    /// What was given and is withdrawn or taken away, on one platform or on all, need not show itself any more, nor what rests on it.
    pub(super) fn forget_given(&mut self, on: Option<&PlatformId>, what: &[Revocable]) {
        let mut given = std::mem::take(&mut self.platforms.given);
        let concerned = |platform: &PlatformId| on.is_none_or(|on| on == platform);
        let meets = |thing: &Revocable| what.iter().any(|one| self.meets(thing, one));
        // What it rests on is gone with that or with what holds that, not with a part of it; of a column another value is.
        let ends = |on: &Revocable| {
            let column = |one: &Revocable| matches!(one, Revocable::Column { .. });
            what.iter().any(|one| self.within(on, one) || (column(one) && self.within(one, on)))
        };
        // What an owner's part reads of its own is not known here.
        let goes_along = |thing: &Revocable| {
            let Revocable::Approval { of, .. } = thing else { return false };
            let own = |one: &Revocable| matches!(one, Revocable::Dataset { dataset } if self.owned(dataset, of));
            what.iter().any(own)
        };
        for (_, given) in given.iter_mut().filter(|(platform, _)| concerned(platform)) {
            given.retain(|_, one| {
                one.own.retain(|thing| !meets(thing) && !goes_along(thing));
                !one.own.is_empty() && !one.rests_on.iter().any(ends)
            });
        }
        self.platforms.given = given;
    }

    /// From this leaf on, it has to be seen closed wherever anything was ever done or seen.
    pub(super) fn close(&mut self, index: u64, cause: Cause, what: Vec<Revocable>, at_ms: i64) {
        self.forget_given(None, &what);
        let touched = self.touched().filter(|platform| !self.has_left(platform));
        let awaited = |platform: &PlatformId| {
            (platform.clone(), Awaited { since: index, ..Awaited::default() })
        };
        let platforms: BTreeMap<_, _> = touched.map(awaited).collect();
        if platforms.is_empty() {
            return;
        }
        self.platforms.closures.insert(index, Closure { cause, what, at_ms, platforms });
    }

    /// Where anything was ever done or seen. Where no agreement was ever in force nothing was given, and nobody looks again.
    fn touched(&self) -> impl Iterator<Item = &PlatformId> {
        let Platforms { changed, holds, rooms, .. } = &self.platforms;
        let touched: BTreeSet<_> = changed.iter().chain(holds.keys()).collect();
        let known = touched.into_iter().filter(|platform| rooms.contains_key(*platform));
        known.filter(|platform| **platform != PlatformId::native())
    }

    /// Whether the agreement left a room and all of it was seen closed since: nothing is given there any more.
    fn has_left(&self, platform: &PlatformId) -> bool {
        let held = self.in_force.as_ref().is_none_or(|now| now.agreement.is_held_in(platform));
        let open = self.unsettled(platform).any(|(_, record)| record.effect > Effect::Restrict);
        let closures = self.platforms.closures.values().rev();
        let left = closures.filter_map(|closure| closure.platforms.get(platform));
        let left = left.filter(|awaited| awaited.left).map(|awaited| &awaited.confirmed).next();
        !held && !open && left.is_some_and(Option::is_some)
    }

    /// What the version that comes into force says no more, or says otherwise.
    pub(super) fn narrow(&mut self, index: u64, next: &Version, at_ms: i64) {
        let Some(old) = self.in_force.clone() else { return };
        let mut what: Vec<Revocable> = Vec::new();
        for (name, dataset) in &old.agreement.datasets {
            if next.agreement.datasets.get(name) != Some(dataset) {
                what.push(Revocable::Dataset { dataset: name.clone() });
            }
        }
        for (name, digest) in &old.templates {
            if next.templates.get(name) != Some(digest) {
                what.push(Revocable::Template { template: name.clone(), digest: *digest });
            }
        }
        for (name, member) in &old.agreement.members {
            let identity = next.agreement.members.get(name).map(|member| &member.identity);
            if identity != Some(&member.identity) {
                what.push(Revocable::Member { member: name.clone() });
            }
        }
        if !what.is_empty() {
            self.close(index, Cause::Narrowed, what, at_ms);
        }
        let left = |room: &&Room| !next.agreement.rooms.contains(room);
        let left = old.agreement.rooms.iter().filter(left).map(|room| &room.platform);
        let touched: BTreeSet<PlatformId> = self.touched().cloned().collect();
        for platform in left.filter(|platform| touched.contains(*platform)) {
            self.platforms.given.remove(platform);
            let closure = Closure {
                cause: Cause::Narrowed,
                what: Vec::new(),
                at_ms,
                platforms: BTreeMap::new(),
            };
            let closure = self.platforms.closures.entry(index).or_insert(closure);
            closure
                .platforms
                .insert(platform.clone(), Awaited { left: true, since: index, confirmed: None });
        }
        self.platforms.past.push(old.agreement);
    }
}
