//! Who is a party of the collaboration, and from which leaf to which one. Must not know what a party is shown.

use super::State;
use crate::log::leaf::{Body, Revocable};
use crate::stands::{Parties, Stands};
use mappings::model::{Agreement, MemberId};
use std::collections::BTreeMap;

/// The leaves between which a member belongs to the collaboration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tenure {
    /// By which leaf the first version with it came into force.
    pub since: u64,
    /// By which leaf that was over: its own, by which it left, or the one by which a version without it came into force. Before
    /// `since` where it accepted, left, and the version came into force all the same.
    pub until: Option<u64>,
}

/// What the fold keeps of it. Neither is ever taken back: whoever has left can't be proposed again, and nobody else is left out.
#[derive(Debug, Clone, Default)]
pub(super) struct Tenures {
    since: BTreeMap<MemberId, u64>,
    until: BTreeMap<MemberId, u64>,
}

impl Tenures {
    /// A version came into force by this leaf.
    pub(super) fn bind(&mut self, index: u64, agreement: &Agreement) {
        for member in agreement.members.keys() {
            self.since.entry(member.clone()).or_insert(index);
        }
        for member in self.since.keys().filter(|member| !agreement.members.contains_key(*member)) {
            self.until.entry(member.clone()).or_insert(index);
        }
    }

    /// A member left by this leaf. That it says so again changes nothing.
    pub(super) fn leave(&mut self, index: u64, member: &MemberId) {
        self.until.entry(member.clone()).or_insert(index);
    }
}

/// Whether such a leaf may change who is a party.
pub(in crate::log) const fn moves(body: &Body) -> bool {
    match body {
        Body::Proposed { .. } | Body::Joined { .. } | Body::Declined { .. } => true,
        Body::Revoked { what, .. } => matches!(what, Revocable::Member { .. }),
        Body::Opened { .. }
        | Body::Approved { .. }
        | Body::WaiverGiven { .. }
        | Body::Reoffered { .. }
        | Body::FoundWithdrawn { .. }
        | Body::EffectIntended { .. }
        | Body::EffectOutcome { .. }
        | Body::RoomObserved { .. }
        | Body::RevocationConfirmed { .. }
        | Body::DriftFound { .. }
        | Body::RunRequested { .. }
        | Body::ResultShared { .. }
        | Body::RecipientKeyed { .. }
        | Body::ShareEnded { .. }
        | Body::ShareRead { .. }
        | Body::Scheduled { .. }
        | Body::Unscheduled { .. }
        | Body::SlotRefused { .. }
        | Body::RunFailed { .. }
        | Body::RunCancelled { .. }
        | Body::DeliveryIntended { .. }
        | Body::RunSucceeded { .. } => false,
    }
}

impl State {
    /// Everybody who is or was a party, by what is on record: a withdrawal that is only pending makes nobody a former one.
    #[must_use]
    pub fn parties(&self) -> Parties {
        let left = |member: &MemberId| self.tenures.until.contains_key(member);
        let bound = self.tenures.since.keys().map(|member| {
            (member.clone(), if left(member) { Stands::Former } else { Stands::Member })
        });
        let mut parties: Parties = bound.collect();
        let Some(version) = &self.waiting else { return parties };
        let asked = version.agreement.members.keys();
        for member in asked.filter(|member| !left(member) && !version.declined.contains(*member)) {
            let accepted = self.in_force.is_none() && version.accepted.contains(member);
            let stands = if accepted { Stands::Member } else { Stands::Invited };
            parties.entry(member.clone()).or_insert(stands);
        }
        parties
    }

    /// From which leaf to which one somebody belongs to the collaboration; nothing of whoever was never of a version in force.
    #[must_use]
    pub fn tenure(&self, member: &MemberId) -> Option<Tenure> {
        let since = *self.tenures.since.get(member)?;
        Some(Tenure { since, until: self.tenures.until.get(member).copied() })
    }
}
