//! What the log says of platforms: effects under way, what each was last seen to hold, and which withdrawals were seen closed
//! where. Must not know what may be done there; that is `effects`'.

use super::State;
use super::closures::Closure;
use crate::log::leaf::{Body, Code, Effect, Leaf, Outcome, Revocable};
use mappings::model::{Agreement, Digest, PlatformId, RunId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One platform effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectRecord {
    /// The position of the intent.
    pub index: u64,
    /// When it was intended, in log time.
    pub at_ms: i64,
    /// Where.
    pub platform: PlatformId,
    /// What it does to access.
    pub effect: Effect,
    /// What it is about; everything when it names nothing.
    pub of: Vec<Revocable>,
    /// What else the value that it sets leaves open.
    pub leaves: Vec<Revocable>,
    /// Owners' parts that were known to be there when it was planned: what its value says nothing of is of no value that it sets.
    pub there: BTreeSet<Revocable>,
    /// Whether the intent says on how long a log it was planned.
    pub based: bool,
    /// How it ended, as far as anyone knows.
    pub outcome: Option<Outcome>,
}

impl EffectRecord {
    /// Whether nobody knows how it ended.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.outcome, None | Some(Outcome::Unknown))
    }

    /// Whether it sets a value without this that would be part of it. All that an owner allows may be one value: whatever narrows it, or
    /// leaves some of it open, takes away what was allowed since it was planned, if it lands late.
    #[must_use]
    pub fn overwrites(&self, thing: &Revocable) -> bool {
        let Revocable::Approval { of: owner, .. } = thing else { return false };
        let narrows = self.effect == Effect::Restrict;
        let same = |one: &Revocable| matches!(one, Revocable::Approval { of, .. } if of == owner);
        // Of a version that is agreed no more nobody says whose part it was.
        let nobodys = |one: &Revocable| matches!(one, Revocable::Template { .. });
        (narrows || !self.leaves.is_empty())
            && !self.leaves.contains(thing)
            && !self.there.contains(thing)
            && (self.of.iter().chain(&self.leaves).any(same)
                || (narrows && self.of.iter().all(nobodys)))
    }

    /// What it gives or takes away itself, without what that rests on.
    pub fn itself(&self) -> impl Iterator<Item = &Revocable> {
        let narrowest = self.of.iter().map(rank).min();
        self.of.iter().filter(move |thing| Some(rank(thing)) == narrowest)
    }
}

/// An intent whose end is not on the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenIntent {
    /// A run that was requested or whose delivery was intended.
    Run(RunId),
    /// A platform effect without an outcome, or with an unknown one.
    Effect(Code),
}

/// What a platform was last seen to hold, whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holding {
    /// The position of the leaf that says so.
    pub index: u64,
    /// When that was, in log time.
    pub at_ms: i64,
    /// Everything that it holds.
    pub things: BTreeSet<Revocable>,
    /// What this gateway took away since, and the position of the leaf that says so.
    pub taken: BTreeMap<Revocable, u64>,
}

/// What a call gave, as the platform's answer showed, and no recorded look has shown since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    /// The position of the leaf that says so.
    index: u64,
    /// What it gave itself.
    pub(super) own: Vec<Revocable>,
    /// What that rests on.
    pub(super) rests_on: Vec<Revocable>,
}

/// More than was agreed, found and closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// The position of the leaf.
    pub index: u64,
    /// When, in log time.
    pub at_ms: i64,
    /// Where.
    pub platform: PlatformId,
    /// What kind of difference.
    pub class: Code,
    /// On what.
    pub of: Vec<Revocable>,
}

/// The newest alarms that a state keeps; all of them are in the log.
const ALARMS_MAX: usize = 16;

/// The platforms of one collaboration.
#[derive(Debug, Clone, Default)]
pub(super) struct Platforms {
    /// Those that nobody knows the end of, and of old logs all.
    pub(super) effects: BTreeMap<Code, EffectRecord>,
    /// Every room that ever was in force, with the newest agreement that names it.
    pub(super) rooms: BTreeMap<PlatformId, Arc<Agreement>>,
    /// Every agreement that ever was in force, but the one that is.
    pub(super) past: Vec<Arc<Agreement>>,
    /// Where anything was ever intended.
    pub(super) changed: BTreeSet<PlatformId>,
    /// Whether intents say on how long a log they were planned.
    pub(super) based: bool,
    pub(super) holds: BTreeMap<PlatformId, Holding>,
    /// What was given and no look has shown yet, by the call that gave it.
    pub(super) given: BTreeMap<PlatformId, BTreeMap<String, Given>>,
    /// By the position of what closed it.
    pub(super) closures: BTreeMap<u64, Closure>,
    pub(super) alarms: Vec<Alarm>,
}

