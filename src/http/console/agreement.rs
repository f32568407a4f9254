//! One version of an agreement, whole; and, where it waits, the answer to it.

use super::super::problem::Problem;
use super::Console;
use super::document;
use super::entered::Entered;
use super::form::{tied, token};
use super::page::{self, Frame, Tab, forbidden, pair, place};
use super::session::Session;
use super::shown::{list, mark, text, whole};
use crate::access::Action;
use crate::app::desk::Offers;
use crate::wire;
use axum::extract::{Path, State};
use axum::response::Html;
use maud::{Markup, html};

pub(super) async fn page(
    State(console): State<Console>,
    Entered(session): Entered,
    Path((name, digest)): Path<(String, String)>,
) -> Result<Html<String>, Problem> {
    let desk = console.desk(session.caller());
    // The mark first: what is decided while the rest is read makes the form too late, and not blind.
    let (of, mark) = desk.collaboration(&name).await?;
    let version = desk.agreement(&name, &digest).await?;
    let agreement = document::of(&version)?;
    let changes = match of.agreement.as_deref().filter(|in_force| *in_force != version.digest) {
        Some(in_force) => Some(desk.agreement_diff(&name, (in_force, &digest)).await?.changes),
        None => None,
    };
    let body = html! {
        h1 { "Agreement" }
        dl.facts {
            (pair("Digest", &whole(&version.digest)))
            (pair("Stands", &html! { (super::shown::mark(&version.state.replace('-', " "))) }))
            (pair("Proposed by leaf", &html! { (version.index) }))
            (pair("Accepted by", &list(&version.accepted)))
            @if !version.declined.is_empty() { (pair("Declined by", &list(&version.declined))) }
            (document::facts(&agreement))
        }
        @if let Some(changes) = changes {
            section {
                h2 { "How it differs from the agreement in force" }
                @if changes.is_empty() { p { "It says the same." } }
                ul { @for one in &changes { li { (changed(one)) } } }
            }
        }
        section { h2 { "Members" } (document::members(&agreement)) }
        section {
            h2 { "Datasets" }
            @for (name, dataset) in &agreement.datasets { h3 { (name) } (document::dataset(name.as_str(), dataset, true, &|_| None)) }
        }
        section {
            h2 { "Templates" }
            @for (template, one) in &agreement.templates {
                h3 { a href=(place(&of.name, &format!("/templates/{template}?agreement={}", version.digest))) { (template) } }
                (document::template(template.as_str(), one))
            }
        }
        (answers(&of, (&version, &mark), &session, &desk.offers(&of.name, &of.standing)))
    };
    let frame = Frame::of("Agreement", &of.name, Tab::Overview).seen_as(&of.standing);
    Ok(page::page(&frame, &session, &desk, &body))
}

/// One difference; what is another member's place or account is not said.
pub(super) fn changed(one: &wire::Change) -> Markup {
    let value = |value: &serde_json::Value| html! { code { (text(&value.to_string())) } };
    html! {
        code { (text(&one.path)) } " " (one.change)
        @if one.withheld { ": another member's, and not said here" }
        @if let Some(before) = &one.before { ", was " (value(before)) }
        @if let Some(after) = &one.after { ", is " (value(after)) }
    }
}

/// The forms of a version that waits for the one who looks.
fn answers(
    of: &wire::Collaboration,
    (version, shown): (&wire::AgreementVersion, &str),
    session: &Session,
    offers: &Offers,
) -> Markup {
    let me = session.caller().tenant().map(ToString::to_string).unwrap_or_default();
    let answered = version.accepted.contains(&me) || version.declined.contains(&me);
    let is_asked = version.state == "waiting" && !answered;
    let form = |action: &str, word: &str, class: &str, about: &str| {
        html! {
            form.stack method="post" action=(place(&of.name, &format!("/{action}"))) {
                (token(session, action, &[&of.name, &version.digest]))
                (tied(shown))
                input type="hidden" name="agreement" value=(version.digest);
                p { (about) }
                button class=(class) type="submit" { (word) }
            }
        }
    };
    html! {
        @if is_asked {
            section.answers aria-labelledby="answer" {
                h2 #answer { "Your answer, as " (me) }
                @if offers.may(Action::Join) {
                    (form("join", "Join", "primary", "It is in force once every member has joined. Your answer is to exactly the version above, by its digest, and is signed with your member's key."))
                }
                (forbidden(offers, Action::Join, "Join"))
                @if offers.may(Action::Decline) {
                    (form("decline", "Decline", "grave", "Final for this proposal."))
                }
                @if !offers.may(Action::Join) && !offers.may(Action::Decline) {
                    p { (mark("waits")) " for somebody of " (me) " who may answer: a member-admin." }
                }
            }
        }
    }
}
