//! One connection that stays: what is sent is said whole, what comes back is read to its end. Must not know what it means.

use crate::Fallible;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The same.
pub(crate) struct Connection {
    stream: TcpStream,
    /// What came, of which a whole answer is one part.
    came: Vec<u8>,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: bool,
    /// Whether the other end closes after it.
    closes: bool,
    head: usize,
    body: usize,
}

impl Connection {
    pub(crate) async fn to(place: SocketAddr) -> Fallible<Self> {
        let stream = TcpStream::connect(place).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, came: Vec::with_capacity(16_384) })
    }

    /// Asks, and reads the answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Fallible<Answer> {
        self.stream.write_all(request).await?;
        self.came.clear();
        let answer = loop {
            if let Some(answer) = answer_of(&self.came)? {
                break answer;
            }
            self.more().await?;
        };
        while self.came.len() < answer.head + answer.body {
            self.more().await?;
        }
        if answer.closes {
            let place = self.stream.peer_addr()?;
            self.stream = TcpStream::connect(place).await?;
        }
        Ok(answer)
    }

    /// The body of the answer that was read last.
    pub(crate) fn body(&self, answer: &Answer) -> &[u8] {
        self.came.get(answer.head..).unwrap_or_default()
    }

    async fn more(&mut self) -> Fallible {
        match self.stream.read_buf(&mut self.came).await? {
            0 => Err("it closed before its answer was whole".into()),
            _ => Ok(()),
        }
    }
}

/// The head of an answer once it is whole.
fn answer_of(came: &[u8]) -> Fallible<Option<Answer>> {
    let Some(head) = came.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(came.get(..head).unwrap_or_default())?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).ok_or("no answer")?;
    let mut answer = Answer {
        status: status.parse()?,
        retry_after: false,
        closes: false,
        head: head + 4,
        body: 0,
    };
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        if name.eq_ignore_ascii_case("content-length") {
            answer.body = value.parse()?;
        } else if name.eq_ignore_ascii_case("retry-after") {
            answer.retry_after = true;
        } else if name.eq_ignore_ascii_case("connection") {
            answer.closes = value.eq_ignore_ascii_case("close");
        }
    }
    Ok(Some(answer))
}
