//! What this gateway is set to; the operator's.

use super::Gateway;
use super::entry::Who;
use super::problem::Problem;
use super::wrong::Read;
use crate::wire::Configuration;
use axum::Json;
use axum::extract::State;

/// What is set, as it stands now, and where each value comes from. Secrets are named, never shown.
#[utoipa::path(get, path = "/v1/configuration", tag = "health", operation_id = "configuration",
    responses((status = 200, description = "What is set.", body = Configuration), Read))]
pub(super) async fn configuration(
    State(gateway): State<Gateway>,
    Who(caller): Who,
) -> Result<Json<Configuration>, Problem> {
    Ok(Json(gateway.desk(&caller).configuration()?))
}
