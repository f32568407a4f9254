//! `/v1/checks`.

use super::Gateway;
use super::entry::Who;
use super::problem::Problem;
use super::said::Text;
use super::wrong::Check;
use crate::wire;
use axum::Json;
use axum::extract::State;

/// What the guard and the rooms say to an agreement. Nothing is kept of it, and it is done as often as it is asked.
#[utoipa::path(post, path = "/v1/checks", tag = "agreements", operation_id = "check",
    request_body(content((Object = "application/json"), (String = "application/yaml")), description = "The agreement, as `airlock schema` describes it."),
    responses((status = 200, description = "It passes.", body = wire::Checked), Check))]
pub(super) async fn check(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Text(text): Text,
) -> Result<Json<wire::Checked>, Problem> {
    Ok(Json(gateway.desk(&caller).check(text).await?))
}
