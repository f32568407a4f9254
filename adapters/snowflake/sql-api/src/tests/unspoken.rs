//! Nothing that is secret, or a value, is said: in errors, in lines of a log, in what is shown of a thing.

use super::playing::{Play, Server};
use super::*;
use crate::{Binding, Statement};
use std::io::Write;
use std::sync::Mutex;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn nothing_secret_is_said() {
    let lines = Lines::default();
    let sink = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || sink.clone())
        .finish();
    // Of the whole process: whatever other tests say meanwhile is looked at as well.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let said = |code: &str| json!({ "code": code, "sqlState": "42000", "message": "zqplatform", "statementHandle": HANDLE });
    let plays: Vec<(u16, Value)> = vec![
        (200, result(&[1])),
        (202, running()),
        (401, said("390144")),
        (422, said("001003")),
        (429, said("390505")),
        (503, said("zqcode")),
        (200, json!("zqplatform")),
    ];
    let mut shown = String::new();
    for (status, body) in plays {
        let server = Server::playing(move |_, _| Play::Json(status, body.clone())).await;
        let settings = Settings { proxy: None, ..quick() };
        let client = client(&server, settings);
        let statement = Statement::new("SELECT 'zqliteral', ?").bind(Binding::text("zqvalue"));
        let call = call().at_most(ms(1_000));
        let found = client.execute(&statement, call.clone()).await;
        shown = format!("{shown}{client:?} {statement:?} {call:?} {found:?}");
        if let Err(error) = found {
            shown.push_str(&error.to_string());
        }
    }
    let proxied = Settings { proxy: Some("http://user:zqword@127.0.0.1:1".to_owned()), ..quick() };
    shown = format!("{shown}{proxied:?}");
    let lines = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(lines.contains("Snowflake answered"), "{lines}");
    assert!(!lines.contains("zq"), "{lines}");
    assert!(!shown.contains("zq"), "{shown}");
}
