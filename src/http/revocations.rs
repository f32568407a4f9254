//! `/v1/collaborations/{collaboration}/revocations`.

use super::Gateway;
use super::asked::{Asked, Position, page};
use super::done::finished;
use super::entry::Who;
use super::problem::Problem;
use super::said::Denial;
use super::wrong::{Change, Read};
use crate::wire;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;

/// A page.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct After {
    /// The position after which the page begins: `next` of the page before it.
    #[param(value_type = Option<i64>, minimum = 0)]
    after: Option<Position>,
    /// So many at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// The withdrawals that platforms had to be closed for, and what became of each, the oldest first.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/revocations", tag = "revocations", operation_id = "revocations",
    params(("collaboration" = String, Path, description = "The collaboration."), After),
    responses((status = 200, description = "A page of withdrawals.", body = wire::Revocations), Read))]
pub(super) async fn revocations(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
    Asked(After { after, limit }): Asked<After>,
) -> Result<Json<wire::Revocations>, Problem> {
    let (after, max) = (after.map(|after| after.0), page(limit)?);
    Ok(Json(gateway.desk(&caller).revocations(&collaboration, after, max).await?))
}

/// One of them.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/revocations/{index}", tag = "revocations", operation_id = "revocation",
    params(("collaboration" = String, Path, description = "The collaboration."), ("index" = u64, Path, description = "The position of its leaf.")),
    responses((status = 200, description = "The withdrawal.", body = wire::Revocation), Read))]
pub(super) async fn revocation(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path((collaboration, index)): Path<(String, u64)>,
) -> Result<Json<wire::Revocation>, Problem> {
    Ok(Json(gateway.desk(&caller).revocation(&collaboration, index).await?))
}

/// Withdraws. It is tied to nothing (no key, no mark), and waits for nothing: where the log can't be written it is in force here all the same.
#[utoipa::path(post, path = "/v1/collaborations/{collaboration}/revocations", tag = "revocations", operation_id = "revoke", request_body = wire::Thing,
    params(("collaboration" = String, Path, description = "The collaboration.")),
    responses(
        (status = 201, description = "It is on record, and in force everywhere from then on.", body = wire::Revoked),
        (status = 202, description = "It is in force here, on disk, and on record as soon as the log can be written. Ask again for a receipt.", body = wire::Revoked),
        Change))]
pub(super) async fn revoke(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
    Denial(thing): Denial<wire::Thing>,
) -> Result<(StatusCode, Json<wire::Revoked>), Problem> {
    let begun = gateway.begun.clone();
    let work = async move {
        let share = gateway.denying.take(caller.tenant());
        match share {
            Ok(_share) => gateway.desk(&caller).revoke(&collaboration, &thing).await.map(Ok),
            Err(own) => Ok(Err(own)),
        }
    };
    let revoked = finished(&begun, work).await??;
    let status = if revoked.durable { StatusCode::CREATED } else { StatusCode::ACCEPTED };
    Ok((status, Json(revoked)))
}
