//! Submissions: what is sent, what is sent again, and how often.

use super::playing::{Play, Server};
use super::*;
use crate::{Binding, Context, ErrorKind, Fate, Fault, Progress, RequestId, Statement};

fn select() -> Statement {
    Statement::new("SELECT 'zqliteral'")
}

#[tokio::test]
async fn what_is_sent() {
    let server = Server::playing(|_, _| Play::Json(200, result(&[1]))).await;
    let context = Context { role: Some("R".to_owned()), ..Context::default() };
    let statement = select().bind(Binding::Fixed(7)).within(context).timeout_s(9).query_tag("t");
    let call = Call::new(RequestId::from_bytes([0; 16]));
    let found = client(&server, quick()).execute(&statement, call).await.unwrap();
    assert_eq!((found.row_count(), found.handle().as_str()), (1, HANDLE));
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    let request = &asked[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/api/v2/statements"));
    assert_eq!(request.query, "requestId=00000000-0000-4000-8000-000000000000&nullable=true");
    for (name, value) in [
        ("authorization", "Bearer zqtoken1"),
        ("x-snowflake-authorization-token-type", "OAUTH"),
        ("accept", "application/json"),
        ("accept-encoding", "gzip"),
        ("content-type", "application/json"),
        ("user-agent", concat!("airlock/", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(request.headers.get(name).map(String::as_str), Some(value), "{name}");
    }
    let body: Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(body["bindings"]["1"], json!({ "type": "FIXED", "value": "7" }));
    assert_eq!((&body["role"], &body["timeout"]), (&json!("R"), &json!(9)));
}

/// Plays this first, then the result.
async fn after(first: impl Fn() -> Play + Send + Sync + 'static) -> Server {
    Server::playing(move |n, _| if n == 0 { first() } else { Play::Json(200, result(&[1])) }).await
}

#[tokio::test]
async fn what_may_have_run_is_sent_again_as_a_repetition() {
    type Make = fn() -> Play;
    let lost: [(Make, bool); 8] = [
        (|| Play::Cut, true),
        (|| Play::Half(result(&[1])), true),
        (|| Play::Raw(200, vec![], b"<html>".to_vec()), true),
        (|| Play::Raw(200, vec![("Content-Encoding", "br".to_owned())], b"{}".to_vec()), true),
        (|| Play::Json(500, json!({ "code": "000603" })), true),
        (|| Play::Json(503, json!({})), true),
        (|| Play::Json(504, json!({})), true),
        (|| Play::Json(429, json!({ "code": "390505" })), false),
    ];
    for (first, repeats) in lost {
        let server = after(first).await;
        let found = client(&server, quick()).execute(&select(), call()).await;
        assert!(found.is_ok(), "{found:?}");
        let asked = server.asked();
        assert_eq!(asked.len(), 2);
        assert!(!asked[0].asks("retry=true"));
        assert_eq!(asked[1].asks("retry=true"), repeats, "what was throttled never ran");
        let id = |n: usize| asked[n].query.split('&').next().unwrap().to_owned();
        assert_eq!((id(0), &asked[0].body), (id(1), &asked[1].body));
    }
}

#[tokio::test]
async fn a_call_that_is_resent_repeats_from_its_first_request_on() {
    let server = Server::playing(|_, _| Play::Json(200, result(&[1]))).await;
    client(&server, quick()).execute(&select(), call().resent()).await.unwrap();
    assert!(server.asked()[0].asks("retry=true"));
    let server = Server::playing(|_, _| Play::Json(429, json!({}))).await;
    let error = client(&server, quick()).execute(&select(), call().resent()).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (ErrorKind::Throttled, Fate::Unknown));
}

#[tokio::test]
async fn tries_have_an_end() {
    let known = [
        (503, ErrorKind::Unavailable, Fate::Unknown),
        (429, ErrorKind::Throttled, Fate::NotStarted),
    ];
    for (status, kind, fate) in known {
        let server = Server::playing(move |_, _| Play::Json(status, json!({}))).await;
        let error = client(&server, quick()).execute(&select(), call()).await.unwrap_err();
        assert_eq!((error.kind(), error.fate(), server.asked().len()), (kind, fate, 3));
    }
    let server =
        Server::playing(|n, _| if n == 0 { Play::Cut } else { Play::Json(429, json!({})) });
    let server = server.await;
    let error = client(&server, quick()).execute(&select(), call()).await.unwrap_err();
    assert_eq!(error.fate(), Fate::Unknown, "the first may have run");
}

#[tokio::test]
async fn a_repetition_that_fails_says_nothing_of_what_was_sent_first() {
    let failed = json!({ "code": "002002", "sqlState": "42710", "statementHandle": HANDLE });
    let play = move |n: usize, _: &playing::Request| match n {
        0 => Play::Cut,
        _ => Play::Json(422, failed.clone()),
    };
    let server = Server::playing(play).await;
    let error = client(&server, quick()).execute(&select(), call()).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (ErrorKind::AlreadyExists, Fate::Unknown));
}

#[tokio::test]
async fn a_long_wait_that_is_asked_for_is_the_callers() {
    let play = || Play::Raw(429, vec![("Retry-After", "60".to_owned())], b"{}".to_vec());
    let server = Server::playing(move |_, _| play()).await;
    let error = client(&server, quick()).execute(&select(), call()).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_mins(1)));
    assert_eq!((error.kind(), server.asked().len()), (ErrorKind::Throttled, 1));
}

