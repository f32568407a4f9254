//! `/v1/collaborations/{collaboration}/connections`.

use super::Gateway;
use super::entry::Who;
use super::problem::Problem;
use super::said::Bare;
use super::wrong::Platform;
use crate::wire;
use axum::Json;
use axum::extract::{Path, State};

/// Tries how the caller's own member is reached on platforms, permission by permission. It changes nothing there; a member asks once at a time.
#[utoipa::path(post, path = "/v1/collaborations/{collaboration}/connections/tests", tag = "rooms", operation_id = "test-connections",
    params(("collaboration" = String, Path, description = "The collaboration.")),
    responses((status = 200, description = "What works and what does not.", body = wire::ConnectionsTested), Platform))]
pub(super) async fn test(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
    Bare: Bare,
) -> Result<Json<wire::ConnectionsTested>, Problem> {
    Ok(Json(gateway.desk(&caller).connections(&collaboration).await?))
}
