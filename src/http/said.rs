//! What a change says: its body, read strictly and within bounds; what the caller looked at before (`If-Match`, RFC 9110, section 13.1.1); and
//! the key under which it asks (`Idempotency-Key`). Must not know what is changed.

use super::Gateway;
use super::body::whole;
use super::entry::Who;
use super::etag::decided;
use super::problem::Own;
use crate::app::{Looked, Tied};
use crate::store::Once;
use axum::body::Bytes;
use axum::extract::{FromRequest, MatchedPath, Request};
use axum::http::header::{CONTENT_TYPE, IF_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The longest body of a change, and of an agreement.
const BODY_MAX: usize = 64 * 1_024;
const DOCUMENT_MAX: usize = mappings::agreement::SOURCE_BYTES_MAX;
/// The types of a document.
const DOCUMENTS: [&str; 2] = ["application/json", "application/yaml"];
/// How long a key is.
const KEY: std::ops::RangeInclusive<usize> = 16..=128;

/// A change that is tied to what the caller looked at, and is done once.
#[derive(Debug)]
pub(super) struct Said<T> {
    pub(super) said: T,
    pub(super) tied: Tied,
}

/// A withdrawal: it is tied to nothing, and nothing keeps it from being said again.
#[derive(Debug)]
pub(super) struct Denial<T>(pub(super) T);

/// A change that names what it is about by digests, and is done once. It is tied to what the caller looked at where it says what that was.
#[derive(Debug)]
pub(super) struct Keyed<T> {
    pub(super) said: T,
    pub(super) tied: Tied,
}

/// A change of which the path says everything, done once. It is tied to what the caller looked at where it says what that was.
#[derive(Debug)]
pub(super) struct Same(pub(super) Tied);

/// A document as text that nothing is done with but read.
#[derive(Debug)]
pub(super) struct Text(pub(super) String);

impl FromRequest<Gateway> for Text {
    type Rejection = Own;

    async fn from_request(request: Request, _: &Gateway) -> Result<Self, Own> {
        let (head, body) = request.into_parts();
        is(&head.headers, &DOCUMENTS)?;
        text(whole(body, DOCUMENT_MAX).await?).map(Self)
    }
}

/// Something of which the path says everything, and that may be asked again.
#[derive(Debug)]
pub(super) struct Bare;

/// A document as text, tied as a change is.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) text: String,
    pub(super) tied: Tied,
}

impl<T: DeserializeOwned> FromRequest<Gateway> for Said<T> {
    type Rejection = Own;

    async fn from_request(request: Request, _: &Gateway) -> Result<Self, Own> {
        let (head, body) = request.into_parts();
        is(&head.headers, &["application/json"])?;
        let looked = looked(&head.headers)?.ok_or(Own::IfMatchMissing)?;
        let body = whole(body, BODY_MAX).await?;
        let once = Some(once(&head, &body)?);
        Ok(Self { said: json(&body)?, tied: Tied { looked, once, ..Tied::default() } })
    }
}

impl<T: DeserializeOwned> FromRequest<Gateway> for Keyed<T> {
    type Rejection = Own;

    async fn from_request(request: Request, _: &Gateway) -> Result<Self, Own> {
        let (head, body) = request.into_parts();
        is(&head.headers, &["application/json"])?;
        let looked = looked(&head.headers)?.unwrap_or_default();
        let body = whole(body, BODY_MAX).await?;
        let once = Some(once(&head, &body)?);
        Ok(Self { said: json(&body)?, tied: Tied { looked, once, ..Tied::default() } })
    }
}

impl FromRequest<Gateway> for Same {
    type Rejection = Own;

    async fn from_request(request: Request, _: &Gateway) -> Result<Self, Own> {
        let (head, body) = request.into_parts();
        let looked = looked(&head.headers)?.unwrap_or_default();
        let body = whole(body, 0).await?;
        let once = Some(once(&head, &body)?);
        Ok(Self(Tied { looked, once, ..Tied::default() }))
    }
}

impl FromRequest<Gateway> for Bare {
    type Rejection = Own;

    async fn from_request(request: Request, _: &Gateway) -> Result<Self, Own> {
        let body = whole(request.into_body(), BODY_MAX).await?;
        if body.is_empty() || &body[..] == b"{}" { Ok(Self) } else { Err(Own::JsonUnreadable) }
    }
}

impl<T: DeserializeOwned> FromRequest<Gateway> for Denial<T> {
    type Rejection = Own;

    async fn from_request(request: Request, _: &Gateway) -> Result<Self, Own> {
        let (head, body) = request.into_parts();
        is(&head.headers, &["application/json"])?;
        Ok(Self(json(&whole(body, BODY_MAX).await?)?))
    }
}

impl FromRequest<Gateway> for Document {
    type Rejection = Own;

    async fn from_request(request: Request, _: &Gateway) -> Result<Self, Own> {
        let (head, body) = request.into_parts();
        is(&head.headers, &DOCUMENTS)?;
        // Of a collaboration that is not there yet there is nothing to have looked at.
        let looked = looked(&head.headers)?.unwrap_or(Looked::Nothing);
        let body = whole(body, DOCUMENT_MAX).await?;
        let once = Some(once(&head, &body)?);
        Ok(Self { text: text(body)?, tied: Tied { looked, once, ..Tied::default() } })
    }
}

