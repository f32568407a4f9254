//! `/v1/collaborations/{collaboration}/leaves`, `…/checkpoint`, `…/proofs`.

use super::Gateway;
use super::asked::{Asked, Position, page};
use super::entry::Who;
use super::problem::Problem;
use super::wrong::Read;
use crate::wire;
use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;

/// A page.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Within {
    /// The position at which the page begins: `next` of the page before it.
    #[param(value_type = Option<i64>, minimum = 0)]
    from: Option<Position>,
    /// So many at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// Of this kind alone. A page may then have few or none, also before the last.
    #[param(inline)]
    kind: Option<wire::LeafKind>,
}

/// Two lengths of a log.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Lengths {
    /// The shorter one.
    #[param(value_type = i64, minimum = 1)]
    old: Position,
    /// The longer one.
    #[param(value_type = i64, minimum = 1)]
    new: Position,
}

/// Leaves in their order. Whoever left sees those until then.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/leaves", tag = "log", operation_id = "leaves",
    params(("collaboration" = String, Path, description = "The collaboration."), Within),
    responses((status = 200, description = "A page of leaves.", body = wire::Leaves), Read))]
pub(super) async fn leaves(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
    Asked(Within { from, limit, kind }): Asked<Within>,
) -> Result<Json<wire::Leaves>, Problem> {
    let page = (from.map_or(0, |from| from.0), page(limit)?);
    let desk = gateway.desk(&caller);
    let (leaves, next) = desk.leaves(&collaboration, page, kind).await?;
    Ok(Json(wire::Leaves { leaves, next: next.map(|next| next.to_string()) }))
}

/// One leaf with the proof that it is in the log.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/leaves/{index}", tag = "log", operation_id = "leaf",
    params(("collaboration" = String, Path, description = "The collaboration."), ("index" = u64, Path, description = "Its position.")),
    responses((status = 200, description = "The leaf.", body = wire::Leaf), Read))]
pub(super) async fn leaf(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path((collaboration, index)): Path<(String, u64)>,
) -> Result<Json<wire::Leaf>, Problem> {
    Ok(Json(gateway.desk(&caller).leaf(&collaboration, index).await?))
}

/// The newest signed head of the log: a signed note (C2SP).
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/checkpoint", tag = "log", operation_id = "checkpoint",
    params(("collaboration" = String, Path, description = "The collaboration.")),
    responses((status = 200, description = "The checkpoint.", body = String, content_type = "text/plain"), Read))]
pub(super) async fn checkpoint(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
) -> Result<String, Problem> {
    Ok(gateway.desk(&caller).checkpoint(&collaboration).await?)
}

/// The proof that a longer log begins with a shorter one (RFC 6962).
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/proofs/consistency", tag = "log", operation_id = "consistency",
    params(("collaboration" = String, Path, description = "The collaboration."), Lengths),
    responses((status = 200, description = "The proof.", body = wire::Proof), (status = 422, description = "Not two lengths of this log.", body = wire::ProblemDocument, content_type = "application/problem+json"), Read))]
pub(super) async fn consistency(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
    Asked(Lengths { old, new }): Asked<Lengths>,
) -> Result<Json<wire::Proof>, Problem> {
    Ok(Json(gateway.desk(&caller).consistency(&collaboration, old.0, new.0).await?))
}
