//! Which leaf may come next, and whose key must have signed it. One function a kind of leaf; default is refusal.

use super::permit::RunRequest;
use super::runs::ended_run;
use super::{Illegal, RunStatus, State, Version};
use crate::log::keys::PublicKey;
use crate::log::leaf::{Actor, Body, FileDigest, Leaf, Revocable};
use mappings::agreement::touch;
use mappings::model::{Agreement, DatasetName, Digest, MemberId, PlatformId, RunId, TemplateName};
use std::collections::BTreeMap;

/// Integers up to this are exact in canonical JSON.
const EXACT_MAX: u64 = (1 << 53) - 1;

pub(super) type Signer = Result<Option<PublicKey>, Illegal>;

impl State {
    /// Refuses an illegal leaf; says whose key must have signed a legal one.
    pub(super) fn legal(&self, leaf: &Leaf) -> Signer {
        self.envelope(leaf)?;
        let signer = match &leaf.body {
            Body::Opened { .. } => by_gateway(leaf),
            Body::Proposed { agreement, digest } => self.legal_proposed(leaf, agreement, *digest),
            Body::Joined { member, key, agreement } => {
                by_member(leaf, member)?;
                self.legal_joined(member, *key, *agreement)
            }
            Body::Declined { member } => {
                by_member(leaf, member)?;
                self.legal_declined(member)
            }
            Body::Approved { member, template, digest } => {
                by_member(leaf, member)?;
                self.legal_approved(member, template, *digest)
            }
            Body::WaiverGiven { member, platform, agreement, .. } => {
                by_member(leaf, member)?;
                self.legal_waiver(member, platform, *agreement)
            }
            Body::Revoked { by, what } => {
                by_member(leaf, by)?;
                self.legal_revoked(by, what)
            }
            Body::RunRequested { .. } => self.legal_run_requested(leaf),
            Body::Scheduled { .. } | Body::Unscheduled { .. } | Body::SlotRefused { .. } => {
                self.legal_schedule(leaf)
            }
            Body::ResultShared { .. }
            | Body::RecipientKeyed { .. }
            | Body::ShareEnded { .. }
            | Body::ShareRead { .. } => self.legal_share(leaf),
            Body::RunFailed { .. }
            | Body::RunCancelled { .. }
            | Body::DeliveryIntended { .. }
            | Body::RunSucceeded { .. } => self.legal_run_step(leaf),
            Body::Reoffered { by, what } => {
                by_member(leaf, by)?;
                self.legal_reoffered(by, what)?;
                self.known_key(by)
            }
            Body::EffectIntended { .. }
            | Body::EffectOutcome { .. }
            | Body::RoomObserved { .. }
            | Body::FoundWithdrawn { .. }
            | Body::RevocationConfirmed { .. }
            | Body::DriftFound { .. } => {
                self.legal_on_platform(leaf)?;
                by_gateway(leaf)
            }
        }?;
        match (signer, leaf.signature) {
            (Some(_), None) | (None, Some(_)) => Err(Illegal::Signature),
            (Some(_), Some(made)) if self.repeats(leaf, &made) => Err(Illegal::Repeated),
            (Some(_), Some(_)) | (None, None) => Ok(signer),
        }
    }

    /// An older signed leaf fails on its time; one of the same millisecond is remembered.
    fn repeats(&self, leaf: &Leaf, made: &crate::log::keys::Signature) -> bool {
        leaf.at_ms == self.last_at_ms && self.signed_at_last.contains(made)
    }

    fn envelope(&self, leaf: &Leaf) -> Result<(), Illegal> {
        if matches!(leaf.body, Body::Opened { .. }) != (self.size == 0) {
            return Err(Illegal::NotOpened);
        }
        if self.collaboration.as_ref().is_some_and(|own| *own != leaf.collaboration) {
            return Err(Illegal::OtherCollaboration);
        }
        let writable = u64::try_from(leaf.at_ms).is_ok_and(|at| at <= EXACT_MAX);
        if !writable || leaf.at_ms < self.last_at_ms {
            return Err(Illegal::Time);
        }
        if let Actor::Member(member) = &leaf.actor
            && self.revoked(&Revocable::Member { member: member.clone() }).is_some()
            // Whoever has left may still withdraw what is its own, and say that it has not left.
            && !matches!(leaf.body, Body::Revoked { .. } | Body::Reoffered { .. })
        {
            return Err(Illegal::MemberRevoked);
        }
        Ok(())
    }

    pub(super) fn granting(&self) -> Result<(), Illegal> {
        if self.revoked(&Revocable::Room).is_some() { Err(Illegal::RoomRevoked) } else { Ok(()) }
    }

    pub(super) fn known_key(&self, member: &MemberId) -> Signer {
        self.keys.get(member).copied().map(Some).ok_or(Illegal::KeyUnknown)
    }

