//! `/v1/collaborations/{collaboration}/runs`.

use super::Gateway;
use super::asked::{Asked, Position, page};
use super::done::{finished, repeated};
use super::entry::Who;
use super::problem::Problem;
use super::said::{Keyed, Same};
use super::wrong::{Change, Read};
use crate::access::Caller;
use crate::app::Watched;
use crate::app::desk::{Done, RunsAsked};
use crate::clock::{Clock as _, SystemClock};
use crate::wire;
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde::Deserialize;
use std::convert::Infallible;
use std::time::{Duration, Instant};

/// How often a run is looked at for whoever follows it, and how often that is told that it is still looked at.
const LOOKED_EVERY: Duration = Duration::from_millis(250);
const TOLD_EVERY: Duration = Duration::from_secs(15);
/// Whoever follows longer asks again.
const FOLLOWED_FOR: Duration = Duration::from_mins(10);
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");

/// A page of runs.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Requested before this position: `next` of the page before it.
    #[param(value_type = Option<i64>, minimum = 0)]
    before: Option<Position>,
    /// So many at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// That stand so.
    #[param(inline)]
    state: Option<wire::RunState>,
    /// Of this template.
    template: Option<String>,
    /// Only those of which the caller's member receives the result.
    received: Option<bool>,
}

/// The runs, the newest first.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/runs", tag = "runs", operation_id = "runs",
    params(("collaboration" = String, Path, description = "The collaboration."), Which),
    responses((status = 200, description = "A page of runs.", body = wire::Runs), Read))]
pub(super) async fn runs(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
    Asked(which): Asked<Which>,
) -> Result<Json<wire::Runs>, Problem> {
    let Which { before, limit, state, template, received } = which;
    let received = received.unwrap_or_default();
    let before = before.map(|before| before.0);
    let asked = RunsAsked { before, max: page(limit)?, state, template, received };
    Ok(Json(gateway.desk(&caller).runs(&collaboration, &asked).await?))
}

/// Asks for a run of an approved template. Its request is on record when this answers; what becomes of it is at its place.
#[utoipa::path(post, path = "/v1/collaborations/{collaboration}/runs", tag = "runs", operation_id = "request-run", request_body = wire::RunAsked,
    params(("collaboration" = String, Path, description = "The collaboration."), ("If-Match" = Option<String>, Header, description = "The `ETag` of the collaboration that was looked at; `*` or none for whatever is there."), ("Idempotency-Key" = String, Header, description = "16 to 128 visible characters: the same key and body are one run, for good.")),
    responses((status = 202, description = "It is on record and under way.", body = wire::RunGiven), Change))]
pub(super) async fn request(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
    Keyed { said, tied }: Keyed<wire::RunAsked>,
) -> Result<Response, Problem> {
    let (run, done) = finished(&gateway.begun.clone(), async move {
        gateway.desk(&caller).request_run(&collaboration, &said, &tied).await
    })
    .await?;
    let Done { given, repeated: again, collaboration } = done;
    let place = format!("/v1/collaborations/{collaboration}/runs/{run}");
    let wire::Given { receipt, leaf_bytes } = given;
    let given = wire::RunGiven { run: run.to_string(), receipt, leaf_bytes };
    let mut response = (StatusCode::ACCEPTED, Json(given)).into_response();
    if let Ok(place) = HeaderValue::from_str(&place) {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(repeated(response, again))
}

/// A run.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/runs/{run}", tag = "runs", operation_id = "run",
    params(("collaboration" = String, Path, description = "The collaboration."), ("run" = String, Path, description = "Its id.")),
    responses((status = 200, description = "Where it stands.", body = wire::Run), Read))]
pub(super) async fn run(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path((collaboration, run)): Path<(String, String)>,
) -> Result<Json<wire::Run>, Problem> {
    Ok(Json(gateway.desk(&caller).run(&collaboration, &run).await?.0))
}

