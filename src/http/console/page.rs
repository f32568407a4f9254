//! What all pages have: head, skip link, who is signed in, where one is. Must not know what a page shows.

use super::form::token;
use super::session::Session;
use super::shown::{list, mark, time};
use crate::access::Action;
use crate::app::desk::{Desk, Offers};
use axum::response::Html;
use maud::{DOCTYPE, Markup, html};

/// The pages of a collaboration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Overview,
    Fidelity,
    Learn,
    Runs,
    Shares,
    Withdrawals,
    Log,
}

impl Tab {
    const ALL: [Self; 7] = [
        Self::Overview,
        Self::Fidelity,
        Self::Learn,
        Self::Runs,
        Self::Shares,
        Self::Withdrawals,
        Self::Log,
    ];

    /// Whether there is such a page for who stands so: who is asked has no log yet, and who left has no more than it.
    fn is_of(self, standing: &str) -> bool {
        match standing {
            "invited" => matches!(self, Self::Overview | Self::Fidelity | Self::Learn),
            "former" => matches!(self, Self::Overview | Self::Withdrawals | Self::Log),
            "member" => true,
            // Where nobody looked how one stands, there is one page for sure.
            _ => matches!(self, Self::Overview),
        }
    }

    const fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::Overview => ("Overview", ""),
            Self::Fidelity => ("Fidelity", "/fidelity"),
            Self::Learn => ("What is learnt", "/learn"),
            Self::Runs => ("Runs", "/runs"),
            Self::Shares => ("Shares", "/shares"),
            Self::Withdrawals => ("Withdrawals", "/revocations"),
            Self::Log => ("Audit", "/log"),
        }
    }
}

/// Where a page stands.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) title: &'a str,
    /// The collaboration, and the page of it.
    pub(super) within: Option<(&'a str, Tab)>,
    /// Seconds until it is asked for again where no script does it.
    pub(super) again_s: Option<u32>,
    /// Where it leads on to at once. That is a page's own doing, and no redirect: the browser goes there as from here.
    pub(super) onward: Option<&'a str>,
    /// How the caller stands in the collaboration.
    pub(super) standing: &'a str,
}

impl<'a> Frame<'a> {
    /// A page of a collaboration.
    pub(super) const fn of(title: &'a str, collaboration: &'a str, tab: Tab) -> Self {
        let within = Some((collaboration, tab));
        Self { title, within, again_s: None, onward: None, standing: "member" }
    }

    /// The same, for a caller who may be no member.
    pub(super) const fn seen_as(self, standing: &'a str) -> Self {
        Self { standing, ..self }
    }

    /// A page of none.
    pub(super) const fn plain(title: &'a str) -> Self {
        Self { title, within: None, again_s: None, onward: None, standing: "" }
    }

    /// The same, which leads on.
    pub(super) const fn leading(self, to: &'a str) -> Self {
        Self { onward: Some(to), ..self }
    }
}

/// The place of a collaboration.
pub(super) fn place(collaboration: &str, rest: &str) -> String {
    format!("/console/collaborations/{collaboration}{rest}")
}

/// A page of somebody who signed in.
pub(super) fn page(
    frame: &Frame<'_>,
    session: &Session,
    desk: &Desk<'_>,
    body: &Markup,
) -> Html<String> {
    let me = desk.me();
    let who = html! {
        div.who {
            span { strong { (me.member.as_deref().unwrap_or("nobody")) } " " span.dim { (list(&me.roles)) } }
            span.dim { "until " (time(me.expires_ms)) }
            form method="post" action="/console/sign-out" {
                (token(session, "sign-out", &[]))
                button.quiet type="submit" { "Sign out" }
            }
        }
    };
    let reads_log = |name: &str| desk.offers(name, frame.standing).may(Action::ReadLog);
    let tabs = frame.within.map(|(name, at)| tabs((name, at), frame.standing, reads_log(name)));
    whole(frame, &who, tabs.as_ref(), body)
}

