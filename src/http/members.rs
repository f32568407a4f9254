//! `/v1/collaborations/{collaboration}/members`.

use super::Gateway;
use super::done::finished;
use super::entry::Who;
use super::problem::Problem;
use super::said::Said;
use super::wrong::{Change, Read};
use crate::app::desk::Done;
use crate::wire;
use axum::Json;
use axum::extract::{Path, State};

/// Its members, and where each stands.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/members", tag = "members", operation_id = "members",
    params(("collaboration" = String, Path, description = "The collaboration.")),
    responses((status = 200, description = "The members.", body = wire::Members), Read))]
pub(super) async fn members(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
) -> Result<Json<wire::Members>, Problem> {
    Ok(Json(gateway.desk(&caller).members(&collaboration).await?))
}

/// Accepts the agreement that waits, under the member's key.
#[utoipa::path(post, path = "/v1/collaborations/{collaboration}/joins", tag = "members", operation_id = "join", request_body = wire::Answer,
    params(("collaboration" = String, Path, description = "The collaboration."), ("If-Match" = String, Header, description = "The `ETag` of the collaboration that was looked at; `*` for whatever is there."), ("Idempotency-Key" = String, Header, description = "16 to 128 visible characters: the same key and body are done once.")),
    responses((status = 201, description = "It is on record.", body = wire::Given), Change))]
pub(super) async fn join(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
    Said { said, tied }: Said<wire::Answer>,
) -> Result<Done, Problem> {
    finished(&gateway.begun.clone(), async move {
        gateway.desk(&caller).join(&collaboration, &said, &tied).await
    })
    .await
}

/// Declines the agreement that waits: final for that proposal.
#[utoipa::path(post, path = "/v1/collaborations/{collaboration}/declines", tag = "members", operation_id = "decline", request_body = wire::Answer,
    params(("collaboration" = String, Path, description = "The collaboration."), ("If-Match" = String, Header, description = "The `ETag` of the collaboration that was looked at; `*` for whatever is there."), ("Idempotency-Key" = String, Header, description = "16 to 128 visible characters: the same key and body are done once.")),
    responses((status = 201, description = "It is on record.", body = wire::Given), Change))]
pub(super) async fn decline(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
    Said { said, tied }: Said<wire::Answer>,
) -> Result<Done, Problem> {
    finished(&gateway.begun.clone(), async move {
        gateway.desk(&caller).decline(&collaboration, &said, &tied).await
    })
    .await
}
