//! What each member has of something that is for all, and how much it may have. Must not know what that is.

use mappings::model::MemberId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

type Taken = Arc<Mutex<BTreeMap<MemberId, usize>>>;

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

/// A member's place, while it has it.
#[derive(Debug)]
pub(crate) struct Share(Taken, MemberId);

impl Shares {
    pub(crate) fn of(most: Most) -> Self {
        Self { most, taken: Taken::default() }
    }

    /// A place for a member; none where it has its share.
    pub(crate) fn take(&self, member: &MemberId) -> Option<Share> {
        let mut all = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let most = match self.most {
            Most::Each(most) => most,
            Most::AsManyAsAreLeft(of) => of.saturating_sub(all.values().sum()),
        };
        let taken = all.entry(member.clone()).or_default();
        if *taken >= most {
            return None;
        }
        *taken += 1;
        Some(Share(Arc::clone(&self.taken), member.clone()))
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
            Some(taken) if *taken > 1 => *taken -= 1,
            Some(_) | None => drop(all.remove(&self.1)),
        }
    }
}
