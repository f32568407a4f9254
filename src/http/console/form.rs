//! Forms: what a page puts into one, and how what comes back is read. Nothing of it is read before its token is that of the session, the action and
//! the object that it is sent for. Must not know what is decided.

use super::super::body::{Unread, whole};
use super::super::problem::Own;
use super::super::said::{digest, is};
use super::Console;
use super::entered::Entered;
use super::session::{Session, key};
use crate::app::{Looked, Tied};
use crate::store::Once;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, MatchedPath, Request};
use futures::StreamExt as _;
use maud::{Markup, html};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The longest form, in bytes of what it says.
const FORM_MAX: usize = 64 * 1_024;
/// The longest document, as the API reads one; and the longest form with one in it.
const DOCUMENT_MAX: usize = mappings::agreement::SOURCE_BYTES_MAX;
pub(super) const DOCUMENT_FORM_MAX: usize = DOCUMENT_MAX + FORM_MAX;
/// A line's end as browsers send it (HTML, "constructing the entry list"), and as it was written.
const LINE_SENT: &[u8] = b"%0D%0A";
const LINE: &[u8] = b"%0A";
/// The type in which browsers send forms.
const URL_ENCODED: &str = "application/x-www-form-urlencoded";
/// The longest mark and key that are read.
const TIED_MAX: usize = 128;

/// What every form of a session carries.
pub(super) fn token(session: &Session, action: &str, object: &[&str]) -> Markup {
    html! { input type="hidden" name="form" value=(session.token(action, object)); }
}

/// What a form carries that is done once and names by digests what it is about.
pub(super) fn once() -> Markup {
    html! { input type="hidden" name="key" value=(key()); }
}

/// What a form carries that is tied to what is shown: its mark, and a key under which it is done once.
pub(super) fn tied(mark: &str) -> Markup {
    html! {
        input type="hidden" name="mark" value=(mark);
        input type="hidden" name="key" value=(key());
    }
}

/// A form as it was sent, unread.
#[derive(Debug)]
pub(super) struct Sent<const MAX: usize = FORM_MAX> {
    session: Arc<Session>,
    body: Bytes,
    asked: (String, String),
}

impl<const MAX: usize> FromRequest<Console> for Sent<MAX> {
    type Rejection = Own;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Own> {
        let (mut head, body) = request.into_parts();
        let Entered(session) = Entered::from_request_parts(&mut head, console).await?;
        is(&head.headers, &[URL_ENCODED])?;
        let route = head.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let asked = (route.to_owned(), head.uri.path().to_owned());
        Ok(Self { session, body: said(body, MAX).await?, asked })
    }
}

impl<const MAX: usize> Sent<MAX> {
    /// Reads it, if it was made in this session for this action on this object: names of the path, then fields of its own.
    pub(super) fn read(self, action: &str, path: &[&str], by: &[&str]) -> Result<Fields, Own> {
        let all = fields(&self.body)?;
        let own = by.iter().map(|name| all.get(*name).map_or("", String::as_str));
        let object: Vec<&str> = path.iter().copied().chain(own).collect();
        let token = all.get("form").map_or("", String::as_str);
        if !self.session.made(token, action, &object) {
            return Err(Own::FormForged);
        }
        Ok(Fields { all, session: self.session, asked: self.asked })
    }
}

/// What a form says.
#[derive(Debug)]
pub(super) struct Fields {
    all: BTreeMap<String, String>,
    session: Arc<Session>,
    asked: (String, String),
}

impl Fields {
    /// In whose session.
    pub(super) const fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// A field that has to be there.
    pub(super) fn one(&self, name: &str) -> Result<String, Own> {
        let found = self.all.get(name).filter(|value| !value.is_empty());
        found.cloned().ok_or(Own::FormUnreadable)
    }

    /// A field; empty where it is not there.
    pub(super) fn any(&self, name: &str) -> String {
        self.all.get(name).cloned().unwrap_or_default()
    }

    /// A document, with the ends of its lines as they were written; of as many bytes as the API reads of one.
    pub(super) fn document(&self) -> Result<String, Own> {
        let text = self.any("text").replace("\r\n", "\n").replace('\r', "\n");
        if text.len() > DOCUMENT_MAX { Err(Own::BodyTooLarge) } else { Ok(text) }
    }

    /// Fields of a name that begins so, by the rest of it.
    pub(super) fn beginning(&self, with: &str) -> BTreeMap<String, String> {
        let named = |(name, value): (&String, &String)| {
            Some((name.strip_prefix(with)?.to_owned(), value.clone()))
        };
        self.all.iter().filter_map(named).collect()
    }

