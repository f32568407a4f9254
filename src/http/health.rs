//! Whether this gateway is there, and can work. Asked by whoever keeps it running, without a token; it names nothing.

use super::Gateway;
use crate::app::Readiness;
use crate::wire::{Check, Health};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// One look serves everybody who asks within so long.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// The last look.
#[derive(Debug, Default)]
pub(super) struct Looked(Mutex<Option<(Instant, Readiness)>>);

/// Whether it is there.
#[utoipa::path(get, path = "/healthz", tag = "health", operation_id = "health", security(()),
    responses((status = 200, description = "It is there.", body = Health)))]
pub(super) async fn healthz() -> Json<Health> {
    Json(Health { status: "ready".to_owned(), checks: Vec::new() })
}

/// Whether it can work. A gateway that can only deny is left where it is: whoever took it away would take that away as well.
#[utoipa::path(get, path = "/readyz", tag = "health", operation_id = "readiness", security(()),
    responses(
        (status = 200, description = "It works, or can deny at least.", body = Health),
        (status = 503, description = "It can do neither.", body = Health),
    ))]
pub(super) async fn readyz(State(gateway): State<Gateway>) -> (StatusCode, Json<Health>) {
    let mut looked = gateway.looked.0.lock().await;
    let found = match *looked {
        Some((at, found)) if at.elapsed() < GOOD_FOR => found,
        Some(_) | None => {
            let found = gateway.app.readiness().await;
            *looked = Some((Instant::now(), found));
            found
        }
    };
    drop(looked);
    let (code, status) = match (found.log, found.reserve) {
        (true, _) => (StatusCode::OK, "ready"),
        (false, true) => (StatusCode::OK, "denying"),
        (false, false) => (StatusCode::SERVICE_UNAVAILABLE, "unready"),
    };
    let check = |of: &str, good| Check { of: of.to_owned(), good };
    let checks = vec![check("log", found.log), check("reserve", found.reserve)];
    (code, Json(Health { status: status.to_owned(), checks }))
}
