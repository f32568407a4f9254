//! The fold: leaves in, state out. Pure, total and deterministic; the same code decides what may be appended and
//! what an auditor accepts. Must not know stores, clocks, keys' secrets or trees.
//!
//! Time. A leaf is never earlier than the one before it, so a clock that steps back cannot refill the cap: until
//! real time catches up, every leaf carries the latest time seen. A clock that once stepped far forward cannot be
//! undone either: attempts made under it count until real time has passed it by the window.

mod illegal;
mod legal;
mod permit;

pub use illegal::{FoldError, Illegal};
pub use permit::{Denied, RunRequest};

use super::keys::{PublicKey, Signature};
use super::leaf::{Body, Code, Effect, Leaf, Outcome, Revocable, TermPath, Touched};
use mappings::model::{
    Agreement, CollaborationId, DatasetName, Digest, Location, MemberId, PlatformId, RunId,
    TemplateName,
};
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

/// What a run carries while it is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRun {
    /// Who shall receive.
    pub receivers: Vec<MemberId>,
    /// What it reads.
    pub touched: Touched,
    /// The agreement it runs under.
    pub agreement: Arc<Agreement>,
    /// Its digest.
    pub agreement_digest: Digest,
    /// The digest of the guarded text.
    pub text_digest: Digest,
    /// Rows and withheld rows, and each receiver's manifest, once delivery was intended.
    pub intended: Option<(u64, Option<u64>, BTreeMap<MemberId, Digest>)>,
    /// Every file that was to be delivered, by receiver.
    pub files: BTreeMap<MemberId, Vec<String>>,
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunStatus {
    /// On the record, not delivered yet.
    Requested(Box<OpenRun>),
    /// Delivery is on the record, its end is not.
    Delivering(Box<OpenRun>),
    /// Delivered whole.
    Succeeded {
        /// Rows that left.
        rows: u64,
        /// Rows held back by rule.
        withheld: Option<u64>,
    },
    /// Ended without a result.
    Failed(Code),
    /// Stopped, or its result withheld.
    Cancelled(Code),
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The position of the request.
    pub index: u64,
    /// When it was requested, in log time.
    pub requested_at_ms: i64,
    /// Who asked.
    pub by: MemberId,
    /// The template.
    pub template: TemplateName,
    /// Its version.
    pub digest: Digest,
    /// Where it stands.
    pub status: RunStatus,
}

impl Run {
    /// What it carries while it is open; `None` once it has ended.
    #[must_use]
    pub fn open(&self) -> Option<&OpenRun> {
        match &self.status {
            RunStatus::Requested(open) | RunStatus::Delivering(open) => Some(open),
            RunStatus::Succeeded { .. } | RunStatus::Failed(_) | RunStatus::Cancelled(_) => None,
        }
    }
}

/// One platform effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectRecord {
    /// The position of the intent.
    pub index: u64,
    /// Where.
    pub platform: PlatformId,
    /// What it does to access.
    pub effect: Effect,
    /// How it ended, as far as anyone knows.
    pub outcome: Option<Outcome>,
}