    fn legal_proposed(&self, leaf: &Leaf, agreement: &Agreement, digest: Digest) -> Signer {
        self.granting()?;
        if agreement.collaboration != leaf.collaboration {
            return Err(Illegal::OtherCollaboration);
        }
        if agreement.digest() != digest {
            return Err(Illegal::AgreementDigest);
        }
        consistent(agreement)?;
        let same = |version: &&Version| version.digest == digest;
        let waits = self.waiting.as_ref().filter(same).is_some_and(|v| v.declined.is_empty());
        if waits || self.in_force.as_ref().is_some_and(|v| same(&v)) {
            return Err(Illegal::AgreementRepeated);
        }
        let left = |m: &&MemberId| {
            self.tombstones.contains_key(&Revocable::Member { member: (*m).clone() })
        };
        if agreement.members.keys().any(|m| left(&m)) {
            return Err(Illegal::MemberRevoked);
        }
        self.keeps_what_is_others(agreement)?;
        self.proposer(&leaf.actor, agreement)
    }

    /// What members accepted, only one of them proposes to replace, by its signature. Before there is such an agreement the gateway
    /// may write for members whose keys nobody knows yet; and in logs of earlier builds, which must still be read and closed, as long
    /// as no proposal is signed.
    fn proposer(&self, actor: &Actor, agreement: &Agreement) -> Signer {
        let Actor::Member(member) = actor else {
            let replaces = self.in_force.is_some() && self.signed_proposal;
            return if replaces { Err(Illegal::Actor) } else { Ok(None) };
        };
        if !self.may_propose(member) || !agreement.members.contains_key(member) {
            return Err(Illegal::MemberUnknown);
        }
        let known = self.keys.get(member).copied();
        known.or_else(|| pinned(agreement, member)).map(Some).ok_or(Illegal::KeyUnknown)
    }

    /// Whether this member may put the next version before the others: it is a member of the newest one that counts, or nothing was
    /// proposed yet.
    pub(crate) fn may_propose(&self, member: &MemberId) -> bool {
        self.agreement().is_none_or(|agreement| agreement.members.contains_key(member))
    }

    /// Only a member of the agreement in force has a say in what belongs to no single one; before there is one, whoever accepted
    /// the one that waits. Being named in a proposal that others did not accept is not enough.
    pub(super) fn say(&self, member: &MemberId) -> Result<(), Illegal> {
        let has = match (&self.in_force, &self.waiting) {
            (Some(version), _) => version.agreement.members.contains_key(member),
            (None, Some(version)) => version.accepted.contains(member),
            (None, None) => false,
        };
        if has { Ok(()) } else { Err(Illegal::MemberNotJoined) }
    }

    /// A new version can't do without the consent of those whom it would cost something: no member is dropped who has not
    /// left by its own act, no dataset changes its owner, and no place that one member offered is offered by another.
    fn keeps_what_is_others(&self, agreement: &Agreement) -> Result<(), Illegal> {
        // Not what a platform says: the member's own signature.
        let own = |m: &MemberId| Revocable::Member { member: m.clone() };
        let left = |m: &MemberId| self.tombstones.contains_key(&own(m));
        let before = self.in_force.iter().flat_map(|version| version.agreement.members.keys());
        if before.into_iter().any(|m| !left(m) && !agreement.members.contains_key(m)) {
            return Err(Illegal::MemberDropped);
        }
        for (name, dataset) in &agreement.datasets {
            for (known, owner, places) in &self.offered {
                if *owner == dataset.owner {
                    continue;
                }
                if known == name {
                    return Err(Illegal::OwnerChanged);
                }
                let other = |(platform, place)| {
                    places.get(platform).is_some_and(|theirs| touch(theirs, place))
                };
                if dataset.at.iter().any(other) {
                    return Err(Illegal::PlaceOfAnother);
                }
            }
        }
        Ok(())
    }

    fn legal_joined(&self, member: &MemberId, key: PublicKey, agreement: Digest) -> Signer {
        self.granting()?;
        let Some(version) = self.waiting.as_ref().filter(|v| v.digest == agreement) else {
            let again = self.in_force.as_ref().is_some_and(|v| v.digest == agreement);
            let other = self.keys.get(member).is_some_and(|known| *known != key);
            return Err(match (again, other) {
                (true, true) => Illegal::KeyDiffers,
                (true, false) => Illegal::AlreadyJoined,
                (false, _) => Illegal::AgreementNotProposed,
            });
        };
        if !version.agreement.members.contains_key(member) {
            return Err(Illegal::MemberUnknown);
        }
        if self.keys.get(member).is_some_and(|known| *known != key) {
            return Err(Illegal::KeyDiffers);
        }
        if pinned(&version.agreement, member).is_some_and(|pin| pin != key) {
            return Err(Illegal::KeyNotPinned);
        }
        if self.keys.iter().any(|(other, theirs)| other != member && *theirs == key) {
            return Err(Illegal::KeyTaken);
        }
        if version.declined.contains(member) {
            return Err(Illegal::AlreadyDeclined);
        }
        if version.accepted.contains(member) {
            return Err(Illegal::AlreadyJoined);
        }
        Ok(Some(key))
    }

