//! Which leaf about a platform may come next: what may be given there, what counts as seen, found and closed. Taking away is
//! always legal. Must not know adapters, nor how anything is looked at.

use super::epoch::{Closing, Giving};
use super::{Illegal, State, Version};
use crate::log::leaf::{Body, Code, Effect, Leaf, Outcome, Revocable};
use mappings::model::{Ability, MemberId, PlatformId, TemplateName};

impl State {
    /// Refuses an illegal leaf of the gateway's about a platform.
    pub(super) fn legal_on_platform(&self, leaf: &Leaf) -> Result<(), Illegal> {
        match &leaf.body {
            Body::EffectIntended { .. } => self.legal_intent(&leaf.body),
            Body::EffectOutcome { step, .. } => self.legal_outcome(step),
            Body::RoomObserved { platform, holds, basis } if *basis <= self.size => {
                self.legal_observed(platform, holds)
            }
            Body::RoomObserved { .. } => Err(Illegal::SeenBefore),
            Body::FoundWithdrawn { platform, what, .. } => self.legal_found(platform, what),
            Body::RevocationConfirmed { .. } => self.legal_confirmed(&leaf.body),
            Body::DriftFound { platform, .. } => self.known_room(platform),
            Body::Opened { .. }
            | Body::Proposed { .. }
            | Body::Joined { .. }
            | Body::Declined { .. }
            | Body::Approved { .. }
            | Body::WaiverGiven { .. }
            | Body::Revoked { .. }
            | Body::Reoffered { .. }
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
            | Body::RunSucceeded { .. } => Err(Illegal::Actor),
        }
    }

    fn legal_intent(&self, body: &Body) -> Result<(), Illegal> {
        let Body::EffectIntended { step, platform, effect, of, basis, .. } = body else {
            return Err(Illegal::Actor);
        };
        if self.platforms.effects.contains_key(step) {
            return Err(Illegal::IntentRepeated);
        }
        let placed = step.as_str().rsplit('-').next().and_then(|last| last.parse().ok());
        if basis.is_some() && placed != Some(self.size) {
            return Err(Illegal::StepName);
        }
        if *effect <= Effect::Restrict {
            return Ok(());
        }
        match basis {
            // Logs of older gateways have none; whoever wrote one once writes it always.
            None if self.platforms.based => return Err(Illegal::BasisMissing),
            None => {}
            Some(basis) => self.giving(*basis, of, platform).planned()?,
        }
        match (effect, basis) {
            (Effect::Grant, Some(_)) => self.may_give(of, platform),
            (Effect::Grant, None) => {
                self.granting()?;
                let stands = of.iter().all(|one| self.stands(one));
                Giving { stands, ..self.giving(self.size, of, platform) }.permitted()
            }
            (Effect::Neutral | Effect::Restrict | Effect::Revoke, _) => Ok(()),
        }
    }

    /// Whether any of this may be given on a platform now: the room is agreed, all of it stands, and nothing of the kind is still to
    /// be seen closed anywhere.
    pub fn may_give(&self, of: &[Revocable], on: &PlatformId) -> Result<(), Illegal> {
        self.granting()?;
        self.giving(self.size, of, on).permitted()
    }

    fn giving(&self, basis: u64, of: &[Revocable], on: &PlatformId) -> Giving {
        let held = self.in_force.as_ref().is_some_and(|version| version.agreement.is_held_in(on));
        Giving {
            basis,
            size: self.size,
            decided: self.decided,
            // What names nothing is about everything, and everything is never what is given.
            stands: held && !of.is_empty() && of.iter().all(|one| self.stands(one)),
            unconfirmed: self.in_the_way(of, on).is_some(),
        }
    }

