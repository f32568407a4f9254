//! An HTTP/1.1 client that sends exactly the bytes that a test means, and a gateway that serves for as long as a test lasts.

use crate::world::World;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Stdio};
use std::time::Duration;

/// A gateway that serves.
pub(crate) struct Served<'w> {
    pub(crate) world: &'w World,
    pub(crate) at: SocketAddr,
    /// Where its metrics are, if anywhere.
    pub(crate) measured: Option<SocketAddr>,
    child: Child,
}

/// What it answered.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
    pub(crate) bytes: Vec<u8>,
}

impl Told {
    /// Reads one answer to its end.
    pub(crate) fn read(stream: TcpStream) -> Self {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no answer: {line:?}"));
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        Self { status, headers, body: String::from_utf8_lossy(&body).into_owned(), bytes: body }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// Refused with this status and this code.
    #[track_caller]
    pub(crate) fn is(&self, status: u16, code: &str) {
        assert_eq!(
            (self.status, self.json()["code"].as_str().unwrap_or_default()),
            (status, code),
            "{self:?}"
        );
        assert_eq!(self.headers["content-type"], "application/problem+json");
    }

    #[track_caller]
    pub(crate) fn done(self) -> Value {
        assert!(matches!(self.status, 200..=202), "{self:?}");
        self.json()
    }
}

impl<'w> Served<'w> {
    /// Serves this world's folder, at a port that is free.
    pub(crate) fn start(world: &'w World) -> Self {
        Self::start_as(world, &[], Stdio::inherit())
    }

    /// The same with more arguments, and what it writes down put elsewhere.
    pub(crate) fn start_as(world: &'w World, more: &[&str], written: Stdio) -> Self {
        let mut command = world.command(&["serve", "--listen", "127.0.0.1:0"]);
        let mut child = command.args(more).stderr(written).spawn().unwrap();
        let mut line = String::new();
        let out = child.stdout.as_mut().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let said: Value =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("it said {line:?}"));
        let at = said["listening"].as_str().unwrap().parse().unwrap();
        let measured = said["metrics"].as_str().map(|place| place.parse().unwrap());
        Self { world, at, measured, child }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.at).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream
    }

    /// What is measured now, as it is read.
    pub(crate) fn metrics(&self) -> String {
        let mut stream = TcpStream::connect(self.measured.unwrap()).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
            .unwrap();
        let told = Told::read(stream);
        assert_eq!(told.status, 200, "{told:?}");
        told.body
    }

    /// One request with these header lines.
    pub(crate) fn ask(&self, method: &str, path: &str, lines: &[String], body: &str) -> Told {
        let mut stream = self.connect();
        let mut text =
            format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.at);
        for line in lines {
            text.push_str(line);
            text.push_str("\r\n");
        }
        if !body.is_empty() {
            let _ = write!(text, "Content-Length: {}\r\n", body.len());
        }
        text.push_str("\r\n");
        text.push_str(body);
        stream.write_all(text.as_bytes()).unwrap();
        Told::read(stream)
    }

    /// Somebody with these roles of a member.
    pub(crate) fn caller(&self, member: &str, roles: &[&str]) -> Calling<'_> {
        let mut words = vec!["token", "--as", member];
        for role in roles {
            words.extend(["--role", role]);
        }
        let token = self.world.airlock(&words).done()["token"].as_str().unwrap().to_owned();
        Calling { served: self, token }
    }

    /// Ends as if the machine had.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asked to end by a signal, it ends with this code.
    pub(crate) fn end(mut self, signal: &str) -> Option<i32> {
        let id = self.child.id().to_string();
        std::process::Command::new("kill").args([signal, &id]).status().unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Served<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Somebody who calls.
pub(crate) struct Calling<'s> {
    pub(crate) served: &'s Served<'s>,
    pub(crate) token: String,
}

impl Calling<'_> {
    fn bearer(&self) -> String {
        format!("Authorization: Bearer {}", self.token)
    }

    pub(crate) fn get(&self, path: &str) -> Told {
        self.served.ask("GET", path, &[self.bearer()], "")
    }

    /// A change tied to what is there now, under a key.
    pub(crate) fn change(&self, path: &str, key: &str, looked: Option<&str>, body: &str) -> Told {
        let mut lines = vec![
            self.bearer(),
            "Content-Type: application/json".to_owned(),
            format!("Idempotency-Key: {key}"),
        ];
        lines.extend(looked.map(|mark| format!("If-Match: {mark}")));
        self.served.ask("POST", path, &lines, body)
    }

    /// A change of which path and body say everything, done once under a key.
    pub(crate) fn once(&self, path: &str, key: &str, body: &str) -> Told {
        if !body.is_empty() {
            return self.change(path, key, None, body);
        }
        let lines = [self.bearer(), format!("Idempotency-Key: {key}")];
        self.served.ask("POST", path, &lines, "")
    }

    /// What a stream of events says, until it ends.
    pub(crate) fn events(&self, path: &str) -> Vec<Value> {
        let mut stream = self.served.connect();
        let text = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\n{}\r\nConnection: close\r\n\r\n",
            self.served.at,
            self.bearer()
        );
        stream.write_all(text.as_bytes()).unwrap();
        let lines = BufReader::new(stream).lines().map(Result::unwrap);
        let data = lines
            .filter_map(|line| Some(serde_json::from_str(line.strip_prefix("data: ")?).unwrap()));
        data.collect()
    }

    /// A withdrawal.
    pub(crate) fn revoke(&self, collaboration: &str, body: &str) -> Told {
        let path = format!("/v1/collaborations/{collaboration}/revocations");
        let lines = [self.bearer(), "Content-Type: application/json".to_owned()];
        self.served.ask("POST", &path, &lines, body)
    }
}
