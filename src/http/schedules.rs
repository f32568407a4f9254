//! `/v1/collaborations/{collaboration}/schedules`.

use super::Gateway;
use super::done::finished;
use super::entry::Who;
use super::problem::Problem;
use super::said::{Keyed, Same};
use super::wrong::{Change, Read};
use crate::app::desk::Done;
use crate::wire;
use axum::Json;
use axum::extract::{Path, State};

/// The schedules that have not ended, by name.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/schedules", tag = "runs", operation_id = "schedules",
    params(("collaboration" = String, Path, description = "The collaboration.")),
    responses((status = 200, description = "The schedules.", body = wire::Schedules), Read))]
pub(super) async fn schedules(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
) -> Result<Json<wire::Schedules>, Problem> {
    Ok(Json(gateway.desk(&caller).schedules(&collaboration).await?))
}

/// A schedule, also one that has ended.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/schedules/{schedule}", tag = "runs", operation_id = "schedule",
    params(("collaboration" = String, Path, description = "The collaboration."), ("schedule" = String, Path, description = "Its name.")),
    responses((status = 200, description = "Where it stands.", body = wire::Schedule), Read))]
pub(super) async fn schedule(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path((collaboration, schedule)): Path<(String, String)>,
) -> Result<Json<wire::Schedule>, Problem> {
    Ok(Json(gateway.desk(&caller).schedule_of(&collaboration, &schedule).await?))
}

/// Asks for runs of an approved template at times to come. Each counts against the cap when it is due, and is refused then by whatever refuses a run.
#[utoipa::path(post, path = "/v1/collaborations/{collaboration}/schedules", tag = "runs", operation_id = "add-schedule", request_body = wire::ScheduleAsked,
    params(("collaboration" = String, Path, description = "The collaboration."), ("If-Match" = Option<String>, Header, description = "The `ETag` of the collaboration that was looked at; `*` or none for whatever is there."), ("Idempotency-Key" = String, Header, description = "16 to 128 visible characters: the same key and body are done once.")),
    responses((status = 201, description = "It is on record.", body = wire::Given), Change))]
pub(super) async fn add(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
    Keyed { said, tied }: Keyed<wire::ScheduleAsked>,
) -> Result<Done, Problem> {
    finished(&gateway.begun.clone(), async move {
        gateway.desk(&caller).schedule(&collaboration, &said, &tied).await
    })
    .await
}

/// Ends an own schedule. A run of it that is under way goes on; it is stopped as any other.
#[utoipa::path(post, path = "/v1/collaborations/{collaboration}/schedules/{schedule}/removals", tag = "runs", operation_id = "remove-schedule",
    params(("collaboration" = String, Path, description = "The collaboration."), ("schedule" = String, Path, description = "Its name."), ("If-Match" = Option<String>, Header, description = "The `ETag` of the collaboration that was looked at; `*` or none for whatever is there."), ("Idempotency-Key" = String, Header, description = "16 to 128 visible characters: the same key is done once.")),
    responses((status = 201, description = "It is on record.", body = wire::Given), Change))]
pub(super) async fn remove(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path((collaboration, schedule)): Path<(String, String)>,
    Same(tied): Same,
) -> Result<Done, Problem> {
    finished(&gateway.begun.clone(), async move {
        gateway.desk(&caller).unschedule(&collaboration, &schedule, &tied).await
    })
    .await
}