/// Stops an own run that delivers nothing yet. Nothing of it is left; it counts against the cap all the same.
#[utoipa::path(post, path = "/v1/collaborations/{collaboration}/runs/{run}/cancellations", tag = "runs", operation_id = "cancel",
    params(("collaboration" = String, Path, description = "The collaboration."), ("run" = String, Path, description = "Its id."), ("If-Match" = Option<String>, Header, description = "The `ETag` of the collaboration that was looked at; `*` or none for whatever is there."), ("Idempotency-Key" = String, Header, description = "16 to 128 visible characters: the same key is done once.")),
    responses((status = 201, description = "It is on record.", body = wire::Given), Change))]
pub(super) async fn cancel(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path((collaboration, run)): Path<(String, String)>,
    Same(tied): Same,
) -> Result<Done, Problem> {
    finished(&gateway.begun.clone(), async move {
        gateway.desk(&caller).cancel(&collaboration, &run, &tied).await
    })
    .await
}

/// A run, followed: an event `run` with where it stands whenever that changes, until it has ended. The id of an event is the position of the newest
/// leaf about the run; each says all of it, so that nothing is lost between two connections.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/runs/{run}/events", tag = "runs", operation_id = "run-events",
    params(("collaboration" = String, Path, description = "The collaboration."), ("run" = String, Path, description = "Its id.")),
    responses((status = 200, description = "Server-sent events; the data of each is the run.", body = String, content_type = "text/event-stream"), Read))]
pub(super) async fn events(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path((collaboration, run)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let of = (collaboration, run);
    // Whoever may not see it is told now, and not in a stream.
    gateway.desk(&caller).run(&of.0, &of.1).await?;
    let follower = gateway.following.take(caller.tenant())?;
    let follow = Follow {
        gateway: gateway.clone(),
        caller,
        of,
        told: None,
        told_at: Instant::now(),
        since: Instant::now(),
        watched: Watched::default(),
        ended: false,
    };
    let events = stream::unfold((follow, follower), |(mut follow, follower)| async move {
        let event = follow.next().await?;
        Some((Ok::<_, Infallible>(event), (follow, follower)))
    });
    let mut response = Body::from_stream(events).into_response();
    response.headers_mut().insert(CONTENT_TYPE, EVENTS);
    Ok(response)
}

/// Somebody who follows a run.
struct Follow {
    gateway: Gateway,
    caller: Caller,
    of: (String, String),
    told: Option<wire::Run>,
    told_at: Instant,
    since: Instant,
    watched: Watched,
    ended: bool,
}

impl Follow {
    /// The next event; none once there is nothing more to tell, or nobody to tell it to.
    async fn next(&mut self) -> Option<String> {
        let ends = self.gateway.runs.ends().clone();
        while !self.ended && !ends.is_cancelled() && self.since.elapsed() < FOLLOWED_FOR {
            if SystemClock.now_ms() >= self.caller.expires_ms() {
                return None;
            }
            if let Some(event) = self.looked().await? {
                self.told_at = Instant::now();
                return Some(event);
            }
            if self.told_at.elapsed() >= TOLD_EVERY {
                self.told_at = Instant::now();
                return Some(": still there\n\n".to_owned());
            }
            tokio::select! {
                () = ends.cancelled() => {}
                () = tokio::time::sleep(LOOKED_EVERY) => {}
            }
        }
        None
    }

    /// What there is to tell. The outer `None`: it is not there for the caller any more, or can't be looked at.
    async fn looked(&mut self) -> Option<Option<String>> {
        let desk = self.gateway.desk(&self.caller);
        let (collaboration, run) = (self.of.0.as_str(), self.of.1.as_str());
        let phase = self.told.as_ref().and_then(|run| run.phase);
        let moved = desk.has_moved((collaboration, run), phase, &mut self.watched).await.ok()?;
        if !moved && self.told.is_some() {
            return Some(None);
        }
        let (run, newest) = desk.run(collaboration, run).await.ok()?;
        if self.told.as_ref() == Some(&run) {
            return Some(None);
        }
        self.ended = run.state.is_end();
        let data = serde_json::to_string(&run).ok()?;
        self.told = Some(run);
        Some(Some(format!("event: run\nid: {newest}\nretry: 1000\ndata: {data}\n\n")))
    }
}
