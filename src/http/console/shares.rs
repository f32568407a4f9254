//! Shares of results: what the caller's member opened to recipients outside, and forms that open, give another token and take back. A profile is
//! in the answer to the form that made it, once, and is kept nowhere. Must not know how a recipient reads.

use super::super::delta::base;
use super::super::done::finished;
use super::super::problem::{Own, Problem};
use super::Console;
use super::decisions::on_record;
use super::entered::Entered;
use super::form::{Fields, Sent, once, token};
use super::page::{self, Frame, Tab, forbidden, pair, place, table};
use super::session::Session;
use super::shown::{mark, text, time};
use crate::access::Action;
use crate::app::desk::{Desk, Done, Offers, Opened};
use crate::wire;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use std::sync::Arc;

/// Days for which something is shared, at most and where nothing else is said.
const DAYS_MAX: i64 = 90;
const DAYS: i64 = 30;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

pub(super) async fn page(
    State(console): State<Console>,
    Entered(session): Entered,
    Path(name): Path<String>,
) -> Result<Html<String>, Problem> {
    let desk = console.desk(session.caller());
    let all = desk.shares(&name, None, usize::MAX).await?.recipients;
    let open = desk.shareable(&name).await?;
    let offers = desk.offers(&name, "member");
    let me = session.caller().tenant().map(ToString::to_string).unwrap_or_default();
    let (own, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.by == me);
    let body = html! {
        h1 { "Result shares" }
        p.lead { "Delivered results that members opened to recipients outside, who read them by Delta Sharing. Each read is in the log before it is given." }
        section {
            h2 { "Of " (me) }
            @if own.is_empty() { p { "Nothing is open to anybody outside." } }
            @for one in &own { (recipient(&name, one, &session, &offers)) }
        }
        (forbidden(&offers, Action::Share, "Open a result"))
        @if offers.may(Action::Share) { (share(&name, &open, &session)) }
        @if !others.is_empty() {
            section {
                h2 { "Of other members" }
                @for one in &others { h3 { (text(&one.recipient)) " " span.dim { "of " (one.by) } } (results(&name, one, None)) }
            }
        }
    };
    Ok(page::page(&Frame::of("Result shares", &name, Tab::Shares), &session, &desk, &body))
}

/// A recipient of the caller's member, what is open to it, and what may be done about that.
fn recipient(name: &str, one: &wire::Recipient, session: &Session, offers: &Offers) -> Markup {
    let ends = offers.may(Action::Unshare).then_some(session);
    html! {
        h3 { (text(&one.recipient)) }
        dl.facts {
            (pair("Its tokens are good until", &html! {
                @if one.tokens_until_ms.is_empty() { (mark("share-over")) " it has none" }
                @for (n, until) in one.tokens_until_ms.iter().enumerate() { @if n > 0 { ", " } (time(*until)) }
            }))
        }
        (results(name, one, ends))
        @if offers.may(Action::Share) { (rotate(name, &one.recipient, session)) }
        @if let Some(session) = ends {
            (end(name, (&one.recipient, ""), session, &html! { "Take everything back from " (text(&one.recipient)) }))
        }
    }
}

fn results(name: &str, one: &wire::Recipient, ends: Option<&Session>) -> Markup {
    let mut heads = vec!["Run", "Template", "Until", "Stands", "Read last", "Files from"];
    if ends.is_some() {
        heads.push("Take back");
    }
    let rows = html! {
        @for of in &one.results {
            tr {
                th scope="row" { a href=(place(name, &format!("/runs/{}", of.run))) { code { (of.run) } } }
                td { @if let Some(template) = &of.template { (text(template)) } }
                td { (time(of.until_ms)) }
                td { @match &of.closed { Some(code) => { (mark("closed")) " " code { (code) } }, None => (mark("open to it")) } }
                td { @match of.read_ms { Some(at) => (time(at)), None => span.none { "not yet" } } }
                td { (if of.presigned { "the storage, by signed URLs" } else { "this gateway" }) }
                @if let Some(session) = ends {
                    td { (end(name, (&one.recipient, &of.run), session, &html! { "Take back" span.unseen { " " (of.run) " from " (text(&one.recipient)) } })) }
                }
            }
        }
    };
    html! {
        @if one.results.is_empty() { p { "No result." } } @else {
            (table(&format!("Results that {} opened to {}", one.by, one.recipient), &heads, &rows))
        }
    }
}

