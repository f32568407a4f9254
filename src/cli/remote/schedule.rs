//! `schedule` at a gateway elsewhere. That gateway has the values of its parameters from then on, and makes its runs.

use super::decisions::template_of;
use super::receipt;
use crate::cli::run::named as parameters;
use crate::cli::schedule::{Act, Scheduling, added, removed, show};
use crate::cli::screen::Screen;
use crate::client::Client;
use crate::error::Result;
use crate::wire;

pub(super) async fn schedule(client: &Client, asked: Scheduling, screen: Screen) -> Result<()> {
    match asked.act {
        Act::Add(add) => {
            client.speaks_for(&add.member)?;
            let of = &add.collaboration;
            let templates = client.templates(of).await?;
            let (template, digest) = template_of(&templates, &add.template)?;
            let body = wire::ScheduleAsked {
                schedule: add.schedule.to_string(),
                template: template.to_string(),
                digest: digest.to_string(),
                room: Some(add.room.to_string()),
                cron: add.cron.to_string(),
                parameters: parameters(&add.parameters)?,
                limits: add.limits.asked(),
            };
            let decided = client.schedule(of, &body).await?;
            let index = decided.receipt.index;
            added((of, &add.schedule), (&template, &add.cron), index, screen);
            screen.object(&serde_json::json!({
                "collaboration": of, "schedule": add.schedule, "receipt": receipt(&decided.receipt),
            }));
        }
        Act::List { collaboration } => {
            show(&collaboration, &client.schedules(&collaboration).await?, screen);
        }
        Act::Remove { collaboration, schedule, member } => {
            client.speaks_for(&member)?;
            let decided = client.unschedule(&collaboration, &schedule).await?;
            removed(&schedule, decided.receipt.index, screen);
            screen.object(&serde_json::json!({
                "collaboration": collaboration, "schedule": schedule,
                "receipt": receipt(&decided.receipt),
            }));
        }
    }
    Ok(())
}