    /// Whether something is agreed now, and nobody has withdrawn it.
    #[must_use]
    pub fn stands(&self, what: &Revocable) -> bool {
        let Some(version) = &self.in_force else { return false };
        let member = |name: &MemberId| {
            let left = self.revoked(&Revocable::Member { member: name.clone() }).is_some();
            version.accepted.contains(name) && !left
        };
        let open = self.revoked(&Revocable::Room).is_none();
        let agreed = match what {
            Revocable::Room => true,
            Revocable::Member { member: name } => member(name),
            Revocable::Dataset { dataset } | Revocable::Column { dataset, .. } => {
                let owner = version.agreement.datasets.get(dataset).map(|known| &known.owner);
                owner.is_some_and(member) && self.revoked(what).is_none()
            }
            Revocable::Template { template, digest } => {
                let kept =
                    self.revoked(what).is_none() || !self.approvals(template, *digest).is_empty();
                version.templates.get(template) == Some(digest) && kept
            }
            Revocable::Approval { template, digest, of } => {
                version.templates.get(template) == Some(digest)
                    && self.approved(of, template, *digest)
            }
        };
        open && agreed
    }

    /// Whether what was found withdrawn is so still: it was not offered again, and no newer approval supersedes it.
    #[must_use]
    pub fn is_found(&self, what: &Revocable) -> bool {
        let Some(found) = self.found.get(what).filter(|found| found.lifted.is_none()) else {
            return false;
        };
        let Revocable::Approval { template, digest, of } = what else { return true };
        let given = self.approvals.get(&(template.clone(), *digest)).and_then(|by| by.get(of));
        given.is_none_or(|given| *given < found.index)
    }

    fn legal_outcome(&self, step: &Code) -> Result<(), Illegal> {
        let record = self.platforms.effects.get(step).ok_or(Illegal::IntentMissing)?;
        if matches!(record.outcome, Some(Outcome::Applied | Outcome::NotApplied)) {
            return Err(Illegal::OutcomeRepeated);
        }
        Ok(())
    }

    fn known_room(&self, platform: &PlatformId) -> Result<(), Illegal> {
        let known = self.platforms.rooms.contains_key(platform);
        if known { Ok(()) } else { Err(Illegal::RoomUnknown) }
    }

    /// Nothing that stands goes missing without a word: this gateway took it away, or its owner did and that was recorded first.
    fn legal_observed(&self, platform: &PlatformId, holds: &[Revocable]) -> Result<(), Illegal> {
        self.known_room(platform)?;
        let Some(last) = self.platforms.holds.get(platform) else { return Ok(()) };
        let missing = last.things.iter().filter(|thing| !holds.contains(thing));
        let over = self.is_over(platform, |thing| holds.contains(thing));
        let mut unsaid = missing.filter(|thing| self.is_unexplained(platform, thing));
        if over || unsaid.next().is_none() { Ok(()) } else { Err(Illegal::Unexplained) }
    }

    /// Whether something that a platform held has no reason to be missing there that this log knows.
    fn is_unexplained(&self, platform: &PlatformId, thing: &Revocable) -> bool {
        let because = match thing {
            // Each follows from others.
            Revocable::Template { .. } | Revocable::Column { .. } | Revocable::Room => true,
            Revocable::Approval { template, .. } => self.may_rest(template),
            Revocable::Member { .. } | Revocable::Dataset { .. } => false,
        };
        !because && self.is_missed(platform, thing)
    }

    /// Whether something that a platform held, or was given, should be there: the room is agreed, it stands, and this gateway did
    /// not set out to take it away since.
    #[must_use]
    pub fn is_missed(&self, platform: &PlatformId, thing: &Revocable) -> bool {
        let held = |version: &Version| version.agreement.is_held_in(platform);
        self.in_force.as_ref().is_some_and(held)
            && self.was_held(platform, thing)
            && self.stands(thing)
            && !self.took(platform, thing)
    }

    /// Whether a platform's room is over: of those who were in nobody is any more, and nobody is left who may run anything. Who
    /// runs makes a room, and whoever else was in it has not left.
    pub fn is_over(&self, platform: &PlatformId, held: impl Fn(&Revocable) -> bool) -> bool {
        let Some(version) = &self.in_force else { return false };
        let last = self.holding(platform).into_iter().flat_map(|last| &last.things);
        let mut members = last.filter(|thing| matches!(thing, Revocable::Member { .. })).peekable();
        let able = version.agreement.members.iter();
        let mut able = able.filter(|(_, member)| member.abilities.contains(&Ability::Run));
        members.peek().is_some()
            && !members.any(held)
            && !able.any(|(name, _)| self.stands(&Revocable::Member { member: name.clone() }))
    }

