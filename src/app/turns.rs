//! Who asks platforms from outside now: few at a time, and a member once. What is asked so costs the accounts calls that the worker needs. Must not
//! know what is asked.

use super::shares::{Most, Share, Shares};
use crate::error::{Error, Result};
use mappings::model::MemberId;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Members who may ask at a time.
const ASKING_MAX: usize = 2;

/// The same.
#[derive(Debug, Default)]
pub(crate) struct Asking(Mutex<BTreeSet<MemberId>>);

/// A member's turn, while it has it.
#[derive(Debug)]
pub(super) struct Turn<'a>(&'a Asking, MemberId);

impl Asking {
    /// A member's turn; refused while it has one, or others have all.
    pub(super) fn take(&self, member: &MemberId) -> Result<Turn<'_>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.contains(member) {
            let message = "this member is asking platforms already";
            return Err(Error::refused("platforms-asked-already", message)
                .help("the same again, once that has its answer"));
        }
        if all.len() >= ASKING_MAX {
            let message = "others are asking platforms now";
            return Err(Error::refused("platforms-busy", message).help("the same again, later"));
        }
        all.insert(member.clone());
        Ok(Turn(self, member.clone()))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

/// Members to whom something goes on its way: none has more of that under way than it leaves to others.
#[derive(Debug)]
pub(crate) struct Fetching(Shares);

impl Fetching {
    pub(super) fn of(of: usize) -> Self {
        Self(Shares::of(Most::AsManyAsAreLeft(of)))
    }

    /// One more.
    pub(super) fn take(&self, member: &MemberId) -> Result<Share> {
        self.0.take(member).ok_or_else(at_once)
    }

    /// One more, for somebody with whom the member shares.
    pub(super) fn take_for_guest(&self, member: &MemberId) -> Result<Share> {
        self.0.take_for_guest(member).ok_or_else(at_once)
    }
}

fn at_once() -> Error {
    let message = "as many results are fetched as this gateway, or this member, fetches at a time";
    Error::refused("fetching-at-once", message).help("the same again, once another is there")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_asks_once_at_a_time_and_two_do_in_all() {
        let asking = Asking::default();
        let [grocer, brand, press] = ["grocer", "brand", "press"].map(|name| name.parse().unwrap());
        let code = |member| asking.take(member).err().map(|error| error.code);
        let one = asking.take(&grocer).unwrap();
        assert_eq!(code(&grocer).as_deref(), Some("platforms-asked-already"));
        let two = asking.take(&brand).unwrap();
        assert_eq!(code(&press).as_deref(), Some("platforms-busy"));
        drop(one);
        assert_eq!(
            (code(&brand).as_deref(), code(&press)),
            (Some("platforms-asked-already"), None)
        );
        drop(two);
        assert_eq!(code(&grocer), None);
        assert!(asking.0.lock().unwrap().is_empty());
    }

    #[test]
    fn nobody_fetches_more_than_it_leaves_to_others() {
        let fetching = Fetching::of(4);
        let [grocer, brand] = ["grocer", "brand"].map(|name| name.parse().unwrap());
        let all = |member: &MemberId| -> Vec<Share> {
            std::iter::from_fn(|| fetching.take(member).ok()).collect()
        };
        let (first, second) = (all(&grocer), all(&brand));
        assert_eq!((first.len(), second.len()), (2, 1));
        assert_eq!(fetching.take(&grocer).err().unwrap().code, "fetching-at-once");
        drop((first, second));
        assert!(fetching.0.is_empty() && fetching.take(&brand).is_ok());
    }
}