fn share(name: &str, open: &[(String, String)], session: &Session) -> Markup {
    html! {
        section.answers aria-labelledby="share" {
            h2 #share { "Open a result" }
            @if open.is_empty() { p { "There is none that may be: an aggregate result, delivered to your member, of which nothing was withdrawn." } } @else {
                form.stack method="post" action=(place(name, "/shares")) {
                    (token(session, "share", &[name]))
                    (once())
                    label for="run" { "Result" }
                    select #run name="run" { @for (run, template) in open { option value=(run) { (template) " · " (run) } } }
                    label for="recipient" { "To " span.dim { "an organisation, by a name of yours; every member reads it in the log" } }
                    input #recipient type="text" name="recipient" required maxlength="64" autocomplete="off";
                    (days(""))
                    label { input type="checkbox" name="presigned" value="yes"; " Files by signed URLs of the storage, good for up to five minutes after it is taken back" }
                    label { input type="checkbox" name="new_token" value="yes"; " Another token, also where it has a good one" }
                    p { "Rows that a recipient read stay with it. What was withdrawn later closes what is open here." }
                    button.primary type="submit" { "Open the result" }
                }
            }
        }
    }
}

fn rotate(name: &str, recipient: &str, session: &Session) -> Markup {
    html! {
        details {
            summary { "Another token for " (text(recipient)) }
            form.stack method="post" action=(place(name, "/shares/tokens")) {
                (token(session, "rotate", &[name, recipient]))
                (once())
                input type="hidden" name="recipient" value=(recipient);
                (days(recipient))
                label { input type="checkbox" name="alone" value="yes"; " Older tokens end now" }
                p { "The newest two are good; the profile is shown once." }
                button type="submit" { "Give " (text(recipient)) " another token" }
            }
        }
    }
}

fn days(of: &str) -> Markup {
    let id = format!("days.{of}");
    html! {
        label for=(id) { "For days " span.dim { "1 to " (DAYS_MAX) } }
        input id=(id) type="number" name="days" required min="1" max=(DAYS_MAX) value=(DAYS);
    }
}

fn end(name: &str, (recipient, run): (&str, &str), session: &Session, word: &Markup) -> Markup {
    html! {
        form method="post" action=(place(name, "/shares/revocations")) {
            (token(session, "unshare", &[name, recipient, run]))
            input type="hidden" name="recipient" value=(recipient);
            @if !run.is_empty() { input type="hidden" name="run" value=(run); }
            button.grave type="submit" { (word) }
        }
    }
}

/// Opens a result.
pub(super) async fn open(
    State(console): State<Console>,
    Path(name): Path<String>,
    headers: HeaderMap,
    sent: Sent,
) -> Result<Response, Problem> {
    let fields = sent.read("share", &[&name], &[])?;
    let (session, tied) = (Arc::clone(fields.session()), fields.once()?);
    let asked = wire::ShareAsked {
        run: fields.one("run")?,
        recipient: fields.one("recipient")?,
        until_ms: until(&console, &fields)?,
        presigned: is_set(&fields, "presigned"),
        new_token: is_set(&fields, "new_token"),
    };
    let what = format!("You opened {} to {}", asked.run, asked.recipient);
    let endpoint = base(&headers);
    let work = {
        let (console, session) = (console.clone(), Arc::clone(&session));
        async move { console.desk(session.caller()).share(&name, &asked, (&tied, &endpoint)).await }
    };
    let opened = finished(&console.gateway.begun, work).await?;
    Ok(given(opened, &what, &session, &console.desk(session.caller())))
}

