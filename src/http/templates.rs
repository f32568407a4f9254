//! `/v1/collaborations/{collaboration}/templates`.

use super::Gateway;
use super::done::finished;
use super::entry::Who;
use super::problem::Problem;
use super::said::Said;
use super::wrong::{Change, Read};
use crate::app::desk::Decided;
use crate::wire;
use axum::Json;
use axum::extract::{Path, State};

/// The templates of the agreement in force, or of the one that waits, with their approvals.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/templates", tag = "templates", operation_id = "templates",
    params(("collaboration" = String, Path, description = "The collaboration.")),
    responses((status = 200, description = "The templates.", body = wire::Templates), Read))]
pub(super) async fn templates(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
) -> Result<Json<wire::Templates>, Problem> {
    Ok(Json(gateway.desk(&caller).templates(&collaboration).await?))
}

/// One of them.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/templates/{template}", tag = "templates", operation_id = "template",
    params(("collaboration" = String, Path, description = "The collaboration."), ("template" = String, Path, description = "Its name.")),
    responses((status = 200, description = "The template.", body = wire::Template), Read))]
pub(super) async fn template(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path((collaboration, template)): Path<(String, String)>,
) -> Result<Json<wire::Template>, Problem> {
    Ok(Json(gateway.desk(&caller).template(&collaboration, &template).await?))
}

/// What the guard makes of a template: its text as it was agreed beside what each room runs, whose rule asks for each threshold, and why it is refused
/// where it is.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/templates/{template}/explanation", tag = "templates", operation_id = "explanation",
    params(("collaboration" = String, Path, description = "The collaboration."), ("template" = String, Path, description = "Its name.")),
    responses((status = 200, description = "The explanation.", body = wire::Explanation), Read))]
pub(super) async fn explanation(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path((collaboration, template)): Path<(String, String)>,
) -> Result<Json<wire::Explanation>, Problem> {
    Ok(Json(gateway.desk(&caller).explanation(&collaboration, &template).await?))
}

/// Approves a template in the version that was looked at, as an owner of datasets that it touches.
#[utoipa::path(post, path = "/v1/collaborations/{collaboration}/templates/{template}/approvals", tag = "templates", operation_id = "approve", request_body = wire::Version,
    params(("collaboration" = String, Path, description = "The collaboration."), ("template" = String, Path, description = "Its name."), ("If-Match" = String, Header, description = "The `ETag` of the collaboration that was looked at; `*` for whatever is there."), ("Idempotency-Key" = String, Header, description = "16 to 128 visible characters: the same key and body are done once.")),
    responses((status = 201, description = "It is on record.", body = wire::Given),
        (status = 202, description = "It waits for a second person of the same member, who has to ask for exactly the same within a day.", body = wire::Waits), Change))]
pub(super) async fn approve(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path((collaboration, template)): Path<(String, String)>,
    Said { said, tied }: Said<wire::Version>,
) -> Result<Decided, Problem> {
    finished(&gateway.begun.clone(), async move {
        gateway.desk(&caller).approve(&collaboration, &template, &said, &tied).await
    })
    .await
}
