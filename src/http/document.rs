//! What the gateway says of itself: its `OpenAPI` document, and a page for every code that an answer may have. Must not know what a call does.

use super::problem::{Own, Problem};
use crate::error::codes;
use crate::wire;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// The document changes with the program only.
const FOR_AN_HOUR: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// What holds of all paths.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Airlock",
        description = "An interoperability gateway between data clean rooms: one agreement, held true on every platform.\n\nEvery answer that is not one of success is a problem document (RFC 9457) with a stable code.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/")),
    security(("token" = [])),
    components(schemas(wire::ProblemDocument)),
    modifiers(&Token),
)]
pub(super) struct Whole;

/// Callers show an access token.
struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut Document) {
        let mut http = Http::new(HttpAuthScheme::Bearer);
        http.bearer_format = Some("JWT".to_owned());
        http.description =
            Some("An access token (RFC 9068) of an issuer that this gateway knows.".to_owned());
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(http));
    }
}

/// The document as it is served and committed.
pub(super) fn text(document: &Document) -> String {
    let mut whole = serde_json::to_value(document).unwrap_or_default();
    headers_in_full(&mut whole);
    nothing_else(&mut whole);
    // Cedar has maps keep the order in which they were filled; this document has the order of names, whatever is built with it.
    whole.sort_all_objects();
    serde_json::to_string_pretty(&whole).unwrap_or_default()
}

/// What is said of two headers holds wherever they are read; and a stream of events has no one shape.
fn headers_in_full(document: &mut Value) {
    match document {
        Value::Object(fields) => {
            let pattern = match fields.get("name").and_then(Value::as_str) {
                Some("Idempotency-Key") => Some("^[!-~]{16,128}$"),
                Some("If-Match") => Some(r#"^(\*|"[^",]+")$"#),
                Some(_) | None => None,
            };
            if let (Some(pattern), Some(Value::Object(schema))) =
                (pattern, fields.get_mut("schema"))
            {
                schema.insert("pattern".to_owned(), pattern.into());
            }
            if let Some(Value::Object(events)) = fields.get_mut("text/event-stream") {
                events.remove("schema");
            }
            fields.values_mut().for_each(headers_in_full);
        }
        Value::Array(all) => all.iter_mut().for_each(headers_in_full),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Of the kinds of a thing each has its own names and no others, which the derived document does not say.
fn nothing_else(document: &mut Value) {
    let kinds =
        document.pointer_mut("/components/schemas/Thing/oneOf").and_then(Value::as_array_mut);
    for kind in kinds.into_iter().flatten().filter_map(Value::as_object_mut) {
        kind.insert("additionalProperties".to_owned(), false.into());
    }
}

/// The document.
pub(super) fn served(text: String) -> impl Fn() -> std::future::Ready<Response> + Clone {
    let headers: [(HeaderName, HeaderValue); 2] =
        [(CONTENT_TYPE, JSON), (CACHE_CONTROL, FOR_AN_HOUR)];
    let text = Bytes::from(text);
    move || std::future::ready((headers.clone(), text.clone()).into_response())
}

/// What a code means.
#[utoipa::path(get, path = "/problems/{code}", tag = "health", operation_id = "problem", security(()),
    params(("code" = String, Path, description = "A stable code.")),
    responses(
        (status = 200, description = "The code in words, and what would pass.", body = String, content_type = "text/plain"),
        (status = 404, description = "No answer has this code.", body = wire::ProblemDocument, content_type = "application/problem+json"),
    ))]
pub(super) async fn problem(Path(code): Path<String>) -> Result<String, Own> {
    let mut own = Own::ALL.iter().map(|own| Problem::from(*own).document(""));
    let own = own.find(|document| document.code == code).map(|one| (one.detail, one.help));
    let others = codes::explained(&code).map(|one| (one.means.to_owned(), one.pass.to_owned()));
    let (means, pass) = own.or(others).ok_or(Own::PathUnknown)?;
    Ok(format!("{}\n\n{means}\n\nwould pass: {pass}\n", code.replace('-', " ")))
}
