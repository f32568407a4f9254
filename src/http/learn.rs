//! `/v1/collaborations/{collaboration}/learn`.

use super::Gateway;
use super::entry::Who;
use super::problem::Problem;
use super::wrong::Read;
use crate::wire;
use axum::Json;
use axum::extract::{Path, State};

/// What each member could learn under the agreement in force, or the one that waits, from each template that it runs or receives, and by whose rule.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/learn", tag = "agreements", operation_id = "learn",
    params(("collaboration" = String, Path, description = "The collaboration.")),
    responses((status = 200, description = "What each member could learn.", body = wire::Learnable), (status = 409, description = "A template of it is refused today.", body = wire::ProblemDocument, content_type = "application/problem+json"), Read))]
pub(super) async fn learn(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
) -> Result<Json<wire::Learnable>, Problem> {
    Ok(Json(gateway.desk(&caller).learnable(&collaboration).await?))
}