    /// Whether anything is withdrawn, or has to be seen closed, that may keep a template from standing: its approvals may go along.
    /// What a template reads is not known here.
    fn may_rest(&self, name: &TemplateName) -> bool {
        let concerns = |what: &Revocable| match what {
            Revocable::Template { template, .. } | Revocable::Approval { template, .. } => {
                template == name
            }
            Revocable::Member { .. }
            | Revocable::Dataset { .. }
            | Revocable::Column { .. }
            | Revocable::Room => true,
        };
        let withdrawn = self.tombstones.keys().chain(self.found.keys());
        let mut withdrawn = withdrawn.filter(|what| concerns(what) && self.revoked(what).is_some());
        withdrawn.next().is_some()
            || self.unconfirmed().any(|(_, closure)| closure.what.iter().any(concerns))
    }

    /// Whether this gateway set out to take something away, or all that holds it, or to set a value without it.
    fn took(&self, platform: &PlatformId, thing: &Revocable) -> bool {
        self.taken(platform).any(|taken| self.within(thing, taken))
            || self.unsettled(platform).any(|(_, call)| call.overwrites(thing))
    }

    fn legal_found(&self, platform: &PlatformId, what: &Revocable) -> Result<(), Illegal> {
        self.known_room(platform)?;
        let held = match what {
            Revocable::Room => self.holding(platform).is_some_and(|last| !last.things.is_empty()),
            Revocable::Column { .. } => false,
            Revocable::Member { .. }
            | Revocable::Dataset { .. }
            | Revocable::Template { .. }
            | Revocable::Approval { .. } => self.was_held(platform, what),
        };
        match (held, self.took(platform, what), self.stands(what)) {
            (false, _, _) => Err(Illegal::NeverHeld),
            (true, true, _) => Err(Illegal::OwnAct),
            (true, false, false) => Err(Illegal::AlreadyWithdrawn),
            (true, false, true) => Ok(()),
        }
    }

    fn legal_confirmed(&self, body: &Body) -> Result<(), Illegal> {
        let Body::RevocationConfirmed { revocation, platform, reads, basis, probe, .. } = body
        else {
            return Err(Illegal::Actor);
        };
        let (reads, basis) = (*reads, *basis);
        let closure = self.platforms.closures.get(revocation).ok_or(Illegal::NothingToConfirm)?;
        let awaited = closure.platforms.get(platform).ok_or(Illegal::NothingToConfirm)?;
        let late = self.is_late(closure, platform);
        let (confirmed, served) = (awaited.confirmed.is_some(), probe.as_str() == "served");
        let since = awaited.since;
        if basis > self.size {
            return Err(Illegal::SeenBefore);
        }
        Closing { confirmed, reads, served, late, basis, since }.permitted()
    }

    /// Only who could withdraw it can say that it is offered still, and only of what was found withdrawn.
    pub(super) fn legal_reoffered(&self, by: &MemberId, what: &Revocable) -> Result<(), Illegal> {
        let owner = match what {
            Revocable::Room => self.say(by).is_ok(),
            Revocable::Member { member } => member == by,
            Revocable::Dataset { dataset } => self.owner(dataset)? == by,
            // A newer approval says it better.
            Revocable::Column { .. } | Revocable::Template { .. } | Revocable::Approval { .. } => {
                return Err(Illegal::ApproveInstead);
            }
        };
        if !owner {
            return Err(Illegal::NotAnOwner);
        }
        let found = self.found.get(what).filter(|found| found.lifted.is_none());
        match found.map(|found| found.again.contains(by)) {
            None => Err(Illegal::NotFoundWithdrawn),
            Some(true) => Err(Illegal::ReofferedAlready),
            Some(false) => Ok(()),
        }
    }

    /// The version of a template in the agreement in force.
    #[must_use]
    pub fn version_of(&self, template: &TemplateName) -> Option<mappings::model::Digest> {
        self.in_force.as_ref()?.templates.get(template).copied()
    }
}
