//! `/delta-sharing`: what recipients outside read, by the protocol of Delta Sharing (its PROTOCOL.md, profile version 1). Errors are as that has
//! them, `{errorCode, message}`. These paths are no part of the `OpenAPI` document: whoever asks here is no caller of `/v1`, and a token of the one
//! is none of the other. Must not know rules, stores, or where a result lies.

mod file;
mod lists;
mod range;
mod tables;

use super::Gateway;
use super::entry::shown;
use super::problem::Problem;
use crate::app::Share;
use crate::app::sharing::Guest;
use crate::error::Error;
use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, head, post};

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"airlock-shares\"");

/// A recipient that showed a good token.
pub(super) struct Visiting {
    guest: Guest,
    /// Its requests count as those of the member who shared with it, and are half of what that may have at most.
    _share: Share,
}

impl FromRequestParts<Gateway> for Visiting {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Problem> {
        let token = shown(&parts.headers).unwrap_or_default();
        let guest = gateway.app.guest(token).await?;
        // Nothing further needs it.
        parts.headers.remove(AUTHORIZATION);
        Ok(Self { _share: gateway.ordinary.take_for_guest(&guest.bearer().by)?, guest })
    }
}

/// Whether a path is a recipient's.
pub(super) fn is_delta(path: &str) -> bool {
    path == "/delta-sharing" || path.starts_with("/delta-sharing/")
}

/// Every path of recipients.
pub(super) fn router() -> Router<Gateway> {
    const TABLE: &str = "/shares/{share}/schemas/{schema}/tables/{table}";
    let of = |rest: &str| format!("{TABLE}{rest}");
    let paths = Router::new()
        .route("/shares", get(lists::shares))
        .route("/shares/{share}", get(lists::share))
        .route("/shares/{share}/schemas", get(lists::schemas))
        .route("/shares/{share}/schemas/{schema}/tables", get(lists::tables))
        .route("/shares/{share}/all-tables", get(lists::all_tables))
        .route(TABLE, head(tables::version))
        .route(&of("/version"), get(tables::version))
        .route(&of("/metadata"), get(tables::metadata))
        .route(&of("/query"), post(tables::query))
        .route(&of("/changes"), get(tables::changes))
        .route(&of("/temporary-table-credentials"), post(tables::credentials))
        .route("/files/{file}", get(file::file));
    Router::new().nest("/delta-sharing", paths)
}

/// The gateway's own address as it was asked: the name is one of those that it is known by, and beyond this machine there is TLS before it.
pub(super) fn base(headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name);
    let is_here =
        ["localhost", "127.0.0.1", "[::1]"].iter().any(|own| own.eq_ignore_ascii_case(name));
    format!("{}://{host}", if is_here { "http" } else { "https" })
}

/// What is wrong, as the protocol has it, with the headers that the answer had.
pub(super) fn written(problem: &Problem, id: &str, response: &Response) -> Response {
    let document = problem.document(id);
    let mut message = document.detail;
    if !document.help.is_empty() {
        message = format!("{message}; would pass: {}", document.help);
    }
    let said = serde_json::json!({ "errorCode": document.code, "message": message });
    let mut whole = (problem.status, said.to_string()).into_response();
    let headers = whole.headers_mut();
    for (name, value) in response.headers() {
        if name != CONTENT_LENGTH && name != CONTENT_TYPE {
            headers.append(name, value.clone());
        }
    }
    headers.insert(CONTENT_TYPE, JSON);
    if problem.status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, CHALLENGE);
    }
    if let Some(seconds) = problem.retry_after_s {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    whole
}

/// What can't be read of a request.
fn unread(what: &str) -> Problem {
    Error::invalid("share-query-invalid", format!("{what} can't be read"))
        .help("a request as the protocol has it")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_one_that_was_asked() {
        let of = |host: &'static str| {
            base(&HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]))
        };
        for (host, address) in [
            ("127.0.0.1:8470", "http://127.0.0.1:8470"),
            ("LocalHost", "http://LocalHost"),
            ("[::1]:8470", "http://[::1]:8470"),
            ("[::1]", "http://[::1]"),
            ("airlock.example.org", "https://airlock.example.org"),
            ("airlock.example.org:8443", "https://airlock.example.org:8443"),
        ] {
            assert_eq!(of(host), address);
        }
        assert!(is_delta("/delta-sharing/shares") && !is_delta("/delta-sharing-x"));
    }
}
