//! `ETag`, `If-None-Match` (RFC 9110, sections 8.8.3 and 13.1.2): the mark of what is decided, and a digest of what is shown beside it. A body shows
//! what no decision changes (runs that are left, what stands against its log), so the mark of decisions alone would answer 304 where it differs; and
//! a mark that changed with every run could not be decided on. Hence both in one: a read compares all of it, and a change (`said`) the part before the
//! dot. Must not know what either is.

use axum::Json;
use axum::http::header::{ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// Bytes of the digest of what is shown.
const SHOWN: usize = 8;

/// An answer with its mark; nothing but the mark where the caller has it already.
#[derive(Debug)]
pub(super) struct Tagged<T> {
    mark: String,
    body: Option<T>,
}

/// An answer to a request that may have seen it before.
pub(super) fn tagged<T: Serialize>(headers: &HeaderMap, mark: &str, body: T) -> Tagged<T> {
    let mark = format!("\"{mark}.{}\"", digest(&body));
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let same = known.flat_map(|all| all.split(',')).map(str::trim);
    // Weak comparison, as for every read.
    let mut same = same.map(|one| one.strip_prefix("W/").unwrap_or(one));
    let is = same.any(|one| one == mark || one == "*");
    Tagged { mark, body: (!is).then_some(body) }
}

/// The part of a mark that says what is decided.
pub(super) fn decided(mark: &str) -> &str {
    mark.split_once('.').map_or(mark, |(decided, _)| decided)
}

fn digest(body: &impl Serialize) -> String {
    let shown = serde_json::to_vec(body).unwrap_or_default();
    let digest = Sha256::digest(shown);
    digest.iter().take(SHOWN).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
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

    fn asked(value: &str, body: u32) -> Response {
        let value = HeaderValue::from_str(value).unwrap();
        tagged(&HeaderMap::from_iter([(IF_NONE_MATCH, value)]), "d7", body).into_response()
    }

    #[test]
    fn what_the_caller_has_is_not_said_again() {
        let fresh = tagged(&HeaderMap::new(), "d7", 1_u32).into_response();
        let mark = fresh.headers()["etag"].to_str().unwrap().to_owned();
        assert_eq!(fresh.status(), 200);
        for has in [mark.clone(), format!("W/{mark}"), format!("\"d6\", {mark}"), "*".to_owned()] {
            assert_eq!(asked(&has, 1).status(), 304, "{has}");
        }
        for lacks in ["", "d7", "\"d7\"", "\"d6\"", "\"d77\"", "W/d7"] {
            assert_eq!(asked(lacks, 1).status(), 200, "{lacks}");
        }
    }

    #[test]
    fn what_no_decision_changes_is_said_again_when_it_changes_and_keeps_nobody_from_deciding() {
        let mark = |body: u32| asked("", body).headers()["etag"].to_str().unwrap().to_owned();
        assert_eq!(asked(&mark(1), 2).status(), 200);
        assert_eq!(asked(&mark(2), 2).status(), 304);
        assert_ne!(mark(1), mark(2));
        let said = |body| decided(mark(body).trim_matches('"')).to_owned();
        assert_eq!((said(1), said(2)), ("d7".to_owned(), "d7".to_owned()));
        assert_eq!(decided("d7"), "d7");
    }
}
