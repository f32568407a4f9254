//! Schedules as the log tells them: what was scheduled, whether it stands, and what became of its newest slot. One is seen to once, later ones
//! after it; a run that is called after a slot is what was scheduled, or refused. Must not know clocks, nor what parameters are.

use super::legal::{Signer, by_gateway, by_member};
use super::{Illegal, State};
use crate::log::cron::{Cron, Slot};
use crate::log::leaf::{Body, Code, Leaf};
use mappings::model::{Digest, MemberId, PlatformId, RunId, ScheduleId, TemplateName};

/// Schedules that a member may have in one collaboration at a time.
const OF_MEMBER_MAX: usize = 32;

/// What became of a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlotOutcome {
    /// Its run was requested.
    Requested(RunId),
    /// A rule refused it.
    Refused(Code),
}

/// The newest slot that was seen to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastSlot {
    /// The time of it, in milliseconds since 1970.
    pub at_ms: i64,
    /// What became of it.
    pub outcome: SlotOutcome,
}

/// One schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The position of its leaf.
    pub index: u64,
    /// When it was made, or stood again, in log time: its slots are later.
    pub since_ms: i64,
    /// Who made it.
    pub by: MemberId,
    /// The template.
    pub template: TemplateName,
    /// Its version.
    pub digest: Digest,
    /// Where it runs.
    pub platform: PlatformId,
    /// When.
    pub cron: Cron,
    /// The commitment to its parameters.
    pub parameters: Digest,
    /// The newest slot.
    pub last: Option<LastSlot>,
    /// Since which leaf nothing more comes of it as things are agreed, and why. A later agreement may let it go on.
    pub suspended: Option<(u64, &'static str)>,
    /// The leaf by which it ended.
    pub ended: Option<u64>,
}

impl Schedule {
    /// After which time its next slot is.
    #[must_use]
    pub fn after_ms(&self) -> i64 {
        self.last.as_ref().map_or(self.since_ms, |last| last.at_ms.max(self.since_ms))
    }

    /// Whether a slot is one that is to be seen to: its own, come, and later than every other that was.
    fn takes(&self, slot_ms: i64, now_ms: i64) -> Result<(), Illegal> {
        if self.ended.is_some() {
            return Err(Illegal::ScheduleEnded);
        }
        if slot_ms > now_ms || !self.cron.is_at(slot_ms) {
            return Err(Illegal::SlotNotDue);
        }
        if slot_ms <= self.after_ms() { Err(Illegal::SlotPassed) } else { Ok(()) }
    }
}

impl State {
    /// Every schedule by its name, those that ended among them.
    #[must_use]
    pub const fn schedules(&self) -> &std::collections::BTreeMap<ScheduleId, Schedule> {
        &self.schedules
    }

    pub(super) fn legal_schedule(&self, leaf: &Leaf) -> Signer {
        if let Body::Scheduled { schedule, template, digest, platform, by, .. } = &leaf.body {
            by_member(leaf, by)?;
            if self.schedules.contains_key(schedule) {
                return Err(Illegal::ScheduleUsed);
            }
            self.may_schedule((template, *digest), (by, platform))?;
            let own = |one: &&Schedule| one.by == *by && one.ended.is_none();
            if self.schedules.values().filter(own).count() >= OF_MEMBER_MAX {
                return Err(Illegal::SchedulesMax);
            }
            return self.known_key(by);
        }
        if let Body::Unscheduled { schedule, by } = &leaf.body {
            by_member(leaf, by)?;
            let known = self.schedules.get(schedule).ok_or(Illegal::ScheduleUnknown)?;
            if known.by != *by {
                return Err(Illegal::ScheduleOfAnother);
            }
            let ended = known.ended.is_some();
            return if ended { Err(Illegal::ScheduleEnded) } else { self.known_key(by) };
        }
        let Body::SlotRefused { schedule, slot_ms, code } = &leaf.body else {
            return Err(Illegal::Actor);
        };
        let known = self.schedules.get(schedule).ok_or(Illegal::ScheduleUnknown)?;
        known.takes(*slot_ms, leaf.at_ms)?;
        let before = known.last.as_ref().map(|last| &last.outcome);
        if before == Some(&SlotOutcome::Refused(code.clone())) {
            return Err(Illegal::OutcomeRepeated);
        }
        by_gateway(leaf)
    }

    /// Refuses a run that is called after a slot of a schedule and is not that slot's run.
    pub(super) fn legal_slot(&self, leaf: &Leaf) -> Result<(), Illegal> {
        let Body::RunRequested { run, template, digest, platform, by, parameters, .. } = &leaf.body
        else {
            return Err(Illegal::RunUnknown);
        };
        let Some(slot) = Slot::of(run) else { return Ok(()) };
        let Some(known) = self.schedules.get(&slot.schedule) else { return Ok(()) };
        let scheduled =
            (&known.template, &known.digest, &known.platform, &known.by, &known.parameters);
        if scheduled != (template, digest, platform, by, parameters) {
            return Err(Illegal::SlotDiffers);
        }
        known.takes(slot.at_ms, leaf.at_ms)
    }

    /// Takes in that the run of a slot was requested.
    pub(super) fn record_slot(&mut self, run: &RunId) {
        let Some(slot) = Slot::of(run) else { return };
        if let Some(known) = self.schedules.get_mut(&slot.schedule) {
            let outcome = SlotOutcome::Requested(run.clone());
            known.last = Some(LastSlot { at_ms: slot.at_ms, outcome });
        }
    }

    pub(super) fn record_schedule(&mut self, index: u64, leaf: &Leaf) {
        if let Body::Scheduled { schedule, template, digest, platform, by, cron, parameters } =
            &leaf.body
        {
            let made = Schedule {
                index,
                since_ms: leaf.at_ms,
                by: by.clone(),
                template: template.clone(),
                digest: *digest,
                platform: platform.clone(),
                cron: cron.clone(),
                parameters: *parameters,
                last: None,
                suspended: None,
                ended: None,
            };
            self.schedules.insert(schedule.clone(), made);
        }
        if let Body::Unscheduled { schedule, .. } = &leaf.body
            && let Some(known) = self.schedules.get_mut(schedule)
        {
            known.ended = Some(index);
        }
        if let Body::SlotRefused { schedule, slot_ms, code } = &leaf.body
            && let Some(known) = self.schedules.get_mut(schedule)
        {
            let outcome = SlotOutcome::Refused(code.clone());
            known.last = Some(LastSlot { at_ms: *slot_ms, outcome });
        }
    }

    /// Finds out which schedules stand after a decision.
    pub(super) fn suspend(&mut self, index: u64) {
        if self.schedules.is_empty() {
            return;
        }
        let standing = |one: &Schedule| {
            let (of, by) = ((&one.template, one.digest), (&one.by, &one.platform));
            self.may_schedule(of, by).err().map(|denied| denied.code)
        };
        let found: Vec<_> = self.schedules.values().map(standing).collect();
        for (one, why) in self.schedules.values_mut().zip(found) {
            one.suspended = match (one.suspended, why) {
                (None, None) => None,
                (Some(_), None) => {
                    // What was due meanwhile is not made up for.
                    one.since_ms = one.since_ms.max(self.last_at_ms);
                    None
                }
                (Some(since), Some(_)) => Some(since),
                (None, Some(why)) => Some((index, why)),
            };
        }
    }
}