    fn legal_declined(&self, member: &MemberId) -> Signer {
        let version = self.waiting.as_ref().ok_or(Illegal::AgreementNotProposed)?;
        if !version.agreement.members.contains_key(member) {
            return Err(Illegal::MemberUnknown);
        }
        if version.accepted.contains(member) {
            return Err(Illegal::AlreadyJoined);
        }
        if version.declined.contains(member) {
            return Err(Illegal::AlreadyDeclined);
        }
        // A member that has no key yet can still say no: refusing never waits.
        Ok(self.expected_key(member))
    }

    /// The key under which a member answers the agreement that waits: its own, or the one pinned there.
    pub(crate) fn expected_key(&self, member: &MemberId) -> Option<PublicKey> {
        let pin = || self.waiting.as_ref().and_then(|version| pinned(&version.agreement, member));
        self.keys.get(member).copied().or_else(pin)
    }

    fn legal_approved(&self, member: &MemberId, template: &TemplateName, digest: Digest) -> Signer {
        self.granting()?;
        let has = |version: &&Version| version.templates.get(template) == Some(&digest);
        let versions: Vec<&Version> = self.versions().filter(has).collect();
        if versions.is_empty() {
            return Err(Illegal::TemplateUnknown);
        }
        let joined: Vec<&Version> =
            versions.into_iter().filter(|v| v.accepted.contains(member)).collect();
        if joined.is_empty() {
            return Err(Illegal::MemberNotJoined);
        }
        let owns = |v: &&Version| v.agreement.datasets.values().any(|d| d.owner == *member);
        if !joined.iter().any(owns) {
            return Err(Illegal::NotAnOwner);
        }
        self.known_key(member)
    }

    /// Only whoever owns data can consent to its being held more loosely, and only in a room of an agreement that it accepted.
    fn legal_waiver(&self, member: &MemberId, room: &PlatformId, agreement: Digest) -> Signer {
        self.granting()?;
        let version = self.versions().find(|version| version.digest == agreement);
        let version = version.ok_or(Illegal::AgreementNotProposed)?;
        if !version.accepted.contains(member) {
            return Err(Illegal::MemberNotJoined);
        }
        if !version.agreement.datasets.values().any(|dataset| dataset.owner == *member) {
            return Err(Illegal::NotAnOwner);
        }
        if !version.agreement.is_held_in(room) {
            return Err(Illegal::RoomUnknown);
        }
        self.known_key(member)
    }

    fn legal_revoked(&self, by: &MemberId, what: &Revocable) -> Signer {
        let own = |is: bool| if is { Ok(()) } else { Err(Illegal::NotAnOwner) };
        match what {
            Revocable::Room => self.say(by)?,
            Revocable::Member { member } => own(member == by)?,
            Revocable::Dataset { dataset } => own(self.owner(dataset)? == by)?,
            Revocable::Column { dataset, column } => {
                own(self.owner(dataset)? == by)?;
                let has = |v: &Version| {
                    v.agreement
                        .datasets
                        .get(dataset)
                        .is_some_and(|d| d.columns.contains_key(column))
                };
                if !self.versions().any(has) {
                    return Err(Illegal::ColumnUnknown);
                }
            }
            Revocable::Template { template, digest } => {
                let current = self.versions().any(|v| v.templates.get(template) == Some(digest));
                if !current && !self.approvals.contains_key(&(template.clone(), *digest)) {
                    return Err(Illegal::TemplateUnknown);
                }
                self.say(by)?;
            }
            Revocable::Approval { template, digest, of } => {
                own(of == by)?;
                let given = self.approvals.get(&(template.clone(), *digest));
                if !given.is_some_and(|members| members.contains_key(of)) {
                    return Err(Illegal::ApprovalUnknown);
                }
            }
        }
        self.known_key(by)
    }

    fn legal_run_requested(&self, leaf: &Leaf) -> Signer {
        let Body::RunRequested { run, agreement, template, digest, by, receivers, touched, .. } =
            &leaf.body
        else {
            return Err(Illegal::RunUnknown);
        };
        by_member(leaf, by)?;
        self.may_run(&RunRequest {
            run,
            agreement: *agreement,
            template,
            digest: *digest,
            by,
            receivers,
            touched,
            at_ms: leaf.at_ms,
        })?;
        self.legal_slot(leaf)?;
        self.known_key(by)
    }