    /// What was shown when it was made, and that it is done once.
    pub(super) fn tied(&self) -> Result<Tied, Own> {
        let mark = Some(self.one("mark")?).filter(|mark| plain(mark)).ok_or(Own::FormUnreadable)?;
        Ok(Tied { looked: Looked::At(mark), ..self.once()? })
    }

    /// That it is done once, of what names by digests what it is about.
    pub(super) fn once(&self) -> Result<Tied, Own> {
        let key = Some(self.one("key")?).filter(|key| plain(key)).ok_or(Own::FormUnreadable)?;
        let caller = self.session.caller();
        let tenant = caller.tenant().map(ToString::to_string).unwrap_or_default();
        let (route, path) = &self.asked;
        let parts = [tenant.as_bytes(), caller.principal().as_bytes(), b"POST"];
        let parts = parts.into_iter().chain([route.as_bytes(), path.as_bytes(), key.as_bytes()]);
        let scope = digest("airlock/once/v1", parts);
        // The token is the session's: the same form is the same question after signing in again, and is asked for by the rest of it.
        let said = self.all.iter().filter(|(name, _)| *name != "form");
        let said = said.flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]);
        let fingerprint = digest("airlock/asked/v1", said);
        Ok(Tied { once: Some(Once { scope, fingerprint }), ..Tied::default() })
    }
}

fn plain(text: &str) -> bool {
    text.len() <= TIED_MAX && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// A form that says so many bytes at most. How it is encoded makes up to three of each, and six of a line's end: that is not counted.
async fn said(body: Body, max: usize) -> Result<Bytes, Unread> {
    let (mut whole, mut count, mut parts) = (Vec::new(), Count::default(), body.into_data_stream());
    while let Some(part) = parts.next().await {
        for &byte in &part.map_err(|_| Unread::Cut)? {
            whole.push(byte);
            count.goes_on(byte);
            if byte == b'A' && whole.ends_with(LINE_SENT) {
                whole.truncate(whole.len().saturating_sub(LINE_SENT.len()));
                whole.extend_from_slice(LINE);
                count.said = count.said.saturating_sub(1);
            }
            // A line's end is two until it is whole.
            if count.said > max.saturating_add(1) {
                return Err(Unread::TooLong);
            }
        }
    }
    if count.said > max { Err(Unread::TooLong) } else { Ok(whole.into()) }
}

/// How many bytes an encoded text says.
#[derive(Debug, Default)]
struct Count {
    said: usize,
    /// Digits that belong to the byte that was counted last.
    digits: u8,
}

impl Count {
    const fn goes_on(&mut self, byte: u8) {
        if self.digits > 0 && byte.is_ascii_hexdigit() {
            self.digits -= 1;
        } else {
            self.said += 1;
            self.digits = if byte == b'%' { 2 } else { 0 };
        }
    }
}

/// The fields of a form, each of which is there once.
fn fields(body: &[u8]) -> Result<BTreeMap<String, String>, Own> {
    let mut all = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(body) {
        if all.insert(name.into_owned(), value.into_owned()).is_some() {
            return Err(Own::FormUnreadable);
        }
    }
    Ok(all)
}

/// The fields of the form that begins a session, which has no token yet.
pub(super) async fn unsigned(request: Request) -> Result<BTreeMap<String, String>, Own> {
    let (head, body) = request.into_parts();
    is(&head.headers, &[URL_ENCODED])?;
    fields(&whole(body, FORM_MAX).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_form_is_as_long_as_what_it_says() {
        let read = async |text: &str, max| said(Body::from(text.to_owned()), max).await;
        for (text, long) in [
            ("text=abc", 8),
            ("text=%C3%BC", 7),
            ("text=%0D%0A", 6),
            ("text=a%0D%0A%0D%0Ab", 9),
            ("text=%0A%0D", 7),
            ("text=%", 6),
            ("text=%A%0", 7),
        ] {
            assert!(read(text, long).await.is_ok(), "{text}");
            assert_eq!(read(text, long - 1).await, Err(Unread::TooLong), "{text}");
        }
        let lines = read("text=a%0D%0Ab%0Ac", 99).await.unwrap();
        assert_eq!(lines, "text=a%0Ab%0Ac");
        // Wherever it is cut on its way.
        let sent = "text=a%0D%0Ab";
        for at in 0..sent.len() {
            let parts =
                [&sent[..at], &sent[at..]].map(|part| Ok::<_, std::io::Error>(part.to_owned()));
            let body = Body::from_stream(futures::stream::iter(parts));
            assert_eq!(said(body, 8).await.unwrap(), "text=a%0Ab", "{at}");
        }
    }
}
