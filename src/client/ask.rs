//! Requests and answers: how a gateway is asked, how often again, and what its problem documents mean here. Must not know what is asked.

use super::token::Token;
use crate::error::{Error, Kind, Problem, Result};
use crate::log::Code;
use crate::wire;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{Method, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::time::Instant;

/// An answer is there within so long.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
/// No document is longer.
const BODY_MAX: usize = 8 << 20;
/// The same is asked again so often at most, and not later than that.
const AGAIN_MAX: u32 = 3;
const AGAIN_WITHIN: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// What a gateway says of a mistake is no longer than that here.
const SAID_MAX: usize = 2_000;

/// A gateway that is asked.
#[derive(Debug)]
pub(super) struct Link {
    http: reqwest::Client,
    root: Url,
    token: Token,
}

/// Something that is asked.
#[derive(Debug)]
pub(super) struct Question<'q> {
    method: Method,
    path: Vec<&'q str>,
    query: Vec<(&'q str, String)>,
    headers: HeaderMap,
    body: Vec<u8>,
    /// Whether it may be asked twice.
    again: bool,
}

/// What was answered, where it was no problem.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) status: StatusCode,
    pub(super) etag: Option<String>,
    pub(super) body: Vec<u8>,
    retry_after: Option<Duration>,
    token: Token,
}

/// Why there is no answer.
enum Missing {
    /// It may have been done all the same.
    Lost(Error),
    /// It is none that is read here.
    Wrong(Error),
}

impl Told {
    /// The document in it.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        let other = |_| unreadable("it is not the document that was asked for");
        let document: Value = serde_json::from_slice(&self.body).map_err(other)?;
        serde_json::from_value(self.bare(document)).map_err(other)
    }

    /// A document as it may be shown: nothing in it moves a terminal's cursor, or has the token in it.
    fn bare(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(bare(&self.token, &text)),
            Value::Array(all) => all.into_iter().map(|one| self.bare(one)).collect(),
            Value::Object(fields) => {
                let fields = fields.into_iter().map(|(name, one)| (name, self.bare(one)));
                Value::Object(fields.collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value,
        }
    }

    /// The same answer with another body.
    pub(super) fn saying(&self, body: &Value) -> Self {
        let (status, etag, retry_after) = (self.status, self.etag.clone(), self.retry_after);
        let token = self.token.clone();
        Self { status, etag, body: body.to_string().into_bytes(), retry_after, token }
    }

    pub(super) fn text(self) -> Result<String> {
        String::from_utf8(self.body).map_err(|_| unreadable("it is no text"))
    }
}

