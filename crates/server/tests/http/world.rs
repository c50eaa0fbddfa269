//! A server of its own for each test: engine, journal and archive in memory, listeners on free ports of the loopback.

use std::net::SocketAddr;

use bytes::Bytes;
use engine::{Heard, Network, Parts, Running};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use server::{Config, Server};
use tokio::net::TcpStream;
use transaction::{Call, Reply};

/// A running server.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) running: Running,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

/// Participants whose URL says how they answer: `/refuse` refuses, `/never` does not answer, all others do it.
struct Participants;

impl Network for Participants {
    fn send(&self, calls: Vec<(Call, Heard)>) {
        for (call, heard) in calls {
            match call.url.rsplit('/').next().unwrap_or_default() {
                "refuse" => heard(Reply::Refused { detail: "no".into() }),
                "never" => drop(heard),
                _ => heard(Reply::Done { result: None }),
            }
        }
    }
}

/// The defaults, on free ports.
pub(crate) fn config() -> Config {
    let free: SocketAddr = "127.0.0.1:0".parse().unwrap();
    Config::new(free, free)
}

/// A server with the defaults.
pub(crate) async fn world() -> World {
    world_of(config()).await
}

/// A server with these settings.
pub(crate) async fn world_of(config: Config) -> World {
    let running = engine::start(&engine::Config::default(), Parts::in_memory(Participants)).unwrap();
    let server = server::listen(config, running.engine.clone(), Default::default()).await.unwrap();
    World { server, running }
}

impl World {
    /// A connection of its own.
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.server.http_addr()).await.unwrap()
    }

    /// `GET`.
    pub(crate) async fn get(&self, path: &str) -> Seen {
        self.ask(http::Request::get(path), "").await
    }

    /// `POST` of a body.
    pub(crate) async fn post(&self, path: &str, body: &str) -> Seen {
        self.ask(http::Request::post(path), body).await
    }

    /// `POST` of a body with an `Idempotency-Key`.
    pub(crate) async fn post_with_key(&self, path: &str, body: &str, key: &str) -> Seen {
        self.ask(http::Request::post(path).header("idempotency-key", key), body).await
    }

    /// Any request, on a connection of its own.
    pub(crate) async fn ask(&self, request: http::request::Builder, body: &str) -> Seen {
        ask_at(self.server.http_addr(), request, body).await
    }

    /// Ends server and engine.
    pub(crate) async fn end(self) {
        self.server.stop().await;
        tokio::task::spawn_blocking(move || self.running.stop()).await.unwrap();
    }
}

/// Any request to a server at `address`, on a connection of its own.
pub(crate) async fn ask_at(address: SocketAddr, request: http::request::Builder, body: &str) -> Seen {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = request.header("host", "tercet").body(Full::new(Bytes::from(body.to_owned()))).unwrap();
    let response = sender.send_request(request).await.unwrap();
    let (head, body) = response.into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    connection.abort();
    Seen { status: head.status.as_u16(), headers: head.headers, text }
}

impl Seen {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Status, and the code of the problem that the body is.
    pub(crate) fn refusal(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.text);
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        let code = problem["code"].as_str().unwrap();
        assert_eq!(problem["type"], format!("urn:tercet:refusal:{code}"));
        assert!(problem["title"].is_string() && problem["detail"].is_string());
        (self.status, code.to_owned())
    }
}
