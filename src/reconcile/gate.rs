//! Why a step that gives something waits. The rule itself is the fold's, which applies it again when the intent is appended; here
//! is what only the look knows, and the reason in words. Pure.

use super::drift::said;
use super::pass::Look;
use super::report::Turn;
use crate::log::{Effect, Revocable};
use crate::reconcile::things::effect;
use adapter_spi::{NoteClass, Step};
use mappings::model::PlatformId;
use serde::Serialize;
use std::fmt;

/// Why a step waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "for")]
pub enum Wait {
    /// It doesn't.
    Nothing,
    /// Giving needs the lease on this collaboration, which another worker has.
    Lease,
    /// The log can't be read.
    Log {
        /// Stable code.
        code: String,
    },
    /// It was withdrawn, or is not agreed.
    Withdrawn,
    /// A withdrawal of the same thing was not seen closed everywhere.
    Closing {
        /// The withdrawal's position.
        revocation: u64,
        /// The first platform that was not seen closed.
        on: PlatformId,
    },
    /// Something is missing there, and it is not certain whether its owner took it away.
    Certainty {
        /// What.
        of: String,
    },
    /// A call that takes it away and whose end nobody knows may still land.
    Landing {
        /// The call's intent.
        step: String,
    },
    /// Somebody's part was not seen.
    Sight {
        /// Whose.
        members: Vec<String>,
    },
    /// The platform says something that this version has no word for.
    Word {
        /// Where.
        at: String,
    },
}

impl Wait {
    /// The same by code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Lease => "lease",
            Self::Log { .. } => "log",
            Self::Withdrawn => "withdrawn",
            Self::Closing { .. } => "closing",
            Self::Certainty { .. } => "certainty",
            Self::Landing { .. } => "landing",
            Self::Sight { .. } => "sight",
            Self::Word { .. } => "word",
        }
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Lease => f.write_str("the worker that has the lease on this collaboration"),
            Self::Log { code } => write!(f, "the log, which can't be read or written [{code}]"),
            Self::Withdrawn => f.write_str("a new grant: it was withdrawn, or is not agreed"),
            Self::Closing { revocation, on } => {
                write!(f, "the withdrawal at leaf {revocation} to be seen closed on {on}")
            }
            Self::Certainty { of } => write!(f, "certainty whether {of} was taken away there"),
            Self::Landing { step } => write!(f, "the end of {step}, which takes it away"),
            Self::Sight { members } => write!(f, "a look at the part of {}", members.join(", ")),
            Self::Word { at } => write!(f, "a version that knows what {at} means"),
        }
    }
}

/// Whether a step that gives may be done now.
pub(super) fn gate(
    turn: &Turn<'_>,
    look: &Look,
    (step, of): (&Step, &[Revocable]),
    unread: Option<&'static str>,
) -> Result<(), Wait> {
    if let Some(code) = unread {
        return Err(Wait::Log { code: code.to_owned() });
    }
    if look.state.decided() > look.state.size() {
        return Err(Wait::Log { code: "withdrawal-not-recorded".to_owned() });
    }
    if turn.fence.is_none() && !turn.looks_only {
        return Err(Wait::Lease);
    }
    let meets = |one: &Revocable, of: &[Revocable]| {
        of.is_empty() || of.iter().any(|other| look.state.meets(one, other))
    };
    if let Some(thing) = look.unsure.iter().find(|thing| meets(thing, of)) {
        return Err(Wait::Certainty { of: said(thing) });
    }
    if !look.is_whole() {
        let members = look.seen.unseen.keys().map(ToString::to_string).collect();
        return Err(Wait::Sight { members });
    }
    if effect(step.effect) < Effect::Grant {
        return Ok(());
    }
    let lands = look.state.unsettled(turn.adapter.platform()).find(|(_, record)| {
        record.effect <= Effect::Restrict && record.of.iter().any(|one| meets(one, of))
    });
    if let Some((step, _)) = lands {
        return Err(Wait::Landing { step: step.to_string() });
    }
    let unknown = look.seen.notes.iter().find(|note| {
        let thing = look.subject.thing(&note.kind);
        note.class == NoteClass::Unknown && thing.is_none_or(|thing| meets(&thing, of))
    });
    if let Some(note) = unknown {
        return Err(Wait::Word { at: note.at.clone() });
    }
    let platform = turn.adapter.platform();
    match look.state.may_give(of, platform) {
        Ok(()) => Ok(()),
        Err(_) => Err(match look.state.in_the_way(of, platform) {
            Some((revocation, on)) => Wait::Closing { revocation, on: on.clone() },
            None => Wait::Withdrawn,
        }),
    }
}