impl State {
    /// Every room that ever was in force, each with the newest agreement that names it: one that a later version drops has to
    /// be closed still.
    #[must_use]
    pub const fn rooms(&self) -> &BTreeMap<PlatformId, Arc<Agreement>> {
        &self.platforms.rooms
    }

    /// Every agreement that ever was in force, but the one that is.
    #[must_use]
    pub fn past(&self) -> &[Arc<Agreement>] {
        &self.platforms.past
    }

    /// Platform effects by step: those that nobody knows the end of.
    #[must_use]
    pub const fn effects(&self) -> &BTreeMap<Code, EffectRecord> {
        &self.platforms.effects
    }

    /// Those of one platform.
    pub fn unsettled<'a>(
        &'a self,
        platform: &'a PlatformId,
    ) -> impl Iterator<Item = (&'a Code, &'a EffectRecord)> {
        let effects = self.platforms.effects.iter();
        effects.filter(move |(_, record)| record.platform == *platform && record.is_open())
    }

    /// Whether this gateway ever set out to change anything there.
    #[must_use]
    pub fn changed(&self, platform: &PlatformId) -> bool {
        self.platforms.changed.contains(platform)
    }

    /// What a platform was last seen to hold.
    #[must_use]
    pub fn holding(&self, platform: &PlatformId) -> Option<&Holding> {
        self.platforms.holds.get(platform)
    }

    /// What this gateway set out to take away on a platform and was not seen to stay since.
    pub fn taken<'a>(&'a self, platform: &'a PlatformId) -> impl Iterator<Item = &'a Revocable> {
        let open = self.unsettled(platform).filter(|(_, record)| record.effect <= Effect::Restrict);
        let ended = self.holding(platform).into_iter().flat_map(|seen| seen.taken.keys());
        open.flat_map(|(_, record)| &record.of).chain(ended)
    }

    /// Names the next step: after the call that it makes, and where its intent stands.
    ///
    /// # Errors
    /// What is no code.
    pub fn next_step(&self, call: &Digest) -> Result<Code, &'static str> {
        Code::new(&format!("{}-{}", of_call(call), self.size))
    }

    /// Whether a step makes a call.
    #[must_use]
    pub fn makes(step: &Code, call: &Digest) -> bool {
        call_of(step) == of_call(call)
    }

    /// What calls gave on a platform, as their answers showed by a position, and no recorded look has shown since; with the name of
    /// each.
    pub fn given_by(
        &self,
        platform: &PlatformId,
        at: u64,
    ) -> impl Iterator<Item = (&str, &[Revocable])> {
        let given = self.platforms.given.get(platform).into_iter().flatten();
        let given = given.filter(move |(_, given)| given.index < at);
        given.map(|(call, given)| (call.as_str(), given.own.as_slice()))
    }

    /// Whether what calls gave on a platform, and no recorded look has shown since, rests on any of this: a thing, and what it rests on.
    pub fn rests_on(
        &self,
        platform: &PlatformId,
        thing: &Revocable,
        any: impl Fn(&Revocable) -> bool,
    ) -> bool {
        let given = self.platforms.given.get(platform).into_iter().flat_map(BTreeMap::values);
        let mut given = given.filter(|one| one.own.contains(thing));
        given.any(|one| one.rests_on.iter().any(&any))
    }

    /// Whether a platform was seen to hold something, or showed it when it was given.
    pub(super) fn was_held(&self, platform: &PlatformId, thing: &Revocable) -> bool {
        let seen = self.holding(platform).is_some_and(|last| last.things.contains(thing));
        let given = self.platforms.given.get(platform);
        seen || given.is_some_and(|given| given.values().any(|one| one.own.contains(thing)))
    }

    /// The newest alarms, oldest first.
    #[must_use]
    pub fn alarms(&self) -> &[Alarm] {
        &self.platforms.alarms
    }

    /// Intents whose end is not on the record.
    #[must_use]
    pub fn open_intents(&self) -> Vec<OpenIntent> {
        let runs = self.runs.iter().filter(|(_, run)| run.open().is_some());
        let effects = self.platforms.effects.iter().filter(|(_, record)| record.is_open());
        let runs = runs.map(|(id, _)| OpenIntent::Run(id.clone()));
        runs.chain(effects.map(|(step, _)| OpenIntent::Effect(step.clone()))).collect()
    }

    /// Whether a step's name is that of a call.
    #[must_use]
    pub fn is_call(name: &str, call: &Digest) -> bool {
        name == of_call(call)
    }

    /// What an answer showed is missing if no look shows it, unless it was withdrawn or taken away since its intent.
    fn keep_given(&mut self, index: u64, step: &Code, ended: &EffectRecord) {
        if !ended.based || ended.effect <= Effect::Restrict || self.is_overtaken(ended) {
            return;
        }
        let own: Vec<Revocable> = ended.itself().cloned().collect();
        let rests_on = ended.of.iter().filter(|thing| !own.contains(thing)).cloned().collect();
        let given = self.platforms.given.entry(ended.platform.clone()).or_default();
        given.insert(call_of(step).to_owned(), Given { index, own, rests_on });
    }

    /// Whether anything was withdrawn, or anything of a call taken away again, since its intent.
    fn is_overtaken(&self, call: &EffectRecord) -> bool {
        let EffectRecord { platform, of, index, .. } = call;
        let withdrawn = self.platforms.closures.keys().next_back().is_some_and(|at| at > index);
        let ended = self.holding(platform).into_iter().flat_map(|seen| &seen.taken);
        let ended = ended.filter(|(_, at)| *at > index).map(|(thing, _)| thing);
        let open = self.unsettled(platform).filter(|(_, record)| record.effect <= Effect::Restrict);
        let mut taken = ended.chain(open.flat_map(|(_, record)| &record.of));
        withdrawn || taken.any(|thing| of.iter().any(|one| self.meets(thing, one)))
    }

    fn confirmed(
        &mut self,
        revocation: u64,
        platform: &PlatformId,
        (at, reads, probe): ((u64, i64), u32, &Code),
    ) {
        let Some(closure) = self.platforms.closures.get_mut(&revocation) else { return };
        closure.confirm(platform, at, reads, probe);
        let left = closure.platforms.get(platform).is_some_and(|awaited| awaited.left);
        let what = closure.what.clone();
        if left {
            self.platforms.given.remove(platform);
        }
        self.forget_given(Some(platform), &what);
    }

    /// Writes down a leaf about platforms that was found legal.
    pub(super) fn record_platform(&mut self, index: u64, leaf: &Leaf) {
        let at_ms = leaf.at_ms;
        match &leaf.body {
            Body::EffectIntended { platform, effect, of, .. } => {
                self.platforms.intended(index, leaf);
                if *effect <= Effect::Restrict {
                    self.forget_given(Some(platform), of);
                }
            }
            Body::EffectOutcome { step, outcome, shown } => {
                if let Some(ended) = self.platforms.ended(index, step, *outcome) {
                    self.landed(index, &ended);
                    if *shown && ended.outcome == Some(Outcome::Applied) {
                        self.keep_given(index, step, &ended);
                    }
                }
            }
            Body::RoomObserved { platform, holds, basis } => {
                let seen = self.platforms.holds.entry(platform.clone()).or_default();
                (seen.index, seen.at_ms) = (index, at_ms);
                seen.things = holds.iter().cloned().collect();
                // What ended while it was looked at may not show itself in that yet.
                seen.taken.retain(|_, ended| *ended >= *basis);
                if let Some(given) = self.platforms.given.get_mut(platform) {
                    given.retain(|_, one| one.index >= *basis || !one.is_held(holds));
                }
            }
            Body::DriftFound { platform, class, of } => {
                let (platform, class, of) = (platform.clone(), class.clone(), of.clone());
                let alarms = &mut self.platforms.alarms;
                if alarms.len() == ALARMS_MAX {
                    alarms.remove(0);
                }
                alarms.push(Alarm { index, at_ms, platform, class, of });
            }
            Body::RevocationConfirmed { revocation, platform, reads, probe, .. } => {
                self.confirmed(*revocation, platform, ((index, at_ms), *reads, probe));
            }
            Body::Opened { .. }
            | Body::Proposed { .. }
            | Body::Joined { .. }
            | Body::Declined { .. }
            | Body::Approved { .. }
            | Body::WaiverGiven { .. }
            | Body::Revoked { .. }
            | Body::FoundWithdrawn { .. }
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
            | Body::RunSucceeded { .. } => {}
        }
    }
}

