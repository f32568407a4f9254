//! A server that plays what a test wrote, one answer for each request, and keeps what it was asked.

use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// What was asked.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

impl Request {
    /// `submit`, `poll`, `cancel`, or the partition's number.
    pub(super) fn what(&self) -> String {
        let partition = self.query.split('&').find_map(|pair| pair.strip_prefix("partition="));
        match (self.method.as_str(), partition) {
            ("POST", _) if self.path.ends_with("/cancel") => "cancel".to_owned(),
            ("POST", _) => "submit".to_owned(),
            (_, Some(number)) => number.to_owned(),
            (_, None) => "poll".to_owned(),
        }
    }

    pub(super) fn asks(&self, pair: &str) -> bool {
        self.query.split('&').any(|own| own == pair)
    }
}

/// What is answered.
pub(super) enum Play {
    /// A document.
    Json(u16, Value),
    /// Whatever: status, headers, body.
    Raw(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// The connection closes without an answer.
    Cut,
    /// Half of a document.
    Half(Value),
    /// Another answer, later.
    Later(Duration, Box<Self>),
    /// Another answer, once this is told.
    Once(CancellationToken, Box<Self>),
    /// So many bytes without a length.
    Endless(usize),
}

/// The server.
pub(super) struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<Request>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Plays what the function says for the request of that number.
    pub(super) async fn playing(
        play: impl Fn(usize, &Request) -> Play + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (kept, play) = (Arc::clone(&asked), Arc::new(play));
        let task = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (kept, play) = (Arc::clone(&kept), Arc::clone(&play));
                tokio::spawn(async move {
                    let Some(request) = read(&mut stream).await else { return };
                    let number = {
                        let mut kept = kept.lock().unwrap();
                        kept.push(request.clone());
                        kept.len() - 1
                    };
                    write(&mut stream, play(number, &request)).await;
                });
            }
        });
        Self { port, asked, task }
    }

    pub(super) fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(super) fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap().clone()
    }

    /// What was asked, in short.
    pub(super) fn what(&self) -> Vec<String> {
        self.asked().iter().map(Request::what).collect()
    }

    /// Waits until so many were asked.
    pub(super) async fn until(&self, count: usize) {
        for _ in 0..6_000 {
            if self.asked().len() >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("asked {:?}, not {count}", self.what());
    }
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4_096]);
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
    let mut lines = text.split("\r\n");
    let mut words = lines.next().unwrap().split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = bytes[head + 4..].to_vec();
    while body.len() < length {
        let count = stream.read(&mut piece).await.ok().filter(|count| *count > 0)?;
        body.extend_from_slice(&piece[..count]);
    }
    let (method, path, query) = (method.to_owned(), path.to_owned(), query.to_owned());
    Some(Request { method, path, query, headers, body: String::from_utf8(body).unwrap() })
}

async fn write(stream: &mut TcpStream, play: Play) {
    let (status, headers, body, sent) = match play {
        Play::Json(status, value) => {
            let body = value.to_string().into_bytes();
            let sent = body.len();
            (status, Vec::new(), body, sent)
        }
        Play::Raw(status, headers, body) => {
            let sent = body.len();
            (status, headers, body, sent)
        }
        Play::Half(value) => {
            let body = value.to_string().into_bytes();
            let sent = body.len() / 2;
            (200, Vec::new(), body, sent)
        }
        Play::Later(wait, play) => {
            tokio::time::sleep(wait).await;
            return Box::pin(write(stream, *play)).await;
        }
        Play::Once(told, play) => {
            told.cancelled().await;
            return Box::pin(write(stream, *play)).await;
        }
        Play::Cut => return,
        Play::Endless(count) => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").await;
            for _ in 0..count / 1_000 {
                if stream.write_all(&[b' '; 1_000]).await.is_err() {
                    return;
                }
            }
            return;
        }
    };
    let mut head =
        format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
    for (name, value) in headers {
        head.extend([name, ": ", value.as_str(), "\r\n"]);
    }
    head.push_str("\r\n");
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(&body[..sent]).await;
    let _ = stream.shutdown().await;
}
