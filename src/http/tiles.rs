//! `/v1/collaborations/{collaboration}/tiles/{level}/{index}`: the hashes of a log as they are published, for whoever has no place of its own.

use super::Gateway;
use super::asked::Asked;
use super::entry::Who;
use super::problem::Problem;
use super::wrong::Read;
use crate::log::tiles::{Tile, WIDTH};
use axum::extract::{Path, State};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// How much of a tile.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Part {
    /// So many of its hashes, the first ones; all 256 where it is not said.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 256)]
    width: Option<Width>,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "u16")]
struct Width(u16);

impl TryFrom<u16> for Width {
    type Error = &'static str;

    fn try_from(width: u16) -> Result<Self, Self::Error> {
        if (1..=WIDTH).contains(&width) { Ok(Self(width)) } else { Err("1 to 256") }
    }
}

/// A tile of the log (C2SP tlog-tiles): consecutive hashes, of 32 bytes each, over `256^level` leaves each. `tile/L/N.p/W` of the specification is
/// `tiles/L/N?width=W` here. It is there once the log has every leaf below it.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/tiles/{level}/{index}", tag = "log", operation_id = "tile",
    params(("collaboration" = String, Path, description = "The collaboration."), ("level" = u64, Path, description = "Its level; leaf hashes are at 0."), ("index" = u64, Path, description = "Its place in the level."), Part),
    responses((status = 200, description = "Its hashes, one after the other.", body = inline(crate::wire::Bytes), content_type = "application/octet-stream"), Read))]
pub(super) async fn tile(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path((collaboration, level, index)): Path<(String, u64, u64)>,
    Asked(Part { width }): Asked<Part>,
) -> Result<Response, Problem> {
    let width = width.map_or(WIDTH, |width| width.0);
    let tile = u8::try_from(level).ok().and_then(|level| Tile::new(level, index, width));
    let bytes = gateway.desk(&caller).tile(&collaboration, tile).await?;
    Ok(([(CONTENT_TYPE, BYTES)], bytes).into_response())
}
