//! How much is done at a time, and for how long. What denies has places of its own, which nothing else takes. Must not know what is asked,
//! but whether it denies.

use super::problem::Own;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Requests under way.
const UNDER_WAY_MAX: usize = 256;
/// And withdrawals under way.
const DENYING_MAX: usize = 32;
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

/// Whether a request takes something away, by its path alone: nothing is read of it before there is a place for it.
fn denies(request: &Request) -> bool {
    request.method() == Method::POST && request.uri().path().ends_with("/revocations")
}

/// Answers within the limits.
pub(super) async fn bounded(
    State(limits): State<Arc<Limits>>,
    request: Request,
    next: Next,
) -> Response {
    let places = if denies(&request) { &limits.denying } else { &limits.ordinary };
    let Ok(_place) = places.try_acquire() else {
        return Own::TooManyRequests.into_response();
    };
    let answer = tokio::time::timeout(limits.within, next.run(request)).await;
    answer.unwrap_or_else(|_| Own::TimedOut.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::Body;
    use axum::routing::{get, post};
    use tower::ServiceExt as _;

    fn router(limits: &Arc<Limits>) -> Router {
        let forever = || std::future::pending::<()>();
        let bound = axum::middleware::from_fn_with_state(Arc::clone(limits), bounded);
        let denies = post(async || "denied");
        Router::new()
            .route("/slow", get(forever))
            .route("/quick", get(async || "done"))
            .route("/v1/collaborations/spring/revocations", denies)
            .layer(bound)
    }

    async fn status(router: &Router, method: Method, path: &str) -> u16 {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap().status().as_u16()
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
        let denial = "/v1/collaborations/spring/revocations";
        assert_eq!(status(&router, Method::POST, denial).await, 200);
        drop(busy);
        assert_eq!(status(&router, Method::GET, "/slow").await, 503, "it took too long");
        assert_eq!(status(&router, Method::GET, "/quick").await, 200, "its place is free again");
    }
}
