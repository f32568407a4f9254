//! `/v1/collaborations/{collaboration}/members`.

use super::Gateway;
use super::asked::{Asked, page};
use super::done::finished;
use super::entry::Who;
use super::problem::Problem;
use super::said::Said;
use super::wrong::{Change, Read};
use crate::app::desk::{Done, Part};
use crate::log::MemberState;
use crate::wire;
use axum::Json;
use axum::extract::{Path, State};
use mappings::model::MemberId;
use serde::Deserialize;

/// How a member stands.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
enum Stands {
    Invited,
    Joined,
    Declined,
    Revoked,
}

impl From<Stands> for MemberState {
    fn from(stands: Stands) -> Self {
        match stands {
            Stands::Invited => Self::Invited,
            Stands::Joined => Self::Joined,
            Stands::Declined => Self::Declined,
            Stands::Revoked => Self::Revoked,
        }
    }
}

/// A page of a list that may be of those alone who stand so.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Listing {
    /// Those alone who stand so.
    #[param(inline)]
    state: Option<Stands>,
    /// The name after which the page begins: `next` of the page before it.
    #[param(value_type = Option<String>)]
    after: Option<MemberId>,
    /// So many at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// Its members, and where each stands.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/members", tag = "members", operation_id = "members",
    params(("collaboration" = String, Path, description = "The collaboration."), Listing),
    responses((status = 200, description = "A page of members.", body = wire::Members), Read))]
pub(super) async fn members(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
    Asked(Listing { state, after, limit }): Asked<Listing>,
) -> Result<Json<wire::Members>, Problem> {
    let (stands, part) = (state.map(MemberState::from), Part { after, max: page(limit)? });
    Ok(Json(gateway.desk(&caller).members(&collaboration, stands, part).await?))
}

/// Accepts the agreement that waits, under the member's key.
#[utoipa::path(post, path = "/v1/collaborations/{collaboration}/joins", tag = "members", operation_id = "join", request_body = wire::Answer,
    params(("collaboration" = String, Path, description = "The collaboration."), ("If-Match" = String, Header, description = "The `ETag` of the collaboration that was looked at; `*` for whatever is there."), ("Idempotency-Key" = String, Header, description = "16 to 128 visible characters: the same key and body are done once.")),
    responses((status = 201, description = "It is on record.", body = wire::Given), Change))]
pub(super) async fn join(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
    Said { said, tied }: Said<wire::Answer>,
) -> Result<Done, Problem> {
    finished(&gateway.begun.clone(), async move {
        gateway.desk(&caller).join(&collaboration, &said, &tied).await
    })
    .await
}

/// Declines the agreement that waits: final for that proposal.
#[utoipa::path(post, path = "/v1/collaborations/{collaboration}/declines", tag = "members", operation_id = "decline", request_body = wire::Answer,
    params(("collaboration" = String, Path, description = "The collaboration."), ("If-Match" = String, Header, description = "The `ETag` of the collaboration that was looked at; `*` for whatever is there."), ("Idempotency-Key" = String, Header, description = "16 to 128 visible characters: the same key and body are done once.")),
    responses((status = 201, description = "It is on record.", body = wire::Given), Change))]
pub(super) async fn decline(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path(collaboration): Path<String>,
    Said { said, tied }: Said<wire::Answer>,
) -> Result<Done, Problem> {
    finished(&gateway.begun.clone(), async move {
        gateway.desk(&caller).decline(&collaboration, &said, &tied).await
    })
    .await
}
