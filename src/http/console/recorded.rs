//! What was recorded of a decision: its leaf, and the receipt. It is told in the session that decided.

use super::super::problem::{Own, Problem};
use super::Console;
use super::entered::Entered;
use super::log::receipt_of;
use super::page::{self, Frame, Tab, notice, place};
use super::session::{Kind, Session, Told};
use super::shown::text;
use crate::access::Action;
use crate::app::desk::Desk;
use axum::extract::{Path, State};
use axum::response::Html;
use maud::html;

pub(super) async fn page(
    State(console): State<Console>,
    Entered(session): Entered,
    Path((name, number)): Path<(String, u64)>,
) -> Result<Html<String>, Problem> {
    let told = session.told(number, &name).ok_or(Own::PathUnknown)?;
    let desk = console.desk(session.caller());
    let index =
        told.receipt.as_ref().map(|receipt| receipt.index).filter(|_| told.kind == Kind::Denied);
    let closure = match index {
        Some(index) => desk.revocation(&name, index).await.ok(),
        None => None,
    };
    Ok(shown(&told, closure.map(|closure| closure.index), &session, &desk))
}

/// The same, where it is told at once.
pub(super) fn shown(
    told: &Told,
    closure: Option<u64>,
    session: &Session,
    desk: &Desk<'_>,
) -> Html<String> {
    let name = told.collaboration.as_str();
    let reads_log = desk.offers(name, "").may(Action::ReadLog);
    let title = match (told.kind, &told.receipt) {
        (Kind::Asked, _) => "Asked for",
        (_, Some(_)) => "Recorded",
        (_, None) => "In force here",
    };
    let body = html! {
        h1 { (title) }
        @match &told.receipt {
            Some(receipt) => {
                (notice(false, &html! {
                    p role="status" { strong { (text(&told.what)) } ": leaf " (receipt.index) "." @if told.repeated { " It was on record before, by the same form." } }
                }))
                p.acts {
                    @if let Some(index) = closure { a href=(place(name, &format!("/revocations/{index}"))) { "What becomes of it, room by room" } }
                    @if reads_log { a href=(place(name, &format!("/log/{}", receipt.index))) { "Leaf " (receipt.index) } }
                }
                section { h2 { "Receipt" } p.dim { "Keep it: it proves that the leaf is in the log that the gateway signed." } (receipt_of(receipt)) }
            },
            None if told.kind == Kind::Asked => (notice(false, &html! { p role="status" { strong { (text(&told.what)) } "." } })),
            None => {
                (notice(true, &html! {
                    p role="status" {
                        strong { (text(&told.what)) } ": in force in this gateway, on its disk, and on record as soon as the log can be written."
                        @if let Some(why) = &told.why { " The log could not: " code { (why) } "." }
                    }
                }))
                p { "There is no receipt yet. Another gateway of the same log does not know of it until then; withdraw it again later for a receipt." }
            },
        }
        p { a href=(place(name, "")) { "Back to " (name) } }
    };
    page::page(&Frame::of(title, name, Tab::Overview).seen_as(""), session, desk, &body)
}
