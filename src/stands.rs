//! Where somebody stands towards a collaboration, in one word: the fold finds it out, stores keep it, doors ask for it.
//! Must not know why.

use mappings::model::MemberId;
use std::collections::BTreeMap;

/// Where a member stands towards a collaboration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stands {
    /// Named in the version that waits, and has not refused it.
    Invited,
    /// Of the version in force, and has not left; or, while none is in force, accepted the one that waits.
    Member,
    /// Was of a version in force, and left or was left out.
    Former,
}

/// Everybody who has anything to do with a collaboration.
pub type Parties = BTreeMap<MemberId, Stands>;

impl Stands {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Member => "member",
            Self::Former => "former",
        }
    }

    /// What a word says; nothing when it is none of those.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Invited, Self::Member, Self::Former].into_iter().find(|stands| stands.name() == word)
    }
}
