//! `/v1/collaborations/{collaboration}/agreements`.

use super::Gateway;
use super::asked::{Asked, Position, page};
use super::done::finished;
use super::entry::Who;
use super::problem::Problem;
use super::said::Document;
use super::wrong::{Change, Read};
use crate::app::desk::Done;
use crate::wire;
use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;

/// A page.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct After {
    /// The position after which the page begins: `next` of the page before it.
    #[param(value_type = Option<i64>, minimum = 0)]
    pub(super) after: Option<Position>,
    /// So many at most.
    #[param(minimum = 1, maximum = 200)]
    pub(super) limit: Option<usize>,
}

/// With what it is compared.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Compared {
    /// The digest of the other version.
    from: String,
}

/// Every version that there ever was, in order. Whoever is invited sees the one that waits, and whoever left none.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/agreements", tag = "agreements", operation_id = "agreements",
    params(("collaboration" = String, Path, description = "The collaboration."), After),
    responses((status = 200, description = "A page of versions.", body = wire::Agreements), Read))]
pub(super) async fn agreements(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
    Asked(After { after, limit }): Asked<After>,
) -> Result<Json<wire::Agreements>, Problem> {
    let max = page(limit)?;
    Ok(Json(
        gateway.desk(&caller).agreements(&collaboration, after.map(|after| after.0), max).await?,
    ))
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

/// What differs between two versions, place by place. That another member's account or place changed is told, and not how.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/agreements/{digest}/diff", tag = "agreements", operation_id = "agreement-diff",
    params(("collaboration" = String, Path, description = "The collaboration."), ("digest" = String, Path, description = "The digest of the version that is compared."), Compared),
    responses((status = 200, description = "The differences.", body = wire::AgreementDiff), Read))]
pub(super) async fn agreement_diff(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path((collaboration, digest)): Path<(String, String)>,
    Asked(Compared { from }): Asked<Compared>,
) -> Result<Json<wire::AgreementDiff>, Problem> {
    let diff = gateway.desk(&caller).agreement_diff(&collaboration, (&from, &digest)).await?;
    Ok(Json(diff))
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
