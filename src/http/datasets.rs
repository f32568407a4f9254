//! `/v1/collaborations/{collaboration}/datasets`.

use super::Gateway;
use super::entry::Who;
use super::problem::Problem;
use super::wrong::Read;
use crate::wire;
use axum::Json;
use axum::extract::{Path, State};

/// The datasets of the agreement in force, or of the one that waits. Where one lies is said to its owner alone.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/datasets", tag = "datasets", operation_id = "datasets",
    params(("collaboration" = String, Path, description = "The collaboration.")),
    responses((status = 200, description = "The datasets.", body = wire::Datasets), Read))]
pub(super) async fn datasets(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
) -> Result<Json<wire::Datasets>, Problem> {
    Ok(Json(gateway.desk(&caller).datasets(&collaboration).await?))
}

/// One of them.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/datasets/{dataset}", tag = "datasets", operation_id = "dataset",
    params(("collaboration" = String, Path, description = "The collaboration."), ("dataset" = String, Path, description = "Its name.")),
    responses((status = 200, description = "The dataset.", body = wire::Dataset), Read))]
pub(super) async fn dataset(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path((collaboration, dataset)): Path<(String, String)>,
) -> Result<Json<wire::Dataset>, Problem> {
    Ok(Json(gateway.desk(&caller).dataset(&collaboration, &dataset).await?))
}
