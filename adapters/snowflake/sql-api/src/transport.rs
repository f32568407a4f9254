//! One request, one answer: headers, tokens, limits. Follows nothing that an answer names. Must not know what an answer means.

use crate::address::Address;
use crate::answer::Reply;
use crate::backoff::Backoff;
use crate::error::{Error, ErrorKind, Fate, Fault, Invalid, Result};
use crate::gzip::unpacked;
use crate::handle::Handle;
use crate::http_date;
use crate::request_id::RequestId;
use crate::settings::Settings;
use crate::tokens::{Clock, Renewal, Token, Tokens};
use bytes::Bytes;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap,
    HeaderName, HeaderValue, RETRY_AFTER,
};
use reqwest::{Client, Method, Response, Url};
use std::sync::Arc;
use std::time::Duration;

const TOKEN_TYPE: HeaderName = HeaderName::from_static("x-snowflake-authorization-token-type");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// What is larger is unpacked and read beside the threads that answer others.
const INLINE_MAX: usize = 64 * 1024;
/// A connection that nobody used for this long may be closed at its other end.
const IDLE: Duration = Duration::from_secs(30);
/// Longer waits than this that an answer asks for are the caller's to wait.
const RETRY_AFTER_S_MAX: u64 = 86_400;

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    Submit { request: RequestId, asynchronous: bool, retry: bool, document: Document },
    Poll(Handle),
    Partition(Handle, usize),
    Cancel(Handle),
}

/// A statement's document, which is not shown.
#[derive(Clone)]
pub(crate) struct Document(pub(crate) Bytes);

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Document({})", self.0.len())
    }
}

/// How the API is reached.
pub(crate) struct Transport {
    http: Client,
    pub(crate) address: Address,
    tokens: Arc<dyn Tokens>,
    clock: Clock,
    pub(crate) settings: Settings,
}

impl Transport {
    pub(crate) fn new(
        address: Address,
        tokens: Arc<dyn Tokens>,
        clock: Clock,
        settings: Settings,
    ) -> Result<Self> {
        let agent = settings.user_agent.as_str();
        let is_agent = agent.contains('/') && agent.bytes().all(|b| (b' '..=b'~').contains(&b));
        if !is_agent || agent.len() > 255 {
            return Err(Error::invalid(Invalid::UserAgent));
        }
        let mut http = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .http1_only()
            .https_only(address.is_https())
            .connect_timeout(settings.limits.connect)
            .pool_idle_timeout(IDLE)
            .user_agent(agent);
        if let Some(proxy) = &settings.proxy {
            let proxy = reqwest::Proxy::all(proxy.as_str());
            http = http.proxy(proxy.map_err(|_| Error::invalid(Invalid::Proxy))?);
        }
        let http = http.build().map_err(|_| Error::new(ErrorKind::Internal, Fate::NotStarted))?;
        Ok(Self { http, address, tokens, clock, settings })
    }

    /// Asks once; with a new token once more where the first was refused.
    async fn ask(&self, ask: &Ask) -> Result<Reply> {
        let reply = self.once(ask, Renewal::WhenDue).await?;
        if reply.status == 401 { self.once(ask, Renewal::Now).await } else { Ok(reply) }
    }

