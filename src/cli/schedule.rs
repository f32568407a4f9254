//! `airlock schedule`: runs of an approved template at times to come. Whoever keeps the rooms (`serve`, `sync`) makes them.

use super::run::{Limits, named};
use super::screen::Screen;
use super::status::at;
use crate::app::{App, ScheduleRequest, Tied};
use crate::error::Result;
use crate::log::Cron;
use crate::wire;
use mappings::model::{CollaborationId, MemberId, PlatformId, ScheduleId, TemplateName};
use std::path::Path;

/// Arguments of `schedule`.
#[derive(Debug, clap::Args)]
pub(super) struct Scheduling {
    #[command(subcommand)]
    pub(super) act: Act,
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum Act {
    /// Ask for runs of an approved template at times to come.
    Add(Box<Add>),
    /// List the schedules that have not ended, and what became of each one's newest slot.
    List {
        /// The collaboration.
        collaboration: CollaborationId,
    },
    /// End an own schedule.
    Remove {
        /// The collaboration.
        collaboration: CollaborationId,
        /// The schedule.
        schedule: ScheduleId,
        /// The member who made it.
        #[arg(long = "as")]
        member: MemberId,
    },
}

/// Arguments of `schedule add`.
#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// The collaboration.
    pub(super) collaboration: CollaborationId,
    /// Its name, never used before here; its runs are called after it.
    pub(super) schedule: ScheduleId,
    /// The template.
    pub(super) template: TemplateName,
    /// When, in UTC: minute, hour, day, month, weekday in numbers; a second before them where there are six.
    #[arg(long, value_name = "TIME")]
    pub(super) cron: Cron,
    /// The member who runs it.
    #[arg(long = "as")]
    pub(super) member: MemberId,
    /// The room it runs in, one of the agreement's.
    #[arg(long, default_value = "native")]
    pub(super) room: PlatformId,
    /// A parameter, as NAME=VALUE; repeat for more.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(super) parameters: Vec<String>,
    #[command(flatten)]
    pub(super) limits: Limits,
}

impl Scheduling {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let app = App::existing(home).await?;
        match self.act {
            Act::Add(add) => {
                let request = ScheduleRequest {
                    parameters: named(&add.parameters)?,
                    limits: add.limits.of_run(),
                    collaboration: add.collaboration,
                    schedule: add.schedule,
                    template: add.template,
                    digest: None,
                    room: add.room,
                    by: add.member,
                    cron: add.cron,
                };
                let recorded = app.schedule(request.clone(), &Tied::default()).await?;
                let (id, cron) = (&request.schedule, &request.cron);
                added(
                    (&request.collaboration, id),
                    (&request.template, cron),
                    recorded.index,
                    screen,
                );
                screen.object(&serde_json::json!({
                    "collaboration": request.collaboration, "schedule": id, "receipt": recorded,
                }));
            }
            Act::List { collaboration } => {
                show(&collaboration, &app.schedules(&collaboration).await?, screen);
            }
            Act::Remove { collaboration, schedule, member } => {
                let tied = Tied::default();
                let recorded = app.unschedule(&collaboration, &schedule, &member, &tied).await?;
                removed(&schedule, recorded.index, screen);
                screen.object(&serde_json::json!({
                    "collaboration": collaboration, "schedule": schedule, "receipt": recorded,
                }));
            }
        }
        Ok(())
    }
}

pub(super) fn added(
    (of, schedule): (&CollaborationId, &ScheduleId),
    (template, cron): (&TemplateName, &Cron),
    index: u64,
    screen: Screen,
) {
    screen.say(format!("{of}: {schedule} runs {template} at `{cron}` UTC, leaf {index}"));
}

pub(super) fn removed(schedule: &ScheduleId, index: u64, screen: Screen) {
    screen.say(format!("{schedule} has ended, leaf {index}; no run of it is made any more"));
}

pub(super) fn show(of: &CollaborationId, all: &[wire::Schedule], screen: Screen) {
    if all.is_empty() {
        screen.say(format!("{of} has no schedules"));
    }
    let rows = all.iter().map(|one| {
        let template = one.template.clone();
        vec![one.schedule.clone(), template, one.by.clone(), one.cron.clone(), next(one), last(one)]
    });
    if !all.is_empty() {
        screen.table(&["schedule", "template", "by", "when (UTC)", "next", "last"], rows);
    }
    screen.object(&serde_json::json!({ "collaboration": of, "schedules": all }));
}

fn next(one: &wire::Schedule) -> String {
    let word = match (&one.suspended, one.next_ms) {
        (Some(why), _) => format!("suspended: {why}"),
        (None, Some(ms)) => at(ms),
        (None, None) => "never".to_owned(),
    };
    if one.values_here { word } else { format!("{word}; not from this gateway") }
}

fn last(one: &wire::Schedule) -> String {
    let Some(last) = &one.last else { return "none yet".to_owned() };
    let state = serde_json::to_value(last.state).ok();
    let state = state.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
    let why = last.code.as_ref().map(|code| format!(": {code}")).unwrap_or_default();
    let run = last.run.as_ref().map(|run| format!(" ({run})")).unwrap_or_default();
    format!("{} {state}{why}{run}", at(last.at_ms))
}
