//! `POST /wake`: whoever knows the secret asks for an earlier look. The answer says whether the message was taken, and never whether what it
//! names exists. Must not know what is looked at.

use super::message::triggers;
use super::signature::Secret;
use super::visitor::Door;
use crate::app::Inbox;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::http::body::{Unread, whole};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

/// The longest body that is read.
pub(super) const BODY_MAX: usize = 64 * 1_024;
const SIGNATURE: &str = "airlock-signature";

/// Who is asked.
#[derive(Debug)]
pub(super) struct Webhook {
    pub(super) secret: Secret,
    pub(super) inbox: Arc<Inbox>,
    pub(super) clock: Arc<dyn Clock>,
}

/// The same, at a place.
#[derive(Debug)]
pub(super) struct Bound {
    webhook: Webhook,
    listener: TcpListener,
}

/// Why a message is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    Unsigned,
    NotATrigger,
    TooLarge,
    Unread,
    Full,
    NoSuchPath,
    NoSuchMethod,
}

impl Refused {
    const fn told(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Unsigned => (
                StatusCode::UNAUTHORIZED,
                "signature-invalid",
                "Airlock-Signature: t=UNIX_SECONDS,v1=HEX of hmac-sha256(secret, t + \".\" + body), of the last five minutes",
            ),
            Self::NotATrigger => (
                StatusCode::BAD_REQUEST,
                "trigger-invalid",
                "{\"collaboration\": \"NAME\"}, perhaps with a \"room\", or an EventBridge event of aws.cleanrooms",
            ),
            Self::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "a body has 64 KiB at most")
            }
            Self::Unread => (StatusCode::BAD_REQUEST, "body-unread", "the body ended too early"),
            Self::Full => (
                StatusCode::SERVICE_UNAVAILABLE,
                "triggers-full",
                "too many different names at once; again in a second",
            ),
            Self::NoSuchPath => (StatusCode::NOT_FOUND, "path-unknown", "POST /wake"),
            Self::NoSuchMethod => (StatusCode::METHOD_NOT_ALLOWED, "method-unknown", "POST /wake"),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, code, detail) = self.told();
        let title = status.canonical_reason().unwrap_or_default();
        let problem = serde_json::json!({
            "type": format!("urn:airlock:error:{code}"), "title": title, "status": status.as_u16(), "code": code, "detail": detail,
        });
        let mut response = (status, problem.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        if self == Self::Full {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl Webhook {
    /// Takes the place; one that is taken is an error.
    pub(super) async fn at(self, place: SocketAddr) -> Result<Bound> {
        let listener = TcpListener::bind(place).await.map_err(|error| {
            let message = format!("the webhook can't listen at {place}: {}", error.kind());
            Error::failed("webhook-unbound", message)
                .help("another port in [triggers.webhook], or whoever has it ended")
        })?;
        Ok(Bound { webhook: self, listener })
    }

    async fn take_in(&self, request: Request) -> Result<(), Refused> {
        let (head, body) = request.into_parts();
        let body = whole(body, BODY_MAX).await.map_err(|unread| match unread {
            Unread::TooLong => Refused::TooLarge,
            Unread::Cut => Refused::Unread,
        })?;
        let signature = only(&head.headers).ok_or(Refused::Unsigned)?;
        if !self.secret.signs(signature, &body, self.clock.now_ms()) {
            return Err(Refused::Unsigned);
        }
        let triggers = triggers(&body).map_err(|_| Refused::NotATrigger)?;
        self.inbox.take_in(triggers).map_err(|_| Refused::Full)
    }
}

impl Bound {
    #[cfg(test)]
    pub(super) fn place(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// Answers for as long as it is not dropped.
    pub(super) async fn serve(self) {
        let router = Router::new()
            .route("/wake", post(wake))
            .fallback(|| async { Refused::NoSuchPath })
            .method_not_allowed_fallback(|| async { Refused::NoSuchMethod })
            .with_state(Arc::new(self.webhook));
        if axum::serve(Door::new(self.listener), router).await.is_err() {
            tracing::warn!(code = "webhook-ended", "the webhook ended; polling goes on");
        }
    }
}

async fn wake(State(webhook): State<Arc<Webhook>>, request: Request) -> Response {
    match webhook.take_in(request).await {
        Ok(()) => (StatusCode::ACCEPTED, [(CONNECTION, "close")]).into_response(),
        Err(refused) => refused.into_response(),
    }
}

/// The signature's header, of which there is one.
fn only(headers: &HeaderMap) -> Option<&str> {
    let mut found = headers.get_all(SIGNATURE).iter();
    let first = found.next()?.to_str().ok()?;
    found.next().is_none().then_some(first)
}
