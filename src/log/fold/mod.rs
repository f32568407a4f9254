//! The fold: leaves in, state out. Pure, total and deterministic; the same code decides what may be appended and
//! what an auditor accepts. Must not know stores, clocks, keys' secrets or trees.
//!
//! Time. A leaf is never earlier than the one before it, so a clock that steps back cannot refill the cap: until
//! real time catches up, every leaf carries the latest time seen. A clock that once stepped far forward cannot be
//! undone either: attempts made under it count until real time has passed it by the window.

mod closures;
mod effects;
mod epoch;
mod illegal;
mod legal;
mod parties;
mod permit;
mod platforms;
mod proposals;
mod runs;
mod schedules;
mod shares;

pub use closures::{Awaited, Cause, Closure, Confirmed};
pub use epoch::{Closing, Giving};
pub use illegal::{FoldError, Illegal};
pub use parties::Tenure;
pub use permit::{Denied, RunRequest};
pub use platforms::{Alarm, EffectRecord, Holding, OpenIntent};
pub use proposals::{Became, Proposal};
pub use runs::{OpenRun, Run, RunStatus};
pub use schedules::{LastSlot, Schedule, SlotOutcome};
pub use shares::{READS_MAX, Recipient, Recipients, Share, ShareToken};

pub(super) use parties::moves as moves_parties;

use super::keys::{PublicKey, Signature};
use super::leaf::{Body, Leaf, Revocable, TermPath, Touched};
use mappings::model::{
    Agreement, CollaborationId, DatasetName, Digest, Location, MemberId, PlatformId, RunId,
    ScheduleId, TemplateName,
};
use parties::Tenures;
use platforms::Platforms;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One proposal of an agreement and what its members said to it.
#[derive(Debug, Clone)]
pub struct Version {
    /// The position of the proposal.
    pub index: u64,
    /// The digest of the document.
    pub digest: Digest,
    /// The document.
    pub agreement: Arc<Agreement>,
    /// The digest of each of its templates.
    pub templates: BTreeMap<TemplateName, Digest>,
    /// Who accepted it.
    pub accepted: BTreeSet<MemberId>,
    /// Who refused it.
    pub declined: BTreeSet<MemberId>,
}

/// Where a member stands towards the newest agreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberState {
    /// Asked, no answer yet.
    Invited,
    /// Accepted.
    Joined,
    /// Refused.
    Declined,
    /// Left for good.
    Revoked,
}

/// Something that was found withdrawn on a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The position of the leaf that says so.
    pub index: u64,
    /// Where.
    pub platform: PlatformId,
    /// Who has offered it again.
    pub again: BTreeSet<MemberId>,
    /// The position at which all had who have to: its owner, of a whole room every member.
    pub lifted: Option<u64>,
}

type Offered = (DatasetName, MemberId, BTreeMap<PlatformId, Location>);
/// A term of an agreement on a platform.
type Waivable = (Digest, PlatformId, TermPath);

/// Everything that a collaboration's leaves say.
#[derive(Debug, Clone, Default)]
pub struct State {
    size: u64,
    last_at_ms: i64,
    collaboration: Option<CollaborationId>,
    gateway: Option<PublicKey>,
    in_force: Option<Version>,
    waiting: Option<Version>,
    /// Every version that was put before the members, in order.
    proposals: Vec<Proposal>,
    keys: BTreeMap<MemberId, PublicKey>,
    approvals: BTreeMap<(TemplateName, Digest), BTreeMap<MemberId, u64>>,
    tombstones: BTreeMap<Revocable, u64>,
    waivers: BTreeMap<Waivable, BTreeSet<MemberId>>,
    runs: BTreeMap<RunId, Run>,
    /// What the newest run of each template reads.
    touched: BTreeMap<TemplateName, Arc<Touched>>,
    attempts: Vec<i64>,
    schedules: BTreeMap<ScheduleId, Schedule>,
    recipients: Recipients,
    /// Digests of every token that was given.
    share_tokens: shares::Given,
    /// Every dataset that ever was in force: its name, its owner, its places.
    offered: Vec<Offered>,
    found: BTreeMap<Revocable, Found>,
    platforms: Platforms,
    tenures: Tenures,
    decided: u64,
    /// The same without what is not on record.
    recorded: u64,
    /// Whether a member signed a proposal. Earlier builds wrote the members' next versions as their own.
    signed_proposal: bool,
    signed_at_last: BTreeSet<Signature>,
}

