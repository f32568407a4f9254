//! Offering an agreement: a document is written, checked, and then offered as it was checked. Nothing is kept between the two: the text goes along
//! in the form, whose token is over its digest. Must not know what an agreement says.

use super::super::asked::Asked;
use super::super::done::finished;
use super::super::problem::{Own, Problem};
use super::super::request::AsIs;
use super::super::said::digest;
use super::Console;
use super::agreement::changed;
use super::decisions::on_record;
use super::entered::Entered;
use super::form::{DOCUMENT_FORM_MAX, Fields, Sent, once, tied, token};
use super::page::{self, Frame, notice, pair, place, table};
use super::problem::places;
use super::session::{Session, hex};
use super::shown::{list, mark, text, whole};
use crate::app::desk::{Desk, Offered};
use crate::app::{Looked, Tied, late};
use crate::error::Kind;
use crate::wire;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;

/// How a room may hold a term, in the order of the table.
const HELD: [&str; 4] = ["exact", "narrower", "wider", "unsupported"];

/// From which collaboration's agreement somebody goes on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Of {
    of: Option<String>,
}

/// Where the document is written; empty, or the one that a collaboration has.
pub(super) async fn page(
    State(console): State<Console>,
    Entered(session): Entered,
    Asked(Of { of }): Asked<Of>,
) -> Result<Html<String>, Problem> {
    let desk = console.desk(session.caller());
    desk.may_offer()?;
    let document = match of {
        Some(of) => desk.written(&of).await?,
        None => String::new(),
    };
    Ok(whole_page(&session, &desk, &html! { (written(&document, false, &session)) }))
}

/// Says what stands in a document, and offers to propose it where nothing stands against it.
pub(super) async fn check(
    State(console): State<Console>,
    sent: Sent<DOCUMENT_FORM_MAX>,
) -> Result<Response, Problem> {
    let fields = sent.read("check-offer", &[], &[])?;
    let (session, text) = (Arc::clone(fields.session()), fields.document()?);
    let desk = console.desk(session.caller());
    desk.may_offer()?;
    match desk.offered(text.clone()).await {
        Ok(offered) => {
            let body = html! {
                (passes(&offered))
                (offer(&offered, &text, &session))
                (written(&text, false, &session))
            };
            Ok(whole_page(&session, &desk, &body).into_response())
        }
        Err(error) if error.kind == Kind::Failed => Err(error.into()),
        Err(error) => {
            let problem = Problem::from(error);
            let body = html! { (stands_against(&problem)) (written(&text, true, &session)) };
            let mut page = (problem.status, whole_page(&session, &desk, &body)).into_response();
            page.extensions_mut().insert(AsIs);
            Ok(page)
        }
    }
}

/// Proposes the text that was checked.
pub(super) async fn propose(
    State(console): State<Console>,
    sent: Sent<DOCUMENT_FORM_MAX>,
) -> Result<Response, Problem> {
    let fields = sent.read("offer", &[], &["collaboration", "digest"])?;
    let (session, text) = (Arc::clone(fields.session()), fields.document()?);
    if fields.one("digest")? != named(&text) {
        return Err(Own::FormForged.into());
    }
    let (name, tied) = (fields.one("collaboration")?, looked(&fields)?);
    let work = {
        let (console, session) = (console.clone(), Arc::clone(&session));
        async move {
            let done = console.desk(session.caller()).propose(&name, text, &tied).await;
            // What was a new one when it was looked at is there by now.
            done.map_err(|error| if error.code == "if-match-missing" { late() } else { error })
        }
    };
    let done = finished(&console.gateway.begun, work).await?;
    Ok(on_record(&session, "You offered the agreement", done))
}

/// What was there when it was checked: a form without a mark is of a collaboration that was not.
fn looked(fields: &Fields) -> Result<Tied, Own> {
    if fields.any("mark").is_empty() {
        return Ok(Tied { looked: Looked::Nothing, ..fields.once()? });
    }
    fields.tied()
}

/// What names a text in its form.
pub(super) fn named(text: &str) -> String {
    hex(&digest("airlock/offered/v1", [text.as_bytes()]))
}

fn whole_page(session: &Session, desk: &Desk<'_>, body: &Markup) -> Html<String> {
    let body = html! { h1 { "Offer an agreement" } (body) };
    page::page(&Frame::plain("Offer an agreement"), session, desk, &body)
}

