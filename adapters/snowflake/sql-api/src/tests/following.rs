//! Statements that take their time: looks, their pace, and odd answers to them.

use super::playing::{Play, Request, Server};
use super::*;
use crate::{Canceled, ErrorKind, Fate, Fault, Handle, Progress, Statement};

fn select() -> Statement {
    Statement::new("SELECT 1")
}

fn other() -> Value {
    let mut body = result(&[1]);
    body["statementHandle"] = json!("99");
    body
}

/// Takes the statement, and plays this at the looks.
async fn taken(looks: impl Fn(usize, &Request) -> Play + Send + Sync + 'static) -> Server {
    let play = move |n: usize, request: &Request| match (n, request.what().as_str()) {
        (0, _) => Play::Json(202, running()),
        (_, "cancel") => Play::Json(200, json!({ "code": "000604", "statementHandle": HANDLE })),
        _ => looks(n, request),
    };
    Server::playing(play).await
}

#[tokio::test]
async fn looks_until_it_ends() {
    let server = taken(|n, _| match n {
        1 | 2 => Play::Json(202, running()),
        3 => Play::Cut,
        4 => Play::Json(503, json!({})),
        5 => Play::Half(result(&[1])),
        _ => Play::Json(200, result(&[1])),
    });
    let server = server.await;
    let found = client(&server, quick()).execute(&select(), call()).await.unwrap();
    assert_eq!(found.row_count(), 1);
    assert_eq!(server.what(), ["submit", "poll", "poll", "poll", "poll", "poll", "poll"]);
    assert_eq!(server.asked()[1].path, "/api/v2/statements/01ab-cd");
}

#[tokio::test]
async fn looks_that_fail_for_good_end_it() {
    let said = |code: &str| json!({ "code": code, "sqlState": "57014", "statementHandle": HANDLE });
    let known = [
        (200, other(), ErrorKind::Protocol(Fault::Handle), Fate::Unknown, true),
        (202, other(), ErrorKind::Protocol(Fault::Handle), Fate::Unknown, true),
        (422, said("000709"), ErrorKind::StatementUnknown, Fate::Unknown, true),
        (422, said("000604"), ErrorKind::Canceled, Fate::Failed, false),
        (408, said("000630"), ErrorKind::StatementTimeout, Fate::Failed, false),
        (403, json!({}), ErrorKind::AccessRefused, Fate::Unknown, false),
    ];
    for (status, body, kind, fate, is_canceled) in known {
        let server = taken(move |_, _| Play::Json(status, body.clone())).await;
        let error = client(&server, quick()).execute(&select(), call()).await.unwrap_err();
        assert_eq!((error.kind(), error.fate()), (kind, fate), "{status}");
        assert_eq!(error.handle().map(Handle::as_str), Some(HANDLE));
        let wanted: &[&str] =
            if is_canceled { &["submit", "poll", "cancel"] } else { &["submit", "poll"] };
        server.until(wanted.len()).await;
        tokio::time::sleep(ms(60)).await;
        assert_eq!(server.what(), wanted, "{status}");
    }
}

#[tokio::test]
async fn a_statement_that_was_kept_is_waited_for_and_looked_at() {
    let server = Server::playing(|n, _| match n {
        0 | 1 => Play::Json(202, running()),
        _ => Play::Json(200, result(&[2])),
    });
    let server = server.await;
    let (client, handle) = (client(&server, quick()), HANDLE.parse::<Handle>().unwrap());
    let looked = client.look(&handle).await.unwrap();
    assert!(matches!(looked, Progress::Running(_)));
    assert_eq!(client.wait(&handle, call()).await.unwrap().row_count(), 2);
    assert!(matches!(client.look(&handle).await.unwrap(), Progress::Done(_)));
    assert!("../x".parse::<Handle>().is_err() && "".parse::<Handle>().is_err());
}

#[tokio::test]
async fn cancellations_say_what_they_did() {
    let said = |code: &str| json!({ "code": code, "statementHandle": HANDLE });
    let handle = HANDLE.parse::<Handle>().unwrap();
    for (status, body, wanted) in [
        (200, said("000604"), Ok(Canceled::Now)),
        (422, said("000605"), Ok(Canceled::NotRunning)),
        (422, said("000709"), Err(ErrorKind::StatementUnknown)),
        (200, other(), Err(ErrorKind::Protocol(Fault::Handle))),
        (503, json!({}), Err(ErrorKind::Unavailable)),
    ] {
        let server = Server::playing(move |_, _| Play::Json(status, body.clone())).await;
        let canceled = client(&server, quick()).cancel(&handle).await;
        assert_eq!(canceled.map_err(|error| error.kind()), wanted, "{status}");
    }
}
