//! `/v1/collaborations/{collaboration}/fidelity`.

use super::Gateway;
use super::entry::Who;
use super::problem::Problem;
use super::wrong::Read;
use crate::wire;
use axum::Json;
use axum::extract::{Path, State};

/// How each room holds each term of the agreement in force, or of the one that waits; what is waived and by whom; what each room counts on.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/fidelity", tag = "agreements", operation_id = "fidelity",
    params(("collaboration" = String, Path, description = "The collaboration.")),
    responses((status = 200, description = "Each agreed term by each room.", body = wire::Fidelity), Read))]
pub(super) async fn fidelity(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
) -> Result<Json<wire::Fidelity>, Problem> {
    Ok(Json(gateway.desk(&caller).fidelity(&collaboration).await?))
}
