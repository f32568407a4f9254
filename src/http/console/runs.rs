//! Runs, the newest first, as the log tells them.

use super::super::problem::Problem;
use super::Console;
use super::entered::Entered;
use super::page::{self, Frame, Tab, place, table};
use super::shown::{digest, mark, time};
use crate::access::Action;
use crate::wire;
use axum::extract::{Path, State};
use axum::response::Html;
use maud::{Markup, html};

/// On the page.
const SHOWN_MAX: usize = 100;

pub(super) async fn page(
    State(console): State<Console>,
    Entered(session): Entered,
    Path(name): Path<String>,
) -> Result<Html<String>, Problem> {
    let desk = console.desk(session.caller());
    let (of, _) = desk.collaboration(&name).await?;
    let found = desk.run_lines(&name, SHOWN_MAX).await?;
    let heads =
        ["Run", "Template", "Version", "Asked by", "When", "Room", "State", "Rows", "Withheld"];
    let reads_log = session.caller().may(Action::ReadLog);
    let body = html! {
        h1 { "Runs" }
        p.lead {
            (of.runs_left) " attempts are left in the window that ends now."
            @if !reads_log { " Shown are those of your own member." }
        }
        @if found.runs.is_empty() { p { "No run was asked for." } } @else {
            (table("Runs, the newest first", &heads, &html! { @for run in &found.runs { (row(&of.name, run)) } }))
        }
        @if found.all > found.runs.len() as u64 { p.dim { (found.all) " in all; the older ones are in the log." } }
        p.dim { "A run is started with " code { "airlock run" } "." }
    };
    Ok(page::page(&Frame::of("Runs", &of.name, Tab::Runs), &session, &desk, &body))
}

fn row(collaboration: &str, run: &wire::RunLine) -> Markup {
    html! {
        tr {
            th scope="row" { code { (run.run) } }
            td { a href=(place(collaboration, &format!("/templates/{}", run.template))) { (run.template) } }
            td { (digest(&run.digest)) }
            td { (run.by) }
            td { (time(run.requested_ms)) }
            td { (run.room) }
            td { (mark(&run.state)) @if let Some(why) = &run.why { " " code { (why) } } }
            td.number { @if let Some(rows) = run.rows { (rows) } }
            td.number { @if let Some(withheld) = run.withheld { (withheld) } }
        }
    }
}
