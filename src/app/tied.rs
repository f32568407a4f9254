//! What a caller ties a decision to: what was decided when it looked, and a key under which it is done once. Must not know who calls, or how.

use crate::error::{Error, Result};
use crate::keyed::Keyed;
use crate::log::{SecretKey, State};
use crate::store::{Once, Second};
use mappings::model::Digest;

/// The same; from the command line, nothing.
#[derive(Debug, Clone, Default)]
pub struct Tied {
    /// What the caller looked at.
    pub(crate) looked: Looked,
    /// The key under which it asks.
    pub(crate) once: Option<Once>,
    /// Which of two people it is, where two decide.
    pub(crate) eyes: Eyes,
}

/// Which of two people of a member decides; and on which agreement, where it takes two.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Eyes {
    /// One is enough.
    #[default]
    Enough,
    /// The first: everything is looked at as if it were decided, and nothing is.
    First(Digest),
    /// The second, with whom it is.
    Second(Second, Digest),
}

impl Eyes {
    /// Refuses where another agreement is in force or waits than both looked at.
    pub(super) fn hold(&self, state: &State) -> Result<()> {
        let (Self::First(agreement) | Self::Second(_, agreement)) = self else { return Ok(()) };
        if state.digest() == Some(*agreement) {
            return Ok(());
        }
        let message = "another agreement is in force or waits than two people looked at";
        Err(Error::refused("changed-meanwhile", message)
            .help("another look, and the decision again by two people on what it shows"))
    }
}

/// It would be decided, by a second person.
pub(super) fn second_needed() -> Error {
    Error::refused("second-needed", "two people of this member decide this")
        .help("the same by another person of the same member, within a day")
}

/// Characters of a mark.
const MARK: usize = 24;

/// What a caller looked at before it decided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Looked {
    /// Whatever it was, it is to be decided on what is there now.
    #[default]
    Anything,
    /// Nothing was agreed or proposed yet.
    Nothing,
    /// What was decided had this mark.
    At(String),
}

/// Makes the mark of what is decided, what is not on record yet among it. Effects and runs don't change it; and it tells nobody how long a log is,
/// since it is made under a key of the gateway's.
#[derive(Debug)]
pub(crate) struct Marks(Keyed);

impl Marks {
    pub(crate) fn of(key: &SecretKey) -> Self {
        Self(Keyed::of(key, "airlock/mark/v2"))
    }

    pub(crate) fn mark(&self, state: &State) -> String {
        let (recorded, due) = state.standing();
        let due: Vec<_> = due.collect();
        let text = serde_json::to_vec(&(state.collaboration(), recorded, due)).unwrap_or_default();
        self.0.word(&text, MARK)
    }
}

/// Why a decision on what is no more is not taken.
pub(crate) fn late() -> Error {
    let message = "something was decided since the caller looked";
    Error::refused("changed-meanwhile", message)
        .help("another look, and the decision again on what it shows")
}

impl Looked {
    /// Refuses a decision on something else than was looked at.
    pub(super) fn holds(&self, state: &State, marks: &Marks) -> Result<()> {
        match self {
            Self::Anything => Ok(()),
            Self::Nothing if state.agreement().is_none() => Ok(()),
            Self::Nothing => {
                let message = "what it is decided on is not said";
                Err(Error::invalid("if-match-missing", message)
                    .help("If-Match: the ETag of the collaboration that was looked at"))
            }
            Self::At(looked) if *looked == marks.mark(state) => Ok(()),
            Self::At(_) => Err(late()),
        }
    }
}