/// A page of whoever looks.
pub(super) fn open(frame: &Frame<'_>, body: &Markup) -> Html<String> {
    whole(frame, &html! {}, None, body)
}

fn tabs((collaboration, at): (&str, Tab), standing: &str, reads_log: bool) -> Markup {
    let all = Tab::ALL.into_iter().filter(|tab| tab.is_of(standing));
    let all = all.filter(|tab| *tab != Tab::Log || reads_log);
    html! {
        nav.tabs aria-label={ "Pages of " (collaboration) } {
            ul {
                @for (tab, (name, rest)) in all.map(|tab| (tab, tab.told())) {
                    li { a href=(place(collaboration, rest)) aria-current=[(tab == at).then_some("page")] { (name) } }
                }
            }
        }
    }
}

fn whole(frame: &Frame<'_>, who: &Markup, tabs: Option<&Markup>, body: &Markup) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if let Some(seconds) = frame.again_s {
                    noscript { meta http-equiv="refresh" content=(seconds); }
                }
                @if let Some(to) = frame.onward {
                    meta http-equiv="refresh" content={ "0; url=" (to) };
                }
                title { (frame.title) @if let Some((name, _)) = frame.within { " · " (name) } " · Airlock" }
                link rel="icon" type="image/svg+xml" href="/console/icon.svg";
                link rel="stylesheet" href="/console/style.css";
                script src="/console/console.js" defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    nav aria-label="Console" {
                        a.brand href="/console" { "Airlock" }
                        @if let Some((name, _)) = frame.within {
                            span.dim aria-hidden="true" { "/" }
                            a href=(place(name, "")) { (name) }
                        }
                    }
                    (who)
                }
                @if let Some(tabs) = tabs { (tabs) }
                main #main tabindex="-1" { (body) }
            }
        }
    };
    Html(page.into_string())
}

/// A table that scrolls in itself.
pub(super) fn table(caption: &str, heads: &[&str], rows: &Markup) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label=(caption) {
            table {
                caption { (caption) }
                thead { tr { @for head in heads { th scope="col" { (head) } } } }
                tbody { (rows) }
            }
        }
    }
}

/// Something that a reader had better see first.
pub(super) fn notice(grave: bool, body: &Markup) -> Markup {
    html! {
        div class=(if grave { "notice grave" } else { "notice" }) role=[grave.then_some("alert")] { (body) }
    }
}

/// Why something that the caller's roles would let it do is not offered; nothing where it is, or where they would not.
pub(super) fn forbidden(offers: &Offers, action: Action, what: &str) -> Markup {
    html! {
        @if offers.is_forbidden(action) {
            p { button type="button" disabled { (what) } " " span.dim { "A policy of this gateway's operator forbids it to you: " code { "policy-forbids" } "." } }
        }
    }
}

/// A part of a page that could not be made, with the rest as it is.
pub(super) fn lacking(of: &str, error: &crate::error::Error) -> Markup {
    let problem = super::super::problem::Problem::from(error.clone()).document("");
    notice(
        true,
        &html! {
            p { "The " (of) " can't be shown: " (super::shown::text(&problem.detail)) " " code { (problem.code) } }
            (super::problem::places(&problem.problems))
        },
    )
}

/// A pair of a name and what holds, for lists of them.
pub(super) fn pair(name: &str, value: &Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

/// Approvals, answers and the like: who did, and for whom it waits.
pub(super) fn done_and_due(done: &[String], due: &[String], word: &str) -> Markup {
    html! {
        @if due.is_empty() && !done.is_empty() { (mark(word)) " " }
        @if !done.is_empty() { (list(done)) }
        @if !due.is_empty() {
            @if !done.is_empty() { "; " }
            (mark("waits")) " for " (list(due))
        }
        @if done.is_empty() && due.is_empty() { span.none { "nobody" } }
    }
}
