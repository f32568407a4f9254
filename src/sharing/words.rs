//! What a recipient shows: its token, the URL of a file, the place where a page goes on. Each is made under the gateway's key, so that what was made
//! by nobody is refused before any log is read. Only the digest of a token is kept anywhere. Must not know what is shared.

use crate::error::{Error, Result};
use crate::keyed::Keyed;
use crate::log::{SecretKey, share_token};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mappings::model::{CollaborationId, Digest, MemberId, RecipientId, RunId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Random bytes of a token.
const SECRET_BYTES: usize = 32;
/// Hex digits by which a word is known to be of this gateway.
const MARK: usize = 64;
/// No word is longer.
const WORD_MAX: usize = 1_024;

/// Makes and reads them.
#[derive(Debug)]
pub(crate) struct Words {
    tokens: Keyed,
    tickets: Keyed,
    pages: Keyed,
}

/// Whose token it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bearer {
    pub(crate) collaboration: CollaborationId,
    pub(crate) by: MemberId,
    pub(crate) recipient: RecipientId,
    /// By which the log knows it.
    pub(crate) digest: Digest,
}

/// Leave to read one file for a while: it says whose token asked for it, and ends with that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ticket {
    pub(crate) collaboration: CollaborationId,
    pub(crate) by: MemberId,
    pub(crate) recipient: RecipientId,
    pub(crate) token: Digest,
    pub(crate) run: RunId,
    /// The digest of the file.
    pub(crate) sha256: Digest,
    pub(crate) until_ms: i64,
}

/// A token that was made now; its text is shown once.
pub(crate) struct Fresh {
    pub(crate) text: String,
    pub(crate) digest: Digest,
}

impl fmt::Debug for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fresh").field("digest", &self.digest).finish_non_exhaustive()
    }
}

impl Words {
    pub(crate) fn of(key: &SecretKey) -> Self {
        let keyed = |of: &str| Keyed::of(key, &format!("airlock/share-{of}/v1"));
        Self { tokens: keyed("tokens"), tickets: keyed("tickets"), pages: keyed("pages") }
    }

    /// A new token.
    pub(crate) fn token(
        &self,
        (collaboration, by): (&CollaborationId, &MemberId),
        recipient: &RecipientId,
    ) -> Result<Fresh> {
        let mut secret = [0_u8; SECRET_BYTES];
        let none = |_| Error::failed("random", "no randomness to be had");
        getrandom::fill(&mut secret).map_err(none)?;
        let secret = URL_SAFE_NO_PAD.encode(secret);
        let text = signed(&self.tokens, &format!("{collaboration}.{by}.{recipient}.{secret}"));
        Ok(Fresh { digest: share_token(&text), text })
    }

    /// Whose token this is; none where this gateway never made it.
    pub(crate) fn bearer(&self, text: &str) -> Option<Bearer> {
        let mut parts = opened(&self.tokens, text)?.split('.');
        let mut next = || parts.next();
        let (collaboration, by) = (next()?.parse().ok()?, next()?.parse().ok()?);
        let recipient = next()?.parse().ok()?;
        let _secret = next()?;
        let whole = next().is_none();
        whole.then(|| Bearer { collaboration, by, recipient, digest: share_token(text) })
    }

    /// A ticket as text.
    pub(crate) fn ticket(&self, ticket: &Ticket) -> String {
        let said = serde_json::to_vec(ticket).unwrap_or_default();
        signed(&self.tickets, &URL_SAFE_NO_PAD.encode(said))
    }

    pub(crate) fn read_ticket(&self, text: &str) -> Option<Ticket> {
        let said = URL_SAFE_NO_PAD.decode(opened(&self.tickets, text)?).ok()?;
        serde_json::from_slice(&said).ok()
    }

    /// Where a page of this list goes on for this recipient: after a name.
    pub(crate) fn page(&self, of: &Bearer, list: &str, after: &str) -> String {
        let said = URL_SAFE_NO_PAD.encode(after);
        let mark = self.pages.word(&paged(of, list, &said), MARK);
        format!("{said}.{mark}")
    }

    pub(crate) fn read_page(&self, of: &Bearer, list: &str, text: &str) -> Option<String> {
        let (said, mark) = text.split_once('.').filter(|_| text.len() <= WORD_MAX)?;
        let made = self.pages.word(&paged(of, list, said), MARK);
        let after = URL_SAFE_NO_PAD.decode(said).ok().filter(|_| same(&made, mark))?;
        String::from_utf8(after).ok()
    }
}

