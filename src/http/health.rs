//! Whether this gateway is there, and can work. Asked by whoever keeps it running, without a token; it names nothing. The same in detail is the
//! operator's.

use super::Gateway;
use super::entry::Who;
use super::problem::Problem;
use super::wrong::Read;
use crate::app::Readiness;
use crate::wire::{Check, Health, HealthDetail};
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
    let can = found.log || found.reserve;
    let code = if can { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let check = |of: &str, good| Check { of: of.to_owned(), good };
    let checks =
        vec![check("log", found.log), check("reserve", found.reserve), check("logs", found.logs)];
    (code, Json(Health { status: found.status().to_owned(), checks }))
}

/// What is well and what isn't, in detail. Collaborations go by names that only this gateway gives them.
#[utoipa::path(get, path = "/v1/health", tag = "health", operation_id = "health-detail",
    responses((status = 200, description = "How things stand.", body = HealthDetail), Read))]
pub(super) async fn detail(
    State(gateway): State<Gateway>,
    Who(caller): Who,
) -> Result<Json<HealthDetail>, Problem> {
    Ok(Json(gateway.desk(&caller).health().await?))
}
