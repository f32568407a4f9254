//! `/v1/collaborations/{collaboration}/runs/{run}/manifest` and `…/files`: results, for those who receive them.

use super::Gateway;
use super::entry::Who;
use super::problem::Problem;
use super::wrong::Read;
use crate::app::desk::FetchedFile;
use crate::error::Error;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::stream;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PARQUET: HeaderValue = HeaderValue::from_static("application/vnd.apache.parquet");
/// RFC 9530.
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
/// Bytes that are handed on at a time.
const PART: usize = 64 * 1_024;

/// The manifest of a result as it lies at the destination of the caller's member, if it is the one on record. Its signature is the gateway's.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/runs/{run}/manifest", tag = "results", operation_id = "manifest",
    params(("collaboration" = String, Path, description = "The collaboration."), ("run" = String, Path, description = "The run.")),
    responses((status = 200, description = "The manifest.", body = Object, content_type = "application/json"), (status = 409, description = "There is no result for this member, or not the one on record.", body = crate::wire::ProblemDocument, content_type = "application/problem+json"), Read))]
pub(super) async fn manifest(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path((collaboration, run)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let bytes = gateway.desk(&caller).manifest(&collaboration, &run).await?;
    Ok(([(CONTENT_TYPE, JSON)], bytes).into_response())
}

/// A file of a result, which the manifest names: whole, and the one that was signed, or none of it.
#[utoipa::path(get, path = "/v1/collaborations/{collaboration}/runs/{run}/files/{file}", tag = "results", operation_id = "file",
    params(("collaboration" = String, Path, description = "The collaboration."), ("run" = String, Path, description = "The run."), ("file" = String, Path, description = "Its name in the manifest.")),
    responses((status = 200, description = "The file.", body = inline(crate::wire::Bytes), content_type = "application/vnd.apache.parquet", headers(("Repr-Digest" = String, description = "Its SHA-256, as the manifest has it (RFC 9530)."))), (status = 409, description = "There is no result for this member, or not the one on record.", body = crate::wire::ProblemDocument, content_type = "application/problem+json"), Read))]
pub(super) async fn file(
    State(gateway): State<Gateway>,
    Who(caller): Who,
    Path((collaboration, run, file)): Path<(String, String, String)>,
) -> Result<Response, Problem> {
    downloaded(gateway.desk(&caller).file(&collaboration, &run, &file).await?)
}

/// A file on its way.
pub(super) fn downloaded(
    FetchedFile { line, file, leave }: FetchedFile,
) -> Result<Response, Problem> {
    let sent = (File::from_std(file), leave);
    let parts = stream::unfold(sent, |(mut file, leave)| async move {
        let mut part = vec![0; PART];
        match file.read(&mut part).await {
            Ok(0) => None,
            Ok(length) => {
                part.truncate(length);
                Some((Ok(Bytes::from(part)), (file, leave)))
            }
            Err(error) => Some((Err(error), (file, leave))),
        }
    });
    let header = |text: String| {
        HeaderValue::from_str(&text).map_err(|_| Error::failed("bug", "a file's name is no header"))
    };
    let digest = header(format!("sha-256=:{}:", STANDARD.encode(line.sha256.as_bytes())))?;
    let name = header(format!("attachment; filename=\"{}\"", line.name))?;
    let headers = [
        (CONTENT_TYPE, PARQUET),
        (CONTENT_LENGTH, HeaderValue::from(line.bytes)),
        (REPR_DIGEST, digest),
        (CONTENT_DISPOSITION, name),
    ];
    Ok((headers, Body::from_stream(parts)).into_response())
}
