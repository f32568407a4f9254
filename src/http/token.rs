//! Where a program gets an access token for what it signed (RFC 6749, section 4.4, with RFC 7523), and the key by which others know such tokens. Its
//! mistakes are told as RFC 6749 says, and alike whoever made them: which part of a proof is wrong stands in this gateway's own log. Must not know what is
//! looked at of a proof, nor what a role may do.

use super::Gateway;
use super::body::whole;
use super::problem::{Own, Problem};
use super::request::AsIs;
use super::said::is;
use crate::access::Role;
use crate::tokens::Proven;
use crate::wire::{KeySet, TokenAsked, TokenGiven, TokenRefused};
use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, PRAGMA};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use std::collections::{BTreeMap, BTreeSet};

/// The longest form.
const FORM_MAX: usize = 32 * 1_024;
const URL_ENCODED: &str = "application/x-www-form-urlencoded";
const GRANT: &str = "client_credentials";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The key changes with its file only.
const FOR_TEN_MINUTES: HeaderValue = HeaderValue::from_static("public, max-age=600");

/// Why there is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Request,
    Repeated,
    TwoWays,
    Client,
    Grant,
    Scope,
}

impl Why {
    const fn told(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Request => (
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "grant_type, client_assertion_type and client_assertion are said; what is signed is for whoever sends it",
            ),
            Self::Repeated => {
                (StatusCode::BAD_REQUEST, "invalid_request", "a field is there twice")
            }
            Self::TwoWays => (
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "a client proves who it is by client_assertion alone",
            ),
            Self::Client => (
                StatusCode::UNAUTHORIZED,
                "invalid_client",
                "the client is not known here by what it signed, or has shown it before",
            ),
            Self::Grant => (
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                "client_credentials, with a client_assertion of jwt-bearer",
            ),
            Self::Scope => {
                (StatusCode::BAD_REQUEST, "invalid_scope", "roles that the client has, each once")
            }
        }
    }
}

impl IntoResponse for Why {
    fn into_response(self) -> Response {
        let (status, error, description) = self.told();
        let (error, error_description) = (error.to_owned(), description.to_owned());
        let mut response =
            (status, Json(TokenRefused { error, error_description })).into_response();
        response.extensions_mut().insert(AsIs);
        sealed(response)
    }
}

/// Nothing that is said here is kept by anybody on the way.
fn sealed(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// An access token for a client of this gateway.
#[utoipa::path(post, path = "/v1/token", tag = "tokens", operation_id = "token", security(()),
    request_body(content = TokenAsked, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "A token, for five minutes.", body = TokenGiven),
        (status = 400, description = "What is asked can't be read, or is not given here.", body = TokenRefused),
        (status = 401, description = "The client is not known here by what it signed, or has shown it before.", body = TokenRefused),
        (status = 413, description = "The form is too long.", body = crate::wire::ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "It is no form.", body = crate::wire::ProblemDocument, content_type = "application/problem+json"),
        (status = 421, description = "This gateway is not known by the name under which it was asked.", body = crate::wire::ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "The client asks too fast, or too many requests are under way.", body = crate::wire::ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed at it; its own log says why.", body = crate::wire::ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "It can't be recorded now that it was shown.", body = crate::wire::ProblemDocument, content_type = "application/problem+json"),
    ))]
pub(super) async fn token(State(gateway): State<Gateway>, request: Request) -> Response {
    match given(&gateway, request).await {
        Ok(given) => sealed(Json(given).into_response()),
        Err(Not::Told(why)) => why.into_response(),
        Err(Not::Problem(problem)) => sealed(problem.into_response()),
    }
}

/// Why there is no token, in the words of either specification.
enum Not {
    Told(Why),
    Problem(Box<Problem>),
}

impl From<Why> for Not {
    fn from(why: Why) -> Self {
        Self::Told(why)
    }
}

impl From<Own> for Not {
    fn from(own: Own) -> Self {
        Self::Problem(Box::new(own.into()))
    }
}

