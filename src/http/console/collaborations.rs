//! The collaborations of whoever is signed in, at a glance.

use super::super::asked::Asked;
use super::super::problem::Problem;
use super::Console;
use super::entered::Entered;
use super::page::{self, Frame, forbidden, place, table};
use super::shown::{digest, mark};
use crate::access::Action;
use crate::wire;
use axum::extract::State;
use axum::response::Html;
use maud::{Markup, html};
use serde::Deserialize;

/// On a page; each is looked at.
const PAGE: usize = 20;

/// A page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct After {
    after: Option<String>,
}

pub(super) async fn page(
    State(console): State<Console>,
    Entered(session): Entered,
    Asked(After { after }): Asked<After>,
) -> Result<Html<String>, Problem> {
    let desk = console.desk(session.caller());
    let (listed, next) = desk.collaborations((after.as_deref(), PAGE), None).await?;
    let mut rows = Vec::new();
    for one in listed {
        // One that can't be read keeps nobody from seeing the rest.
        let found = desk.collaboration(&one.name).await.map(|(found, _)| found);
        rows.push((one, found));
    }
    let heads =
        ["Collaboration", "You are", "Agreement", "Waits", "Withdrawn", "Runs left", "Leaves"];
    let offers = desk.offers("", "");
    let body = html! {
        h1 { "Collaborations" }
        @if rows.is_empty() {
            p.lead { "None that you are part of or invited to. A collaboration begins with an agreement that a member-admin offers." }
        } @else {
            (table("Collaborations", &heads, &html! { @for (one, found) in &rows { (row(one, found.as_ref().ok())) } }))
        }
        @if offers.may(Action::Propose) { p { a.button href="/console/offer" { "Offer an agreement" } } }
        (forbidden(&offers, Action::Propose, "Offer an agreement"))
        @if let Some(next) = next {
            p { a href={ "/console?after=" (next) } rel="next" { "After " (next) } }
        }
    };
    Ok(page::page(&Frame::plain("Collaborations"), &session, &desk, &body))
}

fn row(one: &wire::Listed, found: Option<&wire::Collaboration>) -> Markup {
    html! {
        tr {
            th scope="row" { a href=(place(&one.name, "")) { (one.name) } }
            td { (mark(&one.standing)) }
            @match found {
                Some(found) => {
                    td {
                        @match &found.agreement { Some(of) => (digest(of)), None => span.none { "none in force" } }
                        @if let Some(doubt) = &found.doubt { " " (mark("in doubt")) " " code { (doubt) } }
                    }
                    td { @match &found.waiting { Some(of) => a href=(place(&one.name, &format!("/agreements/{of}"))) { (mark("waits")) " " (digest(of)) }, None => span.none { "nothing" } } }
                    td.number { (found.withdrawn.len()) @if !found.pending.is_empty() { " + " (found.pending.len()) " here" } }
                    td.number { (found.runs_left) }
                    td.number { (found.leaves) }
                },
                None => td colspan="5" { span.none { "can't be read now" } },
            }
        }
    }
}
