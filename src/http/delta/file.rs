//! A file of a shared result by a URL of this gateway's: its signature is the leave to read it, and it holds while the share does. A file that is on
//! its way ends on its way where that is taken back.

use super::super::Gateway;
use super::super::problem::Problem;
use super::range::wanted;
use super::unread;
use crate::app::sharing::OpenFile;
use crate::app::{App, Share};
use crate::results::ResultsError;
use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::stream::{self, BoxStream, StreamExt as _};
use serde::Deserialize;
use std::sync::Arc;
use std::time::{Duration, Instant};

const PARQUET: HeaderValue = HeaderValue::from_static("application/vnd.apache.parquet");
/// RFC 9530.
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
/// How often whoever sends a file looks whether it is still open.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The signature of a URL.
#[derive(Debug, Deserialize)]
pub(super) struct Signed {
    sig: String,
}

/// Some of a file, or all of it.
pub(super) async fn file(
    State(gateway): State<Gateway>,
    Path(name): Path<String>,
    signed: Result<Query<Signed>, QueryRejection>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Query(Signed { sig }) = signed.map_err(|_| unread("the URL"))?;
    let range = |bytes: u64, mark: &str| wanted(&headers, bytes, mark);
    let is_head = method == Method::HEAD;
    let open = gateway.app.shared_file(&gateway.house, (&name, &sig), range, is_head).await?;
    Ok(sent(Arc::clone(&gateway.app), sig, open))
}

fn sent(app: Arc<App>, sig: String, open: OpenFile) -> Response {
    let OpenFile { line, range, parts, leave } = open;
    let mark = line.sha256.to_string().replace("sha256:", "");
    let digest = format!("sha-256=:{}:", STANDARD.encode(line.sha256.as_bytes()));
    let length = range.as_ref().map_or(line.bytes, |range| range.end - range.start);
    let body = parts.map_or_else(Body::empty, |parts| watched((app, sig), parts, leave));
    let status = if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, PARQUET);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let within =
        range.map(|range| format!("bytes {}-{}/{}", range.start, range.end - 1, line.bytes));
    let texts =
        [(ETAG, Some(format!("\"{mark}\""))), (REPR_DIGEST, Some(digest)), (CONTENT_RANGE, within)];
    for (name, text) in texts {
        if let Some(Ok(value)) = text.map(|text| HeaderValue::from_str(&text)) {
            headers.insert(name, value);
        }
    }
    response
}

type Parts = BoxStream<'static, Result<Bytes, ResultsError>>;

/// What is sent, for as long as the share is open.
fn watched(of: (Arc<App>, String), parts: Parts, leave: Share) -> Body {
    let looked = Instant::now();
    let sent =
        stream::unfold((of, parts, leave, looked), |(of, mut parts, leave, looked)| async move {
            let part = parts.next().await?;
            let is_due = looked.elapsed() >= LOOK_EVERY;
            if is_due && !of.0.still_open(&of.1).await {
                let closed = stream::empty().boxed();
                return Some((Err(ResultsError::FileDiffers), (of, closed, leave, looked)));
            }
            let looked = if is_due { Instant::now() } else { looked };
            Some((part, (of, parts, leave, looked)))
        });
    Body::from_stream(sent)
}
