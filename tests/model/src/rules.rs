//! How large the world is and which of its rules are switched off. Every rule but the last three is the product's own; a test
//! proves of each that the model notices when it is gone. Must not know states.

/// A rule that can be switched off, to see what would be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// The fold: a plan is newer than every decision.
    Basis,
    /// The fold: nothing is given while a withdrawal of it has not been seen closed somewhere.
    Unconfirmed,
    /// The fold: nothing is given that is withdrawn.
    Standing,
    /// The fold and the workers: nothing is called closed while a call that gives it may still take effect.
    LateGrant,
    /// The store: an append under an older token is refused.
    Fence,
    /// The workers: where answers may be old, two looks agree before anything is called closed.
    LookTwice,
    /// The workers: what has not been seen closed is not wanted, even when it was granted anew.
    Wanted,
    /// The workers: an open intent is settled only once nothing of it can be delivered any more.
    LateBound,
    /// The workers: a call that gives leaves soon after its intent, or not at all.
    SendBound,
    /// The workers: an intent of unknown end is settled at all.
    Settling,
    /// A look counts for nothing while a call that gives the same may still take effect.
    CountLate,
    /// What a look proves is judged by the log as it was read before the look, not after it.
    JudgeReread,
    /// Two looks are apart when the second began long enough after the first ended, not when it was judged.
    ApartByEnd,
}

impl Break {
    /// Each of them.
    pub const ALL: [Self; 13] = [
        Self::Basis,
        Self::Unconfirmed,
        Self::Standing,
        Self::LateGrant,
        Self::Fence,
        Self::LookTwice,
        Self::Wanted,
        Self::LateBound,
        Self::SendBound,
        Self::Settling,
        Self::CountLate,
        Self::JudgeReread,
        Self::ApartByEnd,
    ];

    /// What it is called on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Basis => "basis",
            Self::Unconfirmed => "unconfirmed",
            Self::Standing => "standing",
            Self::LateGrant => "late-grant",
            Self::Fence => "fence",
            Self::LookTwice => "look-twice",
            Self::Wanted => "wanted",
            Self::LateBound => "late-bound",
            Self::SendBound => "send-bound",
            Self::Settling => "settling",
            Self::CountLate => "count-late",
            Self::JudgeReread => "judge-reread",
            Self::ApartByEnd => "apart-by-end",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

/// The bounds of a world and what is switched off in it.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Platforms, at most three.
    pub platforms: u8,
    /// Withdrawals that are not seen closed everywhere at any one time, at most three; over time there is no end of them.
    pub epochs: u8,
    /// Whether an answer may be old, so that two looks have to agree.
    pub lags: bool,
    broken: u16,
}

impl Rules {
    /// A whole world of that size.
    #[must_use]
    pub const fn new(platforms: u8, epochs: u8, lags: bool) -> Self {
        Self { platforms, epochs, lags, broken: 0 }
    }

    /// The same with a rule switched off.
    #[must_use]
    pub const fn without(self, rule: Break) -> Self {
        Self { broken: self.broken | 1 << rule as u16, ..self }
    }

    /// Whether a rule is on.
    #[must_use]
    pub const fn has(self, rule: Break) -> bool {
        self.broken & (1 << rule as u16) == 0
    }

    /// Looks that must agree before a withdrawal counts as closed.
    #[must_use]
    pub const fn looks(self) -> u32 {
        if self.lags && self.has(Break::LookTwice) { 2 } else { 1 }
    }
}
