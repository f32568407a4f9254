//! A URL is asked: so many at a time, each within so long, for an answer of so many bytes, from an address that was looked at. Must not know what for.

use super::names::{Machine, Names};
use super::policy::Policy;
use super::refused::Refused;
use super::target::Target;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Method, Response, StatusCode};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use url::form_urlencoded::{Serializer, byte_serialize};

/// What one purpose may have of the network. Each purpose has its own, so that none waits for another's.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// URLs that are asked at a time.
    pub at_once: usize,
    /// Until a connection stands.
    pub connect: Duration,
    /// Until the answer is there whole.
    pub total: Duration,
    /// The longest answer, in bytes.
    pub answer_max: usize,
}

/// Whoever asks for one purpose.
#[derive(Debug)]
pub struct Egress {
    sealed: Client,
    /// Without TLS, where the policy has that.
    plain: Client,
    policy: Arc<Policy>,
    places: Semaphore,
    limits: Limits,
}

/// What was answered. It is not shown by accident.
pub struct Answer {
    /// Of HTTP.
    pub status: StatusCode,
    headers: HeaderMap,
    /// All of it.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header that is there once, and plain.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.get_all(name).iter();
        let (first, second) = (all.next()?, all.next());
        if second.is_some() { None } else { first.to_str().ok() }
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Egress {
    /// Asks what the policy allows, within these limits.
    pub fn new(policy: Arc<Policy>, limits: Limits) -> Result<Self, Refused> {
        Self::with(policy, limits, Arc::new(Machine::default()))
    }

    pub(super) fn with(
        policy: Arc<Policy>,
        limits: Limits,
        names: Arc<dyn Names>,
    ) -> Result<Self, Refused> {
        let guarded = Guarded { policy: Arc::clone(&policy), names, is_plain: false };
        let sealed = client(guarded.clone(), limits)?;
        let plain = if policy.is_plain() {
            client(Guarded { is_plain: true, ..guarded }, limits)?
        } else {
            sealed.clone()
        };
        Ok(Self { sealed, plain, policy, places: Semaphore::new(limits.at_once), limits })
    }

    /// What of a URL may be asked.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Asks for what lies at a URL.
    pub async fn get(&self, target: &Target, accept: &'static str) -> Result<Answer, Refused> {
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
        self.ask(Method::GET, target, (headers, Vec::new())).await
    }

    /// Puts something to a URL, with headers that say what it is.
    pub async fn post(
        &self,
        target: &Target,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Answer, Refused> {
        self.ask(Method::POST, target, (headers, body)).await
    }

    /// Puts a form to a URL that answers in JSON, in the name of a client and under its secret where one is given (RFC 6749, section 2.3.1).
    pub async fn form(
        &self,
        target: &Target,
        fields: &[(&str, &str)],
        client: Option<(&str, &str)>,
    ) -> Result<Answer, Refused> {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let json = HeaderValue::from_static("application/json");
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, form), (ACCEPT, json)]);
        if let Some((name, secret)) = client {
            let part = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let both = STANDARD.encode(format!("{}:{}", part(name), part(secret)));
            let basic = HeaderValue::from_str(&format!("Basic {both}"));
            let mut basic = basic.map_err(|_| Refused::Unreachable)?;
            basic.set_sensitive(true);
            headers.insert(AUTHORIZATION, basic);
        }
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        self.post(target, headers, body.into_bytes()).await
    }

    async fn ask(
        &self,
        method: Method,
        target: &Target,
        (headers, body): (HeaderMap, Vec<u8>),
    ) -> Result<Answer, Refused> {
        let place = tokio::time::timeout(self.limits.connect, self.places.acquire()).await;
        let Ok(Ok(_place)) = place else { return Err(Refused::Busy) };
        // Again: a target was made when the policy may have been another.
        let url = target.url();
        self.policy.target(url.as_str())?;
        let http = if target.is_plain() { &self.plain } else { &self.sealed };
        let asked = http.request(method, url).headers(headers).body(body);
        let answered = async {
            let response = asked.send().await.map_err(|error| lost(&error))?;
            self.read(target, response).await
        };
        tokio::time::timeout(self.limits.total, answered).await.unwrap_or(Err(Refused::Late))
    }

    async fn read(&self, target: &Target, mut response: Response) -> Result<Answer, Refused> {
        let max = self.limits.answer_max;
        if response.remote_addr().is_some_and(|peer| !self.policy.answers(target, peer.ip())) {
            return Err(Refused::Inside);
        }
        if response.status().is_redirection() {
            return Err(Refused::Redirect);
        }
        let is_long = |len: u64| usize::try_from(len).map_or(true, |len| len > max);
        if response.content_length().is_some_and(is_long) {
            return Err(Refused::Long);
        }
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| lost(&error))? {
            if body.len() + piece.len() > max {
                return Err(Refused::Long);
            }
            body.extend_from_slice(&piece);
        }
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        Ok(Answer { status, headers, body })
    }
}

fn client(guarded: Guarded, limits: Limits) -> Result<Client, Refused> {
    let http = Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .http1_only()
        .https_only(!guarded.is_plain)
        // A connection that stays would outlive the look at where its name leads.
        .pool_max_idle_per_host(0)
        .dns_resolver(Arc::new(guarded))
        .connect_timeout(limits.connect)
        .timeout(limits.total)
        .user_agent(concat!("airlock/", env!("CARGO_PKG_VERSION")));
    http.build().map_err(|_| Refused::Unreachable)
}

/// A failure of the connection; its own words may hold an address with everything in it.
fn lost(error: &reqwest::Error) -> Refused {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(refused) = inner.downcast_ref::<Refused>() {
            return *refused;
        }
        cause = inner.source();
    }
    if error.is_timeout() { Refused::Late } else { Refused::Unreachable }
}

/// Names as far as they may be connected to: what is looked at is what is connected to.
#[derive(Debug, Clone)]
struct Guarded {
    policy: Arc<Policy>,
    names: Arc<dyn Names>,
    is_plain: bool,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { policy, names, is_plain } = self.clone();
        Box::pin(async move {
            let name = name.as_str();
            // Nobody is asked about a name that leads inside.
            let found = match policy.pinned(name, &[], is_plain) {
                Err(Refused::Unresolved) => names.addresses(name.to_owned()).await,
                Ok(here) => here,
                Err(refused) => return Err(refused.into()),
            };
            let pinned = policy.pinned(name, &found, is_plain)?;
            let pinned = pinned.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(pinned) as Addrs)
        })
    }
}
