//! What a caller may ask for about a collaboration, all of it at once, for whoever shows it what it may do. It is what would be said to each of
//! them by itself (`may_on`), now; whoever asks is asked again. Must not know how it is shown.

use super::{Desk, word};
use crate::access::{Action, On};
use crate::store::Stands;
use mappings::model::CollaborationId;
use std::collections::BTreeSet;

/// The same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Offers {
    open: BTreeSet<Action>,
    forbidden: BTreeSet<Action>,
}

impl Offers {
    /// Whether it may be asked for.
    pub(crate) fn may(&self, action: Action) -> bool {
        self.open.contains(&action)
    }

    /// Whether the caller's roles would let it, and a policy of the operator does not.
    pub(crate) fn is_forbidden(&self, action: Action) -> bool {
        self.forbidden.contains(&action)
    }
}

impl Desk<'_> {
    /// What may be asked for about a collaboration by who stands so; any other word is that nobody knows how it stands.
    pub(crate) fn offers(&self, name: &str, standing: &str) -> Offers {
        let stands = [Stands::Member, Stands::Invited, Stands::Former];
        let stands = stands.into_iter().find(|one| word(*one) == standing);
        let (on, of) = (On::Collaboration(stands), name.parse::<CollaborationId>().ok());
        let permitted = Action::all().filter(|action| match stands {
            Some(_) => self.caller.may_on(*action, on),
            None => self.caller.may(*action),
        });
        let (forbidden, open) =
            permitted.partition(|action| self.house.forbids(self.caller, *action, on, of.as_ref()));
        Offers { open, forbidden }
    }
}
