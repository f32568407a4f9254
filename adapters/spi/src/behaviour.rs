//! What an adapter counts on of a platform, whether that was seen on a real account, and what holds where it is otherwise. Must not
//! know any platform.

use mappings::table::Term;
use serde::{Deserialize, Serialize};

/// Something that a platform does, on which an adapter rests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Behaviour {
    /// Its stable code: kebab-case, one of its kind in the room.
    pub code: String,
    /// What is counted on.
    pub expects: String,
    /// Whether it was seen.
    pub standing: Standing,
    /// What comes of it where the platform does otherwise.
    pub otherwise: Otherwise,
    /// Why that is so.
    pub reason: String,
    /// The question of `airlock connections verify` that settles it; none where one account alone can't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_by: Option<String>,
    /// The agreed terms that rest on it.
    pub terms: Vec<Term>,
}

/// Whether a behaviour was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Standing {
    /// On an account of the platform.
    #[serde(rename = "verified")]
    Verified,
    /// In documents and against a stand-in alone.
    #[serde(rename = "unverified on a real account")]
    Unverified,
}

impl Standing {
    /// In words, the same as in documents.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Unverified => "unverified on a real account",
        }
    }
}

/// What comes of a behaviour that is not as expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Otherwise {
    /// Less is given, or a run fails.
    Closed,
    /// More would be admitted, and only where the owners waived the terms that rest on it.
    Waived,
    /// A figure may differ; nobody gets what was not agreed.
    Differs,
}

impl Otherwise {
    /// In words, for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Closed => "otherwise less is given",
            Self::Waived => "otherwise more is admitted, within what owners waived",
            Self::Differs => "otherwise a figure differs",
        }
    }
}