/// How narrow a thing is: with what rests on others those are named along.
const fn rank(thing: &Revocable) -> u8 {
    match thing {
        Revocable::Template { .. } | Revocable::Approval { .. } => 0,
        Revocable::Dataset { .. } | Revocable::Column { .. } => 1,
        Revocable::Member { .. } | Revocable::Room => 2,
    }
}

impl Given {
    fn is_held(&self, holds: &[Revocable]) -> bool {
        self.own.iter().all(|thing| holds.contains(thing))
    }
}

/// A call as the names of steps begin that make it.
fn of_call(call: &Digest) -> String {
    format!("step-{}", call.short())
}

fn call_of(step: &Code) -> &str {
    step.as_str().rsplit_once('-').map_or("", |(call, _)| call)
}

impl Platforms {
    fn intended(&mut self, index: u64, leaf: &Leaf) {
        let Body::EffectIntended { step, platform, effect, of, leaves, basis } = &leaf.body else {
            return;
        };
        self.changed.insert(platform.clone());
        self.based |= basis.is_some();
        // What narrows names itself each part that it takes out.
        let mut there = BTreeSet::new();
        if *effect == Effect::Restrict || !leaves.is_empty() {
            there = self.parts(platform, basis.unwrap_or(index));
            there.retain(|part| !of.contains(part));
        }
        let record = EffectRecord {
            index,
            at_ms: leaf.at_ms,
            platform: platform.clone(),
            effect: *effect,
            of: of.clone(),
            leaves: leaves.clone(),
            there,
            based: basis.is_some(),
            outcome: None,
        };
        self.effects.insert(step.clone(), record);
    }

