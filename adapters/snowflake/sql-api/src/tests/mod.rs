//! The client over sockets: against a server that plays what a test wrote, and against the twin.

mod abandoning;
mod following;
mod playing;
mod results;
mod submitting;
mod twin;
mod twin_hostile;
mod unspoken;

use crate::{
    Address, Call, Client, Clock, FetchedTokens, Limits, Pace, Renewal, Settings, Token, TokenKind,
    Tokens,
};
use playing::Server;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const HANDLE: &str = "01ab-cd";

fn ms(number: u64) -> Duration {
    Duration::from_millis(number)
}

/// Looks and tries again soon, so that tests are quick; what is late on a busy machine is waited for.
fn quick() -> Settings {
    let limits = Limits { answer: ms(20_000), cancel: ms(20_000), ..Limits::default() };
    let (polling, retrying) =
        (Pace { first: ms(5), most: ms(20) }, Pace { first: ms(5), most: ms(20) });
    Settings { limits, polling, retrying, tries_max: 3, ..Settings::default() }
}

fn clock() -> Clock {
    Arc::new(|| 784_111_777_000)
}

/// Tokens `zqtoken1`, `zqtoken2`: the next after each that was refused.
fn tokens() -> Arc<dyn Tokens> {
    let count = AtomicUsize::new(1);
    Arc::new(FetchedTokens::new(move |renewal| {
        let refused = usize::from(renewal == Renewal::Now);
        let number = count.fetch_add(refused, Ordering::SeqCst) + refused;
        async move { Ok(Token::new(format!("zqtoken{number}"), TokenKind::OAuth)) }
    }))
}

fn client(server: &Server, settings: Settings) -> Client {
    let address = Address::new(&server.base()).unwrap();
    Client::new(address, tokens(), clock(), settings).unwrap()
}

fn call() -> Call {
    Call::random().unwrap().at_most(ms(60_000))
}

fn running() -> Value {
    json!({ "code": "333334", "statementHandle": HANDLE, "message": "running" })
}

/// A result of one text column in partitions of so many rows; the rows of the first stand in it.
fn result(counts: &[usize]) -> Value {
    let rows = |count: usize| (0..count).map(|n| json!([format!("r{n}")])).collect::<Vec<_>>();
    let info: Vec<_> = counts.iter().map(|count| json!({ "rowCount": count })).collect();
    json!({
        "code": "090001", "statementHandle": HANDLE, "sqlState": "00000", "message": "zqplatform",
        "resultSetMetaData": {
            "numRows": counts.iter().sum::<usize>(), "format": "jsonv2", "partitionInfo": info,
            "rowType": [{ "name": "A", "type": "text" }],
        },
        "data": rows(counts[0]),
    })
}
