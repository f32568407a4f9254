//! Who is let into the console: whoever has a session, and whose forms come from a page of this gateway. Must not know what is asked.

use super::super::problem::Own;
use super::Console;
use super::cookie::Jar;
use super::session::Session;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{HOST, LOCATION, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The session of a request.
#[derive(Debug, Clone)]
pub(super) struct Entered(pub(super) Arc<Session>);

impl<S: Sync> FromRequestParts<S> for Entered {
    type Rejection = Own;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Own> {
        // A page that asks for a session and stands outside `entered` is a bug, and reached by nobody.
        parts.extensions.get::<Self>().cloned().ok_or(Own::SessionMissing)
    }
}

/// Lets in who has a session, as far as its member has its share of places; others are shown where one begins.
pub(super) async fn entered(
    State(console): State<Console>,
    mut request: Request,
    next: Next,
) -> Response {
    let clock = console.gateway.verifier.clock();
    let id = Jar::of(request.headers()).shown(request.headers());
    if let Some(session) = id.and_then(|id| console.sessions.known(id, clock)) {
        let _share = match console.gateway.ordinary.take_for(session.caller(), &request) {
            Ok(share) => share,
            Err(own) => return own.into_response(),
        };
        request.extensions_mut().insert(Entered(session));
        return next.run(request).await;
    }
    if request.method() == Method::GET {
        return (StatusCode::SEE_OTHER, [(LOCATION, "/console/sign-in")]).into_response();
    }
    // What was sent is not kept for later: it was decided by whoever was signed in then.
    Own::SessionMissing.into_response()
}

/// Takes a form only from a page of this gateway.
pub(super) async fn from_here(request: Request, next: Next) -> Response {
    if request.method() == Method::POST && !is_own(request.headers()) {
        return Own::FormForeign.into_response();
    }
    next.run(request).await
}

/// Whether the browser says that a page of ours sends it. `no-referrer` makes it say `Origin: null` of our own pages as well; then it counts what
/// it says of the site (Fetch, "append a request Origin header"). A request that says neither is no browser's form.
fn is_own(headers: &HeaderMap) -> bool {
    let one = |name: &HeaderName| {
        let mut all = headers.get_all(name).iter();
        let first = all.next().map(|value| value.to_str().unwrap_or("null"));
        if all.next().is_some() { Some("null") } else { first }
    };
    let same_site = one(&SEC_FETCH_SITE).map(|site| site == "same-origin");
    let same_origin = match one(&ORIGIN) {
        Some("null") | None => None,
        Some(origin) => {
            let host = one(&HOST).unwrap_or_default();
            let of = |scheme: &str| origin.strip_prefix(scheme);
            let own = of("https://").or_else(|| of("http://"));
            Some(own.is_some_and(|own| own.eq_ignore_ascii_case(host)))
        }
    };
    match (same_site, same_origin) {
        (Some(site), origin) => site && origin.unwrap_or(true),
        (None, Some(origin)) => origin,
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn of(all: &[(&'static str, &'static str)]) -> bool {
        let mut headers =
            HeaderMap::from_iter([(HOST, HeaderValue::from_static("localhost:8470"))]);
        for (name, value) in all {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        is_own(&headers)
    }

    #[test]
    fn a_form_is_of_a_page_of_this_gateway() {
        let (site, origin) = ("sec-fetch-site", "origin");
        for good in [
            &[(site, "same-origin")][..],
            &[(site, "same-origin"), (origin, "null")],
            &[(site, "same-origin"), (origin, "http://localhost:8470")],
            &[(origin, "http://localhost:8470")],
            &[(origin, "https://localhost:8470")],
        ] {
            assert!(of(good), "{good:?}");
        }
        for bad in [
            &[][..],
            &[(origin, "null")],
            &[(origin, "http://localhost")],
            &[(origin, "http://evil.example")],
            &[(origin, "http://localhost:8470.evil.example")],
            &[(origin, "ftp://localhost:8470")],
            &[(site, "cross-site")],
            &[(site, "same-site")],
            &[(site, "none")],
            &[(site, "cross-site"), (origin, "http://localhost:8470")],
            &[(site, "same-origin"), (origin, "http://evil.example")],
            &[(site, "same-origin"), (site, "same-origin")],
            &[(origin, "http://localhost:8470"), (origin, "http://localhost:8470")],
        ] {
            assert!(!of(bad), "{bad:?}");
        }
    }
}