/// Gives a recipient another token.
pub(super) async fn renew(
    State(console): State<Console>,
    Path(name): Path<String>,
    headers: HeaderMap,
    sent: Sent,
) -> Result<Response, Problem> {
    let fields = sent.read("rotate", &[&name], &["recipient"])?;
    let (session, tied) = (Arc::clone(fields.session()), fields.once()?);
    let asked = wire::ShareTokenAsked {
        recipient: fields.one("recipient")?,
        until_ms: until(&console, &fields)?,
        alone: is_set(&fields, "alone"),
    };
    let what = format!("You gave {} another token", asked.recipient);
    let endpoint = base(&headers);
    let work = {
        let (console, session) = (console.clone(), Arc::clone(&session));
        async move { console.desk(session.caller()).rotate(&name, &asked, (&tied, &endpoint)).await }
    };
    let opened = finished(&console.gateway.begun, work).await?;
    Ok(given(opened, &what, &session, &console.desk(session.caller())))
}

/// Takes a share back, or all of a recipient's. It has the places that withdrawals have.
pub(super) async fn end_share(
    State(console): State<Console>,
    Path(name): Path<String>,
    sent: Sent,
) -> Result<Response, Problem> {
    let fields = sent.read("unshare", &[&name], &["recipient", "run"])?;
    let session = Arc::clone(fields.session());
    let run = Some(fields.any("run")).filter(|run| !run.is_empty());
    let asked = wire::ShareEnd { recipient: fields.one("recipient")?, run };
    let of = asked.run.as_deref().unwrap_or("everything");
    let what = format!("You took {of} back from {}", asked.recipient);
    let place = console.gateway.denying.take(session.caller().tenant())?;
    let work = {
        let (console, session) = (console.clone(), Arc::clone(&session));
        async move {
            let _place = place;
            console.desk(session.caller()).unshare(&name, &asked).await
        }
    };
    let done = finished(&console.gateway.begun, work).await?;
    Ok(on_record(&session, &what, done))
}

fn is_set(fields: &Fields, name: &str) -> bool {
    !fields.any(name).is_empty()
}

/// The end of so many days from now.
fn until(console: &Console, fields: &Fields) -> Result<i64, Own> {
    let days = fields.one("days")?.parse::<i64>().ok().filter(|days| (1..=DAYS_MAX).contains(days));
    let days = days.ok_or(Own::FormUnreadable)?;
    Ok(console.gateway.verifier.clock().now_ms().saturating_add(days * DAY_MS))
}

/// What was recorded; with a profile it is said at once, since nobody keeps one.
fn given(opened: Opened, what: &str, session: &Session, desk: &Desk<'_>) -> Response {
    let Opened { done, profile } = opened;
    let Some(profile) = profile else { return on_record(session, what, done) };
    (StatusCode::CREATED, shown_once(&done, &profile, (what, session), desk)).into_response()
}

fn shown_once(
    done: &Done,
    profile: &wire::ShareProfile,
    (what, session): (&str, &Session),
    desk: &Desk<'_>,
) -> Html<String> {
    let name = done.collaboration.as_str();
    let profile = serde_json::to_string_pretty(profile).unwrap_or_default();
    let body = html! {
        h1 { "Recorded" }
        (page::notice(false, &html! { p role="status" { strong { (text(what)) } ": leaf " (done.given.receipt.index) "." } }))
        section {
            h2 #profile { "The profile" }
            p { "It is shown once, here. Whoever has it reads what is open to the recipient: send it by a way that nobody else reads, as a file " code { "NAME.share" } "." }
            textarea readonly rows="8" spellcheck="false" aria-labelledby="profile" { (profile) }
        }
        section { h2 { "Receipt" } p.dim { "Keep it: it proves that the leaf is in the log that the gateway signed." } (super::log::receipt_of(&done.given.receipt)) }
        p { a href=(place(name, "/shares")) { "Back to the shares of " (name) } }
    };
    page::page(&Frame::of("Recorded", name, Tab::Shares), session, desk, &body)
}