#[tokio::test]
async fn refusals_are_not_sent_again() {
    let said = |code: &str| json!({ "code": code, "sqlState": "42S02", "statementHandle": HANDLE });
    let known = [
        (422, said("002003"), ErrorKind::MissingOrHidden, Fate::Failed),
        (422, said("001003"), ErrorKind::Syntax, Fate::Failed),
        (408, said("000630"), ErrorKind::StatementTimeout, Fate::Failed),
        (400, json!({ "code": "390142" }), ErrorKind::RequestRefused, Fate::NotStarted),
        (403, json!({}), ErrorKind::AccessRefused, Fate::NotStarted),
    ];
    for (status, body, kind, fate) in known {
        let server = Server::playing(move |_, _| Play::Json(status, body.clone())).await;
        let error = client(&server, quick()).execute(&select(), call()).await.unwrap_err();
        assert_eq!((error.kind(), error.fate(), server.asked().len()), (kind, fate, 1));
    }
}

#[tokio::test]
async fn a_token_that_is_refused_is_renewed_once() {
    let server = after(|| Play::Json(401, json!({ "code": "390144" }))).await;
    client(&server, quick()).execute(&select(), call()).await.unwrap();
    let with = |n: usize| server.asked()[n].headers["authorization"].clone();
    assert_eq!((with(0), with(1)), ("Bearer zqtoken1".to_owned(), "Bearer zqtoken2".to_owned()));
    assert!(!server.asked()[1].asks("retry=true"), "nothing ran");
    let server = Server::playing(|_, _| Play::Json(401, json!({ "code": "390144" }))).await;
    let error = client(&server, quick()).execute(&select(), call()).await.unwrap_err();
    assert_eq!((error.kind(), server.asked().len()), (ErrorKind::CredentialsRefused, 2));
    assert_eq!(error.snowflake_code(), Some("390144"));
}

