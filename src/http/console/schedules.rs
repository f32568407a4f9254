//! Schedules of a collaboration: when each is due, what became of its newest slot, and a form that ends an own one.

use super::super::done::finished;
use super::super::problem::Problem;
use super::Console;
use super::decisions::on_record;
use super::form::{Sent, once, tied, token};
use super::page::{place, table};
use super::session::Session;
use super::shown::{digest, mark, time};
use super::template::asked;
use crate::access::Action;
use crate::app::desk::Offers;
use crate::wire::{self, RunLimits, Schedule, ScheduleAsked, SlotState};
use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use std::sync::Arc;

/// The section of the collaboration's page.
pub(super) fn section(name: &str, all: &[Schedule], session: &Session, offers: &Offers) -> Markup {
    let may_end = offers.may(Action::Cancel);
    let heads = ["Schedule", "Template", "Version", "By", "When (UTC)", "Next", "Last", ""];
    html! {
        section {
            h2 #schedules { "Schedules" }
            @if all.is_empty() { p { "No run is scheduled." } } @else {
                (table("Schedules and what became of the newest slot of each", &heads, &html! {
                    @for one in all { (row(name, one, session, may_end)) }
                }))
            }
        }
    }
}

fn row(name: &str, one: &Schedule, session: &Session, may_end: bool) -> Markup {
    let is_own = session.caller().tenant().is_some_and(|own| own.as_str() == one.by);
    html! {
        tr {
            th scope="row" { (one.schedule) }
            td { a href=(place(name, &format!("/templates/{}", one.template))) { (one.template) } }
            td { (digest(&one.digest)) }
            td { (one.by) }
            td { code { (one.cron) } }
            td {
                @if let Some(why) = &one.suspended { (mark("suspended")) " " code { (why) } }
                @else if let Some(at) = one.next_ms { (time(at)) }
                @if !one.values_here { " " span.dim { "not from this gateway" } }
            }
            td { (last(name, one)) }
            td {
                @if is_own && may_end {
                    form method="post" action=(place(name, &format!("/schedules/{}/removals", one.schedule))) {
                        (token(session, "unschedule", &[name, &one.schedule]))
                        (once())
                        button type="submit" { "End " (one.schedule) }
                    }
                }
            }
        }
    }
}

fn last(name: &str, one: &Schedule) -> Markup {
    let Some(last) = &one.last else { return html! { span.none { "none yet" } } };
    html! {
        (mark(word(last.state))) " " (time(last.at_ms))
        @if let Some(run) = &last.run { " " a href=(place(name, &format!("/runs/{run}"))) { code { (run) } } }
        @if let Some(code) = &last.code { " " code { (code) } }
    }
}

const fn word(state: SlotState) -> &'static str {
    match state {
        SlotState::Refused => "refused",
        SlotState::UnderWay => "requested",
        SlotState::Succeeded => "succeeded",
        SlotState::Failed => "failed",
        SlotState::Cancelled => "cancelled",
    }
}

/// What asks for runs of this version at times to come.
pub(super) fn form(
    (of, shown): (&wire::Collaboration, &str),
    one: &wire::Template,
    explained: &wire::Explanation,
    session: &Session,
) -> Markup {
    html! {
        details {
            summary { h3 { "At times to come" } }
            form.stack method="post" action=(place(&of.name, "/schedules")) {
                (token(session, "schedule", &[&of.name, &one.template, &one.digest]))
                (tied(shown))
                input type="hidden" name="template" value=(one.template);
                input type="hidden" name="digest" value=(one.digest);
                label for="schedule" { "Name " span.dim { "letters, digits and hyphens; its runs are called after it" } }
                input #schedule type="text" name="schedule" required maxlength="40" autocomplete="off";
                label for="cron" { "When " span.dim { "minute hour day month weekday, in UTC" } }
                input #cron type="text" name="cron" required maxlength="128" placeholder="0 6 * * *" autocomplete="off";
                label for="scheduled-room" { "Room of each run" }
                select #scheduled-room name="room" { @for room in explained.texts.keys() { option value=(room) { (room) } } }
                @for parameter in &one.parameters { (asked("each", parameter)) }
                p { "Each run counts against the cap when it is due, and is refused then by whatever refuses a run. The values stay in this gateway." }
                button type="submit" { "Schedule " (one.template) }
            }
        }
    }
}

/// Makes a schedule.
pub(super) async fn add(
    State(console): State<Console>,
    Path(name): Path<String>,
    sent: Sent,
) -> Result<Response, Problem> {
    let fields = sent.read("schedule", &[&name], &["template", "digest"])?;
    let (session, tied) = (Arc::clone(fields.session()), fields.tied()?);
    let mut parameters = fields.beginning("set.");
    parameters.retain(|_, value| !value.is_empty());
    let asked = ScheduleAsked {
        schedule: fields.one("schedule")?,
        template: fields.one("template")?,
        digest: fields.one("digest")?,
        room: Some(fields.one("room")?),
        cron: fields.one("cron")?,
        parameters,
        limits: RunLimits::default(),
    };
    let what = format!("You scheduled {}", asked.template);
    let work = {
        let (console, session) = (console.clone(), Arc::clone(&session));
        async move { console.desk(session.caller()).schedule(&name, &asked, &tied).await }
    };
    let done = finished(&console.gateway.begun, work).await?;
    Ok(on_record(&session, &what, done))
}

/// Ends a schedule.
pub(super) async fn remove(
    State(console): State<Console>,
    Path((name, schedule)): Path<(String, String)>,
    sent: Sent,
) -> Result<Response, Problem> {
    let fields = sent.read("unschedule", &[&name, &schedule], &[])?;
    let (session, tied) = (Arc::clone(fields.session()), fields.once()?);
    let what = format!("You ended {schedule}");
    let work = {
        let (console, session) = (console.clone(), Arc::clone(&session));
        async move { console.desk(session.caller()).unschedule(&name, &schedule, &tied).await }
    };
    let done = finished(&console.gateway.begun, work).await?;
    Ok(on_record(&session, &what, done))
}