    /// A call has landed that sets a whole value: what it says nothing of it took along, whoever gave that meanwhile.
    fn overwritten(&mut self, index: u64, call: &EffectRecord) {
        let on = &call.platform;
        let never = Holding::default();
        let seen = self.holds.get(on).unwrap_or(&never);
        let open = self.effects.values().filter(|one| one.platform == *on && one.is_open());
        let open = open.flat_map(|one| &one.of);
        let given = self.given.get(on).into_iter().flat_map(BTreeMap::values);
        let all = seen.things.iter().chain(open).chain(given.flat_map(|one| &one.own));
        let lost: BTreeSet<Revocable> = all.filter(|one| call.overwrites(one)).cloned().collect();
        if let Some(given) = self.given.get_mut(on) {
            for one in given.values_mut() {
                one.own.retain(|thing| !lost.contains(thing));
            }
            given.retain(|_, one| !one.own.is_empty());
        }
        if let Some(seen) = self.holds.get_mut(on) {
            seen.taken.extend(lost.into_iter().map(|thing| (thing, index)));
        }
    }

    /// Owners' parts that are known to be there by what was on record at a position.
    fn parts(&self, on: &PlatformId, at: u64) -> BTreeSet<Revocable> {
        let seen = self.holds.get(on).filter(|seen| seen.index < at);
        let given = self.given.get(on).into_iter().flat_map(BTreeMap::values);
        let given = given.filter(|one| one.index < at).flat_map(|one| &one.own);
        let all = seen.into_iter().flat_map(|seen| &seen.things).chain(given);
        all.filter(|thing| matches!(thing, Revocable::Approval { .. })).cloned().collect()
    }

    /// A step whose name says where its intent stands can't be intended again, so nothing has to be kept of it. The call,
    /// once its end is known.
    fn ended(&mut self, index: u64, step: &Code, outcome: Outcome) -> Option<EffectRecord> {
        let record = self.effects.get_mut(step)?;
        record.outcome = Some(outcome);
        if outcome == Outcome::Applied
            && let Some(seen) = self.holds.get_mut(&record.platform)
        {
            match record.effect {
                Effect::Revoke | Effect::Restrict => {
                    seen.taken.extend(record.of.iter().map(|thing| (thing.clone(), index)));
                }
                // What was given again is not missing by this gateway's doing any more, if it did not take it away after that.
                Effect::Grant => {
                    seen.taken.retain(|taken, at| *at > record.index || !record.of.contains(taken));
                }
                // What makes room for it again may be all that it needs; not while it is not known to be gone.
                Effect::Neutral => {
                    let Holding { things, taken, .. } = seen;
                    let made =
                        |thing: &Revocable| record.of.contains(thing) && !things.contains(thing);
                    taken.retain(|thing, at| *at > record.index || !made(thing));
                }
            }
        }
        let ended = (!record.is_open()).then(|| record.clone());
        if let Some(call) = ended.as_ref().filter(|_| outcome == Outcome::Applied) {
            self.overwritten(index, call);
        }
        if ended.as_ref().is_some_and(|call| call.based) {
            self.effects.remove(step);
        }
        ended
    }
}
