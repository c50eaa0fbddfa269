//! Accepts connections, as many as the limit allows, and answers their requests until told to stop.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::Serving;
use super::patience::{Doing, Patient};
use crate::listen::{Running, STOP_WITHIN};

/// What a connection beyond the limit is told.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n\
    Content-Type: application/problem+json\r\nContent-Length: 150\r\n\r\n\
    {\"type\":\"urn:tercet:refusal:overloaded\",\"title\":\"More is asked than can be done now\",\"status\":503,\
    \"detail\":\"too many connections\",\"code\":\"overloaded\"}";

/// Bytes of one request's head, and of what is read ahead.
const HEAD_BYTES: usize = 32 * 1024;
const HEADERS: usize = 64;

/// Serves until told to stop, then lets what is under way finish.
pub(crate) async fn serve(
    listener: TcpListener,
    serving: Arc<Serving>,
    mut stopping: watch::Receiver<Running>,
) {
    let places = Arc::new(Semaphore::new(serving.limits.connections));
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.max_buf_size(HEAD_BYTES).max_headers(HEADERS).header_read_timeout(None);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = accept(&listener) => accepted,
            _ = stopping.wait_for(|running| *running == Running::Stopping) => break,
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            serving.meters.connections_refused.inc();
            // A fresh connection has room for this; one that has not does not get it.
            let _ = stream.try_write(FULL);
            continue;
        };
        serving.meters.connections.inc();
        let connection =
            Connection { serving: Arc::clone(&serving), from: peer.ip().to_canonical(), _place: place };
        let doing = Doing::opened();
        let stream = TokioIo::new(Patient::new(stream, doing.clone(), &serving.limits));
        let held = Arc::new(connection);
        let service = service_fn(move |request| {
            doing.busy();
            let (connection, doing) = (Arc::clone(&held), doing.clone());
            async move {
                let response = connection.serving.respond(connection.from, request).await;
                doing.idle();
                Ok::<_, Infallible>(response)
            }
        });
        let told = Arc::clone(&serving);
        let conversation = graceful.watch(http.serve_connection(stream, service));
        tokio::spawn(async move {
            if let Err(error) = conversation.await {
                if is_slow(&error) {
                    told.meters.connections_slow.inc();
                }
                tracing::debug!(%error, "a connection broke off");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(STOP_WITHIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still under way after {STOP_WITHIN:?} and are left");
    }
}

/// The next connection; waits a moment when the system has none to give.
pub(crate) async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are small and whole: waiting to fill a packet would only delay them.
                let _ = stream.set_nodelay(true);
                return (stream, peer);
            }
            Err(error) => {
                tracing::warn!(%error, "no connection could be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Whether the connection was given up because its peer was too slow.
fn is_slow(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::TimedOut)
}

/// One open connection, with its place among those allowed.
struct Connection {
    serving: Arc<Serving>,
    from: IpAddr,
    _place: OwnedSemaphorePermit,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.serving.meters.connections.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_beyond_the_limit_is_whole() {
        let text = std::str::from_utf8(FULL).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{} bytes", body.len());
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(problem["code"], engine::refusal::OVERLOADED.code);
        assert_eq!(problem["title"], engine::refusal::OVERLOADED.title);
    }
}
