//! Every odd answer, and what is made of it.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

const HANDLE: &str = "01ab-cd";

fn reply(status: u16, body: &Value) -> Reply {
    Reply { status, body: body.to_string().into_bytes(), ..Reply::default() }
}

fn good() -> Value {
    json!({
        "code": "090001", "statementHandle": HANDLE, "message": "Statement executed successfully.",
        "resultSetMetaData": {
            "numRows": 3, "format": "jsonv2",
            "rowType": [{ "name": "A", "type": "text", "length": 5 }, { "name": "B", "type": "fixed", "precision": 10, "scale": 0 }],
            "partitionInfo": [{ "rowCount": 2, "uncompressedSize": 20 }, { "rowCount": 1, "uncompressedSize": 9, "compressedSize": 5 }],
        },
        "data": [["x", "1"], [null, "2"]],
        "stats": { "numRowsInserted": 2, "other": "x" },
    })
}

fn read(status: u16, body: &Value) -> Result<Answer> {
    let asked = Handle::read(HANDLE);
    of_statement(&reply(status, body), asked.as_ref(), Limits::default())
}

fn kind(status: u16, body: &Value) -> (ErrorKind, Fate) {
    let error = read(status, body).err().expect("an error");
    (error.kind(), error.fate())
}

/// The good answer with one thing changed.
fn with(path: &str, value: Value) -> Value {
    let mut body = good();
    *body.pointer_mut(path).unwrap() = value;
    body
}

#[test]
fn a_result() {
    let Ok(Answer::Done(done)) = read(200, &good()) else { panic!("no result") };
    assert_eq!(done.partitions, [2, 1]);
    assert_eq!((done.columns.len(), done.first.len()), (2, 2));
    assert_eq!(done.stats, BTreeMap::from([("numRowsInserted".to_owned(), 2)]));
    let without = with("/resultSetMetaData/partitionInfo", Value::Null);
    assert_eq!(kind(200, &without).0, ErrorKind::Protocol(Fault::RowCount));
}

#[test]
fn results_that_are_not_as_they_must_be() {
    let faults = [
        (with("/statementHandle", json!("99")), Fault::Handle),
        (with("/statementHandle", json!("../x")), Fault::Handle),
        (with("/statementHandle", Value::Null), Fault::Handle),
        (with("/resultSetMetaData", Value::Null), Fault::Format),
        (with("/resultSetMetaData/format", json!("arrow")), Fault::Format),
        (with("/resultSetMetaData/numRows", json!(4)), Fault::RowCount),
        (with("/resultSetMetaData/partitionInfo/0/rowCount", json!(u64::MAX)), Fault::RowCount),
        (with("/resultSetMetaData/rowType/1/precision", json!(99)), Fault::RowType),
        (with("/data/0", json!(["x"])), Fault::RowWidth),
        (with("/data/0", json!(["x", "1", "2"])), Fault::RowWidth),
        (with("/data", json!([["x", "1"]])), Fault::RowCount),
        (with("/data", Value::Null), Fault::RowCount),
    ];
    for (body, fault) in faults {
        let fate = if fault == Fault::Handle { Fate::Unknown } else { Fate::Succeeded };
        let wanted = (ErrorKind::Protocol(fault), fate);
        assert_eq!(kind(200, &body), wanted, "{body}");
    }
    let documents = [
        json!([]),
        json!("x"),
        with("/data/0/0", json!(7)),
        with("/data/0", json!("x")),
        with("/resultSetMetaData/numRows", json!(-1)),
        with("/resultSetMetaData/rowType/0/name", Value::Null),
    ];
    for body in documents {
        assert_eq!(kind(200, &body), (ErrorKind::Protocol(Fault::Document), Fate::Unknown));
    }
    let large = [
        with("/code", json!("391908")),
        with("/resultSetMetaData/numRows", json!(u64::MAX)),
        with("/resultSetMetaData/partitionInfo/1/uncompressedSize", json!(u64::MAX)),
    ];
    for body in large {
        assert_eq!(kind(200, &body), (ErrorKind::TooLarge, Fate::Succeeded));
    }
}

