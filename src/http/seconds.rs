//! `/v1/collaborations/{collaboration}/waiting`.

use super::Gateway;
use super::done::finished;
use super::entry::Who;
use super::problem::Problem;
use super::wrong::Read;
use crate::wire;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;

/// Decisions of the caller's member that wait for a second person.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/waiting", tag = "waiting", operation_id = "waiting",
    params(("collaboration" = String, Path, description = "The collaboration.")),
    responses((status = 200, description = "What waits.", body = wire::AllWaits), Read))]
pub(super) async fn waiting(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
) -> Result<Json<wire::AllWaits>, Problem> {
    Ok(Json(gateway.desk(&caller).waiting(&collaboration).await?))
}

/// Takes one of them back, whoever of the member asked for it: nobody can second it then.
#[utoipa::path(delete, path = "/v1/collaborations/{collaboration}/waiting/{id}", tag = "waiting", operation_id = "take-back",
    params(("collaboration" = String, Path, description = "The collaboration."), ("id" = String, Path, description = "Its fingerprint.")),
    responses((status = 204, description = "It waits no more."), Read))]
pub(super) async fn take_back(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path((collaboration, id)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    finished(&gateway.begun.clone(), async move {
        gateway.desk(&caller).take_back(&collaboration, &id).await
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