impl<'q> Question<'q> {
    pub(super) fn get(path: &[&'q str], query: &[(&'q str, String)]) -> Self {
        let (path, query) = (path.to_vec(), query.to_vec());
        let (headers, body) = (HeaderMap::new(), Vec::new());
        Self { method: Method::GET, path, query, headers, body, again: true }
    }

    /// Something that is done as often as it is asked, and therefore asked once.
    pub(super) fn post(path: &[&'q str]) -> Self {
        Self { method: Method::POST, again: false, ..Self::get(path, &[]) }
    }

    /// What is gone then, and is asked once: the second time it is not there.
    pub(super) fn delete(path: &[&'q str]) -> Self {
        Self { method: Method::DELETE, ..Self::post(path) }
    }

    /// A withdrawal: the same again takes nothing more away.
    pub(super) fn denial(path: &[&'q str], body: &impl serde::Serialize) -> Result<Self> {
        let question = Self::post(path).json(body)?;
        Ok(Self { again: true, ..question })
    }

    /// A change that is done once under a key of its own, however often it is asked.
    pub(super) fn change(path: &[&'q str]) -> Result<Self> {
        let mut key = [0_u8; 24];
        let none = |_| Error::failed("random", "no randomness to be had");
        getrandom::fill(&mut key).map_err(none)?;
        let key = URL_SAFE_NO_PAD.encode(key);
        Ok(Self { again: true, ..Self::post(path) }.with("Idempotency-Key", &key))
    }

    pub(super) fn json(mut self, body: &impl serde::Serialize) -> Result<Self> {
        self.body = serde_json::to_vec(body)
            .map_err(|_| Error::failed("bug", "a question can't be written"))?;
        Ok(self.with("Content-Type", "application/json"))
    }

    pub(super) fn yaml(mut self, text: &str) -> Self {
        text.as_bytes().clone_into(&mut self.body);
        self.with("Content-Type", "application/yaml")
    }

    /// Tied to what was looked at.
    pub(super) fn tied(self, mark: &str) -> Self {
        self.with("If-Match", mark)
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), value.parse()) {
            self.headers.insert(name, value);
        }
        self
    }
}

impl Link {
    pub(super) fn new(root: Url, token: Token) -> Result<Self> {
        let mut http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(ANSWERED_WITHIN)
            .connect_timeout(AGAIN_WITHIN / 2)
            .user_agent(concat!("airlock/", env!("CARGO_PKG_VERSION")));
        if root.scheme() == "http" {
            let here =
                [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), (Ipv6Addr::LOCALHOST, 0).into()];
            http = http.no_proxy().resolve_to_addrs("localhost", &here);
        }
        let http = http.build();
        let http = http.map_err(|_| Error::failed("gateway-unreachable", "no TLS is to be had"))?;
        Ok(Self { http, root, token })
    }

    /// The address as it is remembered.
    pub(super) fn name(&self) -> String {
        self.root.origin().ascii_serialization()
    }

    pub(super) async fn get(&self, path: &[&str], query: &[(&str, String)]) -> Result<Told> {
        self.ask(&Question::get(path, query)).await
    }

    /// Asks, and the same again where the answer was lost or is for later.
    pub(super) async fn ask(&self, question: &Question<'_>) -> Result<Told> {
        let since = Instant::now();
        for tries in 1.. {
            let (error, after) = match self.once(question).await {
                Ok(told) if told.status.is_success() => return Ok(told),
                Ok(told) => {
                    let error = Self::problem(&told);
                    if told.status != StatusCode::SERVICE_UNAVAILABLE {
                        return Err(error);
                    }
                    (error, told.retry_after)
                }
                Err(Missing::Lost(error)) => (error, None),
                Err(Missing::Wrong(error)) => return Err(error),
            };
            let pause = after.unwrap_or(PAUSE * 2_u32.saturating_pow(tries - 1)).min(PAUSE_MAX);
            let late = since.elapsed() + pause > AGAIN_WITHIN;
            if !question.again || tries > AGAIN_MAX || late {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
        }
        Err(Error::failed("bug", "it was asked without an end"))
    }

    async fn once(&self, question: &Question<'_>) -> std::result::Result<Told, Missing> {
        let url = self.url(question).map_err(Missing::Wrong)?;
        let token = self.token.header().map_err(Missing::Wrong)?;
        let request = self.http.request(question.method.clone(), url);
        let request = request.headers(question.headers.clone()).header(AUTHORIZATION, token);
        let mut answer =
            request.body(question.body.clone()).send().await.map_err(|error| lost(&error))?;
        let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let etag = header(ETAG).map(str::to_owned);
        let retry_after = header(RETRY_AFTER).and_then(|value| value.parse().ok());
        let retry_after = retry_after.map(Duration::from_secs);
        let is_text = header(CONTENT_TYPE).is_some();
        let (status, mut body) = (answer.status(), Vec::new());
        while let Some(part) = answer.chunk().await.map_err(|error| lost(&error))? {
            if body.len().saturating_add(part.len()) > BODY_MAX {
                return Err(Missing::Wrong(too_long()));
            }
            body.extend_from_slice(&part);
        }
        if !is_text && !body.is_empty() {
            return Err(Missing::Wrong(unreadable("it does not say what it is")));
        }
        Ok(Told { status, etag, body, retry_after, token: self.token.clone() })
    }

    fn url(&self, question: &Question<'_>) -> Result<Url> {
        let mut url = self.root.clone();
        match url.path_segments_mut() {
            Ok(mut segments) => drop(segments.clear().extend(&question.path)),
            Err(()) => return Err(Error::failed("bug", "an address has no paths")),
        }
        if !question.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&question.query);
        }
        Ok(url)
    }

    /// What a problem document says, as the error that the same would be at the gateway itself.
    fn problem(told: &Told) -> Error {
        let document = told.json::<wire::ProblemDocument>().ok();
        let Some(document) = document.filter(|one| Code::new(&one.code).is_ok()) else {
            let status = told.status.as_u16();
            return unreadable(&format!("it has status {status} and does not say why"));
        };
        let kind = match told.status {
            StatusCode::CONFLICT
            | StatusCode::FORBIDDEN
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::PRECONDITION_FAILED => Kind::Refused,
            status if status.is_client_error() => Kind::Invalid,
            _ => Kind::Failed,
        };
        let place = |one: wire::Place| Problem {
            code: short(&one.code),
            at: short(&one.at),
            message: short(&one.detail),
            help: short(&one.help),
        };
        let problems = document.problems.into_iter().map(place).collect();
        Error::new(kind, &document.code, short(&document.detail))
            .help(short(&document.help))
            .problems(problems)
    }
}

