//! What people do on a platform's console, and whoever no gateway operates on its own account.

use crate::case::{Deed, Kind};
use crate::deliver::WORLD;
use crate::pool::{self, dataset, member, template};
use crate::wanted::wanted;
use crate::world::{Event, Gift, Phase, World};
use adapter_spi::ResourceKind;
use airlock::log::Revocable;
use mappings::model::Digest;

impl World {
    /// What people do on a platform's console; whether it was that.
    pub(crate) fn by_hand(&mut self, deed: &Deed) -> bool {
        let now = self.now();
        let named = |all: &[&str], at: usize| all.get(at).map(|name| (*name).to_owned());
        let (at, kind, digest) = match deed {
            Deed::Leave { platform, member: who } => {
                let who = named(&pool::MEMBERS, *who).unwrap_or_default();
                (*platform, ResourceKind::Member(member(&who)), None)
            }
            Deed::DropDataset { platform, dataset: which } => {
                let which = named(&pool::DATASETS, *which).unwrap_or_default();
                (*platform, ResourceKind::Dataset(dataset(&which)), None)
            }
            Deed::DropApproval { platform, template: which, member: who } => {
                let which = named(&pool::TEMPLATES, *which).unwrap_or_default();
                let who = named(&pool::MEMBERS, *who).unwrap_or_default();
                (*platform, ResourceKind::Approval(template(&which), member(&who)), None)
            }
            Deed::Loosen { platform, dataset: which } => {
                let which = named(&pool::DATASETS, *which).unwrap_or_default();
                let kind = ResourceKind::Dataset(dataset(&which));
                (*platform, kind, Some(Digest::of(b"looser")))
            }
            Deed::Allow { platform, template: which, member: who } => {
                let which = template(&named(&pool::TEMPLATES, *which).unwrap_or_default());
                let who = named(&pool::MEMBERS, *who).unwrap_or_default();
                let holds = self.platforms.get(*platform).map(|platform| &platform.holds.things);
                let text = holds.and_then(|all| all.get(&ResourceKind::Template(which.clone())));
                let Some(digest) = text.map(|text| text.digest) else { return true };
                (*platform, ResourceKind::Approval(which, member(&who)), Some(digest))
            }
            Deed::Restore { platform } => {
                let last = self.platforms.get_mut(*platform).and_then(|p| p.dropped.pop());
                let Some((kind, digest)) = last else { return true };
                (*platform, kind, Some(digest))
            }
            Deed::Stranger { .. } | Deed::HalfCreate { .. } | Deed::Query { .. } => {
                self.at_platform(deed);
                return true;
            }
            _ => return false,
        };
        let Some(platform) = self.platforms.get_mut(at) else { return true };
        if let Some(digest) = digest {
            if !platform.holds.gone.contains(&kind) {
                let change = platform.put_by_hand(&kind, digest, now);
                if let Some(platform) = self.platforms.get(at) {
                    self.check.restored(platform, &change.kind);
                }
            }
        } else {
            let finally = matches!(deed, Deed::Leave { .. });
            if let ResourceKind::Dataset(name) = &kind {
                platform.withdraw_by_hand(self.pool, name, now);
            }
            let change = platform.drop_by_hand(&kind, finally, now);
            if let (Some(change), Some(platform)) = (change, self.platforms.get(at)) {
                self.check.dropped(platform, &change);
            }
        }
        true
    }

    /// An owner takes away what was just given, unless somebody has looked since.
    pub(crate) fn take_back(&mut self, at: usize, Gift { kind, held, intent }: &Gift) {
        let now = self.now();
        let Some(platform) = self.platforms.get_mut(at) else { return };
        let looked = self.check.last_shown(&platform.name) >= held.at_ms;
        let there = platform.holds.things.get(kind);
        let there = there.is_some_and(|now| (now.by, now.at_ms) == (held.by, held.at_ms));
        if looked || !there || self.phase != Phase::Faults {
            return;
        }
        if let ResourceKind::Dataset(name) = kind {
            platform.withdraw_by_hand(self.pool, name, now);
        }
        let Some(change) = platform.drop_by_hand(kind, false, now) else { return };
        self.faults.count(Kind::TakenAtOnce);
        self.line(WORLD, format_args!("{kind} is taken away at once at {at}, given by {intent}"));
        if let Some(platform) = self.platforms.get(at) {
            self.check.dropped(platform, &change);
            self.check.taken_back(platform, &change, *intent);
        }
    }

    /// What happens to a platform as a whole.
    fn at_platform(&mut self, deed: &Deed) {
        let now = self.now();
        let named = |all: &[&str], at: usize| all.get(at).map(|name| (*name).to_owned());
        match deed {
            Deed::Stranger { platform, there } => {
                if let Some(platform) = self.platforms.get_mut(*platform) {
                    platform.holds.stranger = *there;
                }
            }
            Deed::HalfCreate { platform } => {
                let part = crate::platform::native(&member("grocer"), "table", "sales");
                if let Some(platform) = self.platforms.get_mut(*platform) {
                    platform.put_by_hand(&part, Digest::of(b"table"), now);
                }
            }
            Deed::Query { platform, template: which } => {
                let which = template(&named(&pool::TEMPLATES, *which).unwrap_or_default());
                if let Some(platform) = self.platforms.get_mut(*platform) {
                    platform.query(self.pool, &which);
                }
            }
            _ => {}
        }
    }

    /// Whoever no gateway operates does its part.
    pub(crate) fn follow(&mut self, at: usize) {
        let now = self.now();
        let Some(platform) = self.platforms.get_mut(at) else { return };
        let Some(apart) = platform.apart.clone() else { return };
        let Some(desired) = self.check.oracle.desired(self.pool, &platform.name) else { return };
        let wanted = wanted(self.pool, &desired);
        let pool = self.pool;
        let own = |kind: &ResourceKind| {
            crate::platform::Platform::account(pool, kind).as_ref() == Some(&apart)
        };
        let held: Vec<(ResourceKind, Digest)> =
            platform.holds.things.iter().map(|(kind, held)| (kind.clone(), held.digest)).collect();
        let mut changed = false;
        // What was agreed anew before its closing was seen has to be seen closed all the same.
        let awaited = self.check.oracle.awaited(&platform.name);
        let closing = |kind: &ResourceKind, digest| {
            awaited.iter().any(|what| {
                // With a text go the owners' parts in it.
                let part = match (what, kind) {
                    (
                        Revocable::Template { template, digest: version },
                        ResourceKind::Approval(name, _),
                    ) => template == name && *version == digest,
                    _ => false,
                };
                part || crate::conflict::holds(pool, what, kind, digest)
            })
        };
        for (kind, digest) in &held {
            if own(kind) && (wanted.get(kind) != Some(digest) || closing(kind, *digest)) {
                platform.drop_by_hand(kind, false, now);
                changed = true;
            }
        }
        for (kind, digest) in wanted.iter().filter(|(kind, _)| own(kind)) {
            let due = !platform.holds.gone.contains(kind) && !closing(kind, *digest);
            if due && !platform.holds.things.contains_key(kind) {
                platform.put_by_hand(kind, *digest, now);
                changed = true;
            }
        }
        if changed {
            self.line(WORLD, format_args!("{apart} did its part at {at}"));
            for worker in 0..self.case.workers {
                self.after(1_000, Event::Wake { worker });
            }
        }
    }
}
