//! The least HTTP/1.1 that a load needs: one request at a time on a kept-alive connection, bodies by Content-Length.
//!
//! Written by hand so that the load costs little, and costs both sides alike. It must never speak to anything but
//! the sides of a measurement: what it does not know (chunks, upgrades, other versions) is an error.
//! Read next: `load.rs`.

use std::io::Write;
use std::net::SocketAddr;

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const HEAD_LIMIT: usize = 16 * 1024;

/// An answer, borrowed from its connection.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

/// A kept-alive connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

struct Head {
    status: u16,
    length: usize,
}

impl Connection {
    pub(crate) async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream =
            TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        Self::over(stream)
    }

    pub(crate) fn over(stream: TcpStream) -> anyhow::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Connection { stream, buffer: Vec::with_capacity(8 * 1024) })
    }

    /// Sends a whole request, as [`post`] or [`get`] wrote it, and reads the whole answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.buffer.clear();
        self.stream.write_all(request).await?;
        let (head, body_at) = loop {
            if let Some(end) = end_of_head(&self.buffer) {
                break (read_head(&self.buffer[..end])?, end);
            }
            ensure!(self.buffer.len() < HEAD_LIMIT, "an answer's head is larger than {HEAD_LIMIT} bytes");
            self.more().await?;
        };
        let end = body_at + head.length;
        while self.buffer.len() < end {
            self.more().await?;
        }
        ensure!(self.buffer.len() == end, "bytes behind the answer");
        Ok(Answer { status: head.status, body: &self.buffer[body_at..end] })
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        let got = self.stream.read_buf(&mut self.buffer).await?;
        ensure!(got > 0, "the connection was closed");
        Ok(())
    }
}

/// Writes a POST with a JSON body.
pub(crate) fn post(into: &mut Vec<u8>, path: &str, body: &[u8]) {
    let length = body.len();
    // Writing into a Vec cannot fail.
    let _ = write!(
        into,
        "POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    into.extend_from_slice(body);
}

/// Writes a GET.
pub(crate) fn get(into: &mut Vec<u8>, path: &str) {
    let _ = write!(into, "GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n");
}

/// One exchange on a connection of its own, for what is not measured. Blocks.
pub(crate) fn once(address: SocketAddr, request: &[u8]) -> anyhow::Result<(u16, Vec<u8>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let exchange = async {
            let mut connection = Connection::connect(address).await?;
            let answer = connection.exchange(request).await?;
            anyhow::Ok((answer.status, answer.body.to_vec()))
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), exchange)
            .await
            .with_context(|| format!("no answer from {address} within 30 s"))?
    })
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

fn read_head(head: &[u8]) -> anyhow::Result<Head> {
    let head = std::str::from_utf8(head).context("a head that is not text")?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")).and_then(|rest| rest.get(..3));
    let status: u16 = status.and_then(|code| code.parse().ok()).context("not an HTTP/1.1 answer")?;
    for line in lines {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("content-length") {
            let length = value.trim().parse().context("a content-length that is no number")?;
            return Ok(Head { status, length });
        }
    }
    if status == 204 {
        return Ok(Head { status, length: 0 });
    }
    bail!("an answer {status} without a content-length")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// Answers each request on one connection with the next of `answers`, cut into the given pieces.
    async fn scripted(answers: Vec<Vec<&'static [u8]>>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut scratch = vec![0; 4096];
            for pieces in answers {
                assert!(stream.read(&mut scratch).await.unwrap() > 0);
                for piece in pieces {
                    stream.write_all(piece).await.unwrap();
                    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
                }
            }
        });
        address
    }

    #[tokio::test]
    async fn answers_are_read_whole_however_they_are_cut() {
        let address = scripted(vec![
            vec![b"HTTP/1.1 202 Accepted\r\nContent-Le", b"ngth: 5\r\n\r", b"\nhel", b"lo"],
            vec![b"HTTP/1.1 204 No Content\r\n\r\n"],
            vec![b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"],
        ])
        .await;
        let mut connection = Connection::connect(address).await.unwrap();
        let mut request = Vec::new();
        post(&mut request, "/x", b"{}");
        for (status, body) in [(202, &b"hello"[..]), (204, b""), (200, b"{}")] {
            let answer = connection.exchange(&request).await.unwrap();
            assert_eq!((answer.status, answer.body), (status, body));
        }
    }

    #[tokio::test]
    async fn what_it_does_not_know_is_an_error() {
        for (answer, why) in [
            (&b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"[..], "without a content-length"),
            (b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", "not an HTTP/1.1 answer"),
            (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nmore", "bytes behind"),
            (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nless", "was closed"),
        ] {
            let address = scripted(vec![vec![answer]]).await;
            let mut connection = Connection::connect(address).await.unwrap();
            let mut request = Vec::new();
            get(&mut request, "/x");
            let error = connection.exchange(&request).await.unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