/// Where it is written.
fn written(said: &str, is_wrong: bool, session: &Session) -> Markup {
    html! {
        form.stack.document method="post" action="/console/offer/checks" {
            (token(session, "check-offer", &[]))
            label for="text" { "The agreement, as YAML or JSON" }
            p.dim #about-text { "Checking keeps nothing and tells nobody. Where it passes, a second button offers it to its members, just as it was checked." }
            // A first line's end is the element's own.
            textarea #text name="text" rows="24" required spellcheck="false" autocapitalize="off" autocomplete="off"
                aria-invalid=[is_wrong.then_some("true")]
                aria-describedby=(if is_wrong { "about-text stands-against" } else { "about-text" }) { "\n" (said) }
            button type="submit" class=[said.is_empty().then_some("primary")] { "Check" }
        }
    }
}

fn stands_against(problem: &Problem) -> Markup {
    let told = problem.document("");
    notice(
        true,
        &html! {
            div #stands-against {
                p { strong { "It can't be offered so: " } (text(&told.detail)) " " code { (told.code) } }
                @if !told.help.is_empty() { p { "What would pass: " (text(&told.help)) } }
                (places(&told.problems))
            }
        },
    )
}

fn passes(offered: &Offered) -> Markup {
    let checked = &offered.checked;
    html! {
        (notice(false, &html! { p role="status" { strong { "It passes." } " It is not offered yet." } }))
        dl.facts {
            (pair("Collaboration", &if let Some((of, _)) = &offered.stands {
                html! { a href=(place(&of.name, "")) { (of.name) } }
            } else {
                html! { (checked.collaboration) ", a new one" }
            }))
            (pair("Digest", &whole(&checked.digest)))
        }
        (rooms(&checked.rooms))
        (templates(&checked.templates))
        @if let Some(changes) = &offered.changes {
            section {
                h2 { "How it differs from the agreement in force" }
                @if changes.is_empty() { p { "It says the same." } }
                ul { @for one in changes { li { (changed(one)) } } }
            }
        }
    }
}

/// How many terms each room holds in which way, and why those that it does not hold as agreed.
fn rooms(all: &[wire::Assessed]) -> Markup {
    let heads: Vec<&str> = std::iter::once("Room").chain(HELD).collect();
    let many = |room: &wire::Assessed, word: &str| {
        room.terms.iter().filter(|term| term.fidelity == word).count()
    };
    html! {
        section {
            h2 { "What each room holds" }
            (table("Terms by how each room holds them", &heads, &html! {
                @for room in all {
                    tr {
                        th scope="row" { (room.room) }
                        @for word in HELD { td.number { (many(room, word)) } }
                    }
                }
            }))
            @for room in all.iter().filter(|room| many(room, "exact") < room.terms.len()) {
                details {
                    summary { h3 { (room.room) } span.dim { "otherwise than exactly" } }
                    (table(&format!("Terms that {} holds otherwise", room.room), &["Term", "Held", "Why"], &html! {
                        @for term in room.terms.iter().filter(|term| term.fidelity != "exact") {
                            tr {
                                th scope="row" { code { (text(&term.at)) } }
                                td { (mark(&term.fidelity)) @if term.residual != "none" { " " (mark(&term.residual)) } }
                                td { (text(&term.reason)) }
                            }
                        }
                    }))
                }
            }
        }
    }
}

fn templates(all: &[wire::CheckedTemplate]) -> Markup {
    let least = |one: &wire::Threshold| format!("{} of {}", one.entities_min, one.dataset);
    html! {
        @if !all.is_empty() {
            section {
                h2 { "Templates" }
                (table("Templates as the guard takes them", &["Template", "What leaves", "Received by", "Behind every row", "Warnings"], &html! {
                    @for one in all {
                        tr {
                            th scope="row" { (one.template) }
                            td { (mark(&one.class)) }
                            td { (list(&one.received_by)) }
                            td { (list(&one.thresholds.iter().map(least).collect::<Vec<_>>())) }
                            td { (list(&one.warnings)) }
                        }
                    }
                }))
            }
        }
    }
}

/// The second button, or why there is none.
fn offer(offered: &Offered, said: &str, session: &Session) -> Markup {
    if let Some(error) = &offered.against {
        return stands_against(&Problem::from(error.clone()));
    }
    let (name, named) = (&offered.checked.collaboration, named(said));
    let waits = offered.stands.as_ref().is_some_and(|(of, _)| of.waiting.is_some());
    html! {
        section.answers aria-labelledby="offer" {
            h2 #offer { "Offer it" }
            @if waits { p { strong { "An agreement waits there already." } " This one takes its place, and is answered anew." } }
            form.stack method="post" action="/console/offer" {
                (token(session, "offer", &[name, &named]))
                @match &offered.stands { Some((_, shown)) => (tied(shown)), None => (once()) }
                input type="hidden" name="collaboration" value=(name);
                input type="hidden" name="digest" value=(named);
                input type="hidden" name="text" value=(said);
                p { "Exactly the text that was checked is put before its members. It is in force once every one of them has joined, you among them." }
                button.primary type="submit" { "Offer" }
            }
        }
    }
}
