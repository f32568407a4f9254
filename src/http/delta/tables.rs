//! A table: its one version, what it is, and its files. What servers with tables that change have beside that is refused by name.

use super::super::Gateway;
use super::super::body::whole;
use super::super::problem::{Own, Problem};
use super::{Visiting, base, unread};
use crate::app::sharing::{Query as Asked, Told};
use crate::sharing::{VERSION, Wants, unsupported, version as of_version};
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

const CAPABILITIES: HeaderName = HeaderName::from_static("delta-sharing-capabilities");
const TABLE_VERSION: HeaderName = HeaderName::from_static("delta-table-version");
const NDJSON: HeaderValue = HeaderValue::from_static("application/x-ndjson; charset=utf-8");
/// The longest body of a query.
const QUERY_MAX: usize = 64 * 1_024;

type Named = (String, String, String);

/// At which time a table is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct At {
    version: Option<i64>,
    timestamp: Option<String>,
    starting_timestamp: Option<String>,
}

impl At {
    /// Refuses another time than now, and another version than the one there is.
    fn now(asked: Result<Query<Self>, QueryRejection>) -> Result<(), Problem> {
        let Query(at) = asked.map_err(|_| unread("version or timestamp"))?;
        if at.timestamp.or(at.starting_timestamp).is_some() {
            return Err(unsupported("a table as it was at a time").into());
        }
        Ok(of_version(at.version)?)
    }
}

/// The version.
pub(super) async fn version(
    State(gateway): State<Gateway>,
    Path((share, schema, table)): Path<Named>,
    visiting: Visiting,
    at: Result<Query<At>, QueryRejection>,
) -> Result<Response, Problem> {
    gateway.app.shared_table(&visiting.guest, (&share, &schema, &table))?;
    At::now(at)?;
    Ok([(TABLE_VERSION, HeaderValue::from(VERSION))].into_response())
}

/// What a table is.
pub(super) async fn metadata(
    State(gateway): State<Gateway>,
    Path((share, schema, table)): Path<Named>,
    visiting: Visiting,
    headers: HeaderMap,
    at: Result<Query<At>, QueryRejection>,
) -> Result<Response, Problem> {
    let name = (share.as_str(), schema.as_str(), table.as_str());
    gateway.app.shared_table(&visiting.guest, name)?;
    At::now(at)?;
    let of = (&gateway.house, &visiting.guest);
    Ok(told(gateway.app.shared_metadata(of, name, wants(&headers)?).await?))
}

/// Its files, each with a URL.
pub(super) async fn query(
    State(gateway): State<Gateway>,
    Path((share, schema, table)): Path<Named>,
    visiting: Visiting,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let name = (share.as_str(), schema.as_str(), table.as_str());
    gateway.app.shared_table(&visiting.guest, name)?;
    let body = whole(body, QUERY_MAX).await.map_err(Own::from)?;
    let asked = (&Asked::read(&body)?, wants(&headers)?);
    let of = (&gateway.house, &visiting.guest);
    Ok(told(gateway.app.shared_files(of, name, asked, &base(&headers)).await?))
}

/// Changes between versions: there is one version.
pub(super) async fn changes(
    State(gateway): State<Gateway>,
    Path((share, schema, table)): Path<Named>,
    visiting: Visiting,
) -> Result<Response, Problem> {
    gateway.app.shared_table(&visiting.guest, (&share, &schema, &table))?;
    Err(unsupported("a feed of changes").into())
}

/// Credentials of the storage: nobody gets any.
pub(super) async fn credentials(
    State(gateway): State<Gateway>,
    Path((share, schema, table)): Path<Named>,
    visiting: Visiting,
) -> Result<Response, Problem> {
    gateway.app.shared_table(&visiting.guest, (&share, &schema, &table))?;
    Err(unsupported("access to a folder; accessModes says url").into())
}

fn wants(headers: &HeaderMap) -> Result<Wants, Problem> {
    let said = headers.get(CAPABILITIES).map(HeaderValue::to_str).transpose();
    let said = said.map_err(|_| unread("delta-sharing-capabilities"))?;
    Ok(Wants::read(said)?)
}

fn told(Told { lines, wants }: Told) -> Response {
    let version = HeaderValue::from(VERSION);
    let mut response = ([(CONTENT_TYPE, NDJSON), (TABLE_VERSION, version)], lines).into_response();
    if let Ok(said) = HeaderValue::from_str(&wants.told()) {
        response.headers_mut().insert(CAPABILITIES, said);
    }
    response
}
