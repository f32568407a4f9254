//! `/v1/me`, `/v1/invitations` and `/v1/collaborations`.

use super::Gateway;
use super::asked::{Asked, page};
use super::entry::Who;
use super::etag::{Tagged, tagged};
use super::problem::Problem;
use super::wrong::Read;
use crate::wire;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::Deserialize;

/// A page.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct After {
    /// The name after which the page begins: `next` of the page before it.
    after: Option<String>,
    /// So many at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// A page of a list that may be of one standing alone.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Listing {
    /// The name after which the page begins: `next` of the page before it.
    after: Option<String>,
    /// So many at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// To which the caller's member stands so. A page may then have few or none, also before the last.
    #[param(inline)]
    standing: Option<wire::Standing>,
}

/// Who calls, as its token says.
#[utoipa::path(get, path = "/v1/me", tag = "collaborations", operation_id = "me",
    responses((status = 200, description = "Who calls.", body = wire::Me), Read))]
pub(super) async fn me(State(gateway): State<Gateway>, Who(caller): Who) -> Json<wire::Me> {
    Json(gateway.desk(&caller).me())
}

/// The collaborations that the caller's member is part of, invited to, or was part of.
#[utoipa::path(get, path = "/v1/collaborations", tag = "collaborations", operation_id = "collaborations", params(Listing),
    responses((status = 200, description = "A page of them.", body = wire::Collaborations), Read))]
pub(super) async fn collaborations(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Asked(Listing { after, limit, standing }): Asked<Listing>,
) -> Result<Json<wire::Collaborations>, Problem> {
    let page = (after.as_deref(), page(limit)?);
    let found = gateway.desk(&caller).collaborations(page, standing).await?;
    let (collaborations, next) = found;
    Ok(Json(wire::Collaborations { collaborations, next }))
}

/// The collaborations that the caller's member is invited to, each with the agreement that waits for it.
#[utoipa::path(get, path = "/v1/invitations", tag = "collaborations", operation_id = "invitations", params(After),
    responses((status = 200, description = "A page of them.", body = wire::Invitations), Read))]
pub(super) async fn invitations(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Asked(After { after, limit }): Asked<After>,
) -> Result<Json<wire::Invitations>, Problem> {
    let max = page(limit)?;
    Ok(Json(gateway.desk(&caller).invitations(after.as_deref(), max).await?))
}

/// A collaboration as it stands.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}", tag = "collaborations", operation_id = "collaboration",
    params(("collaboration" = String, Path, description = "Its name."), ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an answer before.")),
    responses(
        (status = 200, description = "Where it stands.", body = wire::Collaboration, headers(("ETag" = String, description = "What is decided, and what is shown beside it: a change that names it in `If-Match` is tied to the former alone, which runs and effects don't change."))),
        (status = 304, description = "It would say the same."), Read))]
pub(super) async fn collaboration(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
    headers: HeaderMap,
) -> Result<Tagged<wire::Collaboration>, Problem> {
    let (found, mark) = gateway.desk(&caller).collaboration(&collaboration).await?;
    Ok(tagged(&headers, &mark, found))
}
