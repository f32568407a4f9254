//! Whoever stops waiting: by a token, at a deadline, by dropping the future, before and after there is a handle.

use super::playing::{Play, Request, Server};
use super::*;
use crate::{ErrorKind, Fate, Handle, Statement};
use tokio_util::sync::CancellationToken;

fn select() -> Statement {
    Statement::new("SELECT 1")
}

/// Runs for ever, until it is cancelled; its submission is answered once that is told.
async fn endless(answered: &CancellationToken) -> Server {
    let answered = answered.clone();
    let play = move |_: usize, request: &Request| match request.what().as_str() {
        "cancel" => Play::Json(200, json!({ "code": "000604", "statementHandle": HANDLE })),
        "submit" => Play::Once(answered.clone(), Box::new(Play::Json(202, running()))),
        _ => Play::Json(202, running()),
    };
    Server::playing(play).await
}

/// The same where nothing is to be told.
async fn taken() -> Server {
    let answered = CancellationToken::new();
    answered.cancel();
    endless(&answered).await
}

fn canceled(server: &Server) -> bool {
    let asked = server.asked();
    let last = asked.last().unwrap();
    last.what() == "cancel" && last.path == "/api/v2/statements/01ab-cd/cancel"
}

/// What becomes of a call that is stopped once the server was asked so often, and of which the server knows that a moment later.
async fn stopped<T>(
    server: &Server,
    count: usize,
    (stop, known): (&CancellationToken, &CancellationToken),
    call: impl Future<Output = T>,
) -> T {
    let (told, ()) = tokio::join!(call, async {
        server.until(count).await;
        stop.cancel();
        tokio::time::sleep(ms(100)).await;
        known.cancel();
    });
    told
}

#[tokio::test]
async fn a_stop_cancels_also_before_there_is_a_handle() {
    for is_taken in [true, false] {
        let (stop, answered) = (CancellationToken::new(), CancellationToken::new());
        if is_taken {
            answered.cancel();
        }
        let server = endless(&answered).await;
        let (client, statement) = (client(&server, quick()), select());
        let asked = client.execute(&statement, call().until(stop.clone()));
        let count = if is_taken { 3 } else { 1 };
        let error = stopped(&server, count, (&stop, &answered), asked).await.unwrap_err();
        assert_eq!((error.kind(), error.fate()), (ErrorKind::Canceled, Fate::Failed));
        assert_eq!(error.handle().map(Handle::as_str), Some(HANDLE));
        assert!(canceled(&server), "{:?}", server.what());
    }
}

#[tokio::test]
async fn a_deadline_cancels() {
    let server = taken().await;
    let client = client(&server, quick());
    let error = client.execute(&select(), call().at_most(ms(1_000))).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (ErrorKind::DeadlinePassed, Fate::Failed));
    assert_eq!(error.handle().map(Handle::as_str), Some(HANDLE));
    assert!(canceled(&server));
}

#[tokio::test]
async fn a_future_that_is_dropped_cancels_also_before_there_is_a_handle() {
    for is_taken in [true, false] {
        let answered = CancellationToken::new();
        if is_taken {
            answered.cancel();
        }
        let server = endless(&answered).await;
        let client = client(&server, quick());
        let task = tokio::spawn(async move { client.execute(&select(), call()).await });
        server.until(if is_taken { 3 } else { 1 }).await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        answered.cancel();
        let seen = async {
            while !canceled(&server) {
                tokio::time::sleep(ms(5)).await;
            }
        };
        let seen = tokio::time::timeout(ms(30_000), seen).await;
        assert!(seen.is_ok(), "{:?}", server.what());
    }
}

#[tokio::test]
async fn what_is_abandoned_is_not_sent_again() {
    let (stop, cut) = (CancellationToken::new(), CancellationToken::new());
    let cuts = cut.clone();
    let play = move |n: usize, _: &Request| match n {
        0 => Play::Once(cuts.clone(), Box::new(Play::Cut)),
        _ => Play::Json(200, result(&[1])),
    };
    let server = Server::playing(play).await;
    let (client, statement) = (client(&server, quick()), select());
    let asked = client.execute(&statement, call().until(stop.clone()));
    let error = stopped(&server, 1, (&stop, &cut), asked).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (ErrorKind::Canceled, Fate::Unknown));
    tokio::time::sleep(ms(100)).await;
    assert_eq!(server.what(), ["submit"], "a repetition could start it");
}

#[tokio::test]
async fn what_is_left_runs_on() {
    let (server, never) = (taken().await, CancellationToken::new());
    let (client, statement) = (client(&server, quick()), select());
    let stop = CancellationToken::new();
    let asked = client.execute(&statement, call().leaving().until(stop.clone()));
    let error = stopped(&server, 3, (&stop, &never), asked).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (ErrorKind::Canceled, Fate::Unknown));
    let handle = error.handle().cloned().unwrap();
    let (stop, count) = (CancellationToken::new(), server.asked().len() + 1);
    let waited = client.wait(&handle, call().leaving().until(stop.clone()));
    let error = stopped(&server, count, (&stop, &never), waited).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Canceled);
    tokio::time::sleep(ms(50)).await;
    assert!(!server.what().contains(&"cancel".to_owned()));
    let (stop, count) = (CancellationToken::new(), server.asked().len() + 1);
    let waited = client.wait(&handle, call().until(stop.clone()));
    let error = stopped(&server, count, (&stop, &never), waited).await.unwrap_err();
    assert_eq!((error.fate(), canceled(&server)), (Fate::Failed, true));
}

#[tokio::test]
async fn what_is_over_before_it_begins_is_not_sent() {
    let server = taken().await;
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
        "cancel" => Play::Later(ms(60_000), Box::new(Play::Cut)),
        _ => Play::Json(202, running()),
    };
    let server = Server::playing(play).await;
    let mut settings = quick();
    settings.limits.cancel = ms(50);
    let (client, statement) = (client(&server, settings), select());
    let (stop, never) = (CancellationToken::new(), CancellationToken::new());
    let began = std::time::Instant::now();
    let asked = client.execute(&statement, call().until(stop.clone()));
    let error = stopped(&server, 2, (&stop, &never), asked).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (ErrorKind::Canceled, Fate::Unknown));
    assert!(began.elapsed() < ms(30_000));
}
