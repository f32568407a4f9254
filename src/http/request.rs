//! What holds of every request: its name, the name under which the gateway is asked, and how an answer leaves. Whatever a handler does, a
//! panic included, what leaves is an answer of ours. Must not know what is asked.

use super::problem::{Own, Problem};
use super::{console, delta};
use crate::metrics::{Event, Metrics};
use crate::traces;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt as _;
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;
use tracing::Instrument as _;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

const REQUEST_ID: HeaderName = HeaderName::from_static("airlock-request-id");
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// An answer that says what is wrong in words of another specification.
#[derive(Debug, Clone, Copy)]
pub(super) struct AsIs;

/// The names under which a gateway is asked, in lower case.
#[derive(Debug, Clone, Default)]
struct Hosts(Arc<BTreeSet<String>>);

impl Hosts {
    /// Whether a request is meant for this gateway: a page of somebody else's name is not, wherever that name leads.
    fn know(&self, target: &Uri, headers: &HeaderMap) -> bool {
        // What the target itself names goes before the header (RFC 9112, section 3.2.2); here both have to be good.
        if target.authority().is_some_and(|named| !self.has(named.as_str())) {
            return false;
        }
        let mut named = headers.get_all(HOST).iter();
        let (Some(host), None) = (named.next().and_then(|host| host.to_str().ok()), named.next())
        else {
            return false;
        };
        self.has(host)
    }

    fn has(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            Some(_) | None => host,
        };
        self.0.contains(&name.to_ascii_lowercase())
    }
}

/// What holds of every request: for whom it has to be, and where it is counted.
#[derive(Debug, Clone)]
pub(super) struct Entrance {
    hosts: Hosts,
    metrics: Arc<Metrics>,
}

impl Entrance {
    /// Names in lower case.
    pub(super) fn new(hosts: BTreeSet<String>, metrics: Arc<Metrics>) -> Self {
        Self { hosts: Hosts(Arc::new(hosts)), metrics }
    }
}

/// Names a request, answers it, counts it, and writes down what is wrong with it. Whatever is written down while it is answered has its name.
pub(super) async fn answered(
    State(entrance): State<Entrance>,
    request: Request,
    next: Next,
) -> Response {
    let (id, since) = (given(request.headers()).unwrap_or_else(made), Instant::now());
    let (method, route) = (request.method().clone(), matched(&request));
    // Of the highest level, so that it is there whatever is written down.
    let status = tracing::field::Empty;
    let span = tracing::error_span!("request", id, %method, route, status);
    if let Some(context) = traces::continued(request.headers()) {
        drop(span.set_parent(context));
    }
    let response = within(&entrance.hosts, request, next, &id).instrument(span.clone()).await;
    let (method, status) = (method.as_str(), response.status().as_u16());
    span.record("status", status);
    let took = since.elapsed();
    entrance.metrics.told(Event::Answered { route: &route, method, status, took });
    response
}