impl From<crate::error::Error> for Not {
    fn from(error: crate::error::Error) -> Self {
        Self::Problem(Box::new(error.into()))
    }
}

async fn given(gateway: &Gateway, request: Request) -> Result<TokenGiven, Not> {
    let (head, body) = request.into_parts();
    let asked = asked(&head.headers, body).await?;
    let clock = gateway.verifier.clock();
    let proven = gateway.verifier.proven_soon(&asked.client_assertion).await;
    let proven = proven.map_err(|refused| {
        tracing::debug!(code = refused.code(), "what a client signed is refused");
        Why::Client
    })?;
    if asked.client_id.as_deref().is_some_and(|name| name != proven.name()) {
        return Err(Why::Request.into());
    }
    let roles = roles(&proven, asked.scope.as_deref())?;
    if !proven.turn(clock.steady_ms()) {
        return Err(Own::TooManyRequests.into());
    }
    // On record before there is a token: where it can't be, there is none.
    if !gateway.app.spend(&proven.scope).await? {
        tracing::debug!(code = "assertion-repeated", "what a client signed was shown before");
        return Err(Why::Client.into());
    }
    let now_ms = clock.now_ms();
    let minted = gateway.verifier.clients().mint(&proven, &roles, now_ms)?;
    let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
    Ok(TokenGiven {
        access_token: minted.token,
        token_type: "Bearer".to_owned(),
        expires_in: minted.expires_s - now_ms.div_euclid(1_000),
        scope: names.join(" "),
    })
}

/// What is asked, if it is asked in one way.
async fn asked(headers: &HeaderMap, body: Body) -> Result<TokenAsked, Not> {
    is(headers, &[URL_ENCODED])?;
    let body = whole(body, FORM_MAX).await.map_err(Own::from)?;
    let mut fields = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(&body) {
        if fields.insert(name.into_owned(), value.into_owned()).is_some() {
            return Err(Why::Repeated.into());
        }
    }
    if headers.contains_key(AUTHORIZATION) || fields.contains_key("client_secret") {
        return Err(Why::TwoWays.into());
    }
    let mut field = |name: &str| fields.remove(name).filter(|value| !value.is_empty());
    let grant_type = field("grant_type").ok_or(Why::Request)?;
    if grant_type != GRANT {
        return Err(Why::Grant.into());
    }
    let client_assertion_type = field("client_assertion_type").ok_or(Why::Request)?;
    if client_assertion_type != ASSERTION {
        return Err(Why::Request.into());
    }
    let client_assertion = field("client_assertion").ok_or(Why::Request)?;
    let (client_id, scope) = (field("client_id"), field("scope"));
    Ok(TokenAsked { grant_type, client_assertion_type, client_assertion, client_id, scope })
}

/// The roles of a token: those of the client, or fewer where it asks for fewer.
fn roles(proven: &Proven<'_>, scope: Option<&str>) -> Result<BTreeSet<Role>, Why> {
    let Some(scope) = scope else { return Ok(proven.roles().clone()) };
    let mut roles = BTreeSet::new();
    for name in scope.split(' ') {
        let role = name.parse().map_err(|_| Why::Scope)?;
        if !proven.roles().contains(&role) || !roles.insert(role) {
            return Err(Why::Scope);
        }
    }
    Ok(roles)
}

/// The public key of the tokens that this gateway gives to its clients; none where it has no clients.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "tokens", operation_id = "key-set", security(()),
    responses(
        (status = 200, description = "A JSON Web Key Set.", body = KeySet),
        (status = 421, description = "This gateway is not known by the name under which it was asked.", body = crate::wire::ProblemDocument, content_type = "application/problem+json"),
    ))]
pub(super) async fn key_set(State(gateway): State<Gateway>) -> Response {
    let keys = Json(gateway.verifier.clients().key_set());
    ([(CACHE_CONTROL, FOR_TEN_MINUTES)], keys).into_response()
}
