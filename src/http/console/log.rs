//! The audit page: leaves, the signed checkpoint, and a whole verification on demand.

use super::super::asked::Asked;
use super::super::problem::Problem;
use super::Console;
use super::entered::Entered;
use super::form::{Sent, token};
use super::page::{self, Frame, Tab, notice, pair, place, table};
use super::session::Session;
use super::shown::{code, list, time, whole};
use crate::app::desk::Desk;
use crate::wire;
use axum::extract::{Path, State};
use axum::response::Html;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};
use serde::Deserialize;

/// Leaves on a page.
const PAGE: u64 = 50;

/// A page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct From {
    from: Option<u64>,
}

pub(super) async fn page(
    State(console): State<Console>,
    Entered(session): Entered,
    Path(name): Path<String>,
    Asked(From { from }): Asked<From>,
) -> Result<Html<String>, Problem> {
    let desk = console.desk(session.caller());
    let from = from.unwrap_or_default();
    let max = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let (leaves, next) = desk.leaves(&name, (from, max), None).await?;
    let (of, _) = desk.collaboration(&name).await?;
    let is_member = of.standing == "member";
    let checkpoint = if is_member { Some(desk.checkpoint(&name).await?) } else { None };
    let heads = ["Leaf", "When", "By", "Kind"];
    let body = html! {
        h1 { "Audit" }
        @if !is_member { p.lead { "Until your member left." } }
        @if let Some(checkpoint) = checkpoint { (head(&of.name, &checkpoint, &desk, &session)) }
        section {
            h2 { "Leaves" }
            (table("Leaves in their order", &heads, &html! { @for leaf in &leaves { (row(&of.name, leaf)) } }))
            nav.pager aria-label="Pages of the log" {
                @if from > 0 { a rel="prev" href=(place(&of.name, &format!("/log?from={}", from.saturating_sub(PAGE)))) { "Earlier leaves" } }
                @if let Some(next) = next { a rel="next" href=(place(&of.name, &format!("/log?from={next}"))) { "Later leaves" } }
            }
        }
    };
    let frame = Frame::of("Audit", &of.name, Tab::Log).seen_as(&of.standing);
    Ok(page::page(&frame, &session, &desk, &body))
}

fn row(collaboration: &str, leaf: &wire::Leaf) -> Markup {
    html! {
        tr {
            th scope="row" { a href=(place(collaboration, &format!("/log/{}", leaf.index))) { (leaf.index) } }
            td { (time(leaf.at_ms)) }
            td { (leaf.by) }
            td { (leaf.kind) }
        }
    }
}

/// The signed head, and the form that has the whole log verified.
fn head(collaboration: &str, checkpoint: &str, desk: &Desk<'_>, session: &Session) -> Markup {
    html! {
        section {
            h2 { "Checkpoint" }
            (code(checkpoint, "The newest checkpoint"))
            dl.facts { (pair("Signed under", &whole(&desk.me().gateway_key))) }
            form method="post" action=(place(collaboration, "/log/verification")) {
                (token(session, "verify", &[collaboration]))
                button type="submit" { "Verify the whole log" }
            }
        }
    }
}

/// Verifies all of it, and says what was looked at.
pub(super) async fn verify(
    State(console): State<Console>,
    Entered(session): Entered,
    Path(name): Path<String>,
    sent: Sent,
) -> Result<Html<String>, Problem> {
    sent.read("verify", &[&name], &[])?;
    let desk = console.desk(session.caller());
    let found = desk.verified(&name).await?;
    let body = html! {
        h1 { "Verified" }
        (notice(false, &html! { p role="status" { strong { (found.leaves) " leaves are good." } " The log was exported and read whole." } }))
        section {
            h2 { "What was checked" }
            ul {
                li { "Every leaf is in its one canonical form, and hashes to the root below (RFC 6962)." }
                li { "That root is the one that the checkpoint is over, and the gateway's key signed it." }
                li { "Every leaf is legal where it stands, by the rules under which decisions are taken." }
                li { (found.signatures) " leaves are members' decisions, each signed under the key that its member showed." }
                li { "Every run is recorded with what its template reads." }
            }
            dl.facts {
                (pair("Root", &whole(&found.root)))
                (pair("Gateway's key", &whole(&found.key)))
                @for (member, key) in &found.members { (pair(&format!("{member} decides under"), &whole(key))) }
                (pair("Without an outcome", &list(&found.open)))
                (pair("Compiled otherwise than now", &list(&found.other_texts)))
            }
        }
        section {
            h2 { "What was not" }
            p {
                "This gateway looked at its own copy. Whoever does not want to trust it takes the log away and verifies it elsewhere, with the key from where it is known to be right: "
                code { "airlock audit verify FOLDER --key KEY" } "."
            }
        }
        p { a href=(place(&name, "/log")) { "Back to the log" } }
    };
    Ok(page::page(&Frame::of("Verified", &name, Tab::Log), &session, &desk, &body))
}

/// One leaf, with the proof that it is there.
pub(super) async fn leaf(
    State(console): State<Console>,
    Entered(session): Entered,
    Path((name, index)): Path<(String, u64)>,
) -> Result<Html<String>, Problem> {
    let desk = console.desk(session.caller());
    let (of, _) = desk.collaboration(&name).await?;
    let leaf = desk.leaf(&name, index).await?;
    let title = format!("Leaf {}", leaf.index);
    let body = html! {
        h1 { (title) }
        dl.facts {
            (pair("Kind", &html! { (leaf.kind) }))
            (pair("By", &html! { (leaf.by) }))
            (pair("When", &time(leaf.at_ms)))
        }
        section { h2 { "What it says" } (code(&said(&leaf.bytes), "The leaf")) }
        @if let Some(receipt) = &leaf.receipt { section { h2 { "Receipt" } (receipt_of(receipt)) } }
        p { a href=(place(&name, "/log")) { "All leaves" } }
    };
    let frame = Frame::of(&title, &of.name, Tab::Log).seen_as(&of.standing);
    Ok(page::page(&frame, &session, &desk, &body))
}

/// A leaf's bytes in lines, for reading; what is hashed is in one.
fn said(bytes: &str) -> String {
    let read = STANDARD.decode(bytes).ok();
    let read = read.and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    read.and_then(|leaf| serde_json::to_string_pretty(&leaf).ok()).unwrap_or_default()
}

/// The proof that a leaf is in the log that the gateway signed.
pub(super) fn receipt_of(receipt: &wire::Receipt) -> Markup {
    html! {
        dl.facts {
            (pair("Leaf", &html! { (receipt.index) " of " (receipt.size) }))
            (pair("Its hash", &whole(&receipt.leaf)))
            (pair("Root", &whole(&receipt.root)))
        }
        details {
            summary { "Path from the leaf to the root: " (receipt.inclusion.len()) " hashes" }
            ol { @for hash in &receipt.inclusion { li { (whole(hash)) } } }
        }
        (code(&receipt.checkpoint, "The checkpoint of the receipt"))
    }
}