    /// Asks, and reads the answer; a long one beside the threads that answer others.
    pub(crate) async fn told<T: Send + 'static>(
        &self,
        ask: &Ask,
        read: impl FnOnce(&Reply) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let reply = self.ask(ask).await?;
        blocking(reply.body.len(), move || read(&reply)).await
    }

    /// Asks until there is an answer that will do, or none that is passing.
    pub(crate) async fn asked<T: Send + 'static>(
        &self,
        ask: &Ask,
        read: impl Fn(&Reply) -> Result<T> + Clone + Send + 'static,
    ) -> Result<T> {
        let mut backoff = Backoff::new(self.settings.retrying);
        let mut tries = 1;
        loop {
            let error = match self.told(ask, read.clone()).await {
                Ok(found) => return Ok(found),
                Err(error) => error,
            };
            let Some(wait) = self.again(&error, tries, &mut backoff) else { return Err(error) };
            tokio::time::sleep(wait).await;
            tries += 1;
        }
    }

    /// How long to wait before the same is sent again, if it is.
    pub(crate) fn again(
        &self,
        error: &Error,
        tries: u32,
        backoff: &mut Backoff,
    ) -> Option<Duration> {
        if !error.is_passing() || tries >= self.settings.tries_max {
            return None;
        }
        let asked = error.retry_after().unwrap_or_default();
        (asked <= self.settings.retrying.most).then(|| backoff.wait().max(asked))
    }

    async fn token(&self, renewal: Renewal) -> Result<Token> {
        let none = || Error::new(ErrorKind::TokenUnavailable, Fate::NotStarted);
        let fetched = self.tokens.token(renewal);
        let fetched = tokio::time::timeout(self.settings.limits.answer, fetched).await;
        fetched.map_err(|_| none())?.map_err(|_| none())
    }

    fn parts(&self, ask: &Ask) -> Result<(Method, Url, Option<Bytes>)> {
        Ok(match ask {
            Ask::Submit { request, asynchronous, retry, document } => {
                let url = self.address.submit(*request, *asynchronous, *retry)?;
                (Method::POST, url, Some(document.0.clone()))
            }
            Ask::Poll(handle) => (Method::GET, self.address.poll(handle, None)?, None),
            Ask::Partition(handle, number) => {
                (Method::GET, self.address.poll(handle, Some(*number))?, None)
            }
            Ask::Cancel(handle) => (Method::POST, self.address.cancel(handle)?, Some(Bytes::new())),
        })
    }

    async fn once(&self, ask: &Ask, renewal: Renewal) -> Result<Reply> {
        let token = self.token(renewal).await?;
        let (method, url, body) = self.parts(ask)?;
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, token.header()?);
        headers.insert(TOKEN_TYPE, HeaderValue::from_static(token.kind().header()));
        headers.insert(ACCEPT, JSON);
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        let mut request = self.http.request(method, url).headers(headers);
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, JSON).body(body);
        }
        let answered = async {
            let response = request.send().await.map_err(|error| lost(&error))?;
            self.read(response).await
        };
        let late = || Error::new(ErrorKind::NoAnswer, Fate::Unknown);
        let answered = tokio::time::timeout(self.settings.limits.answer, answered).await;
        let answered = answered.unwrap_or_else(|_| Err(late()));
        match &answered {
            Ok(reply) => tracing::debug!(status = reply.status, "Snowflake answered"),
            Err(error) => tracing::debug!(code = error.code(), "Snowflake did not answer"),
        }
        answered
    }

    async fn read(&self, mut response: Response) -> Result<Reply> {
        let max = self.settings.limits.answer_bytes_max;
        let large = || Error::new(ErrorKind::TooLarge, Fate::Unknown);
        let is_long = |len: u64| usize::try_from(len).map_or(true, |len| len > max);
        if response.content_length().is_some_and(is_long) {
            return Err(large());
        }
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| lost(&error))? {
            if body.len() + piece.len() > max {
                return Err(large());
            }
            body.extend_from_slice(&piece);
        }
        let headers = response.headers();
        let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::to_owned);
        let encoding = text(CONTENT_ENCODING);
        let date = text(DATE).and_then(|date| http_date::seconds(&date));
        let (retry_after, skew_s) = (waits(text(RETRY_AFTER), date), self.skew_s(date));
        let status = response.status().as_u16();
        let unpack = move |body: Vec<u8>| unpacked(body, encoding.as_deref(), max);
        let body = blocking(body.len(), move || unpack(body)).await?;
        Ok(Reply { status, body, retry_after, skew_s })
    }

    fn skew_s(&self, date: Option<i64>) -> Option<u64> {
        Some((self.clock)().div_euclid(1_000).abs_diff(date?))
    }
}

/// What a header asks to wait: seconds, or until a date that is held against the answer's own.
fn waits(asked: Option<String>, date: Option<i64>) -> Option<Duration> {
    let asked = asked?;
    let seconds = if let Ok(seconds) = asked.trim().parse::<u64>() {
        seconds
    } else {
        let until = http_date::seconds(&asked)?.checked_sub(date?)?;
        u64::try_from(until).unwrap_or_default()
    };
    Some(Duration::from_secs(seconds.min(RETRY_AFTER_S_MAX)))
}

/// A failure of the connection. Its own words may hold an address.
fn lost(error: &reqwest::Error) -> Error {
    if error.is_connect() {
        Error::new(ErrorKind::Unreachable, Fate::NotStarted)
    } else if error.is_builder() {
        Error::new(ErrorKind::Internal, Fate::NotStarted)
    } else if error.is_body() || error.is_decode() {
        Error::protocol(Fault::Cut, Fate::Unknown)
    } else if error.is_timeout() {
        Error::new(ErrorKind::NoAnswer, Fate::Unknown)
    } else {
        Error::new(ErrorKind::Unreachable, Fate::Unknown)
    }
}

/// Work over so many bytes: much of it beside the threads that answer others.
pub(crate) async fn blocking<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    if bytes <= INLINE_MAX {
        return work();
    }
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, Fate::Unknown)))
}

#[cfg(test)]
mod tests {
    //! What an answer asks to wait.
    use super::*;

    #[test]
    fn waits_are_seconds_or_dates() {
        let date = http_date::seconds("Sun, 06 Nov 1994 08:49:37 GMT");
        let of = |text: &str| waits(Some(text.to_owned()), date).map(|wait| wait.as_secs());
        assert_eq!(of("7"), Some(7));
        assert_eq!(of("99999999999"), Some(86_400));
        assert_eq!(of("Sun, 06 Nov 1994 08:50:07 GMT"), Some(30));
        assert_eq!(of("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0), "it is past");
        assert_eq!(of("soon"), None);
        assert_eq!(waits(Some("Sun, 06 Nov 1994 08:50:07 GMT".to_owned()), None), None);
    }
}
