//! `/v1/collaborations/{collaboration}/agreements`.

use super::Gateway;
use super::done::finished;
use super::entry::Who;
use super::problem::Problem;
use super::said::Document;
use super::wrong::{Change, Read};
use crate::app::desk::Done;
use crate::wire;
use axum::Json;
use axum::extract::{Path, State};

/// The versions that count now: the one in force, and the one that waits for members. Whoever is invited sees the latter only.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/agreements", tag = "agreements", operation_id = "agreements",
    params(("collaboration" = String, Path, description = "The collaboration.")),
    responses((status = 200, description = "The versions.", body = wire::Agreements), Read))]
pub(super) async fn agreements(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
) -> Result<Json<wire::Agreements>, Problem> {
    Ok(Json(gateway.desk(&caller).agreements(&collaboration).await?))
}

/// One of them by its digest.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/agreements/{digest}", tag = "agreements", operation_id = "agreement",
    params(("collaboration" = String, Path, description = "The collaboration."), ("digest" = String, Path, description = "Its digest.")),
    responses((status = 200, description = "The version.", body = wire::AgreementVersion), Read))]
pub(super) async fn agreement(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path((collaboration, digest)): Path<(String, String)>,
) -> Result<Json<wire::AgreementVersion>, Problem> {
    Ok(Json(gateway.desk(&caller).agreement(&collaboration, &digest).await?))
}

/// Puts an agreement before its members: the first one of a collaboration, which is there from then on, or the next.
#[utoipa::path(post, path = "/v1/collaborations/{collaboration}/agreements", tag = "agreements", operation_id = "propose",
    request_body(content((Object = "application/json"), (String = "application/yaml")), description = "The agreement, as `airlock schema` describes it."),
    params(("collaboration" = String, Path, description = "The collaboration."), ("If-Match" = Option<String>, Header, description = "The `ETag` of the collaboration that was looked at; none for its first agreement."), ("Idempotency-Key" = String, Header, description = "16 to 128 visible characters: the same key and body are done once.")),
    responses((status = 201, description = "It waits for its members.", body = wire::Given), Change))]
pub(super) async fn propose(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
    Document { text, tied }: Document,
) -> Result<Done, Problem> {
    finished(&gateway.begun.clone(), async move {
        gateway.desk(&caller).propose(&collaboration, text, &tied).await
    })
    .await
}