fn paged(of: &Bearer, list: &str, said: &str) -> Vec<u8> {
    let Bearer { collaboration, by, recipient, .. } = of;
    format!("{collaboration}\n{by}\n{recipient}\n{list}\n{said}").into_bytes()
}

fn signed(keyed: &Keyed, said: &str) -> String {
    format!("{said}.{}", keyed.word(said.as_bytes(), MARK))
}

fn opened<'t>(keyed: &Keyed, text: &'t str) -> Option<&'t str> {
    let (said, mark) = text.rsplit_once('.').filter(|_| text.len() <= WORD_MAX)?;
    same(&keyed.word(said.as_bytes(), MARK), mark).then_some(said)
}

/// By digests, so that how long it takes tells nothing of what would be right.
fn same(one: &str, other: &str) -> bool {
    Digest::of(one.as_bytes()) == Digest::of(other.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(n: u8) -> Words {
        Words::of(&SecretKey::from_seed([n; 32]))
    }

    fn token(words: &Words) -> Fresh {
        let (of, by) = ("spring".parse().unwrap(), "brand".parse().unwrap());
        words.token((&of, &by), &"agency".parse().unwrap()).unwrap()
    }

    fn ticket() -> Ticket {
        Ticket {
            collaboration: "spring".parse().unwrap(),
            by: "brand".parse().unwrap(),
            recipient: "agency".parse().unwrap(),
            token: Digest::of(b"t"),
            run: "run-1".parse().unwrap(),
            sha256: Digest::of(b"f"),
            until_ms: 7,
        }
    }

    #[test]
    fn a_token_says_whose_it_is_and_is_known_by_its_digest_alone() {
        let (own, other) = (words(1), words(2));
        let fresh = token(&own);
        let bearer = own.bearer(&fresh.text).unwrap();
        assert_eq!((bearer.collaboration.as_str(), bearer.by.as_str()), ("spring", "brand"));
        assert_eq!((bearer.recipient.as_str(), bearer.digest), ("agency", fresh.digest));
        assert_eq!(other.bearer(&fresh.text), None, "another gateway made none");
        let secret = fresh.text.split('.').nth(3).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(secret).unwrap().len(), 32);
        assert_ne!(token(&own).text, fresh.text);
        assert!(!format!("{fresh:?}").contains(secret));
        assert!(!fresh.digest.to_string().contains(secret));
    }

    #[test]
    fn words_of_one_kind_are_none_of_another() {
        let own = words(1);
        let (fresh, ticket) = (token(&own), own.ticket(&ticket()));
        let bearer = own.bearer(&fresh.text).unwrap();
        let page = own.page(&bearer, "tables", "run-1");
        assert_eq!(own.read_page(&bearer, "tables", &page).as_deref(), Some("run-1"));
        assert_eq!(own.read_page(&bearer, "schemas", &page), None, "of another list");
        let others = Bearer { recipient: "press".parse().unwrap(), ..bearer.clone() };
        assert_eq!(own.read_page(&others, "tables", &page), None, "of another recipient");
        assert!(own.bearer(&ticket).is_none() && own.read_ticket(&fresh.text).is_none());
        assert!(own.bearer(&page).is_none() && own.read_ticket(&page).is_none());
        assert!(own.read_page(&bearer, "tables", &ticket).is_none());
    }

    proptest! {
        #[test]
        fn a_word_that_was_changed_anywhere_is_none(at: prop::sample::Index, to in 0x20_u8..0x7f) {
            let own = words(1);
            let (fresh, ticket) = (token(&own), own.ticket(&ticket()));
            let bearer = own.bearer(&fresh.text).unwrap();
            let page = own.page(&bearer, "tables", "run-1");
            for word in [&fresh.text, &ticket, &page] {
                let mut bytes = word.clone().into_bytes();
                let at = at.index(bytes.len());
                prop_assume!(bytes[at] != to);
                bytes[at] = to;
                let text = String::from_utf8(bytes).unwrap();
                prop_assert!(own.bearer(&text).is_none());
                prop_assert!(own.read_ticket(&text).is_none());
                prop_assert!(own.read_page(&bearer, "tables", &text).is_none());
            }
        }

        #[test]
        fn nothing_made_up_is_read(text in "\\PC{0,80}") {
            let own = words(1);
            let bearer = own.bearer(&token(&own).text).unwrap();
            prop_assert!(own.bearer(&text).is_none());
            prop_assert!(own.read_ticket(&text).is_none());
            prop_assert!(own.read_page(&bearer, "tables", &text).is_none());
        }
    }
}
