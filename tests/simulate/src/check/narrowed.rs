//! What people took away on a platform: it does not come back by the gateway's hand unless somebody asked for it since.

use super::Check;
use crate::platform::{Change, Platform};
use crate::pool::revocable;
use crate::wanted::wanted;
use adapter_spi::ResourceKind;
use mappings::model::{Digest, PlatformId};

/// What a person took away on a platform while it was desired there.
#[derive(Debug, Clone)]
pub(super) struct Narrowed {
    platform: PlatformId,
    kind: ResourceKind,
    digest: Digest,
    size: u64,
    /// The intent of the call that gave it, where no look had shown it yet.
    gift: Option<u64>,
}

impl Check {
    /// Nothing that its owner took away there comes back by the gateway's hand unless somebody asked for it since.
    pub(super) fn tightened(
        &mut self,
        platform: &Platform,
        kind: &ResourceKind,
        digest: Digest,
        intent: Option<u64>,
    ) {
        let again = self.narrowed.iter().find(|taken| {
            taken.platform == platform.name
                && taken.kind == *kind
                && taken.digest == digest
                && intent >= Some(taken.size)
                && taken.gift.is_none_or(|gift| self.knew(gift, intent))
        });
        let Some(size) = again.map(|taken| taken.size) else { return };
        let asked = self.oracle.in_force_since >= size
            || self.oracle.reoffered.values().any(|at| *at >= size)
            || self.oracle.withdrawals.range(size..).next().is_some();
        self.hold(39, asked, || {
            format!("{kind} was taken away by hand on {} and is given again", platform.name)
        });
    }

    /// A person took something away there. It counts where it was desired, on record as held, and nothing of ours is on its way.
    pub(crate) fn dropped(&mut self, platform: &Platform, change: &Change) {
        let Some(before) = &change.before else { return };
        let Some(thing) = revocable(&change.kind, before.digest) else { return };
        let name = platform.name.as_str();
        let recorded = self.oracle.observed.get(name).is_some_and(|held| held.contains(&thing));
        let busy = self.oracle.intents.values().any(|intent| {
            intent.platform == name
                && intent.is_open()
                && (intent.of.is_empty()
                    || intent.sets_whole(&thing)
                    || intent.of.iter().any(|one| self.pool.meets(one, &thing)))
        });
        if recorded && !busy && self.is_wanted(platform, &change.kind, before.digest) {
            self.narrowed.push(Narrowed {
                platform: platform.name.clone(),
                kind: change.kind.clone(),
                digest: before.digest,
                size: self.oracle.size,
                gift: None,
            });
        }
    }

    /// A person took away what a call had just given, before any look: it counts once the call's answer is on record, which showed it.
    pub(crate) fn taken_back(&mut self, platform: &Platform, change: &Change, intent: u64) {
        let Some(before) = &change.before else { return };
        let wanted = match &change.kind {
            ResourceKind::Native(native) => {
                let dataset = crate::pool::dataset(&native.name);
                let desired = self.oracle.desired(self.pool, &platform.name);
                desired.is_some_and(|desired| {
                    wanted(self.pool, &desired).contains_key(&ResourceKind::Dataset(dataset))
                })
            }
            kind => self.is_wanted(platform, kind, before.digest),
        };
        if wanted {
            self.narrowed.push(Narrowed {
                platform: platform.name.clone(),
                kind: change.kind.clone(),
                digest: before.digest,
                size: intent + 1,
                gift: Some(intent),
            });
        }
    }

    /// Whether a call was planned on a record that said that another had shown what it gave, with nothing taken away by a call
    /// since.
    fn knew(&self, gift: u64, intent: Option<u64>) -> bool {
        let of = |index: Option<u64>| {
            self.oracle.intents.values().find(|known| Some(known.index) == index)
        };
        let (Some(gave), Some(again)) = (of(Some(gift)), of(intent)) else { return false };
        let mut taking = self.oracle.intents.values().filter(|known| {
            !known.gives() && known.platform == gave.platform && known.index > gift
        });
        let taken = taking.any(|known| {
            known.of.iter().any(|one| gave.of.iter().any(|other| self.pool.meets(one, other)))
                || known.of.is_empty()
        });
        gave.shown.is_some() && gave.shown < again.basis && !taken
    }

    /// A person put something there: what was taken away before is not missing any more.
    pub(crate) fn restored(&mut self, platform: &Platform, kind: &ResourceKind) {
        self.narrowed.retain(|taken| taken.platform != platform.name || taken.kind != *kind);
    }
}
