//! `/v1/collaborations/{collaboration}/templates`.

use super::Gateway;
use super::agreements::After;
use super::asked::{Asked, page};
use super::done::finished;
use super::entry::Who;
use super::problem::Problem;
use super::said::Said;
use super::wrong::{Change, Read};
use crate::app::desk::{Decided, Part};
use crate::wire;
use axum::Json;
use axum::extract::{Path, State};
use mappings::model::{MemberId, TemplateName};
use serde::Deserialize;

/// A page, perhaps of another version than the one in force.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Listing {
    /// The digest of the version of the agreement; else that in force, or where there is none the one that waits.
    agreement: Option<String>,
    /// Those alone that wait for this owner's approval.
    #[param(value_type = Option<String>)]
    waits_for: Option<MemberId>,
    /// The name after which the page begins: `next` of the page before it.
    #[param(value_type = Option<String>)]
    after: Option<TemplateName>,
    /// So many at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// Of which version of the agreement.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Version {
    /// The digest of the version of the agreement, such as one that waits; else that in force, or where there is none the one that waits.
    pub(super) agreement: Option<String>,
}

/// The templates of the agreement in force, or of another version, with their approvals.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/templates", tag = "templates", operation_id = "templates",
    params(("collaboration" = String, Path, description = "The collaboration."), Listing),
    responses((status = 200, description = "A page of templates.", body = wire::Templates), Read))]
pub(super) async fn templates(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
    Asked(Listing { agreement, waits_for, after, limit }): Asked<Listing>,
) -> Result<Json<wire::Templates>, Problem> {
    let (of, part) =
        ((agreement.as_deref(), waits_for.as_ref()), Part { after, max: page(limit)? });
    Ok(Json(gateway.desk(&caller).templates(&collaboration, of, part).await?))
}

/// One of them.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/templates/{template}", tag = "templates", operation_id = "template",
    params(("collaboration" = String, Path, description = "The collaboration."), ("template" = String, Path, description = "Its name."), Version),
    responses((status = 200, description = "The template.", body = wire::Template), Read))]
pub(super) async fn template(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path((collaboration, template)): Path<(String, String)>,
    Asked(Version { agreement }): Asked<Version>,
) -> Result<Json<wire::Template>, Problem> {
    let of = agreement.as_deref();
    Ok(Json(gateway.desk(&caller).template(&collaboration, &template, of).await?))
}

/// The versions of the agreement that have it, and its digest in each: those in force, waiting and past. Whoever is invited sees the one that waits.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/templates/{template}/versions", tag = "templates", operation_id = "template-versions",
    params(("collaboration" = String, Path, description = "The collaboration."), ("template" = String, Path, description = "Its name."), After),
    responses((status = 200, description = "A page of versions.", body = wire::TemplateVersions), Read))]
pub(super) async fn versions(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path((collaboration, template)): Path<(String, String)>,
    Asked(After { after, limit }): Asked<After>,
) -> Result<Json<wire::TemplateVersions>, Problem> {
    let part = (after.map(|after| after.0), page(limit)?);
    Ok(Json(gateway.desk(&caller).template_versions(&collaboration, &template, part).await?))
}

/// What the guard makes of a template: its text as it was agreed beside what each room runs, whose rule asks for each threshold, and why it is refused
/// where it is.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/templates/{template}/explanation", tag = "templates", operation_id = "explanation",
    params(("collaboration" = String, Path, description = "The collaboration."), ("template" = String, Path, description = "Its name."), Version),
    responses((status = 200, description = "The explanation.", body = wire::Explanation), Read))]
pub(super) async fn explanation(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path((collaboration, template)): Path<(String, String)>,
    Asked(Version { agreement }): Asked<Version>,
) -> Result<Json<wire::Explanation>, Problem> {
    let of = agreement.as_deref();
    Ok(Json(gateway.desk(&caller).explanation(&collaboration, &template, of).await?))
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
