//! How much is done at a time, and for how long. What denies has places of its own, which nothing else takes. Must not know what is asked,
//! but whether it denies.

use super::body::whole;
use super::problem::Own;
use super::seats::Seat;
use crate::access::Caller;
use crate::app::{self, Most, Share};
use crate::tokens::TOKEN_PATH;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use mappings::model::MemberId;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Requests under way.
const UNDER_WAY_MAX: usize = 256;
/// And withdrawals under way.
const DENYING_MAX: usize = 32;
/// Of them, one member's.
const SHARE_MAX: usize = 8;
/// Streams of events to one member.
const FOLLOWING_MAX: usize = 32;
/// A withdrawal is said within so long, in so many bytes.
const SAID_WITHIN: Duration = Duration::from_secs(2);
const DENIAL_MAX: usize = 64 * 1_024;
/// Where somebody without a token or a session says something.
const STRANGERS: [&str; 2] = ["/console/sign-in", TOKEN_PATH];

/// Whether nobody knows yet who says it: also by which issuer somebody wants to be known is said there.
fn is_strange(path: &str) -> bool {
    STRANGERS.contains(&path) || path.starts_with("/console/sign-in/")
}
/// An answer's head is there within so long.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);

/// The same.
#[derive(Debug)]
pub(super) struct Limits {
    ordinary: Semaphore,
    denying: Semaphore,
    within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let (ordinary, denying) = (Semaphore::new(UNDER_WAY_MAX), Semaphore::new(DENYING_MAX));
        Self { ordinary, denying, within: ANSWERED_WITHIN }
    }
}

/// Whether a request takes something away, over the API or by a form of the console, by its path alone: nothing is read of it before there is a
/// place for it.
pub(super) fn denies(request: &Request) -> bool {
    request.method() == Method::POST && request.uri().path().ends_with("/revocations")
}

/// Answers within the limits.
pub(super) async fn bounded(
    State(limits): State<Arc<Limits>>,
    request: Request,
    next: Next,
) -> Response {
    // Whoever looks whether this gateway lives is told so when all its places are taken as well.
    if matches!(request.uri().path(), "/healthz" | "/readyz") {
        return next.run(request).await;
    }
    let places = if denies(&request) { &limits.denying } else { &limits.ordinary };
    // A place is for what was said whole by those whom nobody knows yet, and to deny: who says it slowly keeps nobody else out.
    let request = if denies(&request) || is_strange(request.uri().path()) {
        let said = tokio::time::timeout(SAID_WITHIN, said(request)).await;
        match said.unwrap_or(Err(Own::BodyUnread)) {
            Ok(request) => request,
            Err(own) => return own.into_response(),
        }
    } else {
        request
    };
    let Ok(_place) = places.try_acquire() else {
        return Own::TooManyRequests.into_response();
    };
    let _served = request.extensions().get::<Arc<Seat>>().map(Seat::serve);
    let answer = tokio::time::timeout(limits.within, next.run(request)).await;
    answer.unwrap_or_else(|_| Own::TimedOut.into_response())
}

/// A request with its body at hand.
async fn said(request: Request) -> Result<Request, Own> {
    let (head, body) = request.into_parts();
    let body = whole(body, DENIAL_MAX).await?;
    Ok(Request::from_parts(head, Body::from(body)))
}

/// Places that no member takes all of; who has its share is told to ask again.
#[derive(Debug)]
pub(super) struct Shares(app::Shares);

impl Shares {
    /// Places for withdrawals.
    pub(super) fn of_denying() -> Self {
        Self(app::Shares::of(Most::Each(SHARE_MAX)))
    }

    /// Places for those who follow something.
    pub(super) fn of_following() -> Self {
        Self(app::Shares::of(Most::Each(FOLLOWING_MAX)))
    }

    /// Places for everything else.
    pub(super) fn of_ordinary() -> Self {
        Self(app::Shares::of(Most::AsManyAsAreLeft(UNDER_WAY_MAX)))
    }

