//! Which collaborations name an account on a platform: by it a word about an account finds the rooms that it may be about. Must not know
//! what is told, nor what an account is.

use crate::log::State;
use mappings::model::{CollaborationId, PlatformId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// An account on a platform.
pub(super) type Address = (PlatformId, String);

/// Every account that any agreement of a log ever named in a room that is looked at.
pub(super) fn addresses(state: &State) -> BTreeSet<Address> {
    let ever = state.rooms().values().chain(state.past()).map(AsRef::as_ref);
    let members = ever.chain(state.agreement()).flat_map(|agreement| agreement.members.values());
    let named = members.flat_map(|member| &member.identity);
    let looked_at = named.filter(|(platform, _)| state.rooms().contains_key(*platform));
    looked_at.map(|(platform, account)| (platform.clone(), account.clone())).collect()
}

/// The same of all logs of a worker.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    by: BTreeMap<Address, BTreeSet<Arc<CollaborationId>>>,
    of: BTreeMap<Arc<CollaborationId>, BTreeSet<Address>>,
}

impl Addresses {
    /// Takes in what a log names.
    pub(super) fn set(&mut self, collaboration: &CollaborationId, named: BTreeSet<Address>) {
        if self.of.get(collaboration) == Some(&named) {
            return;
        }
        self.forget(collaboration);
        let collaboration = Arc::new(collaboration.clone());
        for address in &named {
            self.by.entry(address.clone()).or_default().insert(Arc::clone(&collaboration));
        }
        self.of.insert(collaboration, named);
    }

    /// Forgets what another works on now.
    pub(super) fn retain(&mut self, mine: impl Fn(&CollaborationId) -> bool) {
        let theirs: Vec<_> = self.of.keys().filter(|one| !mine(one)).cloned().collect();
        for one in theirs {
            self.forget(&one);
        }
    }

    /// Who names an account.
    pub(super) fn at(&self, address: &Address) -> impl Iterator<Item = &CollaborationId> {
        self.by.get(address).into_iter().flatten().map(AsRef::as_ref)
    }

    fn forget(&mut self, collaboration: &CollaborationId) {
        for address in self.of.remove(collaboration).unwrap_or_default() {
            if let Some(named) = self.by.get_mut(&address) {
                named.remove(collaboration);
                if named.is_empty() {
                    self.by.remove(&address);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_names_an_account_is_found_as_long_as_it_does() {
        let [spring, autumn] = ["spring", "autumn"].map(|id| CollaborationId::new(id).unwrap());
        let address = |account: &str| (PlatformId::aws_clean_rooms(), account.to_owned());
        let mut all = Addresses::default();
        let at = |all: &Addresses, account: &str| {
            all.at(&address(account)).map(ToString::to_string).collect::<Vec<_>>()
        };
        all.set(&spring, BTreeSet::from([address("1"), address("2")]));
        all.set(&autumn, BTreeSet::from([address("2")]));
        assert_eq!((at(&all, "1"), at(&all, "2").len()), (vec!["spring".to_owned()], 2));
        all.set(&spring, BTreeSet::from([address("3")]));
        assert_eq!(at(&all, "2"), ["autumn"]);
        assert!(at(&all, "1").is_empty());
        all.retain(|one| *one == autumn);
        assert_eq!((all.by.len(), all.of.len()), (1, 1));
    }
}
