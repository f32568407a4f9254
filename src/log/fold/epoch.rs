//! The two verdicts on which no withdrawal is ever lost, over plain facts: whether something may be given, and whether a withdrawal
//! counts as closed. The fold asks them of every leaf. Must not know states or leaves.
//! The epoch of a withdrawal is its position in the log.

use super::Illegal;

/// What is known of something that would be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Giving {
    /// How long the log was that it was planned on.
    pub basis: u64,
    /// How long the log is.
    pub size: u64,
    /// How long it was after its newest decision.
    pub decided: u64,
    /// Whether it is agreed now, and nobody has withdrawn it.
    pub stands: bool,
    /// Whether a withdrawal of the same thing has not been seen closed somewhere.
    pub unconfirmed: bool,
}

impl Giving {
    /// Whether the plan is newer than every decision.
    ///
    /// # Errors
    /// `PlanStale`.
    pub const fn planned(self) -> Result<(), Illegal> {
        if self.basis > self.size || self.basis < self.decided {
            return Err(Illegal::PlanStale);
        }
        Ok(())
    }

    /// Whether it may be given.
    ///
    /// # Errors
    /// `Withdrawn`, `Unconfirmed`.
    pub const fn permitted(self) -> Result<(), Illegal> {
        match (self.stands, self.unconfirmed) {
            (false, _) => Err(Illegal::Withdrawn),
            (true, true) => Err(Illegal::Unconfirmed),
            (true, false) => Ok(()),
        }
    }
}

/// What is known of a withdrawal that would be called closed on a platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closing {
    /// Whether the platform has been seen closed already.
    pub confirmed: bool,
    /// Whole looks that showed nothing of it.
    pub reads: u32,
    /// Whether somebody who tried was served.
    pub served: bool,
    /// Whether a call that gives the same thing may still take effect there.
    pub late: bool,
}

impl Closing {
    /// Whether it counts as closed.
    ///
    /// # Errors
    /// `ConfirmedAlready`, `SeenOpen`, `GrantUnsettled`.
    pub const fn permitted(self) -> Result<(), Illegal> {
        if self.confirmed {
            return Err(Illegal::ConfirmedAlready);
        }
        if self.reads == 0 || self.served {
            return Err(Illegal::SeenOpen);
        }
        if self.late { Err(Illegal::GrantUnsettled) } else { Ok(()) }
    }
}