    /// A place for a member; none where it has its share.
    pub(super) fn take(&self, member: Option<&MemberId>) -> Result<Share, Own> {
        self.0.take(member.ok_or(Own::PathUnknown)?).ok_or(Own::TooManyRequests)
    }

    /// A place for what a caller asks; of what denies, and of whoever calls in nobody's name, none is taken.
    pub(super) fn take_for(
        &self,
        caller: &Caller,
        request: &Request,
    ) -> Result<Option<Share>, Own> {
        let ordinary = caller.tenant().filter(|_| !denies(request));
        ordinary.map(|member| self.take(Some(member))).transpose()
    }

    /// A place of a member's for somebody with whom it shares.
    pub(super) fn take_for_guest(&self, member: &MemberId) -> Result<Share, Own> {
        self.0.take_for_guest(member).ok_or(Own::TooManyRequests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::routing::{get, post};
    use tower::ServiceExt as _;

    fn router(limits: &Arc<Limits>) -> Router {
        let forever = || std::future::pending::<()>();
        let bound = axum::middleware::from_fn_with_state(Arc::clone(limits), bounded);
        let denies = post(async || "denied");
        Router::new()
            .route("/slow", get(forever))
            .route("/quick", get(async || "done"))
            .route("/v1/collaborations/spring/revocations", denies.clone())
            .route("/console/collaborations/spring/revocations", denies)
            .layer(bound)
    }

    async fn status(router: &Router, method: Method, path: &str) -> u16 {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap().status().as_u16()
    }

    #[test]
    fn one_member_has_no_more_than_its_share() {
        let (shares, grocer, brand) =
            (Shares::of_denying(), "grocer".parse().unwrap(), "brand".parse().unwrap());
        let all: Vec<_> = (0..SHARE_MAX).map(|_| shares.take(Some(&grocer)).unwrap()).collect();
        assert_eq!(shares.take(Some(&grocer)).err(), Some(Own::TooManyRequests));
        assert!(shares.take(Some(&brand)).is_ok() && shares.take(None).is_err());
        drop(all);
        assert!(shares.take(Some(&grocer)).is_ok());
        assert!(shares.0.is_empty(), "nothing is kept of who has gone");
    }

    #[test]
    fn whoever_comes_next_finds_as_many_as_anybody_has() {
        let shares = Shares::of_ordinary();
        let id = |name: &str| -> MemberId { name.parse().unwrap() };
        let all = |name: &str| {
            let member = id(name);
            std::iter::from_fn(|| shares.take(Some(&member)).ok()).collect::<Vec<_>>()
        };
        let first = all("grocer");
        assert_eq!(first.len(), UNDER_WAY_MAX / 2, "one alone leaves as many as it has");
        let (second, third) = (all("brand"), all("press"));
        assert_eq!((second.len(), third.len()), (UNDER_WAY_MAX / 4, UNDER_WAY_MAX / 8));
        drop(first);
        assert!(!all("grocer").is_empty() && shares.take(Some(&id("bank"))).is_ok());
    }

    #[tokio::test]
    async fn what_denies_passes_where_nothing_else_does() {
        let few = |ordinary| Limits {
            ordinary: Semaphore::new(ordinary),
            denying: Semaphore::new(1),
            within: Duration::from_millis(200),
        };
        let limits = Arc::new(few(1));
        let router = router(&limits);
        assert_eq!(status(&router, Method::GET, "/quick").await, 200);
        let busy = limits.ordinary.acquire().await.unwrap();
        assert_eq!(status(&router, Method::GET, "/quick").await, 429);
        for denial in
            ["/v1/collaborations/spring/revocations", "/console/collaborations/spring/revocations"]
        {
            assert_eq!(status(&router, Method::POST, denial).await, 200, "{denial}");
        }
        drop(busy);
        assert_eq!(status(&router, Method::GET, "/slow").await, 503, "it took too long");
        assert_eq!(status(&router, Method::GET, "/quick").await, 200, "its place is free again");
    }
}
