//! A plain HTTP/1.1 caller over one connection a request: it adds nothing that nobody asked for. Half an answer
//! is no answer.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// Longer than any `wait_ms` of a test.
const READ_TIMEOUT: Duration = Duration::from_secs(70);

/// Where to ask, and with which token.
#[derive(Clone, Debug)]
pub struct Http {
    /// The server.
    pub address: SocketAddr,
    /// The bearer token, where it needs one.
    pub token: Option<String>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// `Null` when the body is no JSON.
    pub body: Value,
    /// The body as it came.
    pub text: String,
}

impl Reply {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The code of a refusal; empty when it is none.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// Fails unless it is this refusal, in the form of RFC 9457.
    pub fn is_refusal(&self, status: u16, code: &str) -> &Reply {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.text);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.body["status"], status, "{}", self.text);
        for name in ["type", "title", "detail"] {
            assert!(self.body[name].as_str().is_some_and(|text| !text.is_empty()), "{name} of {}", self.text);
        }
        self
    }

    /// Fails unless it has this HTTP status.
    pub fn is(&self, status: u16) -> &Reply {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }
}

impl Http {
    /// `GET`.
    ///
    /// # Errors
    /// No whole answer came.
    pub fn try_get(&self, path: &str) -> io::Result<Reply> {
        self.send(("GET", path), &[], b"")
    }

    /// `POST` of JSON.
    ///
    /// # Errors
    /// No whole answer came.
    pub fn try_post(&self, path: &str, body: &Value) -> io::Result<Reply> {
        self.send(("POST", path), &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    /// Any request, byte for byte.
    ///
    /// # Errors
    /// No whole answer came.
    pub fn send(
        &self,
        (method, path): (&str, &str),
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Reply> {
        let mut stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(5))?;
        stream.set_read_timeout(Some(READ_TIMEOUT))?;
        stream.set_nodelay(true)?;
        let mut request =
            format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.address);
        if let Some(token) = &self.token {
            request.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        if method != "GET" || !body.is_empty() {
            request.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        request.push_str("\r\n");
        let mut bytes = request.into_bytes();
        bytes.extend_from_slice(body);
        // A server may refuse and close before it has read everything; its answer is what counts then.
        let written = stream.write_all(&bytes);
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        match parse(&answer) {
            Some(reply) => Ok(reply),
            None => {
                Err(written.and(read.map(drop)).err().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into()))
            }
        }
    }
}

/// A whole answer, or nothing: half an answer tells nobody anything.
fn parse(bytes: &[u8]) -> Option<Reply> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let header =
        |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let rest = &bytes[end + 4..];
    let body = match (header("content-length"), header("transfer-encoding")) {
        (Some(length), _) => rest.get(..length.parse().ok()?)?.to_vec(),
        (None, Some("chunked")) => unchunk(rest)?,
        (None, _) => rest.to_vec(),
    };
    let text = String::from_utf8_lossy(&body).into_owned();
    Some(Reply { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), text })
}

fn unchunk(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = bytes.windows(2).position(|window| window == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&bytes[..line]).ok()?, 16).ok()?;
        let rest = &bytes[line + 2..];
        body.extend_from_slice(rest.get(..length)?);
        if length == 0 {
            return Some(body);
        }
        bytes = rest.get(length + 2..)?;
    }
}
