//! The webhook over a socket: what is answered to whom, and that who says nothing or too much holds up nobody for long.

use super::signature::Secret;
use super::visitor::VISITORS_MAX;
use super::webhook::{BODY_MAX, Webhook};
use crate::app::{Inbox, Trigger};
use crate::clock::{Clock, FixedClock};
use hmac::{Hmac, Mac as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const NOW_S: i64 = 1_700_000_000;

/// A webhook that answers, and where what it takes is put.
async fn listening() -> (SocketAddr, Arc<Inbox>) {
    let (inbox, clock) = (Arc::<Inbox>::default(), FixedClock::new(NOW_S * 1_000));
    let clock: Arc<dyn Clock> = Arc::new(clock);
    let webhook = Webhook { secret: Secret::new(SECRET), inbox: Arc::clone(&inbox), clock };
    let bound = webhook.at(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let place = bound.place();
    tokio::spawn(bound.serve());
    (place, inbox)
}

fn signed(body: &str, at_s: i64) -> String {
    let mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    let mac = mac.chain_update(format!("{at_s}.{body}")).finalize().into_bytes();
    let hex = mac.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    format!("Airlock-Signature: t={at_s},v1={hex}\r\n")
}

/// Sends bytes and reads to the end: status, head and body.
async fn asked(place: SocketAddr, bytes: &[u8]) -> (u16, String, String) {
    let mut stream = TcpStream::connect(place).await.unwrap();
    // One that is refused early may not read the rest.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_default();
    (status, head.to_ascii_lowercase(), body.to_owned())
}

async fn posted(place: SocketAddr, header: &str, body: &str) -> (u16, String) {
    let length = body.len();
    let request =
        format!("POST /wake HTTP/1.1\r\nHost: x\r\n{header}Content-Length: {length}\r\n\r\n{body}");
    let (status, head, answer) = asked(place, request.as_bytes()).await;
    if status == 202 {
        assert_eq!(answer, "", "{head}");
        return (status, String::new());
    }
    assert!(head.contains("content-type: application/problem+json"), "{head}");
    let problem: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(problem["status"], status);
    (status, problem["code"].as_str().unwrap().to_owned())
}

fn waiting(inbox: &Inbox) -> Vec<String> {
    let name = |one| match one {
        Trigger::Room { collaboration, .. } => collaboration.to_string(),
        Trigger::Account { account, .. } => account,
    };
    inbox.emptied().into_iter().map(name).collect()
}

#[tokio::test]
async fn who_knows_the_secret_is_heard_and_learns_nothing() {
    let (place, inbox) = listening().await;
    for body in [
        r#"{"collaboration":"spring"}"#,
        r#"{"collaboration":"there-is-none","room":"aws-clean-rooms"}"#,
        r#"{"source":"aws.cleanrooms","account":"111111111111","detail":{}}"#,
        r#"{"source":"aws.cleanrooms","account":"222222222222","detail":{"readOnly":true}}"#,
    ] {
        assert_eq!(posted(place, &signed(body, NOW_S - 290), body).await.0, 202, "{body}");
    }
    assert_eq!(waiting(&inbox), ["spring", "there-is-none", "111111111111"]);
}

#[tokio::test]
async fn nobody_else_is_heard() {
    let (place, inbox) = listening().await;
    let body = r#"{"collaboration":"spring"}"#;
    let invalid = (401, "signature-invalid".to_owned());
    let twice = signed(body, NOW_S).repeat(2);
    for header in ["", &signed("{}", NOW_S), &signed(body, NOW_S - 301), &twice] {
        assert_eq!(posted(place, header, body).await, invalid, "{header}");
    }
    let nonsense = r#"{"collaboration":"Not A Name"}"#;
    let told = posted(place, &signed(nonsense, NOW_S), nonsense).await;
    assert_eq!(told, (400, "trigger-invalid".to_owned()));
    let long = "x".repeat(BODY_MAX + 1);
    let told = posted(place, &signed(&long, NOW_S), &long).await;
    assert_eq!(told, (413, "body-too-large".to_owned()));
    assert!(waiting(&inbox).is_empty());
}

#[tokio::test]
async fn there_is_one_path_and_one_method() {
    let (place, _) = listening().await;
    for (line, status, code) in [
        ("GET /wake", 405, "method-unknown"),
        ("POST /status", 404, "path-unknown"),
        ("GET /", 404, "path-unknown"),
    ] {
        let (found, head, body) =
            asked(place, format!("{line} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await;
        assert_eq!(found, status, "{head}");
        assert!(body.contains(code), "{body}");
    }
}

#[tokio::test]
async fn a_place_that_is_taken_is_an_error() {
    let (place, inbox) = listening().await;
    let clock: Arc<dyn Clock> = Arc::new(FixedClock::new(0));
    let second = Webhook { secret: Secret::new(SECRET), inbox, clock };
    let error = second.at(place).await.unwrap_err();
    assert_eq!(error.code, "webhook-unbound");
    assert!(error.message.contains(&place.to_string()), "{error}");
}

#[tokio::test]
async fn who_says_nothing_or_says_it_slowly_is_sent_away_and_the_next_is_heard() {
    let (place, inbox) = listening().await;
    let mut silent = Vec::new();
    for n in 0..VISITORS_MAX {
        let mut stream = TcpStream::connect(place).await.unwrap();
        if n % 2 == 0 {
            stream
                .write_all(b"POST /wake HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
                .await
                .unwrap();
        }
        silent.push(stream);
    }
    let (body, since) = (r#"{"collaboration":"spring"}"#, Instant::now());
    assert_eq!(posted(place, &signed(body, NOW_S), body).await.0, 202);
    assert!(since.elapsed() < Duration::from_secs(30), "{:?}", since.elapsed());
    assert_eq!(waiting(&inbox), ["spring"]);
    let mut rest = Vec::new();
    for mut stream in silent {
        let read = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut rest));
        assert!(read.await.is_ok(), "its connection is over");
    }
}
