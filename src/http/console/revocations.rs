//! Withdrawals and what became of each, room by room: evidence that is looked at again while something is open.

use super::super::problem::Problem;
use super::Console;
use super::entered::Entered;
use super::page::{self, Frame, Tab, notice, pair, place, table};
use super::shown::{list, mark, span, text, time};
use crate::access::Action;
use crate::wire;
use axum::extract::{Path, State};
use axum::response::Html;
use maud::{Markup, html};

/// Seconds between two looks.
const AGAIN_S: u32 = 5;

/// All of them.
pub(super) async fn page(
    State(console): State<Console>,
    Entered(session): Entered,
    Path(name): Path<String>,
) -> Result<Html<String>, Problem> {
    let desk = console.desk(session.caller());
    let (of, _) = desk.collaboration(&name).await?;
    let all = desk.revocations(&name, None, usize::MAX).await?.revocations;
    let heads = ["Leaf", "What", "How", "When", "Rooms", "Stands"];
    let body = html! {
        h1 { "Withdrawals" }
        @if !of.pending.is_empty() {
            (notice(true, &html! { p { "In force in this gateway alone until the log can be written: " (list(&of.pending)) } }))
        }
        @if all.is_empty() { p { "Nothing was withdrawn that a room had to be closed for." } } @else {
            (table("Withdrawals, the newest first", &heads, &html! { @for one in all.iter().rev() { (row(&of.name, one)) } }))
        }
        @if !of.withdrawn.is_empty() {
            section { h2 { "Withdrawn now" } ul { @for one in &of.withdrawn { li { (text(one)) } } } }
        }
    };
    let frame = Frame::of("Withdrawals", &of.name, Tab::Withdrawals).seen_as(&of.standing);
    Ok(page::page(&frame, &session, &desk, &body))
}

fn row(collaboration: &str, one: &wire::Revocation) -> Markup {
    let open = one.rooms.iter().filter(|room| room.confirmed.is_none()).count();
    html! {
        tr {
            th scope="row" { a href=(place(collaboration, &format!("/revocations/{}", one.index))) { "leaf " (one.index) } }
            td { (list(&one.what)) }
            td { (one.cause) }
            td { (time(one.at_ms)) }
            td.number { (one.rooms.len()) }
            td { (mark(if one.closed { "closed" } else { "closing" })) @if open > 0 { " " (open) " not seen closed" } }
        }
    }
}

/// One of them, with its evidence.
pub(super) async fn one(
    State(console): State<Console>,
    Entered(session): Entered,
    Path((name, index)): Path<(String, u64)>,
) -> Result<Html<String>, Problem> {
    let desk = console.desk(session.caller());
    let (of, _) = desk.collaboration(&name).await?;
    let one = desk.revocation(&name, index).await?;
    let title = format!("Withdrawal by leaf {}", one.index);
    let reads_log = desk.offers(&name, &of.standing).may(Action::ReadLog);
    let is_over = one.closed && one.runs.is_empty();
    let body = html! {
        h1 { (title) }
        dl.facts {
            (pair("What", &list(&one.what)))
            (pair("How", &html! { (match one.cause.as_str() { "found" => "found withdrawn on a platform", "narrowed" => "narrowed by a new version", _ => "withdrawn by a member" }) }))
            (pair("In force here since", &html! { (time(one.at_ms)) ": the native room denied it from then on" }))
            @if reads_log { (pair("On record", &html! { a href=(place(&name, &format!("/log/{}", one.index))) { "leaf " (one.index) } })) }
        }
        section #evidence aria-live="polite" aria-labelledby="evidence-is" data-live=(if is_over { "done" } else { "open" }) data-again=(AGAIN_S) {
            h2 #evidence-is { "Evidence " (mark(if one.closed { "closed" } else { "closing" })) }
            (evidence(&one))
        }
        @if !is_over { p.dim { "Looked at again every " (AGAIN_S) " seconds until it is closed." } }
    };
    let frame = Frame {
        again_s: (!is_over).then_some(AGAIN_S),
        ..Frame::of(&title, &name, Tab::Withdrawals).seen_as(&of.standing)
    };
    Ok(page::page(&frame, &session, &desk, &body))
}

fn evidence(one: &wire::Revocation) -> Markup {
    let heads = [
        "Room",
        "Stands",
        "Seen closed",
        "After",
        "Looks that agreed",
        "Attempt to use it",
        "Late calls",
    ];
    html! {
        @if one.rooms.is_empty() { p { "No other platform held it." } } @else {
            (table("What became of it in each room", &heads, &html! {
                @for room in &one.rooms {
                    tr {
                        th scope="row" { (room.room) }
                        td { (mark(if room.confirmed.is_some() { "closed" } else { "closing" })) }
                        td { @match (room.at_ms, room.confirmed) { (Some(at), Some(leaf)) => { (time(at)) ", leaf " (leaf) }, _ => span.none { "not yet" } } }
                        td { @if let Some(ms) = room.latency_ms { (span(ms)) } }
                        td.number { @if let Some(reads) = room.reads { (reads) } }
                        td { @if let Some(probe) = &room.probe { (probe.replace('-', " ")) } }
                        td.number { (room.late_calls) }
                    }
                }
            }))
        }
        @if !one.runs.is_empty() {
            p { (mark("open")) " Runs that were asked for before it, each of which is stopped or its result withheld: " (list(&one.runs)) }
        }
    }
}
