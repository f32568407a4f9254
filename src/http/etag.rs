//! `ETag`, `If-None-Match` (RFC 9110, sections 8.8.3 and 13.1.2): the mark of what is decided. Must not know what that is.

use axum::Json;
use axum::http::header::{ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// An answer with its mark; nothing but the mark where the caller has it already.
#[derive(Debug)]
pub(super) struct Tagged<T> {
    mark: String,
    body: Option<T>,
}

/// An answer to a request that may have seen it before.
pub(super) fn tagged<T>(headers: &HeaderMap, mark: &str, body: T) -> Tagged<T> {
    let mark = format!("\"{mark}\"");
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let same = known.flat_map(|all| all.split(',')).map(str::trim);
    // Weak comparison, as for every read.
    let mut same = same.map(|one| one.strip_prefix("W/").unwrap_or(one));
    let is = same.any(|one| one == mark || one == "*");
    Tagged { mark, body: (!is).then_some(body) }
}

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let mut response = match self.body {
            Some(body) => Json(body).into_response(),
            None => StatusCode::NOT_MODIFIED.into_response(),
        };
        if let Ok(mark) = HeaderValue::from_str(&self.mark) {
            response.headers_mut().insert(ETAG, mark);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_caller_has_is_not_said_again() {
        let asked = |value: &'static str| {
            let headers = HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_static(value))]);
            tagged(&headers, "d7", 1).into_response().status().as_u16()
        };
        for has in ["\"d7\"", "W/\"d7\"", "\"d6\", \"d7\"", "*"] {
            assert_eq!(asked(has), 304, "{has}");
        }
        for lacks in ["", "d7", "\"d6\"", "\"d77\"", "W/d7"] {
            assert_eq!(asked(lacks), 200, "{lacks}");
        }
        let fresh = tagged(&HeaderMap::new(), "d7", 1).into_response();
        assert_eq!(
            (fresh.status().as_u16(), &fresh.headers()["etag"]),
            (200, &HeaderValue::from_static("\"d7\""))
        );
    }
}
