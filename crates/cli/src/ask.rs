//! Asks a running server one thing over HTTP. It repeats nothing and judges nothing.

use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// Longer than the longest `wait_ms`.
const PATIENCE: Duration = Duration::from_secs(75);
const PATIENCE_TO_CONNECT: Duration = Duration::from_secs(5);

/// Which server, and what to show it.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Server {
    /// Where the server listens [variable: TERCET_URL]
    #[arg(
        long,
        global = true,
        env = "TERCET_URL",
        hide_env = true,
        default_value = "http://127.0.0.1:36789"
    )]
    url: String,
    /// The bearer token to show [variable: TERCET_TOKEN, which the list of processes does not show]
    #[arg(long, global = true, env = "TERCET_TOKEN", hide_env = true, hide_env_values = true)]
    token: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    /// HTTP status.
    pub(crate) status: u16,
    /// The JSON of the body; `Null` when there is none.
    pub(crate) body: Value,
    /// The body as it came.
    pub(crate) text: String,
}

/// What to ask.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) method: Method,
    /// Path and query, encoded.
    pub(crate) path: String,
    /// JSON.
    pub(crate) body: Option<String>,
}

impl Server {
    /// The one at this URL.
    #[cfg(feature = "databases")]
    pub(crate) fn at(url: &str, token: Option<String>) -> Server {
        Server { url: url.to_owned(), token }
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// When the server cannot be reached, or its answer is no HTTP. Nobody knows then what it did.
    pub(crate) fn ask(&self, question: &Question) -> anyhow::Result<Reply> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let asked = tokio::time::timeout(PATIENCE, self.exchange(question)).await;
            asked.context("no answer in time").flatten().with_context(|| format!("asking {}", self.url))
        })
    }

    async fn exchange(&self, question: &Question) -> anyhow::Result<Reply> {
        let Some(authority) = self.url.trim_end_matches('/').strip_prefix("http://") else {
            bail!("the URL must be http://HOST:PORT");
        };
        let address = if authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
            authority.to_owned()
        } else {
            format!("{authority}:80")
        };
        let stream = tokio::time::timeout(PATIENCE_TO_CONNECT, TcpStream::connect(&address))
            .await
            .context("no connection in time")??;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let mut request = Request::builder()
            .method(question.method.clone())
            .uri(&question.path)
            .header("host", authority)
            .header("content-type", "application/json");
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = question.body.clone().map_or_else(Bytes::new, Bytes::from);
        let response = sender.send_request(request.body(Full::new(body))?).await?;
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await?.to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Reply { status, body: serde_json::from_str(&text).unwrap_or(Value::Null), text })
    }
}

/// A `GET` of this path.
pub(crate) fn get(path: String) -> Question {
    Question { method: Method::GET, path, body: None }
}

/// A `POST` of this body to this path.
pub(crate) fn post(path: String, body: &Value) -> Question {
    post_text(path, body.to_string())
}

/// A `POST` of this JSON, byte for byte, to this path.
pub(crate) fn post_text(path: String, json: String) -> Question {
    Question { method: Method::POST, path, body: Some(json) }
}

/// The reply, or the refusal in words: its code first, so that a script can look for it.
pub(crate) fn judged(reply: &Reply) -> Result<&Reply, String> {
    if (200..300).contains(&reply.status) {
        return Ok(reply);
    }
    let text = |name: &str| reply.body[name].as_str().unwrap_or_default();
    if text("code").is_empty() {
        return Err(format!("HTTP {}: {}", reply.status, reply.text.trim()));
    }
    let at = match text("at") {
        "" => String::new(),
        at => format!(" (at {at})"),
    };
    Err(format!("{}: {}{at}", text("code"), text("detail")))
}

/// An id as one segment of a path: ids may hold `/` and `:`.
pub(crate) fn segment(id: &str) -> String {
    encode(id)
}

/// Joins name and value pairs into a query, `?` included; empty when there are none.
pub(crate) fn query(pairs: &[(String, String)]) -> String {
    let joined: Vec<_> =
        pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    if joined.is_empty() { String::new() } else { format!("?{}", joined.join("&")) }
}

fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_one_segment() {
        assert_eq!(segment("a/b:c"), "a%2Fb%3Ac");
        assert_eq!(segment("Order-1._~"), "Order-1._~");
        assert_eq!(query(&[]), "");
        let pairs = [("label.a".to_owned(), "x&y".to_owned()), ("limit".to_owned(), "5".to_owned())];
        assert_eq!(query(&pairs), "?label.a=x%26y&limit=5");
    }
}