/// An intent whose end is not on the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenIntent {
    /// A run that was requested or whose delivery was intended.
    Run(RunId),
    /// A platform effect without an outcome, or with an unknown one.
    Effect(Code),
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
    keys: BTreeMap<MemberId, PublicKey>,
    approvals: BTreeMap<(TemplateName, Digest), BTreeMap<MemberId, u64>>,
    tombstones: BTreeMap<Revocable, u64>,
    waivers: BTreeMap<Waivable, BTreeSet<MemberId>>,
    runs: BTreeMap<RunId, Run>,
    attempts: Vec<i64>,
    /// Every dataset that ever was in force: its name, its owner, its places.
    offered: Vec<Offered>,
    effects: BTreeMap<Code, EffectRecord>,
    rooms: BTreeMap<PlatformId, Arc<Agreement>>,
    decided: u64,
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

    /// Every withdrawal and the position of its newest leaf. A template's or an approval's may be superseded by a
    /// newer approval; ask [`State::approvals`] what holds.
    #[must_use]
    pub const fn revocations(&self) -> &BTreeMap<Revocable, u64> {
        &self.tombstones
    }

    /// The position of the newest withdrawal of exactly this.
    #[must_use]
    pub fn revoked(&self, what: &Revocable) -> Option<u64> {
        self.tombstones.get(what).copied()
    }

    /// The same with more withdrawn, as the next leaves would do it; but they are not on record.
    #[must_use]
    pub fn denying(&self, more: Vec<Revocable>) -> Self {
        let mut state = self.clone();
        state.decided = state.size.saturating_add(more.len() as u64);
        state.tombstones.extend(more.into_iter().map(|what| (what, self.size)));
        state
    }

    /// Every room that ever was in force, each with the newest agreement that names it: one that a later version drops has to
    /// be closed still.
    #[must_use]
    pub const fn rooms(&self) -> &BTreeMap<PlatformId, Arc<Agreement>> {
        &self.rooms
    }

    /// Every run by id.
    #[must_use]
    pub const fn runs(&self) -> &BTreeMap<RunId, Run> {
        &self.runs
    }

    /// Every platform effect by step.
    #[must_use]
    pub const fn effects(&self) -> &BTreeMap<Code, EffectRecord> {
        &self.effects
    }

    /// How many runs were requested within the window that ends now. Time that the log has seen does not unhappen.
    #[must_use]
    pub fn attempts_within(&self, now_ms: i64, window_ms: i64) -> u64 {
        let since = now_ms.max(self.last_at_ms).saturating_sub(window_ms);
        (self.attempts.len() - self.attempts.partition_point(|at| *at <= since)) as u64
    }

    /// Intents whose end is not on the record.
    #[must_use]
    pub fn open_intents(&self) -> Vec<OpenIntent> {
        let runs = self.runs.iter().filter(|(_, run)| run.open().is_some());
        let unsettled = |outcome: Option<Outcome>| matches!(outcome, None | Some(Outcome::Unknown));
        let effects = self.effects.iter().filter(|(_, record)| unsettled(record.outcome));
        let runs = runs.map(|(id, _)| OpenIntent::Run(id.clone()));
        runs.chain(effects.map(|(step, _)| OpenIntent::Effect(step.clone()))).collect()
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
        }
        match &leaf.body {
            Body::Opened { gateway } => {
                self.gateway = Some(*gateway);
                self.collaboration = Some(leaf.collaboration.clone());
            }
            Body::Proposed { agreement, digest } => {
                self.waiting = Some(Version::proposed(index, *digest, agreement));
            }
            Body::Joined { member, key, .. } => self.record_joined(member, *key),
            Body::Declined { member } => {
                if let Some(version) = &mut self.waiting {
                    version.declined.insert(member.clone());
                }
            }
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
            }
            Body::EffectIntended { step, platform, effect } => {
                let (platform, effect) = (platform.clone(), *effect);
                let record = EffectRecord { index, platform, effect, outcome: None };
                self.effects.insert(step.clone(), record);
            }
            Body::EffectOutcome { step, outcome } => {
                if let Some(record) = self.effects.get_mut(step) {
                    record.outcome = Some(*outcome);
                }
            }
            Body::RunRequested { .. }
            | Body::RunFailed { .. }
            | Body::RunCancelled { .. }
            | Body::DeliveryIntended { .. }
            | Body::RunSucceeded { .. } => self.record_run(index, leaf),
        }
    }

    fn record_joined(&mut self, member: &MemberId, key: PublicKey) {
        self.keys.insert(member.clone(), key);
        let Some(mut version) = self.waiting.take() else {
            return;
        };
        version.accepted.insert(member.clone());
        if version.agreement.members.keys().all(|m| version.accepted.contains(m)) {
            for (name, dataset) in &version.agreement.datasets {
                let offered = (name.clone(), dataset.owner.clone(), dataset.at.clone());
                if !self.offered.contains(&offered) {
                    self.offered.push(offered);
                }
            }
            for room in &version.agreement.rooms {
                self.rooms.insert(room.platform.clone(), Arc::clone(&version.agreement));
            }
            self.in_force = Some(version);
        } else {
            self.waiting = Some(version);
        }
    }

    fn record_run(&mut self, index: u64, leaf: &Leaf) {
        if let Body::RunRequested {
            run,
            template,
            digest,
            by,
            receivers,
            touched,
            text_digest,
            ..
        } = &leaf.body
        {
            self.attempts.push(leaf.at_ms);
            let Some(version) = &self.in_force else { return };
            let open = OpenRun {
                agreement: Arc::clone(&version.agreement),
                agreement_digest: version.digest,
                receivers: receivers.clone(),
                touched: touched.clone(),
                text_digest: *text_digest,
                intended: None,
                files: BTreeMap::new(),
            };
            let requested = Run {
                index,
                requested_at_ms: leaf.at_ms,
                by: by.clone(),
                template: template.clone(),
                digest: *digest,
                status: RunStatus::Requested(Box::new(open)),
            };
            self.runs.insert(run.clone(), requested);
            return;
        }
        let Some(run) = ended_run(&leaf.body).and_then(|id| self.runs.get_mut(id)) else {
            return;
        };
        run.status = next_status(&run.status, &leaf.body);
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

/// The run that a later leaf of its life names.
const fn ended_run(body: &Body) -> Option<&RunId> {
    match body {
        Body::RunFailed { run, .. }
        | Body::RunCancelled { run, .. }
        | Body::DeliveryIntended { run, .. }
        | Body::RunSucceeded { run, .. } => Some(run),
        Body::Opened { .. }
        | Body::Proposed { .. }
        | Body::Joined { .. }
        | Body::Declined { .. }
        | Body::Approved { .. }
        | Body::WaiverGiven { .. }
        | Body::Revoked { .. }
        | Body::RunRequested { .. }
        | Body::EffectIntended { .. }
        | Body::EffectOutcome { .. } => None,
    }
}

fn next_status(status: &RunStatus, body: &Body) -> RunStatus {
    if let Body::RunFailed { code, .. } = body {
        return RunStatus::Failed(code.clone());
    }
    if let Body::RunCancelled { code, .. } = body {
        return RunStatus::Cancelled(code.clone());
    }
    if let Body::RunSucceeded { rows, withheld, .. } = body {
        return RunStatus::Succeeded { rows: *rows, withheld: *withheld };
    }
    if let (
        Body::DeliveryIntended { rows, withheld, manifests, files, .. },
        RunStatus::Requested(open),
    ) = (body, status)
    {
        let mut open = open.clone();
        for file in files {
            open.files.entry(file.receiver.clone()).or_default().push(file.name.clone());
        }
        open.intended = Some((*rows, *withheld, manifests.clone()));
        return RunStatus::Delivering(open);
    }
    status.clone()
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod tests;