impl State {
    /// The state that these leaves make, in their order from position 0.
    pub fn fold<'a>(leaves: impl IntoIterator<Item = (u64, &'a Leaf)>) -> Result<Self, FoldError> {
        let mut state = Self::default();
        leaves.into_iter().try_for_each(|(index, leaf)| state.apply(index, leaf))?;
        Ok(state)
    }

    /// Whether this leaf may come next. Nothing is appended without it.
    pub fn check(&self, leaf: &Leaf) -> Result<(), FoldError> {
        self.legal(leaf).and_then(|signer| Self::signed(leaf, signer)).map_err(|why| self.at(why))
    }

    /// Takes the next leaf in, or refuses it and stays as it was.
    pub fn apply(&mut self, index: u64, leaf: &Leaf) -> Result<(), FoldError> {
        if index != self.size {
            return Err(self.at(Illegal::Position));
        }
        self.check(leaf)?;
        self.record(leaf);
        Ok(())
    }

    /// Takes the next leaf in and leaves its signature to the caller, who gets the key it must be by.
    pub(super) fn apply_unsigned(&mut self, leaf: &Leaf) -> Result<Option<PublicKey>, FoldError> {
        let signer = self.legal(leaf).map_err(|why| self.at(why))?;
        self.record(leaf);
        Ok(signer)
    }

    const fn at(&self, why: Illegal) -> FoldError {
        FoldError { index: self.size, why }
    }

    fn signed(leaf: &Leaf, signer: Option<PublicKey>) -> Result<(), Illegal> {
        let Some(key) = signer else { return Ok(()) };
        let good = leaf.signature.is_some_and(|made| key.verifies(&leaf.signed_bytes(), &made));
        if good { Ok(()) } else { Err(Illegal::Signature) }
    }

    /// How many leaves it has taken in.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// How long the log was after its newest decision: what is desired of platforms has not changed since.
    #[must_use]
    pub const fn decided(&self) -> u64 {
        self.decided
    }

    /// The time of the newest leaf.
    #[must_use]
    pub const fn last_at_ms(&self) -> i64 {
        self.last_at_ms
    }

    /// Whose log this is.
    #[must_use]
    pub const fn collaboration(&self) -> Option<&CollaborationId> {
        self.collaboration.as_ref()
    }

    /// The key under which the log's checkpoints are signed.
    #[must_use]
    pub const fn gateway(&self) -> Option<&PublicKey> {
        self.gateway.as_ref()
    }

    /// The agreement that every member accepted last.
    #[must_use]
    pub const fn in_force(&self) -> Option<&Version> {
        self.in_force.as_ref()
    }

    /// The proposal that still waits for members.
    #[must_use]
    pub const fn waiting(&self) -> Option<&Version> {
        self.waiting.as_ref()
    }

    /// The agreement in force, or else the one that waits.
    #[must_use]
    pub fn agreement(&self) -> Option<&Agreement> {
        self.in_force().or(self.waiting()).map(|version| version.agreement.as_ref())
    }

    /// The digest of [`State::agreement`].
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        self.in_force().or(self.waiting()).map(|version| version.digest)
    }

    /// Where every member of the newest agreement stands: the one that waits, or else the one in force.
    #[must_use]
    pub fn members(&self) -> BTreeMap<MemberId, MemberState> {
        let newest = self.waiting().or(self.in_force());
        let stand = |version: &Version, member: &MemberId| {
            if self.revoked(&Revocable::Member { member: member.clone() }).is_some() {
                MemberState::Revoked
            } else if version.accepted.contains(member) {
                MemberState::Joined
            } else if version.declined.contains(member) {
                MemberState::Declined
            } else {
                MemberState::Invited
            }
        };
        let members =
            newest.into_iter().flat_map(|v| v.agreement.members.keys().map(move |m| (v, m)));
        members.map(|(version, member)| (member.clone(), stand(version, member))).collect()
    }

    /// The key under which a member decides.
    #[must_use]
    pub fn key(&self, member: &MemberId) -> Option<&PublicKey> {
        self.keys.get(member)
    }

    /// Every member's key that the log has seen.
    #[must_use]
    pub const fn keys(&self) -> &BTreeMap<MemberId, PublicKey> {
        &self.keys
    }

    /// Whose approvals of this template version hold now.
    #[must_use]
    pub fn approvals(&self, template: &TemplateName, digest: Digest) -> BTreeSet<MemberId> {
        let given = self.approvals.get(&(template.clone(), digest));
        let holds = |member: &&MemberId| self.approved(member, template, digest);
        given.into_iter().flat_map(BTreeMap::keys).filter(holds).cloned().collect()
    }

    /// Who consented to a platform's holding a term of this agreement more loosely, and has not left.
    #[must_use]
    pub fn waived(
        &self,
        agreement: Digest,
        platform: &PlatformId,
        at: &TermPath,
    ) -> BTreeSet<MemberId> {
        let given = self.waivers.get(&(agreement, platform.clone(), at.clone()));
        let stays =
            |m: &&MemberId| self.revoked(&Revocable::Member { member: (*m).clone() }).is_none();
        given.into_iter().flatten().filter(stays).cloned().collect()
    }

    /// Every term of this agreement of which somebody consented so, room by room, and who did and has not left.
    pub fn waivers(
        &self,
        agreement: Digest,
    ) -> impl Iterator<Item = (&PlatformId, &TermPath, BTreeSet<MemberId>)> {
        let of = self.waivers.keys().filter(move |(of, _, _)| *of == agreement);
        let given = of.map(move |(_, room, at)| (room, at, self.waived(agreement, room, at)));
        given.filter(|(_, _, by)| !by.is_empty())
    }

    /// Every withdrawal and the position of its newest leaf. A template's or an approval's may be superseded by a
    /// newer approval; ask [`State::approvals`] what holds.
    #[must_use]
    pub const fn revocations(&self) -> &BTreeMap<Revocable, u64> {
        &self.tombstones
    }

    /// The position of the newest withdrawal of exactly this, by a member or found on a platform and not offered again since.
    #[must_use]
    pub fn revoked(&self, what: &Revocable) -> Option<u64> {
        let found = self.found.get(what).filter(|found| found.lifted.is_none());
        self.tombstones.get(what).copied().max(found.map(|found| found.index))
    }

    /// The same with more withdrawn, as the next leaves would do it; but they are not on record.
    #[must_use]
    pub fn denying(&self, more: Vec<Revocable>) -> Self {
        let mut state = self.clone();
        state.decided = state.size.saturating_add(more.len() as u64);
        state.tombstones.extend(more.into_iter().map(|what| (what, self.size)));
        state
    }

    /// How long the log was after its newest decision on record, and what is withdrawn beyond that.
    #[cfg(feature = "gateway")]
    pub(crate) fn standing(&self) -> (u64, impl Iterator<Item = &Revocable>) {
        let due = self.tombstones.iter().filter(|(_, at)| **at >= self.size);
        (self.recorded, due.map(|(what, _)| what))
    }

    /// What owners took away on platforms themselves.
    #[must_use]
    pub const fn found(&self) -> &BTreeMap<Revocable, Found> {
        &self.found
    }

    /// Every run by id.
    #[must_use]
    pub const fn runs(&self) -> &BTreeMap<RunId, Run> {
        &self.runs
    }

    /// When runs were requested, oldest first.
    #[must_use]
    pub fn attempts(&self) -> &[i64] {
        &self.attempts
    }

    /// How many runs were requested within the window that ends now. Time that the log has seen does not unhappen.
    #[must_use]
    pub fn attempts_within(&self, now_ms: i64, window_ms: i64) -> u64 {
        let since = now_ms.max(self.last_at_ms).saturating_sub(window_ms);
        (self.attempts.len() - self.attempts.partition_point(|at| *at <= since)) as u64
    }

    /// Writes down a leaf that was found legal.
    fn record(&mut self, leaf: &Leaf) {
        let index = self.size;
        self.size += 1;
        if leaf.at_ms > self.last_at_ms {
            self.signed_at_last.clear();
        }
        self.signed_at_last.extend(leaf.signature);
        self.last_at_ms = leaf.at_ms;
        if leaf.body.is_decision() {
            self.decided = self.size;
            self.recorded = self.size;
        }
        match &leaf.body {
            Body::Opened { gateway } => {
                self.gateway = Some(*gateway);
                self.collaboration = Some(leaf.collaboration.clone());
            }
            Body::Proposed { agreement, digest } => {
                self.signed_proposal |= leaf.signature.is_some();
                self.waiting = Some(Version::proposed(index, *digest, agreement));
                self.proposals.push(Proposal::new(index, leaf, *digest));
            }
            Body::Joined { member, key, .. } => self.record_joined(index, leaf.at_ms, member, *key),
            Body::Declined { member } => self.record_declined(member),
            Body::Approved { member, template, digest } => {
                let given = self.approvals.entry((template.clone(), *digest)).or_default();
                given.insert(member.clone(), index);
            }
            Body::WaiverGiven { member, platform, at, agreement } => {
                let term = (*agreement, platform.clone(), at.clone());
                self.waivers.entry(term).or_default().insert(member.clone());
            }
            Body::Revoked { what, .. } => {
                self.tombstones.insert(what.clone(), index);
                if let Revocable::Member { member } = what {
                    self.tenures.leave(index, member);
                }
                self.close(index, Cause::Withdrawn, vec![what.clone()], leaf.at_ms);
            }
            Body::FoundWithdrawn { platform, what, .. } => {
                let (platform, again) = (platform.clone(), BTreeSet::new());
                let found = Found { index, platform, again, lifted: None };
                self.found.insert(what.clone(), found);
                self.close(index, Cause::Found, vec![what.clone()], leaf.at_ms);
            }
            Body::Reoffered { by, what } => self.record_reoffered(index, by, what),
            Body::EffectIntended { .. }
            | Body::EffectOutcome { .. }
            | Body::RoomObserved { .. }
            | Body::RevocationConfirmed { .. }
            | Body::DriftFound { .. } => self.record_platform(index, leaf),
            Body::RunRequested { .. }
            | Body::RunFailed { .. }
            | Body::RunCancelled { .. }
            | Body::DeliveryIntended { .. }
            | Body::RunSucceeded { .. } => self.record_run(index, leaf),
            Body::Scheduled { .. } | Body::Unscheduled { .. } | Body::SlotRefused { .. } => {
                self.record_schedule(index, leaf);
            }
            Body::ResultShared { .. }
            | Body::RecipientKeyed { .. }
            | Body::ShareEnded { .. }
            | Body::ShareRead { .. } => self.record_share(index, leaf),
        }
        if leaf.body.is_decision() {
            self.suspend(index);
        }
    }

    fn record_reoffered(&mut self, index: u64, by: &MemberId, what: &Revocable) {
        let stays = |member: &&MemberId| {
            !self.tombstones.contains_key(&Revocable::Member { member: (*member).clone() })
        };
        let members = self.in_force.iter().flat_map(|version| version.agreement.members.keys());
        let all: BTreeSet<MemberId> = match what {
            Revocable::Room => members.filter(stays).cloned().collect(),
            Revocable::Member { .. }
            | Revocable::Dataset { .. }
            | Revocable::Column { .. }
            | Revocable::Template { .. }
            | Revocable::Approval { .. } => BTreeSet::from([by.clone()]),
        };
        let Some(found) = self.found.get_mut(what) else { return };
        found.again.insert(by.clone());
        if all.is_subset(&found.again) {
            found.lifted = Some(index);
        }
    }

    fn record_declined(&mut self, member: &MemberId) {
        if let Some(version) = &mut self.waiting {
            version.declined.insert(member.clone());
            self.answered(|asked| asked.declined.insert(member.clone()));
        }
    }

    fn record_joined(&mut self, index: u64, at_ms: i64, member: &MemberId, key: PublicKey) {
        self.keys.insert(member.clone(), key);
        let Some(mut version) = self.waiting.take() else {
            return;
        };
        version.accepted.insert(member.clone());
        self.answered(|asked| asked.accepted.insert(member.clone()));
        if version.agreement.members.keys().all(|m| version.accepted.contains(m)) {
            for (name, dataset) in &version.agreement.datasets {
                let offered = (name.clone(), dataset.owner.clone(), dataset.at.clone());
                if !self.offered.contains(&offered) {
                    self.offered.push(offered);
                }
            }
            self.narrow(index, &version, at_ms);
            self.tenures.bind(index, &version.agreement);
            for room in &version.agreement.rooms {
                self.platforms.rooms.insert(room.platform.clone(), Arc::clone(&version.agreement));
            }
            self.answered(|asked| asked.in_force.replace(index).is_none());
            self.in_force = Some(version);
        } else {
            self.waiting = Some(version);
        }
    }
}

impl Version {
    fn proposed(index: u64, digest: Digest, agreement: &Agreement) -> Self {
        let templates = agreement.templates.iter();
        Self {
            index,
            digest,
            templates: templates.map(|(name, text)| (name.clone(), text.digest(name))).collect(),
            agreement: Arc::new(agreement.clone()),
            accepted: BTreeSet::new(),
            declined: BTreeSet::new(),
        }
    }
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod tests;