#[test]
fn statuses() {
    use ErrorKind as Kind;
    let said = |code: &str, state: &str| json!({ "code": code, "sqlState": state, "message": "zqsentinel", "statementHandle": HANDLE });
    let known = [
        (422, said("002003", "42S02"), Kind::MissingOrHidden, Fate::Failed),
        (422, said("000709", "02000"), Kind::StatementUnknown, Fate::Unknown),
        (
            422,
            json!({ "code": "1", "statementHandle": "99" }),
            Kind::Protocol(Fault::Handle),
            Fate::Unknown,
        ),
        (408, said("000630", "57014"), Kind::StatementTimeout, Fate::Failed),
        (429, said("390505", ""), Kind::Throttled, Fate::NotStarted),
        (401, said("390144", ""), Kind::CredentialsRefused, Fate::NotStarted),
        (401, said("390318", ""), Kind::CredentialsExpired, Fate::NotStarted),
        (403, json!({}), Kind::AccessRefused, Fate::NotStarted),
        (404, json!({}), Kind::RequestRefused, Fate::NotStarted),
        (503, json!("down"), Kind::Unavailable, Fate::Unknown),
        (302, json!({}), Kind::Protocol(Fault::Redirect), Fate::Unknown),
        (204, json!({}), Kind::Protocol(Fault::Status), Fate::Unknown),
    ];
    for (status, body, wanted, fate) in known {
        let error = read(status, &body).err().unwrap();
        assert_eq!((error.kind(), error.fate()), (wanted, fate), "{status} {body}");
        assert_eq!(error.status(), Some(status));
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("zqsentinel"), "{shown}");
    }
    let error = read(422, &said("zq'1", "it's")).err().unwrap();
    assert_eq!((error.snowflake_code(), error.sql_state()), (None, None), "no codes");
    let error = read(422, &said("002003", "42S02")).err().unwrap();
    assert_eq!(
        error.to_string(),
        "missing-or-hidden: an object, role or warehouse does not exist or is not shown to the role, Snowflake 002003, SQL state 42S02, HTTP 422, statement 01ab-cd"
    );
}

#[test]
fn a_clock_that_is_off_is_told_by_the_date() {
    let refused = |skew_s| Reply { skew_s, ..reply(401, &json!({ "code": "390144" })) };
    let kind = |reply: &Reply| failure(reply, None).kind();
    assert_eq!(kind(&refused(Some(3_000))), ErrorKind::ClockSkewed);
    assert_eq!(kind(&refused(Some(60))), ErrorKind::CredentialsRefused);
    assert_eq!(kind(&refused(None)), ErrorKind::CredentialsRefused);
}

#[test]
fn cancellations_and_running() {
    let asked = Handle::read(HANDLE).unwrap();
    let own = json!({ "code": "000604", "statementHandle": HANDLE });
    let other = json!({ "code": "000604", "statementHandle": "99" });
    let ended = json!({ "code": "000605", "statementHandle": HANDLE });
    assert_eq!(of_cancel(&reply(200, &own), &asked), Ok(true));
    assert_eq!(of_cancel(&reply(422, &ended), &asked), Ok(false));
    assert!(of_cancel(&reply(200, &other), &asked).is_err());
    assert!(of_cancel(&reply(200, &json!({})), &asked).is_err());
    assert!(matches!(read(202, &own), Ok(Answer::Running(handle)) if handle == asked));
    assert_eq!(kind(202, &other), (ErrorKind::Protocol(Fault::Handle), Fate::Unknown));
    assert_eq!(kind(202, &json!({})), (ErrorKind::Protocol(Fault::Handle), Fate::Unknown));
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(status in 100_u16..600, body in prop::collection::vec(any::<u8>(), 0..200)) {
        let reply = Reply { status, body, ..Reply::default() };
        prop_assert!(of_statement(&reply, None, Limits::default()).is_err());
        prop_assert!(of_partition(&reply, 1, 1).is_err());
        let _ = of_cancel(&reply, &Handle::read(HANDLE).unwrap());
    }

    #[test]
    fn a_cut_document_is_none(cut in 0_usize..500) {
        let whole = good().to_string();
        prop_assume!(cut < whole.len());
        let reply = Reply { status: 200, body: whole.as_bytes()[..cut].to_vec(), ..Reply::default() };
        let kind = of_statement(&reply, None, Limits::default()).err().map(|e| e.kind());
        prop_assert_eq!(kind, Some(ErrorKind::Protocol(Fault::Document)));
    }
}