/// A text of the gateway's without control characters and without the token.
fn bare(token: &Token, text: &str) -> String {
    let bare = |c: char| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c };
    token.hidden_in(&text.chars().map(bare).collect::<String>())
}

/// What is said of a mistake is not endless.
fn short(text: &str) -> String {
    text.chars().take(SAID_MAX).collect()
}

/// A failure of the connection; its own words may hold an address with everything in it.
fn lost(error: &reqwest::Error) -> Missing {
    let message = if error.is_timeout() {
        "the gateway does not answer in time"
    } else if error.is_connect() {
        "the gateway can't be reached"
    } else {
        "the connection to the gateway was lost"
    };
    Missing::Lost(
        Error::failed("gateway-unreachable", message)
            .help("the same again; what was asked for may have been done all the same"),
    )
}

/// An answer that is none.
pub(super) fn unreadable(why: &str) -> Error {
    Error::failed("gateway-answer", format!("the gateway's answer can't be read: {why}"))
        .help("the address of an Airlock gateway of this version")
}

fn too_long() -> Error {
    Error::failed("gateway-answer-long", "the gateway's answer is longer than is read")
        .help("a smaller page")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> Link {
        let root = Url::parse("http://127.0.0.1:1").unwrap();
        Link::new(root, Token::new("zqsentinel").unwrap()).unwrap()
    }

    fn told(status: u16, body: &str) -> Told {
        let (etag, retry_after) = (None, None);
        let status = StatusCode::from_u16(status).unwrap();
        let token = Token::new("zqsentinel").unwrap();
        Told { status, etag, body: body.as_bytes().to_vec(), retry_after, token }
    }

    #[test]
    fn a_problem_is_the_error_that_it_would_be_at_the_gateway() {
        let document = |code: &str, detail: &str| {
            serde_json::json!({"type": "/problems/x", "title": "x", "status": 409, "code": code,
                "detail": detail, "help": "another", "request_id": "r",
                "problems": [{"code": "c", "at": "a", "detail": "\u{1b}[31md zqsentinel"}]})
            .to_string()
        };
        for (status, kind) in [
            (409, Kind::Refused),
            (403, Kind::Refused),
            (429, Kind::Refused),
            (412, Kind::Refused),
            (400, Kind::Invalid),
            (401, Kind::Invalid),
            (404, Kind::Invalid),
            (422, Kind::Invalid),
            (428, Kind::Invalid),
            (500, Kind::Failed),
            (503, Kind::Failed),
        ] {
            let error = Link::problem(&told(status, &document("cap-spent", "spent zqsentinel")));
            assert_eq!((error.kind, error.code.as_str()), (kind, "cap-spent"), "{status}");
            assert_eq!((error.message.as_str(), error.help.as_str()), ("spent …", "another"));
            assert_eq!(error.problems[0].message, "\u{fffd}[31md …");
        }
        for (status, body) in [
            (409, "not found"),
            (302, ""),
            (500, "{}"),
            (409, &document("no code", "x")),
            (409, &document("zqsentinel\n", "x")),
        ] {
            let error = Link::problem(&told(status, body));
            assert_eq!((error.kind, error.code.as_str()), (Kind::Failed, "gateway-answer"));
            assert!(!error.to_string().contains("zqsentinel"));
        }
    }

    #[test]
    fn a_name_is_one_part_of_a_path() {
        let question = Question::get(&["v1", "collaborations", "../x?y#z"], &[("a", "b&c".into())]);
        let url = link().url(&question).unwrap();
        assert_eq!(url.path(), "/v1/collaborations/..%2Fx%3Fy%23z");
        assert_eq!(url.query(), Some("a=b%26c"));
    }

    #[test]
    fn every_change_has_a_key_of_its_own() {
        let key = || {
            let question = Question::change(&["x"]).unwrap();
            let key = question.headers["idempotency-key"].to_str().unwrap().to_owned();
            assert!((16..=128).contains(&key.len()), "{key}");
            key
        };
        assert_ne!(key(), key());
    }
}
