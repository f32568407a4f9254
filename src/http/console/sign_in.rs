//! Signing in with an access token, and out; beside it the ways to an issuer. Must not know how a token is verified.

use super::super::problem::Own;
use super::Console;
use super::cookie::Jar;
use super::form::{Sent, unsigned};
use super::issuer;
use super::page::{Frame, open};
use super::session::LASTS_MS;
use crate::tokens::Refused;
use axum::extract::{Request, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use maud::html;

/// Where a session begins.
pub(super) async fn page(State(console): State<Console>, headers: HeaderMap) -> Html<String> {
    let body = html! {
        h1 { "Sign in" }
        @if let Some(ways) = issuer::ways(&console, &headers) {
            (ways)
            h2 { "Or with a token" }
        }
        p.lead { "With an access token of your organisation's issuer, or one that this gateway's operator gave you." }
        form.stack method="post" action="/console/sign-in" {
            label for="token" { "Access token" }
            input #token type="password" name="token" required autocomplete="off" spellcheck="false" aria-describedby="about";
            p.dim #about {
                "It is looked at once and not kept. On one machine: " code { "airlock token --as MEMBER --role ROLE" }
                ". The session ends after thirty minutes, when you sign out, or with the gateway."
            }
            button.primary type="submit" { "Sign in" }
        }
        p { a href="/console" { "Signed in already? Go on" } }
    };
    open(&Frame::plain("Sign in"), &body)
}

/// Begins a session for whoever shows a good token; one that this browser had ends.
pub(super) async fn enter(
    State(console): State<Console>,
    request: Request,
) -> Result<Response, Own> {
    let (jar, before) = {
        let jar = Jar::of(request.headers());
        (jar, jar.shown(request.headers()).map(str::to_owned))
    };
    let fields = unsigned(request).await?;
    let token = fields.get("token").map_or("", |token| token.trim());
    let verifier = &console.gateway.verifier;
    let caller = verifier.verify_soon(token).await.map_err(|refused| {
        tracing::debug!(code = refused.code(), "a token is refused");
        if refused == Refused::NoRole { Own::RoleMissing } else { Own::SignInRefused }
    })?;
    let id = console.sessions.begin(caller, verifier.clock())?;
    if let Some(before) = before {
        console.sessions.end(&before);
    }
    Ok(with(away("/console"), jar.keeps(&id, LASTS_MS / 1000)))
}

/// Ends it.
pub(super) async fn leave(
    State(console): State<Console>,
    headers: HeaderMap,
    sent: Sent,
) -> Result<Response, Own> {
    let fields = sent.read("sign-out", &[], &[])?;
    let jar = Jar::of(&headers);
    if let Some(id) = jar.shown(&headers) {
        console.sessions.end(id);
    }
    let answer = issuer::out(&console, fields.session());
    Ok(with(answer.unwrap_or_else(|| away("/console/sign-in")), jar.forgets()))
}

fn away(to: &'static str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response()
}

fn with(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}
