//! Runs, the newest first, as the log tells them.

use super::super::asked::Asked;
use super::super::problem::Problem;
use super::Console;
use super::entered::Entered;
use super::page::{self, Frame, Tab, place, table};
use super::shown::{digest, list, mark, time};
use crate::app::desk::RunsAsked;
use crate::wire::{Run, RunState};
use axum::extract::{Path, State};
use axum::response::Html;
use maud::{Markup, html};
use serde::Deserialize;

/// On a page.
const PAGE: usize = 50;

/// A page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Before {
    before: Option<u64>,
}

pub(super) async fn page(
    State(console): State<Console>,
    Entered(session): Entered,
    Path(name): Path<String>,
    Asked(Before { before }): Asked<Before>,
) -> Result<Html<String>, Problem> {
    let desk = console.desk(session.caller());
    let (of, _) = desk.collaboration(&name).await?;
    let found = desk.runs(&name, &RunsAsked { before, max: PAGE, ..RunsAsked::default() }).await?;
    let heads = [
        "Run",
        "Template",
        "Version",
        "Asked by",
        "When",
        "Room",
        "Receivers",
        "State",
        "Rows",
        "Withheld",
    ];
    let body = html! {
        h1 { "Runs" }
        p.lead { (of.runs_left) " attempts are left in the window that ends now." }
        @if found.runs.is_empty() { p { "No run was asked for." } } @else {
            (table("Runs, the newest first", &heads, &html! { @for run in &found.runs { (row(&of.name, run)) } }))
        }
        @if let Some(next) = found.next {
            p { a rel="next" href=(place(&of.name, &format!("/runs?before={next}"))) { "Earlier runs" } }
        }
        p.dim { "A run is asked for from the page of its template." }
    };
    Ok(page::page(&Frame::of("Runs", &of.name, Tab::Runs), &session, &desk, &body))
}

pub(super) const fn word(state: RunState) -> &'static str {
    match state {
        RunState::Requested => "requested",
        RunState::Delivering => "delivering",
        RunState::Succeeded => "succeeded",
        RunState::Failed => "failed",
        RunState::Cancelled => "cancelled",
    }
}

fn row(collaboration: &str, run: &Run) -> Markup {
    html! {
        tr {
            th scope="row" { a href=(place(collaboration, &format!("/runs/{}", run.run))) { code { (run.run) } } }
            td { a href=(place(collaboration, &format!("/templates/{}", run.template))) { (run.template) } }
            td { (digest(&run.digest)) }
            td { (run.by) }
            td { (time(run.requested_at_ms)) }
            td { (run.room) }
            td { (list(&run.receivers)) }
            td { (mark(word(run.state))) @if let Some(why) = &run.code { " " code { (why) } } }
            td.number { @if let Some(rows) = run.rows { (rows) } }
            td.number { @if let Some(withheld) = run.withheld { (withheld) } }
        }
    }
}
