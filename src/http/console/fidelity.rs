//! The fidelity matrix: each agreed term by each room, with the reason; and consent to what a room would hold more loosely.

use super::super::problem::Problem;
use super::Console;
use super::entered::Entered;
use super::form::{tied, token};
use super::page::{self, Frame, Tab, forbidden, notice, place, table};
use super::session::Session;
use super::shown::{digest, list, mark, text};
use crate::access::Action;
use crate::settings::FourEyes;
use crate::wire;
use axum::extract::{Path, State};
use axum::response::Html;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// How a term may be held, in the order of the legend.
const WORDS: [(&str, &str); 7] = [
    ("exact", "as agreed"),
    ("narrower", "less is admitted than agreed"),
    ("gateway", "the gateway holds it"),
    ("template", "it is compiled into the template"),
    ("waived", "more is admitted, and the owners it touches consented"),
    ("wider", "more would be admitted: nothing is given there before it is waived"),
    ("unsupported", "nobody holds it"),
];

/// What a form of this page is for.
struct Waiving<'a> {
    session: &'a Session,
    collaboration: &'a str,
    agreement: &'a str,
    shown: &'a str,
    /// Whose consent it would be; nobody's where the roles do not permit it.
    me: Option<String>,
}

pub(super) async fn page(
    State(console): State<Console>,
    Entered(session): Entered,
    Path(name): Path<String>,
) -> Result<Html<String>, Problem> {
    let desk = console.desk(session.caller());
    // The mark first: what is decided while the rest is read makes the form too late, and not blind.
    let (of, shown) = desk.collaboration(&name).await?;
    let matrix = desk.fidelity(&name).await?;
    let offers = desk.offers(&of.name, &of.standing);
    let may = offers.may(Action::Waive) && of.standing == "member";
    let waiving = Waiving {
        session: &session,
        collaboration: &of.name,
        agreement: &matrix.agreement,
        shown: &shown,
        me: session.caller().tenant().filter(|_| may).map(ToString::to_string),
    };
    let body = html! {
        h1 { "Fidelity" }
        p.lead { "How each room holds each term of agreement " (digest(&matrix.agreement)) ". A cell says why when it is opened." }
        (forbidden(&offers, Action::Waive, "Waive"))
        @if desk.takes_two(FourEyes::Waive) {
            (notice(true, &html! { p { strong { "Two people waive" } ": your organisation's consent needs a second person, who gives the same within a day." } }))
        }
        (summary(&matrix))
        (cells(&matrix, &waiving))
        (unverified(&matrix))
    };
    let frame = Frame::of("Fidelity", &of.name, Tab::Fidelity).seen_as(&of.standing);
    Ok(page::page(&frame, &session, &desk, &body))
}

/// What each word means, and how often a room is of it.
fn summary(matrix: &wire::Fidelity) -> Markup {
    let mut counts: BTreeMap<(&str, usize), usize> = BTreeMap::new();
    for term in &matrix.terms {
        for (n, cell) in term.rooms.iter().enumerate() {
            if let Some(cell) = cell {
                *counts.entry((cell.held.as_str(), n)).or_default() += 1;
            }
        }
    }
    let open = matrix.terms.iter().flat_map(|term| term.rooms.iter().flatten());
    let open = open.filter(|cell| !cell.needs.is_empty()).count();
    let heads: Vec<&str> =
        ["Held", "Means"].into_iter().chain(matrix.rooms.iter().map(String::as_str)).collect();
    html! {
        @if open > 0 {
            (notice(true, &html! { p { (open) " terms wait for waivers: a room gets nothing before each owner whom it touches consents, or the agreement is changed." } }))
        }
        (table("Terms by how each room holds them", &heads, &html! {
            @for (word, meaning) in WORDS {
                tr {
                    th scope="row" { (mark(word)) }
                    td { (meaning) }
                    @for n in 0..matrix.rooms.len() { td.number { (counts.get(&(word, n)).copied().unwrap_or_default()) } }
                }
            }
        }))
    }
}

fn cells(matrix: &wire::Fidelity, waiving: &Waiving<'_>) -> Markup {
    let heads: Vec<&str> =
        std::iter::once("Term").chain(matrix.rooms.iter().map(String::as_str)).collect();
    table(
        "Each agreed term in each room",
        &heads,
        &html! {
            @for term in &matrix.terms {
                tr {
                    th scope="row" title=(term.meaning) { code { (text(&term.at)) } br; span.dim { (term.meaning) } }
                    @for cell in &term.rooms {
                        td { @match cell { Some(cell) => (one(cell, &term.at, waiving)), None => span.none { "not asked" } } }
                    }
                }
            }
        },
    )
}

/// What rooms count on that nobody saw on their platforms.
fn unverified(matrix: &wire::Fidelity) -> Markup {
    let rooms = matrix.rooms.iter().zip(&matrix.behaviours);
    let all = rooms.flat_map(|(room, all)| all.iter().map(move |one| (room, one)));
    let unseen: Vec<_> = all.filter(|(_, one)| one.standing != "verified").collect();
    html! {
        @if !unseen.is_empty() {
            h2 { "Unverified on a real account" }
            (table("What rooms count on that nobody saw there", &["Room", "Is counted on", "Where it differs"], &html! {
                @for (room, one) in unseen {
                    tr {
                        th scope="row" { (text(room)) br; code { (text(&one.code)) } }
                        td { (text(&one.expects)) }
                        td { strong { (text(&one.otherwise)) } ": " (text(&one.reason)) }
                    }
                }
            }))
        }
    }
}

fn one(cell: &wire::RoomHeld, at: &str, waiving: &Waiving<'_>) -> Markup {
    html! {
        details.cell {
            summary title=(cell.reason) {
                (mark(&cell.held))
                @if cell.held == "exact" && cell.by != "room" { " " span.dim { "by the " (cell.by) } }
            }
            p { (text(&cell.reason)) }
            @if !cell.construct.is_empty() { p.dim { "There: " code { (text(&cell.construct)) } } }
            @if !cell.waived_by.is_empty() { p { "Waived by " (list(&cell.waived_by)) } }
            @if !cell.needs.is_empty() { p { (mark("waits")) " for a waiver of " (list(&cell.needs)) } }
            @if waiving.me.as_ref().is_some_and(|me| cell.needs.contains(me)) { (waive(cell, at, waiving)) }
        }
    }
}

fn waive(cell: &wire::RoomHeld, at: &str, waiving: &Waiving<'_>) -> Markup {
    let Waiving { session, collaboration, agreement, shown, .. } = waiving;
    html! {
        form.stack method="post" action=(place(collaboration, "/waivers")) {
            (token(session, "waive", &[collaboration, &cell.room, at, agreement]))
            (tied(shown))
            input type="hidden" name="room" value=(cell.room);
            input type="hidden" name="at" value=(at);
            input type="hidden" name="agreement" value=(agreement);
            button.grave type="submit" { "Waive" span.unseen { " " (at) " in " (cell.room) } }
        }
    }
}
