//! The trivial participant: it answers every call with the same small JSON object at once, and counts.
//!
//! All sides of `http-call` and `dtm` call it. For a coordinator that answers before a transaction is final it tells when the last
//! confirm, or the last action of a saga, came. It has no books and no barrier, so it costs as little as one can.
//! Read next: `relay.rs`.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::limit::listen;

const ANSWER: &[u8] = br#"{"ok":true}"#;
/// Of every transaction here.
const BRANCHES: u32 = 2;
const PATIENCE: Duration = Duration::from_secs(20);

/// Serves as a process of its own.
pub(crate) fn run() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    listen::until_input_closes(&runtime, serve)
}

/// Serves for ever.
pub(crate) async fn serve(listener: TcpListener) -> anyhow::Result<()> {
    let participant = Arc::new(Participant::default());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let participant = Arc::clone(&participant);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, Arc::clone(&participant)));
            // Ends with an error when the caller hangs up in the midst: an everyday end.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

#[derive(Default)]
struct Participant {
    calls: AtomicU64,
    /// Of transactions named in the query string, as DTM's protocol does.
    last: Mutex<HashMap<String, Last>>,
}

#[derive(Default)]
struct Last {
    seen: u32,
    waiter: Option<oneshot::Sender<()>>,
}

impl Participant {
    fn last(&self) -> MutexGuard<'_, HashMap<String, Last>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn came(&self, id: &str) {
        let mut last = self.last();
        let entry = last.entry(id.to_owned()).or_default();
        entry.seen += 1;
        if entry.seen >= BRANCHES
            && let Some(waiter) = entry.waiter.take()
        {
            last.remove(id);
            // Whoever waited may be gone.
            let _ = waiter.send(());
        }
    }

    /// Waits until the last call of every branch of `id` has come; answers whether it came to that in time.
    async fn settled(&self, id: &str) -> bool {
        let settled = {
            let mut last = self.last();
            let entry = last.entry(id.to_owned()).or_default();
            if entry.seen >= BRANCHES {
                last.remove(id);
                return true;
            }
            let (waiter, settled) = oneshot::channel();
            entry.waiter = Some(waiter);
            settled
        };
        matches!(tokio::time::timeout(PATIENCE, settled).await, Ok(Ok(())))
    }
}

async fn answer(
    request: Request<Incoming>,
    participant: Arc<Participant>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let id = request.uri().query().and_then(transaction).map(str::to_owned);
    let mut status = StatusCode::OK;
    let body = match (request.uri().path(), id) {
        ("/count", _) => Bytes::from(participant.calls.load(Ordering::Relaxed).to_string()),
        ("/settled", Some(id)) => {
            if !participant.settled(&id).await {
                status = StatusCode::GATEWAY_TIMEOUT;
            }
            Bytes::from_static(ANSWER)
        }
        (path, id) => {
            let last = id.filter(|_| matches!(path, "/confirm" | "/action"));
            // A body that breaks off is a caller gone; the answer goes nowhere then.
            let _ = request.into_body().collect().await;
            participant.calls.fetch_add(1, Ordering::Relaxed);
            if let Some(id) = last {
                participant.came(&id);
            }
            Bytes::from_static(ANSWER)
        }
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// The transaction that a query string names.
fn transaction(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("gid="))
}
