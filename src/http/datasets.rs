//! `/v1/collaborations/{collaboration}/datasets`.

use super::Gateway;
use super::asked::{Asked, page};
use super::entry::Who;
use super::problem::Problem;
use super::wrong::Read;
use crate::app::desk::Part;
use crate::wire;
use axum::Json;
use axum::extract::{Path, State};
use mappings::model::{DatasetName, MemberId};
use serde::Deserialize;

/// A page of a list that may be of one owner alone.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Listing {
    /// Those of this owner alone.
    #[param(value_type = Option<String>)]
    owner: Option<MemberId>,
    /// The name after which the page begins: `next` of the page before it.
    #[param(value_type = Option<String>)]
    after: Option<DatasetName>,
    /// So many at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// The datasets of the agreement in force, or of the one that waits. Where one lies is said to its owner alone.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/datasets", tag = "datasets", operation_id = "datasets",
    params(("collaboration" = String, Path, description = "The collaboration."), Listing),
    responses((status = 200, description = "A page of datasets.", body = wire::Datasets), Read))]
pub(super) async fn datasets(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
    Asked(Listing { owner, after, limit }): Asked<Listing>,
) -> Result<Json<wire::Datasets>, Problem> {
    let part = Part { after, max: page(limit)? };
    Ok(Json(gateway.desk(&caller).datasets(&collaboration, owner.as_ref(), part).await?))
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
