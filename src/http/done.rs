//! The answer to a decision: the proof that it is on record, where its leaf is, and whether it was done before under the same key.

use super::problem::{Own, Problem};
use crate::app::desk::{Decided, Done};
use crate::error::Result;
use axum::Json;
use axum::http::header::LOCATION;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use mappings::model::CollaborationId;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tracing::Instrument as _;

const REPLAY: HeaderName = HeaderName::from_static("idempotent-replay");

/// More than there are requests.
const BEGUN_MAX: u32 = 1 << 16;

/// What was begun and is not done yet.
#[derive(Debug, Clone)]
pub(super) struct Begun(Arc<Semaphore>);

impl Default for Begun {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1 << 16)))
    }
}

impl Begun {
    /// Waits until all of it is.
    pub(super) async fn done(&self) {
        let _ = self.0.acquire_many(BEGUN_MAX).await;
    }
}

/// Does what was begun to its end, whether or not anybody waits for the answer.
pub(super) async fn finished<T: Send + 'static>(
    begun: &Begun,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T, Problem> {
    let place = Arc::clone(&begun.0).acquire_owned().await;
    let work = async move {
        let _place = place;
        work.await
    };
    match tokio::spawn(work.in_current_span()).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(Own::Bug.into()),
    }
}

/// Says of an answer whether it was given before, under the same key.
pub(super) fn repeated(mut response: Response, is: bool) -> Response {
    if is {
        response.headers_mut().insert(REPLAY, HeaderValue::from_static("true"));
    }
    response
}

impl IntoResponse for Decided {
    fn into_response(self) -> Response {
        let (waits, of) = match self {
            Self::Done(done) => return done.into_response(),
            Self::Waits { waits, collaboration } => (waits, collaboration),
        };
        let mut response = (StatusCode::ACCEPTED, Json(waits)).into_response();
        let place = HeaderValue::from_str(&format!("/v1/collaborations/{of}/waiting"));
        if let Ok(place) = place {
            response.headers_mut().insert(LOCATION, place);
        }
        response
    }
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        let index = self.given.receipt.index;
        on_record((&self.collaboration, index), &self.given, self.repeated)
    }
}

/// What is said of a decision that is on record, and where its leaf is.
pub(super) fn on_record(
    (of, index): (&CollaborationId, u64),
    said: &impl serde::Serialize,
    is_repeated: bool,
) -> Response {
    let mut response = (StatusCode::CREATED, Json(said)).into_response();
    let place = HeaderValue::from_str(&format!("/v1/collaborations/{of}/leaves/{index}"));
    if let Ok(place) = place {
        response.headers_mut().insert(LOCATION, place);
    }
    repeated(response, is_repeated)
}
