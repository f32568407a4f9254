//! A gateway in between: hands requests on to the real one, and makes of its answers what a test says.

use crate::http::Told;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What a gateway in between makes of an answer. The first word of the request line and its path are said with it; `true` drops the connection.
pub(super) type Lie = Box<dyn FnMut(&str, &mut Told) -> bool + Send>;

/// A gateway in between.
pub(super) struct Between {
    pub(super) at: SocketAddr,
    lie: Arc<Mutex<Lie>>,
    /// The heads of all requests.
    pub(super) asked: Arc<Mutex<Vec<String>>>,
}

impl Between {
    pub(super) fn to(real: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let honest: Lie = Box::new(|_, _| false);
        let lie = Arc::new(Mutex::new(honest));
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (lies, heard) = (Arc::clone(&lie), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                pass(stream.unwrap(), real, &lies, &heard);
            }
        });
        Self { at, lie, asked }
    }

    pub(super) fn tells(&self, lie: impl FnMut(&str, &mut Told) -> bool + Send + 'static) {
        *self.lie.lock().unwrap() = Box::new(lie);
    }

    pub(super) fn is_honest(&self) {
        self.tells(|_, _| false);
    }
}

fn pass(stream: TcpStream, real: SocketAddr, makes: &Mutex<Lie>, asked: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            head.push_str("connection: close\r\n\r\n");
            break;
        }
        if !lower.starts_with("connection:") {
            head.push_str(&line);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut onward = TcpStream::connect(real).unwrap();
    onward.write_all(head.as_bytes()).unwrap();
    onward.write_all(&body).unwrap();
    let mut told = Told::read(onward);
    let request = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
    asked.lock().unwrap().push(head.clone());
    if (makes.lock().unwrap())(&request, &mut told) {
        return;
    }
    let mut text = format!("HTTP/1.1 {} x\r\n", told.status);
    for (name, value) in &told.headers {
        if !["content-length", "connection", "transfer-encoding"].contains(&name.as_str()) {
            let _ = write!(text, "{name}: {value}\r\n");
        }
    }
    let length = told.body.len();
    let _ = write!(text, "content-length: {length}\r\nconnection: close\r\n\r\n");
    let mut stream = stream;
    let _ = stream.write_all(text.as_bytes());
    let _ = stream.write_all(told.body.as_bytes());
}