async fn within(hosts: &Hosts, request: Request, next: Next, id: &str) -> Response {
    let page = Some(request.uri().path().to_owned()).filter(|path| console::is_console(path));
    let is_delta = delta::is_delta(request.uri().path());
    let answer = async {
        if !hosts.know(request.uri(), request.headers()) {
            return Own::HostUnknown.into_response();
        }
        next.run(request).await
    };
    let answer = AssertUnwindSafe(answer).catch_unwind().await;
    let mut response = answer.unwrap_or_else(|_| Own::Bug.into_response());
    let status = response.status();
    if let Some(problem) = problem_of(&mut response) {
        if let Some(told) = problem.for_operators() {
            tracing::warn!(status = status.as_u16(), "{told}");
        }
        response = match &page {
            Some(page) => console::written(&problem, (id, page), &response),
            None if is_delta => delta::written(&problem, id, &response),
            None => written(&problem, id, &response),
        };
    }
    tracing::debug!(status = status.as_u16());
    let headers = response.headers_mut();
    if page.is_some() {
        console::sealed(headers);
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// The path without what stands in it: names are not for a log.
fn matched(request: &Request) -> String {
    let matched = request.extensions().get::<axum::extract::MatchedPath>();
    matched.map_or_else(|| "-".to_owned(), |path| path.as_str().to_owned())
}

/// What was wrong, where something was.
fn problem_of(response: &mut Response) -> Option<Problem> {
    if response.extensions_mut().remove::<AsIs>().is_some() {
        return None;
    }
    let ours = response.extensions_mut().remove::<Problem>();
    let status = response.status();
    ours.or_else(|| {
        let wrong = status.is_client_error() || status.is_server_error();
        wrong.then(|| Problem::of_status(status))
    })
}

/// The document, with the headers that the answer had.
fn written(problem: &Problem, id: &str, response: &Response) -> Response {
    let document = serde_json::to_string(&problem.document(id)).unwrap_or_default();
    let mut whole = (problem.status, document).into_response();
    let headers = whole.headers_mut();
    for (name, value) in response.headers() {
        if name != axum::http::header::CONTENT_LENGTH && name != CONTENT_TYPE {
            headers.append(name, value.clone());
        }
    }
    headers.insert(CONTENT_TYPE, PROBLEM_JSON);
    if let Some(seconds) = problem.retry_after_s {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    whole
}

/// The name that the caller gave, where it is a UUID.
fn given(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(REQUEST_ID)?.to_str().ok()?;
    let at = |n: usize, b: u8| {
        if matches!(n, 8 | 13 | 18 | 23) { b == b'-' } else { b.is_ascii_hexdigit() }
    };
    let is = text.len() == 36 && text.bytes().enumerate().all(|(n, b)| at(n, b));
    is.then(|| text.to_ascii_lowercase())
}

/// A name of our own: a random UUID (RFC 9562, version 4).
fn made() -> String {
    let mut bytes = [0_u8; 16];
    // Without randomness it names nothing, and is still an answer.
    let _ = getrandom::fill(&mut bytes);
    let mut value = u128::from_be_bytes(bytes);
    value = (value & !(0xf << 76)) | (0x4 << 76);
    value = (value & !(0x3 << 62)) | (0x2 << 62);
    let hex = format!("{value:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &'static str, value: &'static str) -> HeaderMap {
        let name = HeaderName::from_static(name);
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn a_request_has_the_name_that_the_caller_gave_or_one_of_ours() {
        let name = "0198f0ba-8f0e-7cc3-8f3e-0123456789AB";
        assert_eq!(given(&of("airlock-request-id", name)), Some(name.to_ascii_lowercase()));
        for no in [
            "",
            "zqsentinel",
            "0198f0ba-8f0e-7cc3-8f3e-0123456789a",
            "0198f0ba-8f0e-7cc3-8f3e-0123456789a\tb",
        ] {
            assert_eq!(given(&of("airlock-request-id", no)), None, "{no}");
        }
        let one = made();
        assert_eq!(
            given(&HeaderMap::from_iter([(REQUEST_ID, one.parse().unwrap())])),
            Some(one.clone())
        );
        assert!(one.as_bytes()[14] == b'4' && one != made());
    }

    #[test]
    fn only_what_is_meant_for_this_gateway_is_answered() {
        let hosts = ["localhost", "127.0.0.1", "[::1]", "airlock.example.org"];
        let hosts = Hosts(Arc::new(hosts.map(str::to_owned).into()));
        let here = Uri::from_static("/healthz");
        for good in [
            "localhost",
            "localhost:8470",
            "127.0.0.1:1",
            "[::1]:8470",
            "Airlock.Example.org",
            "airlock.example.org:443",
        ] {
            assert!(hosts.know(&here, &of("host", good)), "{good}");
        }
        for bad in [
            "",
            "evil.example.org",
            "airlock.example.org.evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil:80",
            "localhost:x",
            "user@localhost",
        ] {
            assert!(!hosts.know(&here, &of("host", bad)), "{bad}");
        }
        let mut two = of("host", "localhost");
        two.append(HOST, HeaderValue::from_static("localhost"));
        assert!(!hosts.know(&here, &two) && !hosts.know(&here, &HeaderMap::new()));
        // A target that names somebody else is meant for them, whatever the header says.
        let (own, other) =
            (Uri::from_static("http://localhost/"), Uri::from_static("http://evil.example/"));
        assert!(hosts.know(&own, &of("host", "localhost")));
        assert!(!hosts.know(&other, &of("host", "localhost")));
        assert!(!hosts.know(&own, &of("host", "evil.example")));
    }
}
