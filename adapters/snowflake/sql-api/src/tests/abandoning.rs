//! Whoever stops waiting: by a token, at a deadline, by dropping the future, before and after there is a handle.

use super::playing::{Play, Request, Server};
use super::*;
use crate::{ErrorKind, Fate, Handle, Statement};
use tokio_util::sync::CancellationToken;

fn select() -> Statement {
    Statement::new("SELECT 1")
}

/// Runs for ever, until it is cancelled; its submission is answered after a while.
async fn endless(after: Duration) -> Server {
    let play = move |_: usize, request: &Request| match request.what().as_str() {
        "cancel" => Play::Json(200, json!({ "code": "000604", "statementHandle": HANDLE })),
        "submit" => Play::Later(after, Box::new(Play::Json(202, running()))),
        _ => Play::Json(202, running()),
    };
    Server::playing(play).await
}

fn canceled(server: &Server) -> bool {
    let asked = server.asked();
    let last = asked.last().unwrap();
    last.what() == "cancel" && last.path == "/api/v2/statements/01ab-cd/cancel"
}

#[tokio::test]
async fn a_stop_cancels() {
    let server = endless(ms(0)).await;
    let stop = CancellationToken::new();
    let (client, call, statement) =
        (client(&server, quick()), call().until(stop.clone()), select());
    let (error, ()) = tokio::join!(client.execute(&statement, call), async {
        server.until(3).await;
        stop.cancel();
    });
    let error = error.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (ErrorKind::Canceled, Fate::Failed));
    assert_eq!(error.handle().map(Handle::as_str), Some(HANDLE));
    assert!(canceled(&server));
}

#[tokio::test]
async fn a_deadline_cancels_also_before_there_is_a_handle() {
    for after in [0, 150] {
        let server = endless(ms(after)).await;
        let client = client(&server, quick());
        let error = client.execute(&select(), call().at_most(ms(60))).await.unwrap_err();
        assert_eq!((error.kind(), error.fate()), (ErrorKind::DeadlinePassed, Fate::Failed));
        assert_eq!(error.handle().map(Handle::as_str), Some(HANDLE));
        assert!(canceled(&server));
    }
}

#[tokio::test]
async fn a_future_that_is_dropped_cancels_also_before_there_is_a_handle() {
    for after in [0, 150] {
        let server = endless(ms(after)).await;
        let client = client(&server, quick());
        let task = tokio::spawn(async move { client.execute(&select(), call()).await });
        server.until(if after == 0 { 3 } else { 1 }).await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        let before = server.asked().len();
        server.until(before + 1).await;
        tokio::time::sleep(ms(50)).await;
        assert!(canceled(&server), "{:?}", server.what());
    }
}

#[tokio::test]
async fn what_is_abandoned_is_not_sent_again() {
    let play = |n: usize, _: &Request| match n {
        0 => Play::Later(ms(100), Box::new(Play::Cut)),
        _ => Play::Json(200, result(&[1])),
    };
    let server = Server::playing(play).await;
    let client = client(&server, quick());
    let error = client.execute(&select(), call().at_most(ms(30))).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (ErrorKind::DeadlinePassed, Fate::Unknown));
    tokio::time::sleep(ms(100)).await;
    assert_eq!(server.what(), ["submit"], "a repetition could start it");
}

#[tokio::test]
async fn what_is_left_runs_on() {
    let server = endless(ms(0)).await;
    let client = client(&server, quick());
    let error = client.execute(&select(), call().leaving().at_most(ms(60))).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (ErrorKind::DeadlinePassed, Fate::Unknown));
    let handle = error.handle().cloned().unwrap();
    let error = client.wait(&handle, call().leaving().at_most(ms(30))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlinePassed);
    tokio::time::sleep(ms(50)).await;
    assert!(!server.what().contains(&"cancel".to_owned()));
    let error = client.wait(&handle, call().at_most(ms(30))).await.unwrap_err();
    assert_eq!((error.fate(), canceled(&server)), (Fate::Failed, true));
}

#[tokio::test]
async fn what_is_over_before_it_begins_is_not_sent() {
    let server = endless(ms(0)).await;
    let stop = CancellationToken::new();
    stop.cancel();
    let client = client(&server, quick());
    let error = client.execute(&select(), call().until(stop)).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (ErrorKind::Canceled, Fate::NotStarted));
    let error = client.execute(&select(), call().at_most(ms(0)).resent()).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (ErrorKind::DeadlinePassed, Fate::Unknown));
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_cancellation_that_is_not_answered_is_not_waited_for() {
    let play = |_: usize, request: &Request| match request.what().as_str() {
        "cancel" => Play::Later(ms(5_000), Box::new(Play::Cut)),
        _ => Play::Json(202, running()),
    };
    let server = Server::playing(play).await;
    let mut settings = quick();
    settings.limits.cancel = ms(50);
    let client = client(&server, settings);
    let began = std::time::Instant::now();
    let error = client.execute(&select(), call().at_most(ms(30))).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (ErrorKind::DeadlinePassed, Fate::Unknown));
    assert!(began.elapsed() < ms(2_000));
}
