//! What is asked, and what has to be answered: reads of everything that a collaboration shows, decisions that end without a leaf, and
//! writes of which each is a leaf of its own. Must not know when it is asked.

use crate::Fallible;
use crate::gateways::{Gateway, brand, grocer};
use crate::served::Served;
use mappings::model::{CollaborationId, TemplateName};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A token of the development issuer is good for five minutes.
const TOKEN_FOR: Duration = Duration::from_mins(3);
const TEMPLATE: &str = "sales-by-campaign";

/// What a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Read,
    /// Judged in whole, and refused by a rule, or answered from what was decided under its key before.
    Decision,
    /// A leaf, with its receipt.
    Write,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Read, Self::Decision, Self::Write];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Read => "reads",
            Self::Decision => "decisions",
            Self::Write => "writes with receipts",
        }
    }

    /// Of twenty, sixteen reads, three decisions and a write.
    pub(crate) const fn mixed(nth: usize) -> Self {
        match nth % 20 {
            7 => Self::Write,
            3 | 11 | 17 => Self::Decision,
            _ => Self::Read,
        }
    }

    pub(crate) const fn reads(_: usize) -> Self {
        Self::Read
    }
}

/// One request, and the status that it has to be answered with.
pub(crate) struct Request {
    pub(crate) text: String,
    pub(crate) status: u16,
}

/// All that can be asked of one gateway.
pub(crate) struct Requests {
    names: Vec<CollaborationId>,
    /// The agreement of each, and its template.
    digests: Vec<[String; 2]>,
    host: String,
    tokens: [Token; 2],
    written: AtomicUsize,
}

/// A member's token, made anew before it ends.
struct Token {
    member: String,
    kept: Mutex<(String, Instant)>,
}

impl Requests {
    pub(crate) fn new(gateway: &Gateway, served: &Served<'_>) -> Fallible<Self> {
        let digests = gateway.names.iter().map(|name| {
            let agreement = gateway.agreement(name)?;
            let template = TemplateName::new(TEMPLATE)?;
            let of = agreement.templates.get(&template).ok_or("no template")?;
            Ok([agreement.digest().to_string(), of.digest(&template).to_string()])
        });
        let token = |member: mappings::model::MemberId| {
            let kept = Mutex::new((served.token(member.as_str())?, Instant::now()));
            Fallible::Ok(Token { member: member.to_string(), kept })
        };
        Ok(Self {
            names: gateway.names.clone(),
            digests: digests.collect::<Fallible<_>>()?,
            host: served.place().to_string(),
            tokens: [token(grocer()?)?, token(brand()?)?],
            written: AtomicUsize::new(0),
        })
    }

    /// Of the first so many collaborations only.
    pub(crate) fn of(mut self, many: usize) -> Self {
        self.names.truncate(many);
        self
    }

    /// Makes tokens anew that will end soon. On a thread that may wait.
    pub(crate) fn refresh(&self, served: &Served<'_>) -> Fallible {
        for token in &self.tokens {
            let made = token.kept.lock().unwrap_or_else(PoisonError::into_inner).1;
            if made.elapsed() > TOKEN_FOR {
                let new = (served.token(&token.member)?, Instant::now());
                *token.kept.lock().unwrap_or_else(PoisonError::into_inner) = new;
            }
        }
        Ok(())
    }

    /// The nth request of this kind.
    pub(crate) fn nth(&self, kind: Kind, nth: usize) -> Fallible<Request> {
        match kind {
            Kind::Read => self.read(nth),
            Kind::Decision => self.decision(nth),
            Kind::Write => self.write(),
        }
    }

    /// Scattered over all names, each as often as every other.
    fn scattered(&self, nth: usize) -> usize {
        nth.wrapping_mul(7_919) % self.names.len().max(1)
    }

