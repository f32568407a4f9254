//! Who calls: the token that a request shows, and how much its member has under way. Nothing under `/v1` is reached without. Must not know what a
//! caller may do.

use super::Gateway;
use super::problem::Own;
use crate::access::Caller;
use crate::tokens::Refused;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The caller of a request.
#[derive(Debug, Clone)]
pub(super) struct Who(pub(super) Caller);

impl<S: Sync> FromRequestParts<S> for Who {
    type Rejection = Own;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Own> {
        // A path that asks for a caller and stands outside `known` is a bug, and reached by nobody.
        parts.extensions.get::<Self>().cloned().ok_or(Own::TokenMissing)
    }
}

/// Lets in who shows a good token.
pub(super) async fn known(
    State(gateway): State<Gateway>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = match shown(request.headers()).map(str::to_owned) {
        Ok(token) => gateway.verifier.verify_soon(&token).await.map_err(|refused| {
            tracing::debug!(code = refused.code(), "a token is refused");
            if refused == Refused::NoRole { Own::RoleMissing } else { Own::TokenInvalid }
        }),
        Err(own) => Err(own),
    };
    match caller {
        Ok(caller) => match gateway.ordinary.take_for(&caller, &request) {
            Ok(_share) => {
                request.extensions_mut().insert(Who(caller));
                next.run(request).await
            }
            Err(own) => own.into_response(),
        },
        Err(own) => {
            let mut response = own.into_response();
            let asked = HeaderValue::from_static("Bearer realm=\"airlock\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, asked);
            response
        }
    }
}

/// The one bearer token of a request (RFC 6750, section 2.1).
pub(super) fn shown(headers: &HeaderMap) -> Result<&str, Own> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (first, second) = (all.next().ok_or(Own::TokenMissing)?, all.next());
    let text = first.to_str().map_err(|_| Own::TokenInvalid)?;
    let (scheme, token) = text.split_once(' ').ok_or(Own::TokenInvalid)?;
    let good = scheme.eq_ignore_ascii_case("bearer") && second.is_none();
    if good { Ok(token) } else { Err(Own::TokenInvalid) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bearer_token_is_shown() {
        let of = |all: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for one in all {
                headers.append(AUTHORIZATION, HeaderValue::from_static(one));
            }
            shown(&headers).map(str::to_owned)
        };
        assert_eq!(of(&["Bearer a.b.c"]).as_deref(), Ok("a.b.c"));
        assert_eq!(of(&["bearer a.b.c"]).as_deref(), Ok("a.b.c"));
        assert_eq!(of(&[]), Err(Own::TokenMissing));
        for bad in [
            &["Bearer"][..],
            &["Basic a.b.c"],
            &["Bearer a", "Bearer a"],
            &["Bearer a", "Basic b"],
            &[""],
        ] {
            assert_eq!(of(bad), Err(Own::TokenInvalid), "{bad:?}");
        }
        assert_eq!(of(&["Bearer  a"]).as_deref(), Ok(" a"), "which no token is");
    }
}
