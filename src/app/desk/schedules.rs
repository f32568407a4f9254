//! Schedules of runs as a caller has them. Its member makes and ends its own; everybody of the collaboration sees them.

use super::decisions::digest;
use super::runs::limits;
use super::{Desk, Done, absent, named};
use crate::access::Action;
use crate::app::{ScheduleRequest, Tied};
use crate::error::{Error, Result};
use crate::log::Cron;
use crate::wire;
use mappings::model::{PlatformId, ScheduleId};

impl Desk<'_> {
    /// Those that have not ended, by name.
    pub(crate) async fn schedules(&self, name: &str) -> Result<wire::Schedules> {
        let seen = self.seen_whole(name, Action::ReadCollaboration).await?;
        let schedules = self.app.schedules_of(&seen.collaboration, seen.state(), None);
        Ok(wire::Schedules { schedules })
    }

    /// One by its name, also when it has ended.
    pub(crate) async fn schedule_of(&self, name: &str, id: &str) -> Result<wire::Schedule> {
        let seen = self.seen_whole(name, Action::ReadCollaboration).await?;
        let id = named::<ScheduleId>(id)?;
        let mut found = self.app.schedules_of(&seen.collaboration, seen.state(), Some(&id));
        found.pop().ok_or_else(absent)
    }

    /// Asks for runs of the template version that was looked at, at times to come.
    pub(crate) async fn schedule(
        &self,
        name: &str,
        asked: &wire::ScheduleAsked,
        tied: &Tied,
    ) -> Result<Done> {
        self.once("schedule", tied, async {
            let seen = self.seen_whole(name, Action::Run).await?;
            let room = asked.room.as_deref().map(named::<PlatformId>).transpose()?;
            let of = seen.collaboration;
            let request = ScheduleRequest {
                collaboration: of.clone(),
                schedule: asked.schedule.parse().map_err(|error| {
                    Error::invalid("schedule-name", format!("{error}")).help("nightly")
                })?,
                template: named(&asked.template)?,
                digest: Some(digest(&asked.digest)?),
                room: room.unwrap_or_else(PlatformId::native),
                by: seen.member,
                cron: cron(&asked.cron)?,
                parameters: asked.parameters.clone(),
                limits: limits(&asked.limits)?,
            };
            let _leave = self.house.guarding.acquire().await;
            let recorded = self.app.schedule(request, tied).await?;
            Ok((of, recorded))
        })
        .await
    }

    /// Ends an own one.
    pub(crate) async fn unschedule(&self, name: &str, id: &str, tied: &Tied) -> Result<Done> {
        self.once("unschedule", tied, async {
            let seen = self.seen_whole(name, Action::Cancel).await?;
            let id = named::<ScheduleId>(id)?;
            let known = seen.state().schedules().get(&id).ok_or_else(absent)?;
            if known.by != seen.member {
                let message = "the schedule is another member's";
                return Err(Error::refused("schedule-of-another", message).help(
                    "a schedule of the caller's own member; an owner withdraws what it rests on",
                ));
            }
            let of = seen.collaboration;
            let recorded = self.app.unschedule(&of, &id, &seen.member, tied).await?;
            Ok((of, recorded))
        })
        .await
    }
}

fn cron(text: &str) -> Result<Cron> {
    Cron::new(text).map_err(|what| {
        Error::invalid("schedule-time", "this is no time at which a run could be due").help(what)
    })
}
