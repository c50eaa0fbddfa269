//! One keep-alive HTTP connection of an initiator to the coordinator (or of the demo to a participant).
//!
//! It reconnects at the next question after a failure and never repeats a question by itself: whether to ask again is
//! the caller's to decide. Read next: `orders.rs`.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// Longer than any `wait_ms` the demo uses.
const PATIENCE: Duration = Duration::from_secs(20);

/// What came back: the HTTP status and its JSON.
pub(crate) struct Reply {
    /// HTTP status.
    pub(crate) status: u16,
    /// The body; `Null` when there is none.
    pub(crate) body: Value,
}

/// A connection, opened when first needed.
pub(crate) struct Wire {
    to: SocketAddr,
    open: Option<SendRequest<Full<Bytes>>>,
}

impl Wire {
    /// Opens nothing yet.
    pub(crate) fn new(to: SocketAddr) -> Wire {
        Wire { to, open: None }
    }

    /// `GET path`. `Err`: no answer, whatever may have happened over there.
    pub(crate) async fn get(&mut self, path: &str) -> anyhow::Result<Reply> {
        self.ask(Request::get(path), Bytes::new()).await
    }

    /// `POST path` with a JSON body. `Err`: no answer, whatever may have happened over there.
    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> anyhow::Result<Reply> {
        let post = Request::post(path).header("content-type", "application/json");
        self.ask(post, Bytes::from(body.to_string())).await
    }

    async fn ask(&mut self, head: hyper::http::request::Builder, body: Bytes) -> anyhow::Result<Reply> {
        let request = head.header("host", self.to.to_string()).body(Full::new(body))?;
        let reply = tokio::time::timeout(PATIENCE, self.exchange(request)).await.context("no answer in time");
        match reply {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(fault)) | Err(fault) => {
                self.open = None;
                Err(fault)
            }
        }
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> anyhow::Result<Reply> {
        let sender = match &mut self.open {
            Some(sender) if !sender.is_closed() => sender,
            closed => closed.insert(connect(self.to).await?),
        };
        sender.ready().await?;
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await?.to_bytes();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes)? };
        Ok(Reply { status, body })
    }
}

/// Percent-encodes an id for a path, or a cursor for a query.
pub(crate) fn in_path(text: &str) -> String {
    let kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if kept(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

async fn connect(to: SocketAddr) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // It ends by itself when the sender is dropped or the other side is gone.
    tokio::spawn(connection);
    Ok(sender)
}
