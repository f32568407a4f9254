//! Signing in at an issuer: its button, the page that leads there, and the way back. Both pages lead on by themselves, since a session's cookie does
//! not come along where another site leads here, and a form's policy would not let a browser be led away. Must not know what is held against what.

use super::super::problem::Own;
use super::Console;
use super::cookie::Jar;
use super::page::{Frame, open};
use super::session::{LASTS_MS, Session};
use super::shown::text;
use crate::tokens::{self, NotIn, Way};
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{HOST, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

/// The ways in, where there are any: each by a button; by a link where people come back under another name than this one.
pub(super) fn ways(console: &Console, headers: &HeaderMap) -> Option<Markup> {
    let ways = Some(console.gateway.verifier.ways()).filter(|ways| !ways.is_empty())?;
    Some(html! {
        @for way in ways {
            @if is_asked_at(way, headers) {
                form.stack method="post" action={ "/console/sign-in/" (way.name()) } {
                    button.primary type="submit" { "Continue with " (text(way.label())) }
                }
            } @else {
                p { a href={ (way.origin()) "/console/sign-in" } { "Continue with " (text(way.label())) " at " (way.origin()) } }
            }
        }
    })
}

/// Sends somebody to an issuer; a session that this browser had ends.
pub(super) async fn go(
    State(console): State<Console>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Own> {
    let way = way(&console, &name).filter(|way| is_asked_at(way, &headers));
    let way = way.ok_or(Own::PathUnknown)?;
    let sent = console.gateway.verifier.send(way).map_err(told)?;
    let (jar, away) = (Jar::of(&headers), Jar::of_away(&headers));
    if let Some(before) = jar.shown(&headers) {
        console.sessions.end(before);
    }
    let body = html! {
        h1 { "On to " (text(way.label())) }
        p.lead { "You sign in there, and come back." }
        p { a href=(sent.to) { "Go on" } }
    };
    let page = open(&Frame::plain("Sign in").leading(&sent.to), &body).into_response();
    Ok(with(page, [away.keeps(&sent.keeps, tokens::SIGN_IN_LASTS_MS / 1_000), jar.forgets()]))
}

/// Begins a session for whoever comes back from an issuer.
pub(super) async fn back(
    State(console): State<Console>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let own = |own: Own| own.into_response();
    let way = way(&console, &name).ok_or_else(|| own(Own::PathUnknown))?;
    let verifier = &console.gateway.verifier;
    let (jar, away) = (Jar::of(&headers), Jar::of_away(&headers));
    let query = query.unwrap_or_default();
    let signed_in = verifier.came_back(way, away.shown(&headers), &query).await.map_err(|why| {
        tracing::debug!(code = why.code(), "nobody is signed in by an issuer");
        let forgets = if why.is_over() { away.forgets() } else { None };
        with(own(told(why)), [forgets])
    })?;
    let begun = console.sessions.begin_at(signed_in, verifier.clock());
    let id = begun.map_err(|why| with(own(why), [away.forgets()]))?;
    let body = html! {
        h1 { "Signed in" }
        p { a href="/console" { "Go on" } }
    };
    let page = open(&Frame::plain("Signed in").leading("/console"), &body).into_response();
    Ok(with(page, [jar.keeps(&id, LASTS_MS / 1_000), away.forgets()]))
}

/// Leads somebody who signed out here to the issuer, to sign out there as well; nothing where it does not.
pub(super) fn out(console: &Console, session: &Session) -> Option<Response> {
    let to = console.gateway.verifier.sign_out(session.leaves()?)?;
    let body = html! {
        h1 { "Signed out here" }
        p.lead { "You are signed out at your organisation's issuer as well." }
        p { a href=(to) { "Go on" } }
    };
    Some(open(&Frame::plain("Signed out").leading(&to), &body).into_response())
}

fn way<'a>(console: &'a Console, name: &str) -> Option<&'a Way> {
    console.gateway.verifier.ways().iter().find(|way| way.name() == name)
}

/// Whether a request is asked under the name at which people come back: what a browser keeps is kept for one name.
fn is_asked_at(way: &Way, headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let own = way.origin().split_once("://").map(|(_, authority)| authority);
    own.is_some_and(|own| own.eq_ignore_ascii_case(host))
}

fn with<const N: usize>(mut response: Response, cookies: [Option<HeaderValue>; N]) -> Response {
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

const fn told(why: NotIn) -> Own {
    match why {
        NotIn::Away => Own::SignInAway,
        NotIn::Busy => Own::TooManyRequests,
        NotIn::Unreadable => Own::SignInUnreadable,
        NotIn::State => Own::SignInState,
        NotIn::Mixed => Own::SignInMixed,
        NotIn::Denied => Own::SignInDenied,
        NotIn::Issuer(_) => Own::SignInIssuer,
        NotIn::Tokens(_) => Own::SignInTokens,
        NotIn::NoRole => Own::RoleMissing,
    }
}