/// A document in UTF-8.
fn text(body: Bytes) -> Result<String, Own> {
    String::from_utf8(body.into()).map_err(|_| Own::JsonUnreadable)
}

/// Refuses a body of a type that is not read, by its one header.
pub(super) fn is(headers: &HeaderMap, read: &[&str]) -> Result<(), Own> {
    let mut all = headers.get_all(CONTENT_TYPE).iter();
    let named = all.next().and_then(|value| value.to_str().ok()).filter(|_| all.next().is_none());
    let named = named.map(|value| value.split(';').next().unwrap_or_default().trim());
    let good = named.is_some_and(|named| read.iter().any(|one| named.eq_ignore_ascii_case(one)));
    if good { Ok(()) } else { Err(Own::MediaTypeUnknown) }
}

/// What the caller looked at; `None` where it does not say.
fn looked(headers: &HeaderMap) -> Result<Option<Looked>, Own> {
    let mut all = headers.get_all(IF_MATCH).iter();
    let Some(first) = all.next() else { return Ok(None) };
    if all.next().is_some() {
        return Err(Own::IfMatchUnreadable);
    }
    let text = first.to_str().map_err(|_| Own::IfMatchUnreadable)?;
    if text == "*" {
        return Ok(Some(Looked::Anything));
    }
    let mark = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let mark = mark.filter(|mark| !mark.is_empty() && !mark.contains(['"', ',']));
    // What a read shows beside what is decided keeps nobody from deciding.
    mark.map(|mark| Some(Looked::At(decided(mark).to_owned()))).ok_or(Own::IfMatchUnreadable)
}

/// The key under which the caller asks, as a scope of its own, and what it asks under it. Another caller's same key is another scope.
fn once(head: &Parts, body: &[u8]) -> Result<Once, Own> {
    let mut all = head.headers.get_all(IDEMPOTENCY_KEY).iter();
    let first = all.next().ok_or(Own::KeyMissing)?;
    let key = first.to_str().ok().filter(|key| KEY.contains(&key.len()) && all.next().is_none());
    let key =
        key.filter(|key| key.bytes().all(|b| b.is_ascii_graphic())).ok_or(Own::KeyMalformed)?;
    let Who(caller) = head.extensions.get::<Who>().ok_or(Own::TokenMissing)?;
    let tenant = caller.tenant().map(ToString::to_string).unwrap_or_default();
    let route = head.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let (method, path) = (head.method.as_str(), head.uri.path());
    let scope = digest(
        "airlock/once/v1",
        [
            tenant.as_bytes(),
            caller.principal().as_bytes(),
            method.as_bytes(),
            route.as_bytes(),
            path.as_bytes(),
            key.as_bytes(),
        ],
    );
    let part = |name: &HeaderName| head.headers.get(name).map_or(&[][..], |value| value.as_bytes());
    let fingerprint = digest("airlock/asked/v1", [part(&CONTENT_TYPE), part(&IF_MATCH), body]);
    Ok(Once { scope, fingerprint })
}

/// Of several parts, each with its length before it: no two lists of parts are one text.
pub(super) fn digest<'a>(of: &str, parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(of);
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Own> {
    serde_json::from_slice(body).map_err(|_| Own::JsonUnreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn of(name: &HeaderName, all: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for one in all {
            headers.append(name, HeaderValue::from_static(one));
        }
        headers
    }

    #[test]
    fn what_was_looked_at_is_one_strong_mark_or_anything() {
        let asked = |all: &[&'static str]| looked(&of(&IF_MATCH, all));
        assert_eq!(asked(&[]), Ok(None));
        assert_eq!(asked(&["\"d7\""]), Ok(Some(Looked::At("d7".to_owned()))));
        assert_eq!(asked(&["\"d7.a1\""]), Ok(Some(Looked::At("d7".to_owned()))));
        assert_eq!(asked(&["*"]), Ok(Some(Looked::Anything)));
        for bad in [
            &["d7"][..],
            &["W/\"d7\""],
            &["\"d7\", \"d8\""],
            &["\"\""],
            &["\"d7\"", "\"d7\""],
            &[""],
        ] {
            assert_eq!(asked(bad), Err(Own::IfMatchUnreadable), "{bad:?}");
        }
    }

    #[test]
    fn a_body_is_of_a_type_that_is_read() {
        let read = ["application/json"];
        for good in ["application/json", "Application/JSON; charset=utf-8"] {
            assert_eq!(is(&of(&CONTENT_TYPE, &[good]), &read), Ok(()), "{good}");
        }
        for bad in [
            &[][..],
            &["text/plain"],
            &["application/json, text/plain"],
            &["application/json", "application/json"],
            &["application/jsonp"],
        ] {
            assert_eq!(is(&of(&CONTENT_TYPE, bad), &read), Err(Own::MediaTypeUnknown), "{bad:?}");
        }
    }

    #[test]
    fn no_two_lists_of_parts_are_one() {
        let of = |parts: &[&[u8]]| digest("x", parts.iter().copied());
        assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
        assert_ne!(of(&[b"", b"a"]), of(&[b"a", b""]));
        assert_ne!(digest("x", [&b"a"[..]]), digest("y", [&b"a"[..]]));
    }
}
