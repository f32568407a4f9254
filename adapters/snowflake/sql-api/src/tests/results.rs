//! Results: partitions when they are asked for, packed or not, and partitions that are not as they must be.

use super::playing::{Play, Request, Server};
use super::*;
use crate::{ErrorKind, Fate, Fault, Invalid, ResultSet, Statement};
use arrow::array::AsArray;
use futures::{StreamExt as _, TryStreamExt as _};

fn part(rows: &Value) -> Play {
    let headers = vec![("Content-Encoding", "gzip".to_owned())];
    Play::Raw(200, headers, crate::gzip::packed(json!({ "data": rows }).to_string().as_bytes()))
}

/// A result of three partitions of 2, 1 and 2 rows, whose second and third play like this.
async fn parted(
    parts: impl Fn(usize, &Request) -> Play + Send + Sync + 'static,
) -> (Server, ResultSet) {
    let play = move |n: usize, request: &Request| match n {
        0 => Play::Json(200, result(&[2, 1, 2])),
        _ => parts(n, request),
    };
    let server = Server::playing(play).await;
    let found = client(&server, quick()).execute(&Statement::new("SELECT 1"), call()).await;
    (server, found.unwrap())
}

fn good(_: usize, request: &Request) -> Play {
    match request.what().as_str() {
        "1" => part(&json!([["p"]])),
        _ => Play::Json(200, json!({ "data": [[null], ["q"]] })),
    }
}

#[tokio::test]
async fn partitions_are_fetched_when_they_are_asked_for() {
    let (server, found) = parted(good).await;
    assert_eq!((found.row_count(), found.partition_count()), (5, 3));
    let schema = found.schema().unwrap();
    let mut batches = std::pin::pin!(found.clone().batches());
    let first = batches.next().await.unwrap().unwrap();
    assert_eq!((first.num_rows(), server.asked().len()), (2, 1), "it came with the answer");
    let second = batches.next().await.unwrap().unwrap();
    assert_eq!((second.num_rows(), server.what().last().unwrap().as_str()), (1, "1"));
    let rest: Vec<_> = batches.try_collect().await.unwrap();
    assert_eq!((rest.len(), rest[0].schema()), (1, schema));
    let cells: Vec<_> = rest[0].column(0).as_string::<i32>().iter().collect();
    assert_eq!(cells, [None, Some("q")]);
    let table = found.table().await.unwrap();
    let cells = table.column("a").unwrap();
    assert_eq!(cells, [Some("r0"), Some("r1"), Some("p"), None, Some("q")]);
    assert_eq!((table.column("b"), table.len(), table.is_empty()), (None, 5, false));
    let error = found.partition(3).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid(Invalid::Partition));
}

#[tokio::test]
async fn a_partition_that_was_lost_is_fetched_again() {
    let (server, found) = parted(|n, request| match n {
        1 => Play::Cut,
        2 => {
            let Play::Raw(status, headers, mut body) = part(&json!([["p"]])) else {
                panic!("it is packed");
            };
            body.truncate(body.len() - 4);
            Play::Raw(status, headers, body)
        }
        _ => good(n, request),
    })
    .await;
    assert_eq!(found.partition(1).await.unwrap().num_rows(), 1);
    assert_eq!(server.what(), ["submit", "1", "1", "1"]);
}

#[tokio::test]
async fn partitions_that_are_not_as_they_must_be() {
    type Make = fn() -> Play;
    let wrong: [(Make, ErrorKind, usize); 9] = [
        (|| part(&json!([["p", "q"]])), ErrorKind::Protocol(Fault::RowWidth), 1),
        (|| part(&json!([[]])), ErrorKind::Protocol(Fault::RowWidth), 1),
        (|| part(&json!([])), ErrorKind::Protocol(Fault::RowCount), 1),
        (|| part(&json!([["p"], ["q"]])), ErrorKind::Protocol(Fault::RowCount), 1),
        (|| part(&json!([[1]])), ErrorKind::Protocol(Fault::Document), 3),
        (|| Play::Json(200, json!({})), ErrorKind::Protocol(Fault::Document), 3),
        (|| Play::Json(202, running()), ErrorKind::Protocol(Fault::Status), 1),
        (|| Play::Json(422, json!({ "code": "000709" })), ErrorKind::StatementUnknown, 1),
        (|| Play::Json(500, json!({})), ErrorKind::Unavailable, 3),
    ];
    for (play, kind, tries) in wrong {
        let (server, found) = parted(move |_, _| play()).await;
        let error = found.partition(1).await.unwrap_err();
        assert_eq!((error.kind(), error.fate()), (kind, Fate::Succeeded));
        assert_eq!(server.asked().len(), 1 + tries, "{kind:?}");
        let whole: Result<Vec<_>, _> = found.batches().try_collect().await;
        assert!(whole.is_err(), "no result is whole without it");
    }
}

#[tokio::test]
async fn a_value_that_cannot_be_read_names_its_column_alone() {
    let mut body = result(&[1]);
    body["resultSetMetaData"]["rowType"][0] = json!({ "name": "zqname", "type": "DATE" });
    body["data"] = json!([["zqvalue"]]);
    let server = Server::playing(move |_, _| Play::Json(200, body.clone())).await;
    let found = client(&server, quick()).execute(&Statement::new("SELECT 1"), call()).await;
    let error = found.unwrap().partition(0).await.unwrap_err();
    assert_eq!((error.kind(), error.column()), (ErrorKind::Protocol(Fault::Value), Some(0)));
    assert!(!format!("{error} {error:?}").contains("zq"), "{error}");
}

#[tokio::test]
async fn several_statements_have_handles_of_their_own() {
    let mut body = result(&[1]);
    body["statementHandles"] = json!(["02-a", "02-b"]);
    let server = Server::playing(move |_, _| Play::Json(200, body.clone())).await;
    let several = Statement::new("SELECT 1; SELECT 2").several(2);
    let found = client(&server, quick()).execute(&several, call()).await.unwrap();
    let children: Vec<_> = found.children().iter().map(crate::Handle::as_str).collect();
    assert_eq!(children, ["02-a", "02-b"]);
}
