//! What a platform can hold of an agreement, in which direction it errs, and who closes the gap.

pub use mappings::table::{Fidelity, Residual};

use mappings::model::{Agreement, PlatformId};
use mappings::table::{Table, Term};
use serde::{Deserialize, Serialize};

/// The verdict on one term.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The term.
    pub term: Term,
    /// Where it stands in the agreement, such as `datasets.transactions.rule.entities_min`.
    pub at: String,
    /// How it is held.
    pub fidelity: Fidelity,
    /// Who closes the gap.
    pub residual: Residual,
    /// The native construct; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub construct: String,
    /// Why it is so.
    pub reason: String,
}

impl Verdict {
    /// Whether the platform or somebody else holds the term as agreed, or more tightly.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        match self.fidelity {
            Fidelity::Exact | Fidelity::Narrower => true,
            Fidelity::Wider | Fidelity::Unsupported => !matches!(self.residual, Residual::None),
        }
    }

    /// Whether the platform admits more than was agreed, and nobody closes the gap.
    #[must_use]
    pub const fn is_wider(&self) -> bool {
        matches!((self.fidelity, self.residual), (Fidelity::Wider, Residual::None))
    }
}

/// All verdicts for one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// The platform.
    pub platform: PlatformId,
    /// One a term.
    pub verdicts: Vec<Verdict>,
}

impl Assessment {
    /// What a platform's table says of every term, wherever the agreement has it.
    #[must_use]
    pub fn by_table(platform: PlatformId, table: &Table, agreement: &Agreement) -> Self {
        let verdicts = table.term.iter().flat_map(|row| {
            row.term.places(agreement).into_iter().map(|at| Verdict {
                term: row.term,
                at,
                fidelity: row.fidelity,
                residual: row.residual,
                construct: row.construct.clone(),
                reason: row.reason.clone(),
            })
        });
        Self { platform, verdicts: verdicts.collect() }
    }

    /// An assessment of a room that holds every term as agreed: who closes it, and how, of each.
    #[must_use]
    pub fn exact(
        platform: PlatformId,
        agreement: &Agreement,
        held: impl Fn(Term) -> (Residual, &'static str),
    ) -> Self {
        let verdicts = Term::ALL.iter().flat_map(|term| {
            let (residual, reason) = held(*term);
            term.places(agreement).into_iter().map(move |at| Verdict {
                term: *term,
                at,
                fidelity: Fidelity::Exact,
                residual,
                construct: String::new(),
                reason: reason.to_owned(),
            })
        });
        Self { platform, verdicts: verdicts.collect() }
    }

    /// The assessment of a platform that nobody speaks to: it can't be held to anything.
    #[must_use]
    pub fn none(platform: PlatformId) -> Self {
        let verdict = Verdict {
            term: Term::Members,
            at: "rooms".to_owned(),
            fidelity: Fidelity::Unsupported,
            residual: Residual::None,
            construct: String::new(),
            reason: format!("this version has no adapter for {platform}; take the room out"),
        };
        Self { platform, verdicts: vec![verdict] }
    }

    /// Puts a verdict in the place of what was said of the same term there.
    pub fn say(&mut self, verdict: Verdict) {
        let same = |known: &&mut Verdict| known.term == verdict.term && known.at == verdict.at;
        match self.verdicts.iter_mut().find(same) {
            Some(known) => *known = verdict,
            None => self.verdicts.push(verdict),
        }
    }

    /// The terms that nobody holds and no owner can waive: an agreement with any of these is refused on this platform.
    pub fn refused(&self) -> impl Iterator<Item = &Verdict> {
        self.verdicts.iter().filter(|verdict| !verdict.is_held() && !verdict.is_wider())
    }

    /// The terms that the platform holds more loosely than agreed and nobody closes: it gets nothing until the owners whom
    /// it touches have waived each.
    pub fn wider(&self) -> impl Iterator<Item = &Verdict> {
        self.verdicts.iter().filter(|verdict| verdict.is_wider())
    }
}
