//! `/v1/collaborations/{collaboration}/rooms`.

use super::Gateway;
use super::done::finished;
use super::entry::Who;
use super::problem::Problem;
use super::said::{Bare, Said};
use super::wrong::{Change, Platform, Read};
use crate::app::desk::{Decided, Done};
use crate::wire;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;

/// Its rooms on other platforms: what is wanted there, what was seen, what holds.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/rooms", tag = "rooms", operation_id = "rooms",
    params(("collaboration" = String, Path, description = "The collaboration.")),
    responses((status = 200, description = "The rooms.", body = wire::Rooms), Read))]
pub(super) async fn rooms(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
) -> Result<Json<wire::Rooms>, Problem> {
    Ok(Json(gateway.desk(&caller).rooms(&collaboration).await?))
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