    fn legal_run_step(&self, leaf: &Leaf) -> Signer {
        let id = ended_run(&leaf.body).ok_or(Illegal::RunUnknown)?;
        let run = self.runs.get(id).ok_or(Illegal::RunUnknown)?;
        let open = run.open().ok_or(Illegal::RunEnded)?;
        if let Body::RunCancelled { .. } = &leaf.body {
            if open.intended.is_some() {
                return Err(Illegal::CancelledLate);
            }
            if let Actor::Member(member) = &leaf.actor {
                return if *member == run.by {
                    self.known_key(member)
                } else {
                    Err(Illegal::Actor)
                };
            }
        }
        if let Body::RunFailed { delivered, .. } = &leaf.body {
            let intended = open.intended.as_ref().map(|(_, _, manifests)| manifests);
            let was = |(who, digest)| intended.and_then(|all| all.get(who)) == Some(digest);
            if !delivered.iter().all(was)
                || intended.is_some_and(|all| !all.is_empty() && all == delivered)
            {
                return Err(Illegal::OutcomeDiffers);
            }
        }
        if let Body::DeliveryIntended { files, rows, withheld, manifests, .. } = &leaf.body {
            exact([*rows].into_iter().chain(*withheld).chain(files.iter().map(|file| file.bytes)))?;
            self.legal_delivery(id, &run.status, files, manifests)?;
        }
        if let Body::RunSucceeded { rows, withheld, manifests, .. } = &leaf.body {
            let (intended_rows, intended_withheld, intended) =
                open.intended.as_ref().ok_or(Illegal::IntentMissing)?;
            if (intended_rows, intended_withheld, intended) != (rows, withheld, manifests) {
                return Err(Illegal::OutcomeDiffers);
            }
        }
        by_gateway(leaf)
    }

    fn legal_delivery(
        &self,
        id: &RunId,
        status: &RunStatus,
        files: &[FileDigest],
        manifests: &BTreeMap<MemberId, Digest>,
    ) -> Result<(), Illegal> {
        let RunStatus::Requested(open) = status else {
            return Err(Illegal::IntentRepeated);
        };
        self.may_deliver(id)?;
        let named = |member: &MemberId| open.receivers.contains(member);
        let complete = open.receivers.iter().all(|member| manifests.contains_key(member));
        if !complete || !manifests.keys().all(named) || !files.iter().all(|f| named(&f.receiver)) {
            return Err(Illegal::ReceiverDiffers);
        }
        if files.iter().all(|file| generated(&file.name)) { Ok(()) } else { Err(Illegal::FileName) }
    }

    fn versions(&self) -> impl Iterator<Item = &Version> {
        self.in_force.iter().chain(&self.waiting)
    }

    /// Who decides over a dataset: as agreed, or as proposed when it is new.
    pub(super) fn owner(&self, dataset: &DatasetName) -> Result<&MemberId, Illegal> {
        let found = self.versions().find_map(|version| version.agreement.datasets.get(dataset));
        found.map(|dataset| &dataset.owner).ok_or(Illegal::DatasetUnknown)
    }
}

pub(super) fn by_member(leaf: &Leaf, member: &MemberId) -> Result<(), Illegal> {
    match &leaf.actor {
        Actor::Member(actor) if actor == member => Ok(()),
        Actor::Member(_) | Actor::Gateway => Err(Illegal::Actor),
    }
}

pub(super) fn by_gateway(leaf: &Leaf) -> Signer {
    if leaf.actor == Actor::Gateway { Ok(None) } else { Err(Illegal::Actor) }
}

/// The key that an agreement pins for a member.
fn pinned(agreement: &Agreement, member: &MemberId) -> Option<PublicKey> {
    agreement.members.get(member)?.key.as_deref()?.parse().ok()
}

fn consistent(agreement: &Agreement) -> Result<(), Illegal> {
    let member = |id: &MemberId| agreement.members.contains_key(id);
    let mut pins = agreement.members.values().filter_map(|m| m.key.as_deref());
    let owned = agreement.datasets.values().all(|dataset| member(&dataset.owner));
    let named =
        agreement.templates.values().all(|t| t.run_by.iter().chain(&t.received_by).all(member));
    let keyed = pins.all(|pin| pin.parse::<PublicKey>().is_ok());
    let some = !agreement.members.is_empty();
    if some && owned && named && keyed { Ok(()) } else { Err(Illegal::AgreementInconsistent) }
}

fn exact(numbers: impl IntoIterator<Item = u64>) -> Result<(), Illegal> {
    if numbers.into_iter().all(|n| n <= EXACT_MAX) { Ok(()) } else { Err(Illegal::Number) }
}

/// A relative path of generated parts: no dots first, no separators doubled, nothing but plain characters.
fn generated(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.=".contains(&b);
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain);
    name.len() <= 512 && name.split('/').all(part)
}
