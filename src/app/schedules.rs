//! Schedules: made, ended, and shown. What a schedule's runs are is in the log; the values of its parameters are in this gateway's folder. Must
//! not know when anything is due; that is `scheduler`'s.

use super::runs::{salt, template_changed};
use super::{App, Recorded, Tied, agreements, members, standing};
use crate::error::{Kind, Result};
use crate::home::{Kept, KeptSchedule};
use crate::log::{self, Body, Code, Cron, RunStatus, Schedule, SlotOutcome, State};
use crate::wire;
use adapter_spi::RunLimits;
use mappings::model::{
    CollaborationId, Digest, MemberId, PlatformId, RunId, ScheduleId, TemplateName,
};
use std::collections::BTreeMap;

/// A request for runs at times to come.
#[derive(Debug, Clone)]
pub struct ScheduleRequest {
    /// The collaboration.
    pub collaboration: CollaborationId,
    /// Its name, never used before.
    pub schedule: ScheduleId,
    /// The template.
    pub template: TemplateName,
    /// The version that was looked at, or `None` for the one there is.
    pub digest: Option<Digest>,
    /// Where it runs.
    pub room: PlatformId,
    /// Who runs it.
    pub by: MemberId,
    /// When, in UTC.
    pub cron: Cron,
    /// Parameters as text, the same for each run.
    pub parameters: BTreeMap<String, String>,
    /// What each run may take of this machine, and how much may come out.
    pub limits: RunLimits,
}

impl App {
    /// Puts a schedule on record. Its runs are asked for when their time has come, by any gateway that has the values, and as what is agreed then.
    pub async fn schedule(&self, request: ScheduleRequest, tied: &Tied) -> Result<Recorded> {
        let ScheduleRequest { collaboration, schedule, template, digest, room, .. } = &request;
        let key = members::signing_key(&self.home, &request.by)?;
        let loaded = self.load(collaboration).await?;
        let agreement = standing(&loaded.state)?;
        let guarded = agreements::guard_one(agreement, template)?;
        if digest.is_some_and(|digest| digest != guarded.digest) {
            return Err(template_changed(template, "a schedule"));
        }
        self.rooms.holds(agreement, room)?;
        let bound = agreements::bind(agreement, template, &request.parameters)?;
        let salt = salt()?;
        let parameters = log::commitment(&salt, &serde_json::json!(bound));
        let body = Body::Scheduled {
            schedule: schedule.clone(),
            template: template.clone(),
            digest: guarded.digest,
            platform: room.clone(),
            by: request.by.clone(),
            cron: request.cron.clone(),
            parameters,
        };
        let kept = Kept::of(collaboration, schedule, &parameters);
        let values = KeptSchedule::new(&salt, request.parameters.clone(), request.limits);
        self.home.keep_schedule(&kept, &values)?;
        let signer = (&request.by, &key);
        let decided = self.decide(collaboration, signer, tied, |_| Ok(body.clone())).await;
        // Of a store that failed nobody knows whether it is on record.
        let is_other = match &decided {
            Ok(recorded) => recorded.repeated,
            Err(error) => error.kind != Kind::Failed,
        };
        if is_other {
            self.home.forget_schedule(&kept);
        }
        decided
    }

    /// Ends a schedule, on record, and forgets its values here.
    pub async fn unschedule(
        &self,
        collaboration: &CollaborationId,
        schedule: &ScheduleId,
        member: &MemberId,
        tied: &Tied,
    ) -> Result<Recorded> {
        let key = members::signing_key(&self.home, member)?;
        let body = Body::Unscheduled { schedule: schedule.clone(), by: member.clone() };
        let recorded =
            self.decide(collaboration, (member, &key), tied, |_| Ok(body.clone())).await?;
        let state = self.load(collaboration).await?.state;
        if let Some(known) = state.schedules().get(schedule) {
            self.home.forget_schedule(&Kept::of(collaboration, schedule, &known.parameters));
        }
        Ok(recorded)
    }

    /// The schedules of a collaboration that have not ended, as this gateway's owner sees them.
    pub async fn schedules(&self, collaboration: &CollaborationId) -> Result<Vec<wire::Schedule>> {
        let state = self.load_denying(collaboration).await?.state;
        Ok(self.schedules_of(collaboration, &state, None))
    }

    /// The same as a member sees them; one that ended only by its name.
    pub(super) fn schedules_of(
        &self,
        collaboration: &CollaborationId,
        state: &State,
        only: Option<&ScheduleId>,
    ) -> Vec<wire::Schedule> {
        let all = state.schedules().iter();
        let shown = all.filter(|(id, one)| match only {
            Some(only) => *id == only,
            None => one.ended.is_none(),
        });
        shown.map(|(id, one)| self.shown_schedule(collaboration, state, (id, one))).collect()
    }

    fn shown_schedule(
        &self,
        collaboration: &CollaborationId,
        state: &State,
        (id, one): (&ScheduleId, &Schedule),
    ) -> wire::Schedule {
        let of = (&one.template, one.digest);
        let stands = state.may_schedule(of, (&one.by, &one.platform));
        let suspended = stands.err().map(|denied| denied.code.to_owned());
        let is_over = one.ended.is_some() || suspended.is_some();
        let from = one.after_ms().max(self.clock.now_ms());
        let kept = Kept::of(collaboration, id, &one.parameters);
        wire::Schedule {
            schedule: id.to_string(),
            index: one.index,
            template: one.template.to_string(),
            digest: one.digest.to_string(),
            room: one.platform.to_string(),
            by: one.by.to_string(),
            cron: one.cron.to_string(),
            next_ms: one.cron.next(from).filter(|_| !is_over),
            suspended: suspended.filter(|_| one.ended.is_none()),
            ended: one.ended.is_some(),
            last: one.last.as_ref().map(|last| slot(state, last)),
            values_here: self.home.has_schedule(&kept),
        }
    }
}

fn slot(state: &State, last: &log::LastSlot) -> wire::ScheduleSlot {
    let told = |run: Option<&RunId>, (state, code): (wire::SlotState, Option<&Code>)| {
        let (run, code) = (run.map(ToString::to_string), code.map(ToString::to_string));
        wire::ScheduleSlot { at_ms: last.at_ms, run, state, code }
    };
    let run = match &last.outcome {
        SlotOutcome::Requested(run) => run,
        SlotOutcome::Refused(code) => return told(None, (wire::SlotState::Refused, Some(code))),
    };
    let became = match state.runs().get(run).map(|run| &run.status) {
        Some(RunStatus::Succeeded { .. }) => (wire::SlotState::Succeeded, None),
        Some(RunStatus::Failed(code)) => (wire::SlotState::Failed, Some(code)),
        Some(RunStatus::Cancelled(code)) => (wire::SlotState::Cancelled, Some(code)),
        Some(RunStatus::Requested(_) | RunStatus::Delivering(_)) | None => {
            (wire::SlotState::UnderWay, None)
        }
    };
    told(Some(run), became)
}
