//! What goes wrong in the console, as a page: the problem's code, what was wrong, what would pass. And the headers that every answer of the console
//! has. Must not know what was asked.

use super::super::problem::Problem;
use super::page::{Frame, open, place};
use super::shown::text;
use crate::wire::Place;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use mappings::model::CollaborationId;
use maud::{Markup, html};

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Whether a path is the console's.
pub(in super::super) fn is_console(path: &str) -> bool {
    path == "/console" || path.starts_with("/console/")
}

/// What every answer of the console says to a browser.
pub(in super::super) fn sealed(headers: &mut HeaderMap) {
    let policy = |name: &'static str| HeaderName::from_static(name);
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (policy("cross-origin-opener-policy"), "same-origin"),
        (policy("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// The page of a problem, with the headers that the answer had.
pub(in super::super) fn written(
    problem: &Problem,
    (id, path): (&str, &str),
    response: &Response,
) -> Response {
    let mut page = (problem.status, shown(problem, id, path)).into_response();
    let headers = page.headers_mut();
    for (name, value) in response.headers() {
        if name != CONTENT_LENGTH && name != CONTENT_TYPE {
            headers.append(name, value.clone());
        }
    }
    if let Some(seconds) = problem.retry_after_s {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    page
}

fn shown(problem: &Problem, id: &str, path: &str) -> impl IntoResponse {
    let is_away = problem.status.is_server_error();
    let document = problem.document(id);
    let mut title = document.title.clone();
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let body = html! {
        h1 { (title) }
        p.lead { (text(&document.detail)) }
        @if !document.help.is_empty() { p { strong { "What would pass: " } (text(&document.help)) } }
        (places(&document.problems))
        @if let Some(collaboration) = collaboration(path).filter(|_| is_away) {
            p {
                "What can't be read can still be taken away: "
                a href=(place(&collaboration, "/withdraw?kind=membership")) { "leave " (collaboration) }
                "."
            }
        }
        p { a href="/console" { "Collaborations" } " · " a href="/console/sign-in" { "Sign in" } }
        dl.facts {
            (super::page::pair("Code", &html! { code { (document.code) } }))
            (super::page::pair("Status", &html! { (document.status) }))
            (super::page::pair("Request", &html! { code.whole { (document.request_id) } }))
        }
    };
    open(&Frame::plain(&title), &body)
}

/// Where it was wrong, place by place.
pub(super) fn places(all: &[Place]) -> Markup {
    html! {
        @if !all.is_empty() {
            ul.places {
                @for one in all {
                    li {
                        code { (text(&one.at)) } " " (text(&one.detail)) " " code.dim { (one.code) }
                        @if !one.help.is_empty() { br; "would pass: " (text(&one.help)) }
                    }
                }
            }
        }
    }
}

/// The collaboration that a path is of, as far as it could be one.
fn collaboration(path: &str) -> Option<String> {
    let rest = path.strip_prefix("/console/collaborations/")?;
    let name = rest.split('/').next()?;
    name.parse::<CollaborationId>().ok().map(|name| name.to_string())
}
