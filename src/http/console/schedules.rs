//! Schedules of a collaboration: when each is due, what became of its newest slot, and a form that ends an own one.

use super::super::done::finished;
use super::super::problem::Problem;
use super::Console;
use super::decisions::on_record;
use super::form::{Sent, once, token};
use super::page::{place, table};
use super::session::Session;
use super::shown::{digest, mark, time};
use crate::access::Action;
use crate::wire::{Schedule, SlotState};
use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use std::sync::Arc;

/// The section of the collaboration's page.
pub(super) fn section(name: &str, all: &[Schedule], session: &Session) -> Markup {
    let heads = ["Schedule", "Template", "Version", "By", "When (UTC)", "Next", "Last", ""];
    html! {
        section {
            h2 #schedules { "Schedules" }
            @if all.is_empty() { p { "No run is scheduled." } } @else {
                (table("Schedules and what became of the newest slot of each", &heads, &html! {
                    @for one in all { (row(name, one, session)) }
                }))
            }
        }
    }
}

fn row(name: &str, one: &Schedule, session: &Session) -> Markup {
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
                @if is_own && session.caller().may(Action::Cancel) {
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
