//! Schedules from outside: made, listed, ended.

use super::ask::Question;
use super::{About, Client, Decided};
use crate::error::{Error, Result};
use crate::wire;
use mappings::model::{CollaborationId, Digest, PlatformId, ScheduleId};

impl Client {
    /// Asks for runs of an approved template at times to come.
    pub async fn schedule(
        &self,
        of: &CollaborationId,
        asked: &wire::ScheduleAsked,
    ) -> Result<Decided> {
        let malformed =
            |_| Error::invalid("digest-malformed", "a schedule names a version by its digest");
        let digest = Digest::try_from(asked.digest.clone()).map_err(malformed)?;
        let named = |_| Error::invalid("template-unknown", "it names a template and a room");
        let template = asked.template.parse().map_err(named)?;
        let room = asked.room.as_deref().map_or(Ok(PlatformId::native()), str::parse);
        let schedule = asked.schedule.parse::<ScheduleId>().map_err(named)?;
        let when =
            |what| Error::invalid("schedule-time", "this is no time of a schedule").help(what);
        let cron = asked.cron.parse().map_err(when)?;
        let about = About::Scheduled(schedule, template, digest, room.map_err(named)?, cron);
        let path = ["v1", "collaborations", of.as_str(), "schedules"];
        let question = Question::change(&path)?.json(asked)?;
        Ok(self.changed(of, &question, &about).await?.into())
    }

    /// Ends an own schedule.
    pub async fn unschedule(&self, of: &CollaborationId, schedule: &ScheduleId) -> Result<Decided> {
        let path =
            ["v1", "collaborations", of.as_str(), "schedules", schedule.as_str(), "removals"];
        let about = About::Unscheduled(schedule.clone());
        Ok(self.changed(of, &Question::change(&path)?, &about).await?.into())
    }
}
