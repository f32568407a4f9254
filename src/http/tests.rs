//! The door as a whole, without a socket.

mod reading;
mod seconds;

use super::*;
use crate::clock::SystemClock;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt as _;

async fn gateway() -> (tempfile::TempDir, Router) {
    let folder = tempfile::tempdir().unwrap();
    let app = App::open(folder.path()).await.unwrap();
    let verifier = Verifier::new(Vec::new(), Arc::new(SystemClock));
    let gateway = Gateway::new(Arc::new(app), House::default(), verifier).unwrap();
    (folder, gateway.router(BTreeSet::from(["localhost".to_owned()])))
}

async fn asked(router: &Router, method: Method, path: &str) -> (StatusCode, HeaderMap, String) {
    let request = Request::builder().method(method).uri(path).header("host", "localhost");
    let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (head, body) = answer.into_parts();
    let body = to_bytes(body, 1 << 24).await.unwrap();
    (head.status, head.headers, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn the_document_is_the_one_that_is_committed() {
    let (_folder, router) = gateway().await;
    let (status, _, text) = asked(&router, Method::GET, "/openapi.json").await;
    assert_eq!(status, 200);
    let place = concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/openapi.json");
    if std::env::var_os("AIRLOCK_BLESS").is_some() {
        std::fs::write(place, format!("{text}\n")).unwrap();
    }
    let committed = std::fs::read_to_string(place).unwrap_or_default();
    assert_eq!(committed.trim_end(), text, "AIRLOCK_BLESS=1 writes it anew");
}

#[tokio::test]
async fn it_is_there_and_can_work() {
    let (folder, router) = gateway().await;
    let (status, headers, body) = asked(&router, Method::GET, "/readyz").await;
    assert_eq!(status, 200);
    let health: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(health["status"], "ready");
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(asked(&router, Method::GET, "/healthz").await.0, 200);
    drop(folder);
}

#[tokio::test]
async fn whatever_is_wrong_is_a_problem_document() {
    let (_folder, router) = gateway().await;
    for (method, path, status, code) in [
        (Method::GET, "/nowhere", 404, "not-found"),
        (Method::GET, "/v1/nowhere/../..", 404, "not-found"),
        (Method::DELETE, "/healthz", 405, "method-unknown"),
        (Method::GET, "/problems/%FF", 400, "request-malformed"),
        (Method::GET, "/problems/nothing", 404, "not-found"),
    ] {
        let (found, headers, body) = asked(&router, method, path).await;
        let problem: Value =
            serde_json::from_str(&body).unwrap_or_else(|_| panic!("{path}: {body}"));
        assert_eq!((found.as_u16(), &problem["code"]), (status, &code.into()), "{path}: {body}");
        assert_eq!(headers["content-type"], "application/problem+json");
        assert_eq!(headers["airlock-request-id"], problem["request_id"].as_str().unwrap());
        let kind = problem["type"].as_str().unwrap();
        assert_eq!(asked(&router, Method::GET, kind).await.0, 200, "{kind}");
    }
}