    fn read(&self, nth: usize) -> Fallible<Request> {
        let at = self.scattered(nth);
        let name = self.names.get(at).ok_or("no such collaboration")?;
        let [agreement, _] = self.digests.get(at).ok_or("no such agreement")?;
        let path = match nth % 10 {
            0..=2 => format!("/v1/collaborations/{name}"),
            3 | 4 => format!("/v1/collaborations/{name}/templates/{TEMPLATE}"),
            5 => format!("/v1/collaborations/{name}/members"),
            6 => format!("/v1/collaborations/{name}/datasets"),
            7 => format!("/v1/collaborations/{name}/agreements/{agreement}"),
            8 => format!("/v1/collaborations/{name}/leaves?limit=5"),
            _ => "/v1/collaborations?limit=20".to_owned(),
        };
        Ok(Request { text: self.text(nth % 2, ("GET", &path), &[], ""), status: 200 })
    }

    /// An approval and a run of a version that is not there any more, and a change that was made under this key.
    fn decision(&self, nth: usize) -> Fallible<Request> {
        let at = self.scattered(nth);
        let name = self.names.get(at).ok_or("no such collaboration")?;
        let key = format!("Idempotency-Key: decision-{nth:016}");
        let written = self.written.load(Ordering::Relaxed).saturating_sub(1_000);
        match nth % 3 {
            0 if written > 0 => self.written_before(nth % written),
            1 => {
                let body = serde_json::json!({ "template": TEMPLATE, "digest": gone(nth) });
                let path = format!("/v1/collaborations/{name}/runs");
                let text = self.text(1, ("POST", &path), &[&key], &body.to_string());
                Ok(Request { text, status: 409 })
            }
            _ => {
                let path = format!("/v1/collaborations/{name}/templates/{TEMPLATE}/approvals");
                let body = serde_json::json!({ "digest": gone(nth) });
                let lines = [key.as_str(), "If-Match: *"];
                let text = self.text(nth % 2, ("POST", &path), &lines, &body.to_string());
                Ok(Request { text, status: 409 })
            }
        }
    }

    fn write(&self) -> Fallible<Request> {
        self.written_before(self.written.fetch_add(1, Ordering::Relaxed))
    }

    /// The nth write: everybody's approval of everything first, then withdrawals of everything.
    fn written_before(&self, nth: usize) -> Fallible<Request> {
        let many = self.names.len();
        let (round, at) = (nth / many.max(1), self.scattered(nth));
        let name = self.names.get(at).ok_or("no such collaboration")?;
        let [_, template] = self.digests.get(at).ok_or("no such template")?;
        let member = round % 2;
        let key = format!("Idempotency-Key: write-{nth:016}");
        let (path, lines, body) = match round {
            0 | 1 => (
                format!("templates/{TEMPLATE}/approvals"),
                vec![key.as_str(), "If-Match: *"],
                serde_json::json!({ "digest": template }),
            ),
            2 => (
                "revocations".to_owned(),
                vec![],
                serde_json::json!({ "kind": "dataset", "dataset": "transactions" }),
            ),
            3 => (
                "revocations".to_owned(),
                vec![],
                serde_json::json!({ "kind": "dataset", "dataset": "exposures" }),
            ),
            _ => return Err("nothing is left to be written: more collaborations".into()),
        };
        let path = format!("/v1/collaborations/{name}/{path}");
        Ok(Request {
            text: self.text(member, ("POST", &path), &lines, &body.to_string()),
            status: 201,
        })
    }

    fn text(
        &self,
        member: usize,
        (method, path): (&str, &str),
        lines: &[&str],
        body: &str,
    ) -> String {
        let token = self
            .tokens
            .get(member)
            .map(|token| token.kept.lock().unwrap_or_else(PoisonError::into_inner).0.clone());
        let mut text = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n",
            self.host,
            token.unwrap_or_default()
        );
        for line in lines {
            text.push_str(line);
            text.push_str("\r\n");
        }
        if !body.is_empty() {
            let _ = write!(
                text,
                "Content-Type: application/json\r\nContent-Length: {}\r\n",
                body.len()
            );
        }
        text.push_str("\r\n");
        text.push_str(body);
        text
    }
}

/// The digest of a version that never was.
fn gone(nth: usize) -> String {
    format!("sha256:{nth:064x}")
}
