//! `GET /metrics`, at a place of its own: numbers for whoever keeps the gateway running, without a token and without a name of anybody's. Must
//! not know what is measured.

use crate::error::Result;
use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use std::sync::Arc;

/// As Prometheus reads it.
const TEXT: [(HeaderName, &str); 2] =
    [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"), (CACHE_CONTROL, "no-store")];

/// Gives the text.
type Measured = Arc<dyn Fn() -> Result<String> + Send + Sync>;

/// What answers there.
pub(crate) fn metrics(measured: Measured) -> Router {
    Router::new().route("/metrics", get(read)).with_state(measured)
}

async fn read(State(measured): State<Measured>) -> Response {
    // The reserve is a file.
    match tokio::task::spawn_blocking(move || measured()).await {
        Ok(Ok(text)) => (TEXT, text).into_response(),
        Ok(Err(_)) | Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