#[tokio::test]
async fn a_clock_that_is_off_is_named() {
    let date = || ("Date", "Sun, 06 Nov 1994 10:49:37 GMT".to_owned());
    let play = move || Play::Raw(401, vec![date()], br#"{"code":"390144"}"#.to_vec());
    let server = Server::playing(move |_, _| play()).await;
    let error = client(&server, quick()).execute(&select(), call()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ClockSkewed);
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let elsewhere = Server::playing(|_, _| Play::Json(200, result(&[1]))).await;
    let to = elsewhere.base();
    let play = move |_: usize, _: &playing::Request| {
        Play::Raw(307, vec![("Location", to.clone())], Vec::new())
    };
    let server = Server::playing(play).await;
    let error = client(&server, quick()).execute(&select(), call()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol(Fault::Redirect));
    assert_eq!((server.asked().len(), elsewhere.asked().len()), (1, 0));
}

#[tokio::test]
async fn answers_have_a_size() {
    type Make = fn() -> Play;
    let large: [Make; 3] = [
        || Play::Raw(200, vec![], vec![b' '; 100_001]),
        || Play::Endless(10_000_000),
        || Play::Raw(200, vec![], crate::gzip::packed(&vec![b' '; 100_001])),
    ];
    let mut settings = quick();
    settings.limits.answer_bytes_max = 100_000;
    for play in large {
        let server = Server::playing(move |_, _| play()).await;
        let error = client(&server, settings.clone()).execute(&select(), call()).await.unwrap_err();
        assert_eq!((error.kind(), error.fate()), (ErrorKind::TooLarge, Fate::Unknown));
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test]
async fn silence_and_nobody() {
    let mut settings = quick();
    settings.limits.answer = ms(500);
    let server = Server::playing(|_, _| Play::Later(ms(60_000), Box::new(Play::Cut))).await;
    let error = client(&server, settings).execute(&select(), call()).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (ErrorKind::NoAnswer, Fate::Unknown));
    server.until(3).await;
    assert_eq!(server.asked().len(), 3);
    let gone = Server::playing(|_, _| Play::Cut).await;
    let client = client(&gone, quick());
    drop(gone);
    tokio::time::sleep(ms(50)).await;
    let error = client.execute(&select(), call()).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (ErrorKind::Unreachable, Fate::NotStarted));
}

#[tokio::test]
async fn a_proxy_only_where_it_is_set() {
    let proxy = Server::playing(|_, _| Play::Json(200, result(&[1]))).await;
    let server = Server::playing(|_, _| Play::Cut).await;
    let settings = Settings { proxy: Some(proxy.base()), ..quick() };
    client(&server, settings).execute(&select(), call()).await.unwrap();
    assert_eq!((proxy.asked().len(), server.asked().len()), (1, 0));
    assert!(proxy.asked()[0].path.starts_with("http://127.0.0.1:"));
}

/// A process of its own, since its variables are everybody's: there, what is sent goes past the proxy that they name.
#[test]
fn no_proxy_of_the_environment() {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "tests::submitting::what_is_sent"]);
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, "http://127.0.0.1:1");
    }
    for name in ["NO_PROXY", "no_proxy", "REQUEST_METHOD"] {
        child.env_remove(name);
    }
    let done = child.output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
async fn submitted_and_left() {
    let server = Server::playing(|_, _| Play::Json(202, running())).await;
    let asked = client(&server, quick()).submit(&select().asynchronous(), call()).await.unwrap();
    assert!(matches!(asked, Progress::Running(handle) if handle.as_str() == HANDLE));
    assert!(server.asked()[0].asks("async=true"));
    tokio::time::sleep(ms(60)).await;
    assert_eq!(server.what(), ["submit"], "it runs on");
}

#[tokio::test]
async fn what_cannot_be_sent_is_not() {
    let server = Server::playing(|_, _| Play::Cut).await;
    let several = select().several(2).bind(Binding::Fixed(1));
    let error = client(&server, quick()).execute(&several, call()).await.unwrap_err();
    assert_eq!((error.code(), error.fate()), ("request-invalid", Fate::NotStarted));
    let agent = Settings { user_agent: "a\nb/1".to_owned(), ..quick() };
    let address = Address::new(&server.base()).unwrap();
    assert!(Client::new(address, tokens(), clock(), agent).is_err());
    assert!(server.asked().is_empty());
}
