//! Operations on their way out: each answer says since when (RFC 9745), until when (RFC 8594) and what to ask instead. Nothing is on its way out
//! now. Must not know what an operation does.

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{HeaderName, LINK};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use chrono::{DateTime, Utc};

/// What is deprecated, as the document says it as well. An operation stays at least 180 days after that.
pub(super) const DEPRECATED: &[Deprecated] = &[];

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Deprecated {
    pub(super) method: Method,
    /// The path as the document has it.
    pub(super) route: &'static str,
    /// The path of the operation that takes its place.
    pub(super) instead: &'static str,
    pub(super) since: DateTime<Utc>,
    /// From when on it is not there any more.
    pub(super) gone: DateTime<Utc>,
}

impl Deprecated {
    fn mark(&self, headers: &mut HeaderMap) {
        let since = format!("@{}", self.since.timestamp());
        let gone = self.gone.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let link = format!("<{}>; rel=\"successor-version\"", self.instead);
        for (name, text) in [(DEPRECATION, since), (SUNSET, gone), (LINK, link)] {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.append(name, value);
            }
        }
    }
}

/// Says so in the answers of those operations, whatever else they say.
pub(super) async fn marked(
    State(all): State<&'static [Deprecated]>,
    request: Request,
    next: Next,
) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let asked = |one: &&Deprecated| Some(one.route) == route && one.method == request.method();
    let found = all.iter().find(asked);
    let mut answer = next.run(request).await;
    if let Some(one) = found {
        one.mark(answer.headers_mut());
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::Body;
    use axum::http::StatusCode;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use tower::ServiceExt as _;

    fn old() -> &'static [Deprecated] {
        let at = |text: &str| text.parse().unwrap();
        let (since, gone) = (at("2026-11-28T00:00:00Z"), at("2027-06-01T12:30:00Z"));
        let (method, route, instead) = (Method::GET, "/old/{name}", "/new/{name}");
        vec![Deprecated { method, route, instead, since, gone }].leak()
    }

    async fn asked(method: Method, path: &str) -> (StatusCode, [Option<String>; 3]) {
        let refused = || async { StatusCode::FORBIDDEN };
        let router = Router::new()
            .route("/old/{name}", get(refused).post(refused))
            .route("/new/{name}", get(refused))
            .route_layer(from_fn_with_state(old(), marked));
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let answer = router.oneshot(request).await.unwrap();
        let of = |name| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        (answer.status(), [of("deprecation"), of("sunset"), of("link")])
    }

    #[tokio::test]
    async fn answers_of_what_is_on_its_way_out_say_so_and_no_others() {
        let said = [
            "@1795824000",
            "Tue, 01 Jun 2027 12:30:00 GMT",
            "</new/{name}>; rel=\"successor-version\"",
        ];
        let said = said.map(|text| Some(text.to_owned()));
        assert_eq!(asked(Method::GET, "/old/one").await, (StatusCode::FORBIDDEN, said));
        for (method, path) in [(Method::POST, "/old/one"), (Method::GET, "/new/one")] {
            assert_eq!(asked(method, path).await.1, [None, None, None], "{path}");
        }
    }

    #[test]
    fn the_document_marks_the_same_operations() {
        let document: serde_json::Value =
            serde_json::from_str(include_str!("openapi.json")).unwrap();
        let operations = document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(move |(method, one)| (path, method, one))
        });
        let marked = operations.filter(|(.., one)| one["deprecated"] == true);
        let marked: Vec<_> =
            marked.map(|(path, method, _)| (path.as_str(), method.as_str())).collect();
        let listed = DEPRECATED.iter().map(|one| (one.route, one.method.as_str()));
        let listed: Vec<_> = listed.map(|(path, method)| (path, method.to_lowercase())).collect();
        assert!(document["paths"].as_object().unwrap().len() > 20);
        assert_eq!(marked.len(), listed.len());
        assert!(listed.iter().all(|(path, method)| marked.contains(&(*path, method.as_str()))));
        let long = |one: &Deprecated| (one.gone - one.since).num_days() >= 180;
        assert!(DEPRECATED.iter().all(long), "it stays for 180 days");
    }
}
