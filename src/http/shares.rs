//! `/v1/collaborations/{collaboration}/shares`: results that members open to recipients outside. What these read is at `/delta-sharing`.

use super::Gateway;
use super::asked::{Asked, page};
use super::delta::base;
use super::done::{finished, on_record};
use super::entry::Who;
use super::problem::Problem;
use super::said::{Denial, Keyed};
use super::wrong::{Change, Read};
use crate::app::desk::{Done, Opened};
use crate::wire;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use mappings::model::{MemberId, RecipientId};
use serde::Deserialize;

/// A page.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct After {
    /// The recipient after which the page begins, as `MEMBER/NAME`: `next` of the page before it.
    #[param(value_type = Option<String>)]
    after: Option<Whose>,
    /// So many at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// A recipient among those of all members: two members may each have one of the same name.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Whose((MemberId, RecipientId));

impl TryFrom<String> for Whose {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let parts = text.split_once('/');
        let whose = parts.and_then(|(by, name)| Some((by.parse().ok()?, name.parse().ok()?)));
        whose.map(Self).ok_or("MEMBER/NAME")
    }
}

/// Recipients, and what is open to each, by member and name.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/shares", tag = "shares", operation_id = "shares",
    params(("collaboration" = String, Path, description = "The collaboration."), After),
    responses((status = 200, description = "A page of recipients.", body = wire::Shares), Read))]
pub(super) async fn shares(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
    Asked(After { after, limit }): Asked<After>,
) -> Result<Json<wire::Shares>, Problem> {
    let (after, max) = (after.map(|after| after.0), page(limit)?);
    Ok(Json(gateway.desk(&caller).shares(&collaboration, after.as_ref(), max).await?))
}

/// Opens a result that the caller's member received to a recipient outside. The profile is in the answer where the recipient has a new token, once.
#[utoipa::path(post, path = "/v1/collaborations/{collaboration}/shares", tag = "shares", operation_id = "share", request_body = wire::ShareAsked,
    params(("collaboration" = String, Path, description = "The collaboration."), ("If-Match" = Option<String>, Header, description = "The `ETag` of the collaboration that was looked at; `*` or none for whatever is there."), ("Idempotency-Key" = String, Header, description = "16 to 128 visible characters: the same key and body are done once.")),
    responses((status = 201, description = "It is on record.", body = wire::ShareGiven), Change))]
pub(super) async fn share(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
    headers: HeaderMap,
    Keyed { said, tied }: Keyed<wire::ShareAsked>,
) -> Result<Opened, Problem> {
    let endpoint = base(&headers);
    finished(&gateway.begun.clone(), async move {
        gateway.desk(&caller).share(&collaboration, &said, (&tied, &endpoint)).await
    })
    .await
}

/// Gives a recipient another token: the newest two are good, or the new one alone.
#[utoipa::path(post, path = "/v1/collaborations/{collaboration}/shares/tokens", tag = "shares", operation_id = "rotate-share-token", request_body = wire::ShareTokenAsked,
    params(("collaboration" = String, Path, description = "The collaboration."), ("If-Match" = Option<String>, Header, description = "The `ETag` of the collaboration that was looked at; `*` or none for whatever is there."), ("Idempotency-Key" = String, Header, description = "16 to 128 visible characters: the same key and body are done once.")),
    responses((status = 201, description = "It is on record.", body = wire::ShareGiven), Change))]
pub(super) async fn rotate(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
    headers: HeaderMap,
    Keyed { said, tied }: Keyed<wire::ShareTokenAsked>,
) -> Result<Opened, Problem> {
    let endpoint = base(&headers);
    finished(&gateway.begun.clone(), async move {
        gateway.desk(&caller).rotate(&collaboration, &said, (&tied, &endpoint)).await
    })
    .await
}

/// Takes a share away, or everything of a recipient's with its tokens. What it reads ends at once. It is tied to nothing: it needs no key and no mark.
#[utoipa::path(post, path = "/v1/collaborations/{collaboration}/shares/revocations", tag = "shares", operation_id = "end-share", request_body = wire::ShareEnd,
    params(("collaboration" = String, Path, description = "The collaboration.")),
    responses((status = 201, description = "It is on record.", body = wire::Given), Change))]
pub(super) async fn end(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
    Denial(said): Denial<wire::ShareEnd>,
) -> Result<Done, Problem> {
    let share = gateway.denying.take(caller.tenant())?;
    finished(&gateway.begun.clone(), async move {
        let _share = share;
        gateway.desk(&caller).unshare(&collaboration, &said).await
    })
    .await
}

impl IntoResponse for Opened {
    fn into_response(self) -> Response {
        let Done { given: wire::Given { receipt, leaf_bytes }, repeated, collaboration } =
            self.done;
        let index = receipt.index;
        let given = wire::ShareGiven { receipt, leaf_bytes, profile: self.profile };
        on_record((&collaboration, index), &given, repeated)
    }
}
