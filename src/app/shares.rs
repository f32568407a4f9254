//! What each member has of something that is for all, and how much it may have. Must not know what that is.

use mappings::model::MemberId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

type Taken = Arc<Mutex<BTreeMap<MemberId, Held>>>;

/// What is taken in a member's name.
#[derive(Debug, Default, Clone, Copy)]
struct Held {
    all: usize,
    /// By those with whom it shares, among them.
    of_guests: usize,
}

/// The same.
#[derive(Debug)]
pub(crate) struct Shares {
    most: Most,
    taken: Taken,
}

/// How much one member may have.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Most {
    /// So many.
    Each(usize),
    /// No more than are left of so many: whoever comes next finds as many as anybody has.
    AsManyAsAreLeft(usize),
}

/// Who takes a place of a member's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Itself,
    Guest,
}

/// A member's place, while it has it.
#[derive(Debug)]
pub(crate) struct Share(Taken, MemberId, By);

impl Most {
    /// How many places a member can have, where the others have what they have now.
    const fn of_one(self, of_others: usize) -> usize {
        match self {
            Self::Each(most) => most,
            Self::AsManyAsAreLeft(of) => of.saturating_sub(of_others).div_ceil(2),
        }
    }
}

impl Shares {
    pub(crate) fn of(most: Most) -> Self {
        Self { most, taken: Taken::default() }
    }

    /// A place for a member; none where it has its share.
    pub(crate) fn take(&self, member: &MemberId) -> Option<Share> {
        self.take_by(member, By::Itself)
    }

    /// A place of a member's for somebody with whom it shares. These have half of its places at most, so that they leave it as many as they have.
    pub(crate) fn take_for_guest(&self, member: &MemberId) -> Option<Share> {
        self.take_by(member, By::Guest)
    }

    fn take_by(&self, member: &MemberId, by: By) -> Option<Share> {
        let mut all = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let held = all.get(member).copied().unwrap_or_default();
        let in_all: usize = all.values().map(|held| held.all).sum();
        let most = self.most.of_one(in_all - held.all);
        let guest = usize::from(by == By::Guest);
        if held.all >= most || guest == 1 && held.of_guests >= most / 2 {
            return None;
        }
        let held = Held { all: held.all + 1, of_guests: held.of_guests + guest };
        all.insert(member.clone(), held);
        Some(Share(Arc::clone(&self.taken), member.clone(), by))
    }

    /// Whether nothing is kept of anybody.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get_mut(&self.1) {
            Some(held) if held.all > 1 => {
                held.all -= 1;
                held.of_guests -= usize::from(self.2 == By::Guest);
            }
            Some(_) | None => drop(all.remove(&self.1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(take: impl FnMut() -> Option<Share>) -> Vec<Share> {
        std::iter::from_fn(take).collect()
    }

    #[test]
    fn guests_leave_a_member_as_many_places_as_they_have() {
        let (grocer, brand): (MemberId, MemberId) =
            ("grocer".parse().unwrap(), "brand".parse().unwrap());
        for most in [Most::Each(8), Most::AsManyAsAreLeft(16)] {
            let shares = Shares::of(most);
            let guests = all(|| shares.take_for_guest(&grocer));
            assert_eq!(guests.len(), 4, "{most:?}");
            let own = all(|| shares.take(&grocer));
            assert_eq!(own.len(), 4, "{most:?}: the member fetches beside them");
            assert!(shares.take_for_guest(&brand).is_some(), "and others are as they were");
            drop(guests);
            assert_eq!(
                all(|| shares.take(&grocer)).len(),
                4,
                "{most:?}: what guests leave is its own"
            );
            drop(own);
            assert!(shares.is_empty());
            // The twin: the member alone has all of its places.
            assert_eq!(all(|| shares.take(&grocer)).len(), 8, "{most:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_comes_and_goes_a_member_alone_with_its_guests_has_a_place(
            steps in prop::collection::vec((any::<bool>(), any::<bool>(), any::<prop::sample::Index>()), 0..80)
        ) {
            let (shares, member) = (Shares::of(Most::AsManyAsAreLeft(16)), "grocer".parse().unwrap());
            let (mut own, mut guests): (Vec<Share>, Vec<Share>) = (Vec::new(), Vec::new());
            for (of_guest, comes, which) in steps {
                let held = if of_guest { &mut guests } else { &mut own };
                if comes {
                    held.extend(if of_guest { shares.take_for_guest(&member) } else { shares.take(&member) });
                } else if !held.is_empty() {
                    held.remove(which.index(held.len()));
                }
                prop_assert!(guests.len() <= 4 && own.len() + guests.len() <= 8);
                let may = shares.take(&member).is_some();
                prop_assert_eq!(may, own.len() + guests.len() < 8);
                prop_assert!(may || own.len() >= 4, "guests alone never keep it out");
            }
            drop((own, guests));
            prop_assert!(shares.is_empty());
        }
    }
}
