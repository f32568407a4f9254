//! `/v1/collaborations/{collaboration}/rooms`.

use super::Gateway;
use super::asked::{Asked, page};
use super::done::finished;
use super::entry::Who;
use super::problem::Problem;
use super::said::{Bare, Said};
use super::wrong::{Change, Platform, Read};
use crate::app::desk::{Decided, Done, Part};
use crate::log::TermPath;
use crate::wire;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use mappings::model::PlatformId;
use serde::Deserialize;

/// A page.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Listing {
    /// The platform after which the page begins: `next` of the page before it.
    #[param(value_type = Option<String>)]
    after: Option<PlatformId>,
    /// So many at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// Waivers of an agreement, a page of them.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Waiving {
    /// The digest of the version of the agreement; else that in force, or where there is none the one that waits.
    agreement: Option<String>,
    /// The room and term after which the page begins, as `ROOM/TERM`: `next` of the page before it.
    #[param(value_type = Option<String>)]
    after: Option<Held>,
    /// So many at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// A term in a room.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Held((PlatformId, TermPath));

impl TryFrom<String> for Held {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let parts = text.split_once('/');
        let held = parts.and_then(|(room, at)| Some((room.parse().ok()?, at.parse().ok()?)));
        held.map(Self).ok_or("ROOM/TERM")
    }
}

/// The form of an export.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Form {
    /// Commands of the AWS CLI, a `CloudFormation` template, or Terraform in JSON.
    #[param(inline)]
    form: wire::ExportForm,
}

/// Its rooms on other platforms: what is wanted there, what was seen, what holds.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/rooms", tag = "rooms", operation_id = "rooms",
    params(("collaboration" = String, Path, description = "The collaboration."), Listing),
    responses((status = 200, description = "A page of rooms.", body = wire::Rooms), Read))]
pub(super) async fn rooms(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
    Asked(Listing { after, limit }): Asked<Listing>,
) -> Result<Json<wire::Rooms>, Problem> {
    let part = Part { after, max: page(limit)? };
    Ok(Json(gateway.desk(&caller).rooms(&collaboration, part).await?))
}

/// What it would take to make a room as agreed. Its platform is asked, and nothing is changed there; a member asks once at a time, and two do in all.
#[utoipa::path(post, path = "/v1/collaborations/{collaboration}/rooms/{room}/plans", tag = "rooms", operation_id = "plan",
    params(("collaboration" = String, Path, description = "The collaboration."), ("room" = String, Path, description = "The platform.")),
    responses((status = 200, description = "The plan.", body = wire::RoomPlan), Platform))]
pub(super) async fn plan(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path((collaboration, room)): Path<(String, String)>,
    Bare: Bare,
) -> Result<Json<wire::RoomPlan>, Problem> {
    Ok(Json(Box::pin(gateway.desk(&caller).plan(&collaboration, &room)).await?))
}

/// Has this gateway's worker look at a room soon.
#[utoipa::path(post, path = "/v1/collaborations/{collaboration}/rooms/{room}/looks", tag = "rooms", operation_id = "look",
    params(("collaboration" = String, Path, description = "The collaboration."), ("room" = String, Path, description = "The platform.")),
    responses((status = 202, description = "It will be looked at.", body = wire::LookAsked), Platform))]
pub(super) async fn look(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path((collaboration, room)): Path<(String, String)>,
    Bare: Bare,
) -> Result<(StatusCode, Json<wire::LookAsked>), Problem> {
    let asked = gateway.desk(&caller).look(&collaboration, &room).await?;
    Ok((StatusCode::ACCEPTED, Json(asked)))
}

/// What the caller's member would make in a room, as a document for its own pipeline. No platform is asked, and nothing is changed there.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/rooms/{room}/export", tag = "rooms", operation_id = "export",
    params(("collaboration" = String, Path, description = "The collaboration."), ("room" = String, Path, description = "The platform."), Form),
    responses((status = 200, description = "The document.", body = wire::Export), Platform))]
pub(super) async fn export(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path((collaboration, room)): Path<(String, String)>,
    Asked(Form { form }): Asked<Form>,
) -> Result<Json<wire::Export>, Problem> {
    Ok(Json(gateway.desk(&caller).export(&collaboration, &room, form).await?))
}

/// The waivers of an agreement that hold: which owners consented to a room's holding which term more loosely.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/waivers", tag = "rooms", operation_id = "waivers",
    params(("collaboration" = String, Path, description = "The collaboration."), Waiving),
    responses((status = 200, description = "A page of waivers.", body = wire::Waivers), Read))]
pub(super) async fn waivers(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
    Asked(Waiving { agreement, after, limit }): Asked<Waiving>,
) -> Result<Json<wire::Waivers>, Problem> {
    let part = Part { after: after.map(|after| after.0), max: page(limit)? };
    Ok(Json(gateway.desk(&caller).waivers(&collaboration, agreement.as_deref(), part).await?))
}

/// Consents, as an owner, to a room's holding one term more loosely.
#[utoipa::path(post, path = "/v1/collaborations/{collaboration}/waivers", tag = "rooms", operation_id = "waive", request_body = wire::Waived,
    params(("collaboration" = String, Path, description = "The collaboration."), ("If-Match" = String, Header, description = "The `ETag` of the collaboration that was looked at; `*` for whatever is there."), ("Idempotency-Key" = String, Header, description = "16 to 128 visible characters: the same key and body are done once.")),
    responses((status = 201, description = "It is on record.", body = wire::Given),
        (status = 202, description = "It waits for a second person of the same member, who has to ask for exactly the same within a day.", body = wire::Waits), Change))]
pub(super) async fn waive(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
    Said { said, tied }: Said<wire::Waived>,
) -> Result<Decided, Problem> {
    finished(&gateway.begun.clone(), async move {
        gateway.desk(&caller).waive(&collaboration, &said, &tied).await
    })
    .await
}

/// Offers again what was found taken away on a platform.
#[utoipa::path(post, path = "/v1/collaborations/{collaboration}/reoffers", tag = "rooms", operation_id = "reoffer", request_body = wire::Thing,
    params(("collaboration" = String, Path, description = "The collaboration."), ("If-Match" = String, Header, description = "The `ETag` of the collaboration that was looked at; `*` for whatever is there."), ("Idempotency-Key" = String, Header, description = "16 to 128 visible characters: the same key and body are done once.")),
    responses((status = 201, description = "It is on record.", body = wire::Given), Change))]
pub(super) async fn reoffer(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
    Said { said, tied }: Said<wire::Thing>,
) -> Result<Done, Problem> {
    finished(&gateway.begun.clone(), async move {
        gateway.desk(&caller).reoffer(&collaboration, &said, &tied).await
    })
    .await
}
